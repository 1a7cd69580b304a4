"""Occlusion by replacements: each window becomes one thing after the other, each of which has a result."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, explain, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st

from deepexplain import metrics
from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.sequences import to_one_hot
from deepexplain.tensorflow import DeepExplain, NoiseTunnel
from deepexplain.tensorflow.export import export

DNA = to_one_hot(['ACGTTGCAAT', 'TTACGGCATA', 'CCCTAGATAC']).astype(np.float64)


def reading(X):
    """A convolution along the sequence, pooling, a dense layer: two outputs."""
    rng = np.random.RandomState(0)
    h = tf.nn.relu(tf.nn.conv1d(X, tf.constant(rng.randn(3, 4, 8), X.dtype), 1, 'SAME'))
    h = tf.squeeze(tf.nn.max_pool2d(h[:, None], [1, 2], [1, 2], 'SAME'), [1])
    return tf.matmul(tf.reshape(h, [-1, 40]), tf.constant(rng.randn(40, 2), X.dtype))


@pytest.fixture
def letters(session):
    """An explainer of every letter at every position."""
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 10, 4], name='dna')
        yield de.get_explainer('occlusion', reading(X), X, window_shape=(1, 4), replacements=np.eye(4))


def plain_loop(explainer, xs, ys):
    """The same, a row at a time."""
    found = np.zeros((len(xs), 4, 10, 1))
    for n, k, place in np.ndindex(len(xs), 4, 10):
        changed = xs[n : n + 1].copy()
        changed[0, place] = np.eye(4)[k]
        at_x, at_changed = (explainer.session.run(explainer.T, {explainer.X.name: z}) for z in (xs[n : n + 1], changed))
        found[n, k, place, 0] = ((at_x - at_changed) * ys[n]).sum()
    return found


@pytest.mark.parametrize('regions', [True, False, 'auto'])
@pytest.mark.parametrize('batch_size', [None, 1, 7])
def test_every_letter_at_every_position(letters, regions, batch_size):
    ys = np.random.RandomState(1).randn(3, 2)
    by = letters.with_arguments(window_shape=(1, 4), replacements=np.eye(4), regions=regions)
    found = by.run(DNA, ys, batch_size=batch_size)
    assert found.shape == (3, 4, 10, 1)
    np.testing.assert_allclose(found, plain_loop(letters, DNA, ys), rtol=1e-9, atol=1e-10)
    # What is there already is no change: exactly 0, not rounding.
    assert (found[DNA.transpose(0, 2, 1)[..., None] == 1] == 0).all()


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1),
    window=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)),
    step=st.tuples(*[st.integers(1, 2)] * 3),
    count=st.integers(1, 4),
    broadcasts=st.tuples(*[st.booleans()] * 3),
    regions=st.sampled_from([True, False]),
)
def test_any_window_and_replacements(seed, window, step, count, broadcasts, regions):
    network, rng = NETWORKS['convolution'], np.random.RandomState(seed)
    xs, _ = samples(network, 3, seed % 1000)
    values = rng.randn(count, *[1 if one else w for one, w in zip(broadcasts, window)])
    values[0] = 0
    xs[0, ::2] = 0  # where the first replacement changes nothing
    if broadcasts[0]:
        values = values[:, 0]
    given = {'window_shape': window, 'step': step, 'replacements': values, 'regions': regions}
    found = explain('occlusion', network, xs, **given)
    np.testing.assert_allclose(found, oracle.mutagenesis(network, xs, window, step, values), rtol=1e-9, atol=1e-12)
    one_by_one = [explain('occlusion', network, xs[i : i + 1], **given)[0] for i in range(len(xs))]
    np.testing.assert_allclose(found, one_by_one, rtol=1e-9, atol=1e-12)


def test_by_the_baseline_it_is_what_occlusion_shares_among_the_values_of_a_window():
    network = NETWORKS['convolution']
    xs, _ = samples(network)
    windows = {'window_shape': (2, 3, 1), 'step': (2, 3, 1)}  # each value is in one
    shared = explain('occlusion', network, xs, baseline=0.5, **windows)
    found = explain('occlusion', network, xs, replacements=[0.5], **windows)
    assert found.shape == (4, 1, 2, 1, 2)
    np.testing.assert_allclose(np.repeat(found[:, 0] / 6, 2, axis=1)[:, :, [0, 0, 0]], shared, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('regions', [True, False])
def test_groups_of_a_mask_become_what_lies_in_their_place(letters, regions):
    mask = np.array([0, 0, 1, 1, 1, 2, 0, 3, 3, 3])[:, None]
    values = np.random.RandomState(0).randn(2, 10, 4)
    by = letters.with_arguments(feature_mask=mask, replacements=values, regions=regions)
    found = by.run(DNA)
    assert found.shape == (3, 2, 4)
    for k, group in np.ndindex(2, 4):
        changed = np.where(mask == group, values[k], DNA)
        at_x, at_changed = (letters.session.run(letters.T, {letters.X.name: z}).sum(axis=1) for z in (DNA, changed))
        np.testing.assert_allclose(found[:, k, group], at_x - at_changed, rtol=1e-9, atol=1e-10)
    whole = letters.with_arguments(feature_mask=mask, baseline=0.25).run(DNA)
    by = letters.with_arguments(feature_mask=mask, replacements=[0.25], regions=regions)
    np.testing.assert_allclose(by.run(DNA)[:, 0][:, mask[:, 0], None] + 0 * whole, whole, rtol=1e-9, atol=1e-10)


def test_outputs_targets_explanations_noise_and_files(letters, tmp_path):
    each = letters.run(DNA, 'each')
    assert each.shape == (2, 3, 4, 10, 1)
    by_hand = [letters.run(DNA, np.eye(2)[i]) for i in range(2)]
    np.testing.assert_allclose(each, by_hand, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(letters.run(DNA, target=[0, 1, 0]), each[[0, 1, 0], [0, 1, 2]], rtol=1e-9, atol=1e-10)
    explanation = letters.run(DNA, target=0, explanation=True)
    np.testing.assert_array_equal(explanation.values, letters.run(DNA, target=0))
    assert (explanation.baseline, explanation.base_value, explanation.delta, explanation.quantity) == (None,) * 4
    np.testing.assert_allclose(explanation.outputs, letters.outputs(DNA, target=0))
    assert explanation.data is None  # as many values as attributions, and not these
    assert explanation.top(1)[0][0].value is None
    with pytest.raises(ArgumentError, match='With replacements there is a number for each replacement and window'):
        metrics.deletion_insertion(letters, DNA, target=0)
    assert explanation.to_frame().shape == (3, 40)
    np.testing.assert_allclose(NoiseTunnel(letters, samples=2, stdev=0).run(DNA, target=0), explanation.values)
    written = letters.run_to(tmp_path / 'letters.npy', DNA, ys=[1, 0], chunk=2, progress=False)
    np.testing.assert_allclose(written, explanation.values, rtol=1e-9, atol=1e-10)
    other = letters.with_arguments(window_shape=(1, 4), replacements=np.eye(4)[::-1])
    with pytest.raises(ArgumentError, match='replacements'):
        other.run_to(tmp_path / 'letters.npy', DNA, ys=[1, 0], chunk=2, progress=False)


def test_a_layer_is_replaced_by_values_of_its_own(letters):
    layer = letters.session.graph.get_tensor_by_name('Relu:0')
    arguments = {'window_shape': (1, 8), 'replacements': [np.arange(8), 1.5 * np.ones(8)], 'layer': layer}
    with DeepExplain(session=letters.session) as de:
        explainer = de.get_explainer('occlusion', letters.T, letters.X, **arguments)
    found = explainer.run(DNA, target=1)
    assert found.shape == (3, 2, 10, 1)
    values, at_x = letters.session.run([layer, letters.T], {letters.X.name: DNA})
    values[:, 3] = np.arange(8)
    changed = letters.session.run(letters.T, {layer.name: values, letters.X.name: DNA})
    np.testing.assert_allclose(found[:, 0, 3, 0], (at_x - changed)[:, 1], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(('dtype', 'exact'), [(tf.float32, 1e-5), (tf.float16, 2e-2), (tf.int32, 0)])
def test_numbers_of_other_types(session, dtype, exact):
    X = tf.placeholder(dtype, [None, 10, 4])
    T = reading(tf.cast(X, tf.float32 if dtype == tf.int32 else dtype))
    with DeepExplain(session=session) as de:
        found = de.explain('occlusion', T, X, DNA.astype(int), window_shape=(1, 4), replacements=np.eye(4, dtype=int))
        assert found.dtype == (np.float32 if dtype == tf.int32 else dtype.as_numpy_dtype)
        expected = explain('occlusion', reading, DNA, window_shape=(1, 4), replacements=np.eye(4))
    np.testing.assert_allclose(found, expected, rtol=0, atol=max(exact, 1e-5) * 20)


@pytest.mark.parametrize('shape', [(None,), (None, None), None])
def test_shapes_that_the_graph_leaves_open(session, shape):
    X = tf.placeholder(tf.float64, shape)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('occlusion', X * 2, X, replacements=[0, 1])
    xs = np.array([3.0, 1.0]) if shape == (None,) else np.array([[3.0], [1.0]])
    np.testing.assert_array_equal(explainer.run(xs).reshape(2, 2), [[6, 4], [2, 0]])


def test_samples_that_mix_are_changed_alike(session):
    X = tf.placeholder(tf.float64, [None, 3])
    with DeepExplain(session=session) as de:
        T = X * tf.reduce_sum(X, axis=0)
        explainer = de.get_explainer('occlusion', T, X, replacements=[0.0, 1.0])
    xs = np.array([[1.0, 2.0, 3.0], [4.0, 1.0, 6.0]])
    found = explainer.run(xs)
    for k, place in np.ndindex(2, 3):
        changed = xs.copy()
        changed[:, place] = k
        expected = (xs * xs.sum(axis=0)).sum(axis=1) - (changed * changed.sum(axis=0)).sum(axis=1)
        np.testing.assert_allclose(found[:, k, place], expected)


def test_what_is_not_finite_is_said_once(session):
    X = tf.placeholder(tf.float64, [None, 2])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('occlusion', tf.reduce_sum(1 / X, axis=1), X, replacements=[0.0, 2.0])
    with pytest.warns(UserWarning, match='nan or infinite where values of a sample are replaced') as caught:
        found = explainer.run([[1.0, 2.0], [4.0, 2.0]])
    assert len(caught) == 1
    np.testing.assert_allclose(found[:, 1], [[0.5, 0], [-0.25, 0]])


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'replacements': np.eye(4)}, ArgumentError, r'the shape of a window, \(1, 1\), .*; got 4 of shape \(1, 4\)'),
        ({'replacements': np.eye(3), 'window_shape': (1, 4)}, ArgumentError, r'window, \(1, 4\), .*; got 3 of'),
        ({'replacements': np.ones((2, 1, 1, 1))}, ArgumentError, r'got 2 of shape \(1, 1, 1\)'),
        ({'replacements': np.eye(3), 'feature_mask': [0, 1, 1, 1]}, ArgumentError, r'of one sample, \(10, 4\)'),
        ({'replacements': 1.0}, ArgumentError, r'an entry for each thing that windows become.* of shape \(\)'),
        ({'replacements': []}, ArgumentError, 'an entry for each thing that windows become'),
        ({'replacements': [np.nan]}, ArgumentError, 'replacements'),
        ({'replacements': [1e200], 'layer': 'single:0'}, ArgumentError, r'replacements holds nan or infinite values'),
        ({'replacements': [[1, 2], [3]]}, (ArgumentError, ArgumentTypeError), 'replacements'),  # by NumPy's version
        ({'replacements': 'ACGT'}, ArgumentTypeError, 'replacements'),
        ({'replacements': lambda xs: xs}, ArgumentTypeError, 'replacements'),
        ({'replacements': [0], 'baseline': 0}, ArgumentError, 'baseline and replacements both say what values become'),
    ],
)
def test_what_is_refused(session, arguments, error, message):
    X = tf.placeholder(tf.float64, [None, 10, 4])
    T = reading(tf.cast(tf.cast(X, tf.float32, name='single'), tf.float64))
    with DeepExplain(session=session) as de, pytest.raises(error, match=message):
        de.get_explainer('occlusion', T, X, **arguments)


def test_integers_that_do_not_fit_are_refused(session):
    X = tf.placeholder(tf.int32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(ArgumentTypeError, match='replacements must hold integers'):
        de.get_explainer('occlusion', tf.cast(X, tf.float32), X, replacements=[0.5])


def test_what_needs_a_result_of_the_shape_of_xs_is_refused_by_name(letters, tmp_path):
    with pytest.raises(ArgumentError, match='with replacements they are what T loses by each of these'):
        letters.run(DNA, return_convergence_delta=True)
    with pytest.raises(
        ArgumentError, match='with replacements it has a result for each of them; leave replacements out'
    ):
        export(letters, str(tmp_path / 'model'))
    with pytest.raises(ArgumentError, match='With replacements there is a number for each replacement and window'):
        metrics.deletion_insertion(letters, DNA, ys=[1, 0])


def test_it_runs_where_parts_are_few_bytes_of_many(session):
    # 1,000 windows by 3 replacements share the boxes of 1,000 windows.
    X = tf.placeholder(tf.float32, [None, 1000, 4])
    h = tf.nn.relu(tf.nn.conv1d(X, tf.constant(np.random.RandomState(0).randn(9, 4, 8), tf.float32), 1, 'SAME'))
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(
            'occlusion', tf.reduce_sum(h, [1, 2]), X, window_shape=(1, 4), replacements=np.eye(4)[:3], regions=True
        )
    xs = np.eye(4)[np.random.RandomState(1).randint(0, 4, (2, 1000))]
    found = explainer.run(xs)
    (plan,) = explainer.engine._partial._plans.values()
    assert len(plan.build.table) == 1000
    dense = explainer.with_arguments(window_shape=(1, 4), replacements=np.eye(4)[:3], regions=False).run(xs)
    np.testing.assert_allclose(found, dense, rtol=0, atol=1e-5 * np.abs(explainer.outputs(xs)).max())
    assert 'computed alone' in str(explainer.describe())


def test_it_is_an_argument_of_its_own(letters):
    assert letters == letters.with_arguments(window_shape=(1, 4), replacements=np.eye(4))
    assert letters != letters.with_arguments(window_shape=(1, 4), replacements=2 * np.eye(4))
    assert 'replacements' in repr(letters)
    with context() as de:
        X = tf.placeholder(tf.float32, [None, 5])
        T = build(NETWORKS['linear'], X)
        mine = np.array([0.0, 1.0])
        explainer = de.get_explainer('occlusion', T, X, replacements=mine)
        before = explainer.run(np.ones((1, 5)))
        mine[0] = 7
        np.testing.assert_array_equal(explainer.run(np.ones((1, 5))), before)
