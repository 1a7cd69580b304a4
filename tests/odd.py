"""Values that no argument expects, or not this one: for tests of what is refused, and how."""

import decimal
import math
from fractions import Fraction

import numpy as np


class Tensor:
    """What a symbolic tensor of TensorFlow is: it has the methods of an array, and each of them raises."""

    def _raise(self, *_, **__):
        raise NotImplementedError('Cannot convert a symbolic tensor to a numpy array.')

    __array__ = __float__ = __index__ = __iter__ = __len__ = __bool__ = __eq__ = _raise
    __hash__ = object.__hash__
    ndim = property(_raise)


class Raising:
    """Raises what no check could expect."""

    def _raise(self, *_, **__):
        raise KeyError('odd')

    __array__ = __float__ = __index__ = __iter__ = __getitem__ = __eq__ = __repr__ = __str__ = _raise
    __hash__ = object.__hash__


class Number:
    """A number of somebody else's."""

    def __float__(self):
        return 0.5


class Lazy:
    """What an HDF5 data set is: it has a dtype and a shape, is sliced like an array, and is read when it is."""

    def __init__(self, dtype, array=None):
        self.dtype, self.shape, self.array = np.dtype(dtype), (2, 3), array

    def __getitem__(self, index):
        raise AssertionError('was read')

    def __array__(self, dtype=None, copy=None):
        assert self.array is not None, 'was read'
        return self.array


class Sparse:
    def toarray(self):
        raise AssertionError('not asked for')


def recursive():
    value = []
    value.append(value)
    return value


def object_array(entry):
    array = np.empty((), object)
    array[()] = entry
    return array


ODD = {
    'None': None,
    'True': True,
    'np.bool_': np.bool_(False),
    '0-d bool': np.array(True),
    'int': 3,
    'np.int8': np.int8(3),
    '0-d int': np.array(3),
    'negative': -1,
    'beyond a float': 10**400,
    'beyond a repr': -(10**5000),
    'float': 0.5,
    'whole float': 3.0,
    'np.float16': np.float16(0.5),
    '0-d float': np.array(0.5),
    'longdouble': np.longdouble('1e4000') if np.finfo(np.longdouble).max > 1e308 else math.inf,
    'nan': math.nan,
    'inf': math.inf,
    'Fraction': Fraction(1, 2),
    'Fraction beyond': Fraction(10**400),
    'Decimal': decimal.Decimal('0.5'),
    'sNaN': decimal.Decimal('sNaN'),
    'complex': 1j,
    'np.complex64': np.complex64(1),
    '0-d complex': np.array(1j),
    'str': '3',
    'np.str_': np.str_('word'),
    '0-d str': np.array('word'),
    'bytes': b'3',
    'bytearray': bytearray(b'3'),
    'memoryview': memoryview(b'3'),
    'datetime': np.datetime64('2020-01-01'),
    'timedelta': np.timedelta64(3, 's'),
    'record': np.zeros((), 'i4, f4')[()],
    'void': np.zeros(2, 'V4'),
    'empty list': [],
    'list of one': [0.5],
    'list': [1, 2, 3],
    'ragged': [[1.0], [1.0, 2.0]],
    'list with None': [1.0, None],
    'list of str': ['a', 'b'],
    'list beyond a float': [10**400],
    'recursive': recursive(),
    'dict': {'a': 1},
    'set': {1.5},
    'range': range(3),
    'generator': (i for i in range(3)),
    'array of one': np.array([3]),
    'array': np.arange(6.0).reshape(2, 3),
    'array of str': np.array(['a', 'b']),
    'array of objects': np.array([1, 2.5, Fraction(1, 2)], object),
    'object array of list': object_array([1, 2]),
    'object array of itself': object_array(None),
    'masked': np.ma.masked_equal([1, 2], 2),
    'masked constant': np.ma.masked,
    'sparse': Sparse(),
    'tensor': Tensor(),
    'list of tensors': [Tensor()],
    'raising': Raising(),
    'list of raising': [Raising()],
    'number': Number(),
    'class': float,
    'object': object(),
    'module': np,
}
ODD['object array of itself'][()] = ODD['object array of itself']


class RaisingAttributes:
    def __getattr__(self, name):
        raise ValueError('odd')


def dict_of_itself():
    value = {}
    value['a'] = value
    return value


ODD.update(
    {
        'beyond any count': 10**9,
        'beyond 64 bits': 2**63,
        'empty text': '',
        'half a character': 'a\ud800',
        'long text': 'x' * 100_000,
        'control name': '^T',
        'last output': 'T:-1',
        'dict of itself': dict_of_itself(),
        'dict of nan': {math.nan: 1},
        'raising attributes': RaisingAttributes(),
        'class of arrays': np.ndarray,
        'slice': slice(1, 2),
    }
)
