"""NoiseTunnel: attributions averaged over noisy copies of the samples."""

import warnings

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st
from small import Recorder, dense, mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain, NoiseTunnel, methods, noise

KINDS = ['smoothgrad', 'smoothgrad_squared', 'vargrad']
every_kind = pytest.mark.parametrize('kind', KINDS)
#: Method -> its arguments and formula.
METHODS = {
    'saliency': ({}, oracle.saliency),
    'grad*input': ({}, oracle.grad_input),
    'intgrad': ({'steps': 3, 'baseline': 0.5}, lambda *args: oracle.intgrad(*args, steps=3, baseline=0.5)),
    'elrp': ({}, oracle.elrp),
    'deeplift': ({'baseline': 0.5}, lambda *args: oracle.deeplift(*args, baseline=0.5)),
}
CLOSE = {'rtol': 1e-8, 'atol': 1e-11}


def by_hand(formula, xs, kind='smoothgrad', samples=4, stdev=None, seed=3):
    """The result for one input."""
    (found,) = oracle.noise_tunnel(lambda noisy: [formula(noisy[0])], [xs], kind, samples, [stdev], seed)
    return found


@pytest.fixture(params=['all at once', 'some at once', 'one by one'])
def chunks(request, monkeypatch):
    """Ways of putting copies of five samples of four values together."""
    sizes = {'all at once': 1 << 20, 'some at once': 3 * 5 * 4 * 8, 'one by one': 1}
    monkeypatch.setattr(noise, 'MOST_BYTES', sizes[request.param])


# against a plain loop


@pytest.mark.parametrize('method', METHODS)
def test_matches_a_plain_loop(session, chunks, method):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=5)
    arguments, formula = METHODS[method]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer(method, build(network, X), X, **arguments)
    for kind, stdev, weights, batch_size in zip(KINDS, (None, 0.5, None), (None, ys[0], ys), (None, 1, 7)):
        tunnel = NoiseTunnel(explainer, kind, samples=4, stdev=stdev, seed=3)
        expected = by_hand(lambda noisy, weights=weights: formula(network, noisy, weights), xs, kind, stdev=stdev)
        np.testing.assert_allclose(tunnel.run(xs, weights, batch_size), expected, **CLOSE)


def test_each_output(session, chunks):
    network = NETWORKS['all five']
    xs, _ = samples(network, n=5)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('saliency', build(network, X), X)
    for kind in KINDS:
        found = NoiseTunnel(explainer, kind, samples=4, seed=3).run(xs, 'each')
        assert found.shape == (3, 5, 4)
        for k, ys in enumerate(np.eye(3)):
            expected = by_hand(lambda noisy, ys=ys: oracle.saliency(network, noisy, ys), xs, kind)
            np.testing.assert_allclose(found[k], expected, **CLOSE)


def test_feeds_meet_their_samples(session, chunks):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=5)
    shifts = normal(5, 4, seed=2)
    with DeepExplain(session=session) as de:
        X, shift, scale = (tf.placeholder(tf.float64, shape) for shape in ([None, 4], [None, 4], []))
        explainer = de.get_explainer('grad*input', build(network, scale * X + shift), X)
    found = NoiseTunnel(explainer, samples=4, seed=3).run(xs, ys, 7, {shift: shifts, scale.name: 1.0})
    expected = by_hand(lambda noisy: noisy * oracle.gradient(network, noisy + shifts, ys), xs)
    np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize('length', [1, 10, 20])
def test_a_feed_for_all_samples_is_not_taken_for_one_of_each_copy(session, length):
    # Five samples, four copies: at 10 and 20 rows it could be mistaken for a row of each of some copies.
    with DeepExplain(session=session) as de:
        X, table = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('grad*input', X * tf.reduce_sum(table, axis=0), X)
    rows = normal(length, 4, seed=2)
    found = NoiseTunnel(explainer, samples=4, seed=3).run(normal(5, 4), batch_size=7, feed_dict={table: rows})
    np.testing.assert_allclose(found, by_hand(lambda noisy: noisy * rows.sum(axis=0), normal(5, 4)), **CLOSE)


