"""Ops in files that reach outside of the graph: named before any of them runs."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import TENSORFLOW_2, XS, assert_explained, network, trained_graph

from deepexplain.errors import ArgumentTypeError, ModelError
from deepexplain.tensorflow import open_model
from deepexplain.tensorflow.compat import eagerly
from deepexplain.tensorflow.models.effects import effect_of_type

only_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='needs TensorFlow 2')
SPEC = tf.TensorSpec([None, 4], tf.float32, 'x')

pytestmark = pytest.mark.filterwarnings('ignore:.*build_tensor_info:DeprecationWarning')


def written(graph, path):
    with open(str(path), 'wb') as file:
        file.write(graph.as_graph_def().SerializeToString())
    return str(path)


@pytest.mark.parametrize(
    ('op_type', 'what'),
    [
        ('WriteFile', 'writes'),
        ('DebugIdentityV2', 'writes'),
        ('CreateSummaryFileWriter', 'writes'),
        ('WriteScalarSummary', 'writes'),
        ('ExperimentalDatasetToTFRecord', 'writes'),
        ('ReadFile', 'reads'),
        ('DecodeProtoV2', 'reads'),
        ('DatasetFromGraph', 'hidden in a string'),
        ('MatchingFiles', 'reads'),
        ('TFRecordReaderV2', 'reads'),
        ('FixedLengthRecordReader', 'reads'),
        ('TFRecordDataset', 'reads'),
        ('ImmutableConst', 'reads'),
        ('LoadAndRemapMatrix', 'reads'),
        ('PyFuncStateless', 'Python'),
        ('EagerPyFunc', 'Python'),
        ('RpcCall', 'other processes'),
        ('_Send', 'other processes'),
        ('Abort', 'ends the process'),
    ],
)
def test_types_that_reach_outside(op_type, what):
    assert what in effect_of_type(op_type)


@pytest.mark.parametrize(
    'op_type',
    ['ReadVariableOp', 'Relu', 'ShardedFilename', 'TensorArrayReadV3', 'ScalarSummary', 'LogSoftmax', 'Assert'],
)
def test_types_that_do_not(op_type):
    assert effect_of_type(op_type) is None


def test_a_network_that_waits_for_a_save(tmp_path):
    # What it reads is fed by default, so that all between here and there looks like plumbing.
    with tf.Graph().as_default() as graph:
        x = tf.placeholder_with_default(np.zeros((1, 4), 'float32'), [None, 4], name='x')
        path = tf.placeholder(tf.string, [], name='path')
        save = tf.raw_ops.SaveV2(prefix=path, tensor_names=['a'], shape_and_slices=[''], tensors=[x], name='save')
        with tf.control_dependencies([save]):
            tf.identity(tf.nn.relu(x), name='y')
        file = written(graph, tmp_path / 'graph.pb')
    with pytest.raises(ModelError, match=r"op 'save' \(SaveV2\)"):
        open_model(file)


@pytest.mark.parametrize('function', [False, True])
def test_a_frozen_graph(function, tmp_path):
    target = tmp_path / 'written'
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4], name='x')

        def body(x):
            with tf.control_dependencies([tf.write_file(str(target), 'x', name='mischief')]):
                return tf.identity(x)

        if function and TENSORFLOW_2:
            body = tf.function(body)
        tf.nn.relu(body(x), name='y')
        path = written(graph, tmp_path / 'graph.pb')
    with pytest.raises(
        ModelError, match=r"op 'mischief' \(WriteFile\).* writes files, .* nothing was run.*allow_ops=\['WriteFile'\]"
    ):
        open_model(path)
    assert not target.exists()
    with open_model(path, outputs=['y:0'], allow_ops=['WriteFile']) as m:
        m.session.run(m.outputs, {m.inputs[0]: XS})
    assert target.exists()


def test_ops_that_nothing_runs_are_named_too(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.identity(tf.placeholder(tf.float32, [None, 4]), name='y')
        tf.py_func(lambda: np.float32(1), [], tf.float32)
        tf.matching_files(str(tmp_path))
        path = written(graph, tmp_path / 'graph.pb')
    with pytest.raises(ModelError, match=r"runs Python \(1 more like it\), .*allow_ops=\['MatchingFiles', 'PyFunc'\]"):
        open_model(path)
    with pytest.raises(ModelError, match=r'\(MatchingFiles\) reads files'):
        open_model(path, allow_ops=['PyFunc'])
    with open_model(path, outputs=['y'], allow_ops=['PyFunc', 'MatchingFiles']):
        pass


def test_allow_ops_is_a_list_of_names_and_for_graphs(tmp_path):
    (tmp_path / 'graph.pb').write_bytes(b'')
    with pytest.raises(ArgumentTypeError, match="allow_ops must be a list of names; got 'PyFunc'"):
        open_model(tmp_path / 'graph.pb', allow_ops='PyFunc')
    with pytest.raises(ArgumentTypeError, match="'allow_ops' does not apply to a function"):
        open_model(network, inputs=[SPEC], allow_ops=['PyFunc'])


@pytest.mark.skipif(not TENSORFLOW_2, reason='TensorFlow 1.15 writes another op')
def test_printing_is_fine_but_not_into_a_file(tmp_path):
    for to, refused in (('stderr', False), ('file://' + str(tmp_path / 'log'), True)):
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, [None, 4])
            with tf.control_dependencies([tf.raw_ops.PrintV2(input='hello', output_stream=to)]):
                tf.nn.relu(x, name='y')
            path = written(graph, tmp_path / 'graph.pb')
        if refused:
            with pytest.raises(ModelError, match=r"\(PrintV2\) prints to 'file:"):
                open_model(path)
        else:
            open_model(path).close()


def changed_meta(session, path, change):
    """Save a checkpoint; then change what its .meta says."""
    with session.graph.as_default():
        tf.train.Saver().save(session, str(path))
    meta = tf.MetaGraphDef()
    with open(str(path) + '.meta', 'rb') as file:
        meta.ParseFromString(file.read())
    change(meta, {node.name: node for node in meta.graph_def.node})
    with open(str(path) + '.meta', 'wb') as file:
        file.write(meta.SerializeToString())
    return str(path) + '.meta'


def test_savers_are_in_every_checkpoint(session, tmp_path):
    trained_graph(session)
    tf.train.Saver(sharded=True)  # one that nobody uses
    path = changed_meta(session, tmp_path / 'model', lambda meta, nodes: None)
    with open_model(path, outputs=['probabilities']) as m:
        assert_explained(m)


def constant_path(meta, nodes):
    """Restoring reads a path of the file's choice."""
    node = meta.graph_def.node.add(name='elsewhere', op='Const')
    node.attr['dtype'].type = tf.string.as_datatype_enum
    node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto('/etc/passwd'))
    nodes['save/RestoreV2'].input[0] = 'elsewhere'


