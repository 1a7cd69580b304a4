"""Softmax under rules='complete', against its parts."""

import numpy as np
import oracle_rules as oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from rule_cases import built, contributions, weights_like


@pytest.mark.parametrize('name', ['Softmax', 'LogSoftmax'])
def test_softmax_by_its_parts(name):
    x, x0 = 2 * np.random.RandomState(0).randn(2, 5, 6)
    x[0], x[1, 2], x[2] = x0[0], x0[1, 2], x0[2] + 1e-9
    weights = weights_like(x)
    (found,) = contributions(lambda z: built(name, z), [x], [x0], weights)
    rule = {'Softmax': oracle.softmax, 'LogSoftmax': oracle.log_softmax}[name]
    expected = [rule(*row) for row in zip(x, x0, weights)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize('name', ['Softmax', 'LogSoftmax'])
def test_softmax_is_what_its_parts_give_one_by_one(name):
    x, x0 = 2 * np.random.RandomState(0).randn(2, 5, 6)
    weights = weights_like(x)

    def by_hand(z):
        log_p = z - tf.log(tf.reduce_sum(tf.exp(z), -1, keepdims=True))
        return tf.exp(log_p) if name == 'Softmax' else log_p

    found = contributions(lambda z: built(name, z), [x], [x0], weights)
    np.testing.assert_allclose(found, contributions(by_hand, [x], [x0], weights), rtol=1e-9)


@pytest.mark.parametrize('size', [1.0, 30.0, 1e3, 1e5])
@pytest.mark.parametrize('name', ['Softmax', 'LogSoftmax'])
def test_softmax_of_large_logits_in_single_precision(name, size):
    x, x0 = (size * np.random.RandomState(0).randn(2, 50, 6)).astype(np.float32)
    x[:40] = x0[:40] + np.random.RandomState(1).randn(40, 6)  # as far apart as small ones
    x0[:40, 0] = x0[:40, 1] = x[:40, 0] = x[:40, 1] = 3 * size  # and two that compete
    x0[:40, 1] += 1
    x[:40, 0] += 0.5
    weights = np.eye(6)[np.random.RandomState(2).randint(6, size=50)]
    (found,) = contributions(lambda z: built(name, z), [x], [x0], weights, dtype=tf.float32)
    with context() as de:
        at_x, at_x0 = (de.session.run(built(name, tf.constant(z))) for z in (x, x0))
    change = (weights * (at_x.astype(float) - at_x0)).sum(axis=1)
    rounding = 4 * np.finfo(np.float32).eps * np.maximum(np.abs(at_x), np.abs(at_x0)).max(axis=1)  # of the values
    assert (np.abs(found.astype(float).sum(axis=1) - change) <= 1e-5 * np.abs(change) + 2e-6 + rounding).all()
