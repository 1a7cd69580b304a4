"""Explanations in the place of arrays: their attributions, names and values are taken from them."""

import functools
import inspect
from typing import Any, Callable, Dict, List, Optional, TypeVar

import numpy as np

from ..errors import ArgumentError
from ..explanation import Explanation
from ..explanation.tables import check_is_one, names_of_values
from ..types import Array

F = TypeVar('F', bound=Callable[..., Any])

#: What an argument is filled with, of an explanation and whether the picture is of one sample.
Fill = Callable[[Explanation, bool], Any]


def takes_explanation(one: bool, **fills: Fill) -> Callable[[F], F]:
    """Let a function take an Explanation in place of its first argument, or of ``attributions``.

    Parameters
    ----------
    one : bool
        Whether it draws one sample, which the explanation must then be of.
    **fills
        Name of a further argument -> what it is where it is not given.
    """

    def of(function: F) -> F:
        parameters = list(inspect.signature(function).parameters)

        @functools.wraps(function)
        def wrapper(*args: Any, **arguments: Any) -> Any:
            explanation = arguments.get('attributions')
            if args and isinstance(args[0], Explanation):
                explanation = args[0]
                rest = [name for name in parameters if name != 'attributions' and name not in _leading(parameters)]
                arguments = {**dict(zip(rest, args[1:])), **arguments}
                args = ()
            elif len(args) > 1 and parameters[1] == 'attributions':
                explanation = args[1]
                if isinstance(explanation, Explanation):
                    arguments, args = {parameters[0]: args[0], **dict(zip(parameters[2:], args[2:])), **arguments}, ()
            if not isinstance(explanation, Explanation):
                return function(*map(_arrays_of, args), **{name: _arrays_of(one) for name, one in arguments.items()})
            check_is_one(explanation, f'plotting.{function.__name__}')
            if one and len(explanation) != 1:
                raise ArgumentError(
                    f'plotting.{function.__name__} draws one sample, and this explanation has {len(explanation)}: '
                    'choose one, e[i].'
                )
            for name, fill in fills.items():
                if name not in arguments and name in parameters[len(args) :] and not _replaced(name, arguments):
                    arguments[name] = fill(explanation, one)
            arguments['attributions'] = _attributions(explanation, one, arguments)
            return function(*args, **arguments)

        made: Any = wrapper
        result: F = made
        return result

    return of


def _arrays_of(value: Any) -> Any:
    """A dict with arrays for its explanations; anything else as it is."""
    if not isinstance(value, dict) or not any(isinstance(one, Explanation) for one in value.values()):
        return value
    return {name: np.asarray(one) if isinstance(one, Explanation) else one for name, one in value.items()}


def _replaced(name: str, arguments: Dict[str, Any]) -> bool:
    """Whether an argument must be left out beside what is given."""
    given = {'one_hot': 'letters' in arguments, 'values': arguments.get('style') == 'violin'}
    return given.get(name, False)


def _leading(parameters: List[str]) -> List[str]:
    """The arguments before ``attributions``."""
    return parameters[: parameters.index('attributions')]


def _attributions(explanation: Explanation, one: bool, arguments: Dict[str, Any]) -> Any:
    if 'pictures' in arguments:  # a grid has a column for each method
        return {explanation.method or 'attributions': explanation.values}
    values = explanation.values[0] if one else explanation.values
    if 'tokens' in arguments and values.ndim > 1:  # of an embedding: one number for each token
        return values.reshape(len(values), -1).sum(axis=1)
    return values


def names_in(explanation: Explanation, one: bool) -> List[str]:
    """Those of the values of a sample."""
    return names_of_values(explanation)


def data_in(explanation: Explanation, one: bool) -> Optional[Array]:
    """The samples, where they have the shape of the attributions."""
    if explanation.data is None or explanation.data.shape != explanation.values.shape:
        return None
    found: Array = explanation.data[0] if one else explanation.data
    return found


def picture_in(explanation: Explanation, one: bool) -> Optional[Array]:
    """The samples as pictures: with 1, 3 or 4 channels, or none."""
    given = explanation.data
    if given is None or not (given.ndim == 3 or (given.ndim == 4 and given.shape[-1] in (1, 3, 4))):
        return None
    found: Array = given[0] if one else given
    return found


def one_hot_in(explanation: Explanation, one: bool) -> Optional[Array]:
    """The samples, where each place has one 1 and else 0."""
    return data_in(explanation, one) if is_one_hot(explanation) else None


def is_one_hot(explanation: Explanation) -> bool:
    """Whether the samples are letters: zeros, with a 1 at most at each place."""
    given = explanation.data
    if given is None or given.ndim != 3 or given.shape != explanation.values.shape:
        return False
    return bool(np.isin(given, (0, 1)).all() and (given.sum(axis=2) <= 1).all() and given.any())


def base_in(explanation: Explanation, one: bool) -> Optional[float]:
    """T at the baseline of the sample, where the method has one."""
    return None if explanation.base_value is None else float(explanation.base_value[0])


def output_in(explanation: Explanation, one: bool) -> Optional[float]:
    """T of the sample, where T at the baseline is known, too."""
    known = explanation.outputs is not None and explanation.base_value is not None
    return float(explanation.outputs[0]) if known and explanation.outputs is not None else None
