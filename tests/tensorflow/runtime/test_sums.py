"""Sums along an order: what plain additions in double precision give, or in doubt."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime.sums import SumsAlong, small_of


def along(rng, at_x, at_baseline, units, columns=None, nonzero=1.0):
    """Of each sample: sums along a random order of some inputs, which are in doubt, what they are, what is small."""
    inputs = at_x.shape[1]
    weights = (rng.randn(inputs, units) * (rng.rand(inputs, units) < nonzero)).astype(np.float32).astype(np.float64)
    sizes = np.abs(weights).max(axis=1)
    found = SumsAlong(weights, sizes)
    results = []
    for x, baseline in zip(at_x.astype(np.float64), at_baseline.astype(np.float64)):
        order = rng.permutation(inputs)[:columns]
        found.follow(order)
        rest, small = np.delete(np.abs(x) * sizes, order).sum(), small_of(x, baseline, sizes)
        x32, baseline32 = (one[order].astype(np.float32) for one in (x, baseline))
        got, doubt = found.of(x32, baseline32, x @ weights, rest, small)
        rows = np.repeat(x[None], len(order) + 1, axis=0)
        for n in range(len(order) + 1):
            rows[n, order[:n]] = baseline[order[:n]]
        results.append((got.copy(), doubt, rows @ weights, np.abs(rows) @ np.abs(weights), small))
    return (np.stack(one) for one in zip(*results))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 10**6),
    st.integers(1, 5),
    st.integers(1, 90),
    st.integers(1, 6),
    st.sampled_from([0, 1, 4, 8]),
    st.sampled_from([0.1, 0.5, 1]),
)
def test_rows_are_what_plain_sums_give_in_double_precision_or_in_doubt(seed, count, inputs, units, wide, nonzero):
    rng = np.random.RandomState(seed)
    # Values of very different sizes, as a time stamp in a table.
    at_x = (rng.randn(count, inputs) * 10.0 ** rng.randint(-wide, wide + 1, inputs)).astype(np.float32)
    at_baseline = (rng.randn(count, inputs) * rng.randint(0, 2, inputs)).astype(np.float32)
    got, doubt, plain, terms, small = along(rng, at_x, at_baseline, units, rng.randint(1, inputs + 1), nonzero)
    assert got.shape == plain.shape
    # Of each unit by itself: of a sum only its last digit, and less than the small terms have in single precision.
    bound = np.finfo(np.float32).eps * (np.abs(plain) + small[:, None, None]) + 1e-13 * terms
    assert (np.abs(got - plain) <= bound + 1e-38)[~doubt].all()
    if wide == 0 and nonzero == 1 and doubt.size > 100:
        assert doubt.mean() < 0.5


@pytest.mark.parametrize('large', [1e4, 1e7, 1e9, 1e12, 1e30])
def test_large_columns_of_one_unit_leave_no_error_in_another(large):
    # As long as the second of them stays, it hides in the terms of all units that nothing large is left in the first.
    weights, rng = np.zeros((26, 2)), np.random.RandomState(0)
    weights[0, 0] = weights[1, 1] = 1
    weights[2:] = rng.randn(24, 2) * 0.3
    x, order = rng.randn(26), np.array([0, *range(2, 26), 1])
    x[:2] = large
    sizes = np.abs(weights).max(axis=1)
    found = SumsAlong(weights, sizes)
    found.follow(order)
    x32 = x.astype(np.float32)
    start = x32.astype(np.float64) @ weights
    got, doubt = found.of(x32[order], 0 * x32, start, 0.0, small_of(x32, 0 * x32, sizes))
    plain = np.array([x32[order[n:]].astype(np.float64) @ weights[order[n:]] for n in range(26)])
    np.testing.assert_allclose(got[:26][~doubt[:26], 0], plain[~doubt[:26], 0], rtol=1e-6, atol=1e-6)
    assert doubt[1:].all() == (large > 1e4)


def test_a_sum_that_drifts_would_be_seen():
    # Added up one after the other in single precision, 20,000 steps lose four digits; blocks lose none.
    rng, inputs = np.random.RandomState(0), 20000
    at_x = np.abs(rng.randn(1, inputs)).astype(np.float32)
    weights = np.abs(rng.randn(inputs, 1))
    order = np.arange(inputs)
    found = SumsAlong(weights, weights[:, 0])
    found.follow(order)
    gone = np.arange(1, inputs - 100)
    rows, doubt = (one[gone] for one in found.of(at_x[0], 0 * at_x[0], at_x[0].astype(np.float64) @ weights, 0.0, 1.0))
    plain = (at_x.astype(np.float64) @ weights - np.cumsum(at_x[0].astype(np.float64) * weights[:, 0]))[0, gone - 1]
    assert not doubt.any()
    assert np.abs(rows[:, 0] / plain - 1).max() < 1e-6
    drifting = at_x @ weights.astype(np.float32) - np.cumsum(at_x[0] * weights[:, 0].astype(np.float32))
    assert np.abs(drifting[0, gone - 1] / plain - 1).max() > 1e-5


@pytest.mark.parametrize('value', [np.inf, np.nan, 3e38])
def test_what_is_not_finite_in_one_sample_does_not_reach_others(value):
    rng = np.random.RandomState(1)
    at_x = rng.randn(3, 30).astype(np.float32)
    at_x[1, 4] = value
    with np.errstate(all='ignore'):
        rows, doubt, plain, _, _ = along(rng, at_x, 0 * at_x, 4)
    assert doubt[1].all()
    assert not doubt[[0, 2], :-2].any()
    np.testing.assert_allclose(rows[[0, 2], :-2], plain[[0, 2], :-2], rtol=1e-4, atol=1e-4)
