"""The contract that every method keeps: what it accepts, what it returns, in how many rows it runs."""

from dataclasses import fields

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import GRADIENT, METHODS, PERTURBATION, Recorder, dense, mlp, normal, weights

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain, methods
from deepexplain.tensorflow.methods import GradientBasedMethod, attribution_methods, register
from deepexplain.tensorflow.runtime import memory

every_method = pytest.mark.parametrize(('method', 'kwargs'), METHODS, ids=[name for name, _ in METHODS])
# zero is zero in every row, so rows cannot differ
every_method_but_zero = pytest.mark.parametrize(
    ('method', 'kwargs'), METHODS[1:], ids=[name for name, _ in METHODS[1:]]
)
gradient_methods = pytest.mark.parametrize(('method', 'kwargs'), GRADIENT, ids=[name for name, _ in GRADIENT])
perturbation_methods = pytest.mark.parametrize(
    ('method', 'kwargs'), PERTURBATION, ids=[name for name, _ in PERTURBATION]
)


def explain(session, method, build, xs, X=None, **kwargs):
    """Attributions of build(X), the same random orders each time."""
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4]) if X is None else X
        np.random.seed(0)
        return de.explain(method, build(X), X, xs, **kwargs)


@every_method
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'bfloat16'])
def test_the_result_has_the_dtype_of_X_and_the_shape_of_xs(session, method, kwargs, dtype):
    if dtype == 'bfloat16' and tf.VERSION.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no bfloat16 kernels for these networks')
    X = tf.placeholder(dtype, [None, 4])
    found = explain(session, method, lambda X: tf.nn.relu(dense(X, 3)), normal(5, 4), X, **kwargs)
    assert found.dtype == X.dtype.as_numpy_dtype
    assert found.shape == (5, 4)
    assert method == 'zero' or np.abs(found.astype('float64')).max() > 0.1


@every_method
@pytest.mark.parametrize(
    'convert',
    [lambda xs: xs.tolist(), lambda xs: list(xs), lambda xs: xs.astype('int8'), lambda xs: xs.astype('float32')],
    ids=['nested lists', 'list of rows', 'int8', 'float32'],
)
def test_xs_of_any_kind_of_number(session, method, kwargs, convert):
    xs = np.round(3 * normal(5, 4))
    build, X = mlp, tf.placeholder(tf.float64, [None, 4])
    expected = explain(session, method, build, xs, X, **kwargs)
    np.testing.assert_allclose(explain(session, method, build, convert(xs), X, **kwargs), expected)


@every_method
def test_xs_ys_and_baselines_are_not_modified(session, method, kwargs):
    xs, ys, baseline = normal(5, 4), normal(5, 3), normal(4)
    kwargs = dict(kwargs, baseline=baseline) if method in ('intgrad', 'deeplift') else kwargs
    copies = [a.copy() for a in (xs, ys, baseline)]
    for a in (xs, ys, baseline):
        a.setflags(write=False)  # writing raises
    explain(session, method, mlp, xs, ys=ys, batch_size=2, **kwargs)
    for a, b in zip((xs, ys, baseline), copies):
        np.testing.assert_array_equal(a, b)


class OnDisk:
    """As a memory map of data that does not fit in memory: only slices can be had."""

    def __init__(self, array):
        self.array, self.dtype, self.shape, self.ndim = array, array.dtype, array.shape, array.ndim
        self.most = 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        found = self.array[index]
        if isinstance(index, slice):
            self.most = max(self.most, len(found))
        return found

    def __array__(self, *args, **kwargs):
        raise MemoryError('the whole of it was read')


@every_method
def test_what_does_not_fit_in_memory_is_read_in_batches(session, method, kwargs, monkeypatch, tmp_path):
    from deepexplain.tensorflow.runtime import samples

    monkeypatch.setattr(samples, '_SCAN_BYTES', 4 * 4 * 8)  # the scan for nan reads four rows at a time
    X = tf.placeholder(tf.float64, [None, 4])
    expected = explain(session, method, mlp, normal(23, 4), X, batch_size=4, **kwargs)
    xs = OnDisk(normal(23, 4))
    np.testing.assert_array_equal(explain(session, method, mlp, xs, X, batch_size=4, **kwargs), expected)
    assert 1 <= xs.most <= 4
    np.save(str(tmp_path / 'xs.npy'), normal(23, 4))
    mapped = np.load(str(tmp_path / 'xs.npy'), mmap_mode='r')
    np.testing.assert_array_equal(explain(session, method, mlp, mapped, X, batch_size=4, **kwargs), expected)


@gradient_methods
@pytest.mark.parametrize('kind', [list, tuple])
def test_several_inputs_give_a_list(session, method, kwargs, kind):
    X1, X2 = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float64, [None, 3, 1])

    def build(X):
        return mlp(tf.concat([tf.cast(X[0], tf.float64), X[1][:, :, 0]], axis=1))

    found = explain(
        session, method, build, kind([normal(5, 2), normal(5, 3, 1)]), kind([X1, X2]), batch_size=2, **kwargs
    )
    assert isinstance(found, list)
    assert [(a.shape, a.dtype.name) for a in found] == [((5, 2), 'float32'), ((5, 3, 1), 'float64')]
    joined = tf.placeholder(tf.float64, [None, 5])
    together = explain(session, method, mlp, np.hstack([normal(5, 2), normal(5, 3)]), joined, **kwargs)
    np.testing.assert_allclose(np.hstack([found[0], found[1][:, :, 0]]), together, rtol=2e-3, atol=1e-4)


@perturbation_methods
def test_several_inputs_are_not_yet_supported(session, method, kwargs):
    X = [tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None, 2])]
    with pytest.raises(RuntimeError, match='Multiple inputs not yet supported'):
        explain(session, method, lambda X: X[0] + X[1], [normal(2, 2)] * 2, X, **kwargs)


