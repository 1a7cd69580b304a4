"""Code in Keras files: refused before they are loaded, by the name of the layer."""

import importlib
import json
import re
import zipfile

import h5py
import pytest
import tensorflow.compat.v1 as tf
from sources import KERAS_3, TENSORFLOW_2, keras_2, keras_network, needs_keras_3

from deepexplain.errors import ArgumentTypeError, ModelError
from deepexplain.tensorflow import open_model
from deepexplain.tensorflow.compat import eagerly
from deepexplain.tensorflow.models.keras_code import programs

KERAS = ['keras', 'tf_keras'] if KERAS_3 else ['tensorflow.keras']
ENDINGS = ['.keras', '.h5', '.hdf5'] if TENSORFLOW_2 else ['.h5']

pytestmark = [
    pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning'),
    pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning'),
]


@pytest.fixture(autouse=True)
def _eager_where_it_can_be():
    if TENSORFLOW_2:
        yield
    else:
        with tf.Graph().as_default(), tf.Session():
            yield


def layers_of_code(layers, run):
    """Layers that hold a lambda, at several depths."""
    return {
        'alone': lambda: layers.Lambda(run, name='secret'),
        'wrapped': lambda: layers.TimeDistributed(layers.Lambda(run, name='secret')),
    }


@pytest.mark.parametrize('where', ['alone', 'wrapped', 'nested'])
@pytest.mark.parametrize('ending', ENDINGS)
@pytest.mark.parametrize('keras', KERAS)
def test_a_lambda_is_refused_and_does_not_run(keras, ending, where, tmp_path):
    keras = importlib.import_module(keras)
    marker, path = tmp_path / 'ran', str(tmp_path / 'model') + ending
    run = eval(f'lambda x: (open({str(marker)!r}, "w").close(), x)[1]')
    x = keras.layers.Input((4, 3))
    layer = layers_of_code(keras.layers, run)['alone' if where == 'nested' else where]()
    model = keras.Model(x, layer(x))
    if where == 'nested':
        inner = keras.layers.Input((4, 3))
        model = keras.Model(inner, model(inner))
    model.save(path)
    marker.unlink()
    for options in ({}, {'safe_mode': True}):
        with pytest.raises(
            ModelError, match=r"layer 'secret' holds Python byte code \(of a lambda\).*safe_mode=False"
        ) as caught:
            open_model(path, **options)
        assert path in str(caught.value)
        assert not marker.exists()
    open_model(path, safe_mode=False).close()
    assert marker.exists()
    with pytest.raises(ArgumentTypeError, match="safe_mode must be True or False; got 'no'"):
        open_model(path, safe_mode='no')


def layer(kind, name='it', module='keras.layers', registered_name=None, **config):
    return {
        'module': module,
        'class_name': kind,
        'config': dict(config, name=name),
        'registered_name': registered_name,
    }


def function(module, name):
    return {'module': module, 'class_name': 'function', 'config': name, 'registered_name': name}


BYTE_CODE = {'class_name': '__lambda__', 'config': {'code': 'x', 'defaults': None, 'closure': None}}

