"""What windows reach, computed alone: the same numbers as whole rows give, of any network and any windows."""

import threading

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.runtime.regions import gathering

#: No shrinking: an example builds graphs.
EXAMPLES = settings(max_examples=40, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
SHAPES = {1: (19, 3), 2: (12, 11, 2), 3: (7, 6, 8, 2)}
NAMES = {
    'conv': 'of any stride, dilation and padding',
    'depthwise': '2-D only',
    'max': 'pooling',
    'mean': 'pooling',
    'norm': 'fused or by hand',
    'relu': 'and others by place',
    'shortcut': 'what was, added to what is made of it',
    'branches': 'of different kernels, side by side',
    'pad': 'with zeros or another number',
    'crop': 'a slice with steps',
    'enlarge': 'two times, three times',
    'softmax': 'over channels',
    'places': 'constants that differ from place to place',
    'gate': 'a product of two branches',
}


class Drawn:
    """A convolutional network that is drawn op by op, of so many spatial axes."""

    def __init__(self, rng, axes, dtype=tf.float64):
        self.rng, self.axes, self.dtype = rng, axes, dtype

    def weights(self, *shape):
        return tf.constant(self.rng.randn(*shape) / np.sqrt(np.prod(shape[:-1])), self.dtype)

    def numbers(self, most):
        return [int(n) for n in self.rng.randint(1, most + 1, self.axes)]

    def padding(self):
        return str(self.rng.choice(['SAME', 'VALID']))

    def conv(self, h):
        kernel, channels = self.numbers(3), int(self.rng.randint(1, 4))
        weights = self.weights(*kernel, h.shape.as_list()[-1], channels)
        strides = self.numbers(2)
        dilations = self.numbers(2) if max(strides) == 1 and self.axes < 3 else [1] * self.axes
        padding = self.padding()
        if padding == 'VALID' and self.axes == 2 and self.rng.rand() < 0.3:
            padding = [[0, 0], [1, 2], [0, 1], [0, 0]]
        if self.axes == 1:
            if max(strides) == 1 and self.rng.rand() < 0.5:
                return tf.nn.convolution(h, weights, padding if padding == 'SAME' else 'VALID', dilation_rate=dilations)
            return tf.nn.conv1d(h, weights, strides[0], padding)
        if self.axes == 3:
            return tf.nn.conv3d(h, weights, [1, *strides, 1], padding)
        if self.rng.rand() < 0.3 and not isinstance(padding, list):
            return tf.nn.convolution(h, weights, padding, dilation_rate=dilations)
        return tf.nn.conv2d(h, weights, [1, *strides, 1], padding, dilations=[1, *dilations, 1])

    def depthwise(self, h):
        if self.axes != 2:
            return self.conv(h)
        weights = self.weights(*self.numbers(3), h.shape.as_list()[-1], int(self.rng.randint(1, 3)))
        return tf.nn.depthwise_conv2d_native(h, weights, [1, 1, 1, 1], self.padding())

    def _pool(self, h, kind):
        pool = tf.nn.max_pool if kind == 'max' else tf.nn.avg_pool
        size, stride, padding = self.numbers(3), self.numbers(2), self.padding()
        if self.axes == 3:
            pool = tf.nn.max_pool3d if kind == 'max' else tf.nn.avg_pool3d
            single = tf.cast(h, tf.float32)  # there is no other kernel
            return tf.cast(pool(single, [1, *size, 1], [1, *stride, 1], padding), h.dtype)
        if self.axes == 1:
            lifted = tf.expand_dims(h, 1)
            return tf.squeeze(pool(lifted, [1, 1, *size, 1], [1, 1, *stride, 1], padding), [1])
        return pool(h, [1, *size, 1], [1, *stride, 1], padding)

    def max(self, h):
        return self._pool(h, 'max')

    def mean(self, h):
        return self._pool(h, 'mean')

    def norm(self, h):
        channels = h.shape.as_list()[-1]
        scale, offset, mean = (self.rng.randn(channels) for _ in range(3))
        variance = self.rng.rand(channels) + 0.1
        if self.axes == 2 and self.rng.rand() < 0.5 and h.dtype == tf.float32:
            return tf.nn.fused_batch_norm(h, scale, offset, mean, variance, is_training=False)[0]
        return tf.nn.batch_normalization(h, mean, variance, offset, scale, 1e-3)

    def relu(self, h):
        return [tf.nn.relu, tf.nn.elu, tf.tanh, lambda z: tf.nn.bias_add(z, self.weights(h.shape.as_list()[-1]))][
            self.rng.randint(4)
        ](h)

    def shortcut(self, h):
        channels = h.shape.as_list()[-1]
        weights = self.weights(*self.numbers(3), channels, channels)
        return h + tf.nn.relu(tf.nn.convolution(h, weights, 'SAME'))

    def branches(self, h):
        channels, made = h.shape.as_list()[-1], [h]
        for _ in range(2):
            weights = self.weights(*self.numbers(4), channels, int(self.rng.randint(1, 3)))
            made.append(tf.nn.convolution(h, weights, 'SAME'))
        return tf.concat(made[self.rng.randint(2) :], axis=-1)

    def gate(self, h):
        channels = h.shape.as_list()[-1]
        one, other = (tf.nn.convolution(h, self.weights(*self.numbers(3), channels, 2), 'SAME') for _ in range(2))
        return tf.concat(tf.split(tf.sigmoid(one) * other, 2, axis=-1)[::-1], axis=-1)

    def pad(self, h):
        paddings = [[0, 0], *self.rng.randint(0, 3, (self.axes, 2)).tolist(), [0, 0]]
        return tf.pad(h, paddings, constant_values=float(self.rng.choice([0, 0.5])))

    def crop(self, h):
        begin, stop, step = self.rng.randint(0, 2), self.rng.randint(0, 2), self.rng.randint(1, 3)
        return h[:, begin : h.shape.as_list()[1] - stop : step]

    def enlarge(self, h):
        if self.axes != 2:
            return self.relu(h)
        size = [n * f for n, f in zip(h.shape.as_list()[1:3], self.numbers(3))]
        return tf.image.resize_nearest_neighbor(h, size)

    def softmax(self, h):
        return tf.nn.softmax(h)

    def places(self, h):
        return h * self.weights(*h.shape.as_list()[1:]) + self.weights(h.shape.as_list()[1], *[1] * self.axes)

    def end(self, h, kind):
        spatial = list(range(1, self.axes + 1))
        if kind == 'mean':
            return tf.matmul(tf.reduce_mean(h, axis=spatial), self.weights(h.shape.as_list()[-1], 3))
        if kind == 'largest':
            return tf.reduce_max(h, axis=spatial)
        if kind == 'map':
            return h
        size = int(np.prod(h.shape.as_list()[1:]))
        flat = tf.reshape(h, [-1, size] if kind == 'dense' else [tf.shape(h)[0], size])
        return tf.matmul(tf.nn.relu(tf.matmul(flat, self.weights(size, 9))), self.weights(9, 2))

    def network(self, X, layers, end):
        h = X
        for layer in layers:
            if min(h.shape.as_list()[1 : 1 + self.axes]) >= 3 or layer in ('relu', 'norm', 'softmax', 'places'):
                h = getattr(self, layer)(h)
        return self.end(h, end)


def both(build, shape, xs, regions=True, dtype=tf.float64, ys=None, **arguments):
    """Attributions with regions and without, the explainer with them, and the largest |T|."""
    with context() as de:
        X = tf.placeholder(dtype, [None, *shape])
        T = build(X)
        explainer = de.get_explainer('occlusion', T, X, regions=regions, **arguments)
        found = explainer.run(xs, ys)
        expected = explainer.with_arguments(regions=False, **arguments).run(xs, ys)
        largest = np.abs(de.session.run(T, {X: xs})).max()
    return found, expected, explainer, largest


def plans(explainer):
    """The plans that were made."""
    return list(explainer.engine._partial._plans.values())


def used(explainer):
    """Whether a graph of regions was made."""
    return any(plan.build is not None for plan in plans(explainer))


def ends(explainer):
    """The types of the ops that boxes end at."""
    return [op.type for plan in plans(explainer) for op in plan.regions.ends]


@pytest.mark.filterwarnings('ignore:Attributions generated by Occlusion')
@EXAMPLES
@given(
    seed=st.integers(0, 2**32 - 1),
    axes=st.sampled_from([1, 1, 2, 2, 2, 3]),
    layers=st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=6),
    end=st.sampled_from(['mean', 'largest', 'map', 'dense', 'dense of a shape']),
    groups=st.booleans(),
)
def test_any_network_and_windows_give_what_whole_rows_give(seed, axes, layers, end, groups):
    rng = np.random.RandomState(seed)
    shape = SHAPES[axes]
    xs = rng.randn(int(rng.randint(1, 4)), *shape)
    xs[0] *= rng.rand(*shape) < 0.7
    if groups:
        blocks = np.indices(shape[:-1]) // rng.randint(2, 5)
        numbers = np.ravel_multi_index(tuple(blocks), tuple(blocks.reshape(axes, -1).max(axis=1) + 1))
        arguments = {'feature_mask': numbers[..., None], 'baseline': rng.randn(*shape)}
    else:
        window = [int(rng.randint(1, 5)) for _ in range(axes)] + [int(rng.randint(1, shape[-1] + 1))]
        arguments = {'window_shape': window, 'step': [int(n) for n in rng.randint(1, 4, axes + 1)]}
        arguments['baseline'] = [None, 0.5, rng.randn(*xs.shape)][rng.randint(3)]
    drawn = np.random.RandomState(seed)
    found, expected, explainer, largest = both(
        lambda X: Drawn(drawn, axes).network(X, layers, end),
        shape,
        xs,
        ys=None if rng.rand() < 0.5 else 'each',
        **arguments,
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=(1e-6 if axes == 3 else 1e-12) * largest)
    event('regions' if used(explainer) else 'whole rows')