@pytest.mark.parametrize('stdev', [None, 0.5, [0.5, None], (0.0, 2)])
def test_several_inputs(session, chunks, stdev):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=5)
    parts = [xs[:, :1], xs[:, 1:, None]] if stdev is not None else [xs[:, :2], xs[:, 2:, None]]
    cut = parts[0].shape[1]
    with DeepExplain(session=session) as de:
        X = [tf.placeholder(tf.float64, [None, *part.shape[1:]]) for part in parts]
        explainer = de.get_explainer('grad*input', build(network, tf.concat([X[0], X[1][..., 0]], axis=1)), X)
    found = NoiseTunnel(explainer, samples=4, stdev=stdev, seed=3).run(parts, ys, 7)

    def attribute(noisy):
        both = oracle.grad_input(network, np.hstack([noisy[0], noisy[1][..., 0]]), ys)
        return [both[:, :cut], both[:, cut:, None]]

    stdevs = stdev if isinstance(stdev, (list, tuple)) else [stdev, stdev]
    expected = oracle.noise_tunnel(attribute, parts, 'smoothgrad', 4, stdevs, 3)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, **CLOSE)


# what baselines meet


def test_baselines_of_each_sample_a_function_and_sets(session, chunks):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=5)
    rows = normal(5, 4, seed=6)

    def of_set(noisy, baselines):
        return np.mean([oracle.deeplift(network, noisy, ys, b) for b in baselines], axis=0)

    cases = [
        ({'baseline': rows}, lambda noisy: oracle.deeplift(network, noisy, ys, rows)),
        ({'baseline': lambda xs: 2 * xs}, lambda noisy: oracle.deeplift(network, noisy, ys, 2 * noisy)),
        ({'baselines': rows}, lambda noisy: of_set(noisy, rows)),
        ({'baselines': lambda xs: xs[:2]}, lambda noisy: of_set(noisy, noisy[:2])),
    ]
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('deeplift', build(network, X), X)
    for arguments, formula in cases:
        found = NoiseTunnel(explainer.with_arguments(**arguments), samples=4, seed=3).run(xs, ys, 7)
        np.testing.assert_allclose(found, by_hand(formula, xs), **CLOSE)


# networks whose rows cannot be put together otherwise


@pytest.mark.parametrize('n', [1, 3, 4, 9])
def test_a_fixed_batch_dimension(session, n):
    network = NETWORKS['all five']
    xs, ys = samples(network, n)
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [4, 4], name='X')
    with DeepExplain(session=recorder) as de:
        explainer = de.get_explainer('saliency', build(network, X), X)
    found = NoiseTunnel(explainer, samples=4, seed=3).run(xs, ys)
    np.testing.assert_allclose(found, by_hand(lambda noisy: oracle.saliency(network, noisy, ys), xs), **CLOSE)
    assert set(recorder.rows) == {4}


@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
def test_a_mask_with_a_row_a_sample(session, shape):
    network = NETWORKS['all five']
    xs, mask = samples(network, n=6)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, shape)
        explainer = de.get_explainer('saliency', build(network, X) * mask, X)
    found = NoiseTunnel(explainer, samples=4, seed=3).run(xs)
    np.testing.assert_allclose(found, by_hand(lambda noisy: oracle.saliency(network, noisy, mask), xs), **CLOSE)


@pytest.mark.parametrize(
    'network',
    [
        lambda X: dense(tf.tanh(X - tf.reduce_mean(X, axis=0)), 3),
        lambda X: tf.reduce_mean(mlp(X)),
        lambda X: tf.reduce_sum(mlp(X)),
        lambda X: tf.reduce_mean(mlp(X), axis=0),
    ],
    ids=['mixes samples', 'mean', 'sum', 'mean over samples'],
)
def test_copies_are_apart_where_samples_are_not(session, network):
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = network(X)
        gradient = tf.gradients(T, X)[0]
        found = NoiseTunnel(de.get_explainer('saliency', T, X), samples=4, seed=3).run(xs)
    expected = by_hand(lambda noisy: np.abs(session.run(gradient, {X: noisy})), xs)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_batches_of_samples_that_mix_come_with_a_warning(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        tunnel = NoiseTunnel(de.get_explainer('saliency', tf.tanh(X - tf.reduce_mean(X, axis=0)), X), samples=2)
    with pytest.warns(DeepExplainWarning, match=r'mixes samples .* and so on batch_size=2'):
        tunnel.run(normal(5, 4), batch_size=2)


def test_copies_fill_the_runs_up_to_batch_size(session):
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=recorder) as de:
        tunnel = NoiseTunnel(de.get_explainer('saliency', mlp(X), X), samples=6)
    tunnel.run(normal(5, 4))
    for batch_size, rows in ((None, [30]), (8, [8, 8, 8, 6]), (1, [1] * 30)):
        recorder.rows = []
        tunnel.run(normal(5, 4), batch_size=batch_size)
        assert recorder.rows == rows


