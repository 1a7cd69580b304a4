"""Checks of arrays, in NumPy alone; what run() does with them is in engine/test_request.py."""

import numpy as np
import pytest

from deepexplain.tensorflow.runtime import samples

SPEC = samples.InputSpec('X:0', np.float32, (None, 2, 3))


def test_arrays_pass_untouched():
    xs = np.zeros((4, 2, 3), 'float64')
    assert samples.as_inputs(xs, [SPEC], False)[0] is xs


def test_ragged_lists_are_refused():
    with pytest.raises((ValueError, TypeError), match='xs must be one array, but its parts differ|its dtype is object'):
        samples.as_inputs([[1.0], [1.0, 2.0]], [SPEC], False)


def test_the_first_nan_is_found_behind_the_first_piece(monkeypatch):
    monkeypatch.setattr(samples, '_SCAN_BYTES', 1)  # one row at a time
    xs = np.zeros((4, 2, 3))
    xs[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r'the first is at index \(2, 1, 0\)'):
        samples.check_finite(xs, 'xs', np.float32)


def test_integers_too_large_for_half_precision_are_found():
    with pytest.raises(ValueError, match='infinite values .as float16'):
        samples.check_finite(np.array([70000]), 'xs', np.float16)
    samples.check_finite(np.array([70000]), 'xs', np.float32)


def test_weights_know_whether_they_have_a_row_a_sample():
    assert samples.as_weights(np.ones((4, 5)), 4, (5,), np.float32)[1] is True
    assert samples.as_weights(np.ones(5), 4, (5,), np.float32)[1] is False
    # As many samples as outputs: the number of axes tells which is meant.
    assert samples.as_weights(np.ones((5, 5)), 5, (5,), np.float32)[1] is True
    assert samples.as_weights(np.ones(5), 5, (5,), np.float32)[1] is False
    assert samples.as_weights(2, 4, None, np.float32)[1] is False