def small(X):
    """A convolution, a pooling and two dense layers."""
    return Drawn(np.random.RandomState(0), 2, X.dtype).network(X, ['conv', 'relu', 'max'], 'dense')


@pytest.mark.parametrize('most', [0, 1 << 18])
@pytest.mark.parametrize('axes', [1, 2, 3])
def test_places_around_boxes_are_those_of_a_table_or_are_computed(monkeypatch, most, axes):
    monkeypatch.setattr(gathering, 'MOST_PLACES', most)
    rng, shape = np.random.RandomState(3), SHAPES[axes]
    layers = ['conv', 'pad', 'max', 'shortcut', 'mean', 'branches', 'places']
    window, step = [2] * axes + [1], [1] * axes + [1]
    found, expected, explainer, largest = both(
        lambda X: Drawn(np.random.RandomState(5), axes).network(X, layers, 'mean'),
        shape,
        rng.randn(2, *shape),
        window_shape=window,
        step=step,
    )
    assert used(explainer)
    np.testing.assert_allclose(found, expected, rtol=0, atol=(1e-6 if axes == 3 else 1e-12) * largest)


def test_ways_are_the_rows_that_differ():
    rng = np.random.RandomState(0)
    rows = rng.randint(-2, 3, (200, 4)) * np.array([1, 0, 1000, 1])
    first, way = gathering.ways(rows)
    np.testing.assert_array_equal(rows[first][way], rows)
    assert len(first) == len(np.unique(rows, axis=0))


