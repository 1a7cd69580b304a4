"""What has no rule keeps its gradient, and is named in a warning."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain


@pytest.mark.parametrize(
    ('method', 'op_type', 'function'),
    [
        ('deeplift', 'LeakyRelu', tf.nn.leaky_relu),
        ('deeplift', 'Selu', tf.nn.selu),
        ('deeplift', 'Relu6', tf.nn.relu6),
        ('deeplift', 'Softsign', tf.nn.softsign),
        ('elrp', 'Selu', tf.nn.selu),
        ('elrp', 'Relu6', tf.nn.relu6),
        ('elrp', 'Softsign', tf.nn.softsign),
    ],
)
def test_an_unsupported_activation_is_named_in_a_warning_and_keeps_its_gradient(session, method, op_type, function):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        T = function(tf.tanh(X), name='odd_one')
        message = rf"unsupported activation: '{method}' has no rule for 'odd_one\S*' \({op_type}\)"
        with pytest.warns(UserWarning, match=message):
            found = de.explain(method, T, X, [[0.5, -2.0]])
        plain = de.explain('grad*input', function(X), X, np.tanh([[0.5, -2.0]]))
    np.testing.assert_allclose(found, plain, rtol=1e-3)


@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad', 'occlusion', 'shapley_sampling'])
def test_methods_without_a_rule_have_no_unsupported_activations(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        de.explain(method, tf.nn.leaky_relu(X), X, [[0.5, -2.0]])  # a warning would be an error here


def test_unsupported_activations_elsewhere_in_the_graph_do_not_matter(session):
    with DeepExplain(session=session) as de:
        X = tf.nn.leaky_relu(tf.placeholder(tf.float64, [None, 2]))
        T = tf.nn.relu(X)
        tf.nn.selu(T)
        tf.nn.softsign(X)
        np.testing.assert_allclose(de.explain('deeplift', T, X, [[0.5, -2.0]]), [[0.5, 0]])
        np.testing.assert_allclose(de.explain('elrp', T, X, [[0.5, -2.0]]), [[0.5, 0]], rtol=1e-3)
