"""The first dense layer by what each feature adds: the same numbers as whole rows give, of any network of tables."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine.first_layer import OrderEvaluator
from deepexplain.tensorflow.runtime.orders import Orders
from deepexplain.tensorflow.runtime.parts import Groups

#: No shrinking: an example builds graphs.
EXAMPLES = settings(max_examples=40, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
DRAWN = np.random.RandomState(7)


def weights(rng, *shape):
    return tf.constant(rng.randn(*shape) / np.sqrt(shape[0]), tf.float32)


def drawn_network(rng, X, shape):
    """Values of X each by itself, a dense layer, and what is behind it."""
    h = X
    for _ in range(rng.randint(0, 3)):
        h = [
            lambda z: z * tf.constant(rng.rand(*shape) + 0.5, tf.float32) - 0.25,
            lambda z: tf.nn.softplus(z),
            lambda z: tf.clip_by_value(z, -1.0, 1.0),
            lambda z: tf.identity(z),
        ][rng.randint(4)](h)
    if len(shape) > 1 and rng.rand() < 0.5:
        h, shape = tf.transpose(h, [0, 2, 1]), shape[::-1]
    h = tf.reshape(h, [-1, int(np.prod(shape))])
    units = int(rng.randint(1, 9))
    if rng.rand() < 0.3:
        h = tf.matmul(h, weights(rng, units, h.shape.as_list()[1]), transpose_b=True)
    else:
        h = tf.matmul(h, weights(rng, h.shape.as_list()[1], units))
    for _ in range(rng.randint(0, 3)):
        h = [lambda z: z + weights(rng, units), lambda z: tf.nn.bias_add(z, weights(rng, units)), tf.identity][
            rng.randint(3)
        ](h)
    for _ in range(rng.randint(0, 3)):
        h = [tf.nn.relu, tf.tanh, tf.nn.elu, lambda z: z + tf.nn.relu(z) * z][rng.randint(4)](h)
        h = tf.matmul(h, weights(rng, h.shape.as_list()[1], units)) + weights(rng, units)
    return h


def both(T, X, xs, de, ys=None, run=None, **arguments):
    """Attributions with the first layer and with whole rows; and how many times the former was asked."""
    asked = []
    plain = OrderEvaluator.fill

    def fill(self, *given):
        asked.append(plain(self, *given))
        return asked[-1]

    OrderEvaluator.fill = fill
    try:
        found, expected = [
            de.get_explainer('shapley_sampling', T, X, regions=regions, seed=3, **arguments).run(xs, ys, **run or {})
            for regions in (True, False)
        ]
    finally:
        OrderEvaluator.fill = plain
    return found, expected, asked


def assert_near(found, expected, T, X, xs, bound=1e-5):
    largest = np.abs(tf.get_default_session().run(T, {X.name: xs})).max()
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert np.abs(found - expected).max() <= bound * max(largest, np.abs(expected).max())


@EXAMPLES
@given(
    st.integers(0, 10**6),
    st.sampled_from([(5,), (29,), (70,), (4, 6), (9, 3)]),
    st.sampled_from([None, 'mask', 'dims']),
    st.sampled_from(['zero', 'array', 'own']),
    st.sampled_from([None, 'each', 'weights']),
    st.sampled_from([None, 1, 7]),
)
def test_any_table_gives_what_whole_rows_give(seed, shape, features, baseline, outputs, batch_size):
    rng = np.random.RandomState(seed)
    n = int(rng.randint(1, 12))
    with context() as de:
        X = tf.placeholder(tf.float32, [None, *shape])
        T = drawn_network(rng, X, shape)
        xs = (rng.randn(n, *shape) * (rng.rand(n, *shape) < 0.8)).astype(np.float32)
        arguments = {'samples': int(rng.randint(1, 3)) * 2, 'antithetic': bool(rng.randint(2))}
        arguments['baseline'] = {
            'zero': None,
            'array': rng.randn(*shape).astype(np.float32),
            'own': rng.randn(n, *shape).astype(np.float32),
        }[baseline]
        if features == 'mask':
            arguments['feature_mask'] = rng.randint(0, 4, shape)
        elif features == 'dims':
            arguments['sampling_dims'] = [len(shape)]
        ys = rng.randn(n, *T.shape.as_list()[1:]) if outputs == 'weights' else outputs
        found, expected, asked = both(T, X, xs, de, ys, {'batch_size': batch_size}, **arguments)
        assert asked
        assert_near(found, expected, T, X, xs)


def table(X, activation=tf.nn.relu, units=6):
    h = activation(tf.matmul(X, tf.constant(DRAWN.randn(X.shape.as_list()[1], units), X.dtype)))
    return tf.matmul(h, tf.constant(DRAWN.randn(units, 3), X.dtype))


def refused(X):
    """By name: networks that X enters in another way."""
    yield 'twice', table(X) + table(X)
    yield 'beside', table(X) + X[:, :3]
    yield 'its number of rows', table(X) * tf.cast(tf.shape(X)[0], tf.float32)
    yield 'pairs of values', table(X[:, :6] * X[:, 6:])
    yield 'normalized', table(X / tf.reduce_sum(tf.square(X), 1, keepdims=True))
    yield 'its own weights', tf.matmul(X, tf.tile(tf.reduce_sum(X, 0)[:, None], [1, 2]))
    yield 'a convolution', tf.reduce_sum(tf.nn.conv1d(X[:, :, None], tf.ones([3, 1, 2]), 1, 'SAME'), [1])
    yield 'samples mix', table(X) - tf.reduce_mean(table(X), axis=0)
    yield 'no layer', X * 2.0
    yield 'a part of X', table(X[:, :6])
    yield 'twice as many rows', table(tf.reshape(X, [-1, 6]))
    side = tf.cast(tf.shape(X)[1], tf.float32)
    yield 'weights of its shape', tf.tanh(tf.matmul(X, tf.constant(DRAWN.randn(12, 2), tf.float32) / side))
    yield 'biases of its shape', tf.tanh(tf.matmul(X, tf.constant(DRAWN.randn(12, 2), tf.float32)) + side)
    yield 'infinite weights', tf.tanh(tf.matmul(X, tf.constant(np.full((12, 2), np.inf, np.float32))))
    with tf.control_dependencies([tf.debugging.assert_less(X, 100.0)]):
        yield 'what waits for X', table(X) + tf.constant(DRAWN.randn(3), tf.float32)


@pytest.mark.filterwarnings('ignore:T ', 'ignore:Attributions to')
@pytest.mark.parametrize('number', range(15))
def test_what_cannot_be_proven_runs_whole_rows(session, number):
    X = tf.placeholder(tf.float32, [None, 12])
    name, T = list(refused(X))[number]
    xs = DRAWN.rand(4, 12).astype(np.float32) + 0.5
    with DeepExplain(session=session) as de:
        found, expected, asked = both(T, X, xs, de, feature_mask=np.arange(12) // 4, samples=2)
        assert not asked, name
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('kind', ['float64', 'fixed batch', 'fed rows', 'random'])
def test_other_cases_run_whole_rows(session, kind):
    X = tf.placeholder(tf.float64 if kind == 'float64' else tf.float32, [4 if kind == 'fixed batch' else None, 12])
    more, run = tf.placeholder_with_default(tf.ones([1, 1]), [None, 1]), {}
    T = table(X)
    if kind == 'fed rows':
        T, run = T * more, {'feed_dict': {more: np.ones((4, 1))}}
    if kind == 'random':
        T = T * tf.stop_gradient(tf.random.uniform(tf.shape(table(X)), 1.0, 1.0 + 1e-7))
    with DeepExplain(session=session) as de:
        _, _, asked = both(T, X, DRAWN.rand(4, 12), de, run=run, samples=2)
    assert not asked


def test_a_time_stamp_among_small_numbers_is_not_lost_in_its_rounding(session):
    X = tf.placeholder(tf.float32, [None, 60])
    w = DRAWN.randn(60, 5).astype(np.float32)
    h = tf.matmul(X, tf.constant(w))
    # What scales rows to one size makes much of the rounding of small sums.
    T = tf.reduce_sum(tf.nn.relu(h / (1e-3 + tf.reduce_max(tf.abs(h), axis=1, keepdims=True))) * [1.0, 2, 3, 4, 5], 1)
    xs = DRAWN.randn(5, 60).astype(np.float32)
    xs[:3, [7, 30]] = [1.7e18, -1.7e18]
    with DeepExplain(session=session) as de:
        found, expected, asked = both(T, X, xs, de)
        assert [again[:3].sum() > again[3:].sum() for again in asked] == [True]
        assert_near(found, expected, T, X, xs)


@pytest.mark.filterwarnings('ignore:T ', 'ignore:Attributions to')
def test_rows_that_are_not_finite_are_run_as_whole(session):
    X = tf.placeholder(tf.float32, [None, 8])
    h = tf.matmul(tf.log(X), tf.constant(DRAWN.rand(8, 4), tf.float32))
    T = tf.reduce_sum(tf.tanh(h), 1)  # which makes a number of what is infinite
    xs = DRAWN.rand(6, 8).astype(np.float32) + 0.5
    xs[2, 3] = 0.0
    with DeepExplain(session=session) as de:
        found, expected, asked = both(T, X, xs, de, baseline=1.0)
        assert asked[0][2].sum() > asked[0][1].sum() == 2
        assert_near(found, expected, T, X, xs)
        T = tf.reduce_sum(tf.matmul(X, tf.ones([8, 4])) * 1e-38, 1)
        xs[:] = [0.8e38, 0.8e38, 1, 0, 0, 0, 0, 0]
        baseline = np.float32([-1e38, -1e38, 0, 0, 0, 0, 0, 0])  # what changes is too large a number, no row is
        found, expected, asked = both(T, X, xs, de, samples=20, baseline=baseline)
        assert_near(found, expected, T, X, xs)
    assert asked[0].sum() > 12


def test_sums_that_are_added_to_themselves(session):
    X = tf.placeholder(tf.float32, [None, 60])
    h = tf.matmul(X, tf.constant(DRAWN.randn(60, 4), tf.float32))
    xs = DRAWN.randn(3, 60).astype(np.float32)
    with DeepExplain(session=session) as de:
        for T in (tf.reduce_sum(tf.nn.relu(h + h), 1), tf.nn.relu(tf.add_n([h, h])), tf.nn.relu(h + h + h)):
            found, expected, asked = both(T, X, xs, de)
            assert asked
            assert_near(found, expected, T, X, xs)


def is_chosen(engine, xs, features):
    """Whether a call that follows two orders of so many groups of columns would use the first layer."""
    orders = Orders(Groups(np.arange(xs.shape[1]) * features // xs.shape[1], xs.shape[1:]), np.random)
    request = engine.request(xs, None, None)
    return engine._partial.evaluator('auto', request, orders, 2 * (1 + features), engine.cut(request, None)) is not None


@pytest.mark.parametrize(
    ('inputs', 'units', 'features', 'samples', 'nonzero', 'pays'),
    [
        (60, 256, 60, 16, 1, False),  # as measured: 2.2 times as long as whole rows
        (60, 20000, 60, 20, 1, False),
        (200, 5000, 200, 20, 1, False),
        (327, 64, 327, 1, 1, False),
        (327, 64, 327, 16, 1, True),
        (327, 256, 327, 16, 0.2, False),
        (327, 256, 327, 1, 1, True),
        (327, 256, 327, 70, 1, True),
        (784, 512, 784, 20, 1, True),
        (1000, 1000, 10, 100, 1, False),  # a mask of ten groups
        (1000, 256, 1000, 16, 0.1, True),
        (1000, 64, 1000, 16, 0.05, False),
        (3000, 1000, 30, 30, 1, False),
        (3000, 1000, 3000, 1, 1, True),
        (3000, 256, 30, 300, 1, False),
        (3000, 256, 3000, 8, 0.03, True),
    ],
)
def test_what_was_slower_runs_whole_rows(session, inputs, units, features, samples, nonzero, pays):
    X = tf.placeholder(tf.float32, [None, inputs])
    T = tf.nn.relu(tf.matmul(X, tf.zeros([inputs, units])))
    with DeepExplain(session=session) as de:
        engine = de.get_explainer('shapley_sampling', T, X).engine
    xs = (np.arange(samples * inputs) % round(1 / nonzero) == 0).reshape(samples, inputs)
    assert is_chosen(engine, xs, features) == pays


def test_weights_are_those_of_now(session):
    X = tf.placeholder(tf.float32, [None, 80])
    w = tf.get_variable('w', initializer=tf.constant(DRAWN.randn(80, 4), tf.float32))
    b = tf.get_variable('b', initializer=tf.constant(DRAWN.randn(4), tf.float32))
    T = tf.tanh(tf.matmul(X, w) + b)
    xs = DRAWN.randn(3, 80).astype(np.float32)
    session.run(tf.global_variables_initializer())
    with DeepExplain(session=session) as de:
        explainers = [de.get_explainer('shapley_sampling', T, X, regions=r, seed=0) for r in (True, False)]
    for change in (w, b):
        found = [explainer.run(xs) for explainer in explainers]
        np.testing.assert_allclose(*found, atol=1e-5)
        session.run(change.assign(change * 2 + 1))
    np.testing.assert_allclose(*[explainer.run(xs) for explainer in explainers], atol=1e-5)
    fed = {'feed_dict': {w.value() if hasattr(w, 'value') else w: DRAWN.randn(80, 4)}}
    if w.value().name in {z.name for z in explainers[0].engine._partial.of((80,))[1:3]}:
        np.testing.assert_allclose(*[explainer.run(xs, **fed) for explainer in explainers], atol=1e-5)


@pytest.mark.parametrize('use_resource', [False, True])
def test_weights_that_change_where_they_lie_are_read_again(session, use_resource):
    # A session gives the memory of a variable of the first kind, in which its next values come to lie.
    X = tf.placeholder(tf.float32, [None, 60])
    w = tf.Variable(DRAWN.randn(60, 4).astype(np.float32) / 8, use_resource=use_resource)
    T = tf.tanh(tf.matmul(X, w))
    session.run(w.initializer)
    xs = DRAWN.randn(5, 60).astype(np.float32)
    with DeepExplain(session=session) as de:
        explainers = [de.get_explainer('shapley_sampling', T, X, regions=r, seed=0) for r in (True, False)]
    for change in (tf.assign(w, w * 2), tf.assign_add(w, w / 2), tf.assign(w, -w)):
        np.testing.assert_allclose(*[explainer.run(xs) for explainer in explainers], atol=1e-5)
        session.run(change)
    np.testing.assert_allclose(*[explainer.run(xs) for explainer in explainers], atol=1e-5)


@pytest.mark.filterwarnings('ignore:T .* random', 'ignore:.*differ')
@pytest.mark.parametrize('batch_size', [None, 1, 7])
def test_random_weights_are_drawn_for_each_row(session, batch_size, monkeypatch):
    X = tf.placeholder(tf.float32, [None, 40])
    T = tf.matmul(X, tf.constant(DRAWN.randn(40, 3), tf.float32) + tf.random.normal([40, 3]))
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('shapley_sampling', tf.tanh(T), X, regions=True, samples=2)
        monkeypatch.setattr(OrderEvaluator, 'fill', None)
        for n in (1, 5):
            assert explainer.run(DRAWN.randn(n, 40), batch_size=batch_size).shape == (n, 40)


def test_it_is_used_where_it_pays_and_described(session):
    X = tf.placeholder(tf.float32, [None, 327])
    T = table(X, units=256)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('shapley_sampling', T, X, seed=0)
    state = np.random.get_state()[1].copy()
    before = len(session.graph.get_operations())
    assert str(explainer.describe()).endswith(
        "A feature that goes changes the sums of 'MatMul' (MatMul) by its rows of the weights, and T is computed of "
        'these: about 80,640 multiplications less a row, in calls large enough to be worth it.'
    )
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    engine = explainer.engine
    for n in (1, 40):
        assert is_chosen(engine, DRAWN.randn(n, 327), 327)
        assert not is_chosen(engine, DRAWN.randn(n, 327), 4)  # four groups: few rows
    assert len(session.graph.get_operations()) == before
    assert explainer.with_arguments(regions=False).describe().regions is None
    small = tf.placeholder(tf.float32, [None, 20])
    with DeepExplain(session=session) as de:
        assert de.get_explainer('shapley_sampling', table(small), small).describe().regions is None


@pytest.mark.parametrize('value', ['yes', 1, None, 'Auto'])
def test_what_regions_may_be_in_shapley_sampling(session, value):
    X = tf.placeholder(tf.float32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(ArgumentError, match="must be 'auto', True or False; got"):
        de.get_explainer('shapley_sampling', X * 2.0, X, regions=value)
