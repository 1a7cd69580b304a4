"""deepcut 0.7.0.0 (MIT): where Thai words begin, from 21 characters and their kinds; a file of weights alone.

X: the vectors of the characters and those of their kinds, two inputs; T: the score that the word begins here.
"""

import numpy as np
import pytest
import tf_keras as keras
from shared import (
    BROKEN_SUMS,
    assert_batch_equals_one_by_one,
    assert_complete,
    assert_complete_rules,
    constant,
    explain,
    model_file,
    sums,
    values,
)
from tf_keras import layers

from deepexplain.errors import DeepExplainError
from deepexplain.tensorflow import embedding_outputs, open_model

TEXT = 'ตัดคำได้ดีมาก'
WORDS = ['ตัด', 'คำ', 'ได้', 'ดี', 'มาก']  # as in deepcut's docstring, whose first word is two for this network
BEGINS = np.cumsum([0] + [len(word) for word in WORDS[:-1]])


def network():
    """The layers of deepcut/model.py, which is a Keras 2 network."""
    characters, kinds = keras.Input((21,), name='characters'), keras.Input((21,), name='kinds')
    a = layers.BatchNormalization()(layers.SpatialDropout1D(0.15)(layers.Embedding(178, 32)(characters)))
    grams = []
    for window, filters in enumerate([200] * 8 + [150] * 3 + [100], start=1):
        gram = layers.TimeDistributed(layers.Dense(5))(layers.Conv1D(filters, window, activation='relu')(a))
        grams.append(layers.ZeroPadding1D((0, window - 1))(gram))
    b = layers.SpatialDropout1D(0.15)(layers.Embedding(12, 12)(kinds))
    x = layers.BatchNormalization()(layers.Concatenate()([a, layers.Maximum()(grams), b]))
    x = layers.Dense(100, activation='relu')(layers.Flatten()(x))
    model = keras.Model([characters, kinds], layers.Dense(1, activation='sigmoid')(x))
    model.load_weights(model_file('deepcut/weight/cnn_without_ne_ab.h5'))
    return model


@pytest.fixture(scope='module')
def model():
    with open_model(network()) as model:
        yield model


@pytest.fixture(scope='module')
def ids():
    """Of each character: ids of the ten after it, the ten before it (nearest first) and its own; and their kinds."""
    characters = constant('deepcut/utils.py', 'CHARS')
    kinds = constant('deepcut/utils.py', 'CHAR_TYPES')
    kind_of = {one: kind for many, kind in constant('deepcut/utils.py', 'CHAR_TYPE').items() for one in many}
    padded = ' ' * 10 + TEXT + ' ' * 10
    rows = [padded[i + 1 : i + 11] + padded[i - 10 : i][::-1] + padded[i] for i in range(10, 10 + len(TEXT))]
    return [
        np.array([[characters.index(one) for one in row] for row in rows], 'float32'),
        np.array([[kinds.index(kind_of.get(one, 'o')) for one in row] for row in rows], 'float32'),
    ]


@pytest.fixture(scope='module')
def embeddings(model):
    return [tensor for ids in model.inputs for tensor in embedding_outputs(model.logits, ids)]


@pytest.fixture(scope='module')
def vectors(model, embeddings, ids):
    return values(model, embeddings, *ids)


def test_the_words_of_the_docstring(model, ids):
    begins = values(model, model.outputs[0], *ids)[:, 0] > 0.5
    assert begins.nonzero()[0].tolist() == BEGINS.tolist()


def test_intgrad_is_complete_and_looks_at_the_boundary(model, embeddings, vectors):
    score = [
        model.session.run(model.logits, dict(zip(embeddings, x)))[:, 0] for x in (vectors, [0 * x for x in vectors])
    ]
    found = explain(model, 'intgrad', model.logits, embeddings, vectors, steps=500)
    np.testing.assert_allclose(sums(found), score[0] - score[1], rtol=0, atol=0.01 * np.abs(score[0] - score[1]).max())
    assert_complete([part[BEGINS] for part in found], (score[0] - score[1])[BEGINS])
    # The two characters before the boundary and the two after it, of 21; before the first word there is nothing.
    of_characters = sum(np.abs(part.sum(axis=-1)) for part in found)[BEGINS[1:]]
    share = of_characters[:, [11, 10, 20, 0]].sum(axis=1) / of_characters.sum(axis=1)
    assert (share > 1.5 * 4 / 21).all()
    assert share.mean() > 2 * 4 / 21


def test_two_inputs_at_once_and_one_by_one(model, embeddings, vectors):
    characters, kinds = explain(model, 'grad*input', model.logits, embeddings, vectors)
    alone = explain(model, 'grad*input', model.logits, embeddings[0], vectors[0], feed_dict={embeddings[1]: vectors[1]})
    assert characters.shape == (13, 21, 32)
    assert kinds.shape == (13, 21, 12)
    np.testing.assert_allclose(characters, alone, rtol=0, atol=1e-5 * np.abs(alone).max())


@BROKEN_SUMS
@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad', 'elrp', 'deeplift'])
def test_a_batch_equals_one_by_one(model, embeddings, vectors, method):
    few = [x[:4] for x in vectors]
    assert_batch_equals_one_by_one(model.session, method, model.logits, embeddings, few, atol=1e-3)


@BROKEN_SUMS
def test_deeplift_is_exact_without_the_maximum(model, embeddings, vectors):
    # Between the twelve maxima and the score there is one ReLU; through the maxima the gradient is the plain one.
    flat = next(op for op in model.graph.get_operations() if op.type == 'Reshape' and '/flatten' in op.name)
    X = flat.outputs[0]
    inner = model.session.run(X, dict(zip(embeddings, vectors)))
    score = [model.session.run(model.logits, {X: x})[:, 0] for x in (inner, 0 * inner)]
    assert_complete(explain(model, 'deeplift', model.logits, X, inner), score[0] - score[1], within=1e-3)
    whole = explain(model, 'deeplift', model.logits, embeddings, vectors)
    zero = model.session.run(model.logits, dict(zip(embeddings, [0 * x for x in vectors])))[:, 0]
    assert (np.abs(sums(whole) / (score[0] - zero) - 1) > 0.05).all()


def test_deeplift_with_complete_rules_adds_up(model, embeddings, vectors):
    assert_complete_rules(model.session, model.logits, embeddings, vectors, {'Maximum'})


def test_perturbation_takes_one_input(model, embeddings, vectors):
    with pytest.raises(DeepExplainError, match='Multiple inputs not yet supported'):
        explain(model, 'occlusion', model.logits, embeddings, vectors)
