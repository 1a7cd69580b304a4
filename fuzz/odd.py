"""Odd values, as texts: what is evaluated in the namespace of a scene, freshly for each call."""

import collections
import datetime
import decimal
import enum
import fractions
import io
import pathlib
import types

import numpy as np


class Broken(RuntimeError):  # noqa: N818 - nor is this
    """What a special method of a broken object raises."""


class Own(Exception):  # noqa: N818 - it is no error of ours
    """What a user's own function raises: it must come out as it is."""


def broken(*names):
    """An object some of whose special methods raise."""

    def method(name):
        def fail(*_, **__):
            raise Broken(name)

        return fail

    return type('Broken', (), {f'__{name}__': method(f'__{name}__') for name in names})()


def answering(**answers):
    """An object whose special methods return these."""
    return type('Answering', (), {f'__{name}__': lambda self, *_, _a=a: _a for name, a in answers.items()})()


def recursive(kind=list):
    """A list, dict or array of objects that holds itself."""
    if kind is dict:
        value = {}
        value['itself'] = value
    elif kind is np.ndarray:
        value = np.empty(1, object)
        value[0] = value
    else:
        value = [1]
        value.append(value)
    return value


def nested(depth):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


def fails(*_, **__):
    """A function of the user's."""
    raise Own('of the user')


