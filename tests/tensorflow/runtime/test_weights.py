"""The weights between X and T: which they are, in which order, and that feeding them changes the network."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import METHODS, normal
from sources import TENSORFLOW_2, W1, W2, XS, keras_2, keras_network, needs_keras_3, network
from tensorflow.python.ops import control_flow_util

from deepexplain.errors import DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain, open_model

needs_tensorflow_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='TensorFlow 1.15 has no such models')
A, B = normal(3, 3).astype(np.float32), normal(3, 3, seed=1).astype(np.float32)
SAMPLES = normal(4, 3, seed=2)


def placeholder():
    return tf.placeholder(tf.float32, [None, 3], name='X')


def explainer(session, T, X, method='grad*input', **arguments):
    session.run(tf.global_variables_initializer())
    with DeepExplain(session=session) as de:
        return de.get_explainer(method, T, X, **arguments)


def names(weights):
    return [weight.name for weight in weights]


@pytest.mark.parametrize('use_resource', [False, True])
def test_variables_and_constants_come_nearest_to_T_first(session, use_resource):
    X = placeholder()
    first = tf.Variable(A, name='first', use_resource=use_resource)
    bias = tf.Variable([1.0, 2.0, 3.0], name='bias', use_resource=use_resource)
    hidden = tf.nn.relu(tf.matmul(X, first) + bias)
    inner = tf.matmul(tf.tanh(hidden), tf.constant(A, name='inner'))
    hidden += tf.matmul(tf.tanh(inner), tf.constant(A, name='outer'))  # and hidden itself by a shortcut
    T = tf.matmul(hidden, tf.transpose(tf.Variable(B, name='last', use_resource=use_resource)))
    size = len(session.graph.get_operations()) + 1  # the initializer
    judged = explainer(session, T, X)
    size += len([op for op in session.graph.get_operations() if op.name.startswith('deepexplain')])
    weights = judged.weights()
    assert names(weights) == ['last', 'outer', 'inner', 'bias', 'first']
    for weight, value in zip(weights, [B, A, A, [1, 2, 3], A]):
        np.testing.assert_array_equal(weight.value, value)
    assert len(session.graph.get_operations()) == size  # asking adds nothing


@pytest.mark.parametrize(('method', 'arguments'), METHODS + [('deeplift', {'rules': 'complete'})])
@pytest.mark.parametrize('use_resource', [False, True])
def test_a_fed_weight_counts_as_if_it_were_assigned(session, method, arguments, use_resource):
    X = placeholder()
    v = tf.Variable(A, name='v', use_resource=use_resource)
    T = tf.matmul(tf.tanh(tf.matmul(X, v) + tf.constant([0.1, -0.1, 0.2])), v)  # it is read twice
    judged = explainer(session, T, X, method, **arguments)

    def run(**more):
        np.random.seed(0)
        return judged.run(SAMPLES, **more)

    before = run()
    (weight,) = [weight for weight in judged.weights() if weight.name == 'v']
    fed = run(feed_dict=weight.feed(B))
    np.testing.assert_array_equal(run(), before)  # nothing is left behind
    v.load(B, session)
    np.testing.assert_allclose(fed, run(), rtol=1e-5, atol=1e-6)
    assert method == 'zero' or np.abs(fed - before).max() > 0.1


def test_what_is_no_weight_is_left_out(session):
    X = placeholder()
    keep = tf.placeholder_with_default([1.0, 1.0, 1.0], [3])
    hidden = tf.matmul(X * keep, tf.constant(A, name='weight')) * 2.0 + tf.random.uniform([3])
    hidden = tf.gather(hidden, tf.constant([2, 0, 1]), axis=1)
    hidden = tf.reshape(hidden + tf.ones_like(tf.constant(B[0]), optimize=False), [-1, 3])
    assert names(explainer(session, hidden + tf.placeholder(tf.float32, [3]), X).weights()) == ['weight']


def test_what_does_not_lie_between_X_and_T_is_left_out(session):
    X = placeholder()
    hidden = tf.matmul(X, tf.constant(A, name='before'))
    T = tf.matmul(tf.tanh(hidden), tf.constant(B, name='between'))
    tf.matmul(T, tf.constant(A, name='after'))
    assert names(explainer(session, T, hidden).weights()) == ['between']
    with pytest.raises(GraphError, match="There are no weights between X and T 'Tanh:0': no float constant"):
        explainer(session, T.op.inputs[0], hidden).weights()


def test_two_inputs(session):
    X, Y = placeholder(), placeholder()
    T = tf.matmul(X, tf.constant(A, name='a')) * tf.tanh(tf.matmul(Y, tf.constant(B, name='b')))
    assert names(explainer(session, T, [X, Y]).weights()) == ['a', 'b']


@pytest.mark.parametrize('method', ['grad*input', 'deeplift', 'occlusion'])
def test_weights_that_come_into_a_loop(session, method):
    X, v = placeholder(), tf.Variable(A, name='v', use_resource=True)
    read = tf.identity(v)
    T = tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, read))), (0, X))[1]
    judged = explainer(session, T, X, method)
    (weight,) = judged.weights()
    fed = judged.run(SAMPLES, feed_dict=weight.feed(B))
    v.load(B, session)
    np.testing.assert_allclose(fed, judged.run(SAMPLES), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('version', [1, 2])
@pytest.mark.parametrize('kind', ['constant', 'variable'])
def test_weights_inside_a_loop_cannot_be_fed(session, kind, version, monkeypatch):
    monkeypatch.setattr(control_flow_util, 'ENABLE_CONTROL_FLOW_V2', version == 2)
    X, v = placeholder(), tf.Variable(A, name='v', use_resource=True)

    def step(i, h):
        return i + 1, tf.tanh(tf.matmul(h, v if kind == 'variable' else tf.constant(A)))

    T = tf.while_loop(lambda i, h: i < 2, step, (0, X))[1]
    judged = explainer(session, T, X)
    with pytest.raises(GraphError, match='reads weights where no run can feed them .* Open the model by open_model'):
        judged.weights()
    judged = explainer(session, tf.matmul(T, tf.constant(B, name='last')), X)
    with pytest.warns(DeepExplainWarning, match='reads weights where no run can feed them .* are left out'):
        weights = judged.weights()
    assert names(weights) == ['last']


def test_weights_inside_a_loop_that_was_imported_cannot_be_fed(session, monkeypatch):
    monkeypatch.setattr(control_flow_util, 'ENABLE_CONTROL_FLOW_V2', False)
    loop = tf.while_loop(lambda i, h: i < 2, lambda i, h: (i + 1, tf.matmul(h, tf.constant(A))), (0, placeholder()))
    T = tf.tanh(loop[1], name='T')
    with tf.Session(graph=tf.Graph()) as other:
        with other.graph.as_default():
            x, logits = tf.import_graph_def(session.graph_def, return_elements=['X:0', T.name])
        for method in ['grad*input', 'occlusion']:
            with pytest.raises(GraphError, match='reads weights where no run can feed them'):
                explainer(other, logits, x, method).weights()


def test_calls_of_functions_are_opened_by_methods_of_the_gradient(session):
    X, v = placeholder(), tf.Variable(A, name='v', use_resource=True)
    function = tf.function(lambda x: tf.tanh(tf.matmul(x, v) + tf.constant([0.1, 0.2, 0.3])))
    T = tf.matmul(function(X), tf.constant(B, name='last'))
    judged = explainer(session, T, X, 'deeplift')
    weights = judged.weights()
    assert names(weights)[::2] == ['last', 'v']
    assert len(weights) == 3
    fed = judged.run(SAMPLES, feed_dict=weights[2].feed(B))
    v.load(B, session)
    np.testing.assert_allclose(fed, judged.run(SAMPLES), rtol=1e-5, atol=1e-6)
    with pytest.warns(DeepExplainWarning, match="Op '.*PartitionedCall' .* reads weights where no run can feed them"):
        assert names(explainer(session, T, X, 'occlusion').weights()) == ['last']


def test_a_lookup_in_a_resource_variable_cannot_be_fed(session):
    table = tf.Variable(A, name='table', use_resource=True)
    ids = tf.placeholder(tf.int32, [None, 2])
    T = tf.reduce_sum(tf.nn.embedding_lookup(table, ids), axis=[1, 2])
    with pytest.raises(GraphError, match=r'\(ResourceGather\) reads weights where no run can feed them'):
        explainer(session, T, ids, 'occlusion').weights()


def test_a_frozen_graph(session):
    X = tf.placeholder(tf.float32, [None, 4], name='x')
    T = network(X, *[tf.Variable(w, dtype=tf.float32) for w in (W1, normal(6), W2, normal(3))])
    session.run(tf.global_variables_initializer())
    frozen = tf.graph_util.convert_variables_to_constants(session, session.graph_def, [T.op.name])
    with tf.Session(graph=tf.Graph()) as other:
        with other.graph.as_default():
            x, logits = tf.import_graph_def(frozen, return_elements=['x:0', 'logits:0'])
        weights = explainer(other, logits, x).weights()
    assert [weight.value.shape for weight in weights] == [(3,), (6, 3), (6,), (4, 6)]
    np.testing.assert_array_equal(weights[-1].value, W1)


def test_a_Keras_2_model_in_a_graph(session):
    keras = keras_2()
    with session.as_default():
        model = keras_network(keras)
        opened = open_model(model)
        with DeepExplain(session=opened.session) as de:
            judged = de.get_explainer('deeplift', opened.logits, opened.inputs[0])
        weights = judged.weights()
        assert [weight.value.shape for weight in weights] == [(3,), (6, 3), (6,), (4, 6)]
        np.testing.assert_array_equal(weights[1].value, W2)
        assert names(weights)[::2] == ['probabilities/bias', 'hidden/bias']
        fed = judged.run(XS, feed_dict=weights[3].feed(W1[::-1]))
        model.layers[1].set_weights([W1[::-1], model.layers[1].get_weights()[1]])
        np.testing.assert_allclose(fed, judged.run(XS), rtol=1e-5, atol=1e-6)


@needs_keras_3
def test_an_open_Keras_3_model():
    import keras

    cell = [keras.Input((4, 2)), keras.layers.LSTM(3), keras.layers.Dense(2)]
    with open_model(keras.Sequential(cell)) as model, DeepExplain(session=model.session) as de:
        for method in ['intgrad', 'occlusion']:
            weights = de.get_explainer(method, model.outputs[0], model.inputs[0]).weights()
            shapes = [weight.value.shape for weight in weights]
            assert shapes[:2] == [(2,), (3, 2)]
            assert sorted(shapes[2:]) == [(2, 12), (3, 12), (12,)]
