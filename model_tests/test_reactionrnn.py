"""reactionrnn 0.1 (MIT): reactions to a text by a GRU over its characters; a file of weights without the model.

X: the characters' vectors, at the output of the embedding, T: the score of 'love' before the last ReLU.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras
from shared import (
    BROKEN_SUMS,
    assert_batch_equals_one_by_one,
    assert_complete,
    assert_complete_rules,
    explain,
    model_file,
    sums,
    values,
)

from deepexplain.errors import ModelError
from deepexplain.tensorflow import embedding_outputs, open_model

WEIGHTS = 'reactionrnn/reactionrnn_weights.hdf5'
TEXT = "Happy Mother's Day from the Chicago Cubs!"
LOVE = [1, 0, 0, 0, 0]


def ids(text, length=140):
    """Ids of the characters, with zeros before them."""
    vocabulary = json.loads(Path(model_file('reactionrnn/reactionrnn_vocab.json')).read_text())
    return np.array([[0] * (length - len(text)) + [vocabulary[character] for character in text]], 'float32')


def network(length, unroll):
    layers = [
        keras.layers.Embedding(401, 100, input_length=length, name='embedding'),
        keras.layers.GRU(256, reset_after=False, recurrent_activation='hard_sigmoid', unroll=unroll, name='rnn'),
        keras.layers.Dense(5, name='output'),
    ]
    model = keras.Sequential(layers)
    model.build((None, length))
    model.load_weights(model_file(WEIGHTS), by_name=True)
    return model


@pytest.fixture(scope='module')
def rolled():
    with open_model(network(140, unroll=False)) as model:
        assert 'While' in {op.type.replace('Stateless', '') for op in model.graph.get_operations()}
        yield model


@pytest.fixture(scope='module')
def short():
    """The first 17 characters in a loop, and in 17 copies of the cell: name -> model."""
    with open_model(network(17, unroll=False)) as loop, open_model(network(17, unroll=True)) as copies:
        yield {'loop': loop, 'copies': copies}


def test_a_file_of_weights_is_refused():
    with pytest.raises(ModelError, match='holds weights, but not the model they belong to .*load_weights'):
        open_model(model_file(WEIGHTS))


def test_the_text_is_loved(rolled):
    scores = np.maximum(values(rolled, rolled.outputs[0], ids(TEXT))[0], 0)
    np.testing.assert_allclose(scores / scores.sum(), [0.9765, 0.0235, 0, 0, 0], atol=1e-4)


def test_intgrad_is_complete_and_finds_the_words(rolled):
    # From the vectors of as many spaces of padding to those of the text.
    T = rolled.outputs[0]
    (X,) = embedding_outputs(T, rolled.inputs[0])
    text, padding = (values(rolled, X, samples) for samples in (ids(TEXT), ids('')))
    love = [rolled.session.run(T, {X: vectors})[:, 0] for vectors in (text, padding)]
    found = explain(rolled, 'intgrad', T, X, text, ys=LOVE, steps=300, baseline=padding[0])
    assert_complete(found, love[0] - love[1])
    of_characters = found[0].sum(axis=-1)
    assert (of_characters[: -len(TEXT)] == 0).all()
    of_words, begin = {}, 140 - len(TEXT)
    for word in TEXT.split(' '):
        of_words[word] = of_characters[begin : begin + len(word)].sum()
        begin += len(word) + 1
    assert {"Mother's", 'Cubs!'} == set(sorted(of_words, key=of_words.get)[-2:])
    assert abs(of_words['the']) < abs(of_words["Mother's"]) / 10


@BROKEN_SUMS
@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad', 'elrp', 'deeplift'])
def test_a_loop_gets_the_numbers_of_its_unrolled_copies(short, method):
    # elrp and deeplift have a rule for the activations, in loops, too; not for the products of gates, so sums differ.
    found, begins = {}, ids(TEXT[:17], 17)
    for name, model in short.items():
        T = model.outputs[0]
        (X,) = embedding_outputs(T, model.inputs[0])
        found[name] = explain(model, method, T, X, values(model, X, begins), ys=LOVE)
    assert np.abs(found['copies']).max() > 0.1
    np.testing.assert_allclose(found['loop'], found['copies'], rtol=0, atol=1e-4 * np.abs(found['copies']).max())
    love = [model.session.run(T, {X: vectors})[0, 0] for vectors in (values(model, X, begins), np.zeros((1, 17, 100)))]
    difference = abs(sums(found['loop'])[0] / (love[0] - love[1]) - 1)
    assert difference < 0.02 if method == 'intgrad' else difference > 0.1


@BROKEN_SUMS
@pytest.mark.parametrize('method', ['intgrad', 'deeplift'])
def test_a_batch_equals_one_by_one(short, method):
    model = short['loop']
    T = model.outputs[0]
    (X,) = embedding_outputs(T, model.inputs[0])
    vectors = values(model, X, np.concatenate([ids(TEXT[:17], 17), ids(TEXT[-17:], 17), ids('sad', 17)]))
    assert_batch_equals_one_by_one(model.session, method, T, X, vectors)


def test_deeplift_with_complete_rules_adds_up_in_the_loop(rolled, short):
    broken = {'Mul', 'Minimum', 'Maximum'}  # gates, and hard_sigmoid in pieces
    found = {}
    for name, model, samples in [('whole', rolled, ids(TEXT))] + [
        (name, short[name], ids(TEXT[:17], 17)) for name in short
    ]:
        T = model.outputs[0]
        (X,) = embedding_outputs(T, model.inputs[0])
        vectors, padding = values(model, X, samples), values(model, X, 0 * samples)
        found[name] = assert_complete_rules(model.session, T, X, vectors, broken, ys=LOVE, baseline=padding[0])
    np.testing.assert_allclose(found['loop'], found['copies'], rtol=0, atol=1e-4 * np.abs(found['copies']).max())
