"""How a call is cut into session runs, and what the network allows of it."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import (
    ARGUMENTS,
    NAMES,
    PERTURBATION,
    Recorder,
    dense,
    every_method,
    every_method_but_zero,
    explain,
    gradient_methods,
    mlp,
    normal,
    perturbation_methods,
)

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.runtime import memory


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
@pytest.mark.parametrize(('shape', 'n'), [([None, 4], 5), ([None, 4], 12), ([6, 4], 1), ([6, 4], 5), ([6, 4], 12)])
def test_a_mask_for_another_number_of_samples_is_refused(session, method, kwargs, shape, n):
    mask = np.eye(3)[[0, 1, 2, 1, 0, 0]]
    with pytest.raises(ValueError, match=f'fixed batch dimension of 6 .*rows cannot be told apart for {n} samples'):
        explain(session, method, lambda X: mlp(X) * mask, normal(n, 4), tf.placeholder(tf.float64, shape), **kwargs)


@every_method
def test_all_of_T_belongs_to_a_single_sample(session, method, kwargs):
    # As 0.3 has it: a weight that is broadcast over the batch, a row, one number.
    mask, X = normal(6, 3, seed=7), tf.placeholder(tf.float64, [None, 4])
    for build, ys in [
        (lambda X: mlp(X) * mask, mask.sum(axis=0)),
        (lambda X: mlp(X)[0], np.ones(3)),
        (lambda X: mlp(X)[0, 1], np.eye(3)[1]),
        (lambda X: tf.reshape(mlp(X), [3, 1]), np.ones(3)),
    ]:
        found = explain(session, method, build, normal(1, 4), X, **kwargs)
        expected = explain(session, method, mlp, normal(1, 4), X, ys=ys, **kwargs)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


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
        explain(session, method, lambda X: tf.reshape(mlp(X), [-1, 2]), normal(4, 4), batch_size=4, **kwargs)
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
    # The graph says that samples mix: no row is made up, but for that of the baseline, where T must be finite.
    assert set(recorder.rows) - {1} == {8}
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


@pytest.mark.parametrize('method', ['grad*input', 'occlusion'])
def test_networks_with_a_limited_domain_are_not_taken_to_mix(session, method):
    arguments = {'baseline': 1.0} if method == 'occlusion' else {}
    explain(session, method, lambda X: tf.log(X) + tf.sqrt(X), 1 + np.abs(normal(5, 4)), batch_size=2, **arguments)


# where a network does not let its samples be cut into parts


@pytest.fixture
def ten_rows(monkeypatch):
    """Ten rows of four values are what fits."""
    monkeypatch.setattr(memory, 'MOST_BYTES_BACKWARD', 10 * 4 * 8)


@pytest.mark.parametrize('lag', [1, 2, 5, 10, 12])
def test_samples_that_meet_at_a_distance_stay_together(session, ten_rows, lag):
    X = tf.placeholder(tf.float64, [None, 4])
    T = tf.tanh(X * tf.roll(X, lag, 0))
    xs = normal(30, 4)
    with DeepExplain(session=session) as de:
        found = de.explain('grad*input', T, X, xs)
    np.testing.assert_allclose(found, xs * session.run(tf.gradients(T, X)[0], {X: xs}), rtol=1e-9)


def test_samples_stay_beside_what_is_fed_for_all_of_them(session, ten_rows):
    X, P = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [30, 4])
    T = tf.tanh(X) * tf.slice(P, [0, 0], tf.shape(X))
    xs, p = normal(30, 4), normal(30, 4, seed=1)
    with DeepExplain(session=session) as de:
        found = de.explain('saliency', T, X, xs, feed_dict={P: p})
    np.testing.assert_allclose(found, np.abs(p * (1 - np.tanh(xs) ** 2)), rtol=1e-9)


@pytest.mark.parametrize('method', NAMES[1:6])
def test_networks_that_take_no_two_rows_get_all_at_once(session, ten_rows, method):
    X, A = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, None])
    T = tf.matmul(A, mlp(X))  # a graph network: the samples are nodes
    with DeepExplain(session=session) as de:
        found = de.explain(method, T, X, normal(30, 4), feed_dict={A: np.eye(30)}, **ARGUMENTS[method])
        expected = de.explain(method, mlp(X), X, normal(30, 4), **ARGUMENTS[method])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    triplets = tf.reduce_sum(tf.reshape(X, [-1, 3, 4]), axis=1)
    with DeepExplain(session=session) as de:
        assert de.explain(method, triplets, X, normal(30, 4), **ARGUMENTS[method]).shape == (30, 4)
