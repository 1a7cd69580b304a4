"""What each letter would contribute, were it there."""

from typing import Any

import numpy as np

from ..arguments import as_array
from ..errors import ArgumentError
from ..types import Array, ArrayLike


def hypothetical_contributions(multipliers: ArrayLike, references: Any) -> Array:
    """What each letter of the alphabet would contribute at each position, if it stood there: for TF-MoDISco.

    ``h[i, c] = sum over letters a of m[i, a] * ((c == a) - r[i, a])``, the mean over the references r, each with
    its own multipliers m. Times the one-hot sequence and summed over letters, that is what each position contributes,
    where its row adds up to 1: a row of zeros (an unknown letter) is no letter that could contribute.

    Parameters
    ----------
    multipliers : array of real numbers
        Of shape (length, alphabet), (samples, length, alphabet) or (samples, references, length, alphabet); what
        ``multiply_by_inputs=False`` gives in 'deeplift', 'intgrad' or 'lrp'. With several references, those of each:
        their mean does not say which multiplier belongs to which reference.
    references : array of real numbers, or 0
        What the sequences were compared with: of the shape of the multipliers; or without the axis of samples, where
        all have the same; or 0, for a reference of zeros.

    Returns
    -------
    array of float64, shape (length, alphabet) or (samples, length, alphabet)

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape or kind, or holds nan or infinite values.

    References
    ----------
    Shrikumar et al., Technical note on transcription factor motif discovery from importance scores (TF-MoDISco), 2018.
    https://doi.org/10.48550/arXiv.1811.00416

    Examples
    --------
    >>> from deepexplain.sequences import hypothetical_contributions
    >>> hypothetical_contributions([[1.0, 2.0, 0.0, 0.0]], [[0.25, 0.25, 0.25, 0.25]])
    array([[ 0.25,  1.25, -0.75, -0.75]])

    With 20 shuffles of each of the samples ``xs`` for references::

        shuffles = dinucleotide_shuffles(xs, 20, seed=0)
        multipliers = de.explain('deeplift', T, X, np.repeat(xs, 20, axis=0), rules='complete',
                                 baseline=shuffles.reshape((-1,) + xs.shape[1:]), multiply_by_inputs=False)
        hypothetical = hypothetical_contributions(multipliers.reshape(shuffles.shape), shuffles)
        contributions = (hypothetical * xs).sum(axis=-1)
    """
    m = as_array(multipliers, 'multipliers', finite=True)
    if m.ndim not in (2, 3, 4) or not m.size:
        raise ArgumentError(
            'multipliers must have the axes (length, alphabet), (samples, length, alphabet) or (samples, references, '
            f'length, alphabet); got shape {m.shape}.'
        )
    r = as_array(references, 'references', finite=True)
    if r.ndim and (r.ndim < 2 or r.shape not in (m.shape, m.shape[1:])):
        of_mean = m.ndim == 3 and r.ndim == 4 and r[:, 0].shape == m.shape
        hint = (
            ' With several references, give the multipliers of each, of the shape of references: explain each sample '
            'once for each reference, as its baseline.'
        )
        or_less = f', or that without samples, {m.shape[1:]}' if m.ndim > 2 else ''
        raise ArgumentError(
            f'references must be 0, or have the shape of multipliers, {m.shape}{or_less}; got {r.shape}.'
            f'{hint if of_mean else ""}'
        )
    if not r.ndim and r != 0:
        raise ArgumentError(f'references must be 0 or an array with a row for each position; got {float(r)}.')
    m, r = m.astype(np.float64), r.astype(np.float64)
    result: Array = m - (m * r).sum(axis=-1, keepdims=True)
    return result.mean(axis=1) if m.ndim == 4 else result
