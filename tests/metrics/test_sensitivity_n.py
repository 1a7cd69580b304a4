"""sensitivity_n against its formula, on networks whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import Linear, Recorder, linear_explainer

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.metrics import sensitivity_n

NETWORK = Linear(6)
XS = NETWORK.xs()
YS = np.eye(3)[[0, 1, 2, 0]]


def product(rows):
    return rows[:, 0] * rows[:, 1]


def test_it_is_1_at_every_n_for_a_linear_network():
    found = sensitivity_n(linear_explainer(NETWORK), XS, ys=YS)
    assert found.n.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(found.per_sample, np.ones((4, 5)), rtol=1e-9)
    np.testing.assert_allclose(found.correlation, np.ones(5), rtol=1e-9)


def test_an_explainer_and_a_function_say_the_same():
    attributions = NETWORK.contributions(XS, YS) ** 3
    of_function = sensitivity_n(NETWORK, XS, attributions, ys=YS, n=[2, 4])
    of_explainer = sensitivity_n(linear_explainer(NETWORK), XS, attributions, ys=YS, n=[2, 4])
    weighted = sensitivity_n(lambda rows: NETWORK(rows)[:, 0], XS[:1], attributions[:1], n=[2, 4])
    np.testing.assert_allclose(of_function.per_sample, of_explainer.per_sample)
    np.testing.assert_allclose(of_function.per_sample[:1], weighted.per_sample)
    assert 0.1 < of_function.correlation.min() < of_function.correlation.max() < 0.999


def test_it_is_the_correlation_over_the_sets_that_were_taken_away():
    attributions = np.random.RandomState(3).normal(size=(2, 5))
    xs = np.random.RandomState(4).uniform(1, 2, size=(2, 5))
    predict = Recorder(lambda rows: np.tanh(rows[:, 0] * rows[:, 1]) - rows[:, 2] ** 2 + rows[:, 3])
    found = sensitivity_n(predict, xs, attributions, n=3, sets=20, baseline=0.5)
    rows = predict.rows.reshape(-1, 2, 5)
    (whole,) = (i for i in range(len(rows)) if (rows[i] == xs).all())
    rows = np.delete(rows, whole, axis=0)
    gone = rows == 0.5
    assert rows.shape == (20, 2, 5)
    assert (gone.sum(axis=-1) == 3).all()
    assert (rows[~gone] == np.broadcast_to(xs, rows.shape)[~gone]).all()
    assert len({tuple(one) for one in gone[:, 0]}) > 5
    for i in range(2):
        sums = [sum(attributions[i, j] for j in range(5) if one[i, j]) for one in gone]
        drops = [predict(xs[i : i + 1])[0] - predict(row[i : i + 1])[0] for row in rows]
        np.testing.assert_allclose(found.per_sample[i, 0], np.corrcoef(sums, drops)[0, 1], rtol=1e-9)
    np.testing.assert_allclose(found.correlation, found.per_sample.mean(axis=0))


def test_a_product_of_two_among_three_features():
    # Each of the three sets of one feature is drawn as often: drops 1, 1, 0, and sums 1, 0, 0, correlate by 0.5.
    found = sensitivity_n(product, np.ones((1, 3)), [[1.0, 0, 0]], n=[1, 2], sets=4000)
    np.testing.assert_allclose(found.correlation[0], 0.5, atol=0.03)
    # Sets of two: every one takes the product away, so there is nothing to correlate with.
    assert np.isnan(found.correlation[1])


def test_the_mean_leaves_out_where_it_is_not_defined():
    xs = np.array([[1.0, 1, 1], [0, 0, 0]])
    found = sensitivity_n(product, xs, [[1.0, 0, 0], [1, 0, 0]], n=1)
    assert np.isnan(found.per_sample[:, 0]).tolist() == [False, True]
    assert found.correlation[0] == found.per_sample[0, 0]


def test_rounding_of_float32_is_no_correlation():
    def predict(rows):
        return np.float32(10) + np.random.RandomState(0).uniform(-1e-6, 1e-6, len(rows)).astype(np.float32)

    assert np.isnan(sensitivity_n(predict, np.ones((2, 5)), np.arange(10).reshape(2, 5), n=2).per_sample).all()
    even = sensitivity_n(product, np.random.RandomState(0).uniform(1, 2, (1, 9)), np.full((1, 9), 0.1), n=3)
    assert np.isnan(even.correlation[0])


def test_pixels_are_features():
    network = Linear(4, 5, 3)
    xs = network.xs()
    attributions = network.contributions(xs)
    predict = Recorder(lambda rows: network(rows).sum(axis=1))
    found = sensitivity_n(predict, xs, attributions, n=[7], dims=[1, 2])
    np.testing.assert_allclose(found.per_sample, 1, rtol=1e-9)
    gone = (predict.rows == 0).reshape(-1, 20, 3)
    assert (gone.all(axis=-1) == gone.any(axis=-1)).all()  # all channels of a pixel, or none
    assert set(gone.any(axis=-1).sum(axis=-1)) == {0, 7}
    by_pixel = sensitivity_n(predict, xs, attributions.sum(axis=-1), n=[7], dims=[1, 2])
    np.testing.assert_allclose(by_pixel.per_sample, found.per_sample)
    by_column = sensitivity_n(predict, xs, attributions.sum(axis=(1, 3)), n=[3], dims=(2,))
    np.testing.assert_allclose(by_column.per_sample, 1, rtol=1e-9)


def test_the_default_sizes_go_from_1_to_80_percent():
    xs = np.random.RandomState(0).normal(size=(1, 1000))
    found = sensitivity_n(lambda rows: rows.sum(axis=1), xs, xs, sets=2)
    assert found.n[0] == 1
    assert found.n[-1] == 800
    assert len(found.n) == 12
    ratios = found.n[4:] / found.n[3:-1]
    assert ratios.max() / ratios.min() < 1.15
    assert sensitivity_n(product, [[1.0, 2.0]], [[1.0, 1.0]]).n.tolist() == [1]


def test_tokens_stay_integers():
    def predict(rows):
        assert rows.dtype == np.int64
        return (rows * [1, 10, 100]).sum(axis=1)

    assert sensitivity_n(predict, np.array([[1, 2, 3]]), [[1, 20, 300]], n=1).correlation.round(9) == 1


SEEDS = st.integers(0, 2**32 - 2)


def random_case(seed):
    random = np.random.RandomState(seed)
    xs, attributions = random.normal(size=(2, 3, 5))
    W = random.normal(size=(5, 4))
    return lambda rows: np.maximum(rows @ W, 0).sum(axis=1), xs, attributions


@given(seed=SEEDS, factor=st.floats(1e-6, 1e6))
def test_a_positive_factor_changes_nothing_and_a_negative_one_the_sign(seed, factor):
    predict, xs, attributions = random_case(seed)
    found, scaled, turned = (
        sensitivity_n(predict, xs, a, sets=20).per_sample for a in (attributions, factor * attributions, -attributions)
    )
    np.testing.assert_allclose(scaled, found, atol=1e-6)
    np.testing.assert_allclose(turned, -found, atol=1e-6)
    assert np.nanmax(np.abs(found)) <= 1


@given(seed=SEEDS, batch_size=st.integers(1, 100))
def test_the_batch_size_does_not_matter_and_the_seed_repeats(seed, batch_size):
    predict, xs, attributions = random_case(seed)
    recorder = Recorder(predict)
    found, batched, other = (
        sensitivity_n(f, xs, attributions, n=[2, 3], sets=20, seed=s, batch_size=b).per_sample
        for f, s, b in ((predict, seed, None), (recorder, seed, batch_size), (predict, seed + 1, None))
    )
    np.testing.assert_allclose(batched, found, rtol=1e-9)
    assert np.abs(other - found).max() > 1e-6
    assert max(map(len, recorder.calls)) <= batch_size


def test_an_explainer_gets_all_samples_in_each_call_and_the_batch_size():
    explainer = linear_explainer(NETWORK)
    sensitivity_n(explainer, XS, ys=YS, n=[1, 2], sets=5, batch_size=3)
    assert explainer.rows == [4] * 11
    assert explainer.batch_sizes == {3}


def test_nothing_that_is_given_is_changed():
    attributions = NETWORK.contributions(XS)
    before = XS.copy(), attributions.copy()
    sensitivity_n(linear_explainer(NETWORK), XS, attributions)
    np.testing.assert_array_equal(XS, before[0])
    np.testing.assert_array_equal(attributions, before[1])


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'n': 6}, ArgumentError, 'n must be at least 1 and less than the number of features, 6, .*; got 6'),
        ({'n': [1, 0]}, ArgumentError, 'n must be at least 1; got 0'),
        ({'n': []}, ArgumentError, r'n must be at least 1 .*; got \[\]'),
        ({'n': 0.5}, ArgumentTypeError, 'n must be an integer; got 0.5'),
        ({'sets': 1}, ArgumentError, 'sets must be at least 2: there is no correlation of one; got 1'),
        ({'seed': 'x'}, ArgumentTypeError, "seed must be an integer; got 'x'"),
        ({'batch_size': 0}, ArgumentError, 'batch_size must be at least 1; got 0'),
        ({'dims': [2]}, ArgumentError, r'dims must be axes of xs, from 1 to 1, .*; got \[2\]'),
        ({'dims': 1}, ArgumentTypeError, 'dims must be a list of axes of xs; got 1'),
        ({'dims': [0]}, ArgumentError, r'Each of dims \(axis 0 is that of the samples\) must be at least 1; got 0'),
        ({'baseline': np.zeros(5)}, ArgumentError, r'of one sample, \(6,\), or of xs, \(4, 6\); got \(5,\)'),
        ({'ys': [1, 0]}, ArgumentError, r'the shape of the outputs, \(4, 3\) or, for all .* alike, \(3,\); got \(2,\)'),
        ({'ys': None}, ArgumentError, r'outputs of shape \(3,\) for each row: say by ys which are explained'),
        ({'attributions': None}, ArgumentError, 'A function has no attributions: give them, or an explainer instead'),
        ({'attributions': YS}, ArgumentError, r'of xs, \(4, 6\); got \(4, 3\). ys and options are given by name'),
        ({'attributions': XS * np.nan}, ArgumentError, r'attributions must be finite; the first .* at index \(0, 0\)'),
        ({'attributions': [XS, XS]}, ArgumentError, 'attributions must be one array; got a list of 2 arrays. If each'),
        ({'xs': 'abc'}, ArgumentTypeError, 'xs must hold real numbers; its dtype is <U3'),
        ({'xs': 3.0}, ArgumentError, r'xs must hold samples, along its first axis; its shape is \(\)'),
        ({'xs': np.ones((4, 1)), 'attributions': np.ones((4, 1))}, ArgumentError, 'needs at least two features; .* 1'),
        ({'feed_dict': {}}, ArgumentError, 'feed_dict is for explainers'),
        ({'model': 3}, ArgumentTypeError, 'The network must be an explainer .* or a function of rows; got 3'),
        (
            {'model': lambda rows: 1.0},
            ArgumentError,
            r'one row of outputs for each of the 4 rows .* returned shape \(\)',
        ),
        ({'model': lambda rows: rows * np.inf}, ArgumentError, 'What the function returns must be finite'),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message):
    given_arguments = dict({'model': NETWORK, 'xs': XS, 'attributions': XS, 'ys': [1, 0, 0]}, **arguments)
    with pytest.raises(error, match=message):
        sensitivity_n(given_arguments.pop('model'), given_arguments.pop('xs'), **given_arguments)


def test_dims_must_ascend_and_attributions_fit_them():
    network = Linear(4, 4)
    xs = network.xs()
    with pytest.raises(ArgumentError, match=r'each once and in ascending order; got \[2, 1\]'):
        sensitivity_n(network, xs, xs, ys=[1, 0, 0], dims=[2, 1])
    with pytest.raises(ArgumentError, match=r'of xs, \(4, 4, 4\), or one .* dims=\[1\], \(4, 4\); got \(4, 3\)'):
        sensitivity_n(network, xs, np.ones((4, 3)), ys=[1, 0, 0], dims=[1])
