"""leaks(): at which op how much of the convergence delta arises."""

import warnings

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
import tensorflow.compat.v2 as tf2
from graphs import NETWORKS, build, context, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st
from small import Recorder, dense, mlp, normal, weights
from sources import keras_2
from tensorflow.python.ops import control_flow_util

from deepexplain.errors import ArgumentError, DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain

#: What is asked for -> method and arguments.
METHODS = {
    'elrp': ('elrp', {'epsilon': 0.1}),
    'deeplift': ('deeplift', {'baseline': 0.3}),
    'deeplift complete': ('deeplift', {'baseline': 0.3, 'rules': 'complete'}),
}
every_method = pytest.mark.parametrize('name', METHODS)


def explainer(de, name, T, X, **arguments):
    method, own = METHODS[name]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeepExplainWarning)  # that the sum may be missed is what is measured here
        return de.get_explainer(method, T, X, **dict(own, **arguments))


def gap_of(leaks, op_type):
    return sum(row.gap for row in leaks.rows if row.type == op_type)


def assert_adds_up(explainer, xs, ys=None, feed_dict=None, tolerance=1e-9):
    """That gaps sum to the delta of ``run``, and that there is an op for each of them."""
    _, delta = explainer.run(xs, ys, None, feed_dict, return_convergence_delta=True)
    leaks = explainer.leaks(xs, ys, feed_dict)
    size = np.abs(explainer.outputs(xs, ys, None, feed_dict)).max()
    np.testing.assert_allclose(leaks.delta, delta, atol=tolerance * size)
    np.testing.assert_allclose(sum(row.gap for row in leaks.rows), delta, atol=tolerance * size)
    assert sum(row.share for row in leaks.rows) == pytest.approx(1)
    assert 'elsewhere' not in [row.op for row in leaks.rows]
    return leaks


# by hand


@pytest.mark.parametrize('network', ['all five', 'convolution', 'Relu'])
@pytest.mark.parametrize('epsilon', [1e-4, 0.5])
def test_elrp_loses_at_biases_and_by_epsilon(session, network, epsilon):
    network = NETWORKS[network]
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        leaks = assert_adds_up(de.get_explainer('elrp', build(network, X), X, epsilon=epsilon), xs, ys)

    def slope(layer, f, derivative, z):
        return f(z) / np.where(z >= 0, z + epsilon, z - epsilon)

    gaps = oracle.chain_gaps(network, xs, ys, slope)
    added = {'AddV2', 'Add'} & {row.type for row in leaks.rows}
    np.testing.assert_allclose(gap_of(leaks, added.pop()), sum(at_bias for at_bias, _ in gaps), rtol=1e-9)
    for activation in {layer.activation for layer in network.layers} - {None}:
        expected = sum(at for layer, (_, at) in zip(network.layers, gaps) if layer.activation == activation)
        np.testing.assert_allclose(gap_of(leaks, activation), expected, rtol=1e-9, atol=1e-12)
    for exact in ('MatMul', 'Reshape', 'Conv2D'):
        np.testing.assert_allclose(gap_of(leaks, exact), np.zeros(4), atol=1e-9)


def test_each_bias_is_a_row_of_its_own(session):
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        below = tf.add(dense(X, 3), [1.0, 2.0, 3.0], name='first')
        T = tf.add(dense(below, 2, 2), [-5.0, 7.0], name='second')
        leaks = assert_adds_up(de.get_explainer('elrp', T, X), xs)
    gaps = {row.op: row.gap for row in leaks.rows}
    of_first = normal(3, 2, seed=2).sum(axis=1).dot([1, 2, 3])
    np.testing.assert_allclose(gaps['first'], np.full(5, -of_first))
    np.testing.assert_allclose(gaps['second'], np.full(5, -2.0))


