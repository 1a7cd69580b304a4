"""Sums along an order: what plain additions in double precision give, or in doubt."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime import sums
from deepexplain.tensorflow.runtime.sums import SumsAlong


def along(rng, at_x, at_baseline, units, columns=None):
    """Of each sample the sums along a random order of some inputs, which of them are in doubt, and what they are."""
    inputs = at_x.shape[1]
    weights = rng.randn(inputs, units).astype(np.float32).astype(np.float64)
    sizes = np.abs(weights).max(axis=1)
    found = SumsAlong(weights, sizes)
    results = []
    for x, baseline in zip(at_x.astype(np.float64), at_baseline.astype(np.float64)):
        order = rng.permutation(inputs)[:columns]
        found.follow(order)
        rest = np.delete(np.abs(x) * sizes, order).sum()
        sums, doubt = found.of(x[order].astype(np.float32), baseline[order].astype(np.float32), x @ weights, rest)
        rows = np.repeat(x[None], len(order) + 1, axis=0)
        for n in range(len(order) + 1):
            rows[n, order[:n]] = baseline[order[:n]]
        results.append((sums.copy(), doubt, rows @ weights, np.abs(rows) @ sizes))
    return (np.stack(one) for one in zip(*results))


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 90), st.integers(1, 6), st.sampled_from([0, 1, 8]))
def test_rows_are_what_plain_sums_give_within_the_rounding_of_whole_rows_or_in_doubt(seed, count, inputs, units, wide):
    rng = np.random.RandomState(seed)
    # Values of very different sizes, as a time stamp in a table.
    at_x = (rng.randn(count, inputs) * 10.0 ** rng.randint(-wide, wide + 1, inputs)).astype(np.float32)
    at_baseline = (rng.randn(count, inputs) * rng.randint(0, 2, inputs)).astype(np.float32)
    sums_found, doubt, plain, terms = along(rng, at_x, at_baseline, units, rng.randint(1, inputs + 1))
    assert sums_found.shape == plain.shape
    # What a product of matrices in single precision may err by: its terms, and as many roundings.
    bound = (sums.MOST_GONE * sums.BLOCK + inputs) * np.finfo(np.float32).eps * terms
    error = np.abs(sums_found - plain).max(axis=2)
    assert (error <= bound + 1e-30)[~doubt].all()
    assert np.median(error[~doubt] / (terms[~doubt] + 1e-30)) < 1e-5 if (~doubt).any() else True
    if wide == 0 and doubt.size > 100:
        assert doubt.mean() < 0.5


def test_a_sum_that_drifts_would_be_seen():
    # Added up one after the other in single precision, 20,000 steps lose four digits; blocks lose none.
    rng, inputs = np.random.RandomState(0), 20000
    at_x = np.abs(rng.randn(1, inputs)).astype(np.float32)
    weights = np.abs(rng.randn(inputs, 1))
    order = np.arange(inputs)
    found = SumsAlong(weights, weights[:, 0])
    found.follow(order)
    gone = np.arange(1, inputs - 100)
    rows, doubt = (one[gone] for one in found.of(at_x[0], 0 * at_x[0], at_x[0].astype(np.float64) @ weights, 0.0))
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
        rows, doubt, plain, _ = along(rng, at_x, 0 * at_x, 4)
    assert doubt[1].all() == (value != 3e38)
    assert not doubt[[0, 2], :-2].any()
    np.testing.assert_allclose(rows[[0, 2], :-2], plain[[0, 2], :-2], rtol=1e-4, atol=1e-4)
