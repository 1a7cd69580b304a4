"""Rules of integration, asked to integrate what has a known integral."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime.quadrature import QUADRATURES, refined


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


@given(rule=st.sampled_from(sorted(QUADRATURES)), steps=st.integers(1, 200), a=st.floats(-9, 9), b=st.floats(-9, 9))
def test_a_finer_rule_from_the_coarser_one_is_the_finer_rule(rule, steps, a, b):
    def f(x):
        return np.sin(a * x + b) + x

    finer = refined(rule, steps)
    found = finer.scale * mean(rule, steps, f) + np.sum(finer.weights * f(finer.alphas))
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
    steps, points = [1], QUADRATURES[rule](1)[0]
    for _ in range(4):
        finer = refined(rule, steps[-1])
        steps.append(finer.steps)
        shared = bool(finer.scale)
        assert shared == (rule != 'gausslegendre' and steps[-2:] != [1, 3]) or rule == 'riemann_middle'
        points = np.concatenate([points if shared else [], finer.alphas])
        np.testing.assert_allclose(np.sort(points), QUADRATURES[rule](finer.steps)[0], atol=1e-12)
    assert steps == expected


def test_thousands_of_gauss_legendre_points_are_exact():
    assert mean('gausslegendre', 3000, lambda a: 3 * a**2) == pytest.approx(1, abs=1e-12)
