"""Text: token ids have no gradient, so their embedding is explained, and the result summed for each token."""

from contextlib import suppress
from typing import Any, List

import numpy as np

from ..arguments import as_array, text_of
from ..errors import ArgumentError, ArgumentTypeError, GraphError
from ..types import ArrayLike
from .compat import Tensor, is_graph_tensor, tf
from .runtime.graph import check_passes_gradient, ops_between, tensor_named, tensors_behind


def embedding_outputs(T: Any, ids: Any) -> List[Tensor]:
    """The tensors to explain in place of token ids, from which T is computed: the outputs of their embeddings.

    Parameters
    ----------
    T, ids : tf.Tensor, or its name
        The target and the ids (or any tensor whose gradient ends on the way to T, say in a cast to integers). Two
        names are of tensors in the default graph.

    Returns
    -------
    list of tf.Tensor
        Feedable, so that each can be an X. What to feed: ``session.run(X, {ids: ...})``. The ids themselves where they
        are floats that T has a gradient of.

    Raises
    ------
    ArgumentError
        There is none: T does not depend on the ids, or not by a lookup. Or there is no tensor of this name.

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import embedding_outputs
    >>> with tf.Graph().as_default():
    ...     ids = tf.placeholder(tf.int32, [None, 3])
    ...     words = tf.gather([[0., 1.], [2., 3.]], ids)
    ...     embedding_outputs(tf.reduce_sum(words, axis=[1, 2]), ids)[0] is words
    True
    """
    graph = next((tensor.graph for tensor in (T, ids) if is_graph_tensor(tensor)), tf.get_default_graph())
    T, ids = tensor_named(graph, T, 'T'), tensor_named(graph, ids, 'ids')
    for name, tensor in [('T', T), ('ids', ids)]:
        if not is_graph_tensor(tensor):
            raise ArgumentTypeError(f'{name} must be a tensor of a graph, or its name; got {text_of(tensor)}.')
    found = tensors_behind(T, ids)
    if not found and ids.dtype.is_floating:
        between = ops_between(T, [ids])
        with suppress(GraphError):
            check_passes_gradient(T, ids, between)
            found = [ids] if between else []
    if not found:
        raise ArgumentError(f"No embedding was found on the way from '{ids.name}' to '{T.name}'.")
    return found


def per_token(attributions: ArrayLike) -> Any:
    """Sum attributions of an embedding's output over its last axis: one number for each token.

    Parameters
    ----------
    attributions : ndarray, shape (..., tokens, embedding dimensions), or a list of them
        What ``explain`` returned for X the output of an embedding. Not of ``saliency``, which has no signs.

    Returns
    -------
    ndarray, shape (..., tokens), or a list of them

    Raises
    ------
    ArgumentError, ArgumentTypeError
        There are fewer than two axes, or anything but numbers.

    Examples
    --------
    >>> from deepexplain.tensorflow import per_token
    >>> per_token([[[0.5, -0.25], [0.0, 1.0]]]).tolist()
    [[0.25, 1.0]]
    """
    if isinstance(attributions, list) and attributions and isinstance(attributions[0], np.ndarray):
        return [per_token(one) for one in attributions]
    attributions = as_array(attributions, 'attributions')
    if attributions.ndim < 2:
        raise ArgumentError(
            f'attributions must have the axes tokens and embedding dimensions last; got shape {attributions.shape}.'
        )
    return attributions.sum(axis=-1)
