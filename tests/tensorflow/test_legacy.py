"""Methods written and called in the way of DeepExplain 0.3."""

import copy

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, explain, mlp, normal

from deepexplain.tensorflow import DeepExplain, methods, open_model
from deepexplain.tensorflow.methods import (
    GradientBasedMethod,
    PerturbationBasedMethod,
    attribution_methods,
    original_grad,
    register,
)


def test_a_methods_arguments_may_be_positional(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        found = methods.IntegratedGradients(T, X, session, None, 5, normal(4)).run(normal(3, 4))
        np.testing.assert_array_equal(found, de.explain('intgrad', T, X, normal(3, 4), steps=5, baseline=normal(4)))
        with pytest.raises(TypeError, match="'elrp' does not know 2 positional arguments; it takes epsilon"):
            methods.EpsilonLRP(T, X, session, None, 0.1, 3)


@pytest.mark.parametrize('base', [methods.EpsilonLRP, methods.DeepLIFTRescale])
def test_a_rule_with_another_formula(session, base):
    class Multipliers(base):
        """What the rule gives before it is multiplied by the input."""

        def get_symbolic_attribution(self):
            return tf.gradients(self.T, [self.X])

    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session):
        T = mlp(X)
        found, whole = (cls(T, X, session).run(normal(3, 4)) for cls in (Multipliers, base))
    np.testing.assert_allclose(found * normal(3, 4), whole)


def test_explain_heeds_arguments_that_are_in_the_graph(session, monkeypatch):
    class Power(methods.GradientXInput):
        """A subclass of a method whose own arguments are fed."""

        def configure(self, power=1):
            self.power = power

        def get_symbolic_attribution(self):
            return [a**self.power for a in super().get_symbolic_attribution()]

    monkeypatch.setitem(attribution_methods, 'power', (Power, 8))
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        one, two = (de.explain('power', T, X, normal(3, 4), power=p) for p in (1, 2))
    np.testing.assert_allclose(two, one**2)


def test_a_method_is_one_registered_class(session):
    @register('signed root')
    class SignedRoot(GradientBasedMethod):
        """A rule and a formula of one's own."""

        def configure(self, power=1.0):
            self.power = power

        def nonlinearity_grad_override(self, op, grad):
            return 10 * grad

        def get_symbolic_attribution(self):
            return [self.power * gradient for gradient in tf.gradients(self.T, [self.X])]

    try:
        found = explain(session, 'signed root', lambda X: tf.nn.relu(X), [[1, -1, 0, 2]], power=2.0)
        np.testing.assert_allclose(found, [[20, 20, 20, 20]])
    finally:
        attribution_methods.pop('signed root')


# classes as they were written for 0.3: all of it, not only their hooks


@pytest.fixture
def registered():
    """Registers classes for the length of a test, in 0.3's way."""
    before = list(attribution_methods)

    def register_as(name, cls):
        attribution_methods[name] = cls, len(attribution_methods)

    yield register_as
    for name in set(attribution_methods) - set(before):
        attribution_methods.pop(name)


class PowerGradient(GradientBasedMethod):
    """Its argument is set when 0.3's constructor is over, which its formula reads."""

    def __init__(self, T, X, session, keras_learning_phase, power=2):
        super().__init__(T, X, session, keras_learning_phase)
        self.power = power

    def get_symbolic_attribution(self):
        inputs = self.X if self.has_multiple_inputs else [self.X]
        return [g * x**self.power for g, x in zip(tf.gradients(self.T, self.X), inputs)]

    @classmethod
    def nonlinearity_grad_override(cls, op, grad):
        return original_grad(op, grad)


def test_attributes_that_are_set_after_the_constructor_are_there(session, registered):
    registered('power', PowerGradient)
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        product = de.explain('grad*input', T, X, normal(3, 4))
        np.testing.assert_allclose(de.explain('power', T, X, normal(3, 4), power=1), product)
        np.testing.assert_allclose(de.explain('power', T, X, normal(3, 4)), product * normal(3, 4))
        several = de.explain('power', T, [X], [normal(3, 4)], batch_size=2, power=1)
        np.testing.assert_allclose(several[0], product)
        each = de.get_explainer('power', T, X, power=1).run(normal(3, 4), ys='each')
        np.testing.assert_allclose(each.sum(axis=0), product)


