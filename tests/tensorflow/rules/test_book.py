"""Rule books: the first entry that has a rule decides, once, and what describe() names is what ran."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from graphs import context
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from small import normal

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow.engine import Backward, backward
from deepexplain.tensorflow.methods import Method, attribution_methods, register
from deepexplain.tensorflow.rules import GRADIENT, Rule, RuleBook, of_types
from deepexplain.tensorflow.rules.book import Decisions
from deepexplain.tensorflow.runtime.graph import Step

some_graphs = settings(max_examples=12, phases=[Phase.generate])

#: Op type -> a layer of four units that is one such op of h.
LAYERS = {
    'MatMul': lambda h: tf.matmul(h, tf.constant(normal(4, 4, seed=1))),
    'BiasAdd': lambda h: tf.nn.bias_add(h, tf.constant(normal(4, seed=2))),
    'Neg': tf.negative,
    'Square': lambda h: tf.square(h),
    'Mul': lambda h: tf.multiply(h, h),
    'Reverse': lambda h: tf.raw_ops.ReverseV2(tensor=h, axis=[1]),
    'Relu': tf.nn.relu,
    'Tanh': tf.nn.tanh,
    'LeakyRelu': tf.nn.leaky_relu,
    'Softsign': tf.nn.softsign,
}
OP_TYPES = {'Reverse': 'ReverseV2'}
#: Where a layer may be hidden. TensorFlow 1.15 has ops with bodies in functions only.
PLACES = {
    'in the graph': lambda layer: layer,
    'in a function': lambda layer: tf.function(layer, autograph=False),
    'in a branch': lambda layer: tf.function(
        lambda h: tf.cond(tf.shape(h)[0] > 0, lambda: layer(h), lambda: h), autograph=False
    ),
    'in a loop': lambda layer: tf.function(
        lambda h: tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, layer(y)), [0, h])[1], autograph=False
    ),
}
networks = st.lists(st.tuples(st.sampled_from(sorted(LAYERS)), st.sampled_from(sorted(PLACES))), min_size=1, max_size=5)


def op_type(layer):
    return OP_TYPES.get(layer, layer)


def built(network, X):
    for layer, place in network:
        X = PLACES[place](LAYERS[layer])(X)
    return X


@tf.custom_gradient
def tenfold(h):
    return tf.identity(h), lambda grad: 10 * grad


def built_flat(network, chosen, X):
    """The network without functions and loops; the gradient behind an op that was chosen is ten times what it is."""
    for layer, place in network:
        for _ in range(1 + (place == 'in a loop')):
            X = LAYERS[layer](X)
            X = tenfold(X) if layer in chosen else X
    return X


@some_graphs
@given(networks, st.sets(st.sampled_from(sorted(LAYERS)), min_size=1, max_size=5))
def test_a_rule_runs_where_describe_names_it_and_nowhere_else(network, chosen):
    ran = []

    class Own(Method):
        def plan(self, problem):
            return Backward(rules=RuleBook(*[of_types(op_type(layer), rule_of(layer)) for layer in chosen], GRADIENT))

    def rule_of(layer):
        def multiply(op, *grads):
            ran.append(op.type)
            return [None if g is None else 10 * g for g in as_list(backward.original_grad(op, *grads))]

        return Rule('ten times ' + layer, None, multiply)

    register('own')(Own)
    try:
        with context() as de:
            X = tf.placeholder(tf.float64, [None, 4])
            explainer = de.get_explainer('own', built(network, X), X)
            found = explainer.run(normal(3, 4))
            expected = de.explain('saliency', built_flat(network, chosen, X), X, normal(3, 4))
    finally:
        attribution_methods.pop('own')
    np.testing.assert_allclose(np.abs(found), expected, rtol=1e-9, atol=1e-12)
    named = {row.type for row in explainer.describe().rows if row.treatment.startswith('ten times')}
    assert named == set(ran) == {op_type(layer) for layer, _ in network if layer in chosen}
    for row in explainer.describe().rows:
        assert (row.type in named) == row.treatment.startswith('ten times')


def as_list(gradients):
    return list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]


@pytest.mark.parametrize(
    ('method', 'arguments'),
    [('zero', {}), ('elrp', {}), ('deeplift', {}), ('deeplift', {'rules': 'complete'}), ('intgrad', {'steps': 2})],
)
@some_graphs
@given(network=networks)
def test_what_describe_names_is_what_ran(method, arguments, network):
    ran, gradient = [], backward.BackwardPass._gradient

    def recorded(back, op, *grads):
        ran.append((op.type, back.decisions.of(op).rule.name))
        return gradient(back, op, *grads)

    with context() as de, pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter('ignore', DeepExplainWarning)  # of ops without a rule
        patch.setattr(backward.BackwardPass, '_gradient', recorded)
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer(method, built(network, X), X, **arguments)
        explainer.run(normal(3, 4))
    assert all(decision.rule.name == row.treatment for decision, row in zip(listed(explainer), rows(explainer)))
    expected = {(d.step.op.type, d.rule.name) for d in listed(explainer) if d.rule.multiply is not None}
    assert set(ran) == expected


def listed(explainer):
    return explainer.engine.back.decisions.listed


def rows(explainer):
    return explainer.describe().rows


def test_the_first_entry_that_has_a_rule_decides_once(session):
    asked = []

    def first(step):
        asked.append(step.op.name)
        return Rule('of the first') if step.op.type == 'Relu' else None

    X = tf.placeholder(tf.float32, [None, 2])
    relu, tanh = (Step(f(X).op, [0]) for f in (tf.nn.relu, tf.nn.tanh))
    decisions = Decisions(RuleBook(first, of_types('Relu Tanh', Rule('of the second', True))))
    decisions.enter([relu, tanh, relu])
    assert [d.rule.name for d in decisions.listed] == ['of the first', 'of the second', 'of the first']
    assert asked == [relu.op.name, tanh.op.name]
    assert decisions.of(tanh.op).rule.exact
    assert decisions.of(X.op) is None


def test_a_book_without_a_rule_for_an_op_says_which(session):
    X = tf.placeholder(tf.float32, [None, 2])
    with pytest.raises(LookupError, match="No entry of this rule book has a rule for op 'odd' .Tanh.."):
        RuleBook(of_types('Relu', Rule('relu')))(Step(tf.nn.tanh(X, name='odd').op, [0]))
