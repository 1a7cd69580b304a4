"""Rules for the integral of integrated gradients: points between 0 and 1, and weights that sum to one. NumPy only."""

import numpy as np


def _right(steps):
    return np.linspace(1.0 / steps, 1.0, steps), None


def _left(steps):
    return np.arange(steps) / steps, None


def _middle(steps):
    return (np.arange(steps) + 0.5) / steps, None


def _trapezoid(steps):
    if steps == 1:
        return _middle(steps)
    weights = np.full(steps, 1.0 / (steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0.0, 1.0, steps), weights


def _gauss_legendre(steps):
    points, weights = np.polynomial.legendre.leggauss(steps)
    return (points + 1) / 2, weights / 2


#: Name of a rule -> a function of the number of points: these, and their weights (None where all are alike).
QUADRATURES = {
    'riemann_right': _right,
    'riemann_left': _left,
    'riemann_middle': _middle,
    'riemann_trapezoid': _trapezoid,
    'gausslegendre': _gauss_legendre,
}
