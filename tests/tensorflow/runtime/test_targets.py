"""Which output is explained, as weights: every form of a target against plain indexing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow.runtime.targets import one_hot_of


def selected(target, T, class_names=None):
    """What is left of T, shape (samples, ...), with the weights of a target."""
    weights, per_row = one_hot_of(target, len(T), T.shape[1:], T.dtype, class_names, lambda: T.reshape(len(T), -1))
    assert weights.dtype == T.dtype
    assert weights.shape == (T.shape if per_row else T.shape[1:])
    assert set(np.unique(weights)) <= {0, 1}
    return (np.broadcast_to(weights, T.shape) * T).reshape(len(T), -1).sum(axis=1)


@given(st.data())
def test_every_form_selects_what_indexing_does(data):
    n = data.draw(st.integers(1, 5))
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=0, max_size=3)))
    T = np.random.RandomState(data.draw(st.integers(0, 99))).normal(size=(n,) + shape)
    axes = shape or (1,)
    index = tuple(data.draw(st.integers(0, size - 1)) for size in axes)
    each = [tuple(data.draw(st.integers(0, size - 1)) for size in axes) for _ in range(n)]
    full = T.reshape((n,) + axes)
    np.testing.assert_array_equal(selected(index, T), full[(slice(None), *index)])
    expected = [row[i] for row, i in zip(full, each)]
    for form in (each, np.array(each), np.array(each, np.int8)):
        np.testing.assert_array_equal(selected(list(form) if form is each else form, T), expected)
    np.testing.assert_array_equal(selected('top', T), T.reshape(n, -1).max(axis=1))
    if len(axes) == 1:
        for form in (index[0], np.int64(index[0]), np.array(index[0])):
            np.testing.assert_array_equal(selected(form, T), full[:, index[0]])
        np.testing.assert_array_equal(selected([i for (i,) in each], T), expected)
        names = [f'class {i}' for i in range(axes[0])]
        np.testing.assert_array_equal(selected(f'class {index[0]}', T, names), full[:, index[0]])
        np.testing.assert_array_equal(selected(np.array([f'class {i}' for (i,) in each]), T, names), expected)


def test_a_range_and_a_column_of_labels():
    T = np.arange(9.0).reshape(3, 3)
    assert selected(range(3), T).tolist() == [0, 4, 8]
    assert selected(np.array([[2], [1], [0]]), T).tolist() == [2, 4, 6]


def test_top_takes_the_first_of_equals_and_no_nan():
    T = np.array([[1.0, 1.0], [np.nan, -2.0], [-np.inf, np.inf]])
    weights, _ = one_hot_of('top', 3, (2,), float, None, lambda: T)
    assert weights.tolist() == [[1, 0], [0, 1], [0, 1]]
    with pytest.raises(
        ArgumentError, match="target='top': sample 1 has no largest output, as all of its outputs are n"
    ):
        one_hot_of('top', 2, (2,), float, None, lambda: np.array([[1.0, 0.0], [np.nan, np.nan]]))


def test_a_class_may_be_called_top():
    assert selected('top', np.array([[5.0, 1.0]]), ['bottom', 'top']).tolist() == [1]


FORMS = "target must be an int, one int for each sample, 'top', a tuple"


@pytest.mark.parametrize(
    ('target', 'error', 'message'),
    [
        (3, ArgumentError, r'target must be from 0 to 2, for outputs of shape \(3,\); got 3'),
        (-1, ArgumentError, 'target must be from 0 to 2.*got -1'),
        ([0, 3], ArgumentError, 'target must be from 0 to 2.*got 3'),
        (True, ArgumentTypeError, FORMS),
        (1.0, ArgumentTypeError, FORMS),
        ([0.0, 1.0], ArgumentTypeError, FORMS + '.*got float64 numbers'),
        ([True, False], ArgumentTypeError, FORMS + '.*got bool numbers'),
        (np.eye(3)[:2], ArgumentTypeError, 'One-hot rows are ys'),
        (np.eye(3, dtype=int)[:2], ArgumentError, 'One-hot rows are ys'),
        ([0], ArgumentError, 'target must have one entry for each of the 2 samples of xs; got 1'),
        ((0, 1), ArgumentError, r'shape is \(3,\); got \(0, 1\). \(One for each sample is a list, not a tuple.\)'),
        ('cat', ArgumentError, r"got 'cat', and no class names are known: open_model\(..., class_names="),
        (['cat', 1], ArgumentError, 'no class names are known'),
        ({'a': 1}, ArgumentTypeError, FORMS),
        ([[0], [1, 2]], (ArgumentError, ArgumentTypeError), 'target must'),
        (object(), ArgumentTypeError, FORMS),
    ],
)
def test_what_is_no_target(target, error, message):
    with pytest.raises(error, match=message):
        selected(target, np.zeros((2, 3)))


def test_names_that_do_not_fit():
    with pytest.raises(ArgumentError, match=r"target 'cow' is no class name; the names are \['cat', 'dog'\]"):
        selected('cow', np.zeros((1, 2)), ['cat', 'dog'])
    with pytest.raises(ArgumentError, match="target 'cat' is the name of several classes"):
        selected('cat', np.zeros((1, 2)), ['cat', 'cat'])
    with pytest.raises(ArgumentError, match=r'There are 2 class names, for outputs of shape \(3,\)'):
        selected('cat', np.zeros((1, 3)), ['cat', 'dog'])
    with pytest.raises(ArgumentTypeError, match='got 1 among names'):
        selected(['cat', 1], np.zeros((2, 2)), ['cat', 'dog'])
    with pytest.raises(ArgumentError, match='T is a scalar, so there is no target'):
        one_hot_of(0, 2, None, float, None, lambda: np.zeros((2, 1)))
