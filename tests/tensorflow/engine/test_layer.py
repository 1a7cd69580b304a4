"""Attributions to a layer: every method at the values that a plain session run gives, against the same T by itself."""

import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import METHODS, dense, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain, NoiseTunnel
from deepexplain.tensorflow.methods import GradCAM, IntegratedGradients

ALL = [*METHODS, ('lrp', {}), ('guided_backprop', {}), ('deconvnet', {})]
every_method = pytest.mark.parametrize(('method', 'kwargs'), ALL, ids=[name for name, _ in ALL])
WITH_BASELINE = [(n, k) for n, k in METHODS if n in ('intgrad', 'deeplift', 'occlusion', 'shapley_sampling')]
with_baseline = pytest.mark.parametrize(('method', 'kwargs'), WITH_BASELINE, ids=[name for name, _ in WITH_BASELINE])


def network(X):
    """(the layer, T) of X [samples, 4]: T is computed from the layer alone."""
    h = tf.nn.tanh(dense(X, 5, 1) + 0.3)
    return h, dense(tf.nn.relu(dense(h, 6, 2)), 3, 3)


def placeholder(*shape, dtype=tf.float64):
    return tf.placeholder(dtype, [None, *shape])


def run(de, method, *args, **kwargs):
    np.random.seed(0)
    return de.explain(method, *args, **kwargs)


def close(found, expected, rtol=1e-9):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-10)


@every_method
def test_a_layer_is_explained_at_the_values_that_the_network_gives_it(session, method, kwargs):
    X = placeholder(4)
    h, T = network(X)
    xs, ys = normal(5, 4), normal(5, 3, seed=3)
    values, origin = session.run(h, {X: xs}), session.run(h, {X: np.zeros((1, 4))})[0]
    expected_arguments = dict(kwargs, baseline=origin) if (method, kwargs) in WITH_BASELINE else kwargs
    with DeepExplain(session=session) as de:
        expected = run(de, method, T, h, values, ys, **expected_arguments)
        close(run(de, method, T, X, xs, ys, layer=h, **kwargs), expected)
        close(run(de, method, T, X, xs, ys, batch_size=2, layer=h.name, **kwargs), expected)
        one_by_one = [run(de, method, T, X, xs[i : i + 1], ys[i : i + 1], layer=h, **kwargs) for i in range(5)]
        if method != 'shapley_sampling':  # whose orders are other ones then
            close(np.concatenate(one_by_one), expected)
        each = run(de, method, T, h, values, 'each', **expected_arguments)
        close(run(de, method, T, X, xs, 'each', layer=h, **kwargs), each)
        if method in ('occlusion', 'shapley_sampling'):
            with pytest.raises(RuntimeError, match=rf"'{method}' changes the values of one layer.*got a list of '"):
                de.explain(method, T, X, xs, layer=[h], **kwargs)
            return
        listed = run(de, method, T, X, xs, 'each', layer=[h], **kwargs)
        assert isinstance(listed, list)
        close(listed[0], each)


@with_baseline
@pytest.mark.parametrize('form', ['one', 'each', 'function'])
def test_the_baseline_is_that_of_x(session, method, kwargs, form):
    X = placeholder(4)
    h, T = network(X)
    xs = normal(5, 4)
    rows = normal(5, 4, seed=7) if form == 'each' else np.tile(normal(4, seed=7), (5, 1))
    baseline = {'one': rows[0], 'each': rows, 'function': lambda x: rows[0] + 0 * x[0]}[form]
    values, at_baseline = session.run(h, {X: xs}), session.run(h, {X: rows})
    with DeepExplain(session=session) as de:
        expected = run(de, method, T, h, values, baseline=at_baseline, **kwargs)
        close(run(de, method, T, X, xs, layer=h, baseline=baseline, **kwargs), expected)
        close(run(de, method, T, X, xs, batch_size=2, layer=h, baseline=baseline, **kwargs), expected)


@pytest.mark.parametrize('method', ['intgrad', 'deeplift'])
def test_of_a_set_of_baselines_it_is_the_mean(session, method):
    X = placeholder(4)
    h, T = network(X)
    xs, rows = normal(5, 4), normal(3, 4, seed=7)
    with DeepExplain(session=session) as de:
        expected = np.mean([run(de, method, T, X, xs, layer=h, baseline=row) for row in rows], axis=0)
        close(run(de, method, T, X, xs, layer=h, baselines=rows), expected)
        close(run(de, method, T, X, xs, layer=h, baselines=lambda x: rows), expected)


