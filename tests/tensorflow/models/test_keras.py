"""Keras 2 and 3: live models and files, also where eager execution is disabled."""

import importlib
import os
import re
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import KERAS_3, TENSORFLOW_2, XS, assert_explained, keras_2, keras_network, needs_keras_3

from deepexplain.errors import ArgumentError, ArgumentTypeError, ModelError
from deepexplain.tensorflow import DeepExplain, embedding_outputs, open_model
from deepexplain.tensorflow.compat import eagerly

only_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='needs TensorFlow 2')
KERAS = ['keras', 'tf_keras'] if KERAS_3 else ['tensorflow.keras']
FILES = [(keras, ending) for keras in KERAS for ending in ('.keras', '.h5', '.hdf5')]

pytestmark = [
    pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning'),  # tf-keras does
    pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning'),  # Keras 3 saves a variable so
]


def imported(keras):
    return importlib.import_module(keras)


def default_keras():
    """The one that TensorFlow comes with."""
    return imported(KERAS[0])


@pytest.fixture(autouse=True)
def _eager_where_it_can_be():
    """Models are made and saved as users do: eagerly on TensorFlow 2, in a graph on TensorFlow 1."""
    if TENSORFLOW_2:
        yield
    else:
        with tf.Graph().as_default(), tf.Session():
            yield


@pytest.mark.parametrize('keras', KERAS)
def test_a_live_model(keras):
    model = keras_network(imported(keras))
    with open_model(model) as m:
        assert [x.name for x in m.inputs] == ['x:0']
        assert_explained(m)


@pytest.mark.parametrize(('keras', 'ending'), FILES)
def test_a_file(keras, ending, tmp_path):
    if not TENSORFLOW_2 and ending == '.keras':
        pytest.skip('TensorFlow 1 writes no .keras files')
    path = str(tmp_path / ('model' + ending))
    keras_network(imported(keras)).save(path)
    with open_model(path) as m:
        assert_explained(m)
    with pytest.raises(RuntimeError, match='closed'):
        m.session.run(m.outputs, {m.inputs[0]: XS})


@only_2
@pytest.mark.parametrize('keras', KERAS)
def test_the_directory_of_an_exported_model(keras, tmp_path):
    model = keras_network(imported(keras))
    model.export(str(tmp_path))
    with open_model(tmp_path) as m:
        assert_explained(m)


def output_where_eager_execution_is_disabled(program):
    """What a program of its own prints."""
    program = 'import tensorflow.compat.v1 as tf\ntf.disable_eager_execution()\n' + program
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@only_2
def test_files_and_functions_where_eager_execution_is_disabled(tmp_path):
    paths = [str(tmp_path / (keras + ending)) for keras, ending in FILES[:-1]]  # .hdf5 is .h5
    for path, (keras, _) in zip(paths, FILES):
        keras_network(imported(keras)).save(path)
    output_where_eager_execution_is_disabled(f"""
from deepexplain.tensorflow import open_model
from sources import assert_explained, network
for path in {paths!r}:
    with open_model(path) as m:
        assert_explained(m)
with open_model(network, inputs=[tf.TensorSpec([None, 4], tf.float32)]) as m:
    assert_explained(m)
assert not tf.executing_eagerly() and not tf.get_default_graph().get_operations()
""")


@needs_keras_3
def test_a_live_model_where_eager_execution_is_disabled():
    printed = output_where_eager_execution_is_disabled("""
import keras
from deepexplain.errors import ModelError
from deepexplain.tensorflow import open_model
try:
    open_model(keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)]))
except ModelError as error:
    print(error)
""")
    assert 'built while eager execution was disabled, where its weights are random' in printed


@only_2
def test_a_model_in_a_graph_is_explained_there():
    keras = keras_2()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        model = keras_network(keras)
        with open_model(model) as m:
            assert m.graph is graph
            assert m.session is session
            assert_explained(m)
            assert m.tensor('probabilities') is m.outputs[0]
        session.run(m.outputs, {m.inputs[0]: XS})  # it is the user's, and stays open
        with pytest.raises(ArgumentTypeError, match='is in a graph, where its inputs are .*: leave inputs out'):
            open_model(model, inputs=[tf.TensorSpec([2, 4], tf.float32)])


