"""What may not be cut into pieces, and what is told of baselines."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense

from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.streaming.cutting import as_found, baseline_rows, check_apart, with_baseline

XS = np.random.RandomState(0).normal(size=(5, 4))


def explainer(session, build, method='grad*input', **options):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4], name='x')
        return de.get_explainer(method, build(X), X, **options)


def test_a_layer_that_mixes_samples_is_seen_below_it(session):
    def build(x):
        return dense(tf.identity(x - tf.reduce_mean(x, axis=0), name='z'), 3)

    of_layer = explainer(session, build, layer='z')
    with pytest.raises(ArgumentError, match='mixes samples'):
        check_apart(of_layer, of_layer.request(XS))


def test_networks_with_a_fixed_batch_may_be_cut(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [3, 4], name='x')
        fixed = de.get_explainer('saliency', dense(X, 2), X)
    check_apart(fixed, fixed.request(XS))


def test_baselines_with_a_row_for_each_sample_are_told_by_their_axes(session):
    one = explainer(session, lambda x: dense(x, 3), 'deeplift', baseline=XS)
    assert baseline_rows(one)[0].shape == (5, 4)
    assert baseline_rows(with_baseline(one, XS[0])) is None
    assert baseline_rows(with_baseline(one, None)) is None
    other = with_baseline(one, XS[::-1])
    np.testing.assert_array_equal(other.run(XS), one.with_arguments(baseline=XS[::-1]).run(XS))
    assert baseline_rows(explainer(session, lambda x: dense(x, 3), 'saliency')) is None


def test_with_a_baseline_all_else_is_as_it_was(session):
    one = explainer(session, lambda x: dense(tf.nn.relu(x), 3), 'intgrad', steps=3, strict=True)
    other = with_baseline(one, 0.5)
    assert (other.method.steps, other.method.baseline, other.strict) == (3, 0.5, True)


def test_results_of_a_dtype_that_files_know(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.bfloat16, [None, 4])
        found = de.explain('grad*input', tf.reduce_sum(X * X, axis=1), X, XS)
        of_layers = as_found(de.get_explainer('saliency', tf.reduce_sum(X, axis=1), X), found)[0]
    assert of_layers.dtype == np.float32
    np.testing.assert_array_equal(of_layers, found.astype(np.float32))
    sampled = explainer(
        session, lambda x: dense(x, 3), 'shapley_sampling', samples=2, seed=0, return_standard_error=True
    )
    with pytest.raises(ArgumentError, match="'shapley_sampling' returns more than attributions"):
        as_found(sampled, sampled.run(XS))