@every_method
def test_X_may_be_any_tensor_of_the_graph(session, method, kwargs):
    # What is upstream of X, a placeholder included, is not needed.
    upstream = tf.placeholder(tf.float64, [None, 7])
    hidden = tf.sigmoid(dense(upstream, 4, seed=9))
    found = explain(session, method, mlp, normal(5, 4), hidden, **kwargs)
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(5, 4), **kwargs))


@every_method
def test_T_of_rank_one_and_of_rank_three(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])
    columns = explain(session, method, mlp, normal(5, 4), X, ys=[0, 0, 1], **kwargs)
    np.testing.assert_allclose(explain(session, method, lambda X: mlp(X)[:, 2], normal(5, 4), X, **kwargs), columns)
    cube = explain(
        session,
        method,
        lambda X: tf.reshape(mlp(X, 6), [-1, 3, 2]),
        normal(5, 4),
        X,
        ys=np.eye(6)[4].reshape(3, 2),
        **kwargs,
    )
    flat = explain(session, method, lambda X: mlp(X, 6), normal(5, 4), X, ys=np.eye(6)[4], **kwargs)
    np.testing.assert_allclose(cube, flat)


@every_method
def test_T_of_unknown_rank(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])

    def build(X):
        T = mlp(X)
        unknown = tf.placeholder_with_default(T, shape=None)
        assert unknown.shape.ndims is None
        return unknown if method in ('occlusion', 'shapley_sampling') else tf.reshape(T, tf.shape(T))

    ys = normal(5, 3)
    found = explain(session, method, build, normal(5, 4), X, ys=ys, **kwargs)
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(5, 4), X, ys=ys, **kwargs))


# ys


@every_method
def test_ys_with_and_without_the_batch_axis(session, method, kwargs):
    ys = normal(3)
    alike = explain(session, method, mlp, normal(5, 4), ys=ys, **kwargs)
    repeated = explain(session, method, mlp, normal(5, 4), ys=np.tile(ys, (5, 1)), batch_size=2, **kwargs)
    np.testing.assert_allclose(alike, repeated, rtol=1e-6, atol=1e-12)


@every_method
@pytest.mark.parametrize('shape', [(5, 1), (1, 3), (5,), (4, 3), (3, 5), (5, 3, 1), ()])
def test_other_shapes_of_ys_are_refused_with_both(session, method, kwargs, shape):
    with pytest.raises(RuntimeError) as caught:
        explain(session, method, mlp, normal(5, 4), ys=np.ones(shape), **kwargs)
    assert '(5, 3)' in str(caught.value)
    assert f'got {shape}' in str(caught.value)


@every_method
def test_ys_for_a_T_with_open_dimensions(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, None, 2])
    with pytest.raises(ValueError, match=r'ys must have the shape of T: \(4, 3, 2\).*got \(4, 1, 2\)'):
        explain(session, method, tf.tanh, normal(4, 3, 2), X, ys=np.ones((4, 1, 2)), **kwargs)
    found = explain(session, method, tf.tanh, normal(4, 3, 2), X, ys=np.ones((3, 2)), **kwargs)
    np.testing.assert_allclose(found, explain(session, method, tf.tanh, normal(4, 3, 2), X, **kwargs))


def test_ys_of_words_or_nan_is_refused(session):
    with pytest.raises(TypeError, match='ys must hold real numbers; its dtype is <U3'):
        explain(session, 'saliency', mlp, normal(5, 4), ys=['cat', 'dog', 'cow', 'cat', 'dog'])
    with pytest.raises(ValueError, match='ys holds nan'):
        explain(session, 'saliency', mlp, normal(5, 4), ys=[0, np.nan, 1])


# batches


@every_method
@pytest.mark.parametrize('batch_size', [1, 2, 3, 5, 8, 1000])
def test_batch_size_is_the_most_rows_of_any_run_and_changes_nothing(session, method, kwargs, batch_size):
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    recorder = Recorder(session, 'X:0')
    ys = normal(5, 3)
    found = explain(recorder, method, mlp, normal(5, 4), X, ys=ys, batch_size=batch_size, **kwargs)
    assert max(recorder.rows) <= batch_size
    expected = explain(session, method, mlp, normal(5, 4), X, ys=ys, **kwargs)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@every_method
def test_without_batch_size_rows_are_bounded_by_memory(session, method, kwargs, monkeypatch):
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    expected = explain(recorder, method, mlp, normal(1500, 4), X, **kwargs)
    assert max(recorder.rows) == memory.MOST_ROWS
    recorder.rows = []
    # The widest tensor has 8 values of 8 bytes, so 640 bytes are ten rows of it.
    monkeypatch.setattr(memory, 'MOST_BYTES', 640)
    monkeypatch.setattr(memory, 'MOST_BYTES_BACKWARD', 640)
    np.testing.assert_allclose(
        explain(recorder, method, mlp, normal(1500, 4), X, **kwargs), expected, rtol=1e-6, atol=1e-12
    )
    assert max(recorder.rows) == 10


@pytest.mark.parametrize('batch_size', [0, -3])
def test_batch_size_must_be_positive(session, batch_size):
    with pytest.raises(ValueError, match=f'batch_size must be at least 1; got {batch_size}'):
        explain(session, 'saliency', mlp, normal(5, 4), batch_size=batch_size)


@pytest.mark.parametrize('batch_size', ['8', 2.5, True])
def test_batch_size_must_be_an_integer(session, batch_size):
    with pytest.raises(TypeError, match='batch_size must be an integer'):
        explain(session, 'saliency', mlp, normal(5, 4), batch_size=batch_size)


# a fixed batch dimension


