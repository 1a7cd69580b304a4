"""'lrp': composites, selectors, options; gates and attention; what every method can do."""

import contextlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.methods import LRP
from deepexplain.tensorflow.rules.lrp import COMPOSITES, RULES

no_warning = contextlib.nullcontext
TENSORFLOW_2 = tf.__version__[0] == '2'


def network(X, dtype=np.float64):
    w = [normal(*shape, seed=i).astype(dtype) for i, shape in enumerate([(3, 3, 2, 4), (3, 3, 4, 4), (36, 5), (5, 3)])]
    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(X, w[0], 1, 'SAME', name='one'), normal(4, seed=5).astype(dtype)))
    h = tf.nn.max_pool(h, 2, 2, 'VALID')
    h = tf.nn.relu(tf.nn.conv2d(h, w[1], 1, 'SAME', name='two') + normal(4, seed=6).astype(dtype))
    h = tf.reshape(h, [-1, 36])
    h = tf.nn.relu(tf.matmul(h, tf.constant(w[2]), name='three') + normal(5, seed=7).astype(dtype))
    return tf.matmul(h, tf.constant(w[3]), name='four') + normal(3, seed=8).astype(dtype)


@pytest.fixture
def images(session):
    X = tf.placeholder(tf.float64, [None, 6, 6, 2], name='x')
    with DeepExplain(session=session) as de:
        yield de, network(X), X, np.random.RandomState(0).rand(4, 6, 6, 2)


def rules_of(explainer):
    return {row.op: row.treatment.split(' ')[0] for row in explainer.describe().rows if ' with ' not in row.treatment}


@pytest.mark.parametrize(
    ('composite', 'rules'),
    [
        ('epsilon-plus', 'zplus zplus epsilon epsilon'),
        ('epsilon-plus-flat', 'flat zplus epsilon epsilon'),
        ('epsilon-alpha2-beta1', 'alphabeta alphabeta epsilon epsilon'),
        ('epsilon-alpha2-beta1-flat', 'flat alphabeta epsilon epsilon'),
        ('epsilon-gamma-box', 'zbox gamma epsilon epsilon'),
        ('wsquare', 'wsquare wsquare wsquare wsquare'),
    ],
)
def test_composites(images, composite, rules):
    de, T, X, _ = images
    box = {'low': 0, 'high': 1} if 'box' in composite else {}
    found = rules_of(de.get_explainer('lrp', T, X, composite=composite, **box))
    assert [found[name] for name in ('one', 'two', 'three', 'four')] == rules.split()


@pytest.mark.parametrize(
    ('selector', 'rules'),
    [
        ('first', 'flat zplus epsilon epsilon'),
        ('convolution', 'flat flat epsilon epsilon'),
        ('dense', 'zplus zplus flat flat'),
        ('first convolution', 'flat zplus epsilon epsilon'),
        ('MatMul', 'zplus zplus flat flat'),
        ('t[wh]', 'zplus flat flat epsilon'),
        ('^four$', 'zplus zplus epsilon flat'),
    ],
)
def test_selectors(images, selector, rules):
    de, T, X, _ = images
    found = rules_of(de.get_explainer('lrp', T, X, rules=[(selector, 'flat'), ('one', 'wsquare')][:1]))
    assert [found[name] for name in ('one', 'two', 'three', 'four')] == rules.split()


