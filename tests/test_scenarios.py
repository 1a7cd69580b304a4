"""What users of 0.3 do with Keras 2, as they wrote it; and the same networks in Keras 3, opened for explaining."""

from contextlib import contextmanager

import numpy as np
import pytest
import sources
import tensorflow.compat.v1 as tf
from small import METHODS, normal
from sources import needs_keras_3

from deepexplain.tensorflow import DeepExplain

keras = sources.keras_2()

NAMES = [name for name, _ in METHODS if name != 'zero']
QUICK = dict(METHODS, intgrad={'steps': 10}, shapley_sampling={'samples': 1})


def regression(keras):
    """327 features, 111 values."""
    layers = keras.layers
    stack = [layers.Input((327,)), layers.Dense(64, activation='relu'), layers.Dropout(0.2)]
    return keras.Sequential([*stack, layers.Dense(32, activation='tanh'), layers.Dense(111)])


def labels(keras):
    """40 features, 24 labels that do not exclude each other."""
    layers = keras.layers
    stack = [layers.Input((40,)), layers.Dense(32, activation='relu'), layers.Dense(24), layers.Activation('sigmoid')]
    return keras.Sequential(stack)


def eegnet(keras):
    """EEGNet (https://doi.org/10.1088/1741-2552/aace8c): 8 electrodes, 64 times, 4 classes."""
    layers, constraints = keras.layers, keras.constraints
    stack = [
        layers.Input((8, 64, 1)),
        layers.Conv2D(4, (1, 16), padding='same', use_bias=False),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(
            (8, 1), use_bias=False, depth_multiplier=2, depthwise_constraint=constraints.max_norm(1.0)
        ),
        layers.BatchNormalization(),
        layers.Activation('elu'),
        layers.AveragePooling2D((1, 4)),
        layers.Dropout(0.5),
        layers.SeparableConv2D(8, (1, 8), use_bias=False, padding='same'),
        layers.BatchNormalization(),
        layers.Activation('elu'),
        layers.AveragePooling2D((1, 8)),
        layers.Dropout(0.5),
        layers.Flatten(),
        layers.Dense(4, kernel_constraint=constraints.max_norm(0.25)),
        layers.Activation('softmax'),
    ]
    return keras.Sequential(stack)


@contextmanager
def keras_2(build, loss, xs, ys, epochs=2):
    """A trained model and its session; graph and session are the defaults meanwhile."""
    graph = tf.Graph()
    session = tf.Session(graph=graph)
    with graph.as_default(), session.as_default():
        tf.set_random_seed(0)
        np.random.seed(0)  # fit() shuffles by it
        keras.backend.set_learning_phase(0)
        model = build(keras)
        model.compile('adam', loss)
        model.fit(xs, ys, epochs=epochs, batch_size=16, verbose=0)
        yield model, session


@pytest.fixture(scope='module')
def outputs_of_regression():
    """Attributions to 111 outputs, in three ways; and what the model says."""
    xs = normal(6, 327)
    with keras_2(regression, 'mse', normal(64, 327), normal(64, 111)) as (model, session), DeepExplain(
        session=session
    ) as de:
        X = model.inputs[0]
        T = keras.Model(inputs=X, outputs=model.outputs[0])(X)
        found = {'loop': {}, 'each': {}, 'all': {}}
        for method in ['grad*input', 'intgrad', 'deeplift', 'occlusion']:
            one_hot = np.eye(111)
            found['loop'][method] = [de.explain(method, T, X, xs, ys=ys, **QUICK[method]) for ys in one_hot[:20]]
            found['each'][method] = de.explain(method, T, X, xs, ys='each', **QUICK[method])
            found['all'][method] = de.explain(method, T, X, xs, **QUICK[method])
        found['T'] = session.run(T, {X: xs}) - session.run(T, {X: 0 * xs[:1]})
    return found


@pytest.mark.parametrize('method', ['grad*input', 'intgrad', 'deeplift', 'occlusion'])
def test_111_outputs_one_by_one_sum_to_all_of_them(outputs_of_regression, method):
    loop, each, everything = (outputs_of_regression[way][method] for way in ('loop', 'each', 'all'))
    assert each.shape == (111, 6, 327)
    scale = np.abs(everything).max()
    np.testing.assert_allclose(each[:20], loop, rtol=0, atol=1e-4 * scale)
    np.testing.assert_allclose(each.sum(axis=0), everything, rtol=0, atol=1e-4 * scale)
    assert np.abs(each[0] - each[1]).max() > 0.01 * scale
    if method == 'deeplift':  # dense layers, ReLU and tanh
        difference = outputs_of_regression['T']
        np.testing.assert_allclose(each.sum(axis=2).T, difference, rtol=0, atol=1e-4 * np.abs(difference).max())


def occlusion_by_hand(predict, xs, ys):
    """Each feature set to 0, one after the other: how much the selected labels lose."""
    expected = np.empty_like(xs)
    for i in range(xs.shape[1]):
        without = xs.copy()
        without[:, i] = 0
        expected[:, i] = ((predict(xs) - predict(without)) * ys).sum(axis=1)
    return expected