@pytest.mark.parametrize('baseline', ['one', 'rows', 'set'])
def test_deeplift_loses_at_the_one_op_without_a_rule(session, baseline):
    xs, rows, ys = normal(5, 4), normal(5, 4, seed=4), normal(5, 2, seed=5)
    arguments = {
        'one': {'baseline': rows[0]},
        'rows': {'baseline': rows},
        'set': {'baseline': None, 'baselines': rows[:3]},
    }[baseline]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = dense(tf.nn.leaky_relu(tf.tanh(dense(X, 6)), name='leaky'), 2, 2)
        e = explainer(de, 'deeplift', T, X, **arguments)
        leaks = assert_adds_up(e, xs, ys)
        assert np.abs(explainer(de, 'deeplift complete', T, X, **arguments).leaks(xs, ys).delta).max() < 1e-12
    z, z0s = np.tanh(xs.dot(normal(4, 6, seed=1))), np.tanh(rows.dot(normal(4, 6, seed=1)))
    g = ys.dot(normal(6, 2, seed=2).T)

    slope = float(np.float32(0.2))  # an attribute, which is single

    def gap(z0):
        f, f0 = (np.where(v > 0, v, slope * v) for v in (z, z0))
        return (g * (np.where(z > 0, 1, slope) * (z - z0) - (f - f0))).sum(axis=1)

    expected = {'one': gap(z0s[0]), 'rows': gap(z0s), 'set': np.mean([gap(z0) for z0 in z0s[:3]], axis=0)}[baseline]
    assert leaks.rows[0][:2] == ('leaky', 'LeakyRelu')
    assert leaks.rows[0].share == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(leaks.rows[0].gap, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(leaks.delta, expected, rtol=1e-9, atol=1e-12)


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(sorted(METHODS)),
    activations=st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), min_size=1, max_size=3),
    odd=st.sampled_from([tf.square, tf.nn.selu, tf.nn.softmax, tf.exp, tf.abs]),
)
def test_gaps_sum_to_the_delta(seed, name, activations, odd):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4,), [4] * len(activations) + [3], [*activations, None])
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = odd(build(network, X))
        leaks = assert_adds_up(explainer(de, name, T, X), rng.randn(3, 4), rng.randn(3))
    if name == 'deeplift' and np.abs(leaks.delta).max() > 1e-6:
        assert leaks.rows[0].op == T.op.name
        assert leaks.rows[0].share == pytest.approx(1, abs=1e-6)


# graphs of all kinds


def paths(X):
    """Several ops from one tensor, several outputs of an op, unused ones, integers, shapes."""
    h = dense(X, 6)
    a, b, _ = tf.split(h, 3, axis=1)
    top, places = tf.nn.top_k(a * b + a)
    picked = tf.gather(h, [0, 2, 2], axis=1) + tf.cast(places, h.dtype) + tf.cast(tf.shape(h)[1], h.dtype)
    return tf.concat([top + tf.zeros_like(picked), tf.where(picked > 0, picked, picked**2)], axis=1)


def lookups(X):
    rows = tf.gather(X, tf.range(tf.shape(X)[0]))  # its gradient is sparse
    return tf.nn.embedding_lookup(weights(3, 2, dtype=X.dtype), tf.cast(X[:, 0] > 0, tf.int32)) * rows[:, :2]


def spectrum(X):
    return tf.square(tf.abs(tf.spectral.fft(tf.cast(X, tf.complex64)))) + tf.cast(X, tf.float32)


def chosen(X):
    """Gradients that the user chose, in the graph and in a function body: also that of an activation."""

    @tf.custom_gradient
    def custom(x):
        return tf.square(x), lambda g: 3 * g * x

    with tf.get_default_graph().gradient_override_map({'Relu': 'Identity'}):
        h = tf.nn.relu(X)
    return h + custom(X) + tf2.function(custom, autograph=False)(X) + tf.nn.swish(X)


def called(X):
    """One function called twice; its ops are those of both calls."""

    @tf2.function(autograph=False)
    def inner(x):
        return tf.nn.leaky_relu(tf.nn.relu(dense(x, 4)) - 0.5)

    return tf2.function(lambda x: inner(inner(x)) + inner(x), autograph=False)(X)


