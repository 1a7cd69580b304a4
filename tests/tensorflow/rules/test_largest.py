"""Maxima and choices under rules='complete', against loops over what is gained and lost."""

import itertools

import numpy as np
import op_cases
import oracle_rules as oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from rule_cases import built, contributions, existing, raw, weights_like

from deepexplain.tensorflow.rules import complete


def image_windows(height, width, size, stride):
    """Places of each window of a pool without padding over an image [1, height, width, 1]."""
    return [
        [(row + i) * width + column + j for i in range(size) for j in range(size)]
        for row in range(0, height - size + 1, stride)
        for column in range(0, width - size + 1, stride)
    ]


def tied(shape, seed=0):
    """Small integers, so that the largest of some is often there twice, and often the same at the baseline."""
    rng = np.random.RandomState(seed)
    return rng.randint(0, 4, (2, *shape)).astype(float)


@pytest.mark.parametrize('make', [lambda shape: np.random.RandomState(0).randn(2, *shape), tied])
@pytest.mark.parametrize('size_and_stride', [(2, 2), (3, 1), (3, 2)])
def test_max_pooling_by_loops(make, size_and_stride):
    size, stride = size_and_stride
    x, x0 = make((1, 6, 5, 1))
    windows = image_windows(6, 5, size, stride)
    weights = weights_like(windows)[:, 0]

    def pool(z):
        return tf.nn.max_pool(z, [1, size, size, 1], [1, stride, stride, 1], 'VALID')

    (found,) = contributions(pool, [x], [x0], weights)
    expected = oracle.largest(windows, x, x0, weights)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('make', [lambda shape: np.random.RandomState(0).randn(2, *shape), tied])
@pytest.mark.parametrize('stride', [1, 2])
def test_max_pooling_of_volumes_by_loops(make, stride):
    x, x0 = (z.astype(np.float32) for z in make((1, 4, 5, 4, 1)))
    numbers = np.arange(x.size).reshape(4, 5, 4)
    starts = [range(0, n - 1, stride) for n in numbers.shape]
    windows = [list(numbers[i : i + 2, j : j + 2, k : k + 2].ravel()) for i, j, k in itertools.product(*starts)]
    weights = weights_like(windows)[:, 0]

    def pool(z):
        return raw.MaxPool3D(input=z, ksize=[1, 2, 2, 2, 1], strides=[1, stride, stride, stride, 1], padding='VALID')

    (found,) = contributions(pool, [x], [x0], weights, dtype=tf.float32)
    np.testing.assert_allclose(found.sum(), oracle.largest(windows, x, x0, weights).sum(), rtol=1e-5)
    if make is not tied:
        np.testing.assert_allclose(found.ravel(), oracle.largest(windows, x, x0, weights), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('name', ['Max', 'Min'])
def test_maxima_and_minima_of_rows_by_loops(name):
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    x[0], x[1, 2] = x0[0], x0[1, 2]
    windows = [list(range(6 * i, 6 * i + 6)) for i in range(5)]
    weights = weights_like(np.zeros(5))
    (found,) = contributions(lambda z: built(name, z, [1]), [x], [x0], weights)
    expected = oracle.largest(windows, x, x0, weights, np.argmax if name == 'Max' else np.argmin)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-12)


def test_every_op_of_maxima_is_tested():
    assert set(op_cases.MAXIMA) == {op_type for op_type, (name, _) in complete.RULES.items() if name == 'largest'}


@pytest.mark.parametrize('make', [lambda shape: np.random.RandomState(0).randn(2, *shape), tied])
@pytest.mark.parametrize('op_type', existing(op_cases.MAXIMA))
def test_what_was_gained_and_lost_is_shared(op_type, make):
    build, shape = op_cases.MAXIMA[op_type]
    x, x0 = make(shape)
    with context() as de:
        at_x, at_x0 = (de.session.run(build(tf.constant(z))) for z in (x, x0))
    weights = weights_like(at_x)
    (found,) = contributions(build, [x], [x0], weights)
    tolerance = 1e-9 if at_x.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found.sum(), (weights * (at_x - at_x0)).sum(), rtol=tolerance, atol=tolerance)
    assert (found[x == x0] == 0).all()


@pytest.mark.parametrize('k', [1, 3, 6])
def test_top_k_by_sums_of_subsets(k):
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    x[0] = x0[0]
    weights = weights_like(np.zeros((5, k)))
    (found,) = contributions(lambda z: tf.nn.top_k(z, k).values, [x], [x0], weights)
    np.testing.assert_allclose(found, oracle.top_k(x, x0, weights), rtol=1e-9, atol=1e-12)


