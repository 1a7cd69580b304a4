"""return_convergence_delta: by how much attributions miss what they should add up to. And outputs(), which that is."""

import warnings

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st
from small import Recorder, dense, mlp, normal

from deepexplain.errors import ArgumentError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.methods import GradientBasedMethod, attribution_methods

#: What is asked for -> method and arguments. Whether T at the baseline is taken off.
METHODS = {
    'intgrad': ('intgrad', {'steps': 3}),
    'elrp': ('elrp', {'epsilon': 0.1}),
    'deeplift': ('deeplift', {}),
    'deeplift complete': ('deeplift', {'rules': 'complete'}),
}
every_method = pytest.mark.parametrize('name', METHODS)
EXACT = {'rtol': 1e-9, 'atol': 1e-11}


def explainer(de, name, T, X, **arguments):
    method, own = METHODS[name]
    if method == 'elrp':
        arguments = {}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeepExplainWarning)  # that the sum may be missed is what is measured here
        return de.get_explainer(method, T, X, **own, **arguments)


def outputs_of(session, T, feeds, ys):
    """Of each sample, weighted and summed; or with ys='each', one for each output."""
    values = np.asarray(session.run(T, feeds), np.float64)
    if isinstance(ys, str):
        return values.reshape(len(values), -1).T
    values = values if ys is None else values * ys
    return values.reshape(len(values), -1).sum(axis=1)


def promised(session, name, T, X, xs, ys, baseline=0.0, feeds=()):
    """What attributions should add up to, by plain runs of the session."""
    at_xs = outputs_of(session, T, {X: xs, **dict(feeds)}, ys)
    at_baseline = outputs_of(session, T, {X: np.broadcast_to(baseline, np.shape(xs)), **dict(feeds)}, ys)
    return at_xs if name == 'elrp' else at_xs - at_baseline


def total(attributions, axes):
    """The sum of a sample's attributions, which are the last so many axes."""
    return np.asarray(attributions, np.float64).sum(axis=tuple(range(-axes, 0)))


@every_method
@pytest.mark.parametrize('ys', ['none', 'row', 'rows', 'each'])
@pytest.mark.parametrize('network', ['all five', 'convolution'])
def test_the_sum_less_what_it_should_be(session, name, ys, network):
    network = NETWORKS[network]
    xs, weights = samples(network, n=5)
    ys = {'none': None, 'row': weights[0], 'rows': weights, 'each': 'each'}[ys]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        T = tf.square(build(network, X))
        e = explainer(de, name, T, X, baseline=0.5)
    for batch_size in (None, 1, 2):
        found, delta = e.run(xs, ys, batch_size, return_convergence_delta=True)
        np.testing.assert_array_equal(found, e.run(xs, ys, batch_size))
        expected = total(found, xs.ndim - 1) - promised(session, name, T, X, xs, ys, 0.5)
        np.testing.assert_allclose(delta, expected, **EXACT)
        assert delta.dtype == np.float64
        assert delta.shape == ((3, 5) if isinstance(ys, str) else (5,))
        assert name == 'deeplift complete' or np.abs(delta).max() > 1e-3


