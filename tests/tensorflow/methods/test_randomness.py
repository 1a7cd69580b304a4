"""Networks that draw numbers: all methods say that two runs of the same rows differ, and only where they do."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import Recorder, dense, mlp, normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

METHODS = [
    ('saliency', {}),
    ('grad*input', {}),
    ('intgrad', {'steps': 4}),
    ('elrp', {}),
    ('deeplift', {}),
    ('occlusion', {}),
    ('shapley_sampling', {'samples': 2}),
]


def said(session, network, method='grad*input', n=4, feed=(), runs=1, arguments=(), **run):
    X = tf.placeholder(tf.float32, [None, 4])
    T = network(X)
    with warnings.catch_warnings(record=True) as caught, DeepExplain(session=session) as de:
        warnings.simplefilter('always')
        e = de.get_explainer(method, T, X, **dict(arguments))
        for _ in range(runs):
            e.run(normal(n, 4), feed_dict=dict(feed), **run)
    texts = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return [text for text in texts if 'unsupported activation' not in text]


def dropout(X):
    return dense(tf.nn.dropout(tf.tanh(dense(X, 16)), rate=0.5), 2, 2)


def sampling(X):
    """As the encoder of a VAE does it."""
    mean = dense(X, 3)
    return mean + tf.random_normal(tf.shape(mean), name='draw') * tf.exp(0.1 * dense(X, 3, 2))


def shuffled(X):
    return X * tf.random_shuffle(tf.constant([1.0, 2.0, 3.0, 4.0]))


def in_a_loop(X):
    def body(i, h):
        return i + 1, h + tf.random_uniform(tf.shape(h))

    return tf.while_loop(lambda i, _: i < 2, body, (0, X))[1]


def in_a_branch(X):
    return X * tf.cond(tf.reduce_sum(X) > -1e9, lambda: tf.random_uniform([]), lambda: 1.0)


def python(X):
    z = X * tf.py_func(lambda: np.float32(np.random.rand()), [], tf.float32)
    z.set_shape([None, 4])
    return z


@pytest.mark.parametrize(('method', 'arguments'), METHODS)
@pytest.mark.parametrize('network', [dropout, sampling])
@pytest.mark.parametrize('run', [{}, {'batch_size': 2}, {'n': 1}])
def test_every_method_says_it_once_and_nothing_else(session, method, arguments, network, run):
    found = said(session, network, method, arguments=arguments, runs=2, **run)
    assert len(found) == 1
    assert 'is random: two runs of the same rows differ' in found[0]
    assert 'Random' in found[0]
    assert 'training=False' in found[0]


@pytest.mark.parametrize('network', [shuffled, in_a_loop, in_a_branch, python])
def test_wherever_it_is_drawn(session, network):
    (found,) = said(session, network)
    assert 'two runs of the same rows differ' in found


def test_with_the_delta_too(session):
    (found,) = said(session, dropout, 'intgrad', return_convergence_delta=True)
    assert 'two runs of the same rows differ' in found


def test_in_a_function_body(session):
    tf2 = pytest.importorskip('tensorflow').compat.v2
    if tf.__version__.startswith('1.'):
        pytest.skip('as TensorFlow 2 makes functions')
    function = tf2.function(lambda z: z + tf.random_uniform(tf.shape(z)))
    (found,) = said(session, lambda X: function(X))
    assert 'PartitionedCall' in found


def no_rate(X):
    return dense(tf.nn.dropout(tf.tanh(dense(X, 16)), rate=tf.constant(0.0) * 1), 2, 2)


def switched_off(X):
    training = tf.placeholder_with_default(False, ())
    return dense(tf.cond(training, lambda: tf.nn.dropout(X, rate=0.5), lambda: tf.identity(X)), 2, 2)


def beside(X):
    tf.identity(X + tf.random_normal(tf.shape(X)))
    return mlp(X)


def stateless(X):
    return X + tf.random.stateless_uniform(tf.shape(X), [1, 2])


@pytest.mark.parametrize(('method', 'arguments'), METHODS)
@pytest.mark.parametrize('network', [no_rate, switched_off, beside, stateless, mlp])
def test_no_false_alarm(session, method, arguments, network):
    assert said(session, network, method, arguments=arguments) == []


def test_what_initializes_variables_is_not_asked(session):
    X = tf.placeholder(tf.float32, [None, 4])
    T = tf.tanh(tf.matmul(X, tf.get_variable('w', [4, 3], initializer=tf.random_normal_initializer())))
    session.run(tf.global_variables_initializer())
    with DeepExplain(session=session) as de:
        e = de.get_explainer('grad*input', T, X)
    assert not e.engine.randomness._drawing(e.request(normal(2, 4)))


def test_where_nothing_is_drawn_nothing_is_run(session):
    recorder, X = Recorder(session), tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=recorder) as de:
        e = de.get_explainer('saliency', mlp(X), X)
    e.run(normal(3, 4))
    assert recorder.rows == [3]


def test_a_switch_that_is_fed_later_is_asked_again(session):
    X, keep = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, ())
    T = dense(tf.nn.dropout(tf.tanh(dense(X, 16)), rate=1 - keep), 2, 2)
    with DeepExplain(session=session) as de:
        e = de.get_explainer('grad*input', T, X)
        e.run(normal(3, 4), feed_dict={keep: 1.0})
        with pytest.warns(DeepExplainWarning, match='two runs of the same rows differ'):
            e.run(normal(3, 4), feed_dict={keep: 0.5})
        e.run(normal(3, 4), feed_dict={keep: 0.5})


def test_the_draw_may_be_fed_as_it_says(session):
    X = tf.placeholder(tf.float32, [None, 4])
    T = sampling(X)
    name = next(op.name for op in session.graph.get_operations() if op.type == 'RandomStandardNormal')
    with DeepExplain(session=session) as de:
        e = de.get_explainer('grad*input', T, X)
        with pytest.warns(DeepExplainWarning, match=f"feed_dict={{'{name}:0': ...}}"):
            e.run(normal(3, 4))
        again = de.get_explainer('grad*input', T, X)
        again.run(normal(3, 4), feed_dict={name + ':0': np.zeros((3, 3), np.float32)})
