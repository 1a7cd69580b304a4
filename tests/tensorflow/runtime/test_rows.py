"""The five questions about rows, asked of networks that are NumPy functions."""

import numpy as np
import pytest

from deepexplain.tensorflow.runtime.rows import alone, independent, interchangeable, made_up_pairs, separable, summed

FIRST, LAST = [np.zeros((1, 3))], [np.ones((1, 3))]


def by_row(rows):
    return [rows[0] ** 2]


def centred(rows):
    return [rows[0] - rows[0].mean(axis=0)]


def masked(rows):
    return [rows[0] * (np.arange(len(rows[0])) == 0)[:, None]]


def lagged(rows):
    return [rows[0] * np.roll(rows[0], 2, axis=0)]


def mean_gradient(rows):
    return [np.full(rows[0].shape, 1 / len(rows[0]))]


@pytest.mark.parametrize(
    ('question', 'count', 'network', 'answer'),
    [
        (independent, [3], by_row, True),
        (independent, [3], centred, False),
        (independent, [3], masked, True),
        (interchangeable, [3], by_row, True),
        (interchangeable, [3], centred, True),
        (interchangeable, [3], masked, False),
        (independent, [2], lagged, True),  # a lag of two rows does not show in two
        (separable, [2], lagged, False),
        (separable, [5], lagged, False),
        (separable, [5], by_row, True),
        (separable, [5], centred, False),
        (summed, [], by_row, True),
        (summed, [], centred, False),
        (summed, [], mean_gradient, False),
    ],
)
def test_the_answer_is_right_though_the_samples_are_zero(question, count, network, answer):
    assert question(network, made_up_pairs(FIRST, FIRST), *count) is answer


def test_a_network_with_a_limited_domain_is_not_taken_to_mix():
    with np.errstate(all='ignore'):
        assert independent(lambda rows: [np.log(rows[0])], made_up_pairs(FIRST, LAST), 3)


def test_made_up_samples_keep_dtype_and_shape_and_differ():
    pairs = list(made_up_pairs([np.zeros((1, 3), 'float32')], [np.ones((1, 3), 'float32')]))
    for a, b in pairs:
        assert (a[0].dtype, a[0].shape) == (b[0].dtype, b[0].shape) == (np.dtype('float32'), (1, 3))
    assert all((a[0] != b[0]).all() for a, b in pairs[:2])
    assert set(np.ravel(pairs[2])) == {0, 1}  # two samples of the user, with values left out


@pytest.mark.parametrize('question', [alone, independent])
@pytest.mark.parametrize(
    'mix',
    [
        lambda x: x - x.mean(axis=0),
        lambda x: x - np.roll(x, 1, axis=0),
        lambda x: x - np.roll(x, -1, axis=0),
        lambda x: x - np.roll(x, 5, axis=0),
        lambda x: np.cumsum(x, axis=0),
        lambda x: np.cumsum(x[::-1], axis=0)[::-1],
        lambda x: x - x[-1:],
        lambda x: x - x[:1],
        lambda x: np.sort(x, axis=0),
    ],
)
def test_samples_are_seen_to_mix_near_and_far_before_and_behind(question, mix):
    assert not question(lambda rows: [mix(rows[0])], made_up_pairs(FIRST, LAST), 13)
    assert question(lambda rows: [np.tanh(rows[0])], made_up_pairs(FIRST, LAST), 13)


@pytest.mark.parametrize('count', [lambda x: x / len(x), lambda x: x * np.arange(1, len(x) + 1)[:, None]])
def test_the_number_of_samples_and_their_places_are_seen(count):
    assert not alone(lambda rows: [count(rows[0])], made_up_pairs(FIRST, LAST), 13)


def test_made_up_ids_are_ids_of_the_user_or_zero():
    ids, other = [np.array([[4, 7]])], [np.array([[1, 2]])]
    found = {int(i) for pair in made_up_pairs(ids, other) for sample in pair for i in sample[0].ravel()}
    assert found == {0, 1, 2, 4, 7}