@every_method
@pytest.mark.parametrize('n', [1, 3, 4, 5, 9])
def test_a_fixed_batch_dimension_takes_any_number_of_samples(session, method, kwargs, n):
    ys = normal(n, 3)
    X = tf.placeholder(tf.float64, [4, 4], name='X')
    recorder = Recorder(session, 'X:0')
    found = explain(recorder, method, mlp, normal(n, 4), X, ys=ys, **kwargs)
    assert set(recorder.rows) == {4}
    assert found.shape == (n, 4)
    expected = explain(session, method, mlp, normal(n, 4), ys=ys, **kwargs)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@every_method
def test_a_batch_size_that_contradicts_the_fixed_one_is_refused(session, method, kwargs):
    X = tf.placeholder(tf.float64, [4, 4])
    with pytest.raises(RuntimeError, match='must be compatible with the batch size. Found 4 .* batch_size=2'):
        explain(session, method, mlp, normal(4, 4), X, batch_size=2, **kwargs)
    assert explain(session, method, mlp, normal(4, 4), X, batch_size=4, **kwargs).shape == (4, 4)


def hard_coded(X):
    """A network with its batch size written into a reshape, though X leaves it open."""
    return tf.reshape(mlp(X), [4, 3])


@every_method
def test_a_batch_dimension_that_only_T_fixes(session, method, kwargs):
    found = explain(session, method, hard_coded, normal(10, 4), **kwargs)
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(10, 4), **kwargs), rtol=1e-6, atol=1e-12)


# T * mask


@every_method
def test_a_mask_for_all_samples_is_the_same_as_ys(session, method, kwargs):
    mask = [[0.0, 1.0, 0.0]]
    found = explain(session, method, lambda X: mlp(X) * mask, normal(5, 4), batch_size=2, **kwargs)
    np.testing.assert_allclose(
        found, explain(session, method, mlp, normal(5, 4), ys=mask[0], **kwargs), rtol=1e-6, atol=1e-12
    )


@every_method
@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
def test_a_mask_with_a_row_a_sample_meets_exactly_its_samples(session, method, kwargs, shape):
    # 6 samples with 7 steps, 4 windows and 8 permuted features: tiled copies would go out of step.
    mask = np.eye(3)[[0, 1, 2, 1, 0, 0]]
    X = tf.placeholder(tf.float64, shape)
    for batch_size in (None, 6):
        found = explain(session, method, lambda X: mlp(X) * mask, normal(6, 4), X, batch_size=batch_size, **kwargs)
        expected = explain(session, method, mlp, normal(6, 4), ys=mask, **kwargs)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@every_method_but_zero
@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
@pytest.mark.parametrize('n', [1, 5, 12])
def test_a_mask_for_another_number_of_samples_is_refused(session, method, kwargs, shape, n):
    mask = np.eye(3)[[0, 1, 2, 1, 0, 0]]
    with pytest.raises(ValueError, match=f'fixed batch dimension of 6 .*rows cannot be told apart for {n} samples'):
        explain(session, method, lambda X: mlp(X) * mask, normal(n, 4), tf.placeholder(tf.float64, shape), **kwargs)


# T without rows


@gradient_methods
def test_a_scalar_T_that_sums_the_samples(session, method, kwargs):
    def summed(X):
        return tf.reduce_sum(mlp(X)[:, 1])

    expected = explain(session, method, mlp, normal(5, 4), ys=[0, 1, 0], **kwargs)
    for batch_size in (None, 2, 5, 100):
        found = explain(session, method, summed, normal(5, 4), batch_size=batch_size, **kwargs)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)
    weighted = explain(session, method, summed, normal(5, 4), ys=2.0, **kwargs)
    np.testing.assert_allclose(weighted, 2 * expected, rtol=1e-6, atol=1e-12)
    with pytest.raises(ValueError, match=r'T is a scalar, so ys must be one number; got shape \(5,\)'):
        explain(session, method, summed, normal(5, 4), ys=np.ones(5), **kwargs)


@gradient_methods
def test_a_scalar_T_that_is_a_mean_cannot_be_batched(session, method, kwargs):
    def mean(X):
        return tf.reduce_mean(mlp(X)[:, 1])

    found = explain(session, method, mean, normal(5, 4), **kwargs)
    expected = explain(session, method, mlp, normal(5, 4), ys=[0, 0.2, 0], **kwargs)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)
    if method != 'zero':
        with pytest.raises(ValueError, match='scalar that is not a sum .*rows cannot be told apart'):
            explain(session, method, mean, normal(5, 4), batch_size=2, **kwargs)
    with pytest.raises(ValueError, match='rows cannot be told apart in batches of one'):
        explain(session, method, mean, normal(5, 4), batch_size=1, **kwargs)


@perturbation_methods
def test_a_scalar_T_is_refused_where_each_sample_needs_its_value(session, method, kwargs):
    with pytest.raises(ValueError, match='is a scalar, in which rows cannot be told apart'):
        explain(session, method, lambda X: tf.reduce_sum(mlp(X)), normal(5, 4), **kwargs)


@perturbation_methods
def test_a_T_whose_rows_are_not_samples_is_refused(session, method, kwargs):
    with pytest.raises(ValueError, match='needs one row of T for each sample.* rows for . samples'):
        explain(session, method, lambda X: tf.reshape(mlp(X), [-1]), normal(5, 4), batch_size=5, **kwargs)
    # Summed over the samples: as many rows as outputs, by chance also as many as samples.
    with pytest.raises(ValueError, match='rows that do not each belong to one sample'):
        explain(session, method, lambda X: tf.reduce_sum(mlp(X), axis=0), normal(3, 4), **kwargs)


# networks that mix samples