def test_the_first_rule_that_matches_decides_and_has_options_of_its_own(images):
    de, T, X, xs = images
    rules = [('two', ('gamma', {'gamma': 2})), ('convolution', ('gamma', {'gamma': 0.5})), ('dense', 'epsilon')]
    found = de.explain('lrp', T, X, xs, rules=rules)
    other = de.explain('lrp', T, X, xs, rules=rules[1:])
    same = de.explain('lrp', T, X, xs, composite='epsilon-plus', rules=[('convolution', 'gamma')], gamma=0.5)
    assert np.abs(found - other).max() > 1e-3
    np.testing.assert_allclose(other, same, rtol=1e-12)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'composite': 'plus'}, ArgumentError, "composite must be one of 'epsilon-plus', .*'zbox'; got 'plus'"),
        ({'composite': 'zbox'}, ArgumentError, "rule 'zbox', which the layer 'one' gets, needs low and high"),
        ({'composite': 'alphabeta', 'alpha': 3}, ArgumentError, r'alpha - beta must be 1.*got 3\.0 and 1\.0'),
        ({'rules': [('five', 'flat')]}, ArgumentError, "No layer is selected by 'five'.*Layers here are 'one', 'two'"),
        ({'rules': [('(', 'flat')]}, ArgumentError, r"selector '\(' is no regular expression"),
        ({'rules': [('one', 'flit')]}, ArgumentError, "A rule must be one of .*got 'flit'"),
        ({'rules': [('one', ('flat', {'gamma': 1}))]}, ArgumentTypeError, "'flat' does not know 'gamma'; its options"),
        ({'rules': [('one', ('gamma', {'gamma': 'x'}))]}, ArgumentTypeError, "gamma must be a number.*got 'x'"),
        ({'rules': [('one', ('gamma', 1))]}, ArgumentTypeError, "Options of the rule 'gamma' must be a dict; got 1"),
        ({'rules': 'flat'}, ArgumentTypeError, r"list of \(selector, rule\) pairs; got 'flat'"),
        ({'rules': ['flat']}, ArgumentTypeError, r"list of \(selector, rule\) pairs; got 'flat' in it"),
        ({'epsilon': 0}, ArgumentError, 'epsilon must be greater than 0'),
        ({'gamma': -1}, ArgumentError, 'gamma must be at least 0'),
        ({'bias': 1}, ArgumentTypeError, 'bias must be True or False'),
        ({'attention': 'all'}, ArgumentError, "attention must be one of 'attnlrp', 'cp'"),
        ({'gates': 'cp'}, ArgumentError, "gates must be one of 'all', 'half'"),
        (
            {'composite': 'zbox', 'low': [0, 1], 'high': 1},
            ArgumentError,
            r'low must be a number, or an array of the sh',
        ),
        ({'composite': 'flat', 'multiply_by_inputs': False}, GraphError, "op 'one' .*gets the rule 'flat', whatever"),
    ],
)
def test_what_does_not_fit_is_refused(images, arguments, error, message):
    de, T, X, _ = images
    with pytest.raises(error, match=message):
        de.get_explainer('lrp', T, X, **arguments)


def test_samples_must_be_in_the_box(images):
    de, T, X, xs = images
    explainer = de.get_explainer('lrp', T, X, composite='epsilon-gamma-box', low=0, high=np.ones((6, 6, 2)))
    assert np.isfinite(explainer.run(xs)).all()
    xs[2, 0, 0, 0] = 1.5
    with pytest.raises(ArgumentError, match='xs must be between low and high.*sample 2 has values above high'):
        explainer.run(xs)
    xs[2, 0, 0, 0] = -0.5
    with pytest.raises(ArgumentError, match='sample 2 has values below low'):
        explainer.run(xs)


def test_a_box_that_no_layer_has_is_warned_of(images):
    de, T, X, _ = images
    with pytest.warns(DeepExplainWarning, match='low and high are not used: no layer gets'):
        de.get_explainer('lrp', T, X, low=0, high=1)


def test_boxes_are_in_the_units_of_x(session):
    X = tf.placeholder(tf.float64, [None, 6, 6, 2])
    xs = np.random.RandomState(1).rand(2, 6, 6, 2)
    with DeepExplain(session=session) as de:
        want = de.explain('lrp', network(X), X, xs, composite='epsilon-gamma-box', low=0, high=1)
        pixels = de.explain(
            'lrp', network(1 - X / 255), X, 255 * (1 - xs), composite='epsilon-gamma-box', low=0, high=255
        )
    np.testing.assert_allclose(pixels, want, rtol=1e-9)


@pytest.mark.parametrize('softmax', [tf.nn.softmax, tf.nn.sigmoid])
def test_probabilities_are_warned_of(images, softmax):
    de, T, X, _ = images
    with pytest.warns(DeepExplainWarning, match=rf"Explain what it is computed from, '{T.name}'"):
        de.get_explainer('lrp', tf.identity(softmax(T)), X)


@pytest.mark.parametrize('composite', ['epsilon', 'zplus', 'alphabeta', 'gamma', 'epsilon-plus'])
def test_multipliers_times_inputs_are_relevances(images, composite):
    de, T, X, xs = images
    xs = xs - 0.5
    multipliers = de.explain('lrp', T, X, xs, composite=composite, multiply_by_inputs=False)
    np.testing.assert_allclose(
        multipliers * xs, de.explain('lrp', T, X, xs, composite=composite), rtol=1e-9, atol=1e-12
    )