REFUSED = {
    'an activation': (layer('Dense', activation=BYTE_CODE), 'byte code'),
    'an initializer': (layer('Dense', kernel_initializer=BYTE_CODE), 'byte code'),
    'in a wrapper': (layer('Bidirectional', 'outer', layer=layer('Lambda', function=['x', None, None])), 'byte code'),
    'a tuple': (layer('Lambda', function={'class_name': '__tuple__', 'items': ['x', None, None]}), 'byte code'),
    'a text': (layer('Lambda', function='x', function_type='lambda'), 'byte code'),
    'an output shape': (layer('Lambda', function='f', output_shape=['x'], output_shape_type='lambda'), 'byte code'),
    'a residual': (layer('ResidualWrapper', residual_fn=['x'], residual_fn_type='lambda'), 'byte code'),
    'a module': (layer('Dense', activation=function('os', 'system')), "names 'os.system'"),
    'a class': (layer('Popen', module='subprocess', args=['true']), "names 'subprocess.Popen'"),
    'a part of a package': (layer('Dense', activation=function('keras_evil', 'f')), "names 'keras_evil.f'"),
    'a utility': (layer('get_file', module='keras.utils', origin='http://x'), "names 'keras.utils.get_file'"),
    'a switch': (
        layer('Lambda', function=function('keras.config', 'enable_unsafe_deserialization')),
        'names .keras.config.enable_unsafe',
    ),
    'an import': (layer('Dense', activation=function('tf_keras.src.activations', 'sys.exit')), 'sys.exit'),
    'an internal function': (
        layer('Lambda', function=function('tf_keras.src.utils.generic_utils', 'func_load')),
        '_load',
    ),
    'a SavedModel': (layer('TFSMLayer', filepath='/elsewhere'), "loads the SavedModel '/elsewhere'"),
    'a pickle': (layer('TorchModuleWrapper', module={}), 'pickled'),
    'a vocabulary': (layer('StringLookup', vocabulary='/etc/passwd'), "from the file '/etc/passwd'"),
    'a file': (layer('TFOpLambda', function='io.write_file'), "calls 'tf.io.write_file'"),
    'a raw op': (layer('TFOpLambda', function='raw_ops.WriteFile'), "calls 'tf.raw_ops.WriteFile'"),
    'a library': (layer('TFOpLambda', function='load_op_library'), "calls 'tf.load_op_library'"),
    'an old name': (layer('TFOpLambda', function='compat.v1.py_func'), 'py_func'),
    'an old name of reading': (layer('TFOpLambda', function='compat.v1.read_file'), 'read_file'),
    'a connection': (layer('TFOpLambda', function='compat.v1.rpc_client'), 'rpc_client'),
    'an experiment': (layer('TFOpLambda', function='quantization.experimental.quantize_saved_model'), 'quantize_saved'),
    'a method': (layer('ClassMethod', cls_symbol='io.TFRecordWriter'), 'TFRecordWriter'),
    'an op': (layer('TensorFlowOpLayer', node_def={'name': 'n', 'op': 'WriteFile'}), "is the op 'WriteFile'"),
    'an op in bytes': (layer('TensorFlowOpLayer', node_def='\n\x01n\x12\x08ReadFile'), "is the op 'ReadFile'"),
}
FINE = {
    'layers': layer('Dense', activation='relu', dtype={'module': 'keras', 'class_name': 'DTypePolicy', 'config': {}}),
    'functions of Keras': layer('Dense', activation=function('builtins', 'gelu')),
    'exported functions': layer('Dense', activation=function('keras.activations', 'gelu')),
    'a named function': dict(
        layer('Lambda'), config={'function': 'twice', 'function_type': 'function', 'module': '__main__'}
    ),
    'ops': layer('Add', module='keras.src.ops.numpy'),
    'models': layer('Functional', module='keras.src.models.functional'),
    'old models': layer('Functional', module='tf_keras.src.engine.functional'),
    'calls': layer('TFOpLambda', function='math.multiply'),
    'old calls': layer('TFOpLambda', function='compat.v1.nn.relu'),
    'checks': layer('TFOpLambda', function='debugging.check_numerics'),
    'operators': layer('SlicingOpLambda', function='__operators__.getitem'),
    'words': layer('StringLookup', vocabulary=['a', 'b']),
    'an op': layer('TensorFlowOpLayer', node_def={'name': 'n', 'op': 'Relu'}),
    'what it was compiled with': dict(layer('Functional'), compile_config={'loss': BYTE_CODE}),
    'no module': {'class_name': 'Mine', 'config': {}},
}


@pytest.mark.parametrize('name', sorted(REFUSED))
def test_configurations_that_are_refused(name):
    config, what = REFUSED[name]
    model = layer('Functional', 'model', layers=[layer('Dense', 'first'), config])
    found = list(programs(model, lambda name: False))
    assert [program.layer for program in found] == ['it']
    assert re.search(what, found[0].what)


def test_a_registered_name_vouches_for_nothing_that_is_called():
    # HDF5 files go by class_name alone, whatever name is registered, with a module or without.
    for more in ({}, {'module': 'keras.layers'}):
        config = dict(layer('TFOpLambda', function='io.read_file'), registered_name='Custom>Adam', **more)
        found = list(programs(layer('Functional', 'model', layers=[config]), {'Custom>Adam'}.__contains__))
        assert [program.what for program in found] == ["calls 'tf.io.read_file'"]


