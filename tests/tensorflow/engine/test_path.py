"""Points of a path, in session runs of any size."""

import numpy as np
import oracle
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, samples

from deepexplain.tensorflow import DeepExplain


@pytest.mark.parametrize('batch_size', [1, 2, 6, 7, 8, 14, 41, 42, 43])
def test_a_path_is_the_same_wherever_it_is_cut(session, batch_size):
    network = NETWORKS['all five']
    xs, ys = samples(network, n=7)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        found = de.explain('intgrad', build(network, X), X, xs, ys, batch_size, steps=6)
    np.testing.assert_allclose(found, oracle.intgrad(network, xs, ys, steps=6), rtol=1e-9, atol=1e-12)
