"""Baselines of samples, in NumPy alone; what the methods do with them is in methods/."""

import numpy as np
import pytest

from deepexplain.tensorflow.runtime.baselines import given, resolve
from deepexplain.tensorflow.runtime.samples import InputSpec

SPEC = InputSpec('X:0', np.float32, (None, 2, 3))
XS = np.arange(24, dtype=np.float64).reshape(4, 2, 3)
SAMPLE = np.arange(6, dtype=np.float64).reshape(2, 3)

GOOD = {
    'none': (None, np.zeros((1, 2, 3))),
    'number': (2, np.full((1, 2, 3), 2)),
    'numpy number': (np.float64(0.5), np.full((1, 2, 3), 0.5)),
    'array without axes': (np.array(2.5), np.full((1, 2, 3), 2.5)),
    'one sample': (SAMPLE, SAMPLE[None]),
    'list': (SAMPLE.tolist(), SAMPLE[None]),
    'integers': (SAMPLE.astype(int), SAMPLE[None]),
    'a row for each sample': (XS + 1, XS + 1),
    'lists of rows': ((XS + 1).tolist(), XS + 1),
}


def both_ways(baseline, xs, specs, multiple):
    """What resolve returns of a baseline as it is, and as given() passes it on."""
    once = resolve(baseline, xs, specs, multiple)
    again = resolve(given(baseline, specs, multiple), xs, specs, multiple)
    for a, b in zip(once, again):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    return once


@pytest.mark.parametrize('shape', [(None, 2, 3), (4, 2, 3), (None, None, 3), (None, None, None), None])
@pytest.mark.parametrize('name', GOOD)
def test_a_baseline_is_a_number_a_sample_or_a_row_for_each(name, shape):
    baseline, expected = GOOD[name]
    (found,) = both_ways(baseline, XS, [SPEC._replace(shape=shape)], False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('name', sorted(set(GOOD) - {'none'}))
def test_a_function_of_xs_returns_any_of_these(name):
    baseline, expected = GOOD[name]
    calls = []

    def function(xs):
        calls.append(xs)
        return baseline

    (found,) = resolve(given(function, [SPEC], False), XS, [SPEC], False)
    np.testing.assert_array_equal(found, expected)
    assert len(calls) == 1
    np.testing.assert_array_equal(calls[0], XS)
    with pytest.raises(ValueError, match='read-only'):
        calls[0][0] = 1
    assert XS.flags.writeable


def test_a_function_computes_with_xs():
    (found,) = resolve(lambda xs: xs.mean(axis=0), XS, [SPEC], False)
    np.testing.assert_array_equal(found, XS.mean(axis=0)[None])
    (found,) = resolve(lambda xs: xs[::-1], XS, [SPEC], False)
    np.testing.assert_array_equal(found, XS[::-1])


@pytest.mark.parametrize('shape', [(None,), None])
def test_where_a_sample_is_one_number_an_array_has_one_for_each(shape):
    spec = InputSpec('X:0', np.float64, shape)
    np.testing.assert_array_equal(both_ways(2, np.ones(3), [spec], False)[0], [2])
    np.testing.assert_array_equal(both_ways([1, 2, 3], np.ones(3), [spec], False)[0], [1, 2, 3])
    with pytest.raises(ValueError, match=r'\(\), nor that of one row for each sample, \(3,\)'):
        resolve([1, 2], np.ones(3), [spec], False)


def test_as_many_samples_as_axes_are_told_apart_by_rank():
    xs, spec = np.ones((3, 3)), InputSpec('X:0', np.float64, (None, 3))
    assert both_ways([1, 2, 3], xs, [spec], False)[0].shape == (1, 3)
    assert both_ways(np.eye(3), xs, [spec], False)[0].shape == (3, 3)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'int32', 'int64', 'uint8'])
def test_a_baseline_has_the_dtype_of_its_input(dtype):
    spec = InputSpec('X:0', np.dtype(dtype).type, (None, 2))
    xs = np.ones((3, 2), dtype)
    for baseline in (None, 2, [1, 2], np.ones((3, 2), int), np.array([True, False])):
        (found,) = both_ways(baseline, xs, [spec], False)
        assert found.dtype == dtype


@pytest.mark.parametrize(
    ('baseline', 'error', 'message'),
    [
        (np.ones(3), ValueError, r"Baseline shape \(3,\) does not match the shape of one sample of 'X:0', \(2, 3\)"),
        (np.ones((3, 2)), ValueError, r'Baseline shape \(3, 2\) .*, nor that of one row for each sample, \('),
        (np.ones((1, 1, 2, 3)), ValueError, r'Baseline shape \(1, 1, 2, 3\) does not match'),
        ([], ValueError, r'Baseline shape \(0,\) does not match'),
        (np.nan, ValueError, r'baseline holds nan or infinite values \(as float32\)'),
        (np.where(SAMPLE == 3, np.inf, SAMPLE), ValueError, 'baseline holds nan or infinite values'),
        (1e300, ValueError, r'baseline holds nan or infinite values \(as float32\)'),
        (1j, TypeError, 'baseline must hold real numbers; its dtype is complex128'),
        ('a', TypeError, 'baseline must hold real numbers; its dtype is <U1'),
        ({'a': 1}, TypeError, 'baseline must hold real numbers; its dtype is object'),
        (np.ma.masked_equal(SAMPLE, 3), ValueError, 'baseline has masked values'),
    ],
)
def test_what_is_no_baseline_is_refused(baseline, error, message):
    for check in (
        lambda: given(baseline, [SPEC], False),
        lambda: resolve(baseline, XS, [SPEC], False),
        lambda: resolve(lambda xs: baseline, XS, [SPEC], False),
    ):
        with pytest.raises(error, match=message) as caught:
            check()
        assert isinstance(caught.value, RuntimeError)