@pytest.mark.parametrize('name', sorted(FINE))
def test_configurations_that_are_fine(name):
    assert list(programs(layer('Functional', 'model', layers=[FINE[name]]), lambda name: False)) == []


def test_what_the_user_gave_is_the_users_code():
    mine = layer('Mine', module='my.layers', registered_name='my>Mine', activation=function('my.layers', 'f'))
    assert [p.what[:24] for p in programs(mine, lambda name: name == 'f')] == ["names 'my.layers.Mine', "]
    assert list(programs(mine, lambda name: name in ('my>Mine', 'f'))) == []
    # Another name that is known does not help: Keras looks up this one.
    assert list(programs(layer('Mine', module='os', registered_name='x'), lambda name: name == 'Mine')) != []


@pytest.mark.skipif(not TENSORFLOW_2, reason='TensorFlow 1 writes no .keras files')
@pytest.mark.parametrize('keras', KERAS)
def test_a_module_that_a_file_names_is_not_imported(keras, tmp_path, monkeypatch):
    (tmp_path / 'mischief.py').write_text(f'open({str(tmp_path / "ran")!r}, "w").close()\nMine = print\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    path, changed = str(tmp_path / 'model.keras'), str(tmp_path / 'changed.keras')
    keras_network(importlib.import_module(keras)).save(path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(changed, 'w') as copy:
        for name in archive.namelist():
            content = archive.read(name)
            if name == 'config.json':
                config = json.loads(content)
                config['config']['layers'][1].update(module='mischief', class_name='Mine', registered_name='Mine')
                content = json.dumps(config)
            copy.writestr(name, content)
    with pytest.raises(ModelError, match=r"layer 'hidden' names 'mischief.Mine'.*custom_objects"):
        open_model(changed)
    assert not (tmp_path / 'ran').exists()
    mine = importlib.import_module(keras).layers.Dense
    open_model(changed, custom_objects={'Mine': mine}).close()
    assert not (tmp_path / 'ran').exists()
    with pytest.raises(ArgumentTypeError, match='custom_objects must be a dict; got 3'):
        open_model(changed, custom_objects=3)


@needs_keras_3
def test_a_file_that_is_two(tmp_path):
    """A zip goes at the end of a file, HDF5 at its start: what Keras reads goes by the file's name."""
    keras = keras_2()
    x = keras.layers.Input((3,))
    keras.Model(x, keras.layers.Lambda(lambda x: x, name='secret')(x)).save(str(tmp_path / 'bad.h5'))
    keras_network(keras).save(str(tmp_path / 'good.keras'))
    both = (tmp_path / 'bad.h5').read_bytes() + (tmp_path / 'good.keras').read_bytes()
    for ending in ('.h5', '.keras'):
        path = tmp_path / ('both' + ending)
        path.write_bytes(both)
        assert zipfile.is_zipfile(str(path))
        assert h5py.is_hdf5(str(path))
        with pytest.raises(ModelError, match="layer 'secret' holds Python byte code"):
            open_model(path)


@needs_keras_3
@pytest.mark.filterwarnings('ignore:.*:UserWarning')
def test_a_saved_model_of_keras_is_opened_by_its_graph(tmp_path):
    """What Keras wrote beside it (keras_metadata.pb) may hold byte code, which nothing here reads."""
    keras = keras_2()
    marker = tmp_path / 'ran'
    run = eval(f'lambda x: (open({str(marker)!r}, "w").close(), 2 * x)[1]')
    with eagerly():
        x = keras.layers.Input((3,))
        keras.Model(x, keras.layers.Lambda(run)(x)).save(str(tmp_path / 'model'), save_format='tf')
    marker.unlink()
    assert (tmp_path / 'model' / 'keras_metadata.pb').exists()
    with open_model(tmp_path / 'model') as m:
        assert m.session.run(m.outputs[0], {m.inputs[0]: [[1, 2, 3]]}).tolist() == [[2, 4, 6]]
    assert not marker.exists()
