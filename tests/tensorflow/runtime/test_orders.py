"""Orders of features and means over them, without a graph."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.tensorflow.runtime import orders as module
from deepexplain.tensorflow.runtime.orders import Orders, RunningMean
from deepexplain.tensorflow.runtime.parts import Features


class Given:
    """Draws these orders, and counts."""

    def __init__(self, *orders):
        self.orders, self.drawn = list(orders), 0

    def permutation(self, count):
        self.drawn += 1
        return np.array(self.orders[self.drawn - 1])


def test_ranks_say_how_many_features_go_before():
    orders, ranks = Orders(Features((3,), [0]), Given([2, 0, 1], [0, 1, 2])).draw(0, 2)
    np.testing.assert_array_equal(orders, [[2, 0, 1], [0, 1, 2]])
    np.testing.assert_array_equal(ranks, [[1, 2, 0], [0, 1, 2]])


def test_orders_are_drawn_once_and_as_far_as_they_are_asked_for():
    given = Given([2, 0, 1], [0, 1, 2], [1, 0, 2])
    orders = Orders(Features((3,), [0]), given)
    first, _ = orders.draw(0, 2)
    assert given.drawn == 2
    last, _ = orders.draw(1, 3)
    assert given.drawn == 3
    np.testing.assert_array_equal(first[1], last[0])


@pytest.mark.parametrize('antithetic', [False, True])
@pytest.mark.parametrize('kept', [0, 100, 1 << 24])
def test_what_is_not_kept_is_drawn_anew_and_alike(monkeypatch, kept, antithetic):
    monkeypatch.setattr(module, 'MOST_BYTES', kept)
    monkeypatch.setattr(module, '_BYTES_OF_BLOCK', 100)
    random, again = np.random.RandomState(3), np.random.RandomState(3)
    orders = Orders(Features((5,), [0]), random, antithetic)
    expected = []
    for _ in range(10 if antithetic else 20):
        order = again.permutation(5)
        expected += [order, order[::-1]] if antithetic else [order]
    orders.ahead(12)
    for start, stop in [(0, 12), (4, 8), (0, 20), (18, 20), (0, 2)]:
        np.testing.assert_array_equal(orders.draw(start, stop)[0], expected[start:stop])
    np.testing.assert_array_equal(random.permutation(9), again.permutation(9))  # it went no further
    held = sum(isinstance(block, np.ndarray) for block in orders._blocks)
    assert held == {0: 1, 100: 2}.get(kept, len(orders._blocks))


def test_antithetic_orders_come_with_their_reverse():
    orders, ranks = Orders(Features((3,), [0]), Given([2, 0, 1], [0, 1, 2]), antithetic=True).draw(0, 4)
    np.testing.assert_array_equal(orders, [[2, 0, 1], [1, 0, 2], [0, 1, 2], [2, 1, 0]])
    np.testing.assert_array_equal(ranks, [[1, 2, 0], [1, 0, 2], [0, 1, 2], [2, 1, 0]])


@given(
    n=st.integers(2, 30),
    mean=st.sampled_from([0.0, 1.0, -1e3, 1e8]),
    first=st.sampled_from([0.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_standard_error_is_that_of_the_textbook(n, mean, first, seed):
    xs = mean + np.random.RandomState(seed).randn(n, 3, 2)
    xs[0] += first  # one that is far from the rest spoils nothing
    running = RunningMean((3, 2), errors=True)
    for x in xs:
        running.add(x)
    np.testing.assert_allclose(running.mean(), xs.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(running.standard_error(), xs.std(axis=0, ddof=1) / np.sqrt(n), rtol=1e-6)


def test_less_than_two_tell_nothing_about_an_error():
    running = RunningMean((2,), errors=True)
    running.add(np.ones(2))
    np.testing.assert_array_equal(running.standard_error(), np.inf)


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_what_is_not_finite_has_no_standard_error(bad):
    running = RunningMean((2,), errors=True)
    for x in ([1.0, bad], [2.0, 1.0], [3.0, bad]):
        with np.errstate(invalid='ignore'):
            running.add(np.array(x))
    np.testing.assert_allclose(running.standard_error()[0], np.sqrt(1 / 3))
    assert np.isnan(running.standard_error()[1])
