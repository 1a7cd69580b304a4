"""The checks of arguments: whatever comes, there is an error of ours that says what, or a valid conversion."""

import decimal
import math
import re
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from odd import ODD, Lazy, Number, Raising, Sparse, Tensor, recursive

from deepexplain.arguments import (
    MOST_REPEATS,
    MOST_TEXT,
    as_array,
    as_count,
    as_feed,
    as_flag,
    as_function,
    as_generator,
    as_integer,
    as_mapping,
    as_names,
    as_number,
    as_repeats,
    as_seed,
    has,
    is_list,
    one_of,
    text_of,
)
from deepexplain.errors import ArgumentError, ArgumentTypeError, AssertedArgumentError

CHECKS = {
    'as_integer': (as_integer, int),
    'as_count': (as_count, int),
    'as_repeats': (as_repeats, int),
    'as_seed': (as_seed, int),
    'as_generator': (as_generator, np.random.RandomState),
    'as_flag': (as_flag, bool),
    'as_number': (as_number, float),
    'as_number, positive': (lambda value, name: as_number(value, name, above=0), float),
    'as_number, of a range': (lambda value, name: as_number(value, name, at_least=0, at_most=1), float),
    'one_of': (lambda value, name: one_of(value, name, ['word', None]), (str, type(None))),
    'as_mapping': (as_mapping, dict),
    'as_names': (as_names, list),
    'as_names, counted': (lambda value, name: as_names(value, name, 2), list),
    'as_array': (as_array, np.ndarray),
    'as_feed': (lambda value, name: as_feed(value, name, np.float32), np.ndarray),
    'as_feed, integers': (lambda value, name: as_feed(value, name, np.int8), np.ndarray),
    'as_feed, flags': (lambda value, name: as_feed(value, name, np.bool_), np.ndarray),
    'as_array, lazy': (lambda value, name: as_array(value, name, np.float32, lazy=True), np.ndarray),
    'as_array, finite': (lambda value, name: as_array(value, name, finite=True), np.ndarray),
    'as_array, masked': (lambda value, name: as_array(value, name, masked=np.nan), np.ndarray),
}


@pytest.mark.parametrize('check', CHECKS)
@pytest.mark.parametrize('odd', ODD)
@pytest.mark.filterwarnings('default')  # a user's warnings are no errors, and the check must not need that they are
def test_odd_values_are_converted_or_refused_by_name(check, odd):
    function, kind = CHECKS[check]
    try:
        found = function(ODD[odd], 'name')
    except (ArgumentError, ArgumentTypeError) as error:
        message = str(error)
        assert message.startswith('name ')
        assert message.endswith('.')
        # An array is too long to be shown: its dtype, shape, kind or first wrong value is.
        shown = [text_of(ODD[odd]), type(ODD[odd]).__name__]
        assert any(what in message for what in shown) or check.startswith(('as_names', 'as_array', 'as_feed')), message
        assert len(message) < MOST_TEXT + 200
    else:
        assert isinstance(found, kind)
        if kind is np.ndarray:
            assert found.dtype.kind in 'biuf'
        if check.startswith('as_names'):
            assert all(type(entry) is str for entry in found)


# What the table above only calls valid.


@pytest.mark.parametrize('value', [3, np.int8(3), np.uint64(3), np.array(3), np.array(3, object)[()]])
def test_integers(value):
    for check in (as_integer, as_count, as_seed):
        assert check(value, 'n') == 3
        assert type(check(value, 'n')) is int


@pytest.mark.parametrize('value', [True, np.bool_(True), np.array(True), 1.0, '1', None, np.float32(2), np.array([2])])
@pytest.mark.parametrize('check', [as_integer, as_count, as_seed, as_generator])
def test_what_is_no_integer(check, value):
    if check is as_generator and value is None:
        return
    with pytest.raises(ArgumentTypeError, match='^steps must be an integer; got .+[.]$'):
        check(value, 'steps')


def test_limits_of_integers():
    with pytest.raises(ArgumentError, match='^steps must be at least 1; got 0[.]$') as caught:
        as_count(0, 'steps')
    assert not isinstance(caught.value, AssertionError)
    with pytest.raises(AssertedArgumentError, match='^step must be at least 1; got -2[.]$'):
        as_count(np.int64(-2), 'step', AssertedArgumentError)
    assert as_seed(2**32 - 1) == 2**32 - 1
    for value, text in [(-1, '-1'), (2**32, '4294967296'), (10**5000, 'a value of type int|10+[.]{3}')]:
        for check in (as_seed, as_generator):
            with pytest.raises(ArgumentError, match=rf'^seed must be from 0 to 2\*\*32 - 1; got ({text})[.]$'):
                check(value)