class Texts(str):
    """A str with an equality that fails."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        raise Broken('__eq__')


Pair = collections.namedtuple('Pair', 'a b')
Colour = enum.Enum('Colour', 'red blue')
Level = enum.IntEnum('Level', 'one two')

#: What texts may name, beside the scene.
NAMES = {
    'np': np,
    'Fraction': fractions.Fraction,
    'Decimal': decimal.Decimal,
    'datetime': datetime,
    'io': io,
    'Path': pathlib.Path,
    'SimpleNamespace': types.SimpleNamespace,
    'OrderedDict': collections.OrderedDict,
    'deque': collections.deque,
    **{f.__name__: f for f in (broken, answering, recursive, nested, fails, Texts, Pair, Colour, Level)},
}

NUMBERS = """
None
True
False
np.True_
np.False_
0
1
-1
2
7
0.0
-0.0
0.5
-1.5
1e-300
1e300
float('nan')
float('inf')
-float('inf')
10**9
10**12
2**31
2**63
2**64
10**400
-10**400
Fraction(1, 3)
Fraction(3, 1)
Fraction(10**400, 3)
Decimal('0.5')
Decimal('NaN')
Decimal('sNaN')
Decimal('Infinity')
3 + 0j
1j
np.float16(0.5)
np.float32('nan')
np.float64(2.5)
np.longdouble(1.5)
np.int8(2)
np.int64(-3)
np.uint64(2**64 - 1)
np.complex64(1j)
np.datetime64('2020-01-01')
np.datetime64('NaT')
np.timedelta64(3, 's')
np.array(3)
np.array(0.5)
np.array(True)
np.array(None)
np.array('8')
np.array(2**63)
np.str_('all')
np.bytes_(b'all')
np.void(b'abc')
datetime.date(2020, 1, 1)
datetime.timedelta(1)
Level.two
Colour.red
""".strip().splitlines()

WORDS = r"""
''
' '
'no'
'False'
'True'
'each'
'all'
'complete'
'8'
'nan'
'x' * 5000
'\ud800'
'\x00'
'$^{ $'
'\\frac'
'%s %d {} {0}'
'T'
'nosuch:0'
'dense/T:0'
'dense/T'
'dense/X:0:0'
'^dense/X'
':0'
b'each'
b''
b'\xff'
bytearray(b'abc')
memoryview(b'abc')
memoryview(np.ones((2, 3)))
Texts('each')
Texts('saliency')
['each']
['\ud800', '$', 'c']
('a', 'b', 'c')
'abc'
Path('/nosuch')
""".strip().splitlines()

COLLECTIONS = """
[]
()
{}
set()
[None]
[[]]
[None, None]
[True, False]
[1, 0]
[1, 2, 3]
(0, 1)
(2, 2)
[0.5, -1]
[1, 'a']
['1', '2']
[float('nan'), 1.0]
[10**400, 1]
[Fraction(1, 2), Decimal(1)]
[1j, 2]
[[1, 2], [1]]
[[1], [1, 2]]
[[1, 2, 3], [4, 5, 6]]
[[[1, 2], [3]], [[4]]]
[np.ones(2), np.ones(3)]
[np.ones((2, 3)), np.ones((2, 3))]
[np.ones((2, 3)), None]
[np.array([1, 2]), [1]]
{1, 2, 3}
frozenset('abc')
{'a': 1}
{None: None}
{1.5: 2}
{'dense/X:0': 1}
{b'keep': 1}
{(1, 2): [3]}
OrderedDict(a=1)
(i for i in range(3))
iter([1, 2, 3])
(1 / 0 for _ in [0])
map(int, 'ab')
zip([1], [2])
range(0)
range(3)
range(10**15)
range(10**400)
slice(None)
slice(1, 2)
Ellipsis
NotImplemented
deque([1, 2])
Pair(1, 2)
recursive()
recursive(tuple)
recursive(dict)
recursive(np.ndarray)
nested(30)
nested(70)
nested(20000)
""".strip().splitlines()

ARRAYS = """
np.array([])
np.zeros((0, 3))
np.zeros((3, 0))
np.zeros((2, 0, 3))
np.ones(1)
np.ones(2)
np.ones(3)
np.ones(4)
np.ones((1, 3))
np.ones((2, 1))
np.ones((2, 2))
np.ones((2, 3))
np.ones((3, 3))
np.ones((5, 3))
np.ones((2, 2, 3))
np.ones((2, 6, 6, 1))
np.ones((2, 3), int)
np.ones((2, 3), bool)
np.ones((2, 3), np.float16)
np.ones((2, 3), np.longdouble)
np.ones((2, 3), np.uint8)
np.ones((2, 3)) * 1e300
np.ones((2, 3), complex)
np.full((2, 3), 'a')
np.full((2, 3), b'1')
np.full((2, 3), '1.5')
np.full((2, 3), None)
np.full((2, 3), np.datetime64('2020'))
np.full((2, 3), np.timedelta64(1, 's'))
np.zeros((2, 3), [('a', float), ('b', int)])
np.zeros((2, 3), 'V4')
np.zeros((2, 3), '>f8')
np.array([1, 'a', None], object)
np.array([[1.5, 2, 3], [4, 5, 6]], object)
np.array([10**400, 1, 2], object)
np.array([[1, 2], [3]], object)
np.array([np.ones(2), np.ones(2)] + [None], object)
np.array([broken('float', 'repr', 'eq')], object)
np.full((2, 3), np.nan)
np.full((2, 3), np.inf)
np.full(3, np.nan)
np.array([[1, 2, np.nan], [-np.inf, 5, 6]])
np.array(['complete', 'original'])
np.array(['all', 'positive'])
np.array([True, False])
np.ma.masked_equal([[1.0, 2, 3], [4, 5, 6]], 2)
np.ma.masked_all((2, 3))
np.ma.masked
np.ma.array(np.ones((2, 3)))
np.matrix('1 2 3; 4 5 6')
np.rec.array([(1, 2.0)], dtype=[('a', int), ('b', float)])
np.broadcast_to(1.0, (2, 3))
np.asfortranarray(np.ones((2, 3)))
np.ones((2, 6))[:, ::2]
np.ones((2, 3))[::-1]
np.ones([1] * 32)
np.dtype(float)
np.float32
np.random
np.random.RandomState(0)
np.nditer([1, 2])
sparse
sparse.tocoo()
frame
frame['a']
""".strip().splitlines()

OBJECTS = """
object()
object
int
len
type
fails
lambda: 1
lambda *_: None
lambda xs, *_: xs
lambda xs, *_: xs[:0]
lambda *_: 'a'
lambda *_: recursive()
lambda *_: np.full((2, 3), np.nan)
lambda xs, *_: np.asarray(xs, object)
lambda *_: (np.ones((2, 3)), np.ones((2, 3)))
lambda *_: broken('array', 'len', 'iter')
Broken
SimpleNamespace(run=None, graph=None)
SimpleNamespace(run=len, outputs=len, request=len, X=None, T=None)
SimpleNamespace(shape=(2, 3), dtype=np.dtype(float))
SimpleNamespace(shape=None, dtype=None, name='dense/X:0')
SimpleNamespace(ndim='a', __array__=None)
io.StringIO('a')
io.BytesIO(b'a')
Exception('a')
broken('eq')
broken('bool')
broken('repr')
broken('repr', 'str', 'format')
broken('iter')
broken('len')
broken('array')
broken('hash')
broken('float')
broken('index')
broken('call')
broken('getitem')
broken('contains')
broken('lt', 'gt', 'le', 'ge')
broken('eq', 'bool', 'repr', 'iter', 'len', 'array', 'hash', 'float', 'index', 'fspath', 'str')
answering(len=-1)
answering(len=3)
answering(len=10**400)
answering(iter=5)
answering(float='a')
answering(index=10**400)
answering(index='a')
answering(array=[1, 2])
answering(eq=np.array([True, False]))
answering(bool=2)
answering(fspath=5)
answering(repr=5)
""".strip().splitlines()

TENSORS = """
dense.T
dense.X
dense.T.op
dense.T[:, 0]
dense.T[0]
dense.T[0, 0]
dense.hidden
dense.X.shape
dense.T.name
image.X
image.T
two.X
two.X[0]
keep.keep
scalar.T
counts.X
texts
flags
complexes
partial
variable
elsewhere.X
elsewhere.session
elsewhere.session.graph
eager
eager_scalar
eager_text
ragged
sparse_tensor
indexed
tf.float32
tf.TensorShape([None, 3])
tf.TensorSpec([None, 3], tf.float32)
tf
session
session.graph
de
closed
methods
methods.IntegratedGradients
methods.IntegratedGradients()
methods.Occlusion(feature_mask=[1, 1, 2])
methods.Method
dense.by('saliency')
dense.by('saliency').run
NoiseTunnel(dense.by('saliency'), samples=2, stdev=1)
dense.by('intgrad', steps=2).problem
metrics
DeepExplain
""".strip().splitlines()

ODD = NUMBERS + WORDS + COLLECTIONS + ARRAYS + OBJECTS + TENSORS
