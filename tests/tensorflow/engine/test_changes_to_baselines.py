"""What is taken away becomes the baseline, and goes in groups: occlusion, shapley_sampling."""

from itertools import permutations

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, explain, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st
from small import Recorder, mlp, normal

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine import changes
from deepexplain.tensorflow.methods import shapley_sampling

SEEDS = st.integers(0, 2**32 - 1)
RNG = np.random.RandomState(8)
ONE_SAMPLE, EACH_SAMPLE = RNG.randn(4, 3, 2), RNG.randn(4, 4, 3, 2)  # of the convolution's four samples
#: What to pass, and what it means for xs.
BASELINES = {
    'number': (0.5, lambda xs: 0.5),
    'one sample': (ONE_SAMPLE, lambda xs: ONE_SAMPLE),
    'each sample': (EACH_SAMPLE, lambda xs: EACH_SAMPLE),
    'function, one sample': (lambda xs: xs.mean(axis=0), lambda xs: xs.mean(axis=0)),
    'function, each sample': (lambda xs: xs[::-1], lambda xs: xs[::-1]),
}
#: Six groups of the convolution's input, and three of which each holds all channels of its pixels.
MASKS = {
    'groups': np.random.RandomState(9).choice([-3, 0, 1, 5, 8, 40], (4, 3, 2)),
    'pixels': np.array([[[1], [1], [7]], [[7], [7], [7]], [[2], [2], [2]], [[2], [2], [1]]]),
}


def full(mask, shape=(4, 3, 2)):
    return np.broadcast_to(mask, shape)