def saved_while_restored(meta, nodes):
    nodes['save/restore_all'].input.append('^save/SaveV2')


def saved_by_the_output(meta, nodes):
    nodes['probabilities'].input.append('^save/SaveV2')


def another_tensor_is_fed(meta, nodes):
    meta.saver_def.filename_tensor_name = 'x:0'


def computed_from_what_is_read(meta, nodes):
    node = meta.graph_def.node.add(name='y', op='Relu', input=['save/RestoreV2'])
    node.attr['T'].type = tf.float32.as_datatype_enum


@pytest.mark.parametrize(
    ('change', 'op_type'),
    [
        (constant_path, 'RestoreV2'),
        (saved_while_restored, 'SaveV2'),
        (saved_by_the_output, 'SaveV2'),
        (another_tensor_is_fed, 'RestoreV2'),
        (computed_from_what_is_read, 'RestoreV2'),
    ],
)
def test_a_saver_that_is_more_than_a_saver(session, change, op_type, tmp_path):
    trained_graph(session)
    path = changed_meta(session, tmp_path / 'model', change)
    before = sorted(os.listdir(str(tmp_path)))
    with pytest.raises(ModelError, match=rf"op 'save/{op_type}' \({op_type}\)"):
        open_model(path, outputs=['probabilities'])
    assert sorted(os.listdir(str(tmp_path))) == before


def test_a_graph_of_tensorflow_1_that_writes_when_it_is_loaded(session, tmp_path):
    X, T = trained_graph(session)
    target = tmp_path / 'written'
    init = tf.write_file(str(target), 'x', name='mischief')
    builder = tf.saved_model.Builder(str(tmp_path / 'model'))
    info = tf.saved_model.utils.build_tensor_info
    signature = tf.saved_model.signature_def_utils.build_signature_def({'x': info(X)}, {'y': info(T)}, 'predict')
    builder.add_meta_graph_and_variables(session, ['serve'], {'serving_default': signature}, main_op=init)
    builder.save()
    with pytest.raises(ModelError, match=r"op 'mischief' \(WriteFile\) writes files"):
        open_model(tmp_path / 'model')
    assert not target.exists()
    open_model(tmp_path / 'model', allow_ops=['WriteFile']).close()
    assert target.exists()


@only_2
def test_a_function_of_tensorflow_2(tmp_path):
    target = str(tmp_path / 'written')

    def writes(x):
        tf.write_file(target, 'x', name='mischief')
        return network(x)

    with eagerly():
        module = tf.compat.v2.Module()
        module.f = tf.function(writes, input_signature=[SPEC])
        tf.compat.v2.saved_model.save(module, str(tmp_path / 'model'), signatures=module.f)
    assert not os.path.exists(target)
    with pytest.raises(ModelError, match=r"op 'mischief' \(WriteFile\) in function '.*' writes files"):
        open_model(tmp_path / 'model')
    assert not os.path.exists(target)
    open_model(tmp_path / 'model', allow_ops=['WriteFile']).close()
    assert os.path.exists(target)