@every_method
def test_explain_returns_both(session, name):
    method, arguments = METHODS[name]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        found, delta = de.explain(method, T, X, normal(5, 4), return_convergence_delta=True, **arguments)
        before = session.graph.version
        alone = de.explain(method, T, X, normal(5, 4), return_convergence_delta=False, **arguments)
        de.explain(method, T, X, normal(5, 4), 'each', 2, return_convergence_delta=True, **arguments)
        grown = session.graph.version
        de.explain(method, T, X, normal(5, 4), 'each', 2, return_convergence_delta=True, **arguments)
    np.testing.assert_array_equal(alone, found)
    np.testing.assert_allclose(delta, total(found, 1) - promised(session, name, T, X, normal(5, 4), None), **EXACT)
    assert session.graph.version == grown >= before


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1),
    name=st.sampled_from(sorted(METHODS)),
    rows=st.sampled_from([None, 3]),
    batch_size=st.integers(1, 9),
    count=st.integers(0, 4),
    each=st.booleans(),
)
def test_of_any_network_in_any_batches(seed, name, rows, batch_size, count, each):
    rng = np.random.RandomState(seed)
    network = oracle.random_network(rng, (4,), [4, 3], ['Sigmoid', 'Elu'])
    xs, ys, baselines = rng.randn(5, 4), rng.randn(5, 3), rng.randn(count or 5, 4)
    with context() as de:
        X = tf.placeholder(tf.float64, [rows, 4])
        e = explainer(de, name, build(network, X), X, **{'baselines' if count else 'baseline': baselines})
        found, delta = e.run(
            xs, 'each' if each else ys, batch_size if rows is None else None, return_convergence_delta=True
        )
    at_xs = network(xs)
    at_baseline = np.mean([network(np.tile(b, (5, 1))) for b in baselines], axis=0) if count else network(baselines)
    gain = at_xs if name == 'elrp' else at_xs - at_baseline
    np.testing.assert_allclose(delta, total(found, 1) - (gain.T if each else (gain * ys).sum(axis=1)), **EXACT)


@every_method
@pytest.mark.parametrize('ys', ['rows', 'each'])
@pytest.mark.parametrize('batch_size', [None, 2])
def test_several_inputs_and_feeds(session, name, ys, batch_size):
    xs, shifts = normal(5, 5), normal(5, 5, seed=3)
    ys = normal(5, 3, seed=2) if ys == 'rows' else ys
    with DeepExplain(session=session) as de:
        X = [tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float32, [None, 3, 1])]
        shift, keep = tf.placeholder(tf.float64, [None, 5]), tf.placeholder(tf.float64, [])
        T = mlp(keep * tf.concat([X[0], tf.cast(X[1][..., 0], tf.float64)], axis=1) + shift)
        e = explainer(de, name, T, X, baseline=[0.5, xs[::-1, 2:, None]])
    parts, feeds = [xs[:, :2], xs[:, 2:, None]], {shift: shifts, keep: 0.5}
    found, delta = e.run(parts, ys, batch_size, feeds, return_convergence_delta=True)
    at_xs = outputs_of(session, T, {X[0]: parts[0], X[1]: parts[1], **feeds}, ys)
    at_baseline = outputs_of(session, T, {X[0]: np.full((5, 2), 0.5), X[1]: xs[::-1, 2:, None], **feeds}, ys)
    expected = total(found[0], 1) + total(found[1], 2) - (at_xs if name == 'elrp' else at_xs - at_baseline)
    np.testing.assert_allclose(delta, expected, rtol=1e-6, atol=1e-8)


@every_method
@pytest.mark.parametrize('ys', ['rows', 'each'])
@pytest.mark.parametrize('n', [1, 3, 4, 9])
def test_a_fixed_batch_dimension(session, name, ys, n):
    xs, ys = normal(n, 4), normal(n, 3, seed=2) if ys == 'rows' else ys
    X, free = tf.placeholder(tf.float64, [4, 4], name='X'), tf.placeholder(tf.float64, [None, 4])
    recorder = Recorder(session, 'X:0')
    with DeepExplain(session=recorder) as de:
        found, delta = explainer(de, name, mlp(X), X, baseline=0.5).run(xs, ys, return_convergence_delta=True)
    np.testing.assert_allclose(delta, total(found, 1) - promised(session, name, mlp(free), free, xs, ys, 0.5), **EXACT)
    assert set(recorder.rows) == {4}


@every_method
@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
def test_a_mask_with_a_row_a_sample(session, name, shape):
    xs, mask = normal(6, 4), normal(6, 3, seed=2)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, shape)
        T = mlp(X) * mask
        found, delta = explainer(de, name, T, X).run(xs, return_convergence_delta=True)
    np.testing.assert_allclose(delta, total(found, 1) - promised(session, name, T, X, xs, None), **EXACT)


