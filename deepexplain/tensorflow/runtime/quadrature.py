"""Rules for the integral of integrated gradients: points between 0 and 1, and weights that sum to one. NumPy only.

A rule computes those of its points that are asked for, by their numbers: a path of millions is never held in memory.
"""

from functools import lru_cache
from typing import Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np
from scipy.special import j1, jn_zeros, roots_legendre

from ...types import Array

#: Points, and their weights (None where all are alike).
Points = Tuple[Array, Optional[Array]]


def _up_to_one(start: float, steps: int, which: Array) -> Array:
    """Those points of ``np.linspace(start, 1, steps)``, to the last bit."""
    points: Array = which * ((1.0 - start) / max(1, steps - 1)) + start
    points[which == steps - 1] = 1.0
    return points


def _right(steps: int, which: Array) -> Points:
    return _up_to_one(1.0 / steps, steps, which), None


def _left(steps: int, which: Array) -> Points:
    return which / steps, None


def _middle(steps: int, which: Array) -> Points:
    return (which + 0.5) / steps, None


def _trapezoid(steps: int, which: Array) -> Points:
    if steps == 1:
        return _middle(steps, which)
    weights = np.full(len(which), 1.0 / (steps - 1))
    weights[(which == 0) | (which == steps - 1)] /= 2
    return _up_to_one(0.0, steps, which), weights


#: Up to so many points SciPy computes all at once, in 0.1 s. It takes the square of their number, and cannot be
#: interrupted; for more of them, formulas for large numbers are exact in double precision.
_MOST_OF_SCIPY = 2000
#: So many points at either end are those of a Bessel function; the others are zeros of a series of so many terms.
_AT_ENDS, _TERMS = 9, 20


def _gauss_legendre(steps: int, which: Array) -> Points:
    if steps <= _MOST_OF_SCIPY:
        points, weights = _gauss_legendre_of_scipy(steps)
        return points[which], weights[which]
    from_end = np.minimum(which, steps - 1 - which)  # they are symmetric
    angles, weights = _large_gauss_legendre(steps, from_end + 1.0)
    return np.where(which == from_end, np.sin(angles / 2), np.cos(angles / 2)) ** 2, weights


@lru_cache(maxsize=4)
def _gauss_legendre_of_scipy(steps: int) -> Tuple[Array, Array]:
    points, weights = roots_legendre(steps)
    return (points + 1) / 2, weights / 2


def _large_gauss_legendre(n: int, k: Array) -> Tuple[Array, Array]:
    """Angles whose cosines are the k-th zeros (1, 2, ...) of the Legendre polynomial of a large degree, and weights.

    One step of Newton's method from Olver's formula; see Hale and Townsend, SIAM J. Sci. Comput. 35(2), 2013,
    https://doi.org/10.1137/120889873. At the ends, where that series fails, sqrt(sin t) P(cos t) solves the equation
    of a Bessel function of zero order, but for t**2 / 60.
    """
    large = n + 0.5
    b = 8 * (k - 0.25) * np.pi
    psi = (b / 8 + 1 / b - 124 / (3 * b**3) + 120928 / (15 * b**5)) / large
    angles = psi + (psi / np.tan(psi) - 1) / (8 * psi * large**2)
    value, slope = _legendre(n, angles)
    angles -= value / slope
    slope = _legendre(n, angles)[1]
    at_end = k <= _AT_ENDS
    zeros = jn_zeros(0, _AT_ENDS)[k[at_end].astype(int) - 1]
    frequency = np.sqrt(large**2 + 1 / 12)
    angles[at_end] = zeros / frequency
    slope[at_end] = frequency * j1(zeros) * np.sqrt(angles[at_end] / np.sin(angles[at_end]))
    return angles, 1 / slope**2


def _legendre(n: int, angles: Array) -> Tuple[Array, Array]:
    """The Legendre polynomial of degree n at the cosines of the angles, and its derivative by the angle (Stieltjes)."""
    sin, cos = np.sin(angles), np.cos(angles)
    z = n + 0.75  # gamma(n + 1) / gamma(n + 3/2), which no difference of logarithms has to the last bits
    scale = 2 / np.sqrt(np.pi * z) * np.exp(-1 / (64 * z**2) + 5 / (2048 * z**4)) / np.sqrt(2 * sin)
    phase = (n + 0.5) * angles - np.pi / 4
    c, s = np.cos(phase) * scale, np.sin(phase) * scale
    value, slope = np.zeros_like(angles), np.zeros_like(angles)
    for m in range(_TERMS):
        value += c
        slope -= (n + m + 0.5) * s + (m + 0.5) * cos / sin * c
        ratio = (m + 0.5) ** 2 / ((m + 1) * (n + m + 1.5)) / (2 * sin)
        c, s = (c * sin + s * cos) * ratio, (s * sin - c * cos) * ratio
    return value, slope


#: Name of a rule -> a function of the number of points and the numbers, from 0, of those that are wanted: these, and
#: their weights (None where all are alike).
QUADRATURES: Dict[str, Callable[[int, Array], Points]] = {
    'riemann_right': _right,
    'riemann_left': _left,
    'riemann_middle': _middle,
    'riemann_trapezoid': _trapezoid,
    'gausslegendre': _gauss_legendre,
}


class Refined(NamedTuple):
    """A finer rule: its number of points, and how to come to it from a coarser one."""

    steps: int
    added: int
    points: Callable[[Array], Points]
    scale: float


def refined(name: str, steps: int) -> Refined:
    """The next finer rule that has all points of the one with ``steps``, or twice as many where none has.

    Returns
    -------
    Refined
        ``points`` is a function of the numbers of those new points that are wanted, of ``added``. For every function f,
        ``mean(finer) = scale * mean(coarser) + sum(weights * f(alphas))``.
    """
    rule = QUADRATURES[name]
    if name == 'gausslegendre' or (name == 'riemann_trapezoid' and steps == 1):
        more = 2 * steps + (steps == 1)
        return Refined(more, more, lambda which: rule(more, which), 0.0)
    if name == 'riemann_middle':
        # Not the middle one of each three, which was there.
        finer = 3 * steps
        return Refined(
            finer, 2 * steps, lambda which: (_middle(finer, (3 * which + 1) // 2)[0], _all(1 / finer, which)), 1 / 3
        )
    intervals = steps - 1 if name == 'riemann_trapezoid' else steps
    return Refined(
        steps + intervals,
        intervals,
        lambda which: (_middle(intervals, which)[0], _all(0.5 / intervals, which)),
        0.5,
    )


def _all(weight: float, which: Array) -> Array:
    return np.full(len(which), weight)
