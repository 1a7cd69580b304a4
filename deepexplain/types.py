"""Names for what annotations say often; at run time they say less. NumPy only."""

from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, Tuple, Union

import numpy as np

__all__ = ['Array', 'ArrayLike', 'Baseline', 'BaselineSet', 'Integers', 'OpenShape', 'Shape']

if TYPE_CHECKING:
    import numpy.typing as npt  # since NumPy 1.20; TensorFlow 1.15 has 1.18

    Array = npt.NDArray[Any]
else:
    #: An array of numbers, of any shape and dtype.
    Array = np.ndarray

#: Whatever becomes an array of real numbers: arrays, lists, tables (pandas), data sets (HDF5), eager tensors. It is Any
#: because most of these have no types; :func:`~deepexplain.arguments.as_array` checks what comes.
ArrayLike = Any

#: What samples are compared with: None for 0; a number; an array with the shape of one sample or a row for each; a
#: function of xs that returns one of these; or a list of them, one for each input.
Baseline = Union[None, float, ArrayLike, Callable[[Any], ArrayLike], Sequence[Union[float, ArrayLike]]]

#: A set of them: an array with a row for each, or a function of xs that returns one; or a list of arrays.
BaselineSet = Union[None, ArrayLike, Callable[[Any], ArrayLike], Sequence[ArrayLike]]

#: A list of integers.
Integers = Union[Sequence[int], Array]

#: A shape; and one in which None stands for a dimension that is open.
Shape = Tuple[int, ...]
OpenShape = Sequence[Optional[int]]
