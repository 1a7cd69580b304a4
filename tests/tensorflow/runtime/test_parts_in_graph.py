"""The parts of samples, and maps of another size, in a graph: next to their twins in NumPy."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime import parts_in_graph
from deepexplain.tensorflow.runtime.parts import Features, Groups, Windows
from deepexplain.tensorflow.runtime.resized import resized
from deepexplain.tensorflow.runtime.resized_in_graph import resized_in_graph


def evaluated(function, *arrays):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(array) for array in arrays]))


@st.composite
def windows(draw):
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=0, max_size=3)))
    axes = shape or (1,)
    window = tuple(draw(st.integers(1, d)) for d in axes)
    return Windows(shape, window, tuple(draw(st.integers(1, d)) for d in axes))


@st.composite
def features(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    if draw(st.booleans()):
        mask = np.array(draw(st.lists(st.integers(-2, 3), min_size=shape[-1], max_size=shape[-1])))
        return Groups(mask, tuple(shape)), tuple(shape)
    axes = draw(st.permutations(range(len(shape))))[: draw(st.integers(1, len(shape)))]
    return Features(tuple(shape), axes), tuple(shape)


@settings(max_examples=25)
@given(windows(), st.integers(0, 3))
def test_windows_hold_flags_replace_and_spread_as_in_numpy(parts, seed):
    random = np.random.RandomState(seed)
    flags = random.uniform(size=(3, *parts.shape)) < 0.3
    np.testing.assert_array_equal(evaluated(lambda f: parts_in_graph.any_of(parts, f), flags), parts.any_of(flags))
    losses = random.standard_normal((3, parts.count, 1))
    losses[0, 0] = np.nan
    spread = evaluated(lambda z: parts_in_graph.spread(parts, z), losses[..., 0])
    np.testing.assert_allclose(spread, parts.spread(losses)[..., 0], rtol=1e-12, equal_nan=True)
    removed = random.randint(-1, parts.count, size=6)
    copies = random.standard_normal((6, *parts.shape))
    stays = evaluated(lambda c, r: parts_in_graph.stays(parts, c, r), copies, removed)
    expected = copies.copy()
    parts.replace(expected, np.zeros((1, *parts.shape)), removed)
    np.testing.assert_array_equal(np.where(stays, copies, 0), expected)


@settings(max_examples=25)
@given(features(), st.integers(0, 3))
def test_features_and_groups_hold_flags_and_mask_and_spread_as_in_numpy(both, seed):
    parts, shape = both
    random = np.random.RandomState(seed)
    flags = random.uniform(size=(3, *shape)) < 0.3
    np.testing.assert_array_equal(evaluated(lambda f: parts_in_graph.any_of(parts, f), flags), parts.any_of(flags))
    gone = random.uniform(size=(5, parts.count)) < 0.5
    mask = evaluated(lambda g: parts_in_graph.mask(parts, g), gone)
    np.testing.assert_array_equal(np.broadcast_to(mask, (5, *shape)), np.broadcast_to(parts.mask(gone), (5, *shape)))
    values = random.standard_normal((3, parts.count))
    spread = evaluated(lambda z: parts_in_graph.spread(parts, z), values)
    np.testing.assert_array_equal(spread, parts.spread(values[..., None])[..., 0])


def test_a_group_goes_as_in_numpy():
    parts = Groups(np.array([4, 4, 7, 9]), (2, 4))
    copies, removed = np.arange(1.0, 25).reshape(3, 2, 4), np.array([2, -1, 0])
    stays = evaluated(lambda c, r: parts_in_graph.stays(parts, c, r), copies, removed)
    expected = copies.copy()
    parts.replace(expected, np.zeros((1, 2, 4)), removed)
    np.testing.assert_array_equal(np.where(stays, copies, 0), expected)


@pytest.mark.parametrize('how', ['bilinear', 'nearest'])
@pytest.mark.parametrize('sizes', [(5,), (7, 3), (2, 2, 6)])
def test_maps_are_resized_as_in_numpy(how, sizes):
    maps = np.random.RandomState(0).standard_normal((2, 3, 4, 5, 1)[: len(sizes) + 1] + (1,)).astype(np.float32)
    found = evaluated(lambda z: resized_in_graph(z, sizes, how), maps)
    np.testing.assert_allclose(found, resized(maps, sizes, how), rtol=1e-6, atol=1e-7)