@every_method
@pytest.mark.parametrize(
    'shape_of_T',
    [lambda T: T[:, 0], lambda T: tf.stack([T, 2 * T, T * T], axis=1), lambda T: tf.placeholder_with_default(T, None)],
    ids=['rank 1', 'rank 3', 'unknown rank'],
)
def test_a_T_of_any_rank(session, name, shape_of_T):
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = shape_of_T(mlp(X))
        e = explainer(de, name, T, X)
    for ys in (None, 'each'):
        found, delta = e.run(xs, ys, 2, return_convergence_delta=True)
        np.testing.assert_allclose(delta, total(found, 1) - promised(session, name, T, X, xs, ys), **EXACT)


@every_method
def test_samples_of_rank_one(session, name):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None])
        T = tf.tanh(2 * X + 0.5)
        found, delta = explainer(de, name, T, X).run(normal(5), return_convergence_delta=True)
    np.testing.assert_allclose(delta, found - promised(session, name, T, X, normal(5), None), **EXACT)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'bfloat16'])
@every_method
def test_sums_are_made_in_double_precision(session, name, dtype):
    if dtype == 'bfloat16' and tf.VERSION.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no bfloat16 kernels for these networks')
    with DeepExplain(session=session) as de:
        X = tf.placeholder(dtype, [None, 4])
        T = tf.tanh(dense(X, 3))
        found, delta = explainer(de, name, T, X).run(normal(5, 4), return_convergence_delta=True)
    assert delta.dtype == np.float64
    np.testing.assert_allclose(
        delta, total(found, 1) - promised(session, name, T, X, normal(5, 4), None), rtol=1e-9, atol=1e-12
    )


def test_a_large_output_of_which_nothing_is_explained_is_not_rounded(session):
    # In single precision, 1e6 + 0.01 is 1e6: outputs are summed in double precision.
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 2])
        T = tf.concat([X, 0 * X + 1e6], axis=1)
        _, delta = de.explain('intgrad', T, X, [[0.01, 0.02]], return_convergence_delta=True)
    np.testing.assert_allclose(delta, [0], atol=1e-7)


# samples that mix


def test_samples_that_mix_come_with_a_warning(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.tanh(X - tf.reduce_mean(X, axis=0))
        e = de.get_explainer('deeplift', T, X, baseline=normal(5, 4, seed=1))
    xs = normal(5, 4)
    with pytest.warns(DeepExplainWarning, match='mixes samples .* only the sum of delta over all samples says whether'):
        _, delta = e.run(xs, return_convergence_delta=True)
    assert np.abs(delta).max() > 0.1
    assert abs(delta.sum()) < 1e-9
    alone = e.with_arguments(baseline=0.5).run(xs[:1], return_convergence_delta=True)[1]  # no warning: nothing to mix
    np.testing.assert_allclose(alone, [0], atol=1e-12)


def test_a_T_reduced_over_as_many_samples_as_it_has_rows_comes_with_a_warning(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 3])
        e = de.get_explainer('deeplift', tf.reduce_sum(tf.tanh(X), axis=0), X)
    with pytest.warns(DeepExplainWarning, match='mixes samples .* only the sum of delta over all samples'):
        delta = e.run(normal(3, 3), return_convergence_delta=True)[1]
    assert abs(delta.sum()) < 1e-9


# what is refused


@pytest.mark.parametrize('method', ['zero', 'saliency', 'grad*input'])
def test_methods_without_a_promise_have_no_delta(session, method):
    message = rf"'{method.replace('*', '.')}' has no convergence delta: it promises no sum. 'intgrad', 'deeplift'"
    recorder = Recorder(session, 'X:0')
    with DeepExplain(session=recorder) as de:
        X = tf.placeholder(tf.float64, [None, 4], name='X')
        with pytest.raises(ArgumentError, match=message):
            de.explain(method, mlp(X), X, normal(2, 4), return_convergence_delta=True)
    assert recorder.rows == []


