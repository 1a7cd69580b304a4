"""The gradient that overridden ops get: TensorFlow's own, or the rule of this thread."""

import importlib
import sys
import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow.runtime import overrides


def gradient_of_relu():
    X = tf.placeholder(tf.float32, [None])
    y = tf.nn.relu(X)
    return X, y.op, lambda: tf.gradients(y, X)[0]


def triple(op, grad):
    return 3 * grad


def test_the_rule_holds_inside_and_is_gone_after(session):
    X, op, gradient = gradient_of_relu()
    before = gradient()
    with overrides.gradient_rule(triple, [op]):
        inside = gradient()
        with overrides.gradient_rule(lambda op, grad: 5 * grad, [op]):
            nested = gradient()
        again = gradient()
    after = gradient()
    found = [session.run(g, {X: [2.0]})[0] for g in (before, inside, nested, again, after)]
    assert found == [1, 3, 5, 3, 1]


def test_the_rule_is_for_the_named_ops(session):
    X, _, gradient = gradient_of_relu()
    with overrides.gradient_rule(triple, []):
        assert session.run(gradient(), {X: [2.0]})[0] == 1


def test_a_rule_belongs_to_its_thread(session):
    X, op, gradient = gradient_of_relu()
    seen = []

    def other_thread():
        with session.graph.as_default():
            seen.append(gradient())

    with overrides.gradient_rule(triple, [op]):
        thread = threading.Thread(target=other_thread)
        thread.start()
        thread.join()
    assert session.run(seen[0], {X: [2.0]})[0] == 1


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
        X, op, gradient = gradient_of_relu()
        with again.gradient_rule(triple, [op]):
            inside = gradient()
        assert session.run(inside, {X: [2.0]})[0] == 3
    finally:
        for name in [name for name in sys.modules if name.split('.')[0] == 'deepexplain']:
            sys.modules.pop(name)
        sys.modules.update(kept)


def test_a_gradient_that_the_user_chose_stays(session):
    X = tf.placeholder(tf.float32, [None])
    plain = tf.nn.relu(X)
    with session.graph.gradient_override_map({'Relu': 'Guided'}):
        guided = tf.nn.relu(X)
    with session.graph.gradient_override_map({'Relu': 'DeepExplainGrad'}):  # as in graphs saved by 0.3
        of_0_3 = tf.nn.relu(X)
    ops = [y.op for y in (plain, guided, of_0_3, X + 1)]
    assert [overrides.custom_gradient(op) for op in ops] == [None, 'Guided', None, None]
    assert [overrides.takes_rule(op) for op in ops] == [True, False, True, False]
    with overrides.gradient_rule(triple, ops):
        gradient = tf.gradients(of_0_3, X)[0]
    assert session.run([gradient, tf.gradients(of_0_3, X)[0]], {X: [2.0]}) == [[3], [1]]
