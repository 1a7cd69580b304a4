"""The gradient that overridden ops get: TensorFlow's own, or the rule of this thread."""

import importlib
import sys
import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow.runtime import overrides


def gradient_of_relu(session):
    with overrides.overridden_activations(session.graph):
        X = tf.placeholder(tf.float32, [None])
        return X, lambda: tf.gradients(tf.nn.relu(X), X)[0]


def triple(op, grad):
    return 3 * grad


def test_the_rule_holds_inside_and_is_gone_after(session):
    X, gradient = gradient_of_relu(session)
    with overrides.overridden_activations(session.graph):
        with overrides.gradient_rule(triple):
            inside = gradient()
            with overrides.gradient_rule(lambda op, grad: 5 * grad):
                nested = gradient()
            again = gradient()
        after = gradient()
    assert [session.run(g, {X: [2.0]})[0] for g in (inside, nested, again, after)] == [3, 5, 3, 1]


def test_a_rule_belongs_to_its_thread(session):
    seen = []
    with overrides.overridden_activations(session.graph), overrides.gradient_rule(triple):

        def other_thread():
            with session.graph.as_default():
                X = tf.placeholder(tf.float32, [None], name='other')
                seen.append((X, tf.gradients(tf.nn.relu(X), X)[0]))

        thread = threading.Thread(target=other_thread)
        thread.start()
        thread.join()
    X, gradient = seen[0]
    assert session.run(gradient, {X: [2.0]})[0] == 1


@pytest.mark.parametrize('activation', [tf.nn.relu, tf.nn.elu, tf.sigmoid, tf.tanh, tf.nn.softplus])
def test_original_grad_is_tensorflows(session, activation):
    X = tf.placeholder(tf.float64, [None])
    y = activation(X)
    ours, theirs = overrides.original_grad(y.op, tf.ones_like(y)), tf.gradients(y, X)[0]
    a, b = session.run([ours, theirs], {X: [-2.0, -0.1, 0.3, 4.0]})
    np.testing.assert_array_equal(a, b)


def test_a_second_load_of_the_package_still_rules(session):
    # A notebook's autoreload. TensorFlow keeps the function that was registered first.
    names = [name for name in sys.modules if name.split('.')[0] == 'deepexplain']
    kept = {name: sys.modules.pop(name) for name in names}
    try:
        again = importlib.import_module('deepexplain.tensorflow.runtime.overrides')
        assert again is not overrides
        X = tf.placeholder(tf.float32, [None])
        with again.overridden_activations(session.graph), again.gradient_rule(triple):
            gradient = tf.gradients(tf.nn.relu(X), X)[0]
        assert session.run(gradient, {X: [2.0]})[0] == 3
    finally:
        for name in [name for name in sys.modules if name.split('.')[0] == 'deepexplain']:
            sys.modules.pop(name)
        sys.modules.update(kept)


def test_custom_gradient_names(session):
    X = tf.placeholder(tf.float32, [None])
    plain = tf.nn.relu(X)
    with session.graph.gradient_override_map({'Relu': 'Guided'}):
        guided = tf.nn.relu(X)
    with overrides.overridden_activations(session.graph):
        ours = tf.nn.relu(X)
    assert [overrides.custom_gradient(y.op) for y in (plain, guided, ours)] == [None, 'Guided', 'DeepExplainGrad']
    assert [overrides.is_overridden(y.op) for y in (plain, guided, ours)] == [False, False, True]
