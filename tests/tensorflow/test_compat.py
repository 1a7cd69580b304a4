"""The door to TensorFlow."""

import numpy as np
import pytest
import tensorflow as tensorflow_2
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import compat


def test_graph_tensors_are_told_from_everything_else(session):
    X = tf.placeholder(tf.float32, [None])
    assert compat.is_graph_tensor(X)
    variable = tf.get_variable('v', [2], use_resource=True)
    for other in (variable, np.ones(2), 'X:0', None, X.op):
        assert not compat.is_graph_tensor(other)


@pytest.mark.skipif(tf.VERSION.startswith('1.'), reason='TensorFlow 1.15 is not eager by default')
def test_an_eager_tensor_is_no_graph_tensor():
    assert not compat.is_graph_tensor(tensorflow_2.constant([1.0]))


def test_original_gradient_of_an_op_without_one():
    assert compat.original_gradient('StringJoin') is None
    assert callable(compat.original_gradient('Relu'))


def test_same_op_keeps_the_attributes(session):
    X = tf.placeholder(tf.float64, [None])
    y = tf.nn.leaky_relu(X, alpha=0.3)
    again = compat.same_op(y.op, 2 * X).outputs[0]
    assert (again.op.type, again.dtype) == ('LeakyRelu', tf.float64)
    np.testing.assert_allclose(session.run(again, {X: [-1.0, 1.0]}), [-0.6, 2.0])
