"""Loops and branches of functions that are traced: they keep their bodies, in which everything has a gradient."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import TENSORFLOW_2

from deepexplain.tensorflow import DeepExplain, open_model

pytestmark = pytest.mark.skipif(not TENSORFLOW_2, reason='TensorFlow 1 does not trace functions')

XS = np.array([[1.0, -2.0], [0.5, 0.25]], np.float32)
SPECS = [tf.TensorSpec([None, 2], tf.float32, 'x'), tf.TensorSpec([], tf.int32, 'k')]
W = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
#: What remains of a branch or loop that was lowered.
LOWERED = {'_SwitchN', 'Switch', 'Merge', 'Enter', 'Exit', 'NextIteration'}


def networks():
    with tf.init_scope():
        v, b = tf.Variable(W), tf.Variable([0.5, 0.5])

    def choice(x, k):
        return 3 * x + tf.switch_case(k, [lambda: tf.matmul(x, v) + b, lambda: tf.tanh(tf.matmul(x, v))])

    def choice_in_a_choice(x, k):
        inner = [lambda: tf.cond(k > 0, lambda: x, lambda: tf.tanh(tf.matmul(x, v))), lambda: tf.tanh(x) + b]
        return tf.cond(k >= 0, lambda: tf.switch_case(k, inner), lambda: x)

    def choice_in_a_loop(x, k):
        def step(i, y):
            return i + 1, tf.switch_case(i % 2, [lambda: tf.tanh(tf.matmul(y, v)), lambda: tf.matmul(y, v) + b])

        return tf.while_loop(lambda i, _: i < 2 + k, step, (tf.constant(0), x))[1]

    def loop_in_a_choice(x, k):
        def loop():
            return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, tf.tanh(tf.matmul(y, v))), (0, x))[1]

        return tf.switch_case(k, [loop, lambda: tf.tanh(x)])

    def functions_in_a_choice(x, k):
        return tf.switch_case(k, [lambda: tf.function(lambda: tf.matmul(x, v))(), lambda: tf.tanh(x) + b])

    return [choice, choice_in_a_choice, choice_in_a_loop, loop_in_a_choice, functions_in_a_choice]


def gradient(network, k):
    with tf.GradientTape() as tape:
        x = tf.constant(XS)
        tape.watch(x)
        y = network(x, tf.constant(k))
    return tape.gradient(y, x).numpy()


def types_of(graph):
    graph_def = graph.as_graph_def()
    bodies = [function.node_def for function in graph_def.library.function]
    return {node.op for nodes in [graph_def.node, *bodies] for node in nodes}


@pytest.mark.parametrize('which', range(5))
@pytest.mark.parametrize('k', [0, 1])
def test_branches_keep_their_functions_and_the_variables_in_them(which, k):
    network = networks()[which]
    with open_model(network, inputs=SPECS) as m, DeepExplain(session=m.session) as de:
        assert not types_of(m.graph) & LOWERED
        found = de.explain('grad*input', m.outputs[0], m.inputs[0], XS, feed_dict={m.inputs[1]: k})
    np.testing.assert_allclose(found, gradient(network, k) * XS, rtol=1e-4)


def test_branches_in_a_saved_model(tmp_path):
    network, module = networks()[0], tf.Module()
    with tf.init_scope():
        module.call = tf.function(network, input_signature=SPECS)
        module.weights = [cell.cell_contents for cell in network.__closure__]
        tf.compat.v2.saved_model.save(module, str(tmp_path), signatures=module.call.get_concrete_function())
    with open_model(str(tmp_path)) as m, DeepExplain(session=m.session) as de:
        assert not types_of(m.graph) & LOWERED
        found = de.explain('grad*input', m.outputs[0], m.tensor('x'), XS, feed_dict={m.tensor('k'): 1})
    np.testing.assert_allclose(found, gradient(network, 1) * XS, rtol=1e-4)
