"""Products of two that vary: who gets the relevance, and rules chosen for them."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal
from test_formulas import one_layer

from deepexplain.errors import ArgumentError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

OPTIONS = {'epsilon': 0.1, 'gamma': 0.5, 'stabilizer': 1e-6}
PRODUCTS = {
    'matmul': (lambda a, b: tf.matmul(a, b), (3, 4), (4, 2)),
    'transposed': (lambda a, b: tf.matmul(a, b, transpose_b=True), (3, 4), (2, 4)),
    'einsum': (lambda a, b: tf.einsum('nij,nkj->nik', a, b), (3, 4), (2, 4)),
    'value by value': (lambda a, b: a * b, (3, 4), (3, 4)),
    'broadcast': (lambda a, b: a * b, (3, 4), (1, 4)),
}


def by_hand(name, f, a, b, R):
    """Relevance of a, of one sample, with b for its weights: the matrix of the op is read off unit inputs."""
    units = np.eye(a.size).reshape(a.size, *a.shape)
    matrix = f(units, np.broadcast_to(b, (a.size, *b.shape))).reshape(a.size, -1)
    counts = np.ones_like(matrix)
    no_bias = np.zeros(matrix.shape[1])
    return one_layer(name, a.ravel(), matrix, no_bias, counts, R.ravel(), **OPTIONS).reshape(a.shape)


@pytest.mark.parametrize('name', ['epsilon', 'gamma', 'zplus', 'alphabeta'])
@pytest.mark.parametrize('product', PRODUCTS)
def test_each_factor_has_the_other_for_its_weights(session, product, name):
    f, of_a, of_b = PRODUCTS[product]
    if name in ('zplus', 'alphabeta') and product in ('value by value', 'broadcast'):
        pytest.skip('refused: see below')
    A, B = tf.placeholder(tf.float64, [None, *of_a]), tf.placeholder(tf.float64, [None, *of_b])
    a, b = normal(3, *of_a, seed=1), normal(3, *of_b, seed=2)
    with DeepExplain(session=session) as de:
        T = f(A, B)
        found = de.explain('lrp', T, [A, B], [a, b], rules=[('product', name)], **_read_by(name))
        outputs = session.run(T, {A: a, B: b})

        def evaluated(x, y):
            return session.run(f(tf.constant(x), tf.constant(y)))

        for i in range(3):
            want_a = by_hand(name, evaluated, a[i], b[i], outputs[i] / 2)
            want_b = by_hand(name, lambda y, x: evaluated(x, y), b[i], a[i], outputs[i] / 2)
            np.testing.assert_allclose(found[0][i], want_a, rtol=1e-6, atol=1e-8)
            np.testing.assert_allclose(found[1][i], want_b, rtol=1e-6, atol=1e-8)


def _read_by(name):
    """The options that the rule knows, with alpha 3 and beta 2, those of ``one_layer``."""
    known = {'alpha': 3, 'beta': 2} if name == 'alphabeta' else {}
    return {**known, 'stabilizer': 1e-6, **{option: OPTIONS[option] for option in (name,) if option in OPTIONS}}


def attention(X):
    """Attention without weights of its own, and a gate; the names of the products."""
    scores = tf.matmul(X, X, transpose_b=True, name='scores')
    mixed = tf.matmul(tf.nn.softmax(scores), X, name='mixed')
    return tf.multiply(mixed, tf.sigmoid(X), name='gated')


@pytest.fixture
def network(session):
    X = tf.placeholder(tf.float64, [None, 4, 3], name='x')
    with DeepExplain(session=session) as de:
        yield de, attention(X), X, normal(2, 4, 3)


def treatments(de, T, X, **arguments):
    rows = de.get_explainer('lrp', T, X, **arguments).describe().rows
    return {row.op: row.treatment for row in rows if row.op in ('scores', 'mixed', 'gated')}


def test_products_take_only_what_is_chosen_for_them(network):
    de, T, X, _ = network
    none = {
        'scores': 'product: half each',
        'mixed': 'product: half each',
        'gated': 'product: all to the signal, none to the gate',
    }
    assert treatments(de, T, X) == none
    found = treatments(de, T, X, rules=[('product mixed', ('gamma', {'attention': 'cp'})), ('product', 'epsilon')])
    assert found == {
        'scores': 'no relevance',  # it leads to the weights of attention alone
        'mixed': 'gamma (product), all to the signal, none to the attention weights',
        'gated': 'epsilon (product), all to the signal, none to the gate',
    }
    halves = treatments(de, T, X, rules=[('product Mul', ('epsilon', {'gates': 'half'}))])
    assert halves == {**none, 'gated': 'epsilon (product), half each'}
    with pytest.raises(ArgumentError, match="No layer is selected by 'mixed'.*by 'product' only"):
        de.get_explainer('lrp', T, X, rules=[('mixed', 'epsilon')])


@pytest.mark.parametrize('options', [{'attention': 'cp'}, {'gates': 'half'}])
def test_options_of_a_product_are_those_of_the_call(network, options):
    de, T, X, xs = network
    of_call = de.explain('lrp', T, X, xs, rules=[('product', 'epsilon')], **options)
    own = de.explain('lrp', T, X, xs, rules=[('product', ('epsilon', options))])
    np.testing.assert_allclose(own, of_call, rtol=1e-12)
    assert np.abs(own - de.explain('lrp', T, X, xs, rules=[('product', 'epsilon')])).max() > 1e-3
    # Without a rule a product of matrices has the epsilon rule, with the stabilizer, and others pass relevance.
    np.testing.assert_allclose(of_call, de.explain('lrp', T, X, xs, **options), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ('rules', 'message'),
    [
        ([('product', 'flat')], "'flat' makes no sense for 'scores', a product of two.*weights alone"),
        ([('product', 'wsquare')], "'wsquare' makes no sense for 'scores'"),
        ([('product', 'zplus')], "'zplus' makes no sense for 'gated', a product value by value.*below 0"),
        ([('product Mul', 'alphabeta')], "'alphabeta' makes no sense for 'gated'"),
        ([('product', ('epsilon', {'gates': 'none'}))], "gates must be one of 'all', 'half'; got 'none'"),
    ],
)
def test_rules_that_make_no_sense_for_products_are_refused(network, rules, message):
    de, T, X, _ = network
    with pytest.raises(ArgumentError, match=message):
        de.get_explainer('lrp', T, X, rules=rules)


def test_options_of_products_are_for_products(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.matmul(X, tf.constant(normal(4, 2)), name='dense')
        with pytest.raises(ArgumentError, match="'gates' is of products.*'dense' is a layer of kind 'dense'.*the word"):
            de.get_explainer('lrp', T, X, rules=[('dense', ('epsilon', {'gates': 'half'}))])


@pytest.mark.parametrize(('option', 'value', 'what'), [('attention', 'cp', 'a softmax'), ('gates', 'half', 'a gate')])
def test_options_of_products_that_are_not_there_are_warned_of(session, option, value, what):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.matmul(X, tf.constant(normal(4, 2))) * tf.tanh(X[:, :2])
        with pytest.warns(DeepExplainWarning, match=f"{option}='{value}' is not used: {what}"):
            de.get_explainer('lrp', T, X, **{option: value})


def test_relevance_of_products_in_loops(session):
    X = tf.placeholder(tf.float64, [None, 5, 3])
    xs, start = normal(2, 5, 3), tf.tanh(X[:, 0])

    def step(h, t):
        return tf.sigmoid(h) * X[:, t]

    h = start
    for t in range(5):
        h = step(h, t)
    loop = tf.while_loop(
        lambda i, h: i < 5,
        lambda i, h: (i + 1, step(h, i)),
        [0, start],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])],
    )[1]
    rules = [('product', ('epsilon', {'gates': 'half', 'epsilon': 0.1}))]
    with DeepExplain(session=session) as de:
        unrolled, rolled = (de.explain('lrp', T, X, xs, rules=rules) for T in (h, loop))
    np.testing.assert_allclose(rolled, unrolled, rtol=1e-9)
