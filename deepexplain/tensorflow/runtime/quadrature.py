"""Rules for the integral of integrated gradients: points between 0 and 1, and weights that sum to one. NumPy only."""

from typing import Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np
from scipy.special import roots_legendre

from ...types import Array

#: Points, and their weights (None where all are alike).
Points = Tuple[Array, Optional[Array]]


def _right(steps: int) -> Points:
    return np.linspace(1.0 / steps, 1.0, steps), None


def _left(steps: int) -> Points:
    return np.arange(steps) / steps, None


def _middle(steps: int) -> Points:
    return (np.arange(steps) + 0.5) / steps, None


def _trapezoid(steps: int) -> Points:
    if steps == 1:
        return _middle(steps)
    weights = np.full(steps, 1.0 / (steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0.0, 1.0, steps), weights


def _gauss_legendre(steps: int) -> Points:
    points, weights = roots_legendre(steps)  # NumPy's takes minutes for thousands of points
    return (points + 1) / 2, weights / 2


#: Name of a rule -> a function of the number of points: these, and their weights (None where all are alike).
QUADRATURES: Dict[str, Callable[[int], Points]] = {
    'riemann_right': _right,
    'riemann_left': _left,
    'riemann_middle': _middle,
    'riemann_trapezoid': _trapezoid,
    'gausslegendre': _gauss_legendre,
}


class Refined(NamedTuple):
    """A finer rule: its number of points, and how to come to it from a coarser one."""

    steps: int
    alphas: Array
    weights: Optional[Array]
    scale: float


def refined(name: str, steps: int) -> Refined:
    """The next finer rule that has all points of the one with ``steps``, or twice as many where none has.

    Returns
    -------
    Refined
        ``alphas`` are the new points. For every function f, ``mean(finer) = scale * mean(coarser) + sum(weights *
        f(alphas))``.
    """
    if name == 'gausslegendre' or (name == 'riemann_trapezoid' and steps == 1):
        more = 2 * steps + (steps == 1)
        return Refined(more, *QUADRATURES[name](more), 0.0)
    if name == 'riemann_middle':
        alphas = np.delete(_middle(3 * steps)[0], slice(1, None, 3))
        return Refined(3 * steps, alphas, np.full(2 * steps, 1 / (3 * steps)), 1 / 3)
    intervals = steps - 1 if name == 'riemann_trapezoid' else steps
    return Refined(steps + intervals, _middle(intervals)[0], np.full(intervals, 0.5 / intervals), 0.5)