@pytest.mark.parametrize('method', ['intgrad', 'deeplift', 'shapley_sampling'])
def test_it_adds_up_to_what_t_differs_by_where_the_layer_cuts_the_graph(session, method):
    X = placeholder(4)
    h, T = network(X)
    xs, baseline = normal(5, 4), normal(4, seed=2)
    arguments = {'tolerance': 1e-2, 'quadrature': 'riemann_middle'} if method == 'intgrad' else {}
    at_x, at_baseline = (session.run(T, {X: rows}).sum(axis=1) for rows in (xs, baseline[None]))
    with DeepExplain(session=session) as de:
        found, delta = run(de, method, T, X, xs, layer=h, baseline=baseline, return_convergence_delta=True, **arguments)
    np.testing.assert_allclose(found.sum(axis=1), at_x - at_baseline, atol=1e-2)
    np.testing.assert_allclose(delta, found.sum(axis=1) - (at_x - at_baseline), atol=1e-10)


def test_integrated_gradients_are_straight_in_the_layer(session):
    X = placeholder(4)
    h, T = network(X)
    xs = normal(3, 4)
    values, origin = session.run(h, {X: xs}), session.run(h, {X: np.zeros((1, 4))})
    (gradient,) = tf.gradients(T, h)
    mean = np.mean([session.run(gradient, {h: origin + (values - origin) * k / 9}) for k in range(1, 10)], axis=0)
    with DeepExplain(session=session) as de:
        close(run(de, 'intgrad', T, X, xs, layer=h, steps=9), (values - origin) * mean)
        close(run(de, 'intgrad', T, X, xs, layer=h, steps=9, multiply_by_inputs=False), mean)


@every_method
def test_an_x_that_t_reads_besides_keeps_its_values(session, method, kwargs):
    X = placeholder(4)
    h, T = network(X)
    T = T + dense(X, 3, 9)  # a shortcut
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        arguments = dict(kwargs)
        if (method, kwargs) in WITH_BASELINE:
            arguments['baseline'] = session.run(h, {X: np.zeros((1, 4))})[0]
        expected = run(de, method, T, h, session.run(h, {X: xs}), feed_dict={X: xs}, **arguments)
        close(run(de, method, T, X, xs, layer=h, **kwargs), expected)
        close(run(de, method, T, X, xs, batch_size=2, layer=h, **kwargs), expected)


def test_several_inputs_and_several_layers(session):
    A, B = placeholder(4), placeholder(2)
    a, b = tf.nn.relu(dense(A, 3, 1)), tf.nn.tanh(dense(B, 3, 2))
    both = a * b
    T = dense(tf.concat([both, B], axis=1), 2, 3)
    xs = [normal(5, 4), normal(5, 2, seed=4)]
    values = session.run([a, b, both], {A: xs[0], B: xs[1]})
    with DeepExplain(session=session) as de:
        found = run(de, 'grad*input', T, [A, B], xs, layer=[a, b])
        expected = run(de, 'grad*input', T, [a, b], values[:2], feed_dict={B: xs[1]})
        assert isinstance(found, list)
        for one, other in zip(found, expected):
            close(one, other)
        single = run(de, 'occlusion', T, [A, B], xs, layer=both)  # methods of one X have one layer
        close(single, run(de, 'occlusion', T, both, values[2], feed_dict={B: xs[1]}))
        close(run(de, 'saliency', T, [A, B], xs, layer=A), run(de, 'saliency', T, A, xs[0], feed_dict={B: xs[1]}))
        explainer = de.get_explainer('intgrad', T, [A, B], layer=both)
    assert explainer.has_multiple_inputs
    assert explainer.layer is both
    assert [x.name for x in explainer.X] == [A.name, B.name]
    assert repr(explainer).endswith("layer='mul:0' (None, 3))")