def test_the_largest_of_top_k_is_treated_as_a_maximum():
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    first = contributions(lambda z: tf.nn.top_k(z, 4).values[:, :1], [x], [x0])
    as_maximum = contributions(lambda z: tf.nn.top_k(z, 1).values, [x], [x0])
    np.testing.assert_allclose(first, as_maximum, rtol=1e-9)
    np.testing.assert_allclose(first, contributions(lambda z: tf.reduce_max(z, 1), [x], [x0]), rtol=1e-9)


def test_the_sum_of_all_sorted_values_is_their_sum():
    x, x0 = np.random.RandomState(0).randn(2, 5, 6)
    (found,) = contributions(lambda z: tf.sort(z), [x], [x0])
    np.testing.assert_allclose(found, x - x0, rtol=1e-9)


def test_top_k_in_single_precision_of_large_values():
    rng = np.random.RandomState(0)
    x, x0 = (1000 + rng.randn(2, 3, 500)).astype(np.float32)
    (found,) = contributions(lambda z: tf.nn.top_k(z, 400).values[:, -1:], [x], [x0], dtype=tf.float32)
    change = np.sort(x)[:, -400] - np.sort(x0)[:, -400]
    np.testing.assert_allclose(found.sum(axis=1), change, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('op_type', existing(['Select', 'SelectV2']))
def test_choices_by_loops(op_type):
    rng = np.random.RandomState(0)
    (c, a, b), (c0, a0, b0) = rng.randn(2, 3, 4, 5)
    weights = weights_like(a)
    of_c, of_a, of_b = contributions(
        lambda *z: built(op_type, z[0] > 0, *z[1:]) + 0 * z[0], [c, a, b], [c0, a0, b0], weights
    )
    expected = oracle.choice(c > 0, c0 > 0, a, a0, b, b0, weights)
    np.testing.assert_allclose(of_a, expected[0], rtol=1e-9)
    np.testing.assert_allclose(of_b, expected[1], rtol=1e-9)
    np.testing.assert_allclose(of_c, 0)


@pytest.mark.skipif(not op_cases.exists('SelectV2'), reason='new in TensorFlow 2')
@pytest.mark.parametrize('shapes', [[(4, 5), (5,), ()], [(4, 1), (1, 5), (4, 5)], [(), (4, 5), (4, 5)]])
def test_choices_broadcast(shapes):
    rng = np.random.RandomState(0)
    (c, a, b), (c0, a0, b0) = ([np.asarray(rng.randn(*s)) for s in shapes] for _ in range(2))
    weights = weights_like(np.zeros((4, 5)))
    found = contributions(
        lambda *z: raw.SelectV2(condition=z[0] > 0, t=z[1], e=z[2]) + 0 * z[0], [c, a, b], [c0, a0, b0], weights
    )
    wide = [np.broadcast_to(z, (4, 5)) for z in (c > 0, c0 > 0, a, a0, b, b0)]
    for one, other, array in zip(found[1:], oracle.choice(*wide, weights), (a, b)):
        np.testing.assert_allclose(one, oracle.summed_to(array.shape, other), rtol=1e-9)


def test_a_condition_for_each_row():
    rng = np.random.RandomState(0)
    (c, a, b), (c0, a0, b0) = ([rng.randn(*s) for s in ((4,), (4, 5), (4, 5))] for _ in range(2))
    found = contributions(
        lambda *z: raw.Select(condition=z[0] > 0, x=z[1], y=z[2]) + 0 * z[0][:, None], [c, a, b], [c0, a0, b0]
    )
    wide = [np.broadcast_to(z[:, None], (4, 5)) for z in (c > 0, c0 > 0)]
    expected = oracle.choice(*wide, a, a0, b, b0, np.ones((4, 5)))
    np.testing.assert_allclose(found[1:], expected, rtol=1e-9)


def test_a_function_in_pieces():
    x, x0 = np.random.RandomState(0).randn(2, 4, 5)
    (found,) = contributions(lambda z: tf.where(z > 0, tf.sin(z), 2 * z * z), [x], [x0])
    f = [np.where(z > 0, np.sin(z), 2 * z * z) for z in (x, x0)]
    np.testing.assert_allclose(found, f[0] - f[1], rtol=1e-9)
