"""What all methods share: a frozen dataclass of their arguments, with a name under which it is registered."""

import difflib
import inspect
import re
from collections import OrderedDict
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Dict, Optional, Sequence, Tuple, Type, TypeVar, Union

import numpy as np

from ...arguments import MOST_TEXT, as_flag, text_of
from ...errors import ArgumentError, ArgumentTypeError
from ..compat import is_graph_tensor, is_session

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform

    from ..engine.backward import Backward
    from ..engine.changes import Changes
    from ..engine.problem import Problem
else:

    def dataclass_transform(**_: Any) -> Any:  # noqa: D103 - it speaks to type checkers only
        return lambda function: function


#: Method name -> (class, position), in the order in which the methods are defined.
attribution_methods: 'OrderedDict[str, Tuple[type, int]]' = OrderedDict()

#: Other names of a method, as people and other libraries call it -> its name. Not accepted, but understood.
_also_called: Dict[str, str] = {}

#: For tests of the library: not what anybody means.
_LAST = 'zero'

Value = TypeVar('Value')
AnyClass = TypeVar('AnyClass', bound=type)


def at_run(*, default: Value) -> Value:
    """The default of an argument that each run reads, so that explainers with different ones can share a graph."""
    value: Value = field(default=default, metadata={'at_run': True})
    return value


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field, at_run))
def register(name: str, also_called: str = '') -> Callable[[AnyClass], AnyClass]:
    """Class decorator: make a method available to ``explain`` and ``get_explainer`` under this name.

    A subclass of :class:`Method` becomes a frozen dataclass of the arguments that it lists.

    Parameters
    ----------
    name : str
    also_called : str, optional
        Other names for it, in one text: the error for an unknown name suggests what is meant.
    """
    for value, what in [(name, 'name'), (also_called, 'also_called')]:
        if not isinstance(value, str) or (what == 'name' and not value):
            raise ArgumentTypeError(f'{what} of a method must be a word; got {text_of(value)}.')

    def add(cls: AnyClass) -> AnyClass:
        made: Any = cls
        if not isinstance(cls, type):
            raise ArgumentTypeError(f'register({name!r}) must decorate a class; got {text_of(cls)}.')
        if isinstance(cls, MethodType):
            if vars(made).get('name'):
                raise ArgumentTypeError(f"{cls.__name__} is registered already, as '{made.name}'.")
            if not callable(getattr(made, 'plan', None)):
                raise ArgumentTypeError(f'{cls.__name__} needs plan(problem), which returns how it is computed.')
            as_dataclass: Any = dataclass(frozen=True, eq=False, repr=False)
            as_dataclass(made)
            signature = inspect.signature(made.__init__)  # help() and editors would find that of the metaclass
            made.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
        try:
            made.name = name
        except TypeError as error:
            raise ArgumentTypeError(f'register({name!r}) must decorate a class of yours: {error}.') from None
        attribution_methods[name] = (cls, len(attribution_methods))
        _also_called.update((_plain(other), name) for other in [*also_called.split(), cls.__name__])
        return cls

    return add


def method_named(name: Any) -> type:
    """The class of this name; an ArgumentError says which name may be meant."""
    name = str.__str__(name) if isinstance(name, str) else name  # without what a subclass makes of __eq__
    if isinstance(name, str) and name in attribution_methods:
        return attribution_methods[name][0]
    known = sorted(attribution_methods, key=lambda one: one == _LAST)
    like = _meant(name) if isinstance(name, str) and len(name) < MOST_TEXT else None
    hint = '' if like is None else f' Do you mean {like!r}?'
    raise ArgumentError(f'Method must be in {known}; got {text_of(name)}.{hint}')


def _meant(name: str) -> Optional[str]:
    names = {_plain(known): known for known in attribution_methods if known != _LAST}
    names.update((other, known) for other, known in _also_called.items() if known in names.values())
    near = difflib.get_close_matches(_plain(name), names, 1, 0.6)
    return names[near[0]] if near else None


def _plain(name: str) -> str:
    """A name without what people write differently: case, spaces, hyphens; 'x' and '*' are both 'times'."""
    return re.sub('[^a-z0-9]', '', name.lower().replace('*', 'x').replace('times', 'x'))


class MethodType(type):
    """Lets methods be called, and derived from, in the way of DeepExplain 0.3; see ``legacy.py``, which is plugged in.

    A registered method is final. A class that derives from one was written for 0.3, and becomes one that derives from
    its adapter; and ``Method(T, X, session, ...)``, with a session among the arguments, makes an adapter's instance.
    """

    adapter: ClassVar[Optional[Callable[[type], type]]] = None

    def __new__(mcs, name: str, bases: Tuple[type, ...], namespace: Dict[str, Any]) -> Any:
        """Make a class."""
        if any('name' in vars(base) and vars(base)['name'] for base in bases) and mcs.adapter is not None:
            bases = tuple(mcs.adapter(base) if isinstance(base, mcs) else base for base in bases)
            return type(bases[0])(name, bases, namespace)
        return super().__new__(mcs, name, bases, namespace)

    if not TYPE_CHECKING:  # type checkers shall see the arguments of the dataclass instead

        def __call__(cls, *args: Any, **arguments: Any) -> Any:
            """Make an instance."""
            is_old = 'session' in arguments or any(map(is_session, args[2:]))
            if is_old and MethodType.adapter is not None:
                return MethodType.adapter(cls)(*args, **arguments)
            if 'name' in vars(cls):  # it is registered
                check_known(cls.name, [f.name for f in fields(cls) if f.init], args, arguments, more=())
            return super().__call__(*args, **arguments)


