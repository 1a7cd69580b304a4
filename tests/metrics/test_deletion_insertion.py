"""deletion_insertion by hand, and what must hold for all networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import Linear, Recorder, linear_explainer

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.metrics import deletion_insertion

NETWORK = Linear(6)
XS = NETWORK.xs()
YS = np.eye(3)[[0, 1, 2, 0]]


def total(rows):
    return rows.reshape(len(rows), -1).sum(axis=1)


def test_a_linear_network_by_hand():
    # Contributions 4, -1, 2: they go in the order 4, 2, -1.
    found = deletion_insertion(lambda rows: rows @ [2.0, -1.0, 1.0] + 10, [[2.0, 1.0, 2.0]], [[4.0, -1.0, 2.0]])
    np.testing.assert_allclose(found.fraction, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(found.deletion, [[15, 11, 9, 10]])
    np.testing.assert_allclose(found.insertion, [[10, 14, 16, 15]])
    np.testing.assert_allclose(found.deletion_area, [(7.5 + 11 + 9 + 5) / 3])
    np.testing.assert_allclose(found.insertion_area, [(5 + 14 + 16 + 7.5) / 3])


def test_a_threshold_needs_its_features_first():
    # f = 1 while both of the first two features are there.
    def both(rows):
        return ((rows[:, 0] > 0) & (rows[:, 1] > 0)).astype(float)

    xs = np.ones((2, 4))
    found = deletion_insertion(both, xs, [[4, 3, 2, 1], [1, 2, 3, 4]])
    np.testing.assert_array_equal(found.deletion, [[1, 0, 0, 0, 0], [1, 1, 1, 0, 0]])
    np.testing.assert_array_equal(found.insertion, [[0, 0, 1, 1, 1], [0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(found.deletion_area, [1 / 8, 5 / 8])
    np.testing.assert_array_equal(found.insertion_area, [5 / 8, 1 / 8])


def test_ties_go_in_the_order_of_xs():
    predict = Recorder(total)
    xs = np.arange(1.0, 7).reshape(1, 6)
    deletion_insertion(predict, xs, [[0, 1, 0, 1, 0, 1]])
    np.testing.assert_array_equal(predict.rows[0], xs[0])
    went = [int(np.flatnonzero(a != b)[0]) for a, b in zip(predict.rows[:6], predict.rows[1:7])]
    assert went == [1, 3, 5, 0, 2, 4]
    xs, ties = np.random.RandomState(0).normal(size=(2, 1, 50))
    found = deletion_insertion(total, xs, np.round(ties))  # enough of them for a sort that is not stable
    order = sorted(range(50), key=lambda i: (-np.round(ties)[0, i], i))
    np.testing.assert_allclose(-np.diff(found.deletion[0]), xs[0, order], atol=1e-12)


def test_steps_cut_the_features_into_parts_that_differ_by_at_most_one():
    xs = np.ones((1, 10))
    found = deletion_insertion(total, xs, xs, steps=4)
    np.testing.assert_allclose(found.fraction, [0, 0.2, 0.5, 0.7, 1])
    np.testing.assert_allclose(found.deletion, 10 - 10 * found.fraction[None])
    np.testing.assert_allclose(found.deletion_area, [5.0])  # whatever the steps: the trapezoids of a line are exact
    assert len(deletion_insertion(total, np.ones((1, 200)), np.ones((1, 200))).fraction) == 51


def test_pixels_are_features():
    network = Linear(3, 4, 2)
    xs = network.xs()
    predict = Recorder(lambda rows: network(rows)[:, 0])
    found = deletion_insertion(predict, xs, network.contributions(xs, [1, 0, 0]), dims=[1, 2])
    gone = (predict.rows == 0).reshape(-1, 12, 2)
    assert (gone.all(axis=-1) == gone.any(axis=-1)).all()
    losses = -np.diff(found.deletion, axis=1)
    assert losses.shape == (4, 12)
    by_hand = np.sort(network.contributions(xs, [1, 0, 0]).sum(axis=-1).reshape(4, 12), axis=1)[:, ::-1]
    np.testing.assert_allclose(losses, by_hand, atol=1e-12)


def test_a_baseline_for_each_sample():
    blurred = np.broadcast_to(XS.mean(axis=1, keepdims=True), XS.shape)
    found = deletion_insertion(NETWORK, XS, XS, ys=YS, baseline=blurred)
    np.testing.assert_allclose(found.deletion[:, -1], (NETWORK(blurred) * YS).sum(axis=1))
    np.testing.assert_allclose(found.insertion[:, 0], found.deletion[:, -1])


@given(seed=st.integers(0, 2**32 - 2), batch_size=st.integers(1, 60))
def test_ends_scaling_and_batches(seed, batch_size):
    random = np.random.RandomState(seed)
    xs, attributions = random.normal(size=(2, 3, 5))
    W = random.normal(size=(5, 4))

    def predict(rows):
        return np.tanh(rows @ W).sum(axis=1)

    found = deletion_insertion(predict, xs, attributions)
    for curve in (found.deletion, found.insertion[:, ::-1]):
        np.testing.assert_allclose(curve[:, 0], predict(xs), rtol=1e-9)
        np.testing.assert_allclose(curve[:, -1], [0] * 3, atol=1e-12)
    recorder = Recorder(predict)
    same = deletion_insertion(recorder, xs, 1e-3 * attributions, batch_size=batch_size)
    for a, b in zip(found, same):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12)
    assert max(map(len, recorder.calls)) <= batch_size
    # Deleting in one order is inserting in the other.
    turned = deletion_insertion(predict, xs, -attributions)
    np.testing.assert_allclose(turned.insertion[:, ::-1], found.deletion, rtol=1e-9, atol=1e-12)


def test_contributions_of_a_linear_network_have_the_best_areas():
    best = deletion_insertion(linear_explainer(NETWORK), XS, ys=YS)
    random = np.random.RandomState(0)
    for _ in range(20):
        other = deletion_insertion(NETWORK, XS, random.normal(size=XS.shape), ys=YS)
        assert (other.deletion_area >= best.deletion_area - 1e-12).all()
        assert (other.insertion_area <= best.insertion_area + 1e-12).all()


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'steps': 7}, ArgumentError, 'steps must be at most the number of features, 6; got 7'),
        ({'steps': 0}, ArgumentError, 'steps must be at least 1; got 0'),
        ({'attributions': None}, ArgumentError, 'A function has no attributions'),
        ({'attributions': XS[:, :3]}, ArgumentError, r'must have the shape of xs, \(4, 6\); got \(4, 3\)'),
        ({'dims': 'all'}, ArgumentTypeError, "dims must be a list of axes of xs; got 'all'"),
        ({'xs': XS.astype(int), 'baseline': 0.5}, ArgumentError, r'baseline must hold integers, .*xs.astype\(float\)'),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message):
    arguments = dict({'xs': XS, 'attributions': XS}, **arguments)
    with pytest.raises(error, match=message):
        deletion_insertion(total, arguments.pop('xs'), **arguments)