# randomness


def test_a_seed_repeats_and_leaves_the_global_generator_alone(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('saliency', mlp(X), X)
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    tunnel = NoiseTunnel(explainer, seed=5)
    first, second = tunnel.run(normal(2, 4)), tunnel.run(normal(2, 4))
    other = NoiseTunnel(explainer, seed=np.int64(6)).run(normal(2, 4))
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


def test_without_a_seed_noise_comes_from_the_global_generator(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('saliency', mlp(X), X)
    seeded = NoiseTunnel(explainer, seed=5).run(normal(2, 4))
    np.random.seed(5)
    tunnel = NoiseTunnel(explainer)
    np.testing.assert_array_equal(tunnel.run(normal(2, 4)), seeded)
    assert np.abs(tunnel.run(normal(2, 4)) - seeded).max() > 1e-3


# known answers


@every_kind
def test_on_a_linear_network_noise_changes_no_gradient(session, kind):
    network = NETWORKS['linear']
    xs, ys = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        explainer = de.get_explainer('saliency', build(network, X), X)
    found = NoiseTunnel(explainer, kind, stdev=3.0, seed=0).run(xs, ys)
    plain = explainer.run(xs, ys)
    if kind == 'vargrad':
        np.testing.assert_array_equal(found, np.zeros(xs.shape))
    else:
        np.testing.assert_array_equal(found, plain if kind == 'smoothgrad' else plain**2)


def test_without_noise_nothing_changes(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('deeplift', mlp(X), X)
    xs = normal(3, 4)
    np.testing.assert_allclose(NoiseTunnel(explainer, stdev=0).run(xs), explainer.run(xs), rtol=1e-12)
    constant = np.full((3, 4), 0.7)  # whose default is no noise
    np.testing.assert_allclose(NoiseTunnel(explainer).run(constant), explainer.run(constant), rtol=1e-12)


def test_smoothgrad_of_a_step_is_smooth():
    # The mean slope of relu(x) over normal noise is the share of noise that is above -x.
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 1])
        tunnel = NoiseTunnel(de.get_explainer('saliency', tf.nn.relu(X), X), samples=4000, stdev=1.0, seed=0)
        mean = tunnel.run([[-1.0], [0.0], [1.0]])
        spread = NoiseTunnel(tunnel.explainer, 'vargrad', samples=4000, stdev=1.0, seed=0).run([[0.0]])
    np.testing.assert_allclose(mean, [[0.1587], [0.5], [0.8413]], atol=0.02)
    np.testing.assert_allclose(spread, [[0.25]], atol=0.01)


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1), samples=st.integers(1, 9), most=st.integers(1, 2000), offset=st.floats(-1e6, 1e6)
)
def test_the_variance_is_that_of_what_was_averaged(seed, samples, most, offset):
    before, noise.MOST_BYTES = noise.MOST_BYTES, most
    try:
        with context() as de:
            X = tf.placeholder(tf.float64, [None, 4])
            T = tf.tanh(mlp(X)) + offset * tf.reduce_sum(X, axis=1, keepdims=True)
            explainer = de.get_explainer('saliency', T, X)
            mean, square, variance = (
                NoiseTunnel(explainer, kind, samples, 0.5, seed).run(normal(3, 4)) for kind in KINDS
            )
            flat = de.get_explainer('saliency', tf.tanh(mlp(X)) + (offset > 0) * 9.0 * X[:, :1], X)
            one = NoiseTunnel(flat, 'vargrad', 1, 0.5, seed).run(normal(3, 4))
    finally:
        noise.MOST_BYTES = before
    assert (variance >= 0).all()
    np.testing.assert_allclose(square - mean**2, variance, atol=1e-12 * (1 + offset**2) * 100)
    np.testing.assert_array_equal(one, np.zeros((3, 4)))