@only_2
@pytest.mark.parametrize('keras', KERAS)
def test_dicts_of_inputs_and_outputs(keras):
    keras = imported(keras)
    a, b = keras.layers.Input((4,), name='a'), keras.layers.Input((2,), name='b')
    both = keras.layers.Concatenate()([a, b])
    outputs = {'p': keras.layers.Dense(3, 'softmax')(both), 'q': keras.layers.Dense(1, 'sigmoid')(a)}
    model = keras.Model({'a': a, 'b': b}, outputs)
    with open_model(model) as m:
        values = {'a': XS.astype('float32'), 'b': XS[:, :2].astype('float32')}
        found = m.session.run([m.tensor('p'), m.tensor('q')], {m.tensor(key): value for key, value in values.items()})
        expected = model(values)
        np.testing.assert_allclose(found[0], expected['p'], rtol=1e-5)
        np.testing.assert_allclose(found[1], expected['q'], rtol=1e-5)
        lines = repr(m).splitlines()
        assert [line.split()[0] for line in lines[1:3]] == ['input', 'input']
        assert lines[3].endswith("(None, 3)  'p'")
        assert lines[4].endswith("(None, 1)  'q'")
        with pytest.raises(ValueError, match='the model has 2 outputs. Take the tensor before a softmax or sigmoid'):
            _ = m.logits
        with DeepExplain(session=m.session) as de:
            assert de.explain('deeplift', m.tensor('q').op.inputs[0], m.tensor('a'), values['a']).shape == XS.shape


@only_2
@pytest.mark.parametrize('keras', KERAS)
def test_a_subclassed_model_needs_specs(keras):
    keras = imported(keras)

    class Twice(keras.Model):
        def call(self, x, training=None):
            return 2 * x

    with pytest.raises(ArgumentTypeError, match='does not say what it takes'):
        open_model(Twice())
    for inputs in (tf.TensorSpec([None, 4], tf.float32), [tf.TensorSpec([None, 4], tf.float32)]):
        with open_model(Twice(), inputs=inputs) as m:
            np.testing.assert_allclose(m.session.run(m.outputs[0], {m.inputs[0]: XS}), 2 * XS, rtol=1e-5)


@only_2
@pytest.mark.parametrize('keras', KERAS)
def test_specs_fix_open_dimensions(keras):
    keras = imported(keras)
    model = keras.Sequential([keras.layers.Input((None, 2)), keras.layers.GlobalAveragePooling1D()])
    with open_model(model, inputs=[tf.TensorSpec([None, 5, 2], tf.float32)]) as m:
        assert m.inputs[0].shape.as_list() == [None, 5, 2]
    with pytest.raises(ArgumentTypeError, match='inputs must be 1 tf.TensorSpecs, one for each input; got 2'):
        open_model(model, inputs=[tf.TensorSpec([None, 5, 2])] * 2)


@only_2
@pytest.mark.parametrize('keras', KERAS)
def test_training_goes_on_elsewhere(keras):
    model = keras_network(imported(keras))
    with open_model(model) as m:
        model.set_weights([0 * w for w in model.get_weights()])
        assert_explained(m)  # the weights are those of when it was opened
        assert np.abs(np.asarray(model(XS)) - 1 / 3).max() < 1e-6


@only_2
@pytest.mark.parametrize('activation', ['silu', 'gelu', 'mish'])
def test_activations_in_pieces(activation):
    keras = default_keras()
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(5, activation), keras.layers.Dense(1)])
    with open_model(model) as m, DeepExplain(session=m.session) as de:
        found = de.explain('intgrad', m.outputs[0], m.inputs[0], XS, steps=300).sum(axis=1)
        gone = m.session.run(m.outputs[0], {m.inputs[0]: XS}) - m.session.run(m.outputs[0], {m.inputs[0]: 0 * XS})
        np.testing.assert_allclose(found, gone[:, 0], atol=1e-2 * np.abs(gone).max())


