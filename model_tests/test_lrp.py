"""Layer-wise relevance propagation of the other tests' models: every op has a rule, and little relevance is lost."""

import numpy as np
import test_basic_pitch
import test_deepcut
import test_fer
import test_reactionrnn
import test_spliceai
from shared import model_file, sums, values

from deepexplain.tensorflow import DeepExplain, embedding_outputs, open_model


def explained(model, T, X, xs, ys=None, **arguments):
    """Attributions, what they should add up to without biases, and the explainer."""
    with DeepExplain(session=model.session) as de:
        explainer = de.get_explainer('lrp', T, X, strict=True, **arguments)
        return explainer.run(xs, ys), explainer.outputs(xs, ys), explainer


def treatments(explainer):
    return {row.treatment.split(' with ')[0] for row in explainer.describe().rows}


def assert_kept(model, T, X, xs, ys, within):
    """Without biases, of which none takes a share, relevance adds up to T."""
    found, score, _ = explained(model, T, X, xs, ys, bias=False)
    np.testing.assert_allclose(sums(found), score, rtol=within)


def share(found, place):
    """What the place has of all that is above 0."""
    return np.maximum(found[place], 0).sum() / np.maximum(found, 0).sum()


# `strict=True` in `explained` refuses a network in which an op has no rule.


def test_relevance_of_fer():
    # Separable convolutions, each a depthwise and a pointwise layer, with the batch normalization behind it.
    face, mouth = test_fer.face.__wrapped__(), np.s_[44:56, 16:46]
    with open_model(model_file(test_fer.FILE)) as model:
        X, ys = model.inputs[0], np.eye(7)[test_fer.HAPPY]
        found, score, explainer = explained(model, model.logits, X, face, ys)
        image, _, of_image = explained(model, model.logits, X, face, ys, composite='epsilon-gamma-box', low=-1, high=1)
        leaks = explainer.leaks(face, ys)
    layers = [row for row in explainer.describe().rows if '(convolution)' in row.treatment]
    of_weights = [row for row in layers if ' with ' not in row.treatment]
    assert len(of_weights) == 15 + 8
    assert all(row.treatment == 'zplus (convolution)' for row in of_weights)
    assert {row.type for row in layers} == {'Conv2D', 'DepthwiseConv2dNative', 'FusedBatchNormV3', 'BiasAdd'}
    assert of_image.describe().rows[0].treatment == 'zbox (convolution)'
    # The mouth is 9 % of the face. Biases take most, and zplus makes no more than there is.
    assert share(found[0, ..., 0], mouth) > 0.2
    assert share(image[0, ..., 0], mouth) > 0.5
    assert 0 < sums(found) < sums(image) < score
    np.testing.assert_allclose(leaks.delta, sums(found) - score, rtol=1e-4)
    assert all(row.type in ('Conv2D', 'DepthwiseConv2dNative') for row in leaks.rows if row.share > 0.01)


def test_relevance_of_spliceai():
    xs = test_spliceai.xs.__wrapped__()[:1]
    with open_model(model_file('spliceai/models/spliceai1.h5')) as model:
        ys = test_spliceai.selected(test_spliceai.START, test_spliceai.ACCEPTOR)
        found, score, explainer = explained(model, model.logits, model.inputs[0], xs, ys)
        assert_kept(model, model.logits, model.inputs[0], xs, ys, within=0.05)
    assert treatments(explainer) == {'moves relevance', 'zplus (convolution)', 'passes relevance', 'epsilon (sum)'}
    assert 0.5 * score < sums(found) < score
    # One convolution after the other, over 10,000 bases: a quarter of all is at the eleven around the junction.
    relevance, junction = np.abs(found[0].sum(axis=-1)), test_spliceai.CONTEXT + test_spliceai.START
    assert relevance[junction - 5 : junction + 6].sum() > 0.2 * relevance.sum()
    assert abs(relevance.argmax() - junction) <= 2


def test_relevance_of_deepcut():
    with open_model(test_deepcut.network()) as model:
        ids = test_deepcut.ids.__wrapped__()
        X = [tensor for one in model.inputs for tensor in embedding_outputs(model.logits, one)]
        xs = values(model, X, *ids)
        found, score, explainer = explained(model, model.logits, X, xs)
        free, _, _ = explained(model, model.logits, X, xs, bias=False)
    assert treatments(explainer) == {'epsilon (dense)', 'moves relevance', 'zplus (convolution)', 'passes relevance'}
    # Units that compute next to nothing explode under the epsilon rule of dense layers: that is one of these samples.
    ratios = sums(found) / score
    assert ((ratios > 0) & (ratios < 2)).sum() >= len(score) - 1
    assert (np.sign(sums(free)) == np.sign(score)).all()
    assert np.corrcoef(sums(free), score)[0, 1] > 0.95


def test_relevance_of_reactionrnn():
    with open_model(test_reactionrnn.network(140, unroll=False)) as model:
        (X,) = embedding_outputs(model.outputs[0], model.inputs[0])
        T, xs, ys = (
            model.outputs[0],
            values(model, X, test_reactionrnn.ids(test_reactionrnn.TEXT)),
            test_reactionrnn.LOVE,
        )
        found, score, explainer = explained(model, T, X, xs, ys)
        assert_kept(model, T, X, xs, ys, within=0.01)
    of_products = {row.treatment for row in explainer.describe().rows if row.treatment.startswith('product')}
    assert of_products == {'product: all to the signal, none to the gate'}
    assert {'epsilon (dense)', 'epsilon (sum)', 'passes relevance'} <= treatments(explainer)
    assert 0.5 * score < sums(found) < score
    # The text is at the end of 140 characters, and of what is before it a gated state forgets.
    relevance = np.abs(found[0].sum(axis=-1))
    assert relevance[-len(test_reactionrnn.TEXT) :].sum() > 0.8 * relevance.sum()


def test_relevance_of_basic_pitch():
    with open_model(model_file('basic_pitch/saved_models/icassp_2022/nmp')) as model:
        T = model.tensor(test_basic_pitch.LAYERS + 'conv2d_3/BiasAdd')
        X = model.tensor(test_basic_pitch.LAYERS + 'batch_normalization/FusedBatchNormV3')
        ys = np.zeros((172, 88, 1))
        ys[test_basic_pitch.FRAME, test_basic_pitch.PITCH] = 1
        xs = values(model, X, test_basic_pitch.windows.__wrapped__()[1:2])
        found, score, explainer = explained(model, T, X, xs, ys)
        assert_kept(model, T, X, xs, ys, within=0.01)
    assert treatments(explainer) == {'moves relevance', 'zplus (convolution)', 'passes relevance'}
    assert 0.5 * score < sums(found) < score
    # Of 172 moments those around the note, and of 309 frequencies, three for each of 88 keys, its own.
    relevance = np.abs(found[0, :, :, 0])
    near = relevance[test_basic_pitch.FRAME - 10 : test_basic_pitch.FRAME + 11]
    assert near.sum() > 0.99 * relevance.sum()
    assert relevance.sum(axis=0).argmax() // 3 == test_basic_pitch.PITCH