@pytest.mark.parametrize('batch_size', [None, 1, 3])
@pytest.mark.parametrize('name', BASELINES)
def test_occlusion_with_a_baseline_matches_the_formula(name, batch_size):
    network = NETWORKS['convolution']
    xs, ys = samples(network)
    baseline, meaning = BASELINES[name]
    for window, step in (((1, 1, 1), (1, 1, 1)), ((2, 3, 1), (1, 1, 1)), ((2, 1, 2), (2, 1, 1))):
        found = explain('occlusion', network, xs, ys, batch_size, window_shape=window, step=step, baseline=baseline)
        formula = oracle.occlusion(lambda x: ys * network(x), xs, window, step, meaning(xs))
        np.testing.assert_allclose(found, formula, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('mask', MASKS)
@pytest.mark.parametrize('name', ['number', 'each sample', 'function, one sample'])
def test_occlusion_of_groups_matches_the_formula(mask, name):
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    baseline, meaning = BASELINES[name]
    for batch_size in (None, 2):
        found = explain('occlusion', network, xs, None, batch_size, baseline=baseline, feature_mask=MASKS[mask])
        drops = oracle.feature_ablation(network, xs, full(MASKS[mask]), meaning(xs))
        np.testing.assert_allclose(found, oracle.by_value(drops, full(MASKS[mask])), rtol=1e-9, atol=1e-12)


def test_every_value_of_a_group_holds_the_whole_drop():
    found = explain('occlusion', lambda X: X * [1.0, 2.0, 4.0, 8.0], [[1, 1, 1, 1]], feature_mask=[3, 3, -1, 3])
    np.testing.assert_allclose(found, [[11, 11, 4, 11]])


@pytest.mark.parametrize('batch_size', [None, 1, 3])
@pytest.mark.parametrize('name', BASELINES)
def test_shapley_sampling_with_a_baseline_matches_the_formula(name, batch_size):
    network = NETWORKS['convolution']
    xs, ys = samples(network)
    baseline, meaning = BASELINES[name]
    found = explain('shapley_sampling', network, xs, ys, batch_size, samples=2, baseline=baseline, seed=3)
    mask = oracle.each_alone((4, 3, 2))
    formula, _ = oracle.shapley_of_orders(lambda x: ys * network(x), xs, oracle.drawn(3, 24, 2), mask, meaning(xs))
    np.testing.assert_allclose(found, oracle.by_value(formula, mask), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('antithetic', [False, True])
@pytest.mark.parametrize('mask', MASKS)
@pytest.mark.parametrize('name', ['number', 'each sample'])
def test_shapley_sampling_of_groups_matches_the_formula(mask, name, antithetic):
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    baseline, meaning = BASELINES[name]
    arguments = {
        'feature_mask': MASKS[mask],
        'antithetic': antithetic,
        'baseline': baseline,
        'return_standard_error': True,
    }
    mask = full(MASKS[mask])
    orders = oracle.drawn(5, len(np.unique(mask)), 6, antithetic)
    mean, error = oracle.shapley_of_orders(network, xs, orders, mask, meaning(xs), pairs=antithetic)
    for batch_size in (None, 2):
        found = explain('shapley_sampling', network, xs, None, batch_size, samples=6, seed=5, **arguments)
        np.testing.assert_allclose(found[0], oracle.by_value(mean, mask), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[1], oracle.by_value(error, mask), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize('antithetic', [False, True])
@pytest.mark.parametrize('most', [1, 30, 200])
def test_orders_put_together_in_any_way_have_one_mean_and_one_error(monkeypatch, most, antithetic):
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    arguments = {'samples': 6, 'seed': 1, 'antithetic': antithetic, 'return_standard_error': True}
    expected = explain('shapley_sampling', network, xs, **arguments)
    monkeypatch.setattr(changes, 'MOST_OUTPUTS', most)
    monkeypatch.setattr(shapley_sampling, 'MOST_CONTRIBUTIONS', most)
    np.testing.assert_allclose(explain('shapley_sampling', network, xs, **arguments), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_each_output_has_its_groups_and_errors(session, method):
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    arguments = {'feature_mask': MASKS['groups'], 'baseline': EACH_SAMPLE}
    if method == 'shapley_sampling':
        arguments.update(samples=4, seed=2, return_standard_error=True)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4, 3, 2])
        explainer = de.get_explainer(method, build(network, X), X, **arguments)
    found = np.array(explainer.run(xs, 'each'))  # of shapley_sampling: attributions and errors, then outputs
    one_by_one = [np.array(explainer.run(xs, ys)) for ys in np.eye(3)]
    np.testing.assert_allclose(found, np.stack(one_by_one, axis=found.ndim - 5), rtol=1e-9, atol=1e-12)


@few_examples
@given(seed=SEEDS, groups=st.integers(1, 5), antithetic=st.booleans(), kind=st.sampled_from(['one', 'each']))
def test_contributions_of_groups_are_complete(seed, groups, antithetic, kind):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (3, 2), [4, 2], ['Tanh', None])
    xs, mask = rng.randn(3, 3, 2), rng.randint(groups, size=(3, 2))
    baseline = rng.randn(3, 3, 2) if kind == 'each' else rng.randn(3, 2)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 3, 2])
        arguments = {'samples': 2, 'antithetic': antithetic, 'baseline': baseline, 'feature_mask': mask}
        explainer = de.get_explainer('shapley_sampling', build(network, X), X, **arguments)
        found = explainer.run(xs)
    _, first = np.unique(mask, return_index=True)
    gain = (network(xs) - network(np.broadcast_to(baseline, xs.shape))).sum(axis=1)
    np.testing.assert_allclose(found.reshape(3, -1)[:, first].sum(axis=1), gain, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize('antithetic', [False, True])
def test_over_all_orders_groups_get_their_shapley_value(monkeypatch, antithetic):
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    mask = np.random.RandomState(1).choice(4, (4, 3, 2))
    exact = oracle.by_value(oracle.shapley_exact_of_groups(network, xs, mask, EACH_SAMPLE), mask)
    orders = iter([order for order in permutations(range(4)) if not antithetic or order < order[::-1]])
    monkeypatch.setattr(np.random, 'permutation', lambda n: np.array(next(orders)))
    arguments = {'samples': 24, 'feature_mask': mask, 'baseline': EACH_SAMPLE, 'antithetic': antithetic}
    np.testing.assert_allclose(explain('shapley_sampling', network, xs, **arguments), exact, rtol=1e-9, atol=1e-12)


def test_groups_that_enter_alike_get_alike_and_ignored_ones_nothing(monkeypatch):
    # 0 and 2 enter T alike, and it does not read 1 nor 4: groups {0, 1}, {2}, {3}, {4}.
    weights = np.random.RandomState(3).randn(5, 3)
    weights[[1, 4]], weights[2] = 0, weights[0]
    xs = np.random.RandomState(4).randn(3, 5)
    xs[:, 2] = xs[:, 0]
    orders = permutations(range(4))
    monkeypatch.setattr(np.random, 'permutation', lambda n: np.array(next(orders)))
    found = explain(
        'shapley_sampling',
        lambda X: tf.tanh(tf.matmul(X, tf.constant(weights))),
        xs,
        samples=24,
        feature_mask=[0, 0, 1, 2, 3],
        baseline=0.3,
    )
    np.testing.assert_allclose(found[:, 0], found[:, 2], rtol=1e-9)
    assert np.abs(found[:, [0, 3]]).min() > 1e-3
    np.testing.assert_array_equal(found[:, 4], 0)


@few_examples
@given(seed=SEEDS, kind=st.sampled_from(['one', 'each']), method=st.sampled_from(['occlusion', 'shapley_sampling']))
def test_what_equals_its_baseline_is_skipped_and_would_have_changed_nothing(seed, kind, method):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4, 3), [4, 2], ['Softplus', None])
    baseline = rng.randn(4, 4, 3) if kind == 'each' else rng.randn(4, 3)
    xs = np.where(rng.rand(4, 4, 3) < 0.5, baseline, rng.randn(4, 4, 3))
    xs[0] = np.broadcast_to(baseline, xs.shape)[0]  # nothing at all to change
    mask = rng.randint(4, size=(4, 3))
    for arguments in ({'feature_mask': mask}, {}):
        groups = arguments.get('feature_mask', oracle.each_alone((4, 3)))
        if method == 'occlusion':
            formula = oracle.feature_ablation(network, xs, groups, baseline)
        else:
            arguments = {**arguments, 'samples': 2, 'seed': 6}
            orders = oracle.drawn(6, len(np.unique(groups)), 2)
            formula, _ = oracle.shapley_of_orders(network, xs, orders, groups, baseline)
        found = explain(method, network, xs, baseline=baseline, **arguments)
        np.testing.assert_allclose(found, oracle.by_value(formula, groups), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_only_what_differs_from_the_baseline_is_run(session, method):
    # Groups {0, 1}, {2}, {3}: of the first sample none differs, of the second {0, 1} and {3}, of the third all.
    baseline = [1.0, 2.0, 3.0, 4.0]
    xs = [[1.0, 2, 3, 4], [1, 0, 3, 5], [0, 0, 0, 0]]
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    arguments = {} if method == 'occlusion' else {'samples': 3}
    with DeepExplain(session=recorder) as de:
        explainer = de.get_explainer(method, mlp(X), X, baseline=baseline, feature_mask=[0, 0, 1, 2], **arguments)
    explainer.run(xs)  # the first run asks questions of the network
    recorder.rows = []
    explainer.run(xs)
    assert sum(recorder.rows) == (3 + 0 + 2 + 3 if method == 'occlusion' else 2 * 3 + 3 * (0 + 1 + 2))


@pytest.mark.parametrize('kind', ['number', 'one sample', 'each sample'])
@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_in_networks_that_mix_samples_each_goes_to_its_own_baseline(method, kind):
    def mixed(X):
        return tf.nn.relu(X - tf.reduce_mean(X, axis=0)) * [[1.0, 2.0, 3.0]]

    def plain(xs):
        return np.maximum(xs - xs.mean(axis=0), 0) * [[1, 2, 3]]

    xs = normal(4, 3)
    baseline = {'number': 0.5, 'one sample': normal(3, seed=1), 'each sample': normal(4, 3, seed=1)}[kind]
    xs[:, 1] = np.broadcast_to(baseline, xs.shape)[:, 1]  # equal in all samples: skipped
    xs[1:, 2] = np.broadcast_to(baseline, xs.shape)[1:, 2]  # in some: what changes one sample changes all
    for mask in (oracle.each_alone((3,)), np.array([0, 0, 4])):
        arguments = {'feature_mask': mask, 'baseline': baseline}
        if method == 'occlusion':
            formula = oracle.feature_ablation(plain, xs, mask, baseline)
        else:
            arguments.update(samples=2, seed=7)
            formula, _ = oracle.shapley_of_orders(plain, xs, oracle.drawn(7, len(set(mask)), 2), mask, baseline)
        found = explain(method, mixed, xs, **arguments)
        np.testing.assert_allclose(found, oracle.by_value(formula, mask), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_a_fixed_batch_is_filled_with_rows_and_their_baselines(session, method):
    network = NETWORKS['Relu']
    arguments = (
        {'baseline': normal(5, 5, seed=3)}
        if method == 'occlusion'
        else {
            'baseline': normal(5, 5, seed=3),
            'seed': 0,
        }
    )
    xs, _ = samples(network, n=5)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [3, 5])
        found = de.explain(method, build(network, X), X, xs, **arguments)
    np.testing.assert_allclose(found, explain(method, network, xs, **arguments), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_a_function_is_called_once_a_run_with_all_of_xs(session, method):
    calls = []
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer(method, mlp(X), X, baseline=lambda xs: calls.append(xs) or xs.min(axis=0))
    xs = normal(30, 4)
    found = explainer.run(xs, batch_size=7) if method == 'occlusion' else explainer.run(xs)
    assert len(calls) == 1
    np.testing.assert_array_equal(calls[0], xs)
    assert found.shape == xs.shape
    explainer.run(xs[:3])
    assert [len(call) for call in calls] == [30, 3]


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_token_ids_go_to_another_token(session, method):
    table = normal(9, 2)
    ids, other = np.array([[1, 5, 0], [2, 2, 8]]), 7
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.int32, [None, 3], name='ids')
        T = tf.gather(tf.constant(table), X)
        for baseline in (other, [other] * 3, np.full((2, 3), other), lambda ids: np.full_like(ids, other)):
            found = de.explain(method, T, X, ids, baseline=baseline)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, (table[ids] - table[other]).sum(axis=-1), rtol=1e-5)
        words = de.explain(method, T, X, ids, baseline=other, feature_mask=[0, 1, 1])
        losses = (table[ids] - table[other]).sum(axis=-1)
        np.testing.assert_allclose(words[:, 1], losses[:, 1:].sum(axis=1), rtol=1e-5)
        with pytest.raises(TypeError, match="baseline must hold integers, as 'ids:0' does; its dtype is float64"):
            de.explain(method, T, X, ids, baseline=7.0)
        with pytest.raises(ValueError, match=r'baseline holds numbers that do not fit \(as int32\)'):
            de.explain(method, T, X, ids, baseline=2**31)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'bfloat16'])