def test_the_embedding_of_ids(session):
    ids = placeholder(3, dtype=tf.int32)
    table = tf.constant(normal(9, 2))
    embedded = tf.gather(table, ids)
    T = tf.reduce_sum(tf.tanh(embedded), axis=[1, 2])
    rows = np.array([[1, 5, 0], [2, 2, 8]])
    values = normal(9, 2)[rows]
    with DeepExplain(session=session) as de:
        found = run(de, 'grad*input', T, ids, rows, layer=embedded)
        close(found, values * (1 - np.tanh(values) ** 2))
        found = run(de, 'deeplift', T, ids, rows, layer=embedded, baseline=8, rules='complete')
        close(found.sum(axis=(1, 2)), (np.tanh(values) - np.tanh(normal(9, 2)[8])).sum(axis=(1, 2)))
        with pytest.raises(ArgumentTypeError, match="layer 'Placeholder:0' must be a float tensor"):
            de.explain('saliency', T, ids, rows, layer=ids)


def test_feeds_that_the_layer_reads(session):
    X, mask, scale = placeholder(4), placeholder(5), tf.placeholder(tf.float64, ())
    h = network(X)[0] * mask * scale
    T = dense(tf.tanh(h), 3, 2)
    xs, rows = normal(5, 4), normal(5, 5, seed=5)
    feeds = {mask: rows, scale: 2.0}
    values = session.run(h, {X: xs, **feeds})
    origin = session.run(h, {X: 0 * xs, **feeds})
    with DeepExplain(session=session) as de:
        expected = run(de, 'deeplift', T, h, values, baseline=origin)
        close(run(de, 'deeplift', T, X, xs, layer=h, feed_dict=feeds), expected)
        close(run(de, 'deeplift', T, X, xs, batch_size=2, layer=h, feed_dict=feeds), expected)
        with pytest.raises(ArgumentError, match="no value: 'Placeholder_1:0'"):
            de.explain('deeplift', T, X, xs, layer=h, feed_dict={scale: 2.0})
        with pytest.raises(ArgumentError, match="depends on 'Placeholder_1:0', of which each sample feeds its own row"):
            de.explain('deeplift', T, X, xs, layer=h, feed_dict=feeds, baselines=xs[:3])
        for theirs in (X, h):
            with pytest.raises(ArgumentError, match='it is fed from xs or ys'):
                de.explain('deeplift', T, X, xs, layer=h, feed_dict={**feeds, theirs: xs})


@pytest.mark.parametrize('count', [1, 2, 4, 5])
def test_a_fixed_batch_is_filled(session, count):
    X = tf.placeholder(tf.float64, [4, 4])
    h, T = network(X)
    xs = normal(5, 4)
    any_X = placeholder(4)
    any_h, any_T = network(any_X)
    with DeepExplain(session=session) as de:
        for method in ('saliency', 'intgrad', 'conductance'):
            expected = run(de, method, any_T, any_X, xs[:count], layer=any_h)
            close(run(de, method, T, X, xs[:count], layer=h), expected)


@pytest.mark.parametrize('method', ['grad*input', 'deeplift', 'conductance'])
def test_a_layer_that_mixes_samples_is_computed_of_all_together(session, method):
    X = placeholder(4)
    h = network(X)[0]
    h = h / tf.reduce_sum(1 + h**2, axis=0, keepdims=True)
    T = dense(tf.tanh(h), 3, 2)
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        found = run(de, method, T, X, xs, layer=h)
        if method != 'conductance':
            more = {'baseline': session.run(h, {X: 0 * xs})} if method == 'deeplift' else {}
            close(found, run(de, method, T, h, session.run(h, {X: xs}), **more))
        with pytest.warns(DeepExplainWarning, match='mixes samples'):
            run(de, method, T, X, xs, batch_size=2, layer=h)


def test_a_layer_without_a_row_for_each_sample_is_refused(session):
    X = placeholder(3, 2)
    by_time = tf.transpose(X, [1, 0, 2])
    rows = tf.reshape(X, [-1, 2])
    total = tf.reduce_sum(X, axis=0)
    T = tf.reduce_sum(tf.transpose(by_time, [1, 0, 2]) + tf.reshape(rows, [-1, 3, 2]) + total, axis=[1, 2])
    with DeepExplain(session=session) as de:
        for layer in (by_time, rows):
            for method, arguments in [('grad*input', {}), ('occlusion', {}), ('internal_influence', {})]:
                with pytest.raises(ArgumentError, match=f"layer '{layer.name}' has not one row for each sample"):
                    de.explain(method, T, X, normal(3, 3, 2), layer=layer, **arguments)
        with pytest.raises(ArgumentError, match=r'must have one row for each sample; it has shape \(3, 2\) for 4'):
            de.explain('saliency', T, X, normal(4, 3, 2), layer=total)


