"""Windows and features of a sample, without a graph."""

import numpy as np
import pytest

from deepexplain.tensorflow.runtime.parts import Features, Orders, Windows


def test_windows_hold_and_clear_what_they_cover():
    windows = Windows((3, 4), (2, 2), (1, 2))
    assert windows.changes == 1 + 4
    flags = np.zeros((2, 3, 4), bool)
    flags[0, 1, 1] = flags[1, 2, 3] = True
    np.testing.assert_array_equal(windows.any_in(flags), [[1, 0, 1, 0], [0, 0, 0, 1]])
    copies = np.ones((3, 3, 4))
    windows.clear(copies, np.array([-1, 0, 3]))
    np.testing.assert_array_equal(copies[0], 1)
    np.testing.assert_array_equal(copies[1], [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    np.testing.assert_array_equal(copies[2], [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]])


@pytest.mark.parametrize(('shape', 'window', 'step'), [((5,), (1,), (2,)), ((), (1,), (1,)), ((2, 3), (1, 1), (1, 1))])
def test_windows_of_one_value_are_as_those_of_more(shape, window, step):
    windows = Windows(shape, window, step)
    flags = np.random.RandomState(0).rand(4, *shape) < 0.5
    quick = windows.any_in(flags)
    axes = flags.reshape((4,) + (shape or (1,)))
    slow = axes[(slice(None),) + tuple(slice(None, None, s) for s in step)].reshape(4, -1)
    np.testing.assert_array_equal(quick, slow)


def test_the_mean_over_windows_shares_losses_and_leaves_nan():
    means = Windows((5,), (2,), (2,)).mean(np.array([[[4.0, 40.0], [6.0, 60.0]]]))
    np.testing.assert_array_equal(means[0, :, 0], [2, 2, 3, 3, np.nan])
    np.testing.assert_array_equal(means[0, :, 1], [20, 20, 30, 30, np.nan])


@pytest.mark.parametrize('axes', [[0], [1], [2], [0, 2], [2, 0], [2, 0, 1], [1, 2, 0]])
def test_features_are_the_positions_along_their_axes(axes):
    features = Features((2, 3, 4), axes)
    assert features.shape == tuple((2, 3, 4)[axis] for axis in axes)
    for number in range(features.count):
        where = dict(zip(axes, np.unravel_index(number, features.shape)))
        expected = np.zeros((1, 2, 3, 4), bool)
        expected[(0,) + tuple(where.get(axis, slice(None)) for axis in range(3))] = True
        one = np.arange(features.count)[None] == number
        np.testing.assert_array_equal(np.broadcast_to(features.mask(one), expected.shape), expected)
        np.testing.assert_array_equal(features.any_of(expected), one)


def test_ranks_say_how_many_features_go_before():
    orders = Orders(Features((3,), [0]), [np.array([2, 0, 1]), np.array([0, 1, 2])])
    np.testing.assert_array_equal(orders.ranks, [[1, 2, 0], [0, 1, 2]])
    assert orders.changes == 2 * 4