@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_other_dtypes_take_baselines_and_groups(session, method, dtype):
    if dtype == 'bfloat16' and tf.VERSION.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no bfloat16 kernels for this network')
    with DeepExplain(session=session) as de:
        X = tf.placeholder(dtype, [None, 4])
        explainer = de.get_explainer(method, 2 * X, X, baseline=[0.5, 1, 1, 0], feature_mask=[0, 0, 1, 2])
    found = explainer.run([[1.0, 2, 3, 4]])
    assert found.dtype == X.dtype.as_numpy_dtype
    np.testing.assert_array_equal(found.astype(np.float64), [[3, 3, 4, 8]])


@pytest.mark.parametrize('dims', [[None, 3, 2], [None, None, None], None])
@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_open_dimensions_take_baselines_and_groups(session, method, dims):
    weights, xs, baseline = normal(3, 2), normal(4, 3, 2, seed=1), normal(4, 3, 2, seed=2)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, dims)
        explainer = de.get_explainer(method, X * weights, X, baseline=baseline, feature_mask=[[0], [1], [1]])
    losses = ((xs - baseline) * weights).sum(axis=2)
    groups = np.stack([losses[:, 0], losses[:, 1] + losses[:, 2]], axis=1)
    found = explainer.run(xs)
    np.testing.assert_allclose(found, groups[:, [0, 1, 1], None].repeat(2, axis=2), rtol=1e-9)
    message = r'Baseline shape \(4, 3, 2\) does not match .*, \(3, 2\), nor .*, \(3, 3, 2\)'
    with pytest.raises(ValueError, match=message) as caught:
        explainer.run(xs[:3])
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_one_number_a_sample_takes_a_baseline_for_each(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None])
        for baseline in (2, [2.0, 2, 2], lambda xs: 0 * xs + 2):
            found = de.explain(method, X * X, X, [1.0, 2, 3], baseline=baseline, feature_mask=6)
            np.testing.assert_allclose(found, [-3, 0, 5])


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'baseline': np.ones(3)}, ValueError, r"Baseline shape \(3,\) does not match .* '.*', \(4, 4\), nor"),
        ({'baseline': np.nan}, ValueError, 'baseline holds nan or infinite values'),
        ({'baseline': 'black'}, TypeError, 'baseline must hold real numbers'),
        ({'feature_mask': [0.5]}, TypeError, 'feature_mask must be an array of integers; its dtype is float64'),
        (
            {'feature_mask': [1, 2]},
            ValueError,
            r'feature_mask must have the shape of one sample, \(4, 4\), .*; got \(2,\)',
        ),
    ],
)
def test_baselines_and_masks_that_do_not_fit_are_refused(session, method, arguments, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4, 4])
        with pytest.raises(error, match=message) as caught:
            de.get_explainer(method, X, X, **arguments)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize(
    ('method', 'arguments'),
    [
        ('occlusion', {'window_shape': 1}),
        ('occlusion', {'step': 1}),
        ('shapley_sampling', {'sampling_dims': [1]}),
    ],
)
def test_a_mask_is_not_given_beside_what_says_the_same(session, method, arguments):
    (name,) = arguments
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4, 4])
        with pytest.raises(ValueError, match=f'feature_mask and {name} both say .*: leave one of them out') as caught:
            de.get_explainer(method, X, X, feature_mask=np.eye(4, dtype=int), **arguments)
    assert isinstance(caught.value, RuntimeError)