def test_a_layer_must_be_between_x_and_t(session):
    X, other = placeholder(4), placeholder(4)
    h, T = network(X)
    aside, before = dense(h, 2, 8), dense(other, 4, 8)
    T2 = T + dense(before, 3, 2)
    xs = normal(2, 4)
    refused = [
        (T2, ArgumentError, 'is T itself'),
        (aside, GraphError, 'layer does not reach T: no path of ops leads'),
        (before, GraphError, "is not between X and T: it does not depend on X \\('Placeholder:0'\\)"),
        ('no', ArgumentError, "layer: there is no tensor 'no'"),
        ([], ArgumentError, 'layer is an empty list'),
        ([h, h], ArgumentError, 'layer holds the same tensor twice'),
        (3, ArgumentTypeError, 'layer must be a Tensorflow Tensor object'),
        (h.op, ArgumentTypeError, 'layer must be a Tensorflow Tensor object'),
        (tf.reduce_sum(h), ArgumentError, 'is a scalar'),
    ]
    with DeepExplain(session=session) as de:
        before_calls = len(session.graph.get_operations())
        for method in ('saliency', 'occlusion', 'conductance'):
            for layer, error, message in refused:
                with pytest.raises(error, match=message):
                    de.explain(method, T2, X, xs, layer=layer, feed_dict={other: xs})
    assert len(session.graph.get_operations()) == before_calls


def test_x_itself_is_a_layer(session):
    X = placeholder(4)
    _, T = network(X)
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        for method in ('saliency', 'intgrad', 'deeplift', 'occlusion'):
            close(run(de, method, T, X, xs, layer=X), run(de, method, T, X, xs))
        found = run(de, 'conductance', T, X, xs, layer=X, quadrature='riemann_right')
        close(found, run(de, 'intgrad', T, X, xs))


def test_the_explainer_of_a_layer(session):
    X = placeholder(4)
    h, T = network(X)
    xs = normal(5, 4)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', T, X, layer=h)
        other = de.get_explainer('deeplift', T, X)
        by_object = de.explain(IntegratedGradients(steps=5), T, X, xs, layer=h)
        close(by_object, de.explain('intgrad', T, X, xs, layer=h, steps=5))
        size = len(session.graph.get_operations())
        de.explain('intgrad', T, X, xs, layer=h, steps=7)
        assert len(session.graph.get_operations()) == size  # the explainer is kept
        with pytest.raises(ArgumentTypeError, match='give layer there, not beside it'):
            de.explain(GradCAM(layer=h), T, X, xs, layer=h)
    assert explainer != other
    assert explainer == explainer.with_arguments(layer=h.name)
    with pytest.raises(ArgumentError, match='This explainer was built for .*layer=.*for another layer get_explainer'):
        explainer.with_arguments(layer=None)
    assert explainer.X is X
    assert (explainer.layer.name, other.layer) == (h.name, None)
    assert [row.type for row in explainer.describe().rows] == ['MatMul', 'Relu', 'MatMul']
    close(explainer.outputs(xs), session.run(T, {X: xs}).sum(axis=1))
    assert np.abs(explainer.leaks(xs).delta).max() < 1e-9
    with pytest.raises(TypeError, match="does not know the argument 'layers'; .*And layer, a tensor between X and T"):
        explainer.with_arguments(layers=h)


@pytest.mark.parametrize('method', ['saliency', 'deeplift', 'conductance', 'occlusion'])
def test_noise_is_in_x(session, method):
    X = placeholder(4)
    h, T = network(X)
    xs = normal(3, 4)
    noise = np.random.RandomState(0)
    noisy = [xs + 0.2 * noise.normal(size=xs.shape) for _ in range(4)]
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, layer=h)
        found = NoiseTunnel(explainer, samples=4, stdev=0.2, seed=0).run(xs)
    close(found, np.mean([explainer.run(x) for x in noisy], axis=0), rtol=1e-6)


