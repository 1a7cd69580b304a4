"""Baselines of intgrad and deeplift: one for all samples, one for each, a function of xs, or a set to average over."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import (
    NETWORKS,
    Layer,
    batch_major,
    build,
    context,
    few_examples,
    one_long_row,
    samples,
    samples_last,
    time_major,
    unstacked,
)
from hypothesis import given
from hypothesis import strategies as st
from small import Recorder, dense, mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

#: Method -> its arguments, and the formula for one baseline or one for each sample.
METHODS = {
    'intgrad': ({'steps': 5}, lambda *args: oracle.intgrad(*args[:3], steps=5, baseline=args[3])),
    'deeplift': ({}, lambda *args: oracle.deeplift(*args)),
    'deeplift complete': ({'rules': 'complete'}, lambda *args: oracle.deeplift(*args)),
}
every_method = pytest.mark.parametrize('method', METHODS)
both_methods = pytest.mark.parametrize('method', ['intgrad', 'deeplift'])


def explainer(de, method, T, X, **arguments):
    return de.get_explainer(method.split()[0], T, X, **METHODS[method][0], **arguments)


def formula(method, network, xs, ys, baseline):
    return METHODS[method][1](network, xs, ys, baseline)


def mean_formula(method, network, xs, ys, baselines):
    return np.mean([formula(method, network, xs, ys, baseline) for baseline in baselines], axis=0)


def assert_close(found, expected, tolerance=1e-8):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * 1e-3)


# one for each sample


@every_method
@pytest.mark.parametrize('name', ['all five', 'convolution'])
def test_one_for_each_sample_is_what_the_formula_gives_each(session, name, method):
    network = NETWORKS[name]
    xs, ys = samples(network, n=5)
    baseline = samples(network, n=5, seed=1)[0]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        T = build(network, X)
        found = explainer(de, method, T, X, baseline=baseline)
        function = explainer(de, method, T, X, baseline=lambda xs: baseline[: len(xs)])
    expected = formula(method, network, xs, ys, baseline)
    for batch_size in (None, 1, 2, 5):
        assert_close(found.run(xs, ys, batch_size), expected)
        assert_close(function.run(xs, ys, batch_size), expected)
    assert_close(function.run(xs[:1], ys[:1]), expected[:1])


@every_method
def test_each_of_one_for_each_sample(session, method):
    network = NETWORKS['all five']
    xs, _ = samples(network, n=4)
    baseline = samples(network, n=4, seed=1)[0]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        one = explainer(de, method, build(network, X), X, baseline=baseline)
        several = explainer(de, method, build(network, X), X, baselines=baseline)
    for batch_size in (None, 1, 3):
        found, of_set = (e.run(xs, 'each', batch_size) for e in (one, several))
        for k, ys in enumerate(np.eye(3)):
            assert_close(found[k], formula(method, network, xs, ys, baseline))
            assert_close(of_set[k], mean_formula(method, network, xs, ys, baseline))


@both_methods
def test_a_function_is_called_once_with_all_samples_which_it_cannot_change(session, method):
    calls = []

    def baseline(xs):
        calls.append(xs)
        return xs[::-1]

    network = NETWORKS['all five']
    xs, _ = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = build(network, X)
        for argument in ('baseline', 'baselines'):
            found = explainer(de, method, T, X, **{argument: baseline}).run(xs, batch_size=3)
            of = formula if argument == 'baseline' else mean_formula
            assert_close(found, of(method, network, xs, None, xs[::-1]))
    assert [len(rows) for rows in calls] == [4, 4]
    assert not any(rows.flags.writeable for rows in calls)


# a set


@every_method
@pytest.mark.parametrize('name', ['all five', 'convolution'])
def test_a_set_gives_the_mean_over_its_baselines(session, name, method):
    network = NETWORKS[name]
    xs, ys = samples(network, n=5)
    baselines = samples(network, n=3, seed=1)[0]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        found = explainer(de, method, build(network, X), X, baselines=baselines)
    for weights in (None, ys[0], ys):
        expected = mean_formula(method, network, xs, weights, baselines)
        for batch_size in (None, 1, 2, 5, 7, 11):
            assert_close(found.run(xs, weights, batch_size), expected)


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(sorted(METHODS)),
    n=st.integers(1, 6),
    count=st.integers(1, 6),
    batch_size=st.one_of(st.none(), st.integers(1, 40)),
    rows=st.sampled_from([None, 4]),
)
def test_any_number_of_samples_and_baselines_in_any_batches(seed, method, n, count, batch_size, rows):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4,), [4, 3], ['Elu', 'Tanh'])
    xs, ys, baselines = rng.randn(n, 4), rng.randn(n, 3), rng.randn(count, 4)
    with context() as de:
        X = tf.placeholder(tf.float64, [rows, 4])
        found = explainer(de, method, build(network, X), X, baselines=baselines)
        found = found.run(xs, ys, batch_size if rows is None else None)
    assert_close(found, mean_formula(method, network, xs, ys, baselines))


def test_a_set_of_one_is_a_baseline(session):
    xs, one = normal(3, 4), normal(1, 4, seed=1)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        for method in METHODS:
            expected = explainer(de, method, T, X, baseline=one[0]).run(xs)
            assert_close(explainer(de, method, T, X, baselines=one).run(xs), expected)


@pytest.mark.parametrize(
    ('method', 'batch_size', 'rows'),
    [
        ('intgrad', None, [3 * 4 * 5]),
        ('intgrad', 12, [12] * 5),
        ('intgrad', 7, [6, 6, 6, 6, 6, 6, 6, 6, 6, 6]),
        ('deeplift complete', None, [12]),
        ('deeplift complete', 7, [6, 6]),
        ('deeplift complete', 2, [2] * 4 + [2] * 2),
    ],
)
def test_samples_beside_baselines_fill_the_runs(session, method, batch_size, rows):
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=recorder) as de:
        found = explainer(de, method, mlp(X), X, baselines=normal(4, 4, seed=1))
    found.run(normal(3, 4), batch_size=batch_size)
    recorder.rows = []  # without the question whether rows are independent
    found.run(normal(3, 4), batch_size=batch_size)
    assert sum(recorder.rows) == sum(rows)
    assert max(recorder.rows) <= (batch_size or 60)
    assert recorder.rows == rows or method == 'intgrad'


def test_deeplift_evaluates_as_many_baselines_as_samples(session):
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=recorder) as de:
        found = explainer(de, 'deeplift', mlp(X), X, baselines=normal(4, 4, seed=1))
    found.run(normal(3, 4))
    recorder.rows = []
    found.run(normal(3, 4))
    assert recorder.rows == [12, 12]  # at the baselines, and at the samples


# a set for each sample


def own_mean_formula(method, network, xs, ys, sets):
    return np.mean([formula(method, network, xs, ys, sets[:, i]) for i in range(sets.shape[1])], axis=0)


@every_method
@pytest.mark.parametrize('name', ['all five', 'convolution'])
def test_a_set_for_each_sample_gives_the_mean_over_its_own(session, name, method):
    network = NETWORKS[name]
    xs, ys = samples(network, n=5)
    sets = samples(network, n=15, seed=1)[0].reshape((5, 3) + network.shape)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        found = explainer(de, method, build(network, X), X, baselines=sets)
    for weights in (None, ys[0], ys):
        expected = own_mean_formula(method, network, xs, weights, sets)
        for batch_size in (None, 1, 2, 7):
            assert_close(found.run(xs, weights, batch_size), expected)


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(sorted(METHODS)),
    n=st.integers(1, 6),
    count=st.integers(1, 4),
    batch_size=st.one_of(st.none(), st.integers(1, 40)),
    rows=st.sampled_from([None, 4]),
)
def test_any_number_of_samples_with_sets_of_their_own_in_any_batches(seed, method, n, count, batch_size, rows):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4,), [4, 3], ['Elu', 'Tanh'])
    xs, ys, sets = rng.randn(n, 4), rng.randn(n, 3), rng.randn(n, count, 4)
    with context() as de:
        X = tf.placeholder(tf.float64, [rows, 4])
        found = explainer(de, method, build(network, X), X, baselines=lambda xs: sets)
        found = found.run(xs, ys, batch_size if rows is None else None)
    assert_close(found, own_mean_formula(method, network, xs, ys, sets))


@every_method
def test_delta_leaks_and_every_output_of_sets_of_their_own(session, method):
    network, sets = NETWORKS['all five'], normal(4, 3, 4, seed=5)
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        found = explainer(de, method, build(network, X), X, baselines=sets)
        one_by_one = [explainer(de, method, build(network, X), X, baselines=one) for one in sets]
    attributions, delta = found.run(xs, ys, return_convergence_delta=True)
    promised = found.outputs(xs, ys) - np.mean([found.outputs(sets[:, i], ys) for i in range(3)], axis=0)
    assert_close(delta, attributions.sum(axis=1) - promised, 1e-6)
    each = found.run(xs, ys='each')
    for i, alone in enumerate(one_by_one):
        assert_close(attributions[i : i + 1], alone.run(xs[i : i + 1], ys[i : i + 1]))
        assert_close(each[:, i], alone.run(xs[i : i + 1], ys='each')[:, 0])
    if method != 'intgrad':
        np.testing.assert_allclose(found.leaks(xs, ys).delta, delta, atol=1e-9)


def test_sets_of_their_own_of_several_inputs_and_at_a_layer(session):
    a, b, sets = normal(3, 4), normal(3, 2, seed=1), [normal(3, 2, 4, seed=2), normal(3, 2, 2, seed=3)]
    with DeepExplain(session=session) as de:
        A, B = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 2])
        T = mlp(tf.concat([A, tf.nn.elu(B)], axis=1))
        for layer in (None, [T.op.inputs[0]]):
            found = de.explain('deeplift', T, [A, B], [a, b], baselines=sets, layer=layer)
            ones = [
                de.explain('deeplift', T, [A, B], [a, b], baseline=[s[:, i] for s in sets], layer=layer) for i in (0, 1)
            ]
            for one, expected in zip(found, zip(*ones)):
                assert_close(one, np.mean(expected, axis=0))
        with pytest.raises(ArgumentError, match=r'are a set for each sample, of which there are 3; got 2 sets of 2'):
            de.explain('deeplift', T, [A, B], [a, b], baselines=[s[:2] for s in sets])
        with pytest.raises(ArgumentError, match='as many baselines for each input'):
            de.explain('deeplift', T, [A, B], [a, b], baselines=[sets[0], sets[1][:, 0]])


def test_a_function_that_seems_to_mean_a_set_for_each_sample_is_told_what_its_set_costs(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        found = de.get_explainer('intgrad', T, X, steps=2, baselines=lambda xs: np.repeat(xs, 5, axis=0) + 1)
        with pytest.warns(DeepExplainWarning, match=r'15 rows for 3 samples: they are one set.*3 x 15 = 45 pairs'):
            found.run(normal(3, 4))
        found.run(normal(2, 4))  # once
        for quiet in (
            lambda xs: xs[::-1],
            lambda xs: xs[:, None] + [[[0], [1]]],
            lambda xs: normal(7, 4),
            normal(3, 4),
        ):
            de.explain('intgrad', T, X, normal(3, 4), steps=2, baselines=quiet)


# several inputs


@every_method
def test_baselines_of_several_inputs_are_those_of_one_concatenated_input(session, method):
    network = NETWORKS['all five']
    xs, ys = samples(network)
    rows, other = (samples(network, n=n, seed=1)[0] for n in (4, 6))
    with DeepExplain(session=session) as de:
        X = [tf.placeholder(tf.float64, [None, 1]), tf.placeholder(tf.float64, [None, 3])]
        T = build(network, tf.concat(X, axis=1))
        parts = [xs[:, :1], xs[:, 1:]]
        e = explainer(de, method, T, X)

        def run(batch_size, **arguments):
            return np.hstack(e.with_arguments(**METHODS[method][0], **arguments).run(parts, ys, batch_size))

        # One for each sample of one input, one for all samples of the other.
        mixed = np.hstack([rows[:, :1], np.full((4, 3), 0.5)])
        backwards = np.hstack([xs[::-1, :1], np.zeros((4, 3))])
        for batch_size in (None, 1, 3):
            for of, expected, arguments in [
                (formula, rows, {'baseline': [rows[:, :1], rows[:, 1:]]}),
                (formula, mixed, {'baseline': [rows[:, :1], 0.5]}),
                (formula, backwards, {'baseline': lambda arrays: [arrays[0][::-1], 0]}),
                (mean_formula, other, {'baselines': [other[:, :1], other[:, 1:]]}),
                (mean_formula, other, {'baselines': lambda arrays: (other[:, :1], other[:, 1:])}),
            ]:
                assert_close(run(batch_size, **arguments), of(method, network, xs, ys, expected))


# what else differs between samples


@every_method
@pytest.mark.parametrize('batch_size', [None, 1, 3])
def test_feeds_meet_their_samples_and_baselines(session, method, batch_size):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=5)
    shifts, baselines = normal(5, 4, seed=2), normal(3, 4, seed=3)
    with DeepExplain(session=session) as de:
        X, shift = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 4])
        T = build(network, X + shift)
        of_set = explainer(de, method, T, X, baselines=baselines).run(xs, ys, batch_size, {shift: shifts})
        rows = explainer(de, method, T, X, baseline=xs[::-1]).run(xs, ys, batch_size, {shift: shifts})

    def shifted(baseline):
        return formula(method, network, xs + shifts, ys, baseline + shifts)

    assert_close(of_set, np.mean([shifted(b) for b in baselines], axis=0))
    assert_close(rows, shifted(xs[::-1]))


@every_method
@pytest.mark.parametrize('n', [1, 3, 4, 5, 9])
def test_a_fixed_batch_dimension(session, method, n):
    network = NETWORKS['all five']
    xs, ys = samples(network, n)
    baselines, rows = normal(3, 4, seed=3), normal(n, 4, seed=4)
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [4, 4], name='X')
    with DeepExplain(session=recorder) as de:
        T = build(network, X)
        assert_close(
            explainer(de, method, T, X, baselines=baselines).run(xs, ys),
            mean_formula(method, network, xs, ys, baselines),
        )
        assert_close(explainer(de, method, T, X, baseline=rows).run(xs, ys), formula(method, network, xs, ys, rows))
    assert set(recorder.rows) == {4}


@every_method
@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
def test_a_mask_with_a_row_a_sample(session, method, shape):
    network = NETWORKS['all five']
    xs, _ = samples(network, n=6)
    mask, baselines = normal(6, 3, seed=2), normal(6, 4, seed=3)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, shape)
        T = build(network, X) * mask
        assert_close(
            explainer(de, method, T, X, baselines=baselines).run(xs),
            mean_formula(method, network, xs, mask, baselines),
        )
        assert_close(
            explainer(de, method, T, X, baseline=baselines).run(xs), formula(method, network, xs, mask, baselines)
        )


def centred(X):
    return dense(tf.tanh(dense(X - tf.reduce_mean(X, axis=0), 5)), 3, 2)


def less_the_sum(X):
    return dense(tf.tanh(dense(X - 0.2 * tf.reduce_sum(X, axis=0), 5)), 3, 2)


@every_method
@pytest.mark.parametrize('network', [centred, less_the_sum])
def test_networks_that_mix_samples_see_all_of_them_beside_one_baseline(session, method, network):
    xs, baselines = normal(5, 4), normal(3, 4, seed=1)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = network(X)
        single = [explainer(de, method, T, X, baseline=b).run(xs) for b in baselines]
        alike = explainer(de, method, T, X, baseline=np.tile(baselines[0], (5, 1)))
        assert_close(alike.run(xs), single[0])
        assert_close(explainer(de, method, T, X, baselines=baselines).run(xs), np.mean(single, axis=0))
        at_xs, at_baseline = (session.run(T, {X: rows}) for rows in (xs, np.tile(baselines[0], (5, 1))))
    if method != 'intgrad':
        np.testing.assert_allclose(single[0].sum(), at_xs.sum() - at_baseline.sum(), rtol=1e-8)


def test_batches_of_samples_that_mix_come_with_a_warning(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        found = de.get_explainer('deeplift', centred(X), X, baselines=normal(3, 4))
    with pytest.warns(DeepExplainWarning, match='mixes samples .* and so on batch_size=2'):
        found.run(normal(5, 4), batch_size=2)


@pytest.mark.parametrize('layout', [batch_major, time_major, unstacked, samples_last, one_long_row])
def test_deeplift_meets_its_references_wherever_the_samples_axis_is(session, layout):
    steps = oracle.Layer(np.kron(np.eye(3), Layer.w), np.tile(Layer.b, 3), 'Tanh')
    rng = np.random.RandomState(4)
    top = oracle.Layer(rng.randn(6, 2), rng.randn(2), 'Softplus')
    network = oracle.Network([steps, top], (3, 4))
    xs, ys = samples(network, n=5)
    baselines = rng.randn(5, 3, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3, 4])
        T = build(oracle.Network([top], (6,)), tf.reshape(layout(X, Layer()), [-1, 6]))
        rows = de.get_explainer('deeplift', T, X, baseline=baselines)
        of_set = rows.with_arguments(baselines=baselines[:3])
    for batch_size in (None, 1, 2, 5, 7):
        assert_close(rows.run(xs, ys, batch_size), oracle.deeplift(network, xs, ys, baselines))
        assert_close(of_set.run(xs, ys, batch_size), mean_formula('deeplift', network, xs, ys, baselines[:3]))


@pytest.mark.parametrize('method', ['intgrad', 'deeplift'])
def test_a_loop(session, method):
    network = oracle.Network([oracle.Layer(Layer.w.dot(Layer.w.T), np.full(4, 0.1), 'Tanh')] * 3, (4,))
    xs, ys = samples(network)
    baselines = normal(4, 4, seed=1)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        w = tf.constant(network.layers[0].weights)
        T = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w) + 0.1)), (0, X))[1]
        rows = explainer(de, method, T, X, baseline=baselines)
        of_set = rows.with_arguments(**METHODS[method][0], baselines=baselines[:3])
    for batch_size in (None, 1, 3):
        assert_close(rows.run(xs, ys, batch_size), formula(method, network, xs, ys, baselines))
        assert_close(of_set.run(xs, ys, batch_size), mean_formula(method, network, xs, ys, baselines[:3]))


# kinds of arrays


class OnDisk:
    """As a data set in a file: only slices can be had."""

    def __init__(self, array):
        self.array, self.dtype, self.shape, self.ndim = array, array.dtype, array.shape, array.ndim

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        assert isinstance(index, slice)
        return self.array[index]

    def __array__(self, *args, **kwargs):
        raise MemoryError('the whole of it was read')


@every_method
def test_samples_on_disk(session, method, tmp_path):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=7)
    baselines = normal(7, 4, seed=1)
    np.save(str(tmp_path / 'xs.npy'), xs)
    mapped = np.load(str(tmp_path / 'xs.npy'), mmap_mode='r')
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = build(network, X)
        rows = explainer(de, method, T, X, baseline=baselines)
        of_set = explainer(de, method, T, X, baselines=baselines[:2])
        first = explainer(de, method, T, X, baselines=lambda xs: xs[:2])
    for found in (OnDisk(xs), mapped):
        for batch_size in (None, 1, 3):
            assert_close(rows.run(found, ys, batch_size), formula(method, network, xs, ys, baselines))
            assert_close(of_set.run(found, ys, batch_size), mean_formula(method, network, xs, ys, baselines[:2]))
            assert_close(first.run(found, ys, batch_size), mean_formula(method, network, xs, ys, xs[:2]))


@both_methods
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'bfloat16'])
def test_other_precisions(session, method, dtype):
    if dtype == 'bfloat16' and tf.VERSION.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no bfloat16 kernels for these networks')
    xs, baselines = normal(3, 4), normal(3, 4, seed=1)
    with DeepExplain(session=session) as de:
        X, exact = tf.placeholder(dtype, [None, 4]), tf.placeholder(tf.float64, [None, 4])
        for arguments in ({'baseline': baselines}, {'baselines': baselines}):
            found = explainer(de, method, tf.tanh(dense(X, 3)), X, **arguments).run(xs)
            expected = explainer(de, method, tf.tanh(dense(exact, 3)), exact, **arguments).run(xs)
            assert found.dtype == X.dtype.as_numpy_dtype
            np.testing.assert_allclose(found.astype('float64'), expected, rtol=0.1, atol=0.1)


@both_methods
def test_baselines_are_copied_and_never_changed(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        for argument in ('baseline', 'baselines'):
            given_rows = normal(3, 4)
            found = explainer(de, method, T, X, **{argument: given_rows})
            before = found.run(normal(3, 4, seed=1), batch_size=2)
            np.testing.assert_array_equal(given_rows, normal(3, 4))
            given_rows[:] = 7
            np.testing.assert_array_equal(found.run(normal(3, 4, seed=1), batch_size=2), before)


@both_methods
def test_other_baselines_add_no_op(session, method):
    xs = normal(4, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        de.explain(method, T, X, xs)
        before = session.graph.version
        first = de.explain(method, T, X, xs, baseline=xs[::-1])
        second = de.explain(method, T, X, xs, baselines=xs[::-1])
        third = de.explain(method, T, X, xs, baselines=lambda xs: xs)
    assert session.graph.version == before
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_allclose(second, third, rtol=1e-9, atol=1e-12)


# what is refused


@both_methods
@pytest.mark.parametrize('baseline', [0, [1.0, 2, 3, 4], lambda xs: 0], ids=['number', 'list', 'function'])
def test_a_baseline_and_baselines_are_not_both_given(session, method, baseline):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        with pytest.raises(ArgumentError, match=r'Give a baseline \(one for all.* or baselines \(a set\), not both'):
            de.get_explainer(method, mlp(X), X, baseline=baseline, baselines=normal(2, 4))


@both_methods
@pytest.mark.parametrize('n', [1, 2, 4])
def test_one_for_each_of_another_number_of_samples_is_refused(session, method, n):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        found = de.get_explainer(method, mlp(X), X, baseline=normal(3, 4))
    message = rf'Baseline shape \(3, 4\) does not match .* \(4,\), nor that of one row for each sample, \({n}, 4\)'
    with pytest.raises(ArgumentError, match=message):
        found.run(normal(n, 4))


@both_methods
@pytest.mark.parametrize(
    ('baselines', 'error', 'message'),
    [
        (0.5, ArgumentError, r"baselines must have one row.* for each baseline: \(None, 4\) for 'X:0'; got \(\)"),
        (normal(4), ArgumentError, r"\(None, 4\) for 'X:0'; got \(4,\)"),
        (normal(2, 3), ArgumentError, r"\(None, 4\) for 'X:0'; got \(2, 3\)"),
        (normal(2, 1, 3), ArgumentError, r"\(None, 4\) for 'X:0'; got \(2, 1, 3\)"),
        (
            np.zeros((2, 0, 4)),
            ArgumentError,
            r'got \(2, 0, 4\). \(Shape \(samples, k, ...\) is a set for each sample.\)',
        ),
        (np.zeros((0, 4)), ArgumentError, r"\(None, 4\) for 'X:0'; got \(0, 4\)"),
        ([[1, 2, 3, np.nan]], ArgumentError, 'baselines holds nan or infinite values'),
        ('words', ArgumentTypeError, 'baselines must hold real numbers; its dtype is <U5'),
        ([[1, 2, 3, 4], [1]], (ArgumentError, ArgumentTypeError), 'baselines must be one array|its dtype is object'),
        ({'a': 1}, ArgumentTypeError, 'baselines must hold real numbers; its dtype is object'),
    ],
)
def test_a_set_that_does_not_fit_is_refused(session, method, baselines, error, message):
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=session) as de:
        T = mlp(X)
        with pytest.raises(error, match=message):
            de.get_explainer(method, T, X, baselines=baselines)
        found = de.get_explainer(method, T, X, baselines=lambda xs: baselines)
    with pytest.raises(error, match=message):
        found.run(normal(3, 4))


@both_methods
def test_a_function_that_returns_nothing_is_refused(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        for argument in ('baseline', 'baselines'):
            found = de.get_explainer(method, T, X, **{argument: lambda xs: None})
            with pytest.raises(ArgumentTypeError, match=f'{argument}: the function returned None; it must return'):
                found.run(normal(3, 4))


@both_methods
def test_a_set_for_open_dimensions_is_checked_with_the_samples(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, None])
        found = de.get_explainer(method, tf.tanh(X), X, baselines=normal(2, 3))
        unknown = tf.placeholder(tf.float64)
        of_unknown = de.get_explainer(method, tf.tanh(unknown), unknown, baselines=normal(2, 3))
    for e in (found, of_unknown):
        assert e.run(normal(5, 3)).shape == (5, 3)
        with pytest.raises(ArgumentError, match=r"must have one row.*: \(None, 4\) for '.*'; got \(2, 3\)"):
            e.run(normal(5, 4))


@both_methods
@pytest.mark.parametrize(
    ('baselines', 'message'),
    [
        (normal(2, 4), 'X is a list of 2 tensors, so baselines must be a list of 2 arrays.*; got ndarray'),
        ([normal(2, 4)], 'baselines must be a list of 2 arrays.*; got a list of 1'),
        ([normal(2, 4), normal(3, 2)], r'as many baselines for each input; got \[2, 3\]'),
        ([normal(2, 4), normal(2, 4)], r"baselines\[1\] must have one row.*: \(None, 2\) for 'Y:0'; got \(2, 4\)"),
        ([normal(2, 4), 0], r"baselines\[1\] must have one row.*: \(None, 2\) for 'Y:0'; got \(\)"),
    ],
)
def test_a_set_for_several_inputs_that_does_not_fit_is_refused(session, method, baselines, message):
    X, Y = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 2], name='Y')
    with DeepExplain(session=session) as de:
        T = mlp(tf.concat([X, Y], axis=1))
        with pytest.raises(ArgumentError, match=message):
            de.get_explainer(method, T, [X, Y], baselines=baselines)