@pytest.mark.parametrize('network', [paths, lookups, spectrum, chosen, called])
@every_method
def test_graphs_of_all_kinds(session, network, name):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        e = explainer(de, name, network(X), X)
    assert_adds_up(e, normal(3, 4), tolerance=1e-5 if network is spectrum else 1e-9)


def test_an_op_of_a_function_that_is_called_twice_has_the_gaps_of_both_calls(session):
    @tf2.function(autograph=False)
    def f(x):
        return tf.square(x, name='odd')

    xs = normal(3, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        leaks = assert_adds_up(explainer(de, 'deeplift', f(X) + f(2 * X), X, baseline=0), xs)
    assert [row[:2] for row in leaks.rows if row.type == 'Square'] == [('odd', 'Square')]
    np.testing.assert_allclose(gap_of(leaks, 'Square'), (xs**2 + (2 * xs) ** 2).sum(axis=1))


def layer(h):
    return tf.nn.leaky_relu(tf.tanh(dense(h, 4)) - 0.1)


def while_loop(X):
    return tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, layer(h)), (0, layer(X)))[1]


def over_arrays(X):
    read = tf.TensorArray(X.dtype, 4).unstack(tf.transpose(layer(X)))
    written = tf.TensorArray(X.dtype, 4)
    step = lambda i, h, out: (i + 1, tf.tanh(h + read.read(i)), out.write(i, tf.square(h)))  # noqa: E731
    return tf.transpose(tf.while_loop(lambda i, *_: i < 4, step, (0, X[:, 0], written))[2].stack())


def branches(X):
    yes = tf.placeholder_with_default(True, [])
    inner = lambda h: tf.cond(yes, lambda: tf.square(h), lambda: h)  # noqa: E731
    h = tf.cond(yes, lambda: layer(inner(X)), lambda: X)
    return h + tf.cond(tf.logical_not(yes), lambda: layer(X), lambda: 2 * h)


def calls_in_a_branch(X):
    f = tf2.function(layer, autograph=False)
    return tf.cond(tf.placeholder_with_default(False, []), lambda: f(X), lambda: f(2 * X))


def loop_in_a_function(X):
    return tf2.function(while_loop, autograph=False)(X)


CLOSED = [while_loop, over_arrays, branches, calls_in_a_branch, loop_in_a_function]


