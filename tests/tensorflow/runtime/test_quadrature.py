"""Rules of integration, asked to integrate what has a known integral."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import roots_legendre

from deepexplain.tensorflow.runtime.quadrature import QUADRATURES, refined


def points_of(rule, steps):
    return QUADRATURES[rule](steps, np.arange(steps))


def mean(rule, steps, function):
    points, weights = points_of(rule, steps)
    assert len(points) == steps
    return np.average(function(points), weights=weights)


@pytest.mark.parametrize('rule', sorted(QUADRATURES))
@pytest.mark.parametrize('steps', [1, 2, 3, 50, 2001])
def test_weights_sum_to_one_and_points_are_on_the_path(rule, steps):
    points, weights = points_of(rule, steps)
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


@given(rule=st.sampled_from(sorted(QUADRATURES)), steps=st.integers(1, 200), a=st.floats(-9, 9), b=st.floats(-9, 9))
def test_a_finer_rule_from_the_coarser_one_is_the_finer_rule(rule, steps, a, b):
    def f(x):
        return np.sin(a * x + b) + x

    finer = refined(rule, steps)
    alphas, weights = finer.points(np.arange(finer.added))
    found = finer.scale * mean(rule, steps, f) + np.sum(weights * f(alphas))
    assert found == pytest.approx(mean(rule, finer.steps, f), abs=1e-12)


@pytest.mark.parametrize(
    ('rule', 'expected'),
    [
        ('riemann_right', [1, 2, 4, 8, 16]),
        ('riemann_left', [1, 2, 4, 8, 16]),
        ('riemann_middle', [1, 3, 9, 27, 81]),
        ('riemann_trapezoid', [1, 3, 5, 9, 17]),
        ('gausslegendre', [1, 3, 6, 12, 24]),
    ],
)
def test_a_finer_rule_has_new_points_only(rule, expected):
    steps, points = [1], points_of(rule, 1)[0]
    for _ in range(4):
        finer = refined(rule, steps[-1])
        steps.append(finer.steps)
        shared = bool(finer.scale)
        assert shared == (rule != 'gausslegendre' and steps[-2:] != [1, 3]) or rule == 'riemann_middle'
        points = np.concatenate([points if shared else [], finer.points(np.arange(finer.added))[0]])
        np.testing.assert_allclose(np.sort(points), points_of(rule, finer.steps)[0], atol=1e-12)
    assert steps == expected


@pytest.mark.parametrize('steps', [1, 2, 3, 7, 49, 100, 1000, 12345])
def test_points_are_those_of_linspace_to_the_last_bit(steps):
    np.testing.assert_array_equal(points_of('riemann_right', steps)[0], np.linspace(1.0 / steps, 1.0, steps))
    if steps > 1:
        np.testing.assert_array_equal(points_of('riemann_trapezoid', steps)[0], np.linspace(0.0, 1.0, steps))


@pytest.mark.parametrize('steps', [10, 2000, 2001, 5001])
def test_gauss_legendre_points_are_those_of_scipy(steps):
    points, weights = roots_legendre(steps)
    found, shares = points_of('gausslegendre', steps)
    np.testing.assert_allclose(found, (points + 1) / 2, rtol=0, atol=2.3e-16 if steps > 2000 else 0)
    # SciPy has seven digits of the weights at the ends, and twelve of those in the middle.
    np.testing.assert_allclose(shares, weights / 2, rtol=0, atol=1e-13 if steps > 2000 else 0)


def test_the_outermost_of_many_gauss_legendre_points():
    # Found by Newton's method on the recurrence of the polynomials, in decimals of 50 digits.
    expected = [
        (0, 5.779717481600254e-08, 1.483262121386623e-07),
        (8, 7.554361591525456e-06, 1.726136665979181e-06),
        (9, 9.379133438849945e-06, 1.923406917310496e-06),
        (50, 2.540263646452198e-04, 1.000994501274269e-05),
    ]
    which, at, of = (np.array(column) for column in zip(*expected))
    for numbers in (which, 5000 - which):
        points, weights = QUADRATURES['gausslegendre'](5001, numbers)
        np.testing.assert_allclose(points if numbers is which else 1 - points, at, rtol=1e-13, atol=1e-16)
        np.testing.assert_allclose(weights, of, rtol=1e-13)


@pytest.mark.parametrize('rule', sorted(QUADRATURES))
@pytest.mark.parametrize('steps', [7, 50, 3000])
def test_points_are_the_same_whichever_are_asked_for_together(rule, steps):
    points, weights = points_of(rule, steps)
    which = np.array([0, 3, 6, steps - 1, steps // 2])
    some, shares = QUADRATURES[rule](steps, which)
    np.testing.assert_allclose(some, points[which], rtol=1e-15, atol=0)
    assert (weights is None) == (shares is None)
    if weights is not None:
        np.testing.assert_allclose(shares, weights[which], rtol=1e-13)


def test_many_gauss_legendre_points_are_exact_and_come_as_they_are_needed():
    steps, total = 200_001, 0.0  # SciPy would take minutes
    for first in range(0, steps, 10_000):
        points, weights = QUADRATURES['gausslegendre'](steps, np.arange(first, min(first + 10_000, steps)))
        total += (weights * 3 * points**2).sum()
    assert total == pytest.approx(1, abs=1e-14)