def test_multipliers_need_an_input_that_is_read_in_proportion(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.matmul(tf.tanh(X, name='squashed'), tf.constant(normal(4, 2)))
        with pytest.raises(GraphError, match=r"op 'squashed' \(Tanh\) reads it without weights"):
            de.get_explainer('lrp', T, X, multiply_by_inputs=False)


def test_each_output_batches_feeds_and_several_inputs(session):
    X, Z = tf.placeholder(tf.float64, [None, 6, 6, 2]), tf.placeholder(tf.float64, [None, 3])
    keep = tf.placeholder_with_default(tf.constant(1.0, tf.float64), [])
    xs, zs = normal(7, 6, 6, 2), normal(7, 3)
    with DeepExplain(session=session) as de:
        T = network(X) * keep + tf.matmul(Z, tf.constant(normal(3, 3)))
        explainer = de.get_explainer('lrp', T, [X, Z])
        each = explainer.run([xs, zs], ys='each')
        for i in range(3):
            one = explainer.run([xs, zs], ys=np.eye(3)[i])
            for a, b in zip(each, one):
                np.testing.assert_allclose(a[i], b, rtol=1e-9, atol=1e-12)
        for a, b in zip(explainer.run([xs, zs]), explainer.run([xs, zs], batch_size=2)):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        fed = explainer.run([xs, zs], feed_dict={keep: 0.5})
        assert np.abs(fed[0] - explainer.run([xs, zs])[0]).max() > 1e-3


def test_the_delta_is_what_biases_got_and_leaks_say_where(images):
    de, T, X, xs = images
    explainer = de.get_explainer('lrp', T, X, composite='epsilon')
    found, delta = explainer.run(xs, return_convergence_delta=True)
    np.testing.assert_allclose(found.sum(axis=(1, 2, 3)) - explainer.outputs(xs), delta, rtol=1e-9)
    leaks = explainer.leaks(xs)
    np.testing.assert_allclose(leaks.delta, delta, rtol=1e-6, atol=1e-9)
    assert {row.op for row in leaks.rows if row.share > 1e-3} == {'one', 'two', 'three', 'four'}
    without = de.explain('lrp', T, X, xs, composite='epsilon', bias=False, epsilon=1e-9)
    np.testing.assert_allclose(without.sum(axis=(1, 2, 3)), explainer.outputs(xs), rtol=1e-4)


@pytest.mark.parametrize('dtype', ['float32', 'float16', 'bfloat16'])
def test_float_types(session, dtype):
    X = tf.placeholder(tf.float64, [None, 4])
    Z = tf.placeholder(dtype, [None, 4])
    w, xs = [normal(4, 4), normal(4, 2)], normal(3, 4)

    def dense(X):
        h = tf.nn.relu(tf.matmul(X, tf.cast(tf.constant(w[0]), X.dtype)))
        return tf.matmul(h, tf.cast(tf.constant(w[1]), X.dtype))

    with DeepExplain(session=session) as de:
        want = de.explain('lrp', dense(X), X, xs)
        found = de.explain('lrp', dense(Z), Z, xs)
    assert found.dtype == Z.dtype.as_numpy_dtype
    within = {'float32': 1e-4, 'float16': 0.05, 'bfloat16': 0.2}[dtype]
    assert np.abs(found.astype('float64') - want).max() <= within * np.abs(want).max()


def cell(x, h):
    """A GRU whose gates are sigmoids."""
    w = [
        tf.constant(normal(*shape, seed=i)) for i, shape in enumerate([(3, 4), (4, 4), (3, 4), (4, 4), (3, 4), (4, 4)])
    ]
    u, r = (tf.sigmoid(tf.matmul(x, w[i]) + tf.matmul(h, w[i + 1]) + 0.1) for i in (0, 2))
    new = tf.tanh(tf.matmul(x, w[4]) + tf.matmul(r * h, w[5]))
    return u * h + (1.0 - u) * new


@pytest.mark.parametrize('gates', ['all', 'half'])
def test_loops_are_as_if_unrolled(session, gates):
    X = tf.placeholder(tf.float64, [None, 5, 3])
    xs, start = normal(2, 5, 3), tf.zeros([tf.shape(X)[0], 4], tf.float64)
    h = start
    for t in range(5):
        h = cell(X[:, t], h)
    steps = tf.transpose(X, [1, 0, 2])
    shapes = [tf.TensorShape([]), tf.TensorShape([None, 4])]
    loop = tf.while_loop(
        lambda i, h: i < 5, lambda i, h: (i + 1, cell(steps[i], h)), [0, start], shape_invariants=shapes
    )
    w = tf.constant(normal(4, 2))
    with DeepExplain(session=session) as de:
        unrolled, rolled = (
            de.explain('lrp', tf.matmul(z, w), X, xs, composite='epsilon', epsilon=0.01, gates=gates)
            for z in (h, loop[1])
        )
    np.testing.assert_allclose(rolled, unrolled, rtol=1e-9)


def test_gates_get_nothing_or_half(session):
    X, G = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 2])
    xs, gs = normal(3, 2), normal(3, 2)
    with DeepExplain(session=session) as de:
        T = X * tf.sigmoid(G)
        scores = session.run(T, {X: xs, G: gs})
        of_x, of_g = de.explain('lrp', T, [X, G], [xs, gs])
        np.testing.assert_allclose(of_x, scores)
        assert (of_g == 0).all()
        for found in de.explain('lrp', T, [X, G], [xs, gs], gates='half'):
            np.testing.assert_allclose(found, scores / 2)