@only_2
@pytest.mark.parametrize('source', ['live', '.keras', 'exported'])
@pytest.mark.parametrize('keras', KERAS)
def test_lookup_tables_come_along(keras, source, tmp_path):
    keras = imported(keras)
    vectorize = keras.layers.TextVectorization(output_sequence_length=3)
    vectorize.adapt(['one two three four'])
    text = keras.layers.Input((), dtype='string', name='text')
    words = keras.layers.Embedding(7, 2)(vectorize(text))
    model = keras.Model(text, keras.layers.Dense(2)(keras.layers.Flatten()(words)))
    bias = model.layers[-1].get_weights()[1].sum()
    texts = ['three one', 'five two two']
    expected = np.asarray(model(tf.constant(texts)))
    path = str(tmp_path / 'model.keras')
    if source == '.keras':
        model.save(path)
    elif source == 'exported':
        path = str(tmp_path)
        model.export(path)
    with open_model(model if source == 'live' else path) as m, DeepExplain(session=m.session) as de:
        np.testing.assert_allclose(m.session.run(m.outputs[0], {m.inputs[0]: texts}), expected, rtol=1e-5, atol=1e-6)
        (found,) = embedding_outputs(m.outputs[0], m.inputs[0])
        values = m.session.run(found, {m.inputs[0]: texts})
        attributions = de.explain('grad*input', m.outputs[0], found, values)
        np.testing.assert_allclose(attributions.sum(axis=(1, 2)) + bias, expected.sum(axis=1), rtol=1e-4, atol=1e-5)


@only_2
@pytest.mark.parametrize('keras', KERAS)
def test_a_stateful_layer_is_refused(keras):
    layers = imported(keras).layers
    inner = imported(keras).Sequential([layers.Input((5, 3), batch_size=2), layers.GRU(4, stateful=True, name='rnn')])
    model = imported(keras).Sequential([layers.Input((5, 3), batch_size=2), inner, layers.Dense(2)])
    with pytest.raises(ModelError, match=r"layer 'rnn' is stateful, so its output depends on what was run before"):
        open_model(model)


def test_custom_objects(tmp_path):
    keras = default_keras()

    class Halve(keras.layers.Layer):
        def call(self, x):
            return x / 2

    model = keras.Sequential([keras.layers.InputLayer((4,)), Halve()])
    path = str(tmp_path / 'model.h5')
    model.save(path)
    with pytest.raises(ModelError, match=r"Keras .* cannot load '.*model.h5' \(written by Keras .*\): .*Halve"):
        open_model(path)
    with open_model(path, custom_objects={'Halve': Halve}) as m:
        assert m.inputs[0].shape.as_list() == [None, 4]


def test_weights_without_a_model(tmp_path):
    path = str(tmp_path / 'model.weights.h5')
    keras_network(default_keras()).save_weights(path)
    with pytest.raises(ModelError, match=r'holds weights, but not the model they belong to'):
        open_model(path)


@pytest.mark.parametrize('ending', ['.h5', '.keras'])
def test_files_of_something_else(ending, tmp_path):
    path = tmp_path / ('noise' + ending)
    path.write_bytes(b'certainly not a model')
    with pytest.raises(ArgumentError, match=r'is not a file of Keras \(neither a .keras archive nor HDF5\)'):
        open_model(path)
    with zipfile.ZipFile(str(path), 'w') as archive:
        archive.writestr('notes.txt', 'hello')
    with pytest.raises(ArgumentError, match=r'is not a .keras file of Keras: .*metadata.json'):
        open_model(path)


def test_the_content_says_what_a_file_is(tmp_path):
    keras_network(default_keras()).save(str(tmp_path / 'model.h5'))
    (tmp_path / 'model.h5').rename(tmp_path / 'model.keras')  # Keras before 2.12 wrote HDF5 under both names
    if KERAS_3:
        with pytest.raises(ModelError, match=r"cannot load '.*model.keras'"):  # Keras 3 goes by the name
            open_model(tmp_path / 'model.keras')
    else:
        with open_model(tmp_path / 'model.keras') as m:
            assert_explained(m)


@only_2
def test_weights_that_are_not_those_of_the_file(tmp_path, monkeypatch):
    keras = default_keras()
    path = str(tmp_path / 'model.keras')
    model = keras_network(keras)
    model.save(path)
    model.set_weights([w + 1 for w in model.get_weights()])
    monkeypatch.setattr(keras.models, 'load_model', lambda path, **options: model)
    with pytest.raises(ModelError, match=r"none of the model's \d weights is from that file"):
        open_model(path)


@only_2
def test_nothing_is_left_behind(tmp_path):
    path = str(tmp_path / 'model.keras')
    keras_network(default_keras()).save(path)
    before = tf.executing_eagerly()
    with tf.Graph().as_default() as graph:
        with open_model(path):
            pass
        assert graph.get_operations() == []
        assert tf.get_default_graph() is graph
    with pytest.raises(ModelError), eagerly():
        open_model(path, no_such_option=3)
    assert tf.executing_eagerly() == before