@pytest.mark.parametrize('n', [1, 600])
def test_whether_it_pays_depends_on_the_call_alone(session, n):
    # 600 samples save enough for a graph of their own; one does not, also when there is one already.
    X = tf.placeholder(tf.float32, [None, 40, 4])
    h = tf.nn.relu(tf.nn.conv1d(X, tf.constant(np.random.RandomState(0).randn(9, 4, 16), tf.float32), 1, 'SAME'))
    h = tf.nn.relu(tf.nn.conv1d(h, tf.constant(np.random.RandomState(1).randn(9, 16, 16), tf.float32), 1, 'SAME'))
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('occlusion', tf.reduce_sum(h, [1, 2]), X, window_shape=(1, 4))
    xs = np.random.RandomState(2).randn(n, 40, 4)
    before = explainer.run(xs[:1])
    assert not plans(explainer)  # nor is one made
    explainer.run(xs)
    assert used(explainer) == (n > 1)
    np.testing.assert_array_equal(explainer.run(xs[:1]), before)


IMAGES = np.random.RandomState(1).randn(3, 12, 11, 2)


@pytest.mark.parametrize('dtype', [tf.float32, tf.float64, tf.float16, tf.bfloat16])
def test_numbers_of_any_size(dtype):
    exact = {tf.float32: 1e-5, tf.float64: 1e-12, tf.float16: 5e-2, tf.bfloat16: 0.3}[dtype]
    found, expected, explainer, largest = both(small, (12, 11, 2), IMAGES, dtype=dtype, window_shape=(2, 2, 2))
    assert used(explainer)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=0, atol=exact * float(largest)
    )