def test_a_small_variance_beside_a_large_mean_loses_no_digits(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        small = de.get_explainer('saliency', X + X**2, X)
        large = de.get_explainer('saliency', 1e7 * X + X**2, X)
    expected, found = (NoiseTunnel(e, 'vargrad', 10, 0.5, 0).run([[9.0, 20.0]]) for e in (small, large))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# arrays


@every_kind
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'bfloat16'])
def test_the_result_has_the_dtype_of_X(session, kind, dtype):
    if dtype == 'bfloat16' and tf.VERSION.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no bfloat16 kernels for these networks')
    with DeepExplain(session=session) as de:
        X, exact = tf.placeholder(dtype, [None, 4]), tf.placeholder(tf.float64, [None, 4])
        found, expected = (
            NoiseTunnel(de.get_explainer('saliency', tf.tanh(dense(x, 3)), x), kind, seed=0).run(normal(3, 4))
            for x in (X, exact)
        )
    assert found.dtype == X.dtype.as_numpy_dtype
    np.testing.assert_allclose(found.astype('float64'), expected, rtol=0.1, atol=0.1)


def test_xs_of_any_kind_are_not_modified(session, tmp_path):
    xs = np.round(5 * normal(3, 4))
    np.save(str(tmp_path / 'xs.npy'), xs)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        tunnel = NoiseTunnel(de.get_explainer('saliency', mlp(X), X), seed=0)
    expected = tunnel.run(xs)
    for same in (xs.tolist(), xs.astype(int), np.load(str(tmp_path / 'xs.npy'), mmap_mode='r')):
        np.testing.assert_array_equal(tunnel.run(same), expected)
    np.testing.assert_array_equal(xs, np.round(5 * normal(3, 4)))