class OneByOne(PerturbationBasedMethod):
    """Occlusion as a run of its own."""

    def __init__(self, T, X, session, keras_learning_phase, value=0.0):
        super().__init__(T, X, session, keras_learning_phase)
        self.value = value

    def run(self, xs, ys=None, batch_size=None):
        self._check_input_compatibility(xs, ys, batch_size)
        at_xs = self._session_run(self.T, xs, ys, batch_size)
        found = np.zeros_like(xs)
        for i in range(xs.shape[1]):
            changed = xs.copy()
            changed[:, i] = self.value
            found[:, i] = (at_xs - self._session_run(self.T, changed, ys, batch_size)).sum(axis=1)
        return found


def test_a_run_of_ones_own_on_session_run(session, registered):
    registered('one by one', OneByOne)
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        for ys in (None, [0, 1, 0], normal(3, 3)):
            found = de.explain('one by one', T, X, normal(3, 4), ys, batch_size=2)
            np.testing.assert_allclose(found, de.explain('occlusion', T, X, normal(3, 4), ys))
        with pytest.raises(ValueError, match='ys must have the shape of T'):
            de.explain('one by one', T, X, normal(3, 4), [0, 1])


class HalfOpen(OneByOne):
    """Knows one of the newer options."""

    def run(self, xs, ys=None, batch_size=None, feed_dict=None):
        return super().run(xs, ys, batch_size)


class AllOpen(OneByOne):
    """Takes whatever comes."""

    def run(self, xs, ys=None, batch_size=None, **options):
        return sorted(options)


class Sums(OneByOne):
    """Has no row for each sample."""

    def run(self, xs, ys=None, batch_size=None):
        return super().run(xs, ys, batch_size).sum()


def test_options_that_a_run_of_ones_own_does_not_know_are_named(session, registered):
    registered('one by one', OneByOne)
    registered('half open', HalfOpen)
    registered('all open', AllOpen)
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T, xs = mlp(X), normal(3, 4)
        with pytest.raises(
            TypeError,
            match=r"'one by one' does not know target: its run\(\) is its own, and takes xs, ys, batch_size. Give ys",
        ):
            de.explain('one by one', T, X, xs, target=1)
        with pytest.raises(
            TypeError, match="'one by one' does not know feed_dict, progress: .* takes xs, ys, batch_size"
        ):
            de.explain('one by one', T, X, xs, feed_dict={}, progress=True)
        with pytest.raises(TypeError, match="'half open' does not know progress: .* xs, ys, batch_size, feed_dict"):
            de.explain('half open', T, X, xs, feed_dict={}, progress=True)
        expected = de.explain('one by one', T, X, xs)
        np.testing.assert_array_equal(de.explain('half open', T, X, xs, feed_dict={}), expected)
        assert de.explain('all open', T, X, xs, target=1, progress=False) == ['target']


def test_what_a_run_of_ones_own_returns_is_made_an_explanation(registered):
    registered('one by one', OneByOne)
    registered('sums', Sums)
    xs, ys = normal(3, 4), [0, 1, 0]
    with open_model(mlp, inputs=[tf.TensorSpec([None, 4], tf.float64)], class_names=['a', 'b', 'c']) as m:
        found = m.explain('one by one', xs, ys)
        plain = m.explain('one by one', xs, ys, explanation=False)
        np.testing.assert_allclose(plain, m.explain('occlusion', xs, ys).values)
        np.testing.assert_array_equal(found.values, plain)
        np.testing.assert_array_equal(found.data, xs)
        np.testing.assert_array_equal(found.ys, [ys, ys, ys])
        assert (found.method, found.target) == ('one by one', m.outputs[0].name)
        assert found.input_names == [m.inputs[0].name]
        assert (found.class_names, found.quantity, found.delta, len(found[:2])) == (['a', 'b', 'c'], None, None, 2)
        with pytest.raises(
            ValueError, match="'sums' has a run.* a row for each sample, 3, for each input; got .* it came"
        ):
            m.explain('sums', xs)
        assert np.shape(m.explain('sums', xs, explanation=False)) == ()
        with pytest.raises(TypeError, match="'one by one' does not know target"):
            m.explain('one by one', xs, target='top')


