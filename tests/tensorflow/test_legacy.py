"""Methods written and called in the way of DeepExplain 0.3."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import explain, mlp, normal

from deepexplain.tensorflow import DeepExplain, methods
from deepexplain.tensorflow.methods import GradientBasedMethod, attribution_methods, register


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
