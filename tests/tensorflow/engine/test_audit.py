"""What every op gets: each network's breaks are named, what is exact is not, and nothing inexact is silent."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal, weights

from deepexplain.errors import DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine.audit import Audit
from deepexplain.tensorflow.rules.book import Decision, Rule
from deepexplain.tensorflow.runtime.graph import Step

OLD = tf.__version__.startswith('1.')


def linear(h, outputs=3, seed=1):
    return tf.matmul(h, weights(int(h.shape[1]), outputs, seed=seed, dtype=h.dtype))


def batch_norm(X):
    image = tf.cast(tf.reshape(X, [-1, 2, 2, 1]), tf.float32)
    scale = [[1.5], [0.0], [0.3], [2.0]]  # no offset after all: 0 at 0, for elrp
    normal_image, _, _ = tf.nn.fused_batch_norm(image - 0.3 + 0.3, *scale, is_training=False)
    shift = tf.constant(0.3 / np.sqrt(2.001) * 1.5, tf.float32)
    return tf.reshape(normal_image, [-1, 4]) + shift


def max_pool(X):
    return tf.reshape(tf.nn.max_pool(tf.reshape(X, [-1, 2, 2, 1]), [1, 2, 1, 1], [1] * 4, 'VALID'), [-1, 2])


def loop(X):
    return tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, tf.nn.leaky_relu(h) * 2.0), (0, X))[1]


def called(X):
    if OLD:
        return tf.nn.leaky_relu(X)  # TensorFlow 1 has no tf.function that a graph can differentiate so
    return tf.function(tf.nn.leaky_relu, autograph=False)(X)


@tf.custom_gradient
def doubled(z):
    return 2.0 * z, lambda grad: 3.0 * grad


#: name -> function of X [samples, 4] without biases, and op types at which deeplift, elrp and intgrad break.
CASES = {
    'linear layers': (lambda X: linear(linear(X)), '', '', ''),
    'the five': (lambda X: tf.tanh(linear(tf.nn.elu(linear(tf.nn.relu(X))))), '', '', ''),
    'batch normalization': (batch_norm, '', '', ''),
    'mean over a shape': (lambda X: tf.reduce_sum(X, 1, keepdims=True) / tf.cast(tf.shape(X)[1], X.dtype), '', '', ''),
    'average': (lambda X: tf.reduce_mean(linear(X), 1, keepdims=True), '', '', ''),
    'mask': (lambda X: tf.where(tf.tile([[True, False, True, True]], [tf.shape(X)[0], 1]), X, 0 * X), '', '', ''),
    'casts': (lambda X: tf.cast(tf.cast(X, tf.float32), tf.float64), '', '', ''),
    'slices and pads': (lambda X: tf.pad(tf.stack([X[:, 0], X[:, 3]], 1)[:, ::-1], [[0, 0], [1, 0]]), '', '', ''),
    'lookup by constant ids': (lambda X: tf.gather(X, [2, 2, 0], axis=1), '', '', ''),
    'leaky relu': (lambda X: tf.nn.leaky_relu(linear(X)), 'LeakyRelu', '', ''),
    'max pooling': (max_pool, 'MaxPool', '', ''),
    'maximum with 0': (lambda X: tf.maximum(linear(X), 0.0), 'Maximum', '', ''),
    'maximum with 1': (lambda X: tf.maximum(linear(X), 1.0), 'Maximum', 'Maximum', ''),
    'global max': (lambda X: tf.reduce_max(X, 1, keepdims=True), 'Max', '', ''),
    'sorted': (lambda X: tf.nn.top_k(X, 2).values, 'TopKV2', '', ''),
    'absolute': (tf.abs, 'Abs', '', ''),
    'relu6': (lambda X: tf.nn.relu6(4 * X), 'Relu6', 'Relu6', ''),
    'square': (tf.square, 'Square', 'Square', ''),
    'product': (lambda X: X[:, :2] * X[:, 2:], 'Mul', 'Mul', ''),
    'quotient': (lambda X: X[:, :1] / (tf.square(X[:, 1:]) + 1), 'Square RealDiv', 'Square RealDiv', ''),
    'softmax': (lambda X: tf.nn.softmax(linear(X)), 'Softmax', 'Softmax', ''),
    'pieces': (lambda X: tf.where(X > 0, X, 0.1 * X), 'Select', '', ''),
    'loop': (loop, 'LeakyRelu', '', ''),
    'called': (called, 'LeakyRelu', '', ''),
    'custom gradient': (doubled, 'IdentityN', 'IdentityN', None),
    'step': (lambda X: X + tf.round(X), 'Round', 'Round', 'Round'),
    'condition as a number': (lambda X: X + tf.cast(X > 0.3, X.dtype), 'Cast', 'Cast', 'Cast'),
    'chosen by argmax': (
        lambda X: X + tf.one_hot(tf.argmax(X, 1), 4, dtype=X.dtype),
        'OneHot',
        'OneHot',
        'OneHot',
    ),
}

#: Through these, not even complete rules keep the sum.
NEVER = {'condition as a number', 'chosen by argmax'}


def explainer_and_gap(session, method, build, **arguments):
    """The explainer, what it warned of, and by how much its sum is off what it promises, relative to that."""
    X, xs, baseline = tf.placeholder(tf.float64, [None, 4]), normal(6, 4, seed=5), normal(4, seed=6)
    T = build(X)
    if method != 'elrp':
        arguments['baseline'] = baseline
    with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer(method, T, X, **arguments)
    at_xs, at_baseline = session.run(T, {X: xs}), session.run(T, {X: np.tile(baseline, (6, 1))})
    ys = np.linspace(0.5, 2, at_xs.shape[1])
    expected = (ys * (at_xs - (0 if method == 'elrp' else at_baseline))).sum(axis=1)
    told = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return explainer, told, np.abs(explainer.run(xs, ys).sum(axis=1) - expected).max() / np.abs(expected).max()


def breaks(explainer):
    return {row.type for row in explainer.describe().breaks}


@pytest.mark.parametrize('name', CASES)
def test_deeplift_breaks_where_its_audit_says(session, name):
    build, expected, _, _ = CASES[name]
    explainer, told, gap = explainer_and_gap(session, 'deeplift', build)
    assert breaks(explainer) == set(expected.split())
    unsupported = [message for message in told if message.startswith('Detected unsupported activation')]
    assert len(unsupported) == (1 if expected else 0)
    assert all(f'({op_type})' in unsupported[0] for op_type in expected.split())
    assert (gap < 1e-5) == (not expected)


@pytest.mark.parametrize('name', sorted(set(CASES) - NEVER))
def test_complete_rules_leave_no_break(session, name):
    explainer, _, gap = explainer_and_gap(session, 'deeplift', CASES[name][0], rules='complete', strict=True)
    audit = explainer.describe()
    assert all(row.exact for row in audit.rows)
    assert gap < 1e-5
    plain = {row.treatment for row in audit.rows} & {'plain gradient', 'custom gradient'}
    assert not plain


@pytest.mark.parametrize('name', sorted(NEVER))
def test_complete_rules_name_what_they_cannot_keep(session, name):
    explainer, told, gap = explainer_and_gap(session, 'deeplift', CASES[name][0], rules='complete')
    assert breaks(explainer) == set(CASES[name][1].split())
    assert any("'intgrad' and 'shapley_sampling' need no rules" in message for message in told)
    assert gap > 1e-5


@pytest.mark.parametrize('name', CASES)
def test_elrp_breaks_where_its_audit_says(session, name):
    build, _, expected, _ = CASES[name]
    explainer, told, gap = explainer_and_gap(session, 'elrp', build, epsilon=1e-12)
    assert breaks(explainer) == set(expected.split())
    assert any('no rule' in message for message in told) == bool(expected)
    assert (gap < 1e-5) == (not expected)


@pytest.mark.parametrize('name', CASES)
def test_intgrad_breaks_where_its_audit_says(session, name):
    build, _, _, expected = CASES[name]
    explainer, told, gap = explainer_and_gap(session, 'intgrad', build, steps=500, quadrature='riemann_middle')
    if expected is None:  # nobody can tell
        assert {row.exact for row in explainer.describe().rows if row.type == 'IdentityN'} == {None}
        return
    assert breaks(explainer) == set(expected.split())
    assert any('jumps or passes none' in message for message in told) == bool(expected)
    assert (gap < 0.02) == (not expected)


@pytest.mark.parametrize('method', ['zero', 'saliency', 'grad*input', 'occlusion', 'shapley_sampling'])
def test_methods_without_rules_describe_and_never_warn(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, tf.nn.softmax(tf.round(X) * X), X, strict=True)
    audit = explainer.describe()
    assert audit.breaks == []
    assert [row.type for row in audit.rows] == ['Round', 'Mul', 'Softmax']
    assert {row.exact for row in audit.rows} == ({True} if method == 'shapley_sampling' else {None})


# --- what has no sum of its own


def test_gradients_that_stop_are_not_called_a_break(session):
    # In logsumexp, the largest value is taken off and added again: its gradient is 0 in all.
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de, pytest.warns(DeepExplainWarning) as told:
        explainer = de.get_explainer('deeplift', tf.reduce_logsumexp(X, 1), X)
    assert {row.type: row.exact for row in explainer.describe().rows if row.type == 'StopGradient'} == {
        'StopGradient': None
    }
    assert len(told) == 1
    assert 'StopGradient' not in str(told[0].message)
    assert {'Exp', 'Log'} <= breaks(explainer)


def test_ops_that_only_read_the_shape_are_not_between(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        scaled = X / tf.cast(tf.shape(X)[1], X.dtype) + tf.zeros_like(X) + tf.fill(tf.shape(X), tf.cast(1, X.dtype))
        audit = de.get_explainer('deeplift', scaled, X, strict=True).describe()
    assert {row.treatment for row in audit.rows} == {'linear'}
    assert not {row.type for row in audit.rows} & {'Shape', 'ZerosLike', 'Fill', 'Cast'}


def test_what_is_computed_of_weights_alone_is_not_between(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        kernel = tf.nn.softmax(tf.Variable(normal(4, 3)))  # nonlinear, but not in X
        audit = de.get_explainer('deeplift', tf.matmul(X, kernel), X, strict=True).describe()
    assert [(row.type, row.treatment) for row in audit.rows] == [('MatMul', 'linear')]


# --- describe and strict


def test_the_table_that_describe_prints(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        h = tf.nn.relu(tf.matmul(X, normal(4, 3), name='layer'), name='hidden')
        with pytest.warns(DeepExplainWarning, match='Detected unsupported activation'):
            explainer = de.get_explainer('deeplift', tf.square(h, name='squares'), X)
    lines = str(explainer.describe()).splitlines()
    assert lines[0] == "'deeplift' breaks its sum, T(x) - T(baseline), at 1 of 3 ops between X and T:"
    assert [line.split() for line in lines[1:]] == [
        ['op', 'type', 'treatment', 'exact'],
        ['layer', 'MatMul', 'linear', 'yes'],
        ['hidden', 'Relu', 'rescale', 'yes'],
        ['squares', 'Square', 'plain', 'gradient', 'NO'],
    ]
    assert len({len(line.rstrip()) - len(line.split()[-1]) for line in lines[1:4]}) == 1  # columns stand in line


def test_ops_in_loops_and_functions_are_listed_by_themselves(session):
    for build in (loop, called):
        explainer, _, _ = explainer_and_gap(session, 'deeplift', build, rules='complete')
        types = [row.type for row in explainer.describe().rows]
        assert 'LeakyRelu' in types
        assert not {'While', 'StatelessWhile', 'PartitionedCall', 'StatefulPartitionedCall'} & set(types)


def test_the_warning_names_five_ops_and_counts_the_others(session):
    X = h = tf.placeholder(tf.float64, [None, 4])
    for i in range(7):
        h = tf.square(h, name=f's{i}')
    with DeepExplain(session=session) as de:
        message = (
            r"no rule for 's0' \(Square\), 's1' \(Square\), 's2' \(Square\), 's3' \(Square\), 's4' \(Square\) and 2"
            r' more and uses the plain gradient there, so attributions may not add up to T\(x\) - T\(baseline\)\. '
            r"rules='complete' has rules for all of these"
        )
        with pytest.warns(DeepExplainWarning, match=message):
            de.get_explainer('deeplift', h, X)


def test_the_advice_counts_what_complete_rules_mend(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match="rules='complete' has rules for 1 of these 2;"):
            de.get_explainer('deeplift', tf.square(X) + tf.cumprod(X, 1), X)
        with pytest.warns(DeepExplainWarning, match="'intgrad' and 'shapley_sampling' need no rules"):
            de.get_explainer('deeplift', tf.cumprod(X, 1), X)
        with pytest.warns(DeepExplainWarning, match="'deeplift' with rules='complete' has more rules"):
            de.get_explainer('elrp', tf.square(X), X)


@pytest.mark.parametrize(('method', 'arguments'), [('deeplift', {}), ('deeplift', {'rules': 'complete'}), ('elrp', {})])
def test_strict_raises_instead_of_warning(session, method, arguments):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.cumprod(X, 1, name='products')
        with pytest.raises(GraphError, match=r"has no rule for 'products' \(Cumprod\).* may not add up to T\(x\)"):
            de.get_explainer(method, T, X, strict=True, **arguments)


def test_with_arguments_may_become_strict(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match='Square'):
            explainer = de.get_explainer('deeplift', tf.square(X), X)
        explainer.with_arguments(baseline=1.0).run(normal(2, 4))  # said once, and not again
        with pytest.raises(GraphError, match='Square'):
            explainer.with_arguments(strict=True)
        with pytest.raises(ValueError, match="built for rules='original', not for 'complete'"):
            explainer.with_arguments(rules='complete')


@pytest.mark.parametrize('rules', ['Complete', None, 1, ''])
def test_rules_that_do_not_exist(session, rules):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de, pytest.raises(
        ValueError, match="rules must be one of 'original', 'complete', 'reveal-cancel', 'genomics'; got"
    ):
        de.get_explainer('deeplift', tf.square(X), X, rules=rules)


class Plan:
    at_breaks = '{}'

    def advice(self, breaks):
        return f'Advice for {[decision.rule.name for decision in breaks]}.'


def decision(name, op_type, treatment, exact):
    return Decision(Step(SimpleNamespace(name=name, type=op_type), [0]), Rule(treatment, exact))


def test_an_audit_says_nothing_where_nothing_breaks():
    kept = [decision('a', 'Relu', 'rescale', True), decision('b', 'StopGradient', 'no gradient', None)]
    Audit('m', 'T(x)', kept).say(Plan(), True)
    broken = [*kept, decision('c', 'Square', 'plain gradient', False)]
    Audit('m', None, broken).say(Plan(), True)
    message = r"'c' \(Square\), so attributions may not add up to T\(x\)\. Advice for \['plain gradient'\]\."
    with pytest.raises(GraphError, match='^' + message):
        Audit('m', 'T(x)', broken).say(Plan(), True)
