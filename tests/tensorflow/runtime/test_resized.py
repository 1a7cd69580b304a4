"""Resizing of maps, against loops and TensorFlow's own."""

import numpy as np
import pytest
import tensorflow.compat.v2 as tf2
from small import normal

from deepexplain.tensorflow.runtime.resized import resized


def by_hand(row, size, how):
    if how == 'nearest':
        return [row[int(np.floor(i * len(row) / size))] for i in range(size)]
    found = []
    for i in range(size):
        place = min(max((i + 0.5) * len(row) / size - 0.5, 0), len(row) - 1)
        before = int(place)
        after = min(before + 1, len(row) - 1)
        found.append(row[before] * (1 - (place - before)) + row[after] * (place - before))
    return found


@pytest.mark.parametrize('how', ['bilinear', 'nearest'])
@pytest.mark.parametrize(('old', 'new'), [(3, 7), (4, 8), (7, 3), (1, 5), (5, 1), (6, 6)])
def test_one_axis_against_the_formula(how, old, new):
    rows = normal(2, old, 3)
    expected = [[by_hand(row[:, c], new, how) for c in range(3)] for row in rows]
    np.testing.assert_allclose(resized(rows, [new], how), np.transpose(expected, [0, 2, 1]), atol=1e-12)


@pytest.mark.parametrize(('old', 'new'), [((3, 5), (7, 6)), ((4, 4), (8, 2)), ((7, 3), (14, 9))])
def test_two_axes_against_tensorflow(session, old, new):
    images = normal(2, *old, 3).astype(np.float32)
    expected = session.run(tf2.image.resize(images, new, 'bilinear'))
    np.testing.assert_allclose(resized(images, new, 'bilinear'), expected, atol=1e-5)


def test_axes_may_begin_later_and_the_dtype_is_kept():
    values = normal(2, 3, 4, 5, 1).astype(np.float16)
    found = resized(values, (8, 6), 'bilinear', first=2)
    assert (found.shape, found.dtype) == ((2, 3, 8, 6, 1), np.float16)
    assert resized(values, (8, 6), None) is values