def batch_normalized(X):
    """Training mode: every sample sees the moments of its batch."""
    h = dense(X, 6)
    mean, variance = tf.nn.moments(h, [0])
    return dense(tf.nn.relu((h - mean) / (variance + 0.1)), 3, 2)


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')
@pytest.mark.parametrize(('method', 'kwargs'), [('intgrad', {'steps': 7})] + PERTURBATION)
def test_samples_that_mix_are_explained_together(session, method, kwargs):
    # Copies of the samples in one run would change the moments: 0.3 ran one copy of all samples at a time.
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    recorder = Recorder(session, 'X:0')
    found = explain(recorder, method, batch_normalized, normal(8, 4), X, **kwargs)
    # A made-up row, alone and beside another one, shows that samples mix.
    assert set(recorder.rows) - {1} == {2, 8}
    together = explain(session, method, batch_normalized, normal(8, 4), X, batch_size=8, **kwargs)
    np.testing.assert_allclose(found, together, rtol=1e-9, atol=1e-12)
    if method == 'intgrad':
        gradient = tf.gradients(batch_normalized(X), X)[0]
        points = [session.run(gradient, {X: normal(8, 4) * k / 7}) for k in range(1, 8)]
        np.testing.assert_allclose(found, normal(8, 4) * np.mean(points, axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')
@every_method_but_zero
def test_batches_of_samples_that_mix_come_with_a_warning(session, method, kwargs):
    with pytest.warns(DeepExplainWarning, match=r'mixes samples .* and so on batch_size=4'):
        explain(session, method, batch_normalized, normal(8, 4), batch_size=4, **kwargs)


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')
@pytest.mark.parametrize('method', ['grad*input', 'intgrad'])
def test_padding_samples_that_mix_comes_with_a_warning(session, method):
    with pytest.warns(DeepExplainWarning, match='mixes samples .* and so on the rows that fill the batch'):
        explain(session, method, batch_normalized, normal(3, 4), tf.placeholder(tf.float64, [4, 4]))


@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad', 'elrp', 'deeplift'])
@pytest.mark.parametrize('keepdims', [False, True])
@pytest.mark.parametrize('n', [1, 2, 3, 5])
def test_T_reduced_over_the_first_axis_is_explained_whole(session, method, keepdims, n):
    # The first axis of X need not be that of samples: here one sequence of n steps gives three outputs.
    def per_output(X):
        return tf.reduce_mean(mlp(X), axis=0, keepdims=keepdims)

    found = explain(session, method, per_output, normal(n, 4))
    np.testing.assert_allclose(
        found, explain(session, method, mlp, normal(n, 4), ys=np.full(3, 1 / n)), rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize('method', ['saliency', 'intgrad', 'deeplift'])
def test_T_reduced_over_a_fixed_batch_takes_exactly_that_batch(session, method):
    def per_output(X):
        return tf.reduce_mean(mlp(X), axis=0)

    X = tf.placeholder(tf.float64, [4, 4])
    found = explain(session, method, per_output, normal(4, 4), X)
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(4, 4), ys=[0.25] * 3), rtol=1e-6, atol=1e-12)
    with pytest.raises(ValueError, match='X has a fixed batch dimension of 4, but T .* one of 3, so rows cannot'):
        explain(session, method, per_output, normal(5, 4), X)


@pytest.mark.parametrize('method', ['grad*input', 'intgrad'])
def test_T_reduced_over_the_samples_is_noticed_though_its_shape_does_not_say_so(session, method):
    X = tf.placeholder(tf.float64, [None, None])
    found = explain(session, method, lambda X: tf.reduce_mean(X, axis=0), normal(5, 4), X)
    np.testing.assert_allclose(found, normal(5, 4) / 5, rtol=1e-9)
    with pytest.warns(DeepExplainWarning, match=r'mixes samples .* and so on batch_size=2'):
        explain(session, method, lambda X: tf.reduce_mean(X, axis=0), normal(5, 4), X, batch_size=2)


# samples that show nothing


@every_method_but_zero
@pytest.mark.parametrize('n', [5, 12])
def test_a_mask_is_noticed_though_the_samples_are_zero(session, method, kwargs, n):
    mask = np.eye(3)[[0, 1, 2, 1, 0, 0]]
    with pytest.raises(ValueError, match='rows cannot be told apart'):
        explain(session, method, lambda X: tf.nn.relu(dense(X, 3)) * mask, np.zeros((n, 4)), **kwargs)


@pytest.mark.parametrize('xs', [np.zeros((5, 4)), -np.ones((5, 4))])
def test_a_mean_is_noticed_though_the_samples_show_nothing(session, xs):
    for build in (lambda X: tf.reduce_mean(mlp(X)), lambda X: tf.reduce_mean(tf.nn.relu(X))):
        with pytest.raises(ValueError, match='not a sum over the samples'):
            explain(session, 'grad*input', build, xs, batch_size=2)


@perturbation_methods
def test_small_outputs_that_mix_are_noticed(session, method, kwargs):
    X = tf.placeholder(tf.float64, [3, 4])
    with pytest.raises(ValueError, match='rows that do not each belong to one sample'):
        explain(
            session,
            method,
            lambda X: 1e-9 * tf.reduce_sum(X, 0, keepdims=True) * np.ones((3, 1)),
            normal(3, 4),
            X,
            **kwargs,
        )


@every_method
def test_X_and_T_with_different_fixed_batches_are_refused(session, method, kwargs):
    X = tf.placeholder(tf.float64, [1, 4])
    with pytest.raises(ValueError, match='X has a fixed batch dimension of 1, but T .* one of 6'):
        explain(session, method, lambda X: mlp(X) * np.eye(3)[[0, 1, 2, 1, 0, 0]], normal(6, 4), X, **kwargs)


@pytest.mark.parametrize('method', ['grad*input', 'occlusion'])
def test_networks_with_a_limited_domain_are_not_taken_to_mix(session, method):
    arguments = {'baseline': 1.0} if method == 'occlusion' else {}
    explain(session, method, lambda X: tf.log(X) + tf.sqrt(X), 1 + np.abs(normal(5, 4)), batch_size=2, **arguments)


# feeds


@every_method
def test_other_placeholders_are_fed(session, method, kwargs):
    keep, shift = tf.placeholder(tf.float64, []), tf.placeholder(tf.float64, [None, 4])
    training = tf.placeholder_with_default(False, [])

    def build(X):
        return mlp(tf.cond(training, lambda: 0 * X, lambda: keep * X + shift))

    X = tf.placeholder(tf.float64, [None, 4])
    shifts = normal(5, 4, seed=3)
    # One row a sample: batched with the samples. Not so: fed whole.
    found = explain(
        session, method, build, normal(5, 4), X, batch_size=3, feed_dict={keep: 0.5, shift.name: shifts}, **kwargs
    )
    one_by_one = [
        explain(
            session,
            method,
            build,
            normal(5, 4)[i : i + 1],
            X,
            feed_dict={keep.name: 0.5, shift: shifts[i : i + 1]},
            **kwargs,
        )
        for i in range(5)
    ]
    np.testing.assert_allclose(found, np.concatenate(one_by_one), rtol=1e-6, atol=1e-12)


@every_method
def test_feeds_meet_their_samples_in_equal_batches(session, method, kwargs):
    # Batches of one size, so that nothing kept from the first batch may serve the second.
    shift = tf.placeholder(tf.float64, [None, 4])
    shifts = normal(6, 4, seed=3)
    X = tf.placeholder(tf.float64, [None, 4])
    found = explain(
        session,
        method,
        lambda X: mlp(X + shift),
        normal(6, 4),
        X,
        batch_size=3,
        feed_dict={shift.name: shifts},
        **kwargs,
    )
    for i in range(6):
        feed_dict = {shift.name: shifts[i : i + 1]}
        alone = explain(
            session, method, lambda X: mlp(X + shift), normal(6, 4)[i : i + 1], X, feed_dict=feed_dict, **kwargs
        )
        np.testing.assert_allclose(found[i : i + 1], alone, rtol=1e-6, atol=1e-12)


@every_method
def test_a_feed_with_the_same_fixed_batch_is_batched_with_the_samples(session, method, kwargs):
    X, shift = tf.placeholder(tf.float64, [2, 4]), tf.placeholder(tf.float64, [2, 4])
    shifts = normal(5, 4, seed=3)
    found = explain(session, method, lambda X: mlp(X + shift), normal(5, 4), X, feed_dict={shift: shifts}, **kwargs)
    both, free = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 4])
    expected = explain(session, method, lambda X: mlp(X + free), normal(5, 4), both, feed_dict={free: shifts}, **kwargs)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@every_method