@dataclass(frozen=True, eq=False, repr=False)
class Method(metaclass=MethodType):
    """A method and its arguments. Derive from it, list arguments as fields, and say by ``plan`` how it is computed.

    ``plan(problem)`` gets a :class:`~deepexplain.tensorflow.engine.problem.Problem`, checks what depends on it, and
    returns a :class:`~deepexplain.tensorflow.engine.backward.Backward` or
    :class:`~deepexplain.tensorflow.engine.changes.Changes`. Two methods are equal if their arguments are.

    Examples
    --------
    >>> from deepexplain.tensorflow.methods import IntegratedGradients
    >>> IntegratedGradients(steps=50)
    IntegratedGradients(steps=50)
    >>> IntegratedGradients(steps=50) == IntegratedGradients(50), IntegratedGradients().quadrature
    (True, 'riemann_right')
    """

    name: ClassVar[str] = ''

    if TYPE_CHECKING:

        def plan(self, problem: Problem) -> Union[Backward, Changes]:
            """Say how it is computed."""

    def __repr__(self) -> str:
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if not same(getattr(self, f.name), f.default)]
        return f'{type(self).__name__}({", ".join(f"{name}={_shown(value)}" for name, value in given)})'

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        return hash((type(self), tuple(frozen(getattr(self, f.name)) for f in fields(self))))

    def keep(self, **values: Any) -> None:
        """Set arguments to what they were checked to be: for ``__post_init__``, as methods are frozen."""
        for name, value in values.items():
            object.__setattr__(self, name, value)


def method_from(cls: Type[Any], args: Tuple[Any, ...], arguments: Dict[str, Any]) -> Tuple[Any, bool]:
    """A method with these arguments, and whether it is ``strict``, which every method may be."""
    known = [f.name for f in fields(cls) if f.init]
    strict, arguments = False, dict(arguments)
    if 'strict' not in known:
        strict = as_flag(arguments.pop('strict', False), 'strict')
    of_all = '' if takes_layer(cls) or 'layer' in arguments else ' And layer, a tensor between X and T.'
    check_known(cls.name, known, args, arguments, of_all=of_all)
    return cls(*args, **arguments), strict


def takes_layer(cls: Type[Any]) -> bool:
    """Whether ``layer`` is an argument of the method's own. Of any other method it is what is explained, like X."""
    return any(f.name == 'layer' for f in fields(cls))


def check_known(
    name: str,
    known: Any,
    args: Tuple[Any, ...],
    arguments: Dict[str, Any],
    more: Sequence[str] = ('strict',),
    of_all: str = '',
) -> None:
    """Raise an ArgumentTypeError for arguments that a method does not have."""
    unknown = sorted(set(arguments) - set(known))
    if unknown or len(args) > len(known):
        came = (
            f'the argument {", ".join(map(repr, unknown))}'
            if unknown
            else f'{len(args)} positional argument{"s" * (len(args) > 1)}'
        )
        takes = ', '.join([*known, *more]) or 'none'
        raise ArgumentTypeError(f"'{name}' does not know {came}; it takes {takes}.{of_all}")
    twice = sorted(set(arguments) & set(list(known)[: len(args)]))
    if twice:
        raise ArgumentTypeError(f"'{name}' got {', '.join(twice)} twice: by its place and by its name.")


def own(value: Any, depth: int = 0) -> Any:
    """A copy of an argument that the user may go on to change: of arrays, and of lists with arrays."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple) and depth < _DEEPEST:
        return type(value)(own(entry, depth + 1) for entry in value)
    return value


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are equal: arrays by type, shape and content."""
    try:
        return a is b or bool(frozen(a) == frozen(b))
    except Exception:  # whatever the __eq__ of an object raises
        return False


def frozen(value: Any, depth: int = 0) -> Any:
    """A hashable stand-in that is equal for equal arguments: tensors by name, arrays by content."""
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return (type(value).__name__, *[frozen(entry, depth + 1) for entry in value])
    if isinstance(value, dict) and depth < _DEEPEST:
        return tuple((_Held(key), frozen(value[key], depth + 1)) for key in sorted(value, key=text_of))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, np.asarray(value).tobytes()
    if is_graph_tensor(value):
        return id(value.graph), value.name
    return type(value).__name__, _Held(value)


#: Lists within lists that are looked into: one may hold itself.
_DEEPEST = 20


class _Held:
    """Stands in for a value: equal to it, or to itself only if that cannot be said, so that nothing is mistaken."""

    def __init__(self, value: Any) -> None:
        self._value = value
        try:
            self._hash = hash(value)
            self._is_comparable = True
        except Exception:  # lists and the like; whatever the __hash__ of an object raises
            self._hash, self._is_comparable = id(value), False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Held):
            return NotImplemented
        if self._value is other._value:
            return True
        try:
            return self._is_comparable and other._is_comparable and bool(self._value == other._value)
        except Exception:  # the truth of an array, whatever the __eq__ of an object raises
            return False

    def __hash__(self) -> int:
        return self._hash


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 8:
        return f'<{value.dtype} array of shape {value.shape}>'
    return re.sub(r'\s+', ' ', text_of(value))
