"""Samples that a network takes, where nobody gave any: to ask it, to measure it and to check what was exported."""

from itertools import product
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import ArgumentError, GraphError
from ...types import Array
from ..compat import tf

if TYPE_CHECKING:
    from ..explainer import Explainer

#: Lengths to try for axes that the graph leaves open.
LENGTHS = (8, 32, 64, 224)


def _normal(random: Any, shape: Tuple[int, ...]) -> Array:
    values: Array = random.standard_normal(shape)
    return values


def _positive(random: Any, shape: Tuple[int, ...]) -> Array:
    values: Array = random.uniform(0.1, 1, shape)
    return values


def _whole(random: Any, shape: Tuple[int, ...]) -> Array:
    values: Array = random.randint(0, 2, shape)
    return values


#: How numbers are made up, in the order in which it is tried: the last are ids that any table has.
KINDS: Sequence[Callable[[Any, Tuple[int, ...]], Array]] = (_normal, _positive, _whole)


class MadeUp:
    """Samples of a kind and of lengths that the network of an explainer takes.

    Parameters
    ----------
    explainer : Explainer
    feed_dict : dict or None

    Raises
    ------
    GraphError
        The network takes none that were tried.
    """

    def __init__(self, explainer: 'Explainer', feed_dict: Optional[Dict[Any, Any]]) -> None:
        problem: Any = explainer.problem if explainer.problem.layer is None else explainer.problem.layer.problem
        self._explainer, self._inputs, self._several = explainer, problem.inputs, problem.several
        self._shapes, self._kind = self._found(feed_dict)

    def _found(self, feed_dict: Any) -> Any:
        failures: List[Exception] = []
        for shapes, kind in self._candidates():
            failure = self._failure(_made(self._inputs, shapes, kind, 2), feed_dict)
            if failure is None:
                return shapes, kind
            failures.append(failure)
        if isinstance(failures[0], ArgumentError):  # of a placeholder without a value, of an lrp's bounds
            raise failures[0]
        reason = str(failures[0]).splitlines()[0]
        raise GraphError(
            'export tries the network with made-up samples (of a normal distribution; between 0.1 and 1; zeros and '
            f'ones), and it takes none of them: {reason}. Open or build the model with a fixed shape of one sample.'
        )

    def _failure(self, xs: List[Array], feed_dict: Any) -> Optional[Exception]:
        """What is wrong with samples, as the network says."""
        try:
            outputs = self._explainer.outputs(self._given(xs), feed_dict=feed_dict)
        except (ArgumentError, tf.errors.OpError) as error:
            return error
        return None if np.isfinite(outputs).all() else GraphError('T is nan or infinite there')

    def _candidates(self) -> Iterator[Any]:
        is_open = any(None in (x.shape.as_list()[1:] if x.shape.ndims else [None]) for x in self._inputs)
        for length, kind in product(LENGTHS if is_open else LENGTHS[:1], KINDS):
            if kind is _whole or any(x.dtype.is_floating for x in self._inputs):
                yield [tuple(length if d is None else d for d in x.shape.as_list()[1:]) for x in self._inputs], kind

    def _given(self, xs: List[Array]) -> Any:
        return xs if self._several else xs[0]

    def samples(self, count: int) -> List[Array]:
        """So many, an array for each input."""
        return _made(self._inputs, self._shapes, self._kind, count)

    def xs(self, count: int) -> Any:
        """The same, as ``run`` takes them."""
        return self._given(self.samples(count))


def _made(inputs: Sequence[Any], shapes: Sequence[Tuple[int, ...]], kind: Any, count: int) -> List[Array]:
    random = np.random.RandomState(count)
    return [  # in single precision, as tf.Examples hold them
        (kind if x.dtype.is_floating else _whole)(random, (count, *shape))
        .astype(np.float32)
        .astype(x.dtype.as_numpy_dtype)
        for x, shape in zip(inputs, shapes)
    ]
