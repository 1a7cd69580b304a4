"""What is proven of rows from the graph is so in every session run; and what brings samples together is named."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from small import normal
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.ops import control_flow_util

from deepexplain.tensorflow.runtime.axes import ONE, Mixed, Rows, Unknown, rows_of_target, sentence

many_graphs = settings(max_examples=150, phases=[Phase.generate])
N = 3


def constant(*shape, seed=5):
    return tf.constant(normal(*shape, seed=seed))


def dims(h):
    """Static lengths; the one that is open has the samples."""
    return h.shape.as_list()


def is_closed(h, axis):
    return dims(h)[axis] is not None


# Layers of any rank: functions of a tensor and a random generator. Many bring samples together.


def reshape(h, random):
    sizes = dims(h)
    if sizes.count(None) != 1:
        return h
    at = sizes.index(None)
    kind = random.randint(5)
    if kind == 0 and at + 1 < len(sizes):  # merge with the next axis
        return tf.reshape(h, [*sizes[:at], -1, *sizes[at + 2 :]])
    if kind == 1 and at > 0:
        return tf.reshape(h, [*sizes[: at - 1], -1, *sizes[at + 1 :]])
    if kind == 2:  # cut an axis in two
        axis = random.randint(len(sizes))
        if sizes[axis] is not None and sizes[axis] % 2 == 0:
            return tf.reshape(
                h, [-1 if s is None else s for s in [*sizes[:axis], 2, sizes[axis] // 2, *sizes[axis + 1 :]]]
            )
    if kind == 3:
        return tf.reshape(h, tf.concat([tf.shape(h)[: at + 1], [1], tf.shape(h)[at + 1 :]], 0))
    rest = int(np.prod([s for s in sizes if s is not None]))
    return tf.reshape(h, [-1, rest] if random.randint(2) else [rest, -1])


def transpose(h, random):
    return tf.transpose(h, random.permutation(len(dims(h))))


def reduction(h, random):
    axes = [a for a in range(len(dims(h))) if random.randint(2) and (is_closed(h, a) or random.randint(4) == 0)]
    f = [tf.reduce_sum, tf.reduce_mean, tf.reduce_max][random.randint(3)]
    return f(h, axes or [-1], keepdims=bool(random.randint(2))) if len(dims(h)) > len(axes) + 1 else h


def elementwise(h, random):
    other = [tf.tanh(h), constant(), h][random.randint(3)]
    shape = [1 if s is None or random.randint(2) else s for s in dims(h)]
    return [lambda: h + other, lambda: tf.maximum(h, 0.1), lambda: h * constant(*shape), lambda: tf.square(h)][
        random.randint(4)
    ]()


def dense(h, random):
    if not is_closed(h, -1):
        return h
    return tf.tensordot(h, constant(dims(h)[-1], 4), 1)


def einsum(h, random):
    if len(dims(h)) == 3 and is_closed(h, 2):
        return tf.einsum('abc,cd->adb' if random.randint(2) else 'abc,cd->abd', h, constant(dims(h)[2], 3))
    return h


def attention(h, random):
    if len(dims(h)) != 3:
        return h
    weights = tf.nn.softmax(tf.matmul(h, h, transpose_b=True))
    return tf.matmul(weights, h)


def stack(h, random):
    axis = random.randint(len(dims(h)) + 1)
    return tf.stack([h, tf.sin(h)], axis) if random.randint(2) else tf.concat([h, 2 * h], min(axis, len(dims(h)) - 1))


def pieces(h, random):
    axis = random.randint(len(dims(h)))
    if is_closed(h, axis) and dims(h)[axis] > 1:
        return [lambda: tf.unstack(h, axis=axis)[0], lambda: tf.gather(h, [1, 0, 1], axis=axis)][random.randint(2)]()
    return h[:1] if random.randint(5) == 0 else tf.expand_dims(h, axis)


def along(h, random):
    axis = random.randint(len(dims(h)))
    return [lambda: tf.cumsum(h, axis), lambda: tf.nn.softmax(h), lambda: tf.reverse(h, [axis])][random.randint(3)]()


def more(h, random):
    axis = random.randint(len(dims(h)))
    if random.randint(2):
        return tf.tile(h, [2 if a == axis else 1 for a in range(len(dims(h)))])
    return tf.pad(h, [[1, 0] if a == axis and is_closed(h, a) else [0, 0] for a in range(len(dims(h)))])


def counting(h, random):
    size = tf.cast(tf.shape(h)[random.randint(len(dims(h)))], h.dtype)
    return [lambda: h / size, lambda: h + tf.ones_like(h), lambda: h * tf.ones(tf.shape(h)[-1:], h.dtype)][
        random.randint(3)
    ]()


def in_function(layer):
    return lambda h, random: tf.function(lambda z: layer(z, np.random.RandomState(0)), autograph=False)(h)


def in_loop(layer):
    def looped(h, random):
        def step(i, z):
            return i + 1, tf.nn.tanh(tf.tensordot(z, constant(dims(h)[-1], dims(h)[-1]), 1))

        return tf.while_loop(lambda i, z: i < 2, step, [0, h])[1] if is_closed(h, -1) else h

    return looped


LAYERS = [reshape, transpose, reduction, elementwise, dense, einsum, attention, stack, pieces, along, more, counting]
LAYERS += [in_function(elementwise), in_function(transpose), in_loop(dense)]


def plain_session():
    """A session that runs the graph as it is: TensorFlow 1.15's optimizer makes another array of three transposes."""
    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(config=config)


