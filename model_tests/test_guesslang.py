"""guesslang 2.2.1 (MIT): the programming language of a text; a TensorFlow 1 SavedModel with string input.

X: what the wide and the deep half of the network make of the text, T: the scores of 54 languages.
"""

import numpy as np
import pytest
from shared import assert_batch_equals_one_by_one, assert_complete, explain, model_file

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow import open_model

PYTHON = """import os

def main(argv):
    for name in os.listdir('.'):
        print(f'{name}')

if __name__ == '__main__':
    main([])
"""
C = '#include <stdio.h>\n\nint main(void) {\n    printf("hello\\n");\n    return 0;\n}\n'
TEXTS = np.array([PYTHON, C], object)
WIDE = 'linear/linear_model/linear/linear_model/linear/linear_model/weighted_sum'
DEEP = 'dnn/input_from_feature_columns/input_layer/concat/concat'


@pytest.fixture(scope='module')
def model():
    with open_model(model_file('guesslang/data/model'), signature='predict') as model:
        yield model


@pytest.fixture(scope='module')
def languages(model):
    """Positions of Python and C among the languages."""
    names = model.session.run(model.tensor('all_classes'), {model.inputs[0]: TEXTS})[0].tolist()
    return [names.index(b'py'), names.index(b'c')]


def test_the_languages_are_right(model, languages):
    scores = model.session.run(model.tensor('probabilities'), {model.inputs[0]: TEXTS})
    assert scores.argmax(axis=1).tolist() == languages
    assert scores[0].max() == pytest.approx(0.3844, abs=1e-3)


def test_signatures():
    with pytest.raises(ArgumentError, match=r"has the signatures \['classification', 'predict', 'serving_default'\]"):
        open_model(model_file('guesslang/data/model'), signature='serve')


@pytest.mark.parametrize(
    ('method', 'arguments', 'within'),
    [('intgrad', {'steps': 100}, 0.01), ('deeplift', {}, 1e-3), ('shapley_sampling', {'samples': 1}, 1e-3)],
)
def test_the_deep_half_adds_up(model, languages, method, arguments, within):
    # Two ReLU layers; the wide half is added to them, and computed from the text that is fed.
    X, T, text = model.tensor(DEEP), model.tensor('logits'), {model.inputs[0]: TEXTS}
    deep = model.session.run(X, text)
    score = [model.session.run(T, {X: x, **text}) for x in (deep, 0 * deep)]
    ys = np.eye(54)[np.abs(score[0] - score[1]).argmax(axis=1)]  # the language in which the deep half has most to say
    found = explain(model, method, T, X, deep, ys=ys, feed_dict=text, **arguments)
    assert_complete(found, (ys * (score[0] - score[1])).sum(axis=1), within)


@pytest.mark.parametrize('method', ['saliency', 'elrp', 'deeplift', 'occlusion'])
def test_a_batch_equals_one_by_one(model, languages, method):
    X, text = model.tensor(DEEP), {model.inputs[0]: TEXTS}
    deep, ys = model.session.run(X, text), np.eye(54)[languages]
    assert_batch_equals_one_by_one(
        model.session, method, model.tensor('logits'), X, deep, ys, feed_dict=text, atol=1e-3
    )


def test_the_wide_half_speaks_for_its_own_language(model, languages):
    X, T = [model.tensor(WIDE), model.tensor(DEEP)], model.tensor('logits')
    halves = model.session.run(X, {model.inputs[0]: TEXTS})
    ys = np.eye(54)[languages]
    wide, deep = explain(model, 'deeplift', T, X, halves, ys=ys)
    assert (wide.argmax(axis=1) == languages).all()
    assert (np.abs(wide) > 0).sum() == 2
    score = [model.session.run(T, dict(zip(X, x))) for x in (halves, [0 * x for x in halves])]
    assert_complete([wide, deep], (ys * (score[0] - score[1])).sum(axis=1), within=1e-4)


@pytest.mark.parametrize('method', ['deeplift', 'occlusion'])
def test_strings_have_no_attributions(model, method):
    with pytest.raises(ArgumentTypeError, match="X 'Placeholder:0' must be a float tensor; it is string"):
        explain(model, method, model.tensor('logits'), model.inputs[0], TEXTS)