def test_threads_share_an_explainer(session):
    X = placeholder(4)
    h, T = network(X)
    found = {}
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('conductance', T, X, layer=h)
        other = de.get_explainer('intgrad', T, X, layer=h)

        def explain(seed):
            xs = normal(6, 4, seed=seed)
            found[seed] = explainer.run(xs, batch_size=4), other.run(xs)

        threads = [threading.Thread(target=explain, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for seed, (a, b) in found.items():
        xs = normal(6, 4, seed=seed)
        close(a, explainer.run(xs))
        close(b, other.run(xs))


def test_a_layer_that_is_random_is_said(session):
    X = placeholder(4)
    h = tf.nn.dropout(network(X)[0], rate=0.5)
    T = dense(h, 2, 3)
    with DeepExplain(session=session) as de, pytest.warns(DeepExplainWarning, match='is random'):
        de.explain('grad*input', T, X, normal(5, 4), layer=h)


def test_dtypes_are_those_of_the_layer(session):
    X = placeholder(4, dtype=tf.float32)
    h = tf.cast(dense(X, 3, 1), tf.float64)
    low = tf.cast(tf.tanh(h), tf.bfloat16)
    T = tf.reduce_sum(tf.cast(low, tf.float32), axis=1)
    with DeepExplain(session=session) as de:
        for method in ('grad*input', 'intgrad', 'conductance', 'occlusion'):
            for layer, name in ((h, 'float64'), (low, 'bfloat16')):
                found = de.explain(method, T, X, normal(3, 4), layer=layer)
                assert (found.dtype.name, found.shape) == (name, (3, 3))


def test_a_layer_behind_and_before_a_loop(session):
    X = placeholder(3, 4)
    steps = tf.transpose(X, [1, 0, 2])
    w = tf.constant(0.3 * normal(4, 4))
    scanned = tf.scan(lambda h, x: tf.tanh(tf.matmul(h, w) + x), steps, tf.zeros_like(steps[0]))
    last = scanned[-1]
    first = 2 * X[:, 0]
    again = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w))), [0, last + first])[1]
    T = tf.reduce_sum(again, axis=1)
    xs = normal(5, 3, 4)
    values = session.run(last, {X: xs})
    with DeepExplain(session=session) as de:
        for method in ('saliency', 'elrp'):
            close(run(de, method, T, X, xs, layer=last), run(de, method, T, last, values, feed_dict={X: xs}))
        both = run(de, 'conductance', T, X, xs, layer=[last, first], steps=300)
        differs = session.run(T, {X: xs}) - session.run(T, {X: 0 * xs})
        np.testing.assert_allclose(sum(a.sum(axis=1) for a in both), differs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('method', ['occlusion', 'intgrad', 'conductance'])
def test_what_is_fed_between_x_and_the_layer_is_refused(session, method):
    X = placeholder(4)
    h = tf.identity(dense(X, 5, 1), name='h')
    layer = tf.nn.relu(h)
    with DeepExplain(session=session) as de, pytest.raises(ArgumentError, match="'h:0': it lies between X and"):
        de.explain(method, dense(layer, 2, 2), X, normal(2, 4), layer=layer, feed_dict={'h:0': np.ones((2, 5))})


def test_sums_that_tensorflow_fuses_with_what_is_before_and_behind_them(session):
    # TensorFlow 2.21 does not find the sum, where both it and something behind it are fetched.
    X, w = tf.placeholder(tf.float32, [None, 8, 8, 4]), tf.constant(normal(3, 3, 4, 4), tf.float32)
    h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(X, w, 1, 'SAME'), tf.ones([4])))
    shortcut = h + tf.nn.bias_add(tf.nn.conv2d(h, w, 1, 'SAME'), tf.ones([4]))
    behind = tf.nn.relu(shortcut)
    last = tf.nn.tanh(behind)
    xs = normal(3, 8, 8, 4)
    with DeepExplain(session=session) as de:
        T = tf.reduce_mean(behind + last, [1, 2])
        _, delta = de.explain('deeplift', T, X, xs, return_convergence_delta=True)
        np.testing.assert_allclose(delta, 0, atol=1e-4)
        both = de.explain('conductance', T, X, xs, layer=[shortcut, last], steps=3)
        whole = de.explain('conductance', T, X, xs, layer=shortcut, steps=3)
        de.explain('saliency', T, X, xs, layer=shortcut)
        de.explain('occlusion', T, shortcut, xs, window_shape=(8, 8, 1))
        of_last = de.explain('conductance', T, X, xs, layer=last, steps=3)
    np.testing.assert_allclose(both[1], of_last, rtol=1e-4, atol=1e-6)
    assert np.abs(both[0] - whole).max() > 1e-3
