"""Maps brought to another size in a graph: along each axis a product with the matrix of :func:`~.resized.resized`."""

from typing import Sequence

import numpy as np

from ...errors import GraphError
from ..compat import Tensor, tf
from .resized import resized


def resized_in_graph(maps: Tensor, sizes: Sequence[int], how: str) -> Tensor:
    """Maps of shape (samples, places..., 1) with these sizes in place of their own, as NumPy would make them."""
    result = tf.cast(maps, tf.float64)
    for axis, size in enumerate(sizes, start=1):
        old = maps.shape.as_list()[axis]
        if old is None or size is None:
            raise GraphError(
                'The graph leaves open how many places the layer or X has, so its map cannot be resized in a graph: '
                'give resize=None, or open or build the model with a fixed shape of one sample.'
            )
        matrix = tf.constant(resized(np.eye(old), [size], how))
        result = tf.tensordot(result, matrix, [[axis], [0]])  # whose new axis comes last
        ndims = maps.shape.ndims
        order = [*range(axis), ndims - 1, *range(axis, ndims - 1)]
        result = tf.transpose(result, order)
    return tf.cast(result, maps.dtype)