def sixteen(X, end):
    """One value in, sixteen channels by its size, and a sum of all of them at the end."""
    h = tf.nn.relu(tf.nn.conv2d(X, tf.ones([1, 1, 1, 16], X.dtype), [1, 1, 1, 1], 'VALID'))
    size = int(np.prod(X.shape.as_list()[1:])) * 16
    return (
        tf.reduce_mean(h, [1, 2, 3])[:, None]
        if end == 'mean'
        else tf.matmul(tf.reshape(h, [-1, size]), tf.ones([size, 1], X.dtype) / size)
    )


@pytest.mark.parametrize('end', ['mean', 'dense'])
def test_what_a_much_larger_value_leaves_is_not_lost_in_its_rounding(end):
    # The sum is some 1e5 times what it is without the value: of the difference from it, no digit would be left.
    xs = np.random.RandomState(0).rand(1, 12, 11, 1).astype(np.float32)
    xs[0, 5, 5] = 3e7
    found, expected, explainer, _ = both(
        lambda X: tf.tanh(sixteen(X, end)), (12, 11, 1), xs, dtype=tf.float32, window_shape=(1, 1, 1)
    )
    assert ends(explainer) == [{'mean': 'Mean', 'dense': 'MatMul'}[end]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert expected[0, 5, 5, 0] > 0.1


@pytest.mark.parametrize('end', ['mean', 'dense'])
def test_samples_that_are_not_finite_on_their_way_are_run_as_whole_rows(end):
    # The sum is infinite, until a window takes that value away; and nan would not be seen in T.
    def hiding(y):
        return tf.where(y > 0.5, 1 / y, tf.zeros_like(y))

    xs = np.random.RandomState(0).rand(2, 12, 11, 1) + 0.5
    xs[1, 3, 3] = 0
    found, expected, explainer, _ = both(
        lambda X: hiding(sixteen(1 / X, end)), (12, 11, 1), xs, window_shape=(1, 1, 1), baseline=1
    )
    assert ends(explainer) == [{'mean': 'Mean', 'dense': 'MatMul'}[end]]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert expected[1, 3, 3, 0] < -0.1


@pytest.mark.parametrize('layout', ['NCHW', 'transposed'])
def test_channels_first(layout):
    def build(X):
        weights = tf.constant(np.random.RandomState(0).randn(3, 3, 2, 4), X.dtype)
        if layout == 'NCHW':
            h = tf.nn.conv2d(X, weights, [1, 1, 2, 1], 'SAME', data_format='NCHW')
            h = tf.nn.max_pool2d(tf.nn.relu(h), 2, 2, 'VALID', data_format='NCHW')
        else:
            h = tf.nn.conv2d(tf.transpose(X, [0, 2, 3, 1]), weights, [1, 2, 1, 1], 'SAME')
            h = tf.transpose(tf.nn.relu(h), [0, 3, 1, 2])
        return tf.reduce_mean(h, axis=[2, 3])

    if layout == 'NCHW' and tf.__version__.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no such kernel for processors')
    found, expected, explainer, largest = both(
        build, (2, 12, 11), IMAGES.transpose(0, 3, 1, 2), dtype=tf.float32, window_shape=(1, 3, 2), step=(1, 3, 1)
    )
    assert used(explainer)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize(('shape', 'value'), [((), 2.0), ((None, 1, 1, 1), np.reshape([1.0, 2.0, 3.0], (3, 1, 1, 1)))])
def test_batches_and_feeds(session, shape, value):
    X = tf.placeholder(tf.float64, [None, 12, 11, 2])
    scale = tf.placeholder(tf.float64, shape)
    T = small(X * scale)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('occlusion', T, X, window_shape=(2, 2, 2), regions=True)
    whole = explainer.with_arguments(window_shape=(2, 2, 2), regions=False)
    ys = np.random.RandomState(2).randn(3, 2)
    expected = whole.run(IMAGES, ys, feed_dict={scale: value})
    for batch_size in (None, 1, 7):
        found = explainer.run(IMAGES, ys, batch_size=batch_size, feed_dict={scale: value})
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    assert used(explainer) == (shape == ())  # what differs from sample to sample is not understood


@pytest.mark.parametrize('n', [1, 3])
def test_open_lengths_of_which_paddings_are_computed(session, n):
    rng = np.random.RandomState(0)
    X = tf.placeholder(tf.float64, [None, None, 3])
    h = tf.nn.convolution(X, tf.constant(rng.randn(3, 3, 4)), 'SAME', dilation_rate=[4])
    h = tf.nn.convolution(tf.nn.relu(h), tf.constant(rng.randn(2, 4, 4)), 'VALID', dilation_rate=[3])
    T = tf.reduce_max(h, axis=1)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('occlusion', T, X, window_shape=(2, 3), regions=True)
    for length in (40, 53):
        xs = rng.randn(n, length, 3)
        expected = explainer.with_arguments(window_shape=(2, 3), regions=False).run(xs)
        np.testing.assert_allclose(explainer.run(xs), expected, rtol=0, atol=1e-12 * 100)
    assert used(explainer)
    assert 'Max' not in ends(explainer)
    assert 'BatchToSpaceND' in {part.op.type for plan in plans(explainer) for part in plan.regions.parts.values()}


def test_explainers_of_other_windows_share_the_graph_and_threads_share_explainers(session):
    X = tf.placeholder(tf.float64, [None, 12, 11, 2])
    T = small(X)
    with DeepExplain(session=session) as de:
        first = de.get_explainer('occlusion', T, X, window_shape=(2, 2, 2), regions=True)
    explainers = [first.with_arguments(window_shape=(n, 2, 2), regions=True) for n in (1, 2, 3)]
    found = [None] * 12

    def run(i):
        found[i] = explainers[i % 3].run(IMAGES)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for i in range(12):
        expected = first.with_arguments(window_shape=(i % 3 + 1, 2, 2), regions=False).run(IMAGES)
        np.testing.assert_allclose(found[i], expected, rtol=0, atol=1e-12 * 100)
    assert len(first.engine._partial._plans) == 3


def test_regions_are_used_where_they_pay_and_described(session):
    X = tf.placeholder(tf.float32, [None, 28, 28, 1])
    h = tf.nn.relu(tf.nn.conv2d(X, tf.ones([3, 3, 1, 32]), [1, 1, 1, 1], 'VALID'))
    h = tf.nn.relu(tf.nn.conv2d(h, tf.ones([3, 3, 32, 64]), [1, 1, 1, 1], 'VALID'))
    T = tf.matmul(tf.reshape(tf.nn.max_pool2d(h, 2, 2, 'VALID'), [-1, 9216]), tf.ones([9216, 10]), name='dense')
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('occlusion', T, X, window_shape=(3, 3, 1))
    before = len(session.graph.get_operations())
    text = str(explainer.describe())
    assert text.endswith(
        "What a part of a sample reaches is computed alone, up to 'dense' (MatMul): about 9.2% of a row's "
        'multiplications (what is moved counts as some), in calls large enough to be worth it.'
    )
    assert len(session.graph.get_operations()) == before
    assert explainer.with_arguments(window_shape=(3, 3, 1), regions=False).describe().regions is None
    assert explainer.with_arguments(window_shape=(28, 28, 1)).describe().regions is None  # all of it
    flat = tf.matmul(tf.reshape(X, [-1, 784]), tf.ones([784, 3]))
    with DeepExplain(session=session) as de:
        assert de.get_explainer('occlusion', flat, X).describe().regions is None


def test_networks_that_mix_samples_run_whole_rows():
    def build(X):
        h = tf.nn.conv2d(X, tf.ones([3, 3, 2, 2], X.dtype), [1, 1, 1, 1], 'SAME')
        return tf.reduce_mean(tf.nn.relu(h - tf.reduce_mean(h, axis=0)), axis=[1, 2])

    found, expected, explainer, _ = both(build, (12, 11, 2), IMAGES, window_shape=(2, 2, 2))
    assert not used(explainer)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('value', ['yes', 1, None, 'Auto'])
def test_what_regions_may_be(session, value):
    X = tf.placeholder(tf.float32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(ArgumentError, match="must be 'auto', True or False; got"):
        de.get_explainer('occlusion', X * 2.0, X, regions=value)
