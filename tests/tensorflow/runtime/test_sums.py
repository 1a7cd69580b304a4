"""Sums along an order: what plain additions in double precision give, or in doubt."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime import sums
from deepexplain.tensorflow.runtime.sums import SumsAlong


def along(rng, count, inputs, units, at_x, at_baseline, together=8):
    """A SumsAlong of all inputs in a random order, and what its rows are, one after the other."""
    weights = rng.randn(inputs, units).astype(np.float32).astype(np.float64)
    order, sizes = rng.permutation(inputs), np.abs(weights).max(axis=1)
    found = SumsAlong(weights, sizes, order, together)
    start = at_x.astype(np.float64) @ weights
    found.begin(at_x[:, order], at_baseline[:, order], start, np.zeros(count))
    plain = np.empty((count, inputs + 1, units))
    for n in range(inputs + 1):
        rows = at_x.astype(np.float64)
        rows[:, order[:n]] = at_baseline[:, order[:n]]
        plain[:, n] = rows @ weights
    return found, plain


def rows_of(found, sample, gone, units):
    sorting, doubt = found.sorted(sample, gone)
    out, rows = np.empty((len(sample), units), np.float32), np.empty((len(sample), units), np.float32)
    found.rows(sample[sorting], gone[sorting], out)
    rows[sorting] = out
    return rows, doubt


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 90), st.integers(1, 6), st.sampled_from([0, 1, 8]))
def test_rows_are_what_plain_sums_give_within_the_rounding_of_whole_rows_or_in_doubt(seed, count, inputs, units, wide):
    rng = np.random.RandomState(seed)
    # Values of very different sizes, as a time stamp in a table.
    at_x = (rng.randn(count, inputs) * 10.0 ** rng.randint(-wide, wide + 1, inputs)).astype(np.float32)
    at_baseline = (rng.randn(count, inputs) * rng.randint(0, 2, inputs)).astype(np.float32)
    found, plain = along(rng, count, inputs, units, at_x, at_baseline)
    sample, gone = (axis.ravel() for axis in np.indices((count, inputs + 1)))
    keep = rng.rand(len(sample)) < 0.7
    rows, doubt = rows_of(found, sample[keep], gone[keep], units)
    # What a product of matrices in single precision may err by: its terms, and as many roundings.
    terms = found._terms[sample[keep], gone[keep]]
    bound = (sums.MOST_GONE * sums.BLOCK + inputs) * np.finfo(np.float32).eps * terms
    error = np.abs(rows - plain[sample[keep], gone[keep]]).max(axis=1)
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
    found = SumsAlong(weights, weights[:, 0], order, 1)
    found.begin(at_x, 0 * at_x, at_x.astype(np.float64) @ weights, np.zeros(1))
    gone = np.arange(1, inputs - 100)
    rows, doubt = rows_of(found, 0 * gone, gone, 1)
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
        found, plain = along(rng, 3, 30, 4, at_x, 0 * at_x)
    sample, gone = (axis.ravel() for axis in np.indices((3, 29)))
    rows, doubt = rows_of(found, sample, gone, 4)
    assert doubt[sample == 1].any()
    assert np.isfinite(rows[sample != 1]).all()
    np.testing.assert_allclose(
        rows[(sample != 1) & ~doubt], plain[:, :-2][[0, 2]].reshape(-1, 4)[~doubt[sample != 1]], rtol=1e-4, atol=1e-4
    )