def test_the_number_of_rows_is_checked_with_xs():
    baseline = given(np.ones((3, 2, 3)), [SPEC], False)
    message = r"Baseline shape \(3, 2, 3\) does not match .* 'X:0', \(2, 3\), nor .*, \(4, 2, 3\)"
    with pytest.raises(ValueError, match=message):
        resolve(baseline, XS, [SPEC], False)


def test_open_dimensions_are_checked_with_xs():
    spec = SPEC._replace(shape=(None, None, 3))
    with pytest.raises(ValueError, match=r"'X:0', \(None, 3\), nor that of one row for each sample, \(None, None, 3\)"):
        given(np.ones((2, 4)), [spec], False)
    baseline = given(np.ones((5, 3)), [spec], False)
    with pytest.raises(ValueError, match=r"Baseline shape \(5, 3\) does not match .* 'X:0', \(2, 3\), nor"):
        resolve(baseline, XS, [spec], False)


def test_ids_take_integers_that_fit():
    spec, xs = InputSpec('ids:0', np.int32, (None, 3)), np.ones((2, 3), np.int32)
    for wrong in (1.0, [0.5, 1, 2]):
        with pytest.raises(TypeError, match="baseline must hold integers, as 'ids:0' does; its dtype is float64"):
            given(wrong, [spec], False)
    with pytest.raises(ValueError, match=r'baseline holds numbers that do not fit \(as int32\)'):
        given(2**31, [spec], False)
    with pytest.raises(ValueError, match=r'baseline holds numbers that do not fit \(as uint8\)'):
        given([0, -1, 0], [spec._replace(dtype=np.uint8)], False)
    with pytest.raises(TypeError, match='baseline must hold integers'):
        resolve(lambda xs: xs.mean(axis=0), xs, [spec], False)


def test_a_function_that_returns_nothing_is_refused():
    with pytest.raises(TypeError, match='baseline: the function returned None; it must return a number or an array'):
        resolve(lambda xs: None, XS, [SPEC], False)


@pytest.mark.parametrize('function', [lambda: 1, lambda xs, more: 1, lambda *, xs: 1])
def test_a_function_of_other_arguments_is_refused(function):
    with pytest.raises(TypeError, match='baseline must be a number, an array or a function of xs; it takes '):
        given(function, [SPEC], False)
    assert given(np.mean, [SPEC], False) is np.mean


def test_a_copy_is_kept():
    baseline = SAMPLE.astype(np.float32)
    kept = given(baseline, [SPEC], False)
    baseline[:] = 9
    np.testing.assert_array_equal(kept, SAMPLE)


# several inputs

SPECS = [SPEC, InputSpec('Z:0', np.float64, (None, 2))]
LIST_OF_XS = [XS, np.ones((4, 2))]


@pytest.mark.parametrize(
    ('baseline', 'first', 'second'),
    [
        (None, np.zeros((1, 2, 3)), np.zeros((1, 2))),
        (3, np.full((1, 2, 3), 3), np.full((1, 2), 3)),
        ([None, [1, 2]], np.zeros((1, 2, 3)), [[1, 2]]),
        ((XS, 2), XS, [[2, 2]]),
        ([SAMPLE, np.ones((4, 2))], SAMPLE[None], np.ones((4, 2))),
    ],
)
def test_several_inputs_take_a_list_or_one_number(baseline, first, second):
    found = both_ways(baseline, LIST_OF_XS, SPECS, True)
    assert [f.dtype for f in found] == [np.float32, np.float64]
    np.testing.assert_array_equal(found[0], first)
    np.testing.assert_array_equal(found[1], second)
    if baseline is not None:
        for value, expected in zip(resolve(lambda xs: [0, xs[1] + 1], LIST_OF_XS, SPECS, True), (0, 2)):
            np.testing.assert_array_equal(value, np.full(value.shape, expected))


@pytest.mark.parametrize(
    ('baseline', 'error', 'message'),
    [
        ([3], ValueError, 'X is a list of 2 tensors, so baseline must be a list of 2; got 1'),
        (np.ones((2, 3)), ValueError, r'with one entry for each, or one number; got an array of shape \(2, 3\)'),
        ([0, np.ones(3)], ValueError, r"Baseline shape \(3,\) does not match the shape of one sample of 'Z:0', \(2,\)"),
        ([0, [np.nan, 0]], ValueError, r'baseline\[1\] holds nan or infinite values \(as float64\)'),
        ([0, 'a'], TypeError, r'baseline\[1\] must hold real numbers'),
        (np.nan, ValueError, 'baseline holds nan'),
    ],
)
def test_what_does_not_fit_several_inputs_is_refused(baseline, error, message):
    for check in (
        lambda: given(baseline, SPECS, True),
        lambda: resolve(baseline, LIST_OF_XS, SPECS, True),
        lambda: resolve(lambda xs: baseline, LIST_OF_XS, SPECS, True),
    ):
        with pytest.raises(error, match=message):
            check()


def test_a_function_returns_something_for_each_input():
    with pytest.raises(TypeError, match=r'baseline\[1\]: the function returned None'):
        resolve(lambda xs: [0, None], LIST_OF_XS, SPECS, True)
    with pytest.raises(TypeError, match='baseline: the function returned None'):
        resolve(lambda xs: None, LIST_OF_XS, SPECS, True)
