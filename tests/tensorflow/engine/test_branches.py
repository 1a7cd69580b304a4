"""Branches that no run takes are not listed: by constants, and by flags for which a default stands."""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

OLD = tf.__version__.startswith('1.')


@contextmanager
def made_of(op_type):
    before = tf.control_flow_v2_enabled()
    (tf.enable_control_flow_v2 if op_type == 'If' else tf.disable_control_flow_v2)()
    try:
        yield
    finally:
        (tf.enable_control_flow_v2 if before else tf.disable_control_flow_v2)()


@pytest.fixture(params=['Switch', 'If'])
def cond(request):
    """tf.cond, made of the ops of either TensorFlow."""
    if OLD and request.param == 'If':
        pytest.skip('TensorFlow 1 makes no If unless it is asked to')
    with made_of(request.param):
        yield tf.cond


def flagged(cond, flag, if_true, if_false):
    """A network of which one branch is a cubed layer, for which no method has a rule."""
    return lambda X: 2 * cond(flag(), lambda: if_true(3 * X), lambda: if_false(3 * X))


def broken(h):
    return tf.cumprod(h, 1) + h


def kept(h):
    return tf.nn.relu(h)


FLAGS = {
    'constant': lambda: tf.constant(True),
    'default': lambda: tf.placeholder_with_default(True, ()),
    'not': lambda: tf.logical_not(tf.placeholder_with_default(False, ())),
    'number': lambda: tf.equal(tf.placeholder_with_default(1, ()), 1),
}


def explained(session, build, feed=None, **arguments):
    X, xs = tf.placeholder(tf.float64, [None, 3]), normal(4, 3, seed=2)
    with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer('deeplift', build(X), X, rules='complete', **arguments)
        flags = [op.outputs[0] for op in session.graph.get_operations() if op.type == 'PlaceholderWithDefault']
        feeds = {flags[0]: feed} if feed is not None else None
        attributions, delta = explainer.run(xs, feed_dict=feeds, return_convergence_delta=True)
    said = [str(w.message) for w in caught if issubclass(w.category, DeepExplainWarning)]
    return xs, attributions, delta, explainer.describe(), said


@pytest.mark.parametrize('name', sorted(FLAGS))
def test_what_no_run_takes_is_not_listed(session, cond, name):
    xs, found, delta, audit, said = explained(session, flagged(cond, FLAGS[name], kept, broken), strict=True)
    assert not audit.breaks
    assert not said
    assert {'Relu'} <= {row.type for row in audit.rows}
    assert 'Cumprod' not in {row.type for row in audit.rows}
    assert np.abs(delta).max() < 1e-12
    np.testing.assert_allclose(found, 6 * np.maximum(xs, 0))


@pytest.mark.parametrize('name', sorted(FLAGS))
def test_what_runs_take_is_listed(session, cond, name):
    _, _, _, audit, said = explained(session, flagged(cond, FLAGS[name], broken, kept))
    assert [row.type for row in audit.breaks] == ['Cumprod']
    assert said


def test_both_are_listed_where_nobody_knows(session, cond):
    flag = tf.placeholder(tf.bool, ())
    X = tf.placeholder(tf.float64, [None, 3])
    T = flagged(cond, lambda: flag, kept, broken)(X)
    with DeepExplain(session=session) as de, pytest.warns(DeepExplainWarning, match='Cumprod'):
        de.get_explainer('deeplift', T, X, rules='complete')


def test_a_flag_that_is_fed_takes_the_rules_of_its_branch(session, cond):
    """Which branch the audit expects decides what is listed, not what is computed."""
    build = flagged(cond, FLAGS['default'], tf.abs, kept)
    xs, found, _, _, _ = explained(session, build, strict=True)
    np.testing.assert_allclose(found, 6 * np.abs(xs))
    xs, found, _, _, _ = explained(session, build)
    X = tf.placeholder(tf.float64, [None, 3])
    flag = tf.placeholder_with_default(True, ())
    T = flagged(cond, lambda: flag, tf.abs, kept)(X)
    with DeepExplain(session=session) as de:
        found = de.explain('deeplift', T, X, xs, feed_dict={flag: False}, rules='complete')
    np.testing.assert_allclose(found, 6 * np.maximum(xs, 0))


@pytest.mark.skipif(OLD, reason='TensorFlow 1 makes no Case')
@pytest.mark.parametrize('which', [1, 5])
def test_cases_that_no_run_takes_are_not_listed(session, which):
    def build(X):
        return tf.switch_case(tf.constant(which), [lambda: broken(X), lambda: kept(X)])

    with made_of('If'):
        _, _, delta, audit, said = explained(session, build, strict=True)
    assert not audit.breaks
    assert not said
    assert np.abs(delta).max() < 1e-12


def test_conditions_in_a_list_are_no_numbers(session):
    """What Keras does with a mask in front of a loop over time."""

    def masked_sum(X):
        mask = tf.transpose(tf.not_equal(X, 0.0))
        masks = tf.TensorArray(tf.bool, 3).unstack(mask)
        rows = tf.TensorArray(X.dtype, 3).unstack(tf.transpose(X))

        def step(i, total):
            now = tf.nn.tanh(total + rows.read(i))
            return i + 1, tf.where(masks.read(i), now, total)

        return tf.while_loop(lambda i, _: i < 3, step, (0, tf.zeros_like(X[:, 0])))[1][:, None]

    X, xs = tf.placeholder(tf.float64, [None, 3]), normal(4, 3, seed=2)
    xs[1, 1] = xs[2, 2] = 0
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', masked_sum(X), X, rules='complete', strict=True)
        _, delta = explainer.run(xs, return_convergence_delta=True)
    assert not explainer.describe().breaks
    assert np.abs(delta).max() < 1e-12


def test_numbers_made_of_a_list_of_conditions_are_said(session):
    def counted(X):
        masks = tf.TensorArray(tf.bool, 3).unstack(tf.transpose(tf.not_equal(X, 0.0)))
        return tf.nn.tanh(X) + tf.cast(masks.read(1), X.dtype)[:, None]

    _, _, _, audit, said = explained(session, counted)
    assert [row.type for row in audit.breaks] == ['Cast']
    assert said
