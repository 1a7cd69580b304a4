"""max_sensitivity where it is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import Explainer, Linear, Recorder, linear_explainer

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.metrics import max_sensitivity

NETWORK = Linear(3, 2)
XS = NETWORK.xs()
YS = np.eye(3)[[0, 1, 2, 0]]


def test_the_gradient_of_a_linear_network_holds_still():
    explainer = Explainer(NETWORK, NETWORK.gradients)
    np.testing.assert_array_equal(max_sensitivity(explainer, XS, ys=YS), np.zeros(4))


def test_one_feature_changes_by_the_radius():
    # Attributions w x of one value: |w d| / |w x|, at most radius / |x|.
    xs = np.array([[0.5], [-4.0]])
    found = max_sensitivity(lambda rows: -3 * rows, xs, radius=0.1, draws=500)
    np.testing.assert_allclose(found * np.abs(xs[:, 0]), [0.1, 0.1], rtol=0.02)
    assert (found * np.abs(xs[:, 0]) <= 0.1).all()


def test_it_is_the_formula_of_the_changes_that_were_made():
    explain = Recorder(lambda rows: rows**3)
    found = max_sensitivity(explain, XS, radius=0.3, draws=7)
    changed = [call for call in explain.calls if not (call == XS).all()]
    assert len(changed) == 7
    for i, x in enumerate(XS):
        by_hand = [np.sqrt(((call[i] ** 3 - x**3) ** 2).sum() / ((x**3) ** 2).sum()) for call in changed]
        np.testing.assert_allclose(found[i], max(by_hand), rtol=1e-9)


def test_changes_fill_the_ball_and_differ_between_samples():
    explain = Recorder(lambda rows: rows)
    max_sensitivity(explain, XS, radius=0.3, draws=1000)
    d = np.array(explain.calls)[1:] - XS
    assert 0.29 < d.max() <= 0.3
    assert -0.3 <= d.min() < -0.29
    np.testing.assert_allclose(d.std(axis=0), np.full(XS.shape, 0.3 / np.sqrt(3)), rtol=0.1)
    assert abs(np.corrcoef(d[:, 0, 0, 0], d[:, 1, 0, 0])[0, 1]) < 0.1


def test_attributions_of_zero():
    xs = np.array([[0.0], [0.0]])
    np.testing.assert_array_equal(max_sensitivity(lambda rows: rows * [[0], [1]], xs), [0, np.inf])


def test_several_inputs_are_one_vector():
    explainer = Explainer(None, lambda xs, ys: [2 * xs[0], xs[1]], several=True)
    explainer.outputs = lambda xs: None
    joined = max_sensitivity(lambda rows: rows * [2, 2, 1], XS[..., 0])
    found = max_sensitivity(explainer, [XS[:, :2, 0], XS[:, 2, 0]])
    np.testing.assert_allclose(found, joined)


def test_attributions_may_have_another_shape_than_xs():
    found = max_sensitivity(lambda rows: rows.sum(axis=-1), XS)  # one number for each pixel
    assert found.shape == (4,)


@given(seed=st.integers(0, 2**32 - 2), factor=st.floats(0.01, 100))
def test_a_factor_changes_nothing_and_the_seed_repeats(seed, factor):
    xs = np.random.RandomState(seed).normal(size=(3, 4))
    found = max_sensitivity(np.sin, xs, seed=seed)
    np.testing.assert_allclose(max_sensitivity(lambda rows: factor * np.sin(rows), xs, seed=seed), found, rtol=1e-6)
    assert (max_sensitivity(np.sin, xs, seed=seed + 1) != found).any()
    assert (max_sensitivity(np.sin, xs, seed=seed, draws=20) >= found).all()  # the first draws are the same


def test_samples_keep_their_dtype_and_are_not_changed():
    explain, xs = Recorder(lambda rows: rows), XS.astype(np.float32)
    max_sensitivity(explain, xs)
    assert {call.dtype for call in explain.calls} == {np.dtype('float32')}
    np.testing.assert_array_equal(xs, XS.astype(np.float32))


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'radius': -1}, ArgumentError, 'radius must be greater than 0 and finite; got -1'),
        ({'draws': 1.5}, ArgumentTypeError, 'draws must be an integer; got 1.5'),
        ({'explain': 3}, ArgumentTypeError, 'explain must be an explainer or a function of xs; got 3'),
        ({'explain': lambda rows: rows[:2]}, ArgumentError, r'attributions must have one row for each of 4 samples'),
        ({'explain': lambda rows: rows * np.nan}, ArgumentError, 'attributions must be finite'),
        ({'ys': YS}, ArgumentError, 'ys, batch_size and feed_dict are for explainers'),
        ({'batch_size': 3}, ArgumentError, 'ys, batch_size and feed_dict are for explainers'),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        max_sensitivity(**dict({'explain': np.sin, 'xs': XS}, **arguments))


def test_an_explainer_gets_ys():
    found = max_sensitivity(linear_explainer(NETWORK), XS, ys=YS)
    by_hand = max_sensitivity(lambda rows: NETWORK.contributions(rows, YS), XS)
    np.testing.assert_array_equal(found, by_hand)