def test_24_labels_under_occlusion_with_a_row_of_ys_for_each_sample():
    xs, ys = normal(10, 40), (normal(10, 24, seed=3) > 0.5).astype(float)
    assert len({tuple(row) for row in ys}) == 10  # samples have different labels
    teacher = (normal(128, 24, seed=2) > 0).astype(float)
    with keras_2(labels, 'binary_crossentropy', normal(128, 40), teacher) as (model, session), DeepExplain(
        session=session
    ) as de:
        X = model.layers[0].input
        T = keras.Model(inputs=X, outputs=model.layers[-2].output)(X)
        found = de.explain('occlusion', T, X, xs, ys=ys)
        expected = occlusion_by_hand(lambda rows: session.run(T, {X: rows}), xs, ys)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def recordings(labels, seed):
    """Noise in all eight electrodes, and in that of the label a wave."""
    xs = normal(len(labels), 8, 64, 1, seed=seed)
    xs[np.arange(len(labels)), labels, :, 0] += 2 * np.sin(np.arange(64))
    return xs


EEG = {'xs': recordings([0, 1, 2, 3, 0], seed=0), 'ys': np.eye(4)[[0, 1, 2, 3, 0]]}


@pytest.fixture(scope='module')
def eeg():
    """X and T by the usual recipe, T made inside the context; the session, and the weights."""
    classes = np.random.RandomState(5).randint(0, 4, 256)
    data = recordings(classes, seed=4), np.eye(4)[classes]
    trained = keras_2(eegnet, 'categorical_crossentropy', *data, epochs=16)
    with trained as (model, session), DeepExplain(session=session):
        X = model.layers[0].input
        T = keras.Model(inputs=X, outputs=model.layers[-2].output)(X)
        return X, T, session, session.run(model.weights)


def explain(method, X, T, session, **arguments):
    with DeepExplain(session=session) as de:
        np.random.seed(0)
        return de.explain(method, T, X, EEG['xs'], ys=EEG['ys'], **arguments)


def quick(method):
    if method == 'shapley_sampling':
        return {'samples': 1, 'sampling_dims': [1]}
    return {'window_shape': (1, 8, 1), 'step': (1, 8, 1)} if method == 'occlusion' else QUICK[method]


@pytest.mark.parametrize('method', NAMES)
def test_eegnet_explains_a_batch_as_one_by_one(eeg, method):
    X, T, session, _ = eeg
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, **quick(method))

    def run(of):
        np.random.seed(0)
        return explainer.run(EEG['xs'][of], EEG['ys'][of])

    together, alone = run(slice(None)), np.concatenate([run(slice(i, i + 1)) for i in range(5)])
    assert together.shape == ((5, 8) if method == 'shapley_sampling' else (5, 8, 64, 1))
    assert np.abs(alone).max() > 1e-3
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-3 * np.abs(alone).max())


@pytest.mark.parametrize(
    ('method', 'kwargs'), [('intgrad', {'steps': 300}), ('deeplift', {}), ('shapley_sampling', {})]
)
def test_attributions_of_eegnet_add_up(eeg, method, kwargs):
    # Convolutions of every kind, batch normalization and average pooling are linear, and ELU has a rule.
    X, T, session, _ = eeg
    found = explain(method, X, T, session, **(kwargs or quick(method))).reshape(5, -1).sum(axis=1)
    difference = (session.run(T, {X: EEG['xs']}) - session.run(T, {X: 0 * EEG['xs']}))[EEG['ys'] == 1]
    assert np.abs(difference).max() > 0.005
    np.testing.assert_allclose(found, difference, rtol=0, atol=0.01 * np.abs(difference).max())


@needs_keras_3
@pytest.mark.parametrize('method', NAMES)
def test_eegnet_in_keras_3_gets_the_numbers_of_keras_2(eeg, method):
    import keras as keras_3

    from deepexplain.tensorflow import open_model

    X, T, session, weights = eeg
    model = eegnet(keras_3)
    model.set_weights(weights)
    with open_model(model) as opened:
        found = explain(method, opened.inputs[0], opened.logits, opened.session, **quick(method))
    expected = explain(method, X, T, session, **quick(method))
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3 * np.abs(expected).max())


@needs_keras_3
def test_24_labels_in_keras_3():
    import keras as keras_3

    from deepexplain.tensorflow import open_model

    xs, ys = normal(10, 40), (normal(10, 24, seed=3) > 0.5).astype(float)
    model = labels(keras_3)
    with open_model(model) as opened, DeepExplain(session=opened.session) as de:
        found = de.explain('occlusion', opened.outputs[0], opened.inputs[0], xs, ys=ys)
    expected = occlusion_by_hand(lambda rows: np.asarray(model(rows.astype('float32'))), xs, ys)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@needs_keras_3
def test_111_outputs_in_keras_3():
    import keras as keras_3

    from deepexplain.tensorflow import open_model

    model = regression(keras_3)
    xs = normal(6, 327)
    with open_model(model) as opened, DeepExplain(session=opened.session) as de:
        found = de.explain('deeplift', opened.outputs[0], opened.inputs[0], xs, ys='each')
    difference = np.asarray(model(xs.astype('float32'))) - np.asarray(model(np.zeros((1, 327), 'float32')))
    np.testing.assert_allclose(found.sum(axis=2).T, difference, rtol=0, atol=1e-4)