def test_an_explanation_of_several_inputs_by_a_run_of_ones_own(session, registered):
    class Inputs(PerturbationBasedMethod):
        def run(self, xs, ys=None, batch_size=None):
            return [np.array(x) for x in xs]

    registered('inputs', Inputs)
    a, b = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 2])
    with DeepExplain(session=session) as de:
        T = mlp(tf.concat([a, b], 1))
        found = de.explain('inputs', T, [a, b], [normal(3, 4), normal(3, 2)], explanation=True)
    assert [values.shape for values in found.values] == [values.shape for values in found.data] == [(3, 4), (3, 2)]


def test_a_bare_perturbation_method_says_that_it_needs_a_run(session):
    X = tf.placeholder(tf.float64, [None, 4])
    bare = methods.PerturbationBasedMethod(mlp(X), X, session)
    with pytest.raises(RuntimeError, match='PerturbationBasedMethod needs a run.. of its own'):
        bare.run(normal(3, 4))


class Riemann(methods.IntegratedGradients):
    """A run of its own, with arguments of the method that it derives from."""

    def run(self, xs, ys=None, batch_size=None):
        self._set_check_baseline()
        alphas = np.linspace(1.0 / self.steps, 1.0, self.steps)
        points = (self._session_run(self.explain_symbolic(), a * xs, ys, batch_size)[0] for a in alphas)
        return sum(points) * (xs - self.baseline) / self.steps


def test_a_subclass_of_a_method_has_its_arguments_and_what_it_computes(session, registered):
    registered('riemann', Riemann)
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        found = de.explain('riemann', T, X, normal(3, 4), steps=11)
        np.testing.assert_allclose(found, de.explain('intgrad', T, X, normal(3, 4), steps=11))
        explainer = de.get_explainer('riemann', T, X, steps=11)
    assert (explainer.steps, explainer.baseline, explainer.name) == (11, None, 'intgrad')
    assert explainer.describe().promise == 'T(x) - T(baseline)'
    with pytest.raises(AttributeError, match="'Riemann' object has no attribute 'stepz'"):
        _ = explainer.stepz


def test_a_rule_of_ones_own_in_a_subclass_of_a_method_is_described_and_may_call_the_methods_own(session):
    class Doubled(methods.EpsilonLRP):
        def nonlinearity_grad_override(self, op, grad):
            return 2 * super().nonlinearity_grad_override(op, grad)

    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session):
        T = tf.nn.relu(dense(X, 3))
        doubled, plain = Doubled(T, X, session, None, 0.1), methods.EpsilonLRP(T, X, session, None, 0.1)
    np.testing.assert_allclose(doubled.run(normal(3, 4)), 2 * plain.run(normal(3, 4)))
    assert [row.treatment for row in doubled.describe().rows] == ['linear', 'own rule']
    with pytest.raises(ValueError, match='has no leaks'):
        doubled.leaks(normal(3, 4))


def test_a_formula_may_read_the_baseline(session):
    class Copy(methods.DeepLIFTRescale):
        """0.3's own formula."""

        def get_symbolic_attribution(self):
            return [
                g * (x - b)
                for g, x, b in zip(
                    tf.gradients(self.T, self.X),
                    self.X if self.has_multiple_inputs else [self.X],
                    self.baseline if self.has_multiple_inputs else [self.baseline],
                )
            ]

    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        expected = de.explain('deeplift', T, X, normal(3, 4))
        np.testing.assert_allclose(Copy(T, X, session).run(normal(3, 4)), expected)
        np.testing.assert_allclose(Copy(T, [X], session).run([normal(3, 4)])[0], expected)


def test_the_learning_phase_that_a_class_is_given_is_fed(session):
    X, phase = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.bool, [], name='is_training')
    T = tf.cond(phase, lambda: 0 * X, lambda: 2 * X)
    explainer = methods.Saliency(T, X, session, phase)
    np.testing.assert_allclose(explainer.run(normal(3, 4)), 2 * np.ones((3, 4)))
    np.testing.assert_allclose(explainer.run(normal(3, 4), feed_dict={phase.name: True}), np.zeros((3, 4)))


def test_the_table_of_methods_may_be_copied_and_a_method_taken_out():
    table = copy.deepcopy(attribution_methods)
    assert table.pop('deeplift')[0] is methods.DeepLIFTRescale
    assert 'deeplift' in attribution_methods
