"""intgrad to a tolerance: points are added to a path until attributions add up, and none is computed twice."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from graphs import NETWORKS, build, context, few_examples, samples
from hypothesis import given
from hypothesis import strategies as st
from oracle import random_network
from small import Recorder, dense, mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine import gradients
from deepexplain.tensorflow.runtime.quadrature import QUADRATURES

#: Rule -> the numbers of points that come after 5.
LEVELS = {
    'riemann_right': [5, 10, 20, 40, 80, 160],
    'riemann_left': [5, 10, 20, 40, 80, 160],
    'riemann_middle': [5, 15, 45, 135],
    'riemann_trapezoid': [5, 9, 17, 33, 65, 129],
    'gausslegendre': [5, 10, 20, 40, 80, 160],
}
every_rule = pytest.mark.parametrize('rule', sorted(QUADRATURES))


def by_hand(explainer, rule, xs, ys, promised, tolerance, most=160):
    """For each sample the coarsest of direct estimates that adds up, or the finest; and the points it takes."""
    result, steps, is_open = np.zeros(np.shape(xs)), np.zeros(len(xs), int), np.ones(len(xs), bool)
    for level in LEVELS[rule]:
        if level > most:
            break
        direct = explainer.with_arguments(**dict(arguments_of(explainer), steps=level)).run(xs, ys)
        result[is_open], steps[is_open] = direct[is_open], level
        sums = direct.reshape(len(xs), -1).sum(axis=1)
        is_open &= np.abs(sums - promised) > tolerance
    return result, steps


def arguments_of(explainer):
    method = explainer.method
    arguments = {'quadrature': method.quadrature, 'baseline': method.baseline}
    return arguments if method.baselines is None else dict(arguments, baselines=method.baselines, baseline=None)


def refining(explainer, **arguments):
    return explainer.with_arguments(**dict(arguments_of(explainer), steps=5, **arguments))


def promised_by(network, xs, ys, baseline):
    gain = network(xs) - network(np.broadcast_to(baseline, xs.shape))
    return (gain if ys is None else gain * ys).sum(axis=1)


def counted(session, T, X, **arguments):
    recorder = Recorder(session, X.name)
    with DeepExplain(session=recorder) as de:
        explainer = de.get_explainer('intgrad', T, X, **arguments)
    return explainer, recorder


# the numbers


@every_rule
@pytest.mark.parametrize('name', ['all five', 'convolution'])
def test_a_refined_estimate_is_the_direct_one_with_as_many_steps(session, name, rule):
    network = NETWORKS[name]
    xs, ys = samples(network, n=5)
    xs *= 3
    xs[3] = 0.5  # as the baseline is
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, *network.shape])
        explainer = de.get_explainer('intgrad', build(network, X), X, quadrature=rule, baseline=0.5)
    promised = promised_by(network, xs, ys, 0.5)
    for tolerance in (1e-2, 1e-3):
        expected, steps = by_hand(explainer, rule, xs, ys, promised, tolerance)
        assert steps[3] == 5
        assert len(set(steps)) > 1
        for batch_size in (None, 1, 2, 7):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', DeepExplainWarning)  # where 160 points do not suffice
                found = refining(explainer, tolerance=tolerance, max_steps=160).run(xs, ys, batch_size)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@few_examples
@given(
    seed=st.integers(0, 2**32 - 1),
    rule=st.sampled_from(sorted(QUADRATURES)),
    log_tolerance=st.floats(-4, -1),
    batch_size=st.one_of(st.none(), st.integers(1, 30)),
)
def test_every_sample_adds_up_within_the_tolerance(seed, rule, log_tolerance, batch_size):
    rng = np.random.RandomState(seed)
    network = random_network(rng, (3,), [4, 4, 2], ['Tanh', 'Softplus', None])
    xs, ys = rng.randn(4, 3), rng.randn(4, 2)
    with context() as de:
        X = tf.placeholder(tf.float64, [None, 3])
        found, delta = de.explain(
            'intgrad',
            build(network, X),
            X,
            xs,
            ys,
            batch_size,
            return_convergence_delta=True,
            steps=3,
            quadrature=rule,
            tolerance=10**log_tolerance,
            max_steps=10**6,
        )
    np.testing.assert_allclose(delta, found.sum(axis=1) - promised_by(network, xs, ys, 0), atol=1e-9)
    assert np.abs(delta).max() <= 10**log_tolerance


def test_without_a_tolerance_nothing_is_refined(session):
    X = tf.placeholder(tf.float64, [None, 4])
    explainer, recorder = counted(session, mlp(X), X, steps=3, max_steps=1)
    assert np.abs(explainer.run(normal(2, 4), return_convergence_delta=True)[1]).max() > 0.01
    recorder.rows = []
    explainer.run(normal(2, 4))
    assert recorder.rows == [2 * 3]


# what is computed


@every_rule
def test_what_was_computed_is_of_use_and_what_adds_up_is_left_alone(session, rule):
    network = NETWORKS['Relu']
    xs, _ = samples(network, n=6)
    xs[1] = xs[4] = 0  # nothing to explain
    X = tf.placeholder(tf.float64, [None, 5])
    explainer, recorder = counted(session, build(network, X), X, quadrature=rule)
    _, steps = by_hand(explainer, rule, xs, None, promised_by(network, xs, None, 0), 0.02)
    assert len(set(steps)) > 2
    refined = refining(explainer, tolerance=0.02, max_steps=160)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeepExplainWarning)
        refined.run(xs)
        recorder.rows = []
        refined.run(xs)
    of_sample = {s: s if rule != 'gausslegendre' else sum(level for level in LEVELS[rule] if level <= s) for s in steps}
    assert sum(recorder.rows) == 2 * 6 + sum(of_sample[s] for s in steps)  # T at both ends, and points of the paths


def test_no_run_holds_more_rows_than_batch_size(session):
    X = tf.placeholder(tf.float64, [None, 4])
    explainer, recorder = counted(
        session, tf.sigmoid(mlp(X)), X, steps=3, tolerance=1e-2, quadrature='riemann_middle', baselines=normal(2, 4)
    )
    for batch_size in (1, 2, 5, 7):
        recorder.rows = []
        explainer.run(normal(4, 4), batch_size=batch_size)
        assert max(recorder.rows) <= batch_size


def test_progress_counts_the_points_that_were_added(session, monkeypatch):
    class Bar:
        def __init__(self, total):
            self.total, self.rows = total, 0

        def update(self, rows):
            self.rows += rows

        def close(self):
            pass

    bars = []
    monkeypatch.setattr(gradients, 'progress_bar', lambda wanted, total, name: bars.append(Bar(total)) or bars[-1])
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        de.explain('intgrad', tf.sigmoid(mlp(X)), X, normal(4, 4), 'each', 5, progress=True, steps=3, tolerance=1e-2)
    assert bars[0].rows == bars[0].total > 3 * 4 * 3


# the limit


@every_rule
def test_at_the_limit_a_warning_says_how_many_miss_and_by_how_much(session, rule):
    xs = np.array([[1.0, 2.0], [0.0, 0.0], [3.0, -1.0]])
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        T = tf.nn.relu(X - 0.3)  # its kink is on no point
        explainer = de.get_explainer('intgrad', T, X, steps=2, tolerance=1e-30, max_steps=10, quadrature=rule)
        last = {'riemann_middle': 6, 'riemann_trapezoid': 9}.get(rule, 8)
        message = (
            rf"'intgrad' did not reach tolerance=1e-30 for 2 of 3 paths with {last} steps; the largest delta is \S+\. "
            'Raise max_steps=10, or choose another quadrature; where T has jumps, no number of steps suffices'
        )
        for batch_size in (None, 1, 2):  # one warning for all batches
            with pytest.warns(DeepExplainWarning, match=message) as caught:
                found, delta = explainer.run(xs, batch_size=batch_size, return_convergence_delta=True)
            assert len(caught) == 1
            assert float(str(caught[0].message).split('delta is ')[1].split('. ')[0]) == pytest.approx(
                np.abs(delta).max(), rel=1e-2
            )
        direct = de.explain('intgrad', T, X, xs, steps=last, quadrature=rule)
    np.testing.assert_allclose(found[[0, 2]], direct[[0, 2]], rtol=1e-9)


def test_paths_from_a_set_are_counted_each(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 2])
        explainer = de.get_explainer(
            'intgrad', X**3, X, steps=2, tolerance=1e-30, max_steps=4, baselines=[[0, 0], [1, 1], [2, 2]]
        )
    for batch_size in (None, 1, 5):
        with pytest.warns(DeepExplainWarning, match='for 5 of 6 paths with 4 steps'):
            explainer.run([[1.0, 1.0], [5.0, 3.0]], batch_size=batch_size)  # one of them begins where it ends


def test_max_steps_may_be_just_enough(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 1])
        arguments = {'steps': 1, 'quadrature': 'riemann_middle', 'tolerance': 0.02}
        # The mean of 3 a a over 1, 3, 9 middles misses 1 by 1/4, 1/36, 1/324.
        assert de.explain('intgrad', X**3, X, [[1.0]], max_steps=9, **arguments) == pytest.approx(1 - 1 / 324)
        with pytest.warns(DeepExplainWarning, match='for 1 of 1 paths with 3 steps; the largest delta is 0.0278'):
            found = de.explain('intgrad', X**3, X, [[1.0]], max_steps=8, **arguments)
    assert found == pytest.approx(1 - 1 / 36)


# with everything else


@pytest.mark.parametrize('batch_size', [None, 1, 7])
def test_each_output_adds_up_within_the_tolerance(session, batch_size):
    network = NETWORKS['Tanh']
    xs, _ = samples(network)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 5])
        T = tf.concat([build(network, X)] * 4, axis=1)  # more than the backward passes that share a forward pass
        explainer = de.get_explainer('intgrad', T, X, steps=3, quadrature='riemann_trapezoid', tolerance=1e-4)
        found, delta = explainer.run(xs, 'each', batch_size, return_convergence_delta=True)
        fine = de.explain('intgrad', T, X, xs, 'each', steps=200, quadrature='riemann_middle')
    assert delta.shape == (12, 4)
    assert np.abs(delta).max() <= 1e-4
    gain = network(xs) - network(0 * xs)
    np.testing.assert_allclose(delta, found.sum(axis=2) - np.tile(gain, 4).T, atol=1e-12)
    np.testing.assert_allclose(found, fine, atol=1e-2)


@pytest.mark.parametrize('batch_size', [None, 1, 3, 7])
def test_sets_rows_feeds_and_several_inputs(session, batch_size):
    network = NETWORKS['Tanh']
    xs, ys = samples(network)
    baselines, shifts = normal(3, 5, seed=1), normal(4, 5, seed=2)
    with DeepExplain(session=session) as de:
        X = [tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 3])]
        shift = tf.placeholder(tf.float64, [None, 5])
        T = build(network, tf.concat(X, axis=1) + shift)
        arguments = {'steps': 3, 'tolerance': 1e-3, 'quadrature': 'riemann_middle'}
        feed = {shift: shifts}
        parts = [xs[:, :2], xs[:, 2:]]
        for name, rows in (('baseline', xs[::-1]), ('baselines', baselines)):
            explainer = de.get_explainer('intgrad', T, X, **{name: [rows[:, :2], rows[:, 2:]]}, **arguments)
            found, delta = explainer.run(parts, ys, batch_size, feed, return_convergence_delta=True)
            if name == 'baseline':
                expected = promised_by(network, xs + shifts, ys, rows + shifts)
            else:
                expected = np.mean([promised_by(network, xs + shifts, ys, b + shifts) for b in rows], axis=0)
            np.testing.assert_allclose(delta, np.hstack(found).sum(axis=1) - expected, atol=1e-12)
            assert 1e-9 < np.abs(delta).max() <= 1e-3


@pytest.mark.parametrize('n', [1, 3, 4, 9])
def test_a_fixed_batch_dimension(session, n):
    network = NETWORKS['all five']
    xs, ys = samples(network, n)
    xs[0] = 0
    X = tf.placeholder(tf.float64, [4, 4], name='X')
    explainer, recorder = counted(session, build(network, X), X, quadrature='riemann_middle')
    expected, _ = by_hand(explainer, 'riemann_middle', xs, ys, promised_by(network, xs, ys, 0), 1e-2, most=135)
    np.testing.assert_allclose(refining(explainer, tolerance=1e-2).run(xs, ys), expected, rtol=1e-9, atol=1e-12)
    assert set(recorder.rows) == {4}


@pytest.mark.parametrize('shape', [[None, 4], [6, 4]], ids=['open', 'fixed'])
def test_a_mask_with_a_row_a_sample_meets_its_samples_to_the_end(session, shape):
    network = NETWORKS['all five']
    xs, mask = samples(network, n=6)
    xs *= 3
    xs[[0, 3]] = 0  # they add up at once
    X = tf.placeholder(tf.float64, shape)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('intgrad', build(network, X) * mask, X, quadrature='riemann_middle')
    promised = promised_by(network, xs, mask, 0)
    expected, steps = by_hand(explainer, 'riemann_middle', xs, None, promised, 1e-2, most=135)
    assert len(set(steps)) > 1
    np.testing.assert_allclose(refining(explainer, tolerance=1e-2).run(xs), expected, rtol=1e-9, atol=1e-12)


def test_samples_that_mix_stay_together_to_the_end(session):
    def scaled(X):  # by the samples beside it
        return dense(tf.tanh(dense(X / (1 + tf.reduce_max(tf.abs(X))), 5)), 3, 2)

    xs = normal(5, 4)
    xs[2] = 0
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = scaled(X)
        explainer = de.get_explainer('intgrad', T, X, quadrature='riemann_right')
        promised = (session.run(T, {X: xs}) - session.run(T, {X: 0 * xs})).sum(axis=1)
        expected, steps = by_hand(explainer, 'riemann_right', xs, None, promised, 0.05)
        assert len(set(steps)) > 1
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DeepExplainWarning)  # samples that mix need not add up one by one
            found = refining(explainer, tolerance=0.05, max_steps=160).run(xs)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_another_tolerance_adds_no_op(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.sigmoid(mlp(X))
        de.explain('intgrad', T, X, normal(2, 4))
        before = session.graph.version
        rough, fine = (de.explain('intgrad', T, X, normal(2, 4), steps=3, tolerance=t) for t in (0.1, 1e-3))
    assert session.graph.version == before
    assert np.abs(rough - fine).max() > 1e-4


# what is refused


@pytest.mark.parametrize(
    ('tolerance', 'error', 'message'),
    [
        (0, ArgumentError, 'tolerance must be greater than 0 and finite, in the units of T; got 0'),
        (-1e-3, ArgumentError, 'tolerance must be greater than 0 and finite, in the units of T; got -0.001'),
        (float('nan'), ArgumentError, 'tolerance must be .*; got nan'),
        (float('inf'), ArgumentError, 'tolerance must be .*; got inf'),
        ('a', ArgumentTypeError, "tolerance must be a number, in the units of T; got 'a'"),
        (True, ArgumentTypeError, 'tolerance must be a number, in the units of T; got True'),
        (1j, ArgumentTypeError, 'tolerance must be a number, in the units of T; got 1j'),
        ([0.1], ArgumentTypeError, r'tolerance must be a number, in the units of T; got \[0.1\]'),
    ],
)
def test_another_tolerance_is_refused(session, tolerance, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        with pytest.raises(error, match=message):
            de.get_explainer('intgrad', mlp(X), X, tolerance=tolerance)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'max_steps': 0}, ArgumentError, 'max_steps must be at least 1; got 0'),
        ({'max_steps': 2.5}, ArgumentTypeError, 'max_steps must be an integer; got 2.5'),
        ({'max_steps': 99, 'tolerance': 1}, ArgumentError, 'max_steps=99 must not be less than steps=100'),
    ],
)
def test_another_limit_is_refused(session, arguments, error, message):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        with pytest.raises(error, match=message):
            de.get_explainer('intgrad', mlp(X), X, **arguments)


def test_a_scalar_T_cannot_be_compared_sample_by_sample(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        with pytest.raises(ArgumentError, match='tolerance needs one value of T for each sample, but T .* is a scalar'):
            de.get_explainer('intgrad', tf.reduce_sum(mlp(X)), X, tolerance=0.1)
        explainer = de.get_explainer('intgrad', tf.reduce_sum(mlp(X), axis=0), X, tolerance=0.1)
    with pytest.raises(ArgumentError, match='needs one row of T for each sample, but T .* has 3 rows for 5 samples'):
        explainer.run(normal(5, 4))
