"""A method from outside the package: one registered class, which then has all that ours have."""

from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import Recorder, mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow import DeepExplain, NoiseTunnel
from deepexplain.tensorflow.engine import TO_DIFFERENCE, Backward, Baselines, Changes, Path
from deepexplain.tensorflow.methods import Method, at_run, attribution_methods, register
from deepexplain.tensorflow.rules import INTEGRATED_GRADIENT
from deepexplain.tensorflow.rules.lrp import RULES, rule


@pytest.fixture
def midpoint():
    @register('midpoint', also_called='half_way')
    class Midpoint(Method):
        """The gradient half way between a baseline and x, times what x differs from it."""

        baseline: Any = at_run(default=0)
        scale: float = 1.0

        def plan(self, problem):
            return Backward(
                lambda back: [self.scale * g for g in back.gradients()],
                rules=INTEGRATED_GRADIENT,
                promise=TO_DIFFERENCE,
                baseline=Baselines(problem, self.baseline),
                path=Path(1, 'riemann_middle'),
            )

    yield Midpoint
    attribution_methods.pop('midpoint')


def square(X):
    return tf.square(tf.matmul(X, tf.constant(normal(4, 3))))


def by_hand(xs, baseline, scale=1.0):
    w = normal(4, 3)
    middle = 0.5 * (xs + baseline)
    return scale * np.einsum('ni,ij,nj->nij', xs - baseline, w, 2 * middle.dot(w))


def test_it_is_explained_in_batches_with_delta_and_each_output(session, midpoint):
    recorder = Recorder(session, 'X:0')
    with DeepExplain(session=recorder) as de:
        X = tf.placeholder(tf.float64, [None, 4], name='X')
        T = square(X)
        explainer = de.get_explainer('midpoint', T, X, baseline=0.5)
        each, delta = explainer.run(normal(5, 4), 'each', 2, return_convergence_delta=True)
        assert max(recorder.rows) <= 2
        np.testing.assert_allclose(each, by_hand(normal(5, 4), 0.5).transpose(2, 0, 1))
        np.testing.assert_allclose(delta, np.zeros((3, 5)), atol=1e-12)
        found = de.explain('midpoint', T, 'X', normal(5, 4), [0, 1, 2], scale=3.0)
        np.testing.assert_allclose(found, 3 * by_hand(normal(5, 4), 0)[..., 1] + 6 * by_hand(normal(5, 4), 0)[..., 2])
        np.testing.assert_allclose(NoiseTunnel(explainer, stdev=0.0).run(normal(2, 4), 'each'), each[:, :2])


def test_it_is_described_named_and_shown(session, midpoint):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4], name='X')
        explainer = de.get_explainer('midpoint', square(X), X, baseline=0.5)
        assert str(explainer.describe()).startswith("'midpoint' keeps its sum, T(x) - T(baseline), through all 2 ops")
        assert repr(explainer) == "Explainer(Midpoint(baseline=0.5), T='Square:0' (None, 3), X='X:0' (None, 4))"
        for name in ('Midpoint', 'half-way', 'mid_point'):
            with pytest.raises(ArgumentError, match=f"got '{name}'. Do you mean 'midpoint'?"):
                de.explain(name, X, X, normal(2, 4))
        with pytest.raises(
            TypeError, match="'midpoint' does not know the argument 'base'; it takes baseline, scale, st"
        ):
            de.explain('midpoint', X, X, normal(2, 4), base=1)


def test_explain_adds_a_graph_only_for_arguments_that_are_not_read_at_run(session, midpoint):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = square(X)
        first = de.explain('midpoint', T, X, normal(2, 4), baseline=0.25)
        before = session.graph.version
        np.testing.assert_allclose(first, by_hand(normal(2, 4), 0.25).sum(axis=2))
        second = de.explain('midpoint', T, X, normal(2, 4), baseline=1)
        np.testing.assert_allclose(second, by_hand(normal(2, 4), 1).sum(axis=2))
        assert session.graph.version == before
        third = de.explain('midpoint', T, X, normal(2, 4), baseline=1, scale=2.0)
        np.testing.assert_allclose(third, 2 * second)
        assert session.graph.version > before