def small(h):
    return h.shape.ndims is not None and 0 < h.shape.ndims <= 5 and np.prod([s or 1 for s in dims(h)]) <= 512


@many_graphs
@given(st.lists(st.sampled_from(range(len(LAYERS))), min_size=1, max_size=7), st.integers(0, 2**31))
def test_what_is_proven_apart_is_apart_in_every_run(layers, seed):
    random = np.random.RandomState(seed)
    with tf.Graph().as_default(), plain_session() as session:
        X = tf.placeholder(tf.float64, [None, 4, 2])
        T = X
        for layer in layers:
            after = LAYERS[layer](T, random)
            T = after if small(after) else T
        rows = rows_of_target(T, [X]) if T is not X else None
        if not isinstance(rows, Rows):
            return
        proven.append(rows)
        xs = normal(N, 4, 2, seed=seed % 1000)
        together = session.run(T, {X: xs})
        for i in range(N):
            alone = session.run(T, {X: xs[i : i + 1]})
            np.testing.assert_allclose(part(together, rows, N, i), part(alone, rows, 1, 0), rtol=1e-9, atol=1e-9)


proven = []


def part(T, rows, n, i):
    """What belongs to one sample."""
    T = np.moveaxis(T, rows.axis, 0)
    length = T.shape[0]
    outer = length // (n * rows.inner.number) if rows.outer.symbols else rows.outer.number
    return T.reshape((outer, n, length // (outer * n)) + T.shape[1:])[:, i]


def test_most_of_these_graphs_that_are_apart_are_proven():
    test_what_is_proven_apart_is_apart_in_every_run()
    assert len(proven) >= 40


def known(f, shape=(None, 4), dtype=tf.float64):
    with tf.Graph().as_default():
        X = tf.placeholder(dtype, shape, name='X')
        return rows_of_target(f(X), [X])


@pytest.mark.parametrize(
    ('f', 'message'),
    [
        (lambda X: (X - tf.reduce_mean(X, 0, name='mean')) / 2, "op 'mean' (Mean) takes the mean over the samples"),
        (lambda X: X / tf.reduce_sum(X, name='all'), "op 'all' (Sum) adds up the samples"),
        (lambda X: tf.cumsum(X, name='run'), "op 'run' (Cumsum) sums up sample after sample"),
        (
            lambda X: tf.matmul(X, X, transpose_b=True, name='pairs'),
            "op 'pairs' (MatMul) pairs samples with each other",
        ),
        (lambda X: tf.nn.softmax(X[:, 0], name='over'), "op 'over' (Softmax) goes along the samples"),
        (lambda X: X - X[:1], "op 'strided_slice' (StridedSlice) takes some of the samples"),
        (lambda X: X / tf.cast(tf.shape(X)[0], X.dtype), "op 'truediv' (RealDiv) uses the number of samples"),
        (lambda X: tf.einsum('ab,cb->ac', X, X), 'pairs samples with each other'),
        (lambda X: tf.reshape(X, [-1, 1, 4]) - tf.reshape(X, [1, -1, 4]), 'pairs samples with each other'),
        (lambda X: tf.nn.tanh(tf.reduce_max(X, 0)) * X, "op 'Max' (Max) takes the largest of the samples"),
        (lambda X: tf.reverse(X, [0], name='back'), "op 'back' (ReverseV2) reverses the samples"),
    ],
)
def test_what_brings_samples_together_is_named(f, message):
    found = known(f)
    assert isinstance(found, Mixed)
    assert message in sentence(found)


def test_batch_normalization_of_both_modes():
    def normalized(training):
        return lambda X: tf.nn.fused_batch_norm(X, *[tf.ones([3])] * 4, is_training=training)[0]

    def trained(X):
        return tf.nn.fused_batch_norm(X, tf.ones([3]), tf.ones([3]), is_training=True)[0]

    assert known(normalized(False), (None, 5, 5, 3), tf.float32) == Rows(0, ONE, ONE)
    assert 'takes the mean over the samples' in sentence(known(trained, (None, 5, 5, 3), tf.float32))


@pytest.mark.parametrize(
    'f',
    [
        lambda X: X * np.ones((6, 4)),  # a mask with a row for each of six samples
        lambda X: tf.reshape(X, [4, -1]),  # which for a batch of another size are no samples
        lambda X: tf.concat([X, X], 0),
        lambda X: tf.py_func(lambda x: x, [X], tf.float64),
        lambda X: tf.gather(X, tf.random.shuffle(tf.range(tf.shape(X)[0]))),
        lambda X: tf.cond(tf.placeholder_with_default(True, []), lambda: X, lambda: X - tf.reduce_mean(X, 0)),
        # the number of samples, where it is not the length of their axis
        lambda X: X / tf.fill([4], tf.cast(tf.shape(X)[0], X.dtype)),
        lambda X: tf.reduce_sum(tf.tile(X[:, None], [1, tf.shape(X)[0], 1]), 1),
        lambda X: tf.reduce_sum(tf.broadcast_to(X[:, None], tf.concat([tf.shape(X)[:1], tf.shape(X)], 0)), 1),
        lambda X: tf.reduce_sum(X[:, : tf.shape(X)[0]], 1),
        lambda X: X / tf.cast(tf.TensorArray(X.dtype, size=0, dynamic_size=True).unstack(X).size(), X.dtype),
        # constants that tell one place from another
        lambda X: X * tf.random.stateless_uniform(tf.shape(X), [1, 2], dtype=X.dtype),
        lambda X: tf.gather(X, [[0], [1], [2]], axis=1, batch_dims=1),
        lambda X: tf.cast(tf.nn.in_top_k(tf.cast(X, tf.float32), [0, 1, 2], 2), X.dtype),
        # a diagonal, which the einsum of TensorFlow 1.15 does not know
        *([lambda X: tf.einsum('ii->i', X)] if not tf.VERSION.startswith('1.') else []),
        # which entries are taken
        lambda X: tf.reduce_sum(tf.transpose(X) - tf.gather(tf.transpose(X), [0], axis=-1), 0),
        lambda X: tf.reduce_sum(
            tf.TensorArray(X.dtype, 4, element_shape=[None])
            .unstack(tf.transpose(X))
            .gather(tf.argmax(X, 1, output_type=tf.int32)),
            0,
        ),
    ],
)
def test_what_cannot_be_proven_stays_open(f):
    assert isinstance(known(f), (Unknown, Mixed))


@pytest.mark.parametrize('switch', [control_flow_util.enable_control_flow_v2, None])
def test_loops_and_lists_of_both_tensorflows(switch, monkeypatch):
    monkeypatch.setattr(control_flow_util, 'ENABLE_CONTROL_FLOW_V2', switch is not None)

    def recurrent(X):
        def step(h, x):
            return tf.tanh(tf.matmul(h, constant(3, 3)) + tf.matmul(x, constant(4, 3)))

        return tf.scan(step, tf.transpose(X, [1, 0, 2]), tf.zeros([tf.shape(X)[0], 3], X.dtype))[-1]

    def mixing(X):
        return tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, h - tf.reduce_mean(h, 0)), [0, X])[1]

    assert known(recurrent, (None, 5, 4)) == Rows(0, ONE, ONE)
    assert not isinstance(known(mixing), Rows)


