"""Maps brought to another size, along any number of axes. NumPy only."""

from typing import Optional, Sequence

import numpy as np

from ...types import Array

#: How a map is resized; None: not at all.
RESIZES = ('bilinear', 'nearest', None)


def resized(values: Array, sizes: Sequence[int], how: Optional[str], first: int = 1) -> Array:
    """``values`` with these sizes in place of those of its axes ``first``, ``first + 1``, ...

    Parameters
    ----------
    values : ndarray
    sizes : sequence of int
    how : 'bilinear', 'nearest' or None
        'bilinear' interpolates between the centres of the old places, along each axis, as ``tf.image.resize`` does
        (and PyTorch's ``interpolate`` with ``align_corners=False``). 'nearest' takes, for the new place i of n, the old
        one ``floor(i m / n)`` of m.

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.tensorflow.runtime.resized import resized
    >>> [resized(np.array([[0.0, 4.0]]), [4], how).tolist() for how in ('bilinear', 'nearest')]
    [[[0.0, 1.0, 3.0, 4.0]], [[0.0, 0.0, 4.0, 4.0]]]
    """
    if how is None:
        return values
    result = values.astype(np.float64)
    for axis, size in enumerate(sizes, start=first):
        old = result.shape[axis]
        if how == 'nearest':
            result = np.take(result, np.arange(size) * old // size, axis=axis)
            continue
        places = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        before = np.floor(places).astype(int)
        share = (places - before).reshape((-1,) + (1,) * (result.ndim - axis - 1))
        after = np.minimum(before + 1, old - 1)
        result = np.take(result, before, axis=axis) * (1 - share) + np.take(result, after, axis=axis) * share
    return result.astype(values.dtype)