def test_a_method_of_changes_from_outside(session):
    class Halves:
        """Two parts of a sample: its first half, and the rest."""

        count, covers_once = 2, True

        def __init__(self, shape):
            self.of_value = np.arange(shape[0]) >= shape[0] // 2

    @register('halves')
    class WithoutHalf(Method):
        """What T loses without one half of the values; both get it."""

        def plan(self, problem):
            def explain(samples, halves):
                def replace(copies, values, which):
                    gone = (halves.of_value[None] == (which[:, None] == 2)) & (which[:, None] > 0)
                    copies[:] = np.where(gone, values, copies)

                outputs = samples.evaluate(np.ones((samples.count, 3), bool), replace)
                losses = outputs[:, :1] - outputs[:, 1:]
                return [losses[:, halves.of_value.astype(int)]]

            return Changes(Halves, lambda halves: 3, explain, Baselines(problem))

    try:
        with DeepExplain(session=session) as de:
            X = tf.placeholder(tf.float64, [None, 4])
            T, xs = mlp(X), normal(5, 4)
            found = de.explain('halves', T, X, xs, ys=[0, 1, 0], batch_size=2)
            assert {row.treatment for row in de.get_explainer('halves', T, X).describe().rows} == {'evaluated'}
            at_x, no_first, no_last = (session.run(T, {X: z})[:, 1] for z in (xs, xs * [0, 0, 1, 1], xs * [1, 1, 0, 0]))
    finally:
        attribution_methods.pop('halves')
    np.testing.assert_allclose(found, np.stack([at_x - no_first] * 2 + [at_x - no_last] * 2, axis=1))


@pytest.fixture
def absolute():
    @rule('absolute', 'stabilizer', exact=True)
    def by_size(layer, R, stabilizer):
        total = sum(part.run(tf.abs(part.a), tf.abs(part.weights)) for part in layer.parts)
        c = R / tf.maximum(total, stabilizer)
        return [tf.abs(part.a) * part.back(c, tf.abs(part.weights)) for part in layer.parts]

    yield by_size
    RULES.pop('absolute')


def test_a_rule_of_lrp_from_outside_is_selected_described_and_applied(session, absolute):
    kernel, scale, w = normal(3, 2, 3, seed=1), np.array([0.5, -2.0, 1.5]), normal(12, seed=2)
    X = tf.placeholder(tf.float64, [None, 4, 2], name='X')
    z = tf.nn.conv1d(X, tf.constant(kernel), 1, 'SAME', name='one') * scale + 0.25  # one layer
    T = tf.tensordot(tf.reshape(tf.nn.relu(z), [-1, 12]), tf.constant(w), 1)
    xs = normal(5, 4, 2, seed=3)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('lrp', T, X, rules=[('first', 'absolute')])
        found, below = explainer.run(xs), de.explain('lrp', T, z, session.run(z, {X: xs}))
        with pytest.raises(ArgumentTypeError, match="'absolute' does not know 'gamma'; its options are stabilizer"):
            de.explain('lrp', T, X, xs, rules=[('first', ('absolute', {'gamma': 1}))])
    assert [row.treatment for row in explainer.describe().rows if row.type == 'Conv2D'] == ['absolute (convolution)']
    expected = np.zeros_like(xs)
    for n, k, c in np.ndindex(below.shape):
        places = [(j, i) for j in range(max(k - 1, 0), min(k + 2, 4)) for i in range(2)]
        sizes = {(j, i): abs(xs[n, j, i] * kernel[j - k + 1, i, c] * scale[c]) for j, i in places}
        for (j, i), size in sizes.items():
            expected[n, j, i] += below[n, k, c] * size / sum(sizes.values())
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_class_without_a_plan_or_with_another_is_refused(session):
    with pytest.raises(ArgumentTypeError, match=r'Planless needs plan\(problem\), which returns how it is computed'):

        @register('planless')
        class Planless(Method):
            pass

    assert 'planless' not in attribution_methods

    @register('odd')
    class Odd(Method):
        def plan(self, problem):
            return 'a gradient'

    try:
        X = tf.placeholder(tf.float64, [None, 4])
        with DeepExplain(session=session) as de, pytest.raises(
            ArgumentTypeError, match=r"plan\(problem\) of Odd must return a Backward or a Changes; got 'a gradient'"
        ):
            de.get_explainer('odd', mlp(X), X)
    finally:
        attribution_methods.pop('odd')


@pytest.mark.parametrize(
    ('plan', 'message'),
    [
        (lambda: Backward(lambda back: None), "Attributions of 'odd' must be a list with a tensor .* got NoneType"),
        (lambda: Backward(lambda back: back.gradients()[0]), 'must be a list with a tensor for each of the 1 inputs'),
        (lambda: Backward(lambda back: []), r'for each of the 1 inputs; got \[\]'),
        (lambda: Backward(path=Path(3)), "'odd' follows a path, which begins at a baseline: give its Backward one"),
        (lambda: Path(3, 'simpson'), "quadrature must be one of 'riemann_right', .*; got 'simpson'"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_with_a_word(session, plan, message):
    @register('odd')
    class Odd(Method):
        def plan(self, problem):
            return plan()

    try:
        X = tf.placeholder(tf.float64, [None, 4])
        with DeepExplain(session=session) as de, pytest.raises(RuntimeError, match=message):
            de.get_explainer('odd', mlp(X), X)
    finally:
        attribution_methods.pop('odd')
