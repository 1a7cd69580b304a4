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


def test_relevance_of_fer():
    # Separable convolutions, each a depthwise and a pointwise layer, with the batch normalization behind it.
    face = test_fer.face.__wrapped__()
    with open_model(model_file(test_fer.FILE)) as model:
        ys = np.eye(7)[test_fer.HAPPY]
        found, score, explainer = explained(model, model.logits, model.inputs[0], face, ys)
        assert np.isfinite(found).all()
        assert 'zplus (convolution)' in treatments(explainer)
        image, _, _ = explained(
            model, model.logits, model.inputs[0], face, ys, composite='epsilon-gamma-box', low=-1, high=1
        )
        print(sums(found), sums(image), score, explainer.describe(), found[0, 44:56, 16:46].sum())


def test_relevance_of_spliceai():
    xs = test_spliceai.xs.__wrapped__()[:1]
    with open_model(model_file('spliceai/models/spliceai1.h5')) as model:
        ys = test_spliceai.selected(test_spliceai.START, test_spliceai.ACCEPTOR)
        found, score, explainer = explained(model, model.logits, model.inputs[0], xs, ys)
        largest = found[0].sum(axis=-1).argsort()[::-1] - test_spliceai.CONTEXT - test_spliceai.START
        print(sums(found), score, treatments(explainer), largest[:10])


def test_relevance_of_deepcut():
    with open_model(test_deepcut.network()) as model:
        ids = test_deepcut.ids.__wrapped__()
        X = [tensor for one in model.inputs for tensor in embedding_outputs(model.logits, one)]
        found, score, explainer = explained(model, model.logits, X, values(model, X, *ids))
        print(sums(found), score, treatments(explainer))


def test_relevance_of_reactionrnn():
    with open_model(test_reactionrnn.network(140, unroll=False)) as model:
        (X,) = embedding_outputs(model.outputs[0], model.inputs[0])
        xs = values(model, X, test_reactionrnn.ids(test_reactionrnn.TEXT))
        found, score, explainer = explained(model, model.outputs[0], X, xs, test_reactionrnn.LOVE)
        print(sums(found), score, explainer.describe())


def test_relevance_of_basic_pitch():
    with open_model(model_file('basic_pitch/saved_models/icassp_2022/nmp')) as model:
        T = model.tensor(test_basic_pitch.LAYERS + 'conv2d_3/BiasAdd')
        X = model.tensor(test_basic_pitch.LAYERS + 'batch_normalization/FusedBatchNormV3')
        ys = np.zeros((172, 88, 1))
        ys[test_basic_pitch.FRAME, test_basic_pitch.PITCH] = 1
        one = test_basic_pitch.windows.__wrapped__()[1:2]
        found, score, explainer = explained(model, T, X, values(model, X, one), ys)
        print(sums(found), score, treatments(explainer))