def test_data_that_a_run_would_pull_must_be_fed(session, method, kwargs):
    labels = tf.data.make_one_shot_iterator(tf.data.Dataset.range(10).repeat().batch(5)).get_next()
    weights_of = tf.one_hot(labels % 3, 3, dtype=tf.float64)
    with pytest.raises(ValueError, match="also reads 'IteratorGetNext:0', which gives other data in every session run"):
        explain(session, method, lambda X: mlp(X) * weights_of, normal(5, 4), **kwargs)
    fed = explain(session, method, lambda X: mlp(X) * weights_of, normal(5, 4), feed_dict={labels: range(5)}, **kwargs)
    np.testing.assert_allclose(
        fed, explain(session, method, mlp, normal(5, 4), ys=np.eye(3)[[0, 1, 2, 0, 1]], **kwargs), rtol=1e-6
    )


@every_method
def test_a_missing_placeholder_is_named(session, method, kwargs):
    keep = tf.placeholder(tf.float64, [], name='keep_prob')
    unrelated = tf.placeholder(tf.float64, [], name='unrelated')
    with pytest.raises(ValueError, match='placeholders that have no value') as caught:
        explain(session, method, lambda X: mlp(keep * X), normal(5, 4), **kwargs)
    assert "'keep_prob:0' (float64, shape ())" in str(caught.value)
    assert "feed_dict={'keep_prob:0': ...}" in str(caught.value)
    assert unrelated.op.name not in str(caught.value)


@every_method
@pytest.mark.parametrize('default', [False, True])
def test_the_learning_phase_of_keras_is_fed_zero(session, method, kwargs, default):
    if default:
        phase = tf.placeholder_with_default(True, [], name='keras_learning_phase')
    else:
        phase = tf.placeholder(tf.bool, [], name='batch_norm/keras_learning_phase')
    found = explain(
        session,
        method,
        lambda X: mlp(X) * tf.where(phase, weights(3, dtype=tf.float64), [1, 1, 1]),
        normal(5, 4),
        **kwargs,
    )
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(5, 4), **kwargs))


@pytest.mark.parametrize(
    ('feed_dict', 'message'),
    [
        ({'nothing:0': 1}, "feed_dict: .*'nothing:0'"),
        ({'X:0': 1}, "feed_dict must not hold 'X:0': it is fed from xs or ys"),
        ({3: 1}, 'feed_dict: keys must be tensors of the explained graph, or their names; got 3'),
        (['keep:0'], r"feed_dict must be a dict of tensors or names to values; got \['keep:0'\]"),
        ({'keep:0': 'much'}, "feed_dict: the value of 'keep:0' does not fit"),
    ],
)
def test_a_feed_that_does_not_fit_is_refused(session, feed_dict, message):
    keep = tf.placeholder(tf.float64, [], name='keep')
    with pytest.raises(RuntimeError, match=message):
        explain(
            session,
            'saliency',
            lambda X: mlp(keep * X),
            normal(5, 4),
            tf.placeholder(tf.float64, [None, 4], name='X'),
            feed_dict=feed_dict,
        )


