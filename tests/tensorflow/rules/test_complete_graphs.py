"""Properties of deeplift with rules='complete' on random graphs of ops drawn from all of its tables."""

from contextlib import contextmanager

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_graphs import STEPS, WIDTH, network, samples
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from deepexplain.tensorflow import DeepExplain

examples = settings(max_examples=10, phases=[Phase.generate])


GRAPHS = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9)), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**32 - 1)


class Explained:
    """An explainer of a network, and T."""

    def __init__(self, de, build, baseline, dtype):
        self._session, self._baseline = de.session, baseline
        self._X = tf.placeholder(dtype, [None, WIDTH])
        self._T = build(self._X)
        self.run = de.get_explainer('deeplift', self._T, self._X, rules='complete', baseline=baseline, strict=True).run

    def change(self, xs):
        """T(x) - T(baseline), and the size of these numbers."""
        at = [self._session.run(self._T, {self._X: z}) for z in (xs, np.tile(self._baseline, (len(xs), 1)))]
        return at[0].astype(float) - at[1], np.maximum(*np.abs(at))


@contextmanager
def explained(build, baseline, dtype=tf.float64):
    config = tf.ConfigProto()
    # TensorFlow 2.21 puts what looks like a layer normalization together to one op, which fails or forgets epsilon.
    config.graph_options.rewrite_options.remapping = RewriterConfig.OFF
    graph = tf.Graph()
    with graph.as_default(), tf.Session(graph=graph, config=config) as session, DeepExplain(session=session) as de:
        yield Explained(de, build, baseline, dtype)


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_attributions_add_up(steps, seed):
    xs, baseline = samples(seed)
    with explained(network(steps, seed), baseline) as network_of_ops:
        found = network_of_ops.run(xs)
        change, size = network_of_ops.change(xs)
        nothing = network_of_ops.run(baseline[None])
    np.testing.assert_allclose(found.sum(axis=1), change.sum(axis=1), rtol=0, atol=1e-9 * size.max() + 1e-12)
    assert (found[:, 1] == 0).all()  # what does not change contributes nothing
    np.testing.assert_array_equal(nothing, np.zeros((1, WIDTH)))  # and nothing is nan there


@examples
@given(steps=GRAPHS, seed=SEEDS)
def test_attributions_add_up_in_single_precision(steps, seed):
    xs, baseline = (z.astype(np.float32) for z in samples(seed))
    with explained(network(steps, seed), baseline, tf.float32) as network_of_ops:
        found = network_of_ops.run(xs)
        change = network_of_ops.change(xs)[0].sum(axis=1)
    gap = np.abs(found.astype(float).sum(axis=1) - change)
    assert (gap <= 1e-4 * np.abs(change) + 1e-5).all(), (gap, change)


@examples
@given(steps=GRAPHS, seed=SEEDS, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_outputs_one_by_one_samples_one_by_one_and_weighted_sums(steps, seed, a, b):
    xs, baseline = samples(seed)
    with explained(network(steps, seed), baseline) as network_of_ops:
        each = network_of_ops.run(xs, 'each')
        alone = [network_of_ops.run(xs, weights) for weights in np.eye(2)]
        weighted = network_of_ops.run(xs, [a, b])
        one_by_one = network_of_ops.run(xs, [a, b], batch_size=1)
    close = {'rtol': 1e-6, 'atol': 1e-8 * np.abs(each).max()}
    np.testing.assert_allclose(each, alone, **close)
    np.testing.assert_allclose(weighted, a * each[0] + b * each[1], **close)
    np.testing.assert_allclose(one_by_one, weighted, **close)


@examples
@given(steps=GRAPHS, seed=SEEDS, dummy=st.integers(0, WIDTH - 1))
def test_what_the_target_does_not_read_gets_nothing(steps, seed, dummy):
    xs, baseline = samples(seed)
    without = (np.arange(WIDTH) != dummy).astype(float)
    with explained(lambda X: network(steps, seed)(X * without), baseline) as network_of_ops:
        found = network_of_ops.run(xs)
    assert (found[:, dummy] == 0).all()
    assert np.isfinite(found).all()


@pytest.mark.parametrize('name', sorted(STEPS))
def test_every_step_adds_up(name):
    xs, baseline = samples(5)
    with explained(network([(name, 0), ('Softplus', 1)], 5), baseline) as network_of_ops:
        found = network_of_ops.run(xs)
        change, _ = network_of_ops.change(xs)
    np.testing.assert_allclose(found.sum(axis=1), change.sum(axis=1), rtol=1e-9, atol=1e-9)