# --- what sums of attributions mean


@pytest.mark.parametrize(
    ('method', 'arguments', 'refused'),
    [
        ('occlusion', {}, False),
        ('occlusion', {'window_shape': 2, 'step': 2}, False),
        ('occlusion', {'window_shape': 2}, True),
        ('occlusion', {'window_shape': (2, 3), 'step': (2, 3)}, True),  # the last column is left out
        ('occlusion', {'window_shape': (2, 4), 'step': 2}, False),  # one window along the second axis
        ('occlusion', {'feature_mask': np.eye(4, dtype=int)}, False),
        ('shapley_sampling', {}, False),
        ('shapley_sampling', {'sampling_dims': [2]}, False),
        ('shapley_sampling', {'feature_mask': np.eye(4, dtype=int)}, False),
    ],
)
@pytest.mark.filterwarnings('ignore:Attributions generated by Occlusion')
def test_sums_are_refused_where_values_count_more_or_less_than_once(session, method, arguments, refused):
    xs, weights = normal(3, 4, 4), normal(4, 4, seed=1)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4, 4])
        explainer = de.get_explainer(method, X * weights, X, baseline=0.5, **arguments)
    if refused:
        message = "'occlusion' has no convergence delta: its windows overlap or leave values out, so .* do not add up"
        with pytest.raises(ValueError, match=message) as caught:
            explainer.run(xs, return_convergence_delta=True)
        assert isinstance(caught.value, RuntimeError)
        return
    # For a linear target the sum is T(x) - T(baseline) in both methods.
    losses = (xs - 0.5) * weights
    for ys, sums in ((None, losses.sum(axis=(1, 2))), ('each', losses.reshape(3, -1).T)):
        found, delta = explainer.run(xs, ys, return_convergence_delta=True)
        np.testing.assert_allclose(delta, 0 * sums, atol=1e-12)
        request = explainer.request(xs, ys, None)
        stacked = found if ys == 'each' else found[None]
        np.testing.assert_allclose(
            explainer.engine.sums([stacked], request), sums.reshape(-1, 3), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
@pytest.mark.parametrize('name', BASELINES)
def test_the_convergence_delta_is_what_is_missing(method, name):
    network = NETWORKS['convolution']
    xs, ys = samples(network)
    baseline, meaning = BASELINES[name]
    reference = np.broadcast_to(meaning(xs), xs.shape)
    gain = (ys * (network(xs) - network(reference))).sum(axis=1)
    for batch_size in (None, 3):
        arguments = {'feature_mask': MASKS['groups'], 'baseline': baseline, 'return_convergence_delta': True}
        _, delta = explain(method, network, xs, ys, batch_size, **arguments)
        drops = oracle.feature_ablation(lambda x: ys * network(x), xs, MASKS['groups'], meaning(xs))
        expected = drops.sum(axis=1) - gain if method == 'occlusion' else 0 * gain
        np.testing.assert_allclose(delta, expected, rtol=1e-9, atol=1e-12)


def test_the_standard_error_comes_before_the_delta():
    network = NETWORKS['Relu']
    xs, _ = samples(network)
    arguments = {'seed': 0, 'return_standard_error': True}
    found = explain('shapley_sampling', network, xs, return_convergence_delta=True, **arguments)
    np.testing.assert_array_equal(found[:2], explain('shapley_sampling', network, xs, **arguments))
    np.testing.assert_allclose(found[2], np.zeros(4), atol=1e-12)


def test_what_is_promised_is_said(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        occlusion, shapley = (de.get_explainer(method, mlp(X), X) for method in ('occlusion', 'shapley_sampling'))
        de.get_explainer('shapley_sampling', mlp(X), X, strict=True)
    assert occlusion.describe().promise is None
    assert shapley.describe().promise == 'T(x) - T(baseline)'
    assert {row[2:] for row in occlusion.describe().rows} == {('evaluated', None)}
    assert {row[2:] for row in shapley.describe().rows} == {('evaluated', True)}
    shapley.with_arguments(samples=1, strict=True)