# what is refused


@every_method
@pytest.mark.parametrize(
    ('xs', 'kind', 'message'),
    [
        (
            normal(5, 3),
            ValueError,
            r"xs must have the shape of 'X:0', \(None, 4\) with the samples first; got \(5, 3\)",
        ),
        (normal(4), ValueError, r'got \(4,\)'),
        (3.0, ValueError, r'got \(\)'),
        (np.zeros((0, 4)), ValueError, r'xs is empty: .* got shape \(0, 4\)'),
        ([], ValueError, r'got \(0,\)'),
        (
            [[1, 2, 3, np.nan]],
            ValueError,
            r'xs holds nan or infinite values \(as float64\): the first is at index \(0, 3\)',
        ),
        ([[0, 0, 0, 0], [1, np.inf, 3, 4]], ValueError, r'index \(1, 1\)'),
        ([['a', 'b', 'c', 'd']], TypeError, 'xs must hold real numbers; its dtype is <U1'),
        ([[1j, 0, 0, 0]], TypeError, 'its dtype is complex128'),
        (None, TypeError, 'xs must be an array; got None'),
    ],
)
def test_bad_xs_are_refused(session, method, kwargs, xs, kind, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        explain(session, method, mlp, xs, tf.placeholder(tf.float64, [None, 4], name='X'), **kwargs)
    assert isinstance(caught.value, kind)


class Sparse:
    def toarray(self):
        raise AssertionError('not asked for')


class Table:
    """As a pandas DataFrame: indexed by label, columns of several types."""

    dtype, shape = np.dtype(object), (5, 4)

    def __init__(self, array):
        self.array = array

    def to_numpy(self):
        return self.array.astype(object)

    def __getitem__(self, label):
        raise KeyError(label)


@every_method
def test_tables_matrices_and_masked_arrays(session, method, kwargs):
    xs = normal(5, 4)
    X = tf.placeholder(tf.float64, [4, 4])
    expected = explain(session, method, mlp, xs, X, **kwargs)
    for same in (Table(xs), xs.view(np.matrix), np.ma.array(xs, mask=False)):
        np.testing.assert_allclose(explain(session, method, mlp, same, X, **kwargs), expected)


@pytest.mark.parametrize(
    ('xs', 'kind', 'message'),
    [
        (Sparse(), TypeError, r'xs is a sparse Sparse: pass its toarray\(\)'),
        (np.ma.array(normal(5, 4), mask=normal(5, 4) > 0), ValueError, 'xs has masked values'),
        (np.zeros((3, 4, 0)), ValueError, 'got'),
    ],
)
def test_xs_that_only_look_like_arrays_are_refused(session, xs, kind, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        explain(session, 'saliency', mlp, xs)
    assert isinstance(caught.value, kind)


def test_a_symbolic_tensor_as_xs_is_refused(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with pytest.raises(TypeError, match='xs must hold real numbers'):
        explain(session, 'saliency', mlp, X, X)


def test_integers_that_do_not_fit_are_refused(session):
    X = tf.placeholder(tf.uint8, [None, 2])
    with pytest.raises(
        ValueError, match=r'xs holds numbers that do not fit \(as uint8\): the first is at index \(0, 1\)'
    ):
        explain(session, 'occlusion', lambda X: tf.cast(X, tf.float32), [[5, 300]], X)


def test_values_too_large_for_X_are_refused(session):
    with pytest.raises(ValueError, match=r'infinite values \(as float32\)'):
        explain(session, 'saliency', mlp, [[1e300, 0, 0, 0]], tf.placeholder(tf.float32, [None, 4]))


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')
@gradient_methods
@pytest.mark.parametrize(
    ('xs', 'message'),
    [
        ([normal(5, 4)], 'xs must be a list of 2 arrays, .*; got a list of 1'),
        (normal(5, 4), 'xs must be a list of 2 arrays, .*; got an array of'),
        ([normal(5, 4), normal(4, 4)], r'All inputs must have the same number of samples; got \[5, 4\]'),
        ([normal(5, 4), normal(5, 3)], r"xs\[1\] must have the shape of 'X2:0'"),
        ([normal(5, 4), normal(5, 4) * np.nan], r'xs\[1\] holds nan'),
    ],
)
def test_bad_xs_of_several_inputs_are_refused(session, method, kwargs, xs, message):
    X = [tf.placeholder(tf.float64, [None, 4], name=name) for name in ('X1', 'X2')]
    with pytest.raises(ValueError, match=message):
        explain(session, method, lambda X: mlp(X[0] * X[1]), xs, X, **kwargs)


@every_method
def test_unknown_arguments_are_refused_with_the_known_ones(session, method, kwargs):
    known = ', '.join([*[field.name for field in fields(attribution_methods[method][0])], 'strict'])
    with pytest.raises(TypeError, match=rf"'.*' does not know the argument 'stepz'; it takes {known}\."):
        explain(session, method, mlp, normal(5, 4), stepz=3, **kwargs)


@pytest.mark.parametrize(
    ('T', 'X', 'kind', 'message'),
    [
        ('T', 'words', ValueError, "X: The name 'words' looks like an .* Operation name, not a Tensor"),
        ('T', np.ones((2, 4)), TypeError, 'got ndarray'),
        (None, 'X', TypeError, 'T must be a Tensorflow Tensor object; got NoneType'),
        ('T', [], ValueError, 'X is an empty list'),
        ('T', ['X', None], TypeError, 'X must be a Tensorflow Tensor object or a list of them; got NoneType'),
        ('T', ['X', 'X'], ValueError, r"X holds the same tensor twice: \['X:0', 'X:0'\]"),
        ('T', 'scalar', ValueError, "X 'scalar:0' is a scalar: its first axis must be that of the samples"),
        (
            'T',
            'ids',
            TypeError,
            "X 'ids:0' must be a float tensor; it is int32, which has no gradient: explain 'Cast:0' instead",
        ),
        ('int', 'X', TypeError, "T 'int:0' must be a float tensor; it is int64"),
        ('T', 'variable', TypeError, 'X must be a Tensorflow Tensor object .*[vV]ariable'),
        ('T', 'foreign', ValueError, "X 'foreign:0' belongs to another graph"),
    ],
)
def test_bad_T_and_X_are_refused(session, T, X, kind, message):
    with DeepExplain(session=session) as de:
        x = tf.placeholder(tf.float32, [None, 4], name='X')
        scalar = tf.placeholder(tf.float32, [], name='scalar')
        variable = tf.get_variable('variable', [1, 4], use_resource=True)
        ids = tf.placeholder(tf.int32, [None, 2], name='ids')
        target = mlp(x + scalar + variable) + tf.cast(ids[:, :1], tf.float32)
        with tf.Graph().as_default():
            foreign = tf.placeholder(tf.float32, [None, 4], name='foreign')
        tensors = {
            'T': target,
            'X': x,
            'scalar': scalar,
            'variable': variable,
            'ids': ids,
            'foreign': foreign,
            'int': tf.argmax(target, 1, name='int'),
        }

        def look_up(name):
            return tensors.get(name, name) if isinstance(name, str) else name

        X = [look_up(name) for name in X] if isinstance(X, list) else look_up(X)
        with pytest.raises(RuntimeError, match=message) as caught:
            de.get_explainer('saliency', look_up(T), X)
    assert isinstance(caught.value, kind)


def test_inputs_with_different_fixed_batches_are_refused(session):
    X = [tf.placeholder(tf.float32, [n, 4]) for n in (3, 5)]
    with pytest.raises(ValueError, match=r'different fixed batch dimensions: \[3, 5\]'):
        explain(session, 'saliency', lambda X: tf.concat(X, 0), [normal(3, 4), normal(5, 4)], X)


def test_a_finalized_graph_is_refused(session):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        explainer = de.get_explainer('saliency', T, X)
        session.graph.finalize()
        assert explainer.run(normal(2, 4)).shape == (2, 4)
        with pytest.raises(RuntimeError, match='The graph is finalized'):
            de.get_explainer('elrp', T, X)


# the path from X to T


@every_method
def test_an_X_that_does_not_reach_T_is_refused(session, method, kwargs):
    lonely = tf.placeholder(tf.float64, [None, 4], name='lonely')
    T = mlp(tf.placeholder(tf.float64, [None, 4]))
    with pytest.raises(ValueError, match="X does not reach T: no path of ops leads from X 'lonely:0'"):
        explain(session, method, lambda X: T, normal(5, 4), lonely, **kwargs)


@gradient_methods
def test_one_of_several_inputs_that_does_not_reach_T_is_named(session, method, kwargs):
    X = [tf.placeholder(tf.float64, [None, 4], name=name) for name in ('used', 'lonely')]
    with pytest.raises(ValueError, match="no path of ops leads from X 'lonely:0'"):
        explain(session, method, lambda X: mlp(X[0]), [normal(5, 4)] * 2, X, **kwargs)


@gradient_methods
@pytest.mark.parametrize(
    ('block', 'op', 'instead'),
    [
        (lambda X: tf.gather(weights(9, 4), tf.cast(X, tf.int32), name='words'), "'path/Cast' .Cast", 'path/words:0'),
        (lambda X: tf.stop_gradient(X, name='stop'), "'path/stop' .StopGradient", 'path/stop:0'),
        (lambda X: tf.one_hot(tf.argmax(X, 1, name='best'), 4, name='hot'), "'path/best' .ArgMax", 'path/hot:0'),
        (
            lambda X: tf.round(X, name='round') + tf.floor(X, name='floor'),
            "'path/round'",
            "path/round:0' or 'path/floor:0",
        ),
    ],
    ids=['lookup', 'stop_gradient', 'argmax', 'rounding'],
)
def test_an_op_that_ends_the_path_is_named_and_what_to_explain_instead(session, method, kwargs, block, op, instead):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    with tf.name_scope('path'):
        blocked = block(X)
    with pytest.raises(ValueError, match='only through ops that pass no gradient; the first is op ' + op) as raised:
        explain(session, method, lambda X: tf.reduce_sum(blocked, axis=-1), normal(5, 4), X, **kwargs)
    first = instead.split("'")[0]
    values = f"session.run('{first}', {{'X:0': ...}})"
    assert f"explain '{instead}' instead, with the values that {values} gives" in str(raised.value)


@gradient_methods
def test_ids_are_refused_with_the_output_of_their_embedding(session, method, kwargs):
    ids = tf.placeholder(tf.int32, [None, 3], name='ids')
    words = tf.nn.embedding_lookup(weights(9, 4), tf.clip_by_value(ids, 0, 8), name='embedding')
    T = mlp(tf.reshape(words, [-1, 12]))
    with DeepExplain(session=session) as de:
        with pytest.raises(TypeError, match="'ids:0' must be a float tensor; it is int32, .*: explain 'embedding:0' i"):
            de.explain(method, T, ids, [[1, 2, 3]], **kwargs)
        values = session.run('embedding:0', {'ids:0': [[1, 2, 3]]})
        assert de.explain(method, T, 'embedding:0', values, **kwargs).shape == (1, 3, 4)


@gradient_methods
def test_nothing_behind_it_has_a_gradient(session, method, kwargs):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    T = tf.cast(tf.argmax(X, 1), tf.float32)
    with pytest.raises(ValueError, match='no tensor behind it has a gradient either; use occlusion or shapley'):
        explain(session, method, lambda X: T, normal(5, 4), X, **kwargs)


def test_a_refused_path_adds_no_op(session):
    X = tf.placeholder(tf.float32, [None, 4])
    T = mlp(tf.stop_gradient(X))
    with DeepExplain(session=session) as de:
        before = session.graph.version
        for method, _ in GRADIENT:
            with pytest.raises(ValueError, match='pass no gradient'):
                de.explain(method, T, X, normal(2, 4))
    assert session.graph.version == before


@perturbation_methods
def test_perturbation_needs_no_gradient(session, method, kwargs):
    found = explain(session, method, lambda X: tf.cast(tf.cast(X, tf.int32), tf.float64), [[3, -2, 0, 1]], **kwargs)
    np.testing.assert_allclose(found, [[3, -2, 0, 1]])


@perturbation_methods
def test_perturbation_of_token_ids(session, method, kwargs):
    # Id 0 stands for "no token". Attributions of integers are float32.
    X = tf.placeholder(tf.int32, [None, 3], name='ids')
    table = normal(9, 2)
    table[0] = 0
    ids = [[1, 5, 0], [2, 2, 8]]
    found = explain(session, method, lambda X: tf.gather(tf.constant(table), X), ids, X, **kwargs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, table[np.array(ids)].sum(axis=-1), rtol=1e-6)
    with pytest.raises(TypeError, match="xs must hold integers, as 'ids:0' does; its dtype is float64"):
        explain(session, method, lambda X: tf.gather(tf.constant(table), X), [[1.5, 2, 3]], X, **kwargs)


@pytest.mark.skipif(not tf.VERSION.startswith('1.'), reason='the loops of TensorFlow 2 have no ops in the outer graph')
def test_tensors_inside_loops_are_refused(session):
    X, inside = tf.placeholder(tf.float32, [None, 4]), []
    T = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, inside.append(tf.tanh(y)) or inside[0]), [0, X])[1]
    with pytest.raises(ValueError, match="X 'while/Tanh:0' is inside a while loop or cond and cannot be fed"):
        explain(session, 'saliency', lambda X: T, normal(3, 4), inside[0])
    with pytest.raises(ValueError, match="T 'while/Tanh:0' is inside a while loop or cond and cannot be read"):
        explain(session, 'saliency', lambda X: inside[0], normal(3, 4), X)


@every_method
def test_X_itself_may_be_T(session, method, kwargs):
    found = explain(session, method, tf.identity, normal(3, 4), **kwargs)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        np.testing.assert_allclose(de.explain(method, X, X, normal(3, 4), **kwargs), found)


def test_lookups_in_X_have_dense_attributions(session):
    # The gradient of a gather is sparse in TensorFlow.
    found = explain(
        session, 'grad*input', lambda X: tf.gather(X, [0, 1, 1]), [[1, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9]]
    )
    np.testing.assert_allclose(found, [[1, 2, 3, 4], [10, 12, 14, 16], [0, 0, 0, 0]])


# writing a method


def test_a_methods_arguments_may_be_positional(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        found = methods.IntegratedGradients(T, X, session, None, 5, normal(4)).run(normal(3, 4))
        np.testing.assert_array_equal(found, de.explain('intgrad', T, X, normal(3, 4), steps=5, baseline=normal(4)))
        with pytest.raises(TypeError, match="'elrp' does not know 2 positional arguments; it takes epsilon"):
            methods.EpsilonLRP(T, X, session, None, 0.1, 3)


@pytest.mark.parametrize('base', [methods.EpsilonLRP, methods.DeepLIFTRescale])
def test_a_rule_with_another_formula(session, base):
    class Multipliers(base):
        """What the rule gives before it is multiplied by the input."""

        def get_symbolic_attribution(self):
            return tf.gradients(self.T, [self.X])

    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session):
        T = mlp(X)
        found, whole = (cls(T, X, session).run(normal(3, 4)) for cls in (Multipliers, base))
    np.testing.assert_allclose(found * normal(3, 4), whole)


def test_explain_heeds_arguments_that_are_in_the_graph(session, monkeypatch):
    class Power(methods.GradientXInput):
        """A subclass of a method whose own arguments are fed."""

        def configure(self, power=1):
            self.power = power

        def get_symbolic_attribution(self):
            return [a**self.power for a in super().get_symbolic_attribution()]

    monkeypatch.setitem(attribution_methods, 'power', (Power, 8))
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        one, two = (de.explain('power', T, X, normal(3, 4), power=p) for p in (1, 2))
    np.testing.assert_allclose(two, one**2)


def test_a_method_is_one_registered_class(session):
    @register('signed root')
    class SignedRoot(GradientBasedMethod):
        """A rule and a formula of one's own."""

        def configure(self, power=1.0):
            self.power = power

        def nonlinearity_grad_override(self, op, grad):
            return 10 * grad

        def get_symbolic_attribution(self):
            return [self.power * gradient for gradient in tf.gradients(self.T, [self.X])]

    try:
        found = explain(session, 'signed root', lambda X: tf.nn.relu(X), [[1, -1, 0, 2]], power=2.0)
        np.testing.assert_allclose(found, [[20, 20, 20, 20]])
    finally:
        attribution_methods.pop('signed root')


@gradient_methods
def test_an_input_that_another_one_stands_before_is_refused(session, method, kwargs):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    middle = tf.identity(2 * X, name='middle')
    with DeepExplain(session=session) as de, pytest.raises(
        ValueError, match="'X:0' reaches T .* only through another X"
    ):
        de.explain(method, mlp(middle), [X, middle], [normal(2, 4)] * 2, **kwargs)
