"""Box arithmetic against brute force: change values, and see which others change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime.parts import Groups, Windows
from deepexplain.tensorflow.runtime.regions.boxes import (
    Along,
    Box,
    Reach,
    boxed,
    is_inside,
    patch_of,
    places_of,
    reached,
    same,
    same_padding,
    trailing,
    united,
)
from deepexplain.tensorflow.runtime.regions.endings import slots_of
from deepexplain.tensorflow.runtime.regions.placewise import regrouped


def read_by(along, i):
    """The places of its input that one place of an output is computed of."""
    return range(i * along.stride - along.pad, i * along.stride - along.pad + along.kernel)


@settings(max_examples=200)
@given(
    length=st.integers(1, 20),
    kernel=st.integers(1, 6),
    stride=st.integers(1, 5),
    pad=st.integers(-3, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_windows_reach_exactly_what_reads_them_and_patches_hold_all_that_is_read(length, kernel, stride, pad, seed):
    rng = np.random.RandomState(seed)
    size = max(1, (length + 2 * max(pad, 0) - kernel) // stride + 1)
    along = Along(size, 0, kernel, stride, pad)
    low = rng.randint(0, length, 5)
    high = np.minimum(low + rng.randint(1, 5, 5), length)
    found = reached([along], Reach(low[:, None], high[:, None]))
    box = boxed(found, (size,), [1])
    patch = patch_of([along], box, (length,))
    assert box.size[0] <= size
    for window in range(5):
        changed = set(range(low[window], high[window]))
        expected = [i for i in range(size) if changed & set(read_by(along, i))]
        assert list(range(found.low[window, 0], found.high[window, 0])) == expected or not expected
        if not expected and kernel >= stride:
            assert found.low[window, 0] >= found.high[window, 0]
        start = box.start[window, 0]
        assert 0 <= start <= size - box.size[0]
        assert set(expected) <= set(range(start, start + box.size[0]))
        read = [place for i in range(start, start + box.size[0]) for place in read_by(along, i)]
        assert patch.start[window, 0] == min(read)
        assert patch.start[window, 0] + patch.size[0] == max(read) + 1
    assert is_inside(patch) == all(s >= 0 and s + patch.size[0] <= length for s in patch.start[:, 0])


def test_boxes_of_what_is_enlarged_begin_at_multiples():
    along = Along(12, 0, up=3)
    found = reached([along], Reach(np.array([[1], [3]]), np.array([[2], [4]])))
    np.testing.assert_array_equal(found.low, [[3], [9]])
    np.testing.assert_array_equal(found.high, [[6], [12]])
    both = united([found, Reach(np.array([[2], [8]]), np.array([[4], [9]]))])
    box = boxed(both, (12,), [3])
    assert box.size == (6,)
    np.testing.assert_array_equal(box.start, [[0], [6]])
    patch = patch_of([along], box, (4,))
    assert patch.size == (2,)
    np.testing.assert_array_equal(patch.start, [[0], [2]])


@pytest.mark.parametrize('stride', [1, 2, 3])
@pytest.mark.parametrize('kernel', [1, 2, 3, 5])
@pytest.mark.parametrize('length', [1, 4, 7, 8])
def test_same_padding(length, kernel, stride):
    out, before = same_padding(length, kernel, stride)
    total = max(0, (out - 1) * stride + kernel - length)
    assert out == -(-length // stride)
    assert before == total // 2


@settings(max_examples=100)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    cut=st.lists(st.booleans(), min_size=4, max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_are_where_a_reshape_puts_them(shape, cut, seed):
    rng = np.random.RandomState(seed)
    dims = [1] if cut[3] else []
    for length, joins in zip(shape, cut):
        if joins and dims:
            dims[-1] *= length
        elif length == 4 and rng.rand() < 0.5:
            dims += [2, 2]
        else:
            dims.append(length)
    alongs = regrouped(tuple(shape), dims)
    if alongs is None:
        return
    assert [along.size for along in alongs] == dims
    values = np.arange(int(np.prod(shape))).reshape(shape)
    low = np.array([[rng.randint(n) for n in shape]])
    high = np.array([[rng.randint(a + 1, n + 1) for a, n in zip(low[0], shape)]])
    changed = np.zeros(shape, bool)
    changed[tuple(slice(a, b) for a, b in zip(low[0], high[0]))] = True
    found = reached(alongs, Reach(low, high))
    inside = np.zeros(dims, bool)
    inside[tuple(slice(a, b) for a, b in zip(found.low[0], found.high[0]))] = True
    assert not (changed.reshape(dims) & ~inside).any()
    box = boxed(found, tuple(dims), [along.up for along in alongs])
    patch = patch_of(alongs, box, tuple(shape))
    assert is_inside(patch)
    read = values.ravel()[places_of(patch.start, patch.size, tuple(shape))[0]]
    expected = values.reshape(dims).ravel()[places_of(box.start, box.size, tuple(dims))[0]]
    np.testing.assert_array_equal(read, expected)


def test_axes_that_boxes_hold_in_full_lie_side_by_side():
    start = np.zeros((2, 3), int)
    assert trailing(Box(start, (2, 4, 5), (3, 4, 5))) == 2
    assert trailing(Box(start, (2, 4, 5), (3, 4, 5)), Box(start, (3, 3, 5), (3, 4, 5))) == 1
    assert trailing(Box(start, (3, 4, 5), (3, 4, 5))) == 3
    assert trailing(Box(start + [0, 0, 1], (2, 4, 5), (3, 4, 5))) == 0
    assert same(Box(start, (1, 1, 1), (3, 4, 5)), Box(start + 0, (1, 1, 1), (3, 4, 5)))
    assert not same(Box(start, (1, 1, 1), (3, 4, 5)), Box(start + 1, (1, 1, 1), (3, 4, 5)))


@settings(max_examples=50)
@given(rows=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_rows_of_weights_are_multiplied_once_for_all_boxes_that_meet_them(rows, seed):
    rng = np.random.RandomState(seed)
    shape, size, outputs = (5, 6, 3), (2, 3, 3), 4
    starts = np.stack([rng.randint(0, 4, rows), rng.randint(0, 4, rows), np.zeros(rows, int)], axis=1)
    slots, places, back = slots_of(starts, Box(starts, size, shape), 1)
    values, weights = rng.randn(rows, 6, 3), rng.randn(30, 3, outputs)
    padded = np.concatenate([values.reshape(-1, 3), np.zeros((1, 3))])
    of_places = np.matmul(padded[slots], weights[places]).reshape(-1, outputs)
    whole = np.zeros((rows, 30, 3))
    at = places_of(starts, (2, 3), (5, 6))
    whole[np.arange(rows)[:, None], at] = values
    np.testing.assert_allclose(of_places[back].sum(axis=1), np.einsum('rpc,pco->ro', whole, weights), atol=1e-12)


@pytest.mark.parametrize(
    'parts',
    [
        Windows((5, 4, 2), (2, 3, 1), (1, 1, 1)),
        Windows((5, 4, 2), (2, 2, 2), (2, 1, 1)),
        Groups(np.array([[0, 0, 1, 2], [3, 0, 1, 2], [3, 3, 2, 2], [9, 9, 9, 9], [9, 3, 3, 0]])[..., None], (5, 4, 2)),
    ],
    ids=['windows', 'large steps', 'groups'],
)
def test_boxes_around_parts_hold_what_replacing_them_changes(parts):
    rng = np.random.RandomState(0)
    x, values = rng.randn(1, 5, 4, 2), rng.randn(1, 5, 4, 2)
    numbers = np.arange(parts.count)
    copies = np.repeat(x, parts.count, axis=0)
    parts.replace(copies, values, numbers)
    box = boxed(Reach(*parts.bounds()), (5, 4, 2), [1] * 3)
    at = places_of(box.start, box.size, box.shape)
    rows = np.arange(parts.count)[:, None]
    found = np.repeat(x, parts.count, axis=0).reshape(parts.count, -1)
    found[rows, at] = parts.replaced(found[rows, at], values.reshape(1, -1)[0, at], numbers, at)
    np.testing.assert_array_equal(found.reshape(copies.shape), copies)
    low, high = parts.bounds()
    for number in numbers:
        where = np.argwhere(copies[number] != x[0])
        np.testing.assert_array_equal(where.min(axis=0), low[number])
        np.testing.assert_array_equal(where.max(axis=0) + 1, high[number])