@pytest.mark.skipif(not KERAS_3, reason='Keras 2 does not load them')
def test_weights_of_bfloat16(tmp_path):
    keras = default_keras()
    path = str(tmp_path / 'model.keras')
    keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, dtype='bfloat16')]).save(path)
    with open_model(path) as m:
        assert m.outputs[0].shape.as_list() == [None, 2]


@needs_keras_3
def test_a_backend_that_is_not_tensorflow(tmp_path, monkeypatch):
    path = str(tmp_path / 'model.keras')
    keras = default_keras()
    model = keras_network(keras)
    model.save(path)
    monkeypatch.setattr(keras.backend, 'backend', lambda: 'jax')
    for source in (model, path):
        with pytest.raises(ModelError, match="Keras runs on 'jax' here: set the environment variable KERAS_BACKEND="):
            open_model(source)


@only_2
def test_a_model_that_assigns_when_it_is_called():
    keras = default_keras()

    class Counts(keras.layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight(shape=(), initializer='zeros', trainable=False)

        def call(self, x):
            self.calls.assign(self.calls + 1.0)
            return x

    model = keras.Sequential([keras.layers.Input((4,)), Counts()])
    with pytest.raises(ModelError, match=r'cannot be traced with float32 \(None, 4\): it assigns to a variable'):
        open_model(model)


@only_2
def test_a_keras_file_that_no_keras_reads(tmp_path, monkeypatch):
    path = str(tmp_path / 'model.keras')
    keras_network(default_keras()).save(path)
    monkeypatch.setattr('deepexplain.tensorflow.models.keras.with_keras', lambda major: None)
    with pytest.raises(ModelError, match=r'was written by Keras \d\S*, and there is no Keras here that reads it: pip'):
        open_model(path)


def with_a_lambda(keras, function):
    return keras.Sequential(
        [
            keras.layers.InputLayer((4,)),
            keras.layers.Lambda(function, name='twice'),
            keras.layers.Dense(1),
        ]
    )


def of_another_python(path):
    """Change a file to what another Python would have written: its bytecode is not that of this one."""
    with h5py.File(path, 'r+') as file:
        config = file.attrs['model_config']
        config = config.decode() if isinstance(config, bytes) else config
        file.attrs['model_config'] = re.sub(r'"4wE[^"]*"|"[0-9A-Za-z+/=\\n]{60,}"', '"4wEA"', config)


@pytest.mark.parametrize('keras', KERAS)
def test_a_lambda_of_another_python_is_named(keras, tmp_path):
    path = str(tmp_path / 'model.h5')
    with_a_lambda(imported(keras), lambda x: x * 2.0).save(path)
    of_another_python(path)
    with pytest.raises(
        ModelError, match=r"Its Lambda layers \('twice'\) hold Python bytecode, .* \(here: 3\.\d+\): open"
    ):
        open_model(path, safe_mode=False)


@pytest.mark.parametrize('keras', KERAS)
def test_a_lambda_of_this_python_is_opened_and_no_other_error_speaks_of_one(keras, tmp_path):
    path = str(tmp_path / 'model.h5')
    model = with_a_lambda(imported(keras), lambda x: x * 2.0)
    model.save(path)
    with open_model(path, safe_mode=False) as m:
        assert m.outputs[0].shape.as_list() == [None, 1]
    keras_network(imported(keras)).save(path)
    with h5py.File(path, 'r+') as file:
        file.attrs['model_config'] = '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Nothing"}]}}'
    with pytest.raises(ModelError) as caught:
        open_model(path)
    assert 'Lambda' not in str(caught.value)


@pytest.mark.skipif(TENSORFLOW_2, reason='TensorFlow 2 keeps the shape of the samples that a model was built for')
def test_a_file_of_tensorflow_1_that_does_not_say_what_its_model_takes(tmp_path):
    keras = keras_2()
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile('adam', 'mse')
    model.fit(XS, XS[:, :2], verbose=0)
    model.save(str(tmp_path / 'model.h5'))
    with pytest.raises(ModelError, match='does not say what its model takes.*first layer an input_shape, model.load_w'):
        open_model(tmp_path / 'model.h5')