def test_several_rows_for_each_sample_and_other_places_of_the_samples():
    three = known(lambda X: tf.reshape(tf.matmul(X, constant(4, 3)), [-1]))
    assert (three.axis, three.inner.number) == (0, 3)
    last = known(lambda X: tf.matmul(constant(5, 4), X, transpose_b=True))
    assert last == Rows(1, ONE, ONE)
    blocks = known(lambda X: tf.reshape(tf.transpose(X), [-1]))
    assert (blocks.axis, blocks.outer.number, blocks.inner) == (0, 4, ONE)


@pytest.mark.parametrize(
    'f',
    [
        lambda X: X[0:3],
        lambda X: tf.slice(X, [0, 0], [3, 4]),
        lambda X: X / tf.cast(tf.shape(X)[1] + (-1), X.dtype),
        lambda X: tf.gather(X, [[0, 1], [2, 3]], axis=-1),
    ],
)
def test_no_false_alarm_of_what_is_all_of_the_samples(f):
    assert isinstance(known(f, (3, 4)), Rows)
    assert known(lambda X: X[: tf.shape(X)[0]]) == Rows(0, ONE, ONE)


def test_feeds_by_row_and_feeds_of_all():
    with tf.Graph().as_default():
        X, feed = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 4])
        T = X * feed
        assert rows_of_target(T, [X], fed_by_row=[feed]) == Rows(0, ONE, ONE)
        assert isinstance(rows_of_target(T, [X], fed_whole=[feed]), Unknown)
        flag = tf.placeholder_with_default(tf.reduce_mean(X) > 0, [])
        chosen = tf.where(flag, X, 2 * X)
        assert not isinstance(rows_of_target(chosen, [X]), Rows)
        assert rows_of_target(chosen, [X], fed_whole=[flag]) == Rows(0, ONE, ONE)