@only_2
def test_a_function_that_saves(tmp_path):
    def saves(x):
        tf.raw_ops.SaveV2(prefix=str(tmp_path / 'other'), tensor_names=['x'], shape_and_slices=[''], tensors=[x])
        return network(x)

    with eagerly():
        module = tf.compat.v2.Module()
        module.weight = tf.Variable([1.0])  # with a saver of its own, which is no alarm
        module.f = tf.function(lambda x: network(x) * module.weight, input_signature=[SPEC])
        tf.compat.v2.saved_model.save(module, str(tmp_path / 'fine'), signatures=module.f)
        module.f = tf.function(saves, input_signature=[SPEC])
        tf.compat.v2.saved_model.save(module, str(tmp_path / 'model'), signatures=module.f)
    open_model(tmp_path / 'fine').close()
    with pytest.raises(ModelError, match=r"\(SaveV2\) in function '.*' writes files"):
        open_model(tmp_path / 'model')


def table_of(path):
    kinds = (tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER)
    return tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(path, *kinds), -1)


@pytest.fixture
def words(tmp_path):
    path = tmp_path / 'words.txt'
    path.write_text('one\ntwo\nthree\n')
    return str(path)


def of_tensorflow_1(path, words, asset):
    """A SavedModel that looks words up, in an asset or in a file elsewhere."""
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        X = tf.placeholder(tf.string, [None])
        found = tf.cast(table_of(words).lookup(X), tf.float32)
        builder = tf.saved_model.Builder(str(path))
        info = tf.saved_model.utils.build_tensor_info
        signature = tf.saved_model.signature_def_utils.build_signature_def({'x': info(X)}, {'y': info(found)}, 'p')
        session.run(tf.tables_initializer())
        builder.add_meta_graph_and_variables(
            session,
            ['serve'],
            {'serving_default': signature},
            main_op=tf.tables_initializer(),
            assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS) if asset else None,
        )
        builder.save()


def test_lookup_tables_of_assets(tmp_path, words):
    of_tensorflow_1(tmp_path / 'model', words, asset=True)
    os.remove(words)
    with open_model(tmp_path / 'model') as m:
        assert m.session.run(m.outputs[0], {m.inputs[0]: ['two', 'four']}).tolist() == [1, -1]


def test_lookup_tables_of_other_files(tmp_path, words):
    of_tensorflow_1(tmp_path / 'model', words, asset=False)
    with pytest.raises(ModelError, match=r'\(InitializeTableFromTextFileV2\) reads files'):
        open_model(tmp_path / 'model')
    with open_model(tmp_path / 'model', allow_ops=['InitializeTableFromTextFileV2']) as m:
        assert m.session.run(m.outputs[0], {m.inputs[0]: ['two', 'four']}).tolist() == [1, -1]


def change_saved_model(path, change):
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((path / 'saved_model.pb').read_bytes())
    change(saved.meta_graphs[0])
    (path / 'saved_model.pb').write_bytes(saved.SerializeToString())


def test_assets_outside_of_the_folder(tmp_path, words):
    of_tensorflow_1(tmp_path / 'model', words, asset=True)

    def point_outside(meta):
        for asset in meta.asset_file_def:  # where TensorFlow 2 looks first
            asset.filename = '../../words.txt'
        for entry in meta.collection_def['saved_model_assets'].any_list.value:
            entry.value = entry.value.replace(b'\x12\x09words.txt', b'\x12\x0f../../words.txt')

    change_saved_model(tmp_path / 'model', point_outside)
    with pytest.raises(ModelError, match=r"its asset '../../words.txt' is not in its own folder of assets"):
        open_model(tmp_path / 'model')


def looked_up(table):
    return lambda x: tf.cast(table.lookup(x), tf.float32)


@only_2
def test_lookup_tables_of_assets_of_tensorflow_2(tmp_path, words):
    with eagerly():
        for kind in ('asset', 'constant'):
            module = tf.compat.v2.Module()
            module.table = table_of(words)
            module.f = tf.function(looked_up(module.table), input_signature=[tf.TensorSpec([None], tf.string)])
            tf.compat.v2.saved_model.save(module, str(tmp_path / kind), signatures=module.f)

    def bind_a_constant(meta):
        objects = meta.object_graph_def
        asset = next(node for node in objects.nodes if node.WhichOneof('kind') == 'asset')
        asset.constant.operation = 'Const'

    change_saved_model(tmp_path / 'constant', bind_a_constant)
    os.remove(words)
    with open_model(tmp_path / 'asset') as m:
        assert m.session.run(m.outputs[0], {m.inputs[0]: ['two', 'four']}).tolist() == [1, -1]
    with pytest.raises(ModelError, match=r"\(InitializeTableFromTextFileV2\) in function '.*' reads files"):
        open_model(tmp_path / 'constant')