def test_a_network_of_an_op_without_rule_says_so(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.reduce_prod(tf.matmul(X, tf.constant(normal(4, 3))), axis=1, name='product')
        with pytest.warns(DeepExplainWarning, match=r"no rule for 'product' \(Prod\) and takes its linear part"):
            de.get_explainer('lrp', T, X)
        with pytest.raises(GraphError, match=r"no rule for 'product' \(Prod\)"):
            de.get_explainer('lrp', T, X, strict=True)


def test_names():
    assert LRP() == LRP(composite='epsilon-plus')
    assert repr(LRP(rules=[('first', 'flat')])) == "LRP(rules=[('first', 'flat')])"
    assert set(COMPOSITES) & set(RULES) == set()


@pytest.mark.parametrize(
    ('arguments', 'option'),
    [
        ({'gamma': 0.5}, 'gamma=0.5'),
        ({'composite': 'epsilon-alpha2-beta1', 'alpha': 3, 'beta': 2}, r'(alpha=3\.0|beta=2\.0)'),
        ({'composite': 'flat', 'bias': False}, 'bias=False'),
        ({'composite': 'zplus', 'epsilon': 0.1, 'stabilizer': 1e-3}, 'epsilon=0.1'),
        ({'composite': 'gamma', 'rules': [('dense', ('gamma', {'gamma': 1}))], 'alpha': 2.5}, 'alpha=2.5'),
    ],
)
def test_options_that_no_rule_reads_are_warned_of(images, arguments, option):
    de, T, X, _ = images
    with pytest.warns(DeepExplainWarning, match=f'{option} is not used: no layer can get a rule that reads it'):
        de.get_explainer('lrp', T, X, **arguments)


@pytest.mark.parametrize(
    'arguments',
    [
        {'epsilon': 0.1},
        {'composite': 'zplus', 'epsilon': 0.1},  # that of sums
        {'composite': 'epsilon-gamma-box', 'gamma': 1, 'low': 0, 'high': 1},
        {'composite': 'flat', 'rules': [('four', 'alphabeta')], 'alpha': 3, 'beta': 2},
        {'canonize': False, 'stabilizer': 1e-3},
        {'gamma': 0.25},  # the default
    ],
)
def test_options_that_a_rule_may_read_are_not(images, arguments):
    de, T, X, _ = images
    de.get_explainer('lrp', T, X, **arguments)  # warnings are errors


NEGATED = {
    'negated': lambda z: -z,
    'times a number below 0': lambda z: -2.0 * z,
    'less': lambda z: 0.0 - z,
    'GELU as Keras writes it': lambda z: 0.5 * z * tf.math.erfc(-z * np.sqrt(0.5)),
    'GELU': lambda z: 0.5 * z * (1.0 + tf.math.erf(z * np.sqrt(0.5))),
    'swish': lambda z: z * tf.sigmoid(z),
}


@pytest.mark.parametrize('name', NEGATED)
def test_what_changes_signs_passes_relevance(session, name):
    X = tf.placeholder(tf.float64, [None, 4])
    w, xs = normal(4, 3), normal(3, 4, seed=1)
    with DeepExplain(session=session) as de:
        T = NEGATED[name](tf.matmul(X, tf.constant(w)))
        found = de.explain('lrp', T, X, xs, composite='epsilon', epsilon=1e-9, strict=True)
        outputs = session.run(T, {X: xs})
    want = (xs[:, :, None] * w / (xs @ w)[:, None, :] * outputs[:, None, :]).sum(axis=-1)
    np.testing.assert_allclose(found, want, rtol=1e-5)


def test_a_norm_is_shared_out_by_squares(session):
    X = tf.placeholder(tf.float64, [None, 4])
    xs = normal(3, 4, seed=1)
    with DeepExplain(session=session) as de:
        T = tf.math.reduce_euclidean_norm(X, 1)
        found = de.explain('lrp', T, X, xs, strict=True, stabilizer=1e-12)
    np.testing.assert_allclose(found, xs**2 / np.linalg.norm(xs, axis=1, keepdims=True), rtol=1e-9)


def test_nothing_goes_through_an_op_without_rule_and_gradient(session):
    X = tf.placeholder(tf.float64, [None, 4])
    T = tf.reduce_sum(tf.py_func(np.sort, [X], tf.float64), 1)
    no_rule = pytest.warns(DeepExplainWarning, match="'lrp' has no rule for 'PyFunc'")
    no_way = pytest.raises(GraphError, match="only through ops that pass no gradient; the first is op 'PyFunc'")
    with DeepExplain(session=session) as de, no_rule, no_way:
        de.get_explainer('lrp', T, X)


@pytest.mark.parametrize('gates', ['all', 'half'])
def test_masks_get_nothing(session, gates):
    # As Keras' Masking multiplies by one: relevance of a condition would be lost.
    X = tf.placeholder(tf.float64, [None, 5, 3])
    xs = normal(2, 5, 3)
    xs[0, 1] = 0
    mask = tf.cast(tf.reduce_any(tf.not_equal(X, 0), axis=-1, keepdims=True), tf.float64)
    with DeepExplain(session=session) as de:
        T = tf.tensordot(X * mask, tf.constant(normal(3, 2)), 1)
        with pytest.warns(DeepExplainWarning, match="gates='half' is not used") if gates == 'half' else no_warning():
            explainer = de.get_explainer('lrp', T, X, gates=gates, strict=True)
        found, delta = explainer.run(xs, ys=np.ones((5, 2)), return_convergence_delta=True)
        plain = de.explain('grad*input', T, X, xs, ys=np.ones((5, 2)))
    assert 'product: all to the signal, none to the mask' in [row.treatment for row in explainer.describe().rows]
    np.testing.assert_allclose(delta, 0, atol=1e-5)
    np.testing.assert_allclose(found, plain, atol=1e-5)


@pytest.mark.parametrize('name', ['LSTM', 'GRU'])
@pytest.mark.parametrize('gates', ['all', 'half'])
def test_masked_layers_of_keras(session, name, gates):
    keras = pytest.importorskip('tf_keras')
    model = keras.Sequential([keras.layers.Masking(0.0, input_shape=(7, 3)), getattr(keras.layers, name)(4)])
    X = tf.placeholder(tf.float32, [None, 7, 3])
    H = model(X)
    session.run(tf.global_variables_initializer())
    xs = normal(2, 7, 3)
    xs[0, :2], xs[1, 5:] = 0, 0
    with DeepExplain(session=session) as de:
        whole = de.explain('lrp', H, X, xs, composite='epsilon', gates=gates)
        scores = session.run(H, {X: xs}).sum(axis=1)
    assert (whole[0, :2] == 0).all()
    assert (whole[1, 5:] == 0).all()
    if gates == 'all':  # biases are 0 but that of the forget gate, which gets nothing
        np.testing.assert_allclose(whole.sum(axis=(1, 2)), scores, rtol=1e-3, atol=1e-5)


def recurrence(xs, mask, wx, wh, b, R, gate_gets, eps):
    """Relevance of xs (steps, features) of a masked recurrence h = sigmoid(..) tanh(x wx + h wh + b), written out."""
    steps, units = len(xs), wh[0].shape[0]
    h, trace = np.zeros(units), []
    for t in range(steps):
        u = 1 / (1 + np.exp(-(xs[t] @ wx[0] + h @ wh[0] + b[0])))
        z = xs[t] @ wx[1] + h @ wh[1] + b[1]
        trace.append((h, u, z))
        h = u * np.tanh(z) if mask[t] else h
    assert h.shape == R.shape
    found, R = np.zeros_like(xs), h * R
    for t in reversed(range(steps)):
        if not mask[t]:
            continue
        before, u, z = trace[t]
        of_h = np.zeros(units)
        logit = xs[t] @ wx[0] + before @ wh[0] + b[0]
        for total, i, share in ((z, 1, 1 - gate_gets), (logit, 0, gate_gets)):
            c = R * share / (total + eps * np.where(total >= 0, 1, -1))
            found[t] += xs[t] * (wx[i] @ c)
            of_h += before * (wh[i] @ c)
        R = of_h
    return found


@pytest.mark.parametrize(('gates', 'gate_gets'), [('all', 0.0), ('half', 0.5)])
def test_masked_steps_get_nothing_and_others_what_the_formula_says(session, gates, gate_gets):
    # As masked recurrent layers are: where a step is masked, the state is that of before.
    wx, wh = [normal(3, 4, seed=i) for i in (1, 2)], [normal(4, 4, seed=i) / 2 for i in (3, 4)]
    b = [normal(4, seed=5), normal(4, seed=6)]
    X = tf.placeholder(tf.float64, [None, 6, 3])
    mask = tf.reduce_any(tf.not_equal(X, 0), axis=-1)
    h = tf.zeros([tf.shape(X)[0], 4], tf.float64)
    for t in range(6):
        x = X[:, t]
        u, z = (tf.matmul(x, tf.constant(wx[i])) + tf.matmul(h, tf.constant(wh[i])) + b[i] for i in (0, 1))
        new = tf.sigmoid(u) * tf.tanh(z)
        kept = tf.broadcast_to(mask[:, t, None], tf.shape(new))
        h = tf.where(kept, new, h)
    xs = normal(3, 6, 3, seed=7)
    xs[0, :2], xs[1, 4:], xs[2, 2] = 0, 0, 0
    ys = np.array([1.0, 0, 0.5, 2.0])
    with DeepExplain(session=session) as de:
        found = de.explain('lrp', h, X, xs, ys=ys, composite='epsilon', epsilon=0.01, gates=gates)
    for sample in range(3):
        want = recurrence(xs[sample], (xs[sample] != 0).any(axis=-1), wx, wh, b, ys, gate_gets, 0.01)
        np.testing.assert_allclose(found[sample], want, rtol=1e-6, atol=1e-9 * np.abs(want).max())


def test_an_lstm_that_adds_two_marked_numbers(session):
    # The toy task of Arras et al. 2019, with weights by hand: the mark opens the input gate, and nothing is forgotten.
    X = tf.placeholder(tf.float64, [None, 8, 2])  # numbers and marks
    random = np.random.RandomState(0)
    xs = np.stack([random.uniform(-1, 1, (50, 8)), np.zeros((50, 8))], axis=-1)
    marked = np.array([random.permutation(8)[:2] for _ in xs])
    for x, places in zip(xs, marked):
        x[places, 1] = 1
    c = h = tf.zeros([tf.shape(X)[0], 1], tf.float64)
    wx = tf.constant([[0, 0.01, 0, 0], [40.0, 0, 0, 0]], tf.float64)  # input gate, signal, forget and output gate
    wh = tf.zeros([1, 4], tf.float64)
    for t in range(8):
        z = tf.matmul(X[:, t], wx) + tf.matmul(h, wh) + [-20.0, 0, 20.0, 20.0]
        i, g, f, o = tf.split(z, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    with DeepExplain(session=session) as de:
        T = 100 * h
        truth = np.stack([x[places, 0] for x, places in zip(xs, marked)])
        np.testing.assert_allclose(session.run(T, {X: xs})[:, 0], truth.sum(axis=1), atol=0.01)
        of_all, of_half = (de.explain('lrp', T, X, xs, epsilon=1e-9, gates=gates) for gates in ('all', 'half'))
    found = np.stack([a[places, 0] for a, places in zip(of_all, marked)])
    np.testing.assert_allclose(found, truth, atol=0.01)
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.999
    assert np.abs(of_all[..., 1]).max() < 1e-3
    halves = np.stack([a[places, 0] for a, places in zip(of_half, marked)])
    assert np.corrcoef(halves.ravel(), truth.ravel())[0, 1] < 0.9  # it halves with each step
