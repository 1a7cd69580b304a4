"""Arguments that depend on X, checked; what is common to all arguments is in test_arguments.py."""

import numpy as np
import pytest

from deepexplain.errors import ArgumentError, ArgumentTypeError, AssertedArgumentError
from deepexplain.tensorflow.runtime.arguments import as_axes, as_sizes


@pytest.mark.parametrize(
    ('value', 'expected'),
    [(2, 2), (np.array(2), 2), ([1, 2], (1, 2)), (np.array([1, 2]), (1, 2)), (range(1, 3), (1, 2))],
    ids=repr,
)
def test_sizes(value, expected):
    found = as_sizes(value, 'step', 3)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ('value', 'error', 'message'),
    [
        (0, AssertedArgumentError, 'step must be at least 1; got 0'),
        ([1, 0], AssertedArgumentError, 'step must be at least 1; got 0'),
        ([1], AssertedArgumentError, r'step must have one entry for each axis of one sample \(2\); got \(1,\)'),
        ([[1], [1, 2]], ArgumentTypeError, r'step must be an integer; got \[1\]'),
        (np.ones((2, 2), int), ArgumentTypeError, r'step must be an integer; got array\(\[1, 1\]\)'),
        ('12', ArgumentTypeError, "step must be an integer; got '12'"),
        ({1, 2}, ArgumentTypeError, r'step must be an integer; got \{1, 2\}'),
        (None, ArgumentTypeError, 'step must be an integer; got None'),
    ],
    ids=repr,
)
def test_what_is_no_size(value, error, message):
    with pytest.raises(error, match=message):
        as_sizes(value, 'step', 3)


def test_axes():
    assert as_axes(np.array([2, 1]), 'dims', 3) == [2, 1]
    assert as_axes(range(1, 9), 'dims', None) == list(range(1, 9))


@pytest.mark.parametrize(
    ('value', 'error', 'message'),
    [
        (np.array(1), ArgumentTypeError, r'dims must be a list of axes of X; got array\(1\)'),
        ([], ArgumentTypeError, r'dims must be a list of axes of X; got \[\]'),
        ('12', ArgumentTypeError, "dims must be a list of axes of X; got '12'"),
        ([[1], [1, 2]], ArgumentTypeError, r'Each of dims must be an integer; got \[1\]'),
        ([0, 1], ArgumentError, r'remove 0 from dims; got \[0, 1\]'),
        ([3], ArgumentError, r'axes go from 1 to 2; got \[3\]'),
        ([10**5000], ArgumentError, 'axes go from 1 to 2; got a value of type list|axes go from 1 to 2; got .10+'),
        ([1, 1], ArgumentError, r'dims holds an axis twice: \[1, 1\]'),
    ],
    ids=lambda value: type(value).__name__,  # a long int has no repr
)
def test_what_are_no_axes(value, error, message):
    with pytest.raises(error, match=message):
        as_axes(value, 'dims', 3)
