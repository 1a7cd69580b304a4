"""musicnn 0.1.0 (ISC): MTT_musicnn, tags of music; a .meta file of TensorFlow 1.12 and its checkpoint.

X: log-mel spectrograms of three seconds, T: the scores of 50 tags. The recordings are those of basic-pitch: a man and
a woman who sing.
"""

import numpy as np
import pytest
from shared import assert_complete, assert_complete_rules, constant, explain, model_file
from sound import log_mel, recording

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain, open_model

TAGS = constant('musicnn/configuration.py', 'MTT_LABELS')
MALE, FEMALE = TAGS.index('male'), TAGS.index('female')


@pytest.fixture(scope='module')
def model():
    with open_model(model_file('musicnn/MTT_musicnn/.meta')) as model:
        yield model


@pytest.fixture(scope='module')
def xs():
    files = ['vocadito_10.wav', 'vocadito_14.wav']
    sounds = [recording(model_file('basic_pitch-0.4.0/tests/resources/' + file), 16000) for file in files]
    return np.stack([log_mel(sound, 16000, window=512, hop=256, bands=96)[:187] for sound in sounds])


@pytest.fixture(scope='module')
def tensors(model):
    """X, T, and what else must be fed."""
    X, T = model.tensor('model/Placeholder'), model.tensor('model/dense_1/BiasAdd')
    return X, T, {model.tensor('model/Placeholder_2'): False}


def test_the_singers_are_told_apart(model, tensors, xs):
    X, _, mode = tensors
    man, woman = model.session.run('model/Sigmoid:0', {X: xs, **mode})
    assert man[MALE] > 0.3 > 2 * man[FEMALE]
    assert woman[FEMALE] > 0.3 > 1.9 * woman[MALE]


def test_intgrad_is_complete(model, tensors, xs):
    # The path starts at silence; the steps do not resolve the 753 maxima over time any better than 1 %.
    X, T, mode = tensors
    found = explain(model, 'intgrad', T, X, xs[:1], ys=np.eye(50)[MALE], steps=60, feed_dict=mode)
    male = model.session.run(T, {X: [xs[0], 0 * xs[0]], **mode})[:, MALE]
    assert_complete(found, male[:1] - male[1:])


@pytest.mark.parametrize('method', ['grad*input', 'elrp', 'deeplift'])
def test_a_batch_equals_one_by_one(model, tensors, xs, method):
    # is_training is one flag for all samples, so it stays out of the feeds that are cut into batches.
    X, T, mode = tensors
    ys = np.eye(50)[[MALE, FEMALE]]
    with DeepExplain(session=model.session) as de:
        if method == 'grad*input':
            explainer = de.get_explainer(method, T, X)
        else:  # batch normalization and dropout have both modes in the graph, and the flag is only known in a run
            with pytest.warns(DeepExplainWarning, match=r'no rule for .*\(FusedBatchNorm\)'):
                explainer = de.get_explainer(method, T, X)
    together = explainer.run(xs, ys, feed_dict=mode)
    for i in range(2):
        alone = explainer.run(xs[i : i + 1], ys[i], feed_dict=mode)
        np.testing.assert_allclose(together[i : i + 1], alone, rtol=0, atol=2e-3 * np.abs(alone).max())


def test_deeplift_with_complete_rules_adds_up(model, tensors, xs):
    # What still breaks, as far as the graph tells, is in the branches of training, which the flag switches off.
    X, T, mode = tensors
    broken = {'FusedBatchNorm', 'Max', 'MaxPool', 'SquaredDifference', 'Rsqrt', 'Mul'}
    with pytest.warns(DeepExplainWarning, match='FusedBatchNorm'):
        assert_complete_rules(model.session, T, X, xs, broken, np.eye(50)[MALE], feed_dict=mode, strict=False)


def test_the_voice_is_where_the_sound_is(model, tensors, xs):
    # Occlusion in windows of a fifth of a second: quiet windows are worth less than loud ones.
    X, T, mode = tensors
    found = explain(
        model, 'occlusion', T, X, xs[:1], ys=np.eye(50)[MALE], feed_dict=mode, window_shape=(11, 96), step=11
    )
    of_windows, loudness = (part[0].reshape(17, 11, 96).sum(axis=(1, 2)) for part in (found, xs[:1]))
    assert loudness[of_windows.argmax()] > np.median(loudness)
