"""Properties of deeplift with rules='complete' on random graphs of ops drawn from all of its tables."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_complete import BINARY, UNARY, built, existing

WIDTH = 6
examples = settings(max_examples=10, phases=[Phase.generate])


def into(h, low, high):
    """Values squeezed into a range, so that any function may follow on any other."""
    return low + (high - low) * tf.sigmoid(h)


def dense(h, units, rng):
    return tf.matmul(h, tf.constant(rng.randn(h.shape.as_list()[1], units) / np.sqrt(units), h.dtype)) + rng.randn(
        units
    )


def unary(op_type):
    _, low, high = UNARY[op_type]
    return lambda h, g, rng: built(op_type, into(h, low, high))


def binary(op_type):
    _, low, high = BINARY[op_type]
    return lambda h, g, rng: built(op_type, into(h, low, high), into(g, low, high))


def pool(h, g, rng):
    image = tf.reshape(tf.concat([h, g], 1), [-1, 4, 3, 1])
    return tf.reshape(tf.nn.max_pool(image, [1, 2, 2, 1], [1, 1, 1, 1], 'VALID'), [-1, WIDTH])


def pool_and_convolve(h, g, rng):
    image = tf.nn.conv2d(tf.reshape(tf.concat([h, g], 1), [-1, 4, 3, 1]), rng.randn(2, 2, 1, 2), [1, 1, 1, 1], 'SAME')
    return tf.reshape(tf.nn.max_pool(image, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME'), [-1, 8])[:, :WIDTH]


def largest(h, g, rng):
    return h - tf.reduce_max(g, 1, keepdims=True) + tf.reduce_min(h, 1, keepdims=True)


def attention(h, g, rng):
    q, k, v = (tf.reshape(z, [-1, 3, 2]) for z in (dense(h, 6, rng), dense(g, 6, rng), h))
    return tf.reshape(tf.matmul(tf.nn.softmax(tf.matmul(q, k, transpose_b=True)), v), [-1, WIDTH])


def layer_norm(h, g, rng):
    mean, variance = tf.nn.moments(h, [1], keepdims=True)
    return (h - mean) / tf.sqrt(variance + 1e-2) * g


def gates(h, g, rng):
    return tf.sigmoid(dense(h, WIDTH, rng)) * tf.tanh(g) + (1 - tf.sigmoid(h)) * g


def spectrum(h, g, rng):
    return tf.abs(tf.signal.fft(tf.complex(h, g)))


STEPS = {
    **{op_type: unary(op_type) for op_type in existing(UNARY)},
    **{op_type: binary(op_type) for op_type in existing(BINARY)},
    'MaxPool': pool,
    'convolution': pool_and_convolve,
    'Max and Min': largest,
    'TopKV2': lambda h, g, rng: tf.nn.top_k(h, WIDTH).values + tf.nn.top_k(g, 1).values,
    'Select': lambda h, g, rng: tf.where(h > g, h * h, tf.sin(g)),
    'Softmax': lambda h, g, rng: tf.nn.softmax(h) * g,
    'LogSoftmax': lambda h, g, rng: tf.nn.log_softmax(h + g),
    'logsumexp': lambda h, g, rng: h - tf.reduce_logsumexp(g, 1, keepdims=True),
    'BatchMatMul': attention,
    'layer norm': layer_norm,
    'gates': gates,
    'ComplexAbs': spectrum,
    'dense': lambda h, g, rng: tf.nn.relu(dense(tf.concat([h, g], 1), WIDTH, rng)),
    'stop_gradient': lambda h, g, rng: h * tf.stop_gradient(g),
    'l2_normalize': lambda h, g, rng: tf.nn.l2_normalize(h, 1),
    'cumsum and reverse': lambda h, g, rng: tf.cumsum(tf.reverse(h, [1]), 1) - g,
}

GRAPHS = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9)), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**32 - 1)


def network(steps, seed, outputs=2):
    """A function of X [samples, 6]: each step is applied to the last value and another one of before."""

    def build(X):
        rng = np.random.RandomState(seed)
        values = [X, dense(X, WIDTH, rng)]
        for name, other in steps:
            h, g = values[-1], values[other % len(values)]
            h = STEPS[name](h, g, rng)
            h.set_shape([None, WIDTH])
            values.append(0.5 * (h + values[-1]))  # so that no step is without a gradient
        return dense(tf.concat(values[-2:], 1), outputs, rng)

    return build


def samples(seed, n=3):
    """Samples and a baseline, some values of which are the same."""
    rng = np.random.RandomState(seed)
    xs, baseline = 1.5 * rng.randn(n, WIDTH), 1.5 * rng.randn(WIDTH)
    xs[:, 1] = baseline[1]
    return xs, baseline


def explained(build, xs, baseline, ys=None, dtype=tf.float64, **arguments):
    """Attributions, and T at the samples and at the baseline."""
    with context() as de:
        X = tf.placeholder(dtype, [None, WIDTH])
        T = build(X)
        explainer = de.get_explainer('deeplift', T, X, rules='complete', baseline=baseline, strict=True)
        at = [de.session.run(T, {X: z}) for z in (xs, np.tile(baseline, (len(xs), 1)))]
        return (explainer.run(xs, ys, **arguments), *at)


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_attributions_add_up(steps, seed):
    xs, baseline = samples(seed)
    found, at_xs, at_baseline = explained(network(steps, seed), xs, baseline)
    change = (at_xs - at_baseline).sum(axis=1)
    size = np.abs(at_xs).sum(axis=1) + np.abs(at_baseline).sum(axis=1)
    np.testing.assert_allclose(found.sum(axis=1), change, rtol=0, atol=1e-9 * size.max() + 1e-12)
    assert (found[:, 1] == 0).all()  # what does not change contributes nothing


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_attributions_add_up_in_single_precision(steps, seed):
    xs, baseline = (z.astype(np.float32) for z in samples(seed))
    found, at_xs, at_baseline = explained(network(steps, seed), xs, baseline, dtype=tf.float32)
    change = (at_xs.astype(float) - at_baseline).sum(axis=1)
    gap = np.abs(found.astype(float).sum(axis=1) - change)
    assert (gap <= 1e-4 * np.abs(change) + 1e-5).all(), (gap, change)


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_a_sample_at_the_baseline_gets_nothing_and_no_nan(steps, seed):
    _, baseline = samples(seed)
    found, _, _ = explained(network(steps, seed), baseline[None], baseline)
    np.testing.assert_array_equal(found, np.zeros((1, WIDTH)))


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_samples_together_are_samples_one_by_one(steps, seed):
    xs, baseline = samples(seed)
    together, _, _ = explained(network(steps, seed), xs, baseline)
    one_by_one, _, _ = explained(network(steps, seed), xs, baseline, batch_size=1)
    np.testing.assert_allclose(together, one_by_one, rtol=1e-6, atol=1e-9 * np.abs(together).max())


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_each_output_by_itself(steps, seed):
    xs, baseline = samples(seed)
    each, _, _ = explained(network(steps, seed), xs, baseline, 'each')
    for output, found in enumerate(each):
        alone, _, _ = explained(network(steps, seed), xs, baseline, np.eye(2)[output])
        np.testing.assert_allclose(found, alone, rtol=1e-6, atol=1e-9 * np.abs(each).max())


@examples
@given(steps=GRAPHS, seed=SEEDS, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_attributions_are_linear_in_the_target(steps, seed, a, b):
    xs, baseline = samples(seed)
    each, _, _ = explained(network(steps, seed), xs, baseline, 'each')
    found, _, _ = explained(lambda X: tf.matmul(network(steps, seed)(X), [[a], [b]]), xs, baseline)
    np.testing.assert_allclose(found, a * each[0] + b * each[1], rtol=1e-6, atol=1e-8 * np.abs(each).max())


@examples
@given(steps=GRAPHS, seed=SEEDS, dummy=st.integers(0, WIDTH - 1))
def test_what_the_target_does_not_read_gets_nothing(steps, seed, dummy):
    xs, baseline = samples(seed)
    without = (np.arange(WIDTH) != dummy).astype(float)
    found, _, _ = explained(lambda X: network(steps, seed)(X * without), xs, baseline)
    assert (found[:, dummy] == 0).all()
    assert np.isfinite(found).all()


@pytest.mark.parametrize('name', sorted(STEPS))
def test_every_step_adds_up(name):
    xs, baseline = samples(5)
    found, at_xs, at_baseline = explained(network([(name, 0), ('Softplus', 1)], 5), xs, baseline)
    np.testing.assert_allclose(found.sum(axis=1), (at_xs - at_baseline).sum(axis=1), rtol=1e-9, atol=1e-9)
