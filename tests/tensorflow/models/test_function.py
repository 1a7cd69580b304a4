"""Python functions: traced, with what they use frozen, and compared."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import TENSORFLOW_2, W1, XS, assert_explained, network

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning, ModelError
from deepexplain.tensorflow import DeepExplain, embedding_outputs, open_model

SPEC = tf.TensorSpec([None, 4], tf.float32, 'x')
only_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='TensorFlow 1 does not trace functions')


def test_a_function_of_one_tensor():
    with open_model(network, inputs=[SPEC]) as m:
        assert [x.name for x in m.inputs] == ['x:0']
        assert_explained(m)


def test_a_single_spec_is_an_input():
    with open_model(network, inputs=SPEC) as m:
        assert_explained(m)


def test_a_dict_of_specs_are_keywords():
    with open_model(lambda b, a: a - 2 * b, inputs={'a': SPEC, 'b': tf.TensorSpec([None, 4], tf.float32)}) as m:
        a, b = m.inputs
        np.testing.assert_allclose(m.session.run(m.outputs[0], {a: XS, b: XS + 1}), XS - 2 * (XS + 1), rtol=1e-5)


@only_2
def test_variables_are_frozen():
    with tf.init_scope():
        scale = tf.Variable(3.0)
    with open_model(lambda x: scale * x, inputs=[SPEC]) as m:
        scale.assign(4.0)
        np.testing.assert_allclose(m.session.run(m.outputs[0], {m.inputs[0]: XS}), 3 * XS, rtol=1e-5)


@only_2
def test_names_of_a_dict_of_outputs():
    with open_model(lambda x: {'twice': 2 * x, 'half': x / 2}, inputs=[SPEC], outputs=['twice']) as m:
        np.testing.assert_allclose(m.session.run(m.tensor('half'), {m.tensor('x'): XS}), XS / 2, rtol=1e-5)
        np.testing.assert_allclose(m.session.run(m.outputs[0], {m.inputs[0]: XS}), 2 * XS, rtol=1e-5)


@only_2
def test_names_of_a_dict_that_holds_more_than_tensors():
    def network(x):
        return {'states': (x, x + 1), 'logits': 100 * x, 'absent': None}

    with open_model(network, inputs=[SPEC]) as m:
        np.testing.assert_allclose(m.session.run(m.tensor('logits'), {m.inputs[0]: XS}), 100 * XS, rtol=1e-5)
        with pytest.raises(ArgumentError, match="There is no tensor 'states' in this model"):
            m.tensor('states')


@only_2
def test_none_among_the_outputs():
    with open_model(lambda x: (x, None, x * 3), inputs=[SPEC]) as m:
        np.testing.assert_allclose(m.session.run(m.outputs[1], {m.inputs[0]: XS}), 3 * XS, rtol=1e-5)


@only_2
def test_a_function_that_assigns():
    with tf.init_scope():
        calls = tf.Variable(0.0)

    def counts(x):
        return x * calls.assign_add(1.0)

    with pytest.raises(ModelError, match="'counts' cannot be traced with .*: it assigns to a variable"):
        open_model(counts, inputs=[SPEC])


@only_2
def test_a_lookup_table_in_a_loop():
    with tf.init_scope():
        content = tf.lookup.KeyValueTensorInitializer([0, 1], [1.0, 2.0], tf.int32, tf.float32)
        table = tf.lookup.StaticHashTable(content, 0.0)

    def network(x):
        return tf.map_fn(lambda row: row * table.lookup(tf.cast(row[0] > 0, tf.int32)), x)

    with pytest.raises(ModelError, match=r"the resource '.*' \(a lookup table in a loop\?\) cannot be frozen"):
        open_model(network, inputs=[SPEC])


@only_2
def test_a_custom_gradient_is_that_of_the_ops():
    @tf.custom_gradient
    def square(x):
        return x * x, lambda grad: 100 * grad

    with pytest.warns(
        DeepExplainWarning, match=r"function 'square': op '.*' has a custom gradient .*, which stays behind"
    ):
        m = open_model(square, inputs=[SPEC])
    with m, DeepExplain(session=m.session) as de:
        np.testing.assert_allclose(de.explain('grad*input', m.outputs[0], m.inputs[0], XS), 2 * XS**2, rtol=1e-5)


@only_2
def test_a_tensor_in_the_middle_needs_no_inputs():
    with tf.init_scope():
        table = tf.Variable(np.eye(4, dtype=np.float32))

    def network(ids):
        return tf.reduce_sum(tf.nn.embedding_lookup(table, ids, name='words') * 2, axis=[1, 2])

    with open_model(network, inputs=[tf.TensorSpec([None, 3], tf.int32, 'ids')]) as m, DeepExplain(
        m.session.graph, m.session
    ) as de:
        (words,) = embedding_outputs(m.outputs[0], m.inputs[0])
        found = de.explain('grad*input', m.outputs[0], words, np.ones((1, 3, 4)))
        np.testing.assert_allclose(found, 2 * np.ones((1, 3, 4)))


@only_2
def test_a_graph_that_does_not_run():
    calls = []

    def once(x):
        calls.append(x)
        if len(calls) > 1:
            raise ValueError('only once')
        return x

    def network(x):
        return tf.numpy_function(once, [x], tf.float32)

    with pytest.raises(ModelError, match=r"(?s)function 'network' was traced, but its graph does not run .*only once"):
        open_model(network, inputs=[SPEC])


@only_2
def test_what_cannot_be_traced_is_said():
    def fails(x):
        raise RuntimeError('no way')

    with pytest.raises(ModelError, match=r"(?s)function 'fails' cannot be traced with float32 \(None, 4\): .*no way"):
        open_model(fails, inputs=[SPEC])


@only_2
def test_a_function_that_computes_something_else_when_traced():
    def two_faced(x):
        return x * 2 if tf.executing_eagerly() else x * 3

    with pytest.raises(ModelError, match=r"'two_faced' was opened, but 'Identity:0' is not what the source computes"):
        open_model(two_faced, inputs=[SPEC])


def eagerly_or(eager, traced):
    return eager if tf.executing_eagerly() else traced


#: Outputs of every kind, of x and what it shall be. The last two arguments are alike in an honest function.
KINDS = {
    'strings': lambda x, word, factor: tf.strings.join([tf.as_string(x, precision=2), word]),
    'one string': lambda x, word, factor: tf.constant(word),
    'integers': lambda x, word, factor: tf.cast(factor * (x + 1), tf.int32),
    'truths': lambda x, word, factor: factor * x > 3,
    'complex numbers': lambda x, word, factor: tf.complex(x, factor * x),
    'bfloat16': lambda x, word, factor: tf.cast(factor * x, tf.bfloat16),
    'a ragged tensor': lambda x, word, factor: tf.compat.v2.strings.split(tf.as_string(x[:, 0]) + ' ' + word),
    'a sparse tensor': lambda x, word, factor: tf.sparse.from_dense(factor * x),
}


@only_2
@pytest.mark.parametrize('kind', sorted(KINDS))
def test_outputs_of_every_kind_are_compared(kind):
    def honest(x):
        return {'first': KINDS[kind](x, 'a', 2.0), 'twice': 2 * x}

    def two_faced(x):
        return {'first': KINDS[kind](x, eagerly_or('a', 'b'), eagerly_or(2.0, 8.0)), 'twice': 2 * x}

    with open_model(honest, inputs=[SPEC]) as m:
        np.testing.assert_allclose(m.session.run(m.tensor('twice'), {m.inputs[0]: XS}), 2 * XS, rtol=1e-5)
    with pytest.raises(
        ModelError, match=r"'two_faced' was opened, but 'Identity\S*:0' is not what the source computes"
    ):
        open_model(two_faced, inputs=[SPEC])


@only_2
@pytest.mark.parametrize(
    ('compute', 'difference'),
    [
        (lambda x: tf.constant(eagerly_or([b'a', b'b'], [b'a', b'c'])), r"it is b'c', not b'b' at \[1\]. Does"),
        (lambda x: tf.constant(eagerly_or(b'a', b'b')), r"it is b'b', not b'a'. Does"),
        (lambda x: tf.constant(eagerly_or([1, 1], [0, 1])), r'it is 0, not 1 at \[0\]. Does'),
        (lambda x: tf.constant(eagerly_or([True], [False])), r'it is False, not True at \[0\]. Does'),
        (
            lambda x: tf.constant(eagerly_or([np.inf, np.nan, 1.0], [np.inf, np.nan, 3.0])),
            r'it is 3, not 1 at \[2\]. Does',
        ),
        (lambda x: tf.constant(eagerly_or([1.0, 2.0], [1.5, np.nan])), r'it is nan, not 2 at \[1\]. Does'),
        (lambda x: tf.constant(eagerly_or([b'a', b'b'], [b'a'])), r'its shape is \(1,\), not \(2,\). Does'),
        (lambda x: tf.constant(eagerly_or([1.0], [b'a'])), r"it is b'a', not 1 at \[0\]. Does"),
    ],
)
def test_what_differs_is_said(compute, difference):
    with pytest.raises(
        ModelError, match=r"'Identity:0' is not what .* made-up samples of shape \(1, 4\): " + difference
    ):
        open_model(compute, inputs=[SPEC])


@only_2
def test_random_outputs_are_not_compared():
    with open_model(lambda x: x + tf.random.uniform(tf.shape(x)), inputs=[SPEC]) as m:
        assert m.outputs[0].shape.as_list() == [None, 4]


@only_2
def test_the_comparison_finds_a_size_that_fits():
    def needs_100(x):
        return tf.reshape(x[:, :100], [-1, 100]) * 2

    with open_model(needs_100, inputs=[tf.TensorSpec([None, None], tf.float32)]) as m:
        assert m.outputs[0].shape.as_list() == [None, 100]


def test_a_function_needs_specs():
    with pytest.raises(ArgumentTypeError, match=r'A function needs inputs: tf.TensorSpecs, such as'):
        open_model(network)
    with pytest.raises(ArgumentTypeError, match=r'inputs must be tf.TensorSpecs here.*got \[\(None, 4\)\]'):
        open_model(network, inputs=[(None, 4)])


@only_2
def test_a_function_with_a_signature_of_its_own():
    with open_model(tf.function(lambda x: network(x), input_signature=[SPEC])) as m:
        assert_explained(m)


@only_2
def test_a_custom_gradient_in_a_loop_comes_with_a_warning():
    @tf.custom_gradient
    def reversed_(x):
        return tf.identity(x), lambda grad: -grad

    def network(x):
        return tf.map_fn(reversed_, x)

    with pytest.warns(
        DeepExplainWarning, match=r"function 'network': op '.*' has a custom gradient .*, which stays behind"
    ):
        open_model(network, inputs=[SPEC]).close()


@only_2
def test_a_function_that_returns_nothing():
    def nothing(x):
        pass

    with pytest.raises(ModelError, match=r"The function 'nothing' returns no tensor"):
        open_model(nothing, inputs=[SPEC])


@pytest.mark.skipif(TENSORFLOW_2, reason='tf.function refuses it by itself')
def test_new_variables_would_be_random():
    with pytest.raises(ModelError, match=r"creates variables \('Variable:0' is the first\), whose values would be"):
        open_model(lambda x: tf.matmul(x, tf.Variable(W1)), inputs=[SPEC])
