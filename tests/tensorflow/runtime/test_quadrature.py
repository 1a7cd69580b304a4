"""Rules of integration, asked to integrate what has a known integral."""

import numpy as np
import pytest

from deepexplain.tensorflow.runtime.quadrature import QUADRATURES


def mean(rule, steps, function):
    points, weights = QUADRATURES[rule](steps)
    assert len(points) == steps
    return np.average(function(points), weights=weights)


@pytest.mark.parametrize('rule', sorted(QUADRATURES))
@pytest.mark.parametrize('steps', [1, 2, 3, 50])
def test_weights_sum_to_one_and_points_are_on_the_path(rule, steps):
    points, weights = QUADRATURES[rule](steps)
    assert points.min() >= 0
    assert points.max() <= 1
    assert weights is None or weights.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ('rule', 'expected'),
    [
        ('riemann_right', (1 / 3 + 2 / 3 + 1) / 3),
        ('riemann_left', (0 + 1 / 3 + 2 / 3) / 3),
        ('riemann_middle', 1 / 2),
        ('riemann_trapezoid', 1 / 2),
        ('gausslegendre', 1 / 2),
    ],
)
def test_three_points_of_a_straight_line(rule, expected):
    assert mean(rule, 3, lambda a: a) == pytest.approx(expected, abs=1e-12)


def test_gauss_legendre_is_exact_for_polynomials_of_degree_2n_minus_1():
    assert mean('gausslegendre', 3, lambda a: a**5) == pytest.approx(1 / 6, abs=1e-12)
    assert mean('gausslegendre', 3, lambda a: a**6) != pytest.approx(1 / 7, abs=1e-6)


@pytest.mark.parametrize('rule', sorted(QUADRATURES))
def test_they_converge(rule):
    error = [abs(mean(rule, steps, np.exp) - (np.e - 1)) for steps in (4, 64)]
    assert error[1] < error[0] / 8
