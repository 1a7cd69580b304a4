"""infidelity against its formula, on networks whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import Explainer, Linear, Recorder, flat, linear_explainer

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.metrics import infidelity

NETWORK = Linear(5, 4, 2)
XS = NETWORK.xs()
YS = np.eye(3)[[0, 1, 2, 0]]


def squares(rows):
    return (flat(rows) ** 2).sum(axis=1)


def multiplicative(xs, random):
    return xs * random.uniform(0, 1, xs.shape)


@pytest.mark.parametrize('perturbation', ['gaussian', 'square', multiplicative])
@pytest.mark.parametrize('normalize', [False, True])
def test_it_is_0_for_a_linear_network(perturbation, normalize):
    options = {'ys': YS, 'perturbation': perturbation, 'normalize': normalize, 'draws': 10}
    found = infidelity(linear_explainer(NETWORK), XS, **options)
    np.testing.assert_allclose(found, np.zeros(4), atol=1e-20)
    found = infidelity(NETWORK, XS, NETWORK.gradients(XS, YS), multiply_by_inputs=False, **options)
    np.testing.assert_allclose(found, np.zeros(4), atol=1e-20)
    halved = infidelity(NETWORK, XS, NETWORK.contributions(XS, YS) / 2, **options)
    assert (halved > 1e-3).all() != normalize  # only their proportions are right


def test_of_zeros_it_is_the_mean_square_change_of_the_output():
    # f = sum of x^2, I of standard deviation s: E[(2 x I - I^2)^2] = 4 x^2 s^2 + 3 s^4 for a single value.
    xs, s = np.array([[0.5], [-2.0]]), 0.1
    found = infidelity(squares, xs, 0 * xs, scale=s, draws=20000)
    np.testing.assert_allclose(found, 4 * xs[:, 0] ** 2 * s**2 + 3 * s**4, rtol=0.03)
    # Its gradient leaves E[I^4] = 3 s^4.
    found = infidelity(squares, xs, 2 * xs, scale=s, draws=20000, multiply_by_inputs=False)
    np.testing.assert_allclose(found, [3 * s**4] * 2, rtol=0.1)
    found = infidelity(squares, xs, 2 * xs * xs, scale=s, draws=20000)
    np.testing.assert_allclose(found, [3 * s**4] * 2, rtol=0.1)


@pytest.mark.parametrize('normalize', [False, True])
@pytest.mark.parametrize('perturbation', ['gaussian', 'square'])
@pytest.mark.parametrize('contributions', [False, True])
def test_it_is_the_formula_of_the_changes_that_were_made(normalize, perturbation, contributions):
    attributions, baseline = np.random.RandomState(5).normal(size=XS.shape), 0.25
    predict = Recorder(squares)
    found = infidelity(
        predict,
        XS,
        attributions,
        perturbation=perturbation,
        draws=12,
        normalize=normalize,
        baseline=baseline,
        multiply_by_inputs=contributions,
    )
    copies = predict.rows.reshape((-1,) + XS.shape)
    copies = copies[[not (copy == XS).all() for copy in copies]]
    assert len(copies) == 12
    for i, x in enumerate(XS):
        expected, changes = [], []
        for copy in copies:
            slope = attributions[i] / (x - baseline) if contributions else attributions[i]
            expected.append(((x - copy[i]) * slope).sum())
            changes.append((x**2).sum() - (copy[i] ** 2).sum())
        expected, changes = np.array(expected), np.array(changes)
        beta = (expected * changes).mean() / (expected**2).mean() if normalize else 1
        np.testing.assert_allclose(found[i], ((beta * expected - changes) ** 2).mean(), rtol=1e-9)


def test_the_noise_is_normal_and_of_this_scale():
    predict = Recorder(squares)
    infidelity(predict, XS, XS, scale=0.3, draws=2000)
    noise = predict.rows.reshape((-1,) + XS.shape) - XS
    noise = noise[np.abs(noise).max(axis=(1, 2, 3, 4)) > 0]
    np.testing.assert_allclose(noise.std(axis=0), np.full(XS.shape, 0.3), rtol=0.1)
    np.testing.assert_allclose(np.abs(noise).mean(), 0.3 * np.sqrt(2 / np.pi), rtol=0.01)
    assert abs(np.corrcoef(noise[:, 0, 0, 0, 0], noise[:, 1, 0, 0, 0])[0, 1]) < 0.1  # another one for each sample


def test_a_square_goes_to_the_baseline():
    predict = Recorder(squares)
    infidelity(predict, XS, XS, perturbation='square', size=2, baseline=7.0, draws=300)
    gone = np.isclose(predict.rows, 7)
    assert (predict.rows[~gone] == np.broadcast_to(XS, (301,) + XS.shape).reshape(predict.rows.shape)[~gone]).all()
    places = set()
    for one in gone:
        rows, columns = (sorted(set(axis)) for axis in np.nonzero(one)[:2])
        if rows:
            assert one.sum() == 2 * 2 * 2
            assert rows[1] - rows[0] == columns[1] - columns[0] == 1
            places.add((rows[0], columns[0]))
    assert places == {(i, j) for i in range(4) for j in range(3)}  # every place where it fits


def test_values_at_the_baseline_stay_unless_attributions_are_gradients():
    xs = XS.copy()
    xs[:, 0] = 0
    predict = Recorder(squares)
    infidelity(predict, xs, xs, draws=5)
    assert not predict.rows[:, 0].any()
    infidelity(predict, xs, xs, draws=5, multiply_by_inputs=False)
    assert predict.rows[:, 0].any()


def test_integers_and_float32():
    found = infidelity(squares, np.array([[10, 20]]), [[200, 800]], draws=50)
    assert 0 < found[0] < 0.1
    predict = Recorder(lambda rows: flat(rows).astype(float) @ [1, 2])
    found = infidelity(predict, np.float32([[100, 3]]), [[100, 6]], scale=1e-3)
    assert predict.rows.dtype == np.float32
    assert found[0] < 1e-20  # against the change that was made, not the one before it was rounded


def test_several_inputs():
    explainer = Explainer(lambda xs: (flat(xs[0]).sum(axis=1) - 2 * xs[1][:, 0])[:, None], None, several=True)
    explainer.attribute = lambda xs, ys: [1 * xs[0], -2 * xs[1]]
    xs = [XS, XS[:, 0, 0, :1]]
    np.testing.assert_allclose(infidelity(explainer, xs), np.zeros(4), atol=1e-20)
    with pytest.raises(ArgumentTypeError, match="'square' needs one input of images"):
        infidelity(explainer, xs, perturbation='square')


@given(seed=st.integers(0, 2**32 - 2), batch_size=st.integers(1, 50), factor=st.floats(0.01, 100))
def test_batch_size_seed_and_the_factor_that_normalize_takes_out(seed, batch_size, factor):
    random = np.random.RandomState(seed)
    xs, attributions = random.normal(size=(2, 3, 4))
    options = {'draws': 10, 'seed': seed, 'normalize': True}
    found = infidelity(squares, xs, attributions, **options)
    predict = Recorder(squares)
    np.testing.assert_allclose(infidelity(predict, xs, factor * attributions, batch_size=batch_size, **options), found)
    assert max(map(len, predict.calls)) <= batch_size
    plain = infidelity(squares, xs, attributions, draws=10, seed=seed)
    assert (found <= plain * (1 + 1e-9)).all()
    assert np.abs(infidelity(squares, xs, attributions, draws=10, seed=seed + 1) - plain).max() > 0


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        ({'perturbation': 'noise'}, ArgumentError, "must be one of 'gaussian', 'square'; got 'noise'"),
        (
            {'perturbation': lambda xs, random: xs[0]},
            ArgumentError,
            r'What the perturbation returns must have the shape',
        ),
        ({'perturbation': 'square', 'size': 5}, ArgumentError, 'size must be at most the side of an image, 4; got 5'),
        ({'scale': 0}, ArgumentError, 'scale must be greater than 0 and finite; got 0'),
        ({'scale': 'a'}, ArgumentTypeError, "scale must be a number; got 'a'"),
        ({'draws': 0}, ArgumentError, 'draws must be at least 1; got 0'),
        ({'attributions': XS[..., 0]}, ArgumentError, r'the shape of xs, \(4, 5, 4, 2\); got \(4, 5, 4\)'),
    ],
)
def test_what_does_not_fit_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        infidelity(squares, XS, **dict({'attributions': XS}, **options))


def test_squares_are_for_images():
    with pytest.raises(ArgumentTypeError, match=r"'square' needs one input of images, .*; got \[\(4, 8\)\]"):
        infidelity(squares, flat(XS)[:, :8], flat(XS)[:, :8], perturbation='square')
