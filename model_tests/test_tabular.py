"""A multilayer perceptron on scikit-learn's breast_cancer (BSD-3), trained here in Keras 3: live, and from its file."""

import keras
import numpy as np
import pytest
from shared import assert_batch_equals_one_by_one, assert_complete, explain, values
from sklearn.datasets import load_breast_cancer

from deepexplain.tensorflow import open_model

# Keras 3 converts TensorFlow's variables the way NumPy 1 did, when it saves and compares them.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

METHODS = {
    'saliency': {},
    'grad*input': {},
    'intgrad': {'steps': 300},
    'elrp': {},
    'deeplift': {},
    'occlusion': {},
    'shapley_sampling': {'samples': 3},
}


@pytest.fixture(scope='module')
def data():
    xs, labels = load_breast_cancer(return_X_y=True)
    train = np.random.RandomState(0).rand(len(xs)) < 0.7
    xs = (xs - xs[train].mean(axis=0)) / xs[train].std(axis=0)
    return xs[train], labels[train], xs[~train], labels[~train]


@pytest.fixture(scope='module')
def network(data):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(32, 'relu'), keras.layers.Dense(16, 'relu'), keras.layers.Dense(1, 'sigmoid')]
    network = keras.Sequential([keras.Input((30,)), *layers])
    network.compile('adam', 'binary_crossentropy')
    network.fit(*data[:2], epochs=20, verbose=0)
    return network


@pytest.fixture(scope='module', params=['live', 'file'])
def model(request, network, tmp_path_factory):
    source = network
    if request.param == 'file':
        source = tmp_path_factory.mktemp('tabular') / 'network.keras'
        network.save(source)
    with open_model(source) as model:
        yield model


def test_the_open_model_says_what_the_network_says(model, network, data):
    _, _, xs, labels = data
    benign = values(model, model.outputs[0], xs)
    np.testing.assert_allclose(benign, network(xs).numpy(), atol=1e-6)
    assert ((benign[:, 0] > 0.5) == labels).mean() > 0.95


@pytest.mark.parametrize('method', METHODS)
def test_a_batch_equals_one_by_one(model, data, method):
    xs = data[2][:5]
    assert_batch_equals_one_by_one(model.session, method, model.logits, model.inputs[0], xs, **METHODS[method])


@pytest.mark.parametrize(('method', 'within'), [('intgrad', 0.01), ('deeplift', 1e-3), ('shapley_sampling', 1e-3)])
def test_attributions_add_up(model, data, method, within):
    xs = data[2]
    benign, average = (values(model, model.logits, x)[:, 0] for x in (xs, 0 * xs[:1]))
    certain = np.abs(benign - average) > 1  # a relative difference from almost 0 says nothing
    assert certain.sum() > 100
    found = explain(model, method, model.logits, model.inputs[0], xs[certain], **METHODS[method])
    assert_complete(found, (benign - average)[certain], within)


@pytest.mark.parametrize('method', ['intgrad', 'elrp', 'deeplift', 'occlusion', 'shapley_sampling'])
def test_the_features_with_the_largest_attributions_decide(model, data, method):
    # With the six most telling features at their mean the network is unsure; without the six least it hardly changes.
    xs = data[2]
    found = explain(model, method, model.logits, model.inputs[0], xs, **METHODS[method])
    order = np.abs(found).argsort(axis=1)
    logits = values(model, model.logits, xs)
    moved = []
    for chosen in (order[:, -6:], order[:, :6]):
        less = xs.copy()
        np.put_along_axis(less, chosen, 0, axis=1)
        moved.append(np.abs(values(model, model.logits, less) - logits).mean())
    assert moved[0] > 10 * moved[1]
