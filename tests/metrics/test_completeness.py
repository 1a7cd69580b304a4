"""completeness: of arrays, of a function, of an explainer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import Explainer, Linear, linear_explainer

from deepexplain.errors import ArgumentError
from deepexplain.metrics import completeness, completeness_of

NETWORK = Linear(2, 3)
XS = NETWORK.xs()
YS = np.eye(3)[[0, 1, 2, 0]]
OFF = np.array([0.0, 1.0, -2.0, 0.5])


def off_by(xs, ys):
    found = NETWORK.contributions(xs, ys).copy()
    found[:, 0, 0] += OFF
    return found


def difference(baseline=0.0):
    return ((NETWORK(XS) - NETWORK(np.broadcast_to(baseline, XS.shape))) * YS).sum(axis=1)


def test_of_arrays_it_is_the_formula():
    found = completeness_of([[[1.0, 2.0]], [[3.0, 4.0]]], f_x=[5.0, 6.0], f_baseline=[1.0, -2.0])
    np.testing.assert_array_equal(found.delta, [-1, -1])
    np.testing.assert_array_equal(found.relative, [1 / 4, 1 / 8])
    found = completeness_of([[0.0], [1.0], [2.0]], [3, 3, 5], 3)
    np.testing.assert_array_equal(found.delta, [0, 1, 0])
    np.testing.assert_array_equal(found.relative, [0, np.inf, 0])


def test_contributions_of_a_linear_network_are_complete():
    for found in (
        completeness(linear_explainer(NETWORK), XS, ys=YS),
        completeness(linear_explainer(NETWORK), XS, ys=YS, baseline=0),
        completeness(NETWORK, XS, NETWORK.contributions(XS, YS), ys=YS),
    ):
        np.testing.assert_allclose(found.delta, np.zeros(4), atol=1e-12)
        np.testing.assert_allclose(found.relative, np.zeros(4), atol=1e-12)


def test_what_is_missing_is_said_in_all_three_ways():
    explainer = Explainer(NETWORK, off_by)
    for found in (
        completeness(explainer, XS, ys=YS),
        completeness(explainer, XS, explainer.run(XS, YS), ys=YS, baseline=0),
        completeness(NETWORK, XS, explainer.run(XS, YS), ys=YS, batch_size=3),
    ):
        np.testing.assert_allclose(found.delta, OFF, atol=1e-12)
        np.testing.assert_allclose(found.relative, np.abs(OFF / difference()), atol=1e-12)


@pytest.mark.parametrize('baseline', [0.5, [[1.0, 2, 3], [4, 5, 6]], XS / 2, np.abs])
def test_baselines(baseline):
    values = baseline(XS) if callable(baseline) else baseline
    attributions = NETWORK.gradients(XS, YS) * (XS - values)
    found = completeness(NETWORK, XS, attributions, ys=YS, baseline=baseline)
    np.testing.assert_allclose(found.delta, np.zeros(4), atol=1e-12)
    found = completeness(NETWORK, XS, 0 * XS, ys=YS, baseline=baseline)
    np.testing.assert_allclose(found.delta, -difference(values), atol=1e-12)
    np.testing.assert_allclose(found.relative, np.ones(4))


def test_several_inputs_and_their_baselines():
    def network(xs):
        return (xs[0].sum(axis=1) - 2 * xs[1][:, 0])[:, None]

    explainer = Explainer(network, lambda xs, ys: [1 * xs[0], -2 * xs[1]], several=True)
    xs = [XS[:, 0], XS[:, 1, :1]]
    np.testing.assert_allclose(completeness(explainer, xs).delta, np.zeros(4), atol=1e-12)
    found = completeness(explainer, xs, baseline=[[1.0, 0, 0], 3.0])
    np.testing.assert_allclose(found.delta, np.full(4, 1 - 6.0))


@given(seed=st.integers(0, 2**32 - 2), factor=st.floats(-100, 100))
def test_it_is_linear_in_attributions_and_outputs(seed, factor):
    random = np.random.RandomState(seed)
    a, f_x = random.normal(size=(3, 4)), random.normal(size=3)
    found, scaled = completeness_of(a, f_x, 0.3), completeness_of(factor * a, factor * f_x, factor * 0.3)
    np.testing.assert_allclose(scaled.delta, factor * found.delta, atol=1e-9)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match=r'one number for each of the 4 samples .* got shapes \(3,\) and \(\)'):
        completeness_of(XS, np.zeros(3), 0)
    with pytest.raises(ArgumentError, match=r'got shapes \(4,\) and \(1,\)'):
        completeness_of(XS, np.zeros(4), [0])
    with pytest.raises(ArgumentError, match=r'must have the samples along their first axis; got shape \(\)'):
        completeness_of(3.0, [3.0], 0)
    with pytest.raises(ArgumentError, match="may have another baseline than the explainer's: give baseline, too"):
        completeness(linear_explainer(NETWORK), XS, XS)
    of_0_3 = linear_explainer(NETWORK)
    of_0_3.run = lambda xs, ys=None, batch_size=None: xs
    with pytest.raises(ArgumentError, match='does not know return_convergence_delta: give baseline'):
        completeness(of_0_3, XS)
    with pytest.raises(ArgumentError, match=r'number for each of the 3 samples|one row for each of 4 samples'):
        completeness(NETWORK, XS, XS[:3], ys=YS)
    several = Explainer(lambda xs: xs[0], lambda xs, ys: xs, several=True)
    with pytest.raises(ArgumentError, match='xs must be a list of arrays, as X is a list of tensors; got ndarray'):
        completeness(several, XS)
    with pytest.raises(ArgumentError, match=r'All inputs must have the same number of samples; got \[4, 3\]'):
        completeness(several, [XS, XS[:3]])
    with pytest.raises(ArgumentError, match='baseline must be a list of 2, one for each input'):
        completeness(several, [XS, XS], baseline=[1.0])
    with pytest.raises(ArgumentError, match="ys must be an array of weights: .* one explanation at a time; got 'each'"):
        completeness(linear_explainer(NETWORK), XS, ys='each')
