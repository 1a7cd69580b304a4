"""deeplift and intgrad without the factor x - b: multipliers."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow import DeepExplain

MULTIPLIERS = [
    ('intgrad', {'steps': 7}),
    ('intgrad', {'tolerance': 0.5}),
    ('deeplift', {}),
    ('deeplift', {'rules': 'complete'}),
]
with_multipliers = pytest.mark.parametrize(('method', 'kwargs'), MULTIPLIERS)


@with_multipliers
def test_multipliers_times_the_difference_are_attributions(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])
    T = mlp(X)
    xs, ys = normal(5, 4), normal(5, 3, seed=3)
    with DeepExplain(session=session) as de:
        for baseline in (0.5, normal(4, seed=1), normal(5, 4, seed=2)):
            arguments = dict(kwargs, baseline=baseline)
            for weights in (None, ys, 'each'):
                whole = de.explain(method, T, X, xs, weights, **arguments)
                for batch_size in (None, 2):
                    found = de.explain(method, T, X, xs, weights, batch_size, multiply_by_inputs=False, **arguments)
                    np.testing.assert_allclose(found * (xs - baseline), whole, rtol=1e-9, atol=1e-12)


@with_multipliers
def test_at_the_baseline_they_are_gradients(session, method, kwargs):
    # There, attributions are 0, and say nothing of multipliers.
    X = tf.placeholder(tf.float64, [None, 4])
    T = mlp(X)
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        found = de.explain(method, T, X, xs, baseline=xs, multiply_by_inputs=False, **kwargs)
        np.testing.assert_allclose(found, de.explain('saliency', T, X, xs, absolute=False), rtol=1e-9)


@with_multipliers
def test_of_a_set_of_baselines_they_are_the_mean(session, method, kwargs):
    A, B = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float32, [None, 2])
    T = tf.tanh(dense(tf.concat([A, tf.cast(B, tf.float64)], axis=1), 2))
    xs, rows = [normal(3, 4), normal(3, 2, seed=1)], [normal(4, 4, seed=2), normal(4, 2, seed=3)]
    with DeepExplain(session=session) as de:

        def explain(**arguments):
            return de.explain(method, T, [A, B], xs, multiply_by_inputs=False, **{**kwargs, **arguments})

        found = explain(baselines=rows)
        ones = [explain(baseline=[b[i] for b in rows]) for i in range(4)]
    for a, *others in zip(found, *ones):
        np.testing.assert_allclose(a, np.mean(others, axis=0), rtol=1e-5)


@with_multipliers
def test_they_promise_no_sum(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, mlp(X), X, multiply_by_inputs=False, **kwargs)
        with pytest.raises(ArgumentTypeError, match='multiply_by_inputs must be True or False; got 0'):
            de.get_explainer(method, mlp(X), X, multiply_by_inputs=0)
    with pytest.raises(ArgumentError, match='no convergence delta: multipliers add up to nothing'):
        explainer.run(normal(2, 4), return_convergence_delta=True)
