"""The four questions about rows, asked of networks that are NumPy functions."""

import numpy as np
import pytest

from deepexplain.tensorflow.runtime.rows import independent, interchangeable, made_up_pairs, separable, summed

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
    for a, b in made_up_pairs([np.zeros((1, 3), 'float32')], [np.ones((1, 3), 'float32')]):
        assert (a[0].dtype, a[0].shape) == (b[0].dtype, b[0].shape) == (np.dtype('float32'), (1, 3))
        assert (a[0] != b[0]).all()


def test_made_up_ids_are_ids_of_the_user_or_zero():
    ids, other = [np.array([[4, 7]])], [np.array([[1, 2]])]
    found = {int(i) for pair in made_up_pairs(ids, other) for sample in pair for i in sample[0].ravel()}
    assert found == {0, 1, 2, 4, 7}