def test_a_method_of_ones_own_promises_nothing(session, monkeypatch):
    class Own(GradientBasedMethod):
        name = 'own'

    monkeypatch.setitem(attribution_methods, 'own', (Own, 8))
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        assert de.explain('own', T, X, normal(2, 4)).shape == (2, 4)
        with pytest.raises(ArgumentError, match="'own' has no convergence delta: it promises no sum"):
            de.explain('own', T, X, normal(2, 4), return_convergence_delta=True)


@every_method
@pytest.mark.parametrize('rank', [0, None])
def test_a_scalar_T_has_no_delta(session, name, rank):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.reduce_sum(mlp(X))
        T = T if rank == 0 else tf.placeholder_with_default(T, None)
        e = explainer(de, name, T, X)
    message = (
        'return_convergence_delta needs one value of T.*is a scalar|needs one row of T .* has no rows for 5 samples'
    )
    with pytest.raises(ArgumentError, match=message):
        e.run(normal(5, 4), return_convergence_delta=True)
    with pytest.raises(ArgumentError, match=message.replace('return_convergence_delta', r'outputs\(\)')):
        e.outputs(normal(5, 4))


@every_method
def test_a_T_without_a_row_for_each_sample_has_no_delta(session, name):
    recorder = Recorder(session, 'X:0')
    with DeepExplain(session=recorder) as de:
        X = tf.placeholder(tf.float64, [None, 4], name='X')
        e = explainer(de, name, tf.reshape(mlp(X), [-1, 2]), X)  # rows of two outputs, of samples that have three
    assert e.run(normal(4, 4)).shape == (4, 4)
    with pytest.raises(ArgumentError, match='needs one row of T for each sample, but T .* has 6 rows for 4 samples'):
        e.run(normal(4, 4), return_convergence_delta=True)


@every_method
@pytest.mark.parametrize('batch_size', [None, 2])
def test_several_rows_of_T_for_each_sample_are_summed(session, name, batch_size):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        rows, e = (explainer(de, name, target, X) for target in (tf.reshape(T, [-1]), T))
    found, delta = rows.run(normal(5, 4), batch_size=batch_size, return_convergence_delta=True)
    expected, expected_delta = e.run(normal(5, 4), return_convergence_delta=True)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(delta, expected_delta, atol=1e-9)
    np.testing.assert_allclose(rows.outputs(normal(5, 4)), e.outputs(normal(5, 4)))


# outputs()


@pytest.mark.parametrize('method', ['saliency', 'intgrad', 'elrp', 'deeplift'])
@pytest.mark.parametrize('rows', [None, 4])
def test_outputs_are_what_is_explained(session, method, rows):
    xs, shifts = normal(5, 4), normal(5, 4, seed=3)
    with DeepExplain(session=session) as de:
        X, shift = tf.placeholder(tf.float64, [rows, 4]), tf.placeholder(tf.float64, [rows, 4])
        free, free_shift = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 4])
        T, free_T = mlp(X + shift), mlp(free + free_shift)
        e = de.get_explainer(method, T, X)
    before = session.graph.version
    for ys in (None, normal(3), normal(5, 3), 'each'):
        expected = outputs_of(session, free_T, {free: xs, free_shift: shifts}, ys)
        for batch_size in (None, 1, 2) if rows is None else (None, 4):
            found = e.outputs(xs, ys, batch_size, {shift: shifts})
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
            assert found.dtype == np.float64
    assert session.graph.version == before


def test_outputs_refuses_what_run_refuses(session):
    with DeepExplain(session=session) as de:
        X, shift = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [])
        e = de.get_explainer('saliency', mlp(X + shift), X)
        for arguments, message in [
            ((normal(2, 3),), 'xs must have the shape'),
            ((normal(2, 4), normal(2, 2), None, {shift: 0}), 'ys must have the shape of T'),
            ((normal(2, 4), None, 0), 'batch_size must be at least 1'),
            ((normal(2, 4),), 'depends on placeholders that have no value'),
        ]:
            with pytest.raises(ArgumentError, match=message):
                e.outputs(*arguments)
