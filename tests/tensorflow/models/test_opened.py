"""An opened model explains, without a context: what T and X are where nobody says, and what it says of that."""

import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, normal
from sources import TENSORFLOW_2, XS, YS, attributions, needs_keras_3, network, probabilities

from deepexplain.errors import ArgumentError, DeepExplainError, DeepExplainWarning, GraphError
from deepexplain.explanation import Explanation
from deepexplain.tensorflow import DeepExplain, open_model
from deepexplain.tensorflow.methods import IntegratedGradients
from deepexplain.tensorflow.models.opened import OpenModel

SPEC = tf.TensorSpec([None, 4], tf.float32, 'x')
LABELS = YS.argmax(axis=1)


@pytest.fixture
def m():
    with open_model(network, inputs=[SPEC], class_names=['a', 'b', 'c']) as m:
        yield m


def test_it_explains_its_logits_by_its_only_input(m):
    found = m.explain('deeplift', XS, target=LABELS)
    assert isinstance(found, Explanation)
    assert found.values.shape == XS.shape  # not a list of one
    assert found.class_names == ['a', 'b', 'c']
    assert isinstance(m.explain('deeplift', XS, target=0, explanation=False), np.ndarray)
    np.testing.assert_allclose(found, attributions(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(m.explain('deeplift', XS, YS), found)
    np.testing.assert_array_equal(m.get_explainer('deeplift').run(XS, YS), found)
    np.testing.assert_array_equal(m.explain('deeplift', XS, target=[m.class_names[i] for i in LABELS]), found)
    np.testing.assert_array_equal(m.explain('deeplift', XS, YS, X=m.inputs).values[0], found)


def test_top_is_the_class_that_is_predicted(m):
    top = m.predict(XS).argmax(axis=1)
    for T in (None, m.outputs[0], m.logits.name):
        found = m.explain('grad*input', XS, target='top', T=T)
        np.testing.assert_array_equal(found, m.explain('grad*input', XS, target=top, T=T))


def test_it_predicts(m):
    for batch_size in (None, 1, 2):
        np.testing.assert_allclose(m.predict(XS, batch_size), probabilities(XS), rtol=1e-5)
    with pytest.raises(ArgumentError, match=r"xs must have the shape of 'x:0', \(None, 4\)"):
        m.predict(XS[:, :3])


def test_it_predicts_with_several_in_and_outputs_a_fixed_batch_and_feeds(session):
    A, B = tf.placeholder(tf.float32, [3, 4]), tf.placeholder(tf.float32, [3, 2])
    rate = tf.placeholder(tf.float32, [], name='rate')
    m = OpenModel(session, [A, B], [dense(A, 2) * rate, tf.cast(B, tf.int32)], owns_session=False)
    a, b = normal(5, 4), 3 * normal(5, 2)
    scaled, rounded = m.predict([a, b], feed_dict={'rate': 2})
    first = session.run(m.outputs[0], {A: a[:3], B: b[:3], rate: 2})
    assert scaled.shape == rounded.shape == (5, 2)
    np.testing.assert_allclose(scaled[:3], first, rtol=1e-6)
    np.testing.assert_array_equal(rounded, b.astype('float32').astype(int))
    with pytest.raises(ArgumentError, match="placeholders that have no value: 'rate:0'"):
        m.predict([a, b])


def test_a_sum_that_nobody_chose_is_said_once(m):
    with pytest.warns(DeepExplainWarning, match=r'has 3 outputs for each sample, and their sum is explained: choose'):
        whole = m.explain('grad*input', XS)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        m.explain('saliency', XS)
        m.get_explainer('intgrad', steps=2).run(XS)
    np.testing.assert_allclose(whole, m.explain('grad*input', XS, ys='each').values.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_of_what_was_chosen_nothing_is_said(m):
    for choice in ({'target': 0}, {'ys': np.ones(3)}, {'ys': 'each'}):
        m.explain('saliency', XS, **choice)  # warnings are errors here
    m.explain('saliency', XS, T=m.graph.get_tensor_by_name(m.logits.name), target='top')


def test_one_output_needs_no_choice(session):
    X = tf.placeholder(tf.float32, [None, 4])
    m = OpenModel(session, [X], [tf.nn.sigmoid(dense(X, 1))], owns_session=False)
    found = m.explain('grad*input', XS)
    with DeepExplain(session=session) as de:
        np.testing.assert_array_equal(found, de.explain('grad*input', m.logits, X, XS))


def test_an_output_without_logits_is_explained_itself(session):
    X = tf.placeholder(tf.float32, [None, 4])
    m = OpenModel(session, [X], [tf.nn.relu(dense(X, 2), name='last')], owns_session=False)
    assert m.get_explainer('saliency').T.name == 'last:0'
    assert 'explained where no T is given: last:0' in repr(m)


def test_of_several_outputs_one_must_be_named(session):
    X, Z = tf.placeholder(tf.float32, [None, 4], name='x'), tf.placeholder(tf.float32, [None, 4])
    m = OpenModel(session, [X, Z], [dense(X, 2), dense(X + Z, 3)], {'second': 'MatMul_1:0'}, owns_session=False)
    assert 'where no T is given' not in repr(m)
    with pytest.raises(
        GraphError, match=r"The model has 2 outputs: say by T which is explained, of 'MatMul:0', 'MatMul_"
    ):
        m.explain('saliency', [XS, XS])
    found = m.explain('grad*input', [XS, XS], T=m.outputs[1], target=1)
    assert [a.shape for a in found.values] == [XS.shape, XS.shape]
    m.explain('saliency', XS, T='MatMul', X='x', target=0)
    m.explain('saliency', [XS, XS], T='second', target=0)


def test_explainers_are_kept_until_the_model_is_closed(m):
    m.explain('deeplift', XS, target=0)
    count = len(m.graph.get_operations())
    for baseline in (0, 1, np.ones(4)):
        m.explain('deeplift', XS, target='top', baseline=baseline)
    m.explain('deeplift', XS, ys=YS, return_convergence_delta=True)
    assert len(m.graph.get_operations()) == count
    m.explain(IntegratedGradients(3), XS, target=0)
    assert len(m.graph.get_operations()) > count


def test_a_closed_model_says_how_to_keep_it_open():
    with open_model(network, inputs=[SPEC]) as m:
        explainer = m.get_explainer('saliency')
    for call in (lambda: m.explain('saliency', XS), lambda: m.get_explainer('saliency'), lambda: m.predict(XS)):
        with pytest.raises(
            DeepExplainError, match=r"This model was closed: open it again. Leaving its 'with' block cl"
        ):
            call()
    with pytest.raises(DeepExplainError, match=r'cannot run any more:.*Explain before it is closed: .*open_model\('):
        explainer.run(XS, YS)


def test_other_doors_name_open_model(session):
    with pytest.raises(TypeError, match=r'session must be a tf.compat.v1.Session; got 3. A Keras model, .* m = open_m'):
        DeepExplain(session=3)
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de, pytest.raises(
        TypeError, match=r'T must be .* m = open_model\(model\); m\.e'
    ):
        de.explain('saliency', object(), X, XS)


def test_no_session_names_open_model():
    with pytest.raises(
        RuntimeError, match=r'could not retrieve a session.*by way of open_model: m = open_model\(model\)'
    ):
        DeepExplain()


@needs_keras_3
def test_a_keras_3_model_passed_to_the_old_doors(session):
    import keras

    if not TENSORFLOW_2:
        pytest.skip('needs TensorFlow 2')
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    with DeepExplain(session=session) as de:
        for T, X in [(model.output, model.input), (model, model.input)]:
            with pytest.raises(
                TypeError, match=r'Keras 3 symbols are not tensors of a graph. A Keras model.*open_model'
            ):
                de.explain('saliency', T, X, XS)
    with pytest.raises(TypeError, match=r'session must be .* open_model\(model\)'):
        DeepExplain(session=model)


def test_class_names_are_names():
    with pytest.raises(TypeError, match="class_names must be a list of names; got 'cat'"):
        open_model(network, inputs=[SPEC], class_names='cat')


def test_columns_of_a_table_are_known_to_all_that_the_model_does(m):
    pandas = pytest.importorskip('pandas')
    xs = pandas.DataFrame(XS, columns=['p', 'q', 'r', 's'])
    np.testing.assert_array_equal(m.predict(xs), m.predict(XS))
    for call in (m.predict, lambda xs: m.explain('saliency', xs, target=0), m.get_explainer('zero').outputs):
        with pytest.raises(ArgumentError, match="xs has its columns in another order.*'x:0'.*'s' is column 0"):
            call(xs[list('srqp')])