@pytest.mark.parametrize(
    ('name', 'version', 'network'),
    [('deeplift', version, network) for version in (1, 2) for network in CLOSED]
    + [('elrp', 1, network) for network in CLOSED]  # it leaves loops of TensorFlow 1 as they are
    + [('elrp', 2, over_arrays), ('deeplift complete', 1, branches), ('deeplift complete', 2, loop_in_a_function)],
)
def test_loops_and_branches_share_a_row(session, monkeypatch, name, version, network):
    xs = normal(3, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        monkeypatch.setattr(control_flow_util, 'ENABLE_CONTROL_FLOW_V2', version == 2)
        H = network(layer(X))
        T = tf.square(H, name='last')
        monkeypatch.undo()
        session.run(T, {X: xs})
        e = explainer(de, name, T, X)
    before = {op.name: op.node_def for op in session.graph.get_operations()}
    leaks = assert_adds_up(e, xs)
    after = {op.name: op.node_def for op in session.graph.get_operations()}
    assert before == {op: after[op] for op in before}
    assert all(op.startswith('deepexplain') for op in set(after) - set(before))
    closed = {'While', 'StatelessWhile', 'If', 'StatelessIf', 'Exit', 'Merge', 'PartitionedCall'}
    closed.add('StatefulPartitionedCall')
    (row,) = [row for row in leaks.rows if row.type in closed]
    # What is behind it has its own row.
    at_x, at_baseline = (session.run(H, {X: x}) for x in (xs, np.full((3, 4), 0.3)))
    (last,) = [r.gap for r in leaks.rows if r.op == 'last']
    if name == 'elrp':
        np.testing.assert_allclose(last, (at_x**2).sum(axis=1), rtol=1e-9)
    elif name == 'deeplift':
        np.testing.assert_allclose(last, ((at_x - at_baseline) ** 2).sum(axis=1), rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_allclose(leaks.delta, 0, atol=1e-9)
    assert name == 'deeplift complete' or np.abs(row.gap).max() > 1e-3


@every_method
def test_a_rolled_lstm_of_keras(session, name):
    keras = keras_2()
    model = keras.Sequential([keras.layers.InputLayer((3, 2)), keras.layers.LSTM(3), keras.layers.Dense(2, 'relu')])
    session.run(tf.global_variables_initializer())
    model.set_weights([normal(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
    with DeepExplain(session=session) as de:
        e = explainer(de, name, model.outputs[0], model.inputs[0])
        leaks = assert_adds_up(e, normal(3, 3, 2), [1, 2], tolerance=1e-5)
    if name == 'deeplift':
        assert leaks.rows[0].share > 0.99
        assert 'hile' in leaks.rows[0].op or 'Call' in leaks.rows[0].type


def test_a_frozen_loop():
    frozen = tf.Graph()
    with frozen.as_default():
        before, control_flow_util.ENABLE_CONTROL_FLOW_V2 = control_flow_util.ENABLE_CONTROL_FLOW_V2, False
        X = tf.placeholder(tf.float64, [None, 4], name='X')
        tf.square(over_arrays(X), name='T')
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = before
    graph = tf.Graph()
    with graph.as_default(), tf.Session(graph=graph) as session, DeepExplain(session=session) as de:
        X, T = tf.import_graph_def(frozen.as_graph_def(), return_elements=['X:0', 'T:0'], name='')
        for name in METHODS:
            leaks = assert_adds_up(explainer(de, name, T, X), normal(3, 4))
            assert 'Exit' in [row.type for row in leaks.rows]


# with everything else


@every_method
@pytest.mark.parametrize('n', [1, 3, 4, 9])
def test_a_fixed_batch_dimension(session, name, n):
    xs, ys, shifts = normal(n, 4), normal(n, 3, seed=2), normal(n, 4, seed=3)
    recorder = Recorder(session, 'X:0')
    X, shift = tf.placeholder(tf.float64, [4, 4], name='X'), tf.placeholder(tf.float64, [4, 4])
    free, free_shift = (tf.placeholder(tf.float64, [None, 4]) for _ in range(2))
    with DeepExplain(session=recorder) as de:
        e = explainer(de, name, tf.square(mlp(X + shift)), X)
        leaks = assert_adds_up(e, xs, ys, {shift: shifts})
    with DeepExplain(session=session) as de:
        expected = explainer(de, name, tf.square(mlp(free + free_shift)), free).leaks(xs, ys, {free_shift: shifts})
    np.testing.assert_allclose(leaks.delta, expected.delta, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gap_of(leaks, 'Square'), gap_of(expected, 'Square'), rtol=1e-9, atol=1e-9)
    assert set(recorder.rows) == {4}


@every_method
@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
def test_a_mask_with_a_row_a_sample_meets_its_samples(session, name, shape):
    mask = np.arange(1.0, 7)[:, None]
    with DeepExplain(session=session) as de:
        X, free = tf.placeholder(tf.float64, shape), tf.placeholder(tf.float64, [None, 4])
        e = explainer(de, name, tf.square(mlp(X)) * mask, X)
        leaks = assert_adds_up(e, normal(6, 4))
        expected = explainer(de, name, tf.square(mlp(free)), free).leaks(normal(6, 4), mask * np.ones((6, 3)))
    np.testing.assert_allclose(leaks.delta, expected.delta, rtol=1e-9, atol=1e-9)
    with pytest.raises(ArgumentError, match='rows cannot be told apart for 5 samples'):
        e.leaks(normal(5, 4))


@every_method
def test_samples_that_mix_are_together_in_every_run(session, name):
    xs = normal(4, 3)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3])
        centred = X - tf.reduce_mean(X, axis=0)
        T = tf.square(tf.tanh(centred) + 0.2)
        e = explainer(de, name, T, X)
        leaks = e.leaks(xs)
        with pytest.warns(DeepExplainWarning, match='only the sum of delta over all samples'):
            _, delta = e.run(xs, return_convergence_delta=True)
    assert delta.sum() == pytest.approx(leaks.delta.sum(), abs=1e-9)
    assert sum(row.gap for row in leaks.rows) == pytest.approx(leaks.delta)
    if name == 'deeplift':  # at the baseline all are alike, so that what is left is 0.2
        z, z0 = np.tanh(xs - xs.mean(axis=0)) + 0.2, 0.2
        np.testing.assert_allclose(leaks.delta, ((z - z0) ** 2).sum(axis=1), rtol=1e-9)


@every_method
def test_several_inputs_and_an_intermediate_one(session, name):
    with DeepExplain(session=session) as de:
        P, Y = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 2])
        X = dense(P, 3) + dense(Y, 3)  # computed from the other one, and fed itself
        T = tf.square(mlp(tf.concat([X, Y], axis=1)))
        leaks = assert_adds_up(explainer(de, name, T, [X, Y]), [normal(4, 3), normal(4, 2)], normal(4, 3))
    assert 'Square' in [row.type for row in leaks.rows]


@every_method
@pytest.mark.parametrize('rank', [1, 2, 3, None])
def test_a_T_of_any_rank(session, name, rank):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.square(mlp(X))
        T = {1: T[:, 0], 2: T, 3: tf.stack([T, T], axis=2), None: tf.placeholder_with_default(T, None)}[rank]
        e = explainer(de, name, T, X)
    shape = {1: (), 2: (3,), 3: (3, 2), None: (3,)}[rank]
    for ys in (None, normal(*shape), normal(5, *shape)):
        leaks = assert_adds_up(e, normal(5, 4), ys)
    one = e.leaks(normal(5, 4)[2:3], np.asarray(ys)[2:3])
    np.testing.assert_allclose(leaks.delta[2:3], one.delta, rtol=1e-9, atol=1e-12)


def test_where_T_is_X_there_is_nothing_between(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        for name in METHODS:
            leaks = explainer(de, name, X, X).leaks(normal(2, 4))
            np.testing.assert_array_equal(leaks.delta, [0, 0])
            assert leaks.rows == []


@every_method
@pytest.mark.parametrize('dtype', ['float32', 'float16'])
def test_other_precisions(session, name, dtype):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(dtype, [None, 4])
        e = explainer(de, name, tf.square(tf.tanh(dense(X, 3) + 0.5)), X)
    assert_adds_up(e, normal(3, 4), tolerance=1e-5 if dtype == 'float32' else 1e-2)


# what is left behind


@every_method
def test_the_graph_grows_once_and_under_its_own_name(session, name):
    X = tf.placeholder(tf.float64, [None, 4])
    T = tf.square(mlp(X))
    before = {op.name: op.node_def for op in session.graph.get_operations()}
    with DeepExplain(session=session) as de:
        e = explainer(de, name, T, X)
        built = session.graph.version
        first = e.leaks(normal(3, 4))
        grown = session.graph.version
        assert grown > built
        again = e.leaks(normal(3, 4))
        e.leaks(normal(2, 4), normal(2, 3))
        other = {'elrp': {'epsilon': 1.0}}.get(name, dict(METHODS[name][1], baseline=1.0))
        changed = e.with_arguments(**other).leaks(normal(3, 4))
    after = {op.name: op.node_def for op in session.graph.get_operations()}
    assert session.graph.version == grown
    assert before == {op: after[op] for op in before}
    assert all(op.startswith('deepexplain') for op in set(after) - set(before))
    np.testing.assert_array_equal(first.delta, again.delta)
    np.testing.assert_array_equal([row.gap for row in first.rows], [row.gap for row in again.rows])
    assert name == 'deeplift complete' or np.abs(first.delta - changed.delta).max() > 1e-3


def test_a_finalized_graph(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        ready, late = (de.get_explainer('elrp', T, X) for _ in range(2))
    before = ready.leaks(normal(3, 4))
    session.graph.finalize()
    np.testing.assert_array_equal(ready.leaks(normal(3, 4)).delta, before.delta)
    with pytest.raises(GraphError, match=r'graph is finalized, so leaks\(\) cannot add to it: call it once before'):
        late.leaks(normal(3, 4))
    assert late.run(normal(3, 4)).shape == (3, 4)


def test_gaps_follow_the_weights(session):
    with DeepExplain(session=session) as de:
        X, b = tf.placeholder(tf.float64, [None, 1]), tf.Variable(np.array(1.0))
        session.run(tf.global_variables_initializer())
        e = de.get_explainer('elrp', X + b, X)
        np.testing.assert_allclose(e.leaks([[3.0]]).delta, [-1])
        session.run(tf.assign(b, 5.0))
        np.testing.assert_allclose(e.leaks([[3.0]]).delta, [-5])


# the table


def test_the_table_names_the_ops_that_matter(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        T = tf.square(tf.nn.leaky_relu(X, name='a'), name='b') + tf.square(1e-3 * X, name='tiny')
        leaks = explainer(de, 'deeplift', T, X, baseline=0).leaks([[1.0, -1.0], [3.0, -5.0]])
        complete = explainer(de, 'deeplift complete', T, X, baseline=0).leaks([[1.0, -1.0]])
    assert [row.op for row in leaks.rows][:2] == ['b', 'tiny']
    lines = str(leaks).splitlines()
    assert lines == repr(leaks).splitlines()
    # (1 + 0.04 + 9 + 1) / 2, and 36e-6 / 2
    assert lines[0] == "'deeplift': attributions and T(x) - T(baseline) differ by 5.52 (2 samples, mean)."
    assert lines[1].split() == ['op', 'type', 'share', 'of', 'gaps', 'mean', 'gap']
    assert lines[2].split() == ['b', 'Square', '100.0', '%', '5.52']
    assert len(lines) == 3  # tiny is not shown
    assert str(complete).startswith("'deeplift': attributions and T(x) - T(baseline) differ by ")
    assert '(one sample), which is rounding.' in str(complete)


# what is refused


@pytest.mark.parametrize('method', ['zero', 'saliency', 'grad*input', 'intgrad', 'occlusion', 'shapley_sampling'])
def test_methods_that_are_no_chain_of_rules_have_no_leaks(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        e = de.get_explainer(method, mlp(X), X)
    with pytest.raises(ArgumentError, match="has no leaks: its attributions are no chain of rules .* 'deeplift' and"):
        e.leaks(normal(2, 4))


@every_method
def test_what_does_not_fit_is_refused_before_the_graph_grows(session, name):
    with DeepExplain(session=session) as de:
        X, shift = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [])
        T = mlp(X + shift)
        e, scalar, flat = (explainer(de, name, target, X) for target in (T, tf.reduce_sum(T), tf.reshape(T, [-1, 2])))
        before = session.graph.version
        feed = {shift: 0}
        for refused, arguments, message in [
            (e, (normal(2, 3), None, feed), 'xs must have the shape'),
            (e, (normal(2, 4), normal(5), feed), 'ys must have the shape of T'),
            (e, (normal(2, 4), 'each', feed), "takes one explanation for each sample: ys must be an array, not 'each'"),
            (e, (normal(2, 4),), 'placeholders that have no value'),
            (scalar, (normal(2, 4), None, feed), 'needs one value of T for each sample, but T .* is a scalar'),
            (flat, (normal(2, 4), None, feed), 'needs one row of T for each sample, but T .* has . rows'),
        ]:
            with pytest.raises(ArgumentError, match=message):
                refused.leaks(*arguments)
    assert session.graph.version == before
