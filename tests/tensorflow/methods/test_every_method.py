"""What holds for every method: the axioms, batches, ys, the shapes and types of T and X, and how arguments are refused."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import FUNCTIONS, NETWORKS, build, context, explain, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.methods import attribution_methods

#: Each method, with arguments that keep it short.
METHODS = {
    'zero': {},
    'saliency': {},
    'grad*input': {},
    'intgrad': {'steps': 5},
    'elrp': {'epsilon': 0.01},
    'deeplift': {},
    'occlusion': {'window_shape': 2},
    'shapley_sampling': {'samples': 2},
}
SIGNED = [method for method in METHODS if method != 'saliency']
WITH_BASELINE = ['intgrad', 'deeplift']
GRADIENT_BASED = ['zero', 'saliency', 'grad*input', 'intgrad', 'elrp', 'deeplift']
ACTIVATION_LISTS = st.lists(st.sampled_from(sorted(oracle.ACTIVATIONS)), min_size=1, max_size=3)
SEEDS = st.integers(0, 2**32 - 1)

every_method = pytest.mark.parametrize('method', METHODS)


def run(explainer, *args, **kwargs):
    """``explainer.run``, with the same random orders each time."""
    np.random.seed(0)
    return explainer.run(*args, **kwargs)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11)


def test_these_are_the_methods_in_order():
    assert list(attribution_methods)[: len(METHODS)] == list(METHODS)
    assert [position for _, position in attribution_methods.values()] == list(range(len(attribution_methods)))


# --- axioms


@pytest.mark.parametrize('method', ['grad*input', 'intgrad', 'elrp', 'deeplift', 'occlusion', 'shapley_sampling'])
@settings(max_examples=5)
@given(seed=SEEDS, activations=ACTIVATION_LISTS, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_linearity(method, seed, activations, a, b):
    rng = np.random.RandomState(seed)
    f, g = (
        oracle.random_network(rng, (3,), [3] * len(activations), names) for names in (activations, activations[::-1])
    )
    xs = rng.randn(2, 3)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 3])
        F, G = build(f, X), build(g, X)
        found, of_f, of_g = (run(de.get_explainer(method, T, X, **METHODS[method]), xs) for T in (a * F + b * G, F, G))
    np.testing.assert_allclose(found, a * of_f + b * of_g, rtol=1e-7, atol=1e-9)


@settings(max_examples=5)
@given(seed=SEEDS, activations=ACTIVATION_LISTS)
def test_a_feature_that_the_target_ignores_gets_zero(seed, activations):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4,), [3] * len(activations), activations)
    network.layers[0].weights[1] = 0
    xs = rng.randn(2, 4)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = build(network, X)
        for method in METHODS:
            arguments = {} if method == 'occlusion' else METHODS[method]
            found = run(de.get_explainer(method, T, X, **arguments), xs)
            np.testing.assert_allclose(found[:, 1], 0, atol=1e-12, err_msg=method)


@settings(max_examples=5)
@given(seed=SEEDS, activations=ACTIVATION_LISTS)
def test_features_that_enter_alike_get_alike(seed, activations):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4,), [3] * len(activations), activations)
    network.layers[0].weights[2] = network.layers[0].weights[0]
    xs = rng.randn(3, 4)
    xs[:, 2] = xs[:, 0]
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = build(network, X)
        for method in [*GRADIENT_BASED, 'occlusion']:
            found = de.explain(method, T, X, xs)
            np.testing.assert_allclose(found[:, 2], found[:, 0], rtol=1e-8, atol=1e-11, err_msg=method)


def test_on_a_linear_model_five_methods_agree():
    network = NETWORKS['linear']
    xs, ys = samples(network)
    by_hand = xs * ys.dot(network.layers[1].weights.T).dot(network.layers[0].weights.T)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 5])
        T = build(network, X)
        for method in ('grad*input', 'intgrad', 'elrp', 'deeplift', 'occlusion', 'shapley_sampling'):
            assert_close(de.explain(method, T, X, xs, ys), by_hand)


# --- batches


@every_method
@pytest.mark.parametrize('name', ['all five', 'convolution'])
def test_the_result_does_not_depend_on_the_batch_size(session, name, method):
    network = NETWORKS[name]
    xs, ys = samples(network, n=7)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        explainer = de.get_explainer(method, build(network, X), X, **METHODS[method])
    whole = run(explainer, xs, ys)
    assert whole.shape == xs.shape
    for batch_size in (1, 2, 3, 7, 100, np.int64(4)):
        assert_close(run(explainer, xs, ys, batch_size=batch_size), whole)
    assert_close(np.concatenate([run(explainer, xs[i : i + 1], ys[i : i + 1]) for i in range(7)]), whole)


@every_method
@pytest.mark.parametrize(
    ('batch_size', 'error', 'message'),
    [
        (0, ValueError, 'batch_size must be at least 1; got 0'),
        (2.0, TypeError, 'batch_size must be an integer; got 2.0'),
        (True, TypeError, 'batch_size must be an integer; got True'),
    ],
)
def test_other_batch_sizes_are_refused(session, method, batch_size, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        with pytest.raises(error, match=message):
            de.explain(method, tf.nn.relu(X), X, [[1, 2]], batch_size=batch_size)


@every_method
def test_a_fixed_batch_dimension_takes_any_number_of_samples(session, method):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=7)
    with DeepExplain(session=session) as de:
        X, fixed = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [3, 4])
        whole = run(de.get_explainer(method, build(network, X), X, **METHODS[method]), xs, ys)
        explainer = de.get_explainer(method, build(network, fixed), fixed, **METHODS[method])
    for n in (1, 3, 7):
        assert_close(run(explainer, xs[:n], ys[:n]), whole[:n])
    assert_close(run(explainer, xs, ys, batch_size=3), whole)
    with pytest.raises(ValueError, match='compatible with the batch size. Found 3 in the graph and batch_size=2'):
        run(explainer, xs, ys, batch_size=2)


# --- ys


@pytest.mark.parametrize('method', SIGNED)
def test_ys_weight_the_outputs(session, method):
    network = NETWORKS['Elu']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        explainer = de.get_explainer(method, build(network, X), X, **METHODS[method])
    whole = run(explainer, xs)
    each = [run(explainer, xs, np.tile(row, (len(xs), 1))) for row in np.eye(3)]
    assert_close(sum(each), whole)  # summed over the outputs, not averaged
    assert_close(run(explainer, xs, np.ones((len(xs), 3))), whole)
    assert_close(run(explainer, xs, ys), np.einsum('kni,nk->ni', each, ys))


@every_method
def test_ys_of_one_sample_count_for_all(session, method):
    network = NETWORKS['Elu']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        explainer = de.get_explainer(method, build(network, X), X, **METHODS[method])
    for batch_size in (None, 3):
        alike = run(explainer, xs, np.tile(ys[0], (len(xs), 1)), batch_size)
        assert_close(run(explainer, xs, ys[0], batch_size), alike)
        assert_close(run(explainer, xs, list(ys[0]), batch_size), alike)


@every_method
def test_ys_and_a_product_with_a_mask_agree(session, method):
    network = NETWORKS['Elu']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        T = build(network, X)

        def explained(target, weights=None):
            return run(de.get_explainer(method, target, X, **METHODS[method]), xs, weights)

        assert_close(explained(T * ys[0]), explained(T, ys[0]))
        assert_close(explained(T * ys), explained(T, ys))  # one row a sample: T has a fixed batch dimension
        assert_close(explained(T * ys, ys), explained(T, ys * ys))
        assert_close(explained(T[:, 1]), explained(T, [0, 1, 0]))


@every_method
def test_ys_of_another_shape_are_refused(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 3])
        explainer = de.get_explainer(method, tf.nn.relu(X), X, **METHODS[method])
    for wrong in (np.ones((1, 3)), np.ones((2, 1)), np.ones(2), 1.0, np.ones((3, 2)), np.ones((2, 3, 1))):
        with pytest.raises(
            ValueError, match=r'ys must have the shape of T: \(2, 3\) .* or \(3,\) .*; got \('
        ) as caught:
            explainer.run(np.ones((2, 3)), wrong)
        assert isinstance(caught.value, RuntimeError)
        assert str(np.shape(wrong)) in str(caught.value)


# --- the shapes and types of T and X


@every_method
def test_a_target_of_rank_one(session, method):
    network = NETWORKS['Tanh']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        T = build(network, X)
        explainer = de.get_explainer(method, tf.reduce_sum(T, axis=1), X, **METHODS[method])
        whole = de.get_explainer(method, T, X, **METHODS[method])
    assert_close(run(explainer, xs), run(whole, xs))
    assert_close(run(explainer, xs, ys[:, 0]), run(whole, xs, np.tile(ys[:, :1], 3)))


@every_method
def test_a_target_of_rank_four(session, method):
    xs = np.random.RandomState(0).randn(3, 4, 3, 2)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4, 3, 2])
        T = build(oracle.Network(NETWORKS['convolution'].layers[:1], (4, 3, 2)), X)  # a feature map
        flat = tf.reshape(T, [-1, 3 * 2 * 3])
        ys = np.random.RandomState(1).randn(3, 3, 2, 3)
        found = run(de.get_explainer(method, T, X, **METHODS[method]), xs, ys, batch_size=2)
        assert_close(found, run(de.get_explainer(method, flat, X, **METHODS[method]), xs, ys.reshape(3, -1)))


@every_method
def test_an_input_of_rank_one(session, method):
    x = np.array([0.5, -2.0, 3.0])
    with DeepExplain(session=session) as de:
        X, column = tf.placeholder(tf.float64, [None]), tf.placeholder(tf.float64, [None, 1])
        explainer = de.get_explainer(method, tf.nn.softplus(X) + 2 * X, X, **METHODS[method])
        whole = de.get_explainer(method, tf.nn.softplus(column) + 2 * column, column, **METHODS[method])
    assert run(explainer, x).shape == (3,)
    assert_close(run(explainer, x, batch_size=2), run(whole, x[:, None])[:, 0])


@every_method
def test_a_target_of_an_input_itself(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        found = de.explain(method, X, X, [[3.0, -5.0]])
    assert_close(found, [[1, 1]] if method in ('zero', 'saliency') else [[3, -5]])


@every_method
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64'])
def test_the_result_has_the_type_of_the_input(session, method, dtype):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(dtype, [None, 2])
        found = de.explain(method, tf.nn.relu(X * X), X, [[1, 2], [-3, 0.5]])
        reference = explain(method, lambda X: tf.nn.relu(X * X), [[1, 2], [-3, 0.5]])
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_allclose(found, reference, rtol=2e-3)


@every_method
def test_samples_of_any_real_type_are_taken_and_not_modified(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        explainer = de.get_explainer(method, tf.nn.relu(X), X, **METHODS[method])
    expected = run(explainer, np.array([[1, 2], [0, 1]], np.float32))
    xs = np.array([[1, 2], [0, 1]])
    for given_xs in (
        xs.tolist(),
        xs,
        xs.astype(np.uint8),
        xs.astype(np.float64),
        xs.astype(np.float16),
        xs[::-1][::-1],
    ):
        before = np.array(given_xs)
        found = run(explainer, given_xs)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(given_xs, before)


# Open dimensions: three layouts of one network, which treats each of the rows of a sample alike and sums them up.
ROW_NETWORK = oracle.random_network(np.random.RandomState(9), (4,), [3, 2], ['Tanh', 'Softplus'])


def _pointwise(X):
    """T, shape [samples, 2], of X with shape [samples, time, 4]."""
    A = X
    for weights, bias, activation in ROW_NETWORK.layers:
        A = FUNCTIONS[activation](tf.tensordot(A, tf.constant(weights, X.dtype), 1) + tf.constant(bias, X.dtype))
    return tf.reduce_sum(A, axis=1)


@pytest.mark.parametrize('with_baseline', [False, True])
@every_method
def test_dimensions_may_be_open_besides_the_batch(session, method, with_baseline):
    if with_baseline and method not in WITH_BASELINE:
        pytest.skip('takes no baseline')
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, None, 4])
        unknown = tf.placeholder(tf.float64)
        for time in (1, 3, 2):
            xs = np.random.RandomState(time).randn(5, time, 4)
            arguments = dict(METHODS[method], **({'baseline': xs[0] / 2} if with_baseline else {}))
            fixed = tf.placeholder(tf.float64, [None, time, 4])
            expected = run(de.get_explainer(method, _pointwise(fixed), fixed, **arguments), xs)
            assert expected.shape == xs.shape
            for tensor in (X, unknown):
                explainer = de.get_explainer(method, _pointwise(tf.reshape(tensor, [-1, time, 4])), tensor, **arguments)
                assert_close(run(explainer, xs), expected)
                assert_close(run(explainer, xs, batch_size=2), expected)


@every_method
def test_one_explainer_takes_samples_of_one_length_after_another(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, None, 4])
        explainer = de.get_explainer(method, _pointwise(X), X, **METHODS[method])
    for time in (1, 3, 2):
        xs = np.random.RandomState(time).randn(5, time, 4)
        expected = explain(method, _pointwise, xs, **METHODS[method]) if method != 'shapley_sampling' else None
        found = run(explainer, xs)
        assert found.shape == xs.shape
        if expected is not None:
            assert_close(found, expected)


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_a_baseline_of_another_length_than_the_samples_is_refused(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, None, 4])
        explainer = de.get_explainer(method, _pointwise(X), X, baseline=np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r'Baseline shape \(2, 4\) does not match .* one sample of xs .*\(3, 4\)'):
        explainer.run(np.ones((1, 3, 4)))


# --- several inputs


@pytest.mark.parametrize('method', GRADIENT_BASED)
@pytest.mark.parametrize('several', [list, tuple])
def test_several_inputs_are_explained_as_one_concatenated_input(session, method, several):
    network = NETWORKS['all five']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        parts = several([tf.placeholder(tf.float64, [None, 1]), tf.placeholder(tf.float64, [None, 3])])
        explainer = de.get_explainer(method, build(network, tf.concat(parts, axis=1)), parts, **METHODS[method])
        expected = de.explain(method, build(network, X), X, xs, ys, **METHODS[method])
    for batch_size in (None, 3):
        found = explainer.run(several([xs[:, :1], xs[:, 1:]]), ys, batch_size)
        assert isinstance(found, list)
        assert [part.shape for part in found] == [(4, 1), (4, 3)]
        assert_close(np.hstack(found), expected)


@pytest.mark.parametrize('method', GRADIENT_BASED)
def test_a_list_of_one_input_gives_a_list_of_one_result(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        found = de.explain(method, tf.nn.relu(X), [X], [[[1.0, 2.0]]])
        assert_close(found, [de.explain(method, tf.nn.relu(X), X, [[1.0, 2.0]])])


# --- baselines


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_a_baseline_may_be_an_array_a_list_or_a_number(session, method):
    xs = np.array([[1.0, -2.0], [0.5, 3.0]])
    given_baseline = [2.0, 2.0]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        T = tf.tanh(X)
        expected = de.explain(method, T, X, xs, baseline=np.array([2.0, 2.0]))
        assert not np.allclose(expected, de.explain(method, T, X, xs))
        for same in (given_baseline, 2, 2.0, np.float32(2), np.array([2, 2], np.int32)):
            assert_close(de.explain(method, T, X, xs, baseline=same), expected)
        for nothing in (None, 0, np.zeros(2), [0, 0]):
            assert_close(de.explain(method, T, X, xs, baseline=nothing), de.explain(method, T, X, xs))
    assert given_baseline == [2.0, 2.0]


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_baselines_of_several_inputs_are_a_list_that_stays_as_it_was(session, method):
    xs = [np.array([[1.0, -2.0]]), np.array([[0.5]])]
    first, baselines = np.array([2.0, 0.0]), None
    with DeepExplain(session=session) as de:
        X, Y = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 1])
        T = tf.tanh(X + 2 * Y)
        baselines = [first, None]
        found = de.explain(method, T, [X, Y], xs, baseline=baselines)
        assert_close(found[1], de.explain(method, T, [X, Y], xs, baseline=[[2, 0], [0]])[1])
        assert_close(found[0], de.explain(method, T, [X, Y], xs, baseline=(first, 0.0))[0])
        one_for_all = de.explain(method, T, [X, Y], xs, baseline=1)
        for a, b in zip(one_for_all, de.explain(method, T, [X, Y], xs, baseline=[[1, 1], [1]])):
            assert_close(a, b)
    assert len(baselines) == 2
    assert baselines[0] is first
    assert baselines[1] is None
    np.testing.assert_array_equal(first, [2, 0])


@pytest.mark.parametrize('method', WITH_BASELINE)
def test_an_explainer_keeps_its_baseline_when_the_array_changes_later(session, method):
    baseline = np.ones(2)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        explainer = de.get_explainer(method, tf.tanh(X), X, baseline=baseline)
    before = explainer.run([[2.0, 3.0]])
    baseline[:] = 7
    assert_close(explainer.run([[2.0, 3.0]]), before)


@pytest.mark.parametrize('method', WITH_BASELINE)
@pytest.mark.parametrize(
    ('baseline', 'error', 'message'),
    [
        ([1, 2, 3], ValueError, r"Baseline shape \(3,\) does not match the shape of one sample of '.*', \(2,\)"),
        ([[1, 2]], ValueError, r"Baseline shape \(1, 2\) does not match the shape of one sample of '.*', \(2,\)"),
        ([1], ValueError, r"Baseline shape \(1,\) does not match the shape of one sample of '.*', \(2,\)"),
        ([1, np.nan], ValueError, 'baseline holds nan'),
        (np.inf, ValueError, 'baseline holds nan or infinite'),
        ('a', TypeError, 'baseline must hold real numbers'),
        (1j, TypeError, 'baseline must hold real numbers; its dtype is complex'),
        ({'a': 1}, TypeError, 'baseline must hold real numbers; its dtype is object'),
    ],
)
def test_a_baseline_that_does_not_fit_is_refused(session, method, baseline, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer(method, tf.nn.relu(X), X, baseline=baseline)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize('method', WITH_BASELINE)
@pytest.mark.parametrize(
    ('baseline', 'message'),
    [
        ([[0, 0]], 'X is a list of 2 tensors, so baseline must be a list of 2; got 1'),
        ([[0, 0], [0], [0]], 'X is a list of 2 tensors, so baseline must be a list of 2; got 3'),
        ([[0], [0]], r"Baseline shape \(1,\) does not match the shape of one sample of '.*', \(2,\)"),
        ([[0, 0], [0, 0]], r"Baseline shape \(2,\) does not match the shape of one sample of '.*', \(1,\)"),
        (np.zeros(2), r'baseline must be a list with one entry for each, .*; got an array of shape \(2,\)'),
    ],
)
def test_baselines_that_do_not_fit_several_inputs_are_refused(session, method, baseline, message):
    with DeepExplain(session=session) as de:
        X, Y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None, 1])
        with pytest.raises(ValueError, match=message) as caught:
            de.get_explainer(method, tf.nn.relu(X + Y), [X, Y], baseline=baseline)
    assert isinstance(caught.value, RuntimeError)


# --- arguments


@pytest.mark.parametrize(
    ('method', 'accepted'),
    [
        ('zero', 'none'),
        ('saliency', 'none'),
        ('grad*input', 'none'),
        ('intgrad', 'steps, baseline'),
        ('elrp', 'epsilon'),
        ('deeplift', 'baseline'),
        ('occlusion', 'window_shape, step'),
        ('shapley_sampling', 'samples, sampling_dims'),
    ],
)
def test_an_unknown_argument_is_refused_with_the_names_that_are_known(session, method, accepted):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        T = tf.nn.relu(X)
        message = "does not know the argument 'base_line', 'stepps'; it takes {}".format(accepted)
        with pytest.raises(TypeError, match=message) as caught:
            de.get_explainer(method, T, X, stepps=3, base_line=0)
        with pytest.raises(TypeError, match="does not know the argument 'stepps'; it takes " + accepted):
            de.explain(method, T, X, [[1, 2]], stepps=3)
    assert isinstance(caught.value, RuntimeError)