def test_run_adds_no_op(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        tunnel = NoiseTunnel(de.get_explainer('saliency', mlp(X), X))
    before = session.graph.version
    tunnel.run(normal(3, 4))
    assert session.graph.version == before


def test_progress_is_one_bar(session, chunks, capsys):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        tunnel = NoiseTunnel(de.get_explainer('saliency', mlp(X), X))
    tunnel.run(normal(5, 4))
    assert capsys.readouterr().err == ''
    tunnel.run(normal(5, 4), progress=True)
    assert capsys.readouterr().err.count(': 100%') == 1


# what is refused


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'kind': 'smooth'},
            ArgumentError,
            "kind must be one of 'smoothgrad', 'smoothgrad_squared', 'vargrad'; got 'smooth'",
        ),
        ({'kind': None}, ArgumentError, 'kind must be one of .*; got None'),
        ({'samples': 0}, ArgumentError, 'samples must be at least 1; got 0'),
        ({'samples': 2.5}, ArgumentTypeError, 'samples must be an integer; got 2.5'),
        ({'stdev': -1}, ArgumentError, 'stdev must be at least 0 and finite, in the units of X; got -1'),
        ({'stdev': float('nan')}, ArgumentError, 'stdev must be at least 0 and finite.*; got nan'),
        ({'stdev': float('inf')}, ArgumentError, 'stdev must be at least 0 and finite.*; got inf'),
        ({'stdev': 'a'}, ArgumentTypeError, "stdev must be a number, in the units of X; got 'a'"),
        ({'stdev': True}, ArgumentTypeError, 'stdev must be a number.*; got True'),
        ({'stdev': [0.1]}, ArgumentTypeError, r'stdev must be a number.*; got \[0.1\]'),
        ({'seed': 1.5}, ArgumentTypeError, 'seed must be an integer; got 1.5'),
        ({'seed': True}, ArgumentTypeError, 'seed must be an integer; got True'),
        ({'seed': -1}, ArgumentError, r'seed must be from 0 to 2\*\*32 - 1; got -1'),
        ({'seed': 2**32}, ArgumentError, 'seed must be from 0 to'),
    ],
)
def test_other_arguments_are_refused(session, arguments, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        explainer = de.get_explainer('saliency', mlp(X), X)
    with pytest.raises(error, match=message):
        NoiseTunnel(explainer, **arguments)


@pytest.mark.parametrize(
    ('stdev', 'error', 'message'),
    [
        ([0.1], ArgumentError, r'X is a list of 2 tensors, so stdev must be one number or a list of 2; got \[0.1\]'),
        ([0.1, 'a'], ArgumentTypeError, "stdev must be a number, in the units of X; got 'a'"),
        ([0.1, -1], ArgumentError, 'stdev must be at least 0 and finite, in the units of X; got -1'),
    ],
)
def test_other_stdevs_of_several_inputs_are_refused(session, stdev, error, message):
    with DeepExplain(session=session) as de:
        X = [tf.placeholder(tf.float32, [None, 2]) for _ in range(2)]
        explainer = de.get_explainer('saliency', X[0] + X[1], X)
    with pytest.raises(error, match=message):
        NoiseTunnel(explainer, stdev=stdev)


def test_what_is_no_explainer_is_refused():
    for wrong in ('saliency', None, object()):
        with pytest.raises(ArgumentTypeError, match='explainer must be what get_explainer returns; got '):
            NoiseTunnel(wrong)


@pytest.mark.parametrize(('method', 'arguments'), [('occlusion', {}), ('shapley_sampling', {'samples': 2, 'seed': 1})])
def test_any_explainer_is_averaged_and_described(session, method, arguments):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer(method, mlp(X), X, **arguments)
    tunnel = NoiseTunnel(explainer, samples=3, stdev=0.5, seed=2)
    random, xs = np.random.RandomState(2), normal(5, 4)
    noisy = [xs + 0.5 * random.normal(size=xs.shape) for _ in range(3)]
    np.testing.assert_allclose(tunnel.run(xs), np.mean([explainer.run(x) for x in noisy], axis=0))
    assert tunnel.describe().rows == explainer.describe().rows


def test_a_class_of_0_3_with_a_run_of_three_arguments_is_averaged(session):
    class Old(methods.GradientXInput):
        def run(self, xs, ys=None, batch_size=None):
            return super().run(xs, ys, batch_size)

    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        old, new = Old(T, X, session), de.get_explainer('grad*input', T, X)
    found, expected = (NoiseTunnel(e, samples=3, stdev=0.5, seed=2).run(normal(2, 4)) for e in (old, new))
    np.testing.assert_allclose(found, expected)


def test_more_than_attributions_are_refused(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('shapley_sampling', mlp(X), X, return_standard_error=True)
    with pytest.raises(ArgumentError, match='returns more than attributions .return_standard_error=True'):
        NoiseTunnel(explainer).run(normal(2, 4))


def test_samples_of_one_value_have_no_default(session):
    for shape in ([None], [None, 1]):
        with DeepExplain(session=session) as de:
            X = tf.placeholder(tf.float64, shape)
            explainer = de.get_explainer('saliency', tf.tanh(X), X)
        xs = normal(5).reshape([5] + shape[1:])
        with pytest.raises(ArgumentError, match='sample of a single value has no spread .* give stdev'):
            NoiseTunnel(explainer).run(xs)
        assert NoiseTunnel(explainer, stdev=0.1).run(xs).shape == xs.shape


def test_run_refuses_what_the_explainers_own_refuses(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        tunnel = NoiseTunnel(de.get_explainer('saliency', mlp(X), X))
    for arguments, message in [
        ((normal(2, 3),), 'xs must have the shape'),
        ((normal(2, 4), normal(2, 2)), 'ys must have the shape of T'),
        ((normal(2, 4), None, 0), 'batch_size must be at least 1'),
        ((normal(2, 4), None, None, {'missing:0': 1}), 'feed_dict: '),
    ]:
        with pytest.raises(ArgumentError, match=message), warnings.catch_warnings():
            tunnel.run(*arguments)
