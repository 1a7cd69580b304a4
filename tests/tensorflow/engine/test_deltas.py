"""Exact and off: where a sum does not hold though every rule keeps it, that is said, and what jumps is named."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal, weights

from deepexplain.errors import DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain

OLD = tf.__version__.startswith('1.')


def layer(X, seed=1):
    return tf.matmul(X, weights(4, 4, seed=seed))


def pieces(condition, a, b):
    """A choice between two functions of one layer."""

    def build(X):
        h = layer(X)
        return tf.where(condition(h), a(h), b(h))

    return build


def zero(h):
    return tf.zeros_like(h)


def rows_turn(X):
    positive = tf.tile(tf.reduce_sum(X, 1, keepdims=True) > 0.4, [1, 4])
    return tf.where(positive, X, -X)


#: Networks that jump, and the type of the op that does.
JUMPS = {
    'threshold': (pieces(lambda h: h > 0.3, lambda h: h, zero), 'Select'),
    'hard shrink': (pieces(lambda h: tf.abs(h) > 0.5, lambda h: h, zero), 'Select'),
    'window': (pieces(lambda h: tf.logical_and(h > -1.0, h < 0.5), tf.tanh, zero), 'Select'),
    'layer built twice': (lambda X: tf.where(layer(X) > 0.3, layer(X), zero(layer(X))), 'Select'),
    'modulus': (lambda X: X + tf.math.floormod(X, 1.0), 'FloorMod'),
    'division': (lambda X: X + tf.math.floordiv(X, 0.5), 'FloorDiv'),
    'quantized': (lambda X: tf.quantization.fake_quant_with_min_max_args(X, -3, 3, num_bits=3), 'FakeQuant'),
    'quantized and back': (
        lambda X: tf.raw_ops.QuantizeAndDequantizeV2(input=X, input_min=-3.0, input_max=3.0, num_bits=3),
        'QuantizeAndDequantize',
    ),
    'indicator': (lambda X: layer(X) * tf.cast(layer(X) > 0.5, tf.float32), 'Cast'),
}

#: Networks that do not, with choices written out.
CONTINUOUS = {
    'leaky relu': pieces(lambda h: h > 0, lambda h: h, lambda h: 0.1 * h),
    'huber': pieces(lambda h: tf.abs(h) <= 1, lambda h: 0.5 * h * h, lambda h: tf.abs(h) - 0.5),
    'elu': pieces(lambda h: h > 0, lambda h: h, tf.math.expm1),
    'prelu': lambda X: tf.where(layer(X) > 0, layer(X), layer(X) * tf.constant([0.1, 0.2, 0.3, 0.4])),
    'hard sigmoid': pieces(lambda h: h < -2.5, zero, lambda h: tf.where(h > 2.5, tf.ones_like(h), 0.2 * h + 0.5)),
    'relu6': pieces(lambda h: h > 6, lambda h: 6 * tf.ones_like(h), tf.nn.relu),
    'soft shrink': pieces(lambda h: tf.abs(h) > 0.5, lambda h: h - 0.5 * tf.sign(h), zero),
    'softplus': pieces(lambda h: h > 20, lambda h: h, lambda h: tf.log1p(tf.exp(h))),
    'indicator of the positive': lambda X: layer(X) * tf.cast(layer(X) > 0, tf.float32),
    'larger of two': lambda X: tf.where(X[:, :2] > X[:, 2:], X[:, :2], X[:, 2:]),
}
#: Of which the sign is a step: a soft shrink by signs is continuous all the same, but its audit cannot know.
STEPS = {'soft shrink'}


def explained(session, build, method='intgrad', xs=None, ys=None, **arguments):
    X = tf.placeholder(tf.float32, [None, 4])
    xs = normal(12, 4, seed=4) if xs is None else xs
    with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer(method, build(X), X, **arguments)
        # On 1.15, Python warns once a process of how TensorFlow imports.
        built = sum(w.category is not DeprecationWarning for w in caught)
        _, delta = explainer.run(xs, ys, return_convergence_delta=True)
    said = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return delta, explainer.describe(), said, built


@pytest.mark.parametrize('name', sorted(JUMPS))
def test_what_jumps_is_named_before_any_number(session, name):
    build, op_type = JUMPS[name]
    delta, audit, said, built = explained(session, build, steps=300, quadrature='riemann_middle')
    assert np.abs(delta).max() > 0.1
    assert built == 1
    assert op_type in said[0]
    assert any(row.type.startswith(op_type) for row in audit.breaks)


@pytest.mark.parametrize('name', sorted(JUMPS))
def test_what_jumps_is_refused_where_that_is_asked_for(session, name):
    X = tf.placeholder(tf.float32, [None, 4])
    T = JUMPS[name][0](X)
    with DeepExplain(session=session) as de, pytest.raises(GraphError, match='jumps or passes none'):
        de.get_explainer('intgrad', T, X, strict=True)


@pytest.mark.parametrize('name', sorted(set(CONTINUOUS) - STEPS))
def test_what_is_continuous_is_not_suspected(session, name):
    delta, audit, said, _ = explained(session, CONTINUOUS[name], steps=300, quadrature='riemann_middle')
    assert np.abs(delta).max() < 0.05
    assert not audit.breaks
    assert not said


def test_few_steps_are_no_jump(session):
    delta, audit, said, _ = explained(session, lambda X: tf.nn.sigmoid(8 * layer(X)), steps=2)
    assert np.abs(delta).max() > 0.1
    assert not audit.breaks
    assert not said


def test_a_jump_that_no_audit_can_know_is_found_on_the_path(session):
    """The condition is of all values together: the choice is no function of one number."""
    delta, audit, said, built = explained(session, rows_turn, steps=300)
    assert np.abs(delta).max() > 0.3
    assert built == 0
    assert len(said) == 1
    assert 'T jumps' in said[0]
    assert 'Select' in said[0]
    assert [row.type[:6] for row in audit.breaks] == ['Select']


def test_choices_with_weights_that_have_no_value_yet(session):
    slope = tf.get_variable('slope', initializer=0.1)
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('intgrad', tf.where(X > 0, X, slope * X), X)
    session.run(slope.initializer)
    assert not explainer.describe().breaks


def test_choices_in_functions(session):
    if OLD:
        pytest.skip('TensorFlow 1 has no tf.function that a graph can differentiate so')
    for build, jumps in ((JUMPS['threshold'][0], 1), (CONTINUOUS['leaky relu'], 0)):
        _, audit, said, _ = explained(session, tf.function(build, autograph=False))
        assert len(audit.breaks) == len(said) == jumps


def constants_chosen(X):
    return X + tf.where(layer(X) > 0.2, 0 * X + 2.0, 0 * X - 1.0)


def test_a_choice_between_values_that_do_not_change_is_said(session):
    delta, _, said, built = explained(session, constants_chosen, 'deeplift', rules='complete')
    assert np.abs(delta).max() > 1
    assert built == 0
    assert len(said) == 1
    assert 'Select' in said[0]


def test_elrp_without_biases_is_held_to_its_sum(session):
    """The epsilon rule at 0 has no slope: the half of a sigmoid is lost there."""

    def at_zero(X):
        return tf.nn.sigmoid(X)

    xs = np.array([[1.0, 0.0, 1.0, 2.0], [1.0, 2.0, 0.5, 0.0]])
    delta, _, said, _ = explained(session, at_zero, 'elrp', xs)
    assert np.abs(delta).max() > 0.4
    assert len(said) == 1
    assert 'Sigmoid' in said[0]


def test_biases_and_epsilon_are_no_leak_of_elrp(session):
    for build, arguments in (
        (lambda X: tf.nn.relu(layer(X) + 1.0), {}),
        (lambda X: tf.nn.relu(layer(X)), {'epsilon': 0.5}),
    ):
        delta, _, said, _ = explained(session, build, 'elrp', **arguments)
        assert np.abs(delta).max() > 0.1
        assert not said


def test_rounding_is_no_leak(session):
    """Terms far larger than what is left of them, and values that hardly differ from the baseline."""
    for build in (lambda X: 1e6 + layer(X), lambda X: 1e4 * tf.tanh(layer(X)) - 1e4 * tf.tanh(layer(X)) + X):
        for method, arguments in (('deeplift', {'rules': 'complete'}), ('shapley_sampling', {'samples': 2})):
            _, _, said, _ = explained(session, build, method, **arguments)
            assert not said
