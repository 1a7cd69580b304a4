"""Text: from attributions of the values of an embedding to those of its tokens."""

import numpy as np

from ..errors import ArgumentError


def per_token(attributions):
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
    ArgumentError
        There are fewer than two axes.

    Examples
    --------
    >>> from deepexplain.tensorflow import per_token
    >>> per_token([[[0.5, -0.25], [0.0, 1.0]]]).tolist()
    [[0.25, 1.0]]
    """
    if isinstance(attributions, list) and attributions and isinstance(attributions[0], np.ndarray):
        return [per_token(one) for one in attributions]
    attributions = np.asarray(attributions)
    if attributions.ndim < 2:
        raise ArgumentError(
            f'attributions must have the axes tokens and embedding dimensions last; got shape {attributions.shape}.'
        )
    return attributions.sum(axis=-1)
