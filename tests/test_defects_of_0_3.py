"""What users of DeepExplain 0.3 reported, one test a report; the numbers are issues of marcoancona/DeepExplain.

Reports that a contract or an oracle covers stand there: batch_size ignored, wrong shapes of xs and ys, missing
placeholders, X that does not reach T (engine/); explain() slower at every call, sixteen threads, two
explainers alive at once (test_context.py); sampling_dims, None dimensions, stale references and unsupported
activations (methods/).
"""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import METHODS, dense, mlp, normal, weights

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain, methods

every_method = pytest.mark.parametrize(('method', 'kwargs'), METHODS, ids=[name for name, _ in METHODS])


def test_the_import_works_and_flips_no_switch():
    # 50, 55, 56, 62: TensorFlow 1 names. A fresh process, because a switch can only be seen there.
    code = (
        'import tensorflow.compat.v1 as tf\n'
        'switches = lambda: (tf.executing_eagerly(), tf.resource_variables_enabled(), tf.control_flow_v2_enabled())\n'
        'before = switches()\n'
        'from deepexplain.tensorflow import DeepExplain\n'
        'assert before == switches()\n'
        'assert tf.get_default_session() is None\n'
        'assert not tf.get_default_graph().get_operations()\n'
    )
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True)


@every_method
def test_a_graph_built_outside_is_explained_as_one_built_inside(session, method, kwargs):
    # 6, 13: a warning, and plain gradients.
    X = tf.placeholder(tf.float64, [None, 4])
    outside = mlp(X)
    with DeepExplain(session=session) as de:
        np.random.seed(0)
        found = de.explain(method, outside, X, normal(3, 4), **kwargs)
        np.random.seed(0)
        np.testing.assert_allclose(found, de.explain(method, mlp(X), X, normal(3, 4), **kwargs))


def test_a_network_without_activations_does_not_warn(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        found = de.explain('deeplift', dense(X, 2), X, normal(3, 4))
    np.testing.assert_allclose(found, normal(3, 4) * session.run(weights(4, 2, dtype=tf.float64)).sum(axis=1))


def test_deeplift_with_other_networks_in_the_graph(session):
    # 7, 11, 65: "You must feed a value for placeholder", from activations that X and T have nothing to do with.
    with DeepExplain(session=session) as de:
        upstream = tf.placeholder(tf.float64, [None, 5])
        X = tf.nn.relu(dense(upstream, 4, seed=8))
        T = mlp(X)
        mlp(tf.placeholder(tf.float64, [None, 4]))  # beside
        mlp(T, activation=tf.sigmoid)  # downstream
        found = de.explain('deeplift', T, X, normal(3, 4))
        alone = tf.placeholder(tf.float64, [None, 4])
        expected = de.explain('deeplift', mlp(alone), alone, normal(3, 4))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize('method', ['elrp', 'deeplift', 'zero'])
@pytest.mark.parametrize('kind', ['function', 'nested', 'cond', 'while'])
def test_activations_in_function_bodies_take_the_rule(session, method, kind):
    # 14, 61: LSTM and GRU had silently plain gradients.
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = {'function': in_function, 'nested': in_nested_function, 'cond': in_cond, 'while': in_while}[kind](X)
        plain = tf.tanh(tf.tanh(X)) if kind == 'while' else tf.tanh(X)
        found = de.explain(method, T, X, normal(3, 4))
        np.testing.assert_allclose(found, de.explain(method, plain, X, normal(3, 4)))


@pytest.mark.parametrize('kind', ['function', 'nested', 'cond', 'while'])
def test_methods_of_the_true_gradient_work_through_function_bodies(session, kind):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = {'function': in_function, 'nested': in_nested_function, 'cond': in_cond, 'while': in_while}[kind](X)
        found = de.explain('grad*input', T, X, normal(3, 4))
    z = normal(3, 4)
    expected = (
        (1 - np.tanh(z) ** 2) * z if kind != 'while' else (1 - np.tanh(np.tanh(z)) ** 2) * (1 - np.tanh(z) ** 2) * z
    )
    np.testing.assert_allclose(found, expected)


def in_function(x):
    return tf.function(tf.tanh)(x)


def in_nested_function(x):
    return tf.function(lambda y: tf.function(tf.tanh)(y))(x)


def with_control_flow_v2(build):
    """TensorFlow 2's cond and while_loop are ops with bodies; on 1.15 they must be asked for, in a function."""

    def wrapped(x):
        return tf.function(build)(x)

    return wrapped


@with_control_flow_v2
def in_cond(x):
    return tf.cond(tf.shape(x)[0] > 0, lambda: tf.tanh(x), lambda: x)


@with_control_flow_v2
def in_while(x):
    return tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, tf.tanh(y)), [0, x])[1]


@pytest.mark.skipif(not tf.VERSION.startswith('1.'), reason='these ops are those of TensorFlow 1')
def test_activations_in_loops_of_tensorflow_1(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, tf.tanh(y)), [0, X])[1]
        assert 'Enter' in {op.type for op in session.graph.get_operations()}
        for method in ('elrp', 'deeplift'):
            found = de.explain(method, T, X, normal(3, 4))
            np.testing.assert_allclose(found, de.explain(method, tf.tanh(tf.tanh(X)), X, normal(3, 4)))


def test_leaky_relu_can_be_added(session):
    # 46: getattr(tf.nn, 'leakyrelu'). Now a row of the table is all, and the op keeps its attributes.
    methods.SUPPORTED_ACTIVATIONS.append('LeakyRelu')
    try:
        with DeepExplain(session=session) as de:
            X = tf.placeholder(tf.float64, [None, 4])
            T = mlp(X, activation=lambda z: tf.nn.leaky_relu(z, alpha=0.3))
            found = de.explain('deeplift', T, X, normal(3, 4), baseline=normal(4, seed=5))
        f_x, f_b = session.run(T, {X.name: normal(3, 4)}), session.run(T, {X.name: normal(1, 4, seed=5)})
    finally:
        methods.SUPPORTED_ACTIVATIONS.remove('LeakyRelu')
    np.testing.assert_allclose(found.sum(axis=1), (f_x - f_b).sum(axis=1))


@every_method
def test_a_custom_gradient_does_not_pass_for_ours(session, method, kwargs):
    @tf.custom_gradient
    def doubled(x):
        return x * tf.sigmoid(x), lambda grad: 2 * grad

    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        T = doubled(X)
        if method in ('elrp', 'deeplift'):
            with pytest.warns(DeepExplainWarning, match=r'no rule for .*\(IdentityN\)'):
                de.explain(method, T, X, normal(3, 4), **kwargs)
        else:
            de.explain(method, T, X, normal(3, 4), **kwargs)


def test_partial_derivatives_where_one_input_is_computed_from_another(session):
    # 0.3 also counted the way through the second input, which a run feeds.
    with DeepExplain(session=session) as de:
        X1 = tf.placeholder(tf.float64, [None, 4])
        X2 = 3 * X1
        found = de.explain('grad*input', X1 + X2, [X1, X2], [np.ones((1, 4)), 5 * np.ones((1, 4))])
    np.testing.assert_allclose(found, [np.ones((1, 4)), 5 * np.ones((1, 4))])
