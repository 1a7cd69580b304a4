"""basic-pitch 0.4.0 (Apache-2.0): notes, onsets and contours in two seconds of sound; a TensorFlow 2.4 SavedModel.

X: the sound, or the normalized spectrogram made of it, T: the score of a note at a time. The recording is in the source
package of basic-pitch, with what the model must say of it (of the data set vocadito).
"""

import numpy as np
import pytest
from shared import assert_complete, explain, model_file, sums, values
from sound import recording

from deepexplain.errors import DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain, open_model

RESOURCES = 'basic_pitch-0.4.0/tests/resources/'
LAYERS = 'StatefulPartitionedCall/StatefulPartitionedCall/model_1/'
LENGTH, HOP, OVERLAP = 43844, 256, 30 * 256
#: A note of the second window: its frame, its pitch (piano keys from A0 = 27.5 Hz).
FRAME, PITCH = 67, 33


@pytest.fixture(scope='module')
def model():
    with open_model(model_file('basic_pitch/saved_models/icassp_2022/nmp')) as model:
        yield model


@pytest.fixture(scope='module')
def windows():
    """The recording in windows that overlap, as basic-pitch cuts it."""
    sound = np.append(np.zeros(OVERLAP // 2), recording(model_file(RESOURCES + 'vocadito_10.wav'), 22050))
    sound = np.append(sound, np.zeros(LENGTH))
    begins = range(0, len(sound) - LENGTH, LENGTH - OVERLAP)
    return np.stack([sound[begin : begin + LENGTH] for begin in begins])[:, :, None].astype('float32')


@pytest.fixture(scope='module')
def score(model):
    """T, before its sigmoid, and the ys that select the note."""
    ys = np.zeros((172, 88, 1))
    ys[FRAME, PITCH] = 1
    return model.tensor(LAYERS + 'conv2d_3/BiasAdd'), ys


def test_the_outputs_are_those_of_the_package(model, windows):
    # Resampled by another library: hence the tolerance.
    path = model_file(RESOURCES + 'vocadito_10/model_output.npz')
    expected = np.load(path, allow_pickle=True)['arr_0'].item()
    for name, theirs in expected.items():
        found = values(model, model.tensor(name), windows)[:, 15:-15]
        found = found.reshape(-1, theirs.shape[1])[: len(theirs)]
        np.testing.assert_allclose(found, theirs, rtol=0, atol=5e-3, err_msg=name)


def test_several_outputs_have_no_one_logits(model):
    assert len(model.outputs) == 3
    with pytest.raises(GraphError, match='logits: the model has 3 outputs'):
        _ = model.logits


def test_the_note_is_heard_when_it_sounds(model, windows, score):
    T, ys = score
    one = windows[1:2]
    assert values(model, model.tensor('note'), one)[0, FRAME, PITCH] == pytest.approx(0.87, abs=5e-3)
    with pytest.warns(DeepExplainWarning, match='contain nans'):  # 2048 does not divide 43844
        found = explain(model, 'occlusion', T, model.inputs[0], one, ys=ys, window_shape=(2048, 1), step=2048)
    loss = found[0, : 21 * 2048].reshape(21, 2048).sum(axis=1)
    assert loss.argmax() == FRAME * HOP // 2048
    assert loss.max() > 0.5 * np.abs(loss).sum()


def test_the_spectrogram_behind_the_note(model, windows, score):
    # From there on the network has nothing but convolutions, ReLU and one sigmoid, so deeplift is exact.
    T, ys = score
    X, one = model.tensor(LAYERS + 'batch_normalization/FusedBatchNormV3'), windows[1:2]
    spectrogram = values(model, X, one)
    note = [model.session.run(T, {X: x})[:, FRAME, PITCH, 0] for x in (spectrogram, 0 * spectrogram)]
    found = explain(model, 'deeplift', T, X, spectrogram, ys=ys)
    assert_complete(found, note[0] - note[1], within=1e-3)
    size = np.abs(found[0, :, :, 0])
    assert abs(int(size.sum(axis=1).argmax()) - FRAME) <= 3
    # An octave has 36 bins: the largest are those of the note and its harmonics.
    largest = size.sum(axis=0).argsort()[-6:]
    harmonics = 3 * PITCH + 36 * np.log2(np.arange(1, 6))
    assert np.abs(largest[:, None] - harmonics).min(axis=1).max() < 2
    # elrp divides by sums of positive and negative parts: here those differ much from T.
    assert abs(sums(explain(model, 'elrp', T, X, spectrogram, ys=ys))[0] / note[0][0] - 1) > 1


def test_intgrad_is_complete_on_the_spectrogram(model, windows, score):
    T, ys = score
    X = model.tensor(LAYERS + 'batch_normalization/FusedBatchNormV3')
    spectrogram = values(model, X, windows[1:2])
    note = [model.session.run(T, {X: x})[:, FRAME, PITCH, 0] for x in (spectrogram, 0 * spectrogram)]
    found = explain(model, 'intgrad', T, X, spectrogram, ys=ys, steps=100)
    assert_complete(found, note[0] - note[1])


@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'deeplift'])
def test_a_batch_equals_one_by_one(model, windows, score, method):
    T, ys = score
    X, two = model.tensor(LAYERS + 'batch_normalization/FusedBatchNormV3'), windows[1:3]
    spectrograms = values(model, X, two)
    with DeepExplain(session=model.session) as de:
        explainer = de.get_explainer(method, T, X)
    together = explainer.run(spectrograms, ys)
    for i in range(2):
        alone = explainer.run(spectrograms[i : i + 1], ys)
        np.testing.assert_allclose(together[i : i + 1], alone, rtol=0, atol=1e-3 * np.abs(alone).max())
