"""Windows, features and groups of a sample, without a graph."""

import numpy as np
import pytest
from skimage.util import view_as_windows

from deepexplain.tensorflow.runtime.parts import Features, Groups, Windows, as_feature_mask, keep, windows_of


@pytest.mark.parametrize(
    ('shape', 'window', 'step'),
    [((7,), (3,), (2,)), ((4, 5), (4, 5), (1, 1)), ((2, 6, 7), (1, 3, 2), (1, 2, 3)), ((3, 1), (1, 1), (5, 1))],
)
def test_windows_of_an_array(shape, window, step):
    array = np.random.RandomState(0).rand(*shape[::-1]).T  # its strides are not those of a new array
    found = windows_of(array, window, step)
    np.testing.assert_array_equal(found, view_as_windows(array, window, step))
    assert np.shares_memory(found, array)
    with pytest.raises(ValueError, match='read-only'):
        found[...] = 0


def test_windows_hold_and_replace_what_they_cover():
    windows = Windows((3, 4), (2, 2), (1, 2))
    assert windows.count == 4
    flags = np.zeros((2, 3, 4), bool)
    flags[0, 1, 1] = flags[1, 2, 3] = True
    np.testing.assert_array_equal(windows.any_of(flags), [[1, 0, 1, 0], [0, 0, 0, 1]])
    copies = np.ones((3, 3, 4))
    windows.replace(copies, np.zeros((1, 3, 4)), np.array([-1, 0, 3]))
    np.testing.assert_array_equal(copies[0], 1)
    np.testing.assert_array_equal(copies[1], [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    np.testing.assert_array_equal(copies[2], [[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]])
    windows.replace(copies, np.arange(36.0).reshape(3, 3, 4), np.array([1, -1, 0]))  # a row of values for each copy
    np.testing.assert_array_equal(copies[0], [[1, 1, 2, 3], [1, 1, 6, 7], [1, 1, 1, 1]])
    np.testing.assert_array_equal(copies[1], [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    np.testing.assert_array_equal(copies[2], [[24, 25, 1, 1], [28, 29, 0, 0], [1, 1, 0, 0]])


@pytest.mark.parametrize(('shape', 'window', 'step'), [((5,), (1,), (2,)), ((), (1,), (1,)), ((2, 3), (1, 1), (1, 1))])
def test_windows_of_one_value_are_as_those_of_more(shape, window, step):
    windows = Windows(shape, window, step)
    flags = np.random.RandomState(0).rand(4, *shape) < 0.5
    quick = windows.any_of(flags)
    axes = flags.reshape((4,) + (shape or (1,)))
    slow = axes[(slice(None),) + tuple(slice(None, None, s) for s in step)].reshape(4, -1)
    np.testing.assert_array_equal(quick, slow)


def test_the_mean_over_windows_shares_losses_and_leaves_nan():
    means = Windows((5,), (2,), (2,)).spread(np.array([[[4.0, 40.0], [6.0, 60.0]]]))
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


@pytest.mark.parametrize(
    ('shape', 'window', 'step', 'once'),
    [
        ((4, 6), (2, 3), (2, 3), True),
        ((4, 6), (2, 3), (2, 2), False),  # overlap
        ((4, 6), (2, 3), (3, 3), False),  # a gap
        ((4, 7), (2, 3), (2, 3), False),  # an end that no window covers
        ((4, 6), (1, 1), (1, 1), True),
        ((4, 6), (4, 3), (9, 3), True),  # one window along the first axis, whatever the step
        ((4, 6), (4, 6), (1, 1), True),
        ((), (1,), (1,), True),
    ],
)
def test_windows_know_whether_they_cover_each_value_once(shape, window, step, once):
    windows = Windows(shape, window, step)
    assert windows.covers_once is once
    count = np.zeros((1, *shape))
    for number in range(windows.count):
        copies = np.zeros((1, *shape))
        windows.replace(copies, np.ones((1, *shape)), np.array([number]))
        count += copies
    assert once == (count == 1).all()


MASKS = {
    'words': (np.array([5, 5, -1, 7]), (4,)),
    'one for all channels': (np.array([[[0], [1]], [[1], [9]]]), (2, 2, 3)),
    'of lower rank': (np.array([2, 1, 2]), (2, 3)),
    'one number': (np.array(3), (2, 2)),
    'a scalar sample': (np.array(3), ()),
}


@pytest.mark.parametrize('name', MASKS)
def test_groups_are_the_values_with_the_same_number(name):
    mask, shape = MASKS[name]
    groups = Groups(mask, shape)
    full = np.broadcast_to(mask, shape)
    numbers = sorted(set(full.ravel()))
    assert groups.count == len(numbers)
    assert groups.shape == shape
    assert [full.ravel()[i] for i in groups.first()] == numbers
    for i, number in enumerate(numbers):
        of_group = (full == number)[None]
        one = np.arange(groups.count)[None] == i
        np.testing.assert_array_equal(np.broadcast_to(groups.mask(one), of_group.shape), of_group)
        np.testing.assert_array_equal(groups.any_of(of_group), one)
        np.testing.assert_array_equal(groups.spread(one[..., None] * [1.0, 2.0])[..., 1], 2 * of_group)
        copies, values = np.ones((3, *shape)), np.random.RandomState(0).randn(3, *shape)
        groups.replace(copies, values, np.array([i, -1, i]))
        np.testing.assert_array_equal(copies[[0, 2]], np.where(of_group, values[[0, 2]], 1))
        np.testing.assert_array_equal(copies[1], 1)
    one_value = np.zeros((2, *shape), bool)
    one_value.reshape(2, -1)[1, 0] = True
    np.testing.assert_array_equal(
        groups.any_of(one_value), [[False] * groups.count, [n == full.ravel()[0] for n in numbers]]
    )


def test_no_feature_mask_is_none():
    assert as_feature_mask(None, (None, 3), {'step': 1}) is None


def test_a_feature_mask_is_copied():
    mask = np.array([1, 2, 2])
    kept = as_feature_mask(mask, (None, None), {'step': None})
    mask[:] = 0
    np.testing.assert_array_equal(kept, [1, 2, 2])


@pytest.mark.parametrize('shape', [(None, 4, 4, 3), (None, None, 4, 3), None])
@pytest.mark.parametrize('wrong', [(4,), (3, 3), (1, 4, 4, 3), (4, 4, 2), (0,)])
def test_a_feature_mask_of_another_shape_is_refused(shape, wrong):
    message = r'feature_mask must have the shape of one sample, .*, or one that broadcasts to it .*; got \('
    with pytest.raises(ValueError, match=message) as caught:
        Groups(as_feature_mask(np.zeros(wrong, int), shape, {}), (4, 4, 3))
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize(
    ('mask', 'message'),
    [
        ([0.0, 1.0], 'feature_mask must be an array of integers; its dtype is float64'),
        (['a', 'b'], 'feature_mask must hold real numbers; its dtype is <U1'),
        ([1j, 2], 'feature_mask must hold real numbers; its dtype is complex128'),
        ({'a': 1}, 'feature_mask must hold real numbers; its dtype is object'),
    ],
)
def test_a_feature_mask_holds_integers(mask, message):
    with pytest.raises(TypeError, match=message):
        as_feature_mask(mask, (None, 2), {})


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'int32', 'uint8', 'int64'])
def test_keep_is_exact(dtype):
    random = np.random.RandomState(0)
    x, values = ((100 * random.rand(5, 3, 4)).astype(dtype) for _ in range(2))
    stays = random.rand(5, 3, 1) < 0.5
    for of in (values, values[:1], 0 * values[:1]):
        copies = x.copy()
        keep(copies, stays, of)
        assert copies.dtype == dtype
        np.testing.assert_array_equal(copies, np.where(stays, x, of))


def test_keep_leaves_no_minus_zero():
    copies = np.array([[-1.0, -0.0, 2.0]])
    keep(copies, np.array([[False, True, True]]), np.zeros((1, 3)))
    assert not np.signbit(copies).any()
    np.testing.assert_array_equal(copies, [[0, 0, 2]])
