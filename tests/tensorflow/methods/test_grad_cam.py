"""Class activation maps, against loops over places and channels with gradients from a plain session run."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, GraphError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.runtime.resized import resized

METHODS = ['grad_cam', 'grad_cam++', 'guided_grad_cam']
MAPS = METHODS[:2]


def network(X, strides=2):
    """(layer, T): two convolutions, the second with a stride, of X [samples, 6, 8, 2]."""
    h = tf.nn.relu(tf.nn.conv2d(X, tf.constant(normal(3, 3, 2, 4, seed=1)), [1, 1, 1, 1], 'SAME') + 0.1)
    h = tf.nn.relu(tf.nn.conv2d(h, tf.constant(normal(3, 3, 4, 5, seed=2)), [1, strides, strides, 1], 'SAME'))
    flat = tf.reshape(tf.tanh(0.1 * h), [-1, h.shape[1] * h.shape[2] * 5])
    return h, tf.matmul(flat, tf.constant(normal(int(flat.shape[1]), 3, seed=3)))


@pytest.fixture
def images(session):
    X = tf.placeholder(tf.float64, [None, 6, 8, 2])
    layer, T = network(X)
    return X, layer, T, normal(4, 6, 8, 2)


def map_by_hand(method, a, g, relu):
    """Of one sample, with a value and a gradient for each place and channel: shape (places..., 1)."""
    places, channels = list(np.ndindex(a.shape[:-1])), range(a.shape[-1])
    weights = []
    for c in channels:
        if method == 'grad_cam++':
            total = sum(a[p][c] for p in places)
            terms = [(g[p][c] ** 2, 2 * g[p][c] ** 2 + total * g[p][c] ** 3 + 1e-6, max(g[p][c], 0)) for p in places]
            weights.append(sum(square / below * positive for square, below, positive in terms))
        else:
            weights.append(sum(g[p][c] for p in places) / len(places))
    found = np.zeros(a.shape[:-1] + (1,))
    for p in places:
        found[p] = sum(weights[c] * a[p][c] for c in channels)
    return np.maximum(found, 0) if relu else found


@pytest.mark.parametrize('relu', [True, False])
@pytest.mark.parametrize('method', MAPS)
def test_a_map_is_the_sum_of_weighted_channels(session, images, method, relu):
    X, layer, T, xs = images
    ys = normal(4, 3, seed=5)
    (gradient,) = tf.gradients(T * ys, layer)
    a, g = session.run([layer, gradient], {X: xs})
    expected = np.array([map_by_hand(method, *both, relu) for both in zip(a, g)])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, layer=layer, relu=relu, resize=None)
        named = de.explain(method, T, X, xs, ys, layer=layer.name, relu=relu, resize='nearest')
    found = explainer.run(xs, ys)
    assert found.shape == (4, 3, 4, 1)
    for kwargs in ({}, {'batch_size': 1}, {'batch_size': 3}):
        np.testing.assert_allclose(explainer.run(xs, ys, **kwargs), expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(named, expected.repeat(2, axis=1).repeat(2, axis=2), rtol=1e-9, atol=1e-11)
    each = explainer.run(xs, 'each')
    assert each.shape == (3, 4, 3, 4, 1)
    np.testing.assert_allclose(each[1], explainer.run(xs, [0, 1, 0]))


@pytest.mark.parametrize('relu', [True, False])
def test_behind_a_global_average_it_is_the_cam(session, relu):
    # Selvaraju et al., section 3.1: the weights are those of the class, over the number of places.
    X = tf.placeholder(tf.float64, [None, 6, 8, 2])
    layer, _ = network(X)
    w = normal(5, 3, seed=7)
    T = tf.matmul(tf.reduce_mean(layer, axis=[1, 2]), tf.constant(w)) + 0.5
    xs = normal(4, 6, 8, 2)
    cam = session.run(layer, {X: xs}) @ w[:, [2]] / 12
    with DeepExplain(session=session) as de:
        found = de.explain('grad_cam', T, X, xs, [0, 0, 1], layer=layer, relu=relu, resize=None)
    np.testing.assert_allclose(found, np.maximum(cam, 0) if relu else cam, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize('resize', ['bilinear', 'nearest'])
def test_guided_grad_cam_is_the_product(session, images, resize):
    X, layer, T, xs = images
    with DeepExplain(session=session) as de:
        guided = de.get_explainer('guided_backprop', T, X)
        cam = de.get_explainer('grad_cam', T, X, layer=layer, resize=resize)
        both = de.get_explainer('guided_grad_cam', T, X, layer=layer, resize=resize)
        signed = de.explain('guided_grad_cam', T, X, xs, layer=layer, relu=False)
        map_ = de.explain('grad_cam', T, X, xs, layer=layer, relu=False)
    ys = normal(4, 3, seed=5)
    for weights in (None, ys, [0, 1, 0], 'each'):
        expected = guided.run(xs, weights) * cam.run(xs, weights)
        assert expected.shape[-3:] == (6, 8, 2)
        for batch_size in (None, 1, 3):
            np.testing.assert_allclose(both.run(xs, weights, batch_size), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(signed, guided.run(xs) * map_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('method', METHODS)
def test_time_series_and_volumes(session, method):
    for places in ((9,), (4, 3, 5)):
        X = tf.placeholder(tf.float64, [None, *places, 2])
        kernel = tf.constant(normal(*(2,) * len(places), 2, 3, seed=1))
        layer = tf.nn.relu(tf.nn.convolution(X, kernel, 'SAME', strides=[2] * len(places)))
        T = tf.reduce_sum(layer**2, axis=list(range(1, len(places) + 2)))
        xs = normal(3, *places, 2)
        with DeepExplain(session=session) as de:
            found = de.explain(method, T, X, xs, layer=layer)
            assert found.shape == (3, *places, 2 if method == 'guided_grad_cam' else 1)
            if method != 'guided_grad_cam':
                small = de.explain(method, T, X, xs, layer=layer, resize=None)
                assert small.shape == (3, *[-(-d // 2) for d in places], 1)
                np.testing.assert_allclose(found, resized(small, places, 'bilinear'))


@pytest.mark.parametrize('method', METHODS)
def test_an_x_without_channels_and_with_open_places(session, method):
    X = tf.placeholder(tf.float64, [None, None, None])
    kernel = tf.constant(normal(3, 3, 1, 4, seed=1))
    layer = tf.nn.relu(tf.nn.conv2d(X[..., None], kernel, [1, 2, 2, 1], 'SAME'))
    T = tf.reduce_mean(layer, axis=[1, 2])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, layer=layer)
    for sizes in ((6, 4), (5, 9)):
        found = explainer.run(normal(3, *sizes), [1, 0, 0, 0])
        assert found.shape == (3, *sizes) + (() if method == 'guided_grad_cam' else (1,))


def test_several_inputs(session):
    A, B = tf.placeholder(tf.float64, [None, 6, 8, 2]), tf.placeholder(tf.float64, [None, 3])
    layer, T = network(A)
    T = T * B
    xs, more = normal(4, 6, 8, 2), normal(4, 3)
    with DeepExplain(session=session) as de:
        expected = de.explain('grad_cam', T, A, xs, layer=layer, resize=None, feed_dict={B: more})
        found = de.explain('grad_cam', T, [A, B], [xs, more], layer=layer, resize=None)
        np.testing.assert_allclose(found, expected)
        with pytest.raises(ArgumentError, match=r"sample of X 'Placeholder_1:0' has shape \(3,\), .*give resize=None"):
            de.explain('grad_cam', T, [A, B], [xs, more], layer=layer)
        with pytest.raises(ArgumentError, match="'guided_grad_cam' takes one X, .*got a list of 2"):
            de.explain('guided_grad_cam', T, [A, B], [xs, more], layer=layer)


@pytest.mark.parametrize('method', METHODS)
def test_wrong_layers_and_arguments_are_refused(session, images, method):
    X, layer, T, xs = images
    flat = tf.reshape(layer, [-1, 60])
    T2 = T + tf.reduce_sum(flat, axis=1, keepdims=True)
    refused = [
        (
            {},
            ArgumentTypeError,
            f"'{method}' needs layer=..., a tensor between X and T, or its name".replace('+', r'\+'),
        ),
        ({'layer': [layer]}, ArgumentTypeError, 'takes one layer, a tensor or its name; got'),
        ({'layer': flat}, ArgumentError, r'must have the shape \(samples, places..., channels\)'),
        ({'layer': T2}, ArgumentError, 'is T itself'),
        ({'layer': tf.constant(normal(4, 3, 4, 5))}, GraphError, 'is not between X and T'),
        ({'layer': layer, 'relu': 1}, ArgumentTypeError, 'relu must be True or False; got 1'),
        ({'layer': layer, 'resize': 'cubic'}, ArgumentError, "resize must be one of 'bilinear', 'nearest', None; got"),
    ]
    with DeepExplain(session=session) as de:
        for arguments, error, message in refused:
            with pytest.raises(error, match=message):
                de.explain(method, T2, X, xs, **arguments)
        with pytest.raises(ArgumentError, match=f"'{method}' has no convergence delta".replace('+', r'\+')):
            de.explain(method, T, X, xs, layer=layer, return_convergence_delta=True)


def test_guided_grad_cam_without_resizing_needs_the_places_of_x(session):
    X = tf.placeholder(tf.float64, [None, 6, 8, 2])
    xs = normal(2, 6, 8, 2)
    with DeepExplain(session=session) as de:
        layer, T = network(X, strides=1)
        found = de.explain('guided_grad_cam', T, X, xs, layer=layer, resize=None)
        np.testing.assert_allclose(found, de.explain('guided_grad_cam', T, X, xs, layer=layer), rtol=1e-12)
        layer, T = network(X)
        with pytest.raises(ArgumentError, match=r'has the places \(3, 4\), and X \(6, 8\): with resize=None both must'):
            de.explain('guided_grad_cam', T, X, xs, layer=layer, resize=None)


@pytest.mark.parametrize('method', METHODS)
def test_channels_that_come_first_are_refused(session, method):
    X = tf.placeholder(tf.float64, [None, 2, 6, 8])
    layer = tf.nn.relu(tf.nn.bias_add(3 * X, tf.constant([0.1, 0.2], tf.float64), data_format='NCHW'))
    T = tf.reduce_sum(layer, axis=[1, 2, 3])
    with DeepExplain(session=session) as de, pytest.raises(ArgumentError, match=r'channels first \(NCHW\)'):
        de.explain(method, T, X, normal(2, 2, 6, 8), layer=layer)


@pytest.mark.parametrize('method', METHODS)
def test_low_precision_and_fixed_batches(session, method):
    xs = normal(3, 6, 8, 2)
    X, fixed = tf.placeholder(tf.float64, [None, 6, 8, 2]), tf.placeholder(tf.float64, [4, 6, 8, 2])
    low = tf.placeholder(tf.bfloat16, [None, 6, 8, 2])
    with DeepExplain(session=session) as de:
        layer, T = network(X)
        expected = de.explain(method, T, X, xs, layer=layer)
        layer, T = network(fixed)
        np.testing.assert_allclose(de.explain(method, T, fixed, xs, layer=layer), expected, rtol=1e-9, atol=1e-12)
        layer = tf.nn.relu(low)
        T = tf.reduce_sum(layer, axis=[1, 2, 3])
        found = de.explain(method, T, low, xs, layer=layer)
        assert found.dtype.name == 'bfloat16'