def test_generators_are_of_their_own_and_repeat():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    assert as_generator(5).randint(1000) == np.random.RandomState(5).randint(1000)
    as_generator(None).randint(1000)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_flags():
    assert as_flag(True, 'strict') is True
    assert as_flag(np.bool_(False), 'strict') is False
    for value, text in [(0, '0'), ('yes', "'yes'"), (None, 'None'), (np.float32(1), '1.0')]:
        with pytest.raises(ArgumentTypeError, match=f'^strict must be True or False; got {text}[.]$'):
            as_flag(value, 'strict')


@pytest.mark.parametrize(
    'value',
    [0.5, Fraction(1, 2), decimal.Decimal('0.5'), np.float16(0.5), np.longdouble(0.5), np.array(0.5), Number()],
    ids=lambda value: type(value).__name__,
)
def test_numbers(value):
    found = as_number(value, 'alpha', above=0, at_most=1)
    assert found == 0.5
    assert type(found) is float


def test_numbers_of_extension_dtypes():
    ml_dtypes = pytest.importorskip('ml_dtypes')
    assert as_number(ml_dtypes.bfloat16(0.5), 'alpha') == 0.5
    assert as_number(np.array(0.5, ml_dtypes.bfloat16), 'alpha') == 0.5


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, 'None'),
        (True, 'True'),
        (np.bool_(True), 'True'),
        (np.array(True), r'array\(True\)'),
        ('0.1', "'0.1'"),
        (b'1', "b'1'"),
        (1j, '1j'),
        (np.complex64(1j), '1j'),
        ([0.1, 0.2], r'\[0.1, 0.2\]'),
        (np.array([0.5]), r'array\(\[0.5\]\)'),
        (np.arange(3), r'array\(\[0, 1, 2\]\)'),
        (recursive(), r'\[+\.\.\.\]+'),
        (Tensor(), '<.*Tensor object.*>'),
        (Raising(), 'a value of type Raising'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number(value, text):
    with pytest.raises(ArgumentTypeError, match=f'^alpha must be a number; got {text}[.]$'):
        as_number(value, 'alpha')
    with pytest.raises(ArgumentTypeError, match=f'^stdev must be a number, in the units of X; got {text}[.]$'):
        as_number(value, 'stdev', at_least=0, units='X')


@pytest.mark.parametrize(
    ('limits', 'value', 'message'),
    [
        ({'above': 0}, 0, 'greater than 0 and finite; got 0'),
        ({'above': 0}, np.float64(-1.5), 'greater than 0 and finite; got -1.5'),
        ({'above': 0}, math.nan, 'greater than 0 and finite; got nan'),
        ({'above': 0}, math.inf, 'greater than 0 and finite; got inf'),
        ({'above': 0}, 10**400, r'greater than 0 and finite; got 1(0+)\.\.\.'),
        ({'above': 0}, Fraction(1, 10**400), r'greater than 0 and finite; got Fraction\(1, 1(0+)\.\.\.'),
        ({'above': 0}, np.array(-1.0), r'greater than 0 and finite; got array\(-1\.\)'),
        ({'above': 0, 'at_most': 100}, 101, 'greater than 0 and at most 100; got 101'),
        ({'above': 0, 'at_most': 100}, math.nan, 'greater than 0 and at most 100; got nan'),
        ({'at_least': 0}, -1, 'at least 0 and finite; got -1'),
        ({'at_least': 0.5, 'at_most': 1}, 0, 'at least 0.5 and at most 1; got 0'),
        ({'at_most': 1}, -math.inf, 'at most 1 and finite; got -inf'),
        ({}, -math.inf, 'finite; got -inf'),
        ({'above': 0, 'units': 'T'}, 0, 'greater than 0 and finite, in the units of T; got 0'),
    ],
)
def test_limits_of_numbers(limits, value, message):
    with pytest.raises(ArgumentError, match=f'^x must be {message}[.]$') as caught:
        as_number(value, 'x', **limits)
    assert not isinstance(caught.value, AssertionError)
    with pytest.raises(AssertedArgumentError, match=f'^x must be {message}[.]$'):
        as_number(value, 'x', error=AssertedArgumentError, **limits)


def test_limits_themselves():
    assert as_number(0, 'x', at_least=0, at_most=0) == 0
    assert as_number(100, 'x', above=0, at_most=100) == 100
    assert as_number(5e-324, 'x', above=0) == 5e-324
    assert as_number(-3, 'x') == -3


def test_words():
    found = one_of(np.str_('edges'), 'overlay', ('edges', None))
    assert type(found) is str
    assert one_of(None, 'overlay', ('edges', None)) is None
    for value, text in [
        ('x', "'x'"),
        (['edges'], r"\['edges'\]"),
        (np.array(['edges', 'window']), r"array\(\['edges', 'window'\].*\)"),
        (np.array('edges'), r"array\('edges'.*\)"),
        (b'edges', "b'edges'"),
        (0, '0'),
        (Tensor(), '<.*>'),
    ]:
        with pytest.raises(ArgumentError, match=f"^overlay must be one of 'edges', None; got {text}[.]$"):
            one_of(value, 'overlay', ('edges', None))
    with pytest.raises(ArgumentError, match="^style must be one of 'a', 'b'; got None[.]$"):
        one_of(None, 'style', {'a': 1, 'b': 2})


def test_names():
    assert as_names(('a', 1, np.str_('b')), 'names', 3) == ['a', '1', 'b']
    assert as_names((name for name in 'ab'), 'names') == ['a', 'b']
    assert as_names(np.array(['a', 'b']), 'names', 2, 'features') == ['a', 'b']
    with pytest.raises(ArgumentError, match='names must have one entry for each of the 3 things; got 4 or more.'):
        as_names(range(10**400), 'names', 3)
    with pytest.raises(ArgumentError, match='^names must have one entry for each of the 3 features; got 2[.]$'):
        as_names(['a', 'b'], 'names', 3, 'features')
    for value, text in [
        ('ab', "'ab'"),
        (b'ab', "b'ab'"),
        (3, '3'),
        (None, 'None'),
        (np.array('ab'), r"array\('ab'.*\)"),
        (Tensor(), '<.*>'),
        ([Raising()], 'a value of type list'),
    ]:
        with pytest.raises(ArgumentTypeError, match=f'^names must be a list of names; got {text}[.]$'):
            as_names(value, 'names')


def test_lists():
    assert not is_list(range(10**400))
    assert not is_list(range(5, -(10**400), -2))
    assert is_list(range(10**18))
    assert is_list(range(10**400, 10))
    assert all(is_list(value) for value in ([], (1,), range(2), np.arange(2), np.ones((1, 1))))
    assert not any(is_list(value) for value in (None, 1, 'ab', np.array(1), {1}, {}, Tensor(), Raising()))


def test_text():
    assert text_of('a') == "'a'"
    assert text_of(np.float64(0.1)) == '0.1'
    assert text_of(np.bool_(True)) == 'True'
    assert text_of(Raising()) == 'a value of type Raising'
    long = text_of(list(range(10**4)))
    assert len(long) == MOST_TEXT
    assert long.endswith('...')


# Arrays.


def test_arrays_are_not_copied_and_keep_their_dtype():
    for dtype in (bool, np.uint8, np.int64, np.float16, np.float32):
        array = np.zeros((2, 3), dtype)
        assert as_array(array, 'xs') is array
        assert as_array(array, 'xs', np.float64, lazy=True, finite=True, masked=0) is array


def test_memory_maps_are_not_read(tmp_path):
    array = np.memmap(str(tmp_path / 'xs'), np.float32, 'w+', shape=(2, 3))
    found = as_array(array, 'xs', np.float32, lazy=True)
    assert np.shares_memory(found, array)


def test_lazy_arrays_stay_unread_if_they_hold_numbers():
    lazy = Lazy(np.float32)
    assert as_array(lazy, 'xs', np.float64, lazy=True) is lazy
    assert as_array(Lazy(np.int32, np.ones(2)), 'xs').tolist() == [1, 1]
    objects = Lazy(object, np.array([1, 2.5], object))
    assert as_array(objects, 'xs', lazy=True).tolist() == [1, 2.5]
    assert type(as_array(np.float32(1), 'xs', lazy=True)) is np.ndarray  # a scalar cannot be sliced
    with pytest.raises(ArgumentTypeError, match='^xs must hold real numbers; its dtype is [<>=|]?S1[.]$'):
        as_array(Lazy('S1', np.array([b'a'])), 'xs', lazy=True)
    with pytest.raises(ArgumentTypeError, match='^xs must hold real numbers; its dtype is object'):
        as_array(SimpleNamespace(shape=(2, 3), dtype=np.dtype(float)), 'xs', lazy=True)  # it cannot be sliced


def test_tables():
    pandas = pytest.importorskip('pandas')
    table = pandas.DataFrame({'a': [1, 2], 'b': [0.5, 1.5], 'c': [True, False]})
    for lazy in (True, False):
        found = as_array(table, 'xs', lazy=lazy)
        assert found.dtype == np.float64
        assert found.tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
        assert as_array(table['a'], 'xs', lazy=lazy).tolist() == [1, 2]
        with pytest.raises(
            ArgumentTypeError, match="^xs must hold real numbers; its dtype is object: it holds 'x'[.]$"
        ):
            as_array(pandas.DataFrame({'a': [1, 2], 'b': ['x', 'y']}), 'xs', lazy=lazy)


def test_numbers_of_several_types():
    found = as_array([Fraction(1, 2), 10**30, True, np.float16(2), None], 'xs')
    np.testing.assert_array_equal(found, [0.5, 1e30, 1, 2, np.nan])
    assert as_array(Fraction(1, 2), 'xs').shape == ()


def test_extension_dtypes():
    ml_dtypes = pytest.importorskip('ml_dtypes')
    array = np.array([0.5, 1], ml_dtypes.bfloat16)
    assert as_array(array, 'xs', ml_dtypes.bfloat16) is array
    for dtype in (None, np.float32):
        assert as_array(array, 'xs', dtype, finite=True).dtype == np.float64


def test_masked_values():
    array = np.ma.masked_equal(np.array([1, 2], np.uint8), 2)
    with pytest.raises(ArgumentError, match=r'^xs has masked values, which are no numbers: pass its filled\(...\)[.]$'):
        as_array(array, 'xs')
    np.testing.assert_array_equal(as_array(array, 'xs', masked=np.nan), [1, np.nan])
    np.testing.assert_array_equal(as_array(array.astype(object), 'xs', masked=np.nan), [1, np.nan])
    nothing = np.ma.array([1, 2], np.uint8, mask=False)
    for masked in (None, np.nan):
        found = as_array(nothing, 'xs', masked=masked)
        assert type(found) is np.ndarray
        assert found.dtype == np.uint8  # plotting tells pictures by that


@pytest.mark.parametrize(
    ('value', 'error', 'message'),
    [
        (None, ArgumentTypeError, 'must be an array; got None[.]'),
        (Sparse(), ArgumentTypeError, r'is a sparse Sparse: pass its toarray\(\)[.]'),
        ('abc', ArgumentTypeError, 'must hold real numbers; its dtype is <U3[.]'),
        (
            1j,
            ArgumentTypeError,
            r'must hold real numbers; its dtype is complex128\. Pass its real part, or its np.abs[.]',
        ),
        (np.datetime64('2020'), ArgumentTypeError, r'must hold real numbers; its dtype is datetime64\[Y\][.]'),
        (np.zeros(2, 'i4, f4'), ArgumentTypeError, 'must hold real numbers; its dtype is .*f4.*'),
        (
            np.zeros(2, [('a', 'f4')]),
            ArgumentTypeError,
            'must hold real numbers; its dtype is .*f4.*',
        ),  # no mere number
        ({'a': 1}, ArgumentTypeError, "must hold real numbers; its dtype is object: float.*'dict'"),
        ({1}, ArgumentTypeError, "must hold real numbers; its dtype is object: float.*'set'"),
        ([1, None, {}], ArgumentTypeError, "must hold real numbers; its dtype is object: float.*'dict'"),
        (np.array([1, '2'], object), ArgumentTypeError, "must hold real numbers; its dtype is object: it holds '2'[.]"),
        (np.array([1, 2j], object), ArgumentTypeError, 'must hold real numbers; its dtype is object: it holds 2j[.]'),
        ([10**400], ArgumentError, 'holds a number that is too large: int too large to convert to float[.]'),
        (Tensor(), ArgumentTypeError, 'must hold real numbers; NumPy cannot read this Tensor: Cannot convert a sym'),
        (Raising(), ArgumentTypeError, "must hold real numbers; NumPy cannot read this Raising: 'odd'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_array_of_real_numbers(value, error, message):
    for lazy in (True, False):
        with pytest.raises(error, match=f'^xs {message}'):
            as_array(value, 'xs', lazy=lazy)


def test_ragged_lists():
    # NumPy before 1.24 makes an array of lists.
    message = (
        '^xs must (be one array, but its parts differ in shape: |hold real numbers; its dtype is object: setting an)'
    )
    for value in ([[1.0], [1.0, 2.0]], [np.ones((2, 2)), np.ones((2, 3))]):
        with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
            as_array(value, 'xs')


def test_finite_arrays():
    array = np.zeros((2, 3), np.float16)
    array[1, 2] = np.inf
    assert as_array(array, 'xs') is array
    message = re.escape('xs must be finite; the first nan or infinite value is at index (1, 2).')
    with pytest.raises(ArgumentError, match=f'^{message}$'):
        as_array(array, 'xs', finite=True)


@pytest.mark.parametrize('value', [True, np.True_, np.array(False)])
def test_a_flag_is_no_array_but_where_it_may_be(value):
    with pytest.raises(ArgumentTypeError, match=r'^xs must be a number or an array; got (array\()?(True|False)'):
        as_array(value, 'xs')
    assert as_array(value, 'xs', flag=True) == bool(value)
    assert as_feed(value, 'fed', np.int32) == bool(value)


def test_numbers_of_repetitions_have_an_end():
    assert as_repeats(np.int64(MOST_REPEATS), 'steps') == MOST_REPEATS
    with pytest.raises(ArgumentError, match='^steps must be at most 16777216; got 16777217.$'):
        as_repeats(MOST_REPEATS + 1, 'steps')
    with pytest.raises(ArgumentError, match='^batch_size must be at most 9223372036854775807; got 92233'):
        as_count(2**63, 'batch_size')


@pytest.mark.parametrize(
    ('value', 'dtype', 'message'),
    [
        (None, np.float32, 'must be an array; got None'),
        ('3', np.float32, 'must hold real numbers; its dtype is <U1'),
        (0.5, np.int32, 'holds numbers that do not fit int32: 0.5'),
        ([1, 300], np.uint8, 'holds numbers that do not fit uint8: 300'),
        ([1, 2], np.bool_, 'holds numbers that do not fit bool: 2'),
        ('False', np.bool_, 'must hold real numbers'),
        ([1.0, 1e300], np.float32, r'holds numbers that do not fit float32: 1e\+300'),
        ('a', np.complex64, 'must hold numbers; its dtype is <U1'),
        (3, object, 'must hold text; got 3'),
        (['a', 'b\ud800'], object, 'must hold text'),
    ],
)
def test_what_is_fed_fits_or_is_refused(value, dtype, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match='^fed ' + message):
        as_feed(value, 'fed', dtype)


@pytest.mark.parametrize(
    ('value', 'dtype', 'expected'),
    [
        ([1, 0], np.bool_, [True, False]),
        (3.0, np.int8, 3),
        ([np.nan, np.inf], np.float32, [np.nan, np.inf]),
        (Fraction(1, 2), np.float64, 0.5),
        (1j, np.complex64, 1j),
        (['a', b'b'], object, ['a', b'b']),
    ],
)
def test_what_is_fed_is_an_array_of_its_dtype(value, dtype, expected):
    found = as_feed(value, 'fed', dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array(expected, dtype))


def test_attributes_may_raise_what_they_like():
    assert has('text', 'missing', 'upper')
    assert not has(ODD['raising attributes'], 'upper')


def test_the_text_of_millions_of_values_is_short_and_quickly_found():
    assert text_of(list(range(5_000_000))).startswith('[0, 1, 2')
    assert len(text_of([[{1: 'x' * 10_000_000}]])) == MOST_TEXT


def test_messages_can_be_printed():
    message = str(ArgumentError("no tensor 'a\ud800'"))
    assert message.encode() == b"no tensor 'a\\ud800'"


def test_functions():
    for function in (lambda xs: 1, np.mean, lambda *xs: 1, max, {}.get):
        assert as_function(function, 'baseline') is function
    for value, text in [
        (3, 'baseline must be a number or a function of xs; got 3.'),
        (object, r"baseline must be a number or a function of xs; got <class 'object'>."),
        (lambda: 1, r"baseline must be a number or a function of xs; it takes '\(\)'."),
        (lambda xs, more: 1, r"baseline must be a number or a function of xs; it takes '\(xs, more\)'."),
    ]:
        with pytest.raises(ArgumentTypeError, match=text):
            as_function(value, 'baseline', or_else='a number or ')
    assert callable(as_function(lambda xs, random: 1, 'perturbation', 'xs, random'))
