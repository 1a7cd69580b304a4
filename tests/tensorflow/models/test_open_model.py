"""What sources are known, the model that is returned, and the tensors before a softmax."""

import collections.abc
import copy
import pickle

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import XS, keras_2, keras_network, network, trained_graph

from deepexplain.errors import ArgumentError, ArgumentTypeError, GraphError, ModelError
from deepexplain.tensorflow import models, open_model
from deepexplain.tensorflow.models.ends import before_squashing, ends, inputs_of, placeholders
from deepexplain.tensorflow.models.opened import OpenModel

SPEC = tf.TensorSpec([None, 4], tf.float32, 'x')


def test_sources_that_are_none(tmp_path):
    with pytest.raises(ArgumentError, match="There is no file or directory 'nowhere.pb'"):
        open_model('nowhere.pb')
    with pytest.raises(ArgumentTypeError, match='source must be a path, a Keras model or a function; got int'):
        open_model(3)
    (tmp_path / 'model.ckpt.index').write_text('')
    for path in (tmp_path / 'model.ckpt.index', tmp_path / 'model.ckpt', tmp_path):
        with pytest.raises(
            ArgumentError, match=r'A checkpoint has weights only: give the .meta file beside it; or, of'
        ):
            open_model(path)


def test_options_that_do_not_apply(tmp_path):
    (tmp_path / 'graph.pb').write_text('')
    with pytest.raises(ArgumentTypeError, match=r"'tags' does not apply to '.*graph.pb'; it takes inputs, outputs"):
        open_model(tmp_path / 'graph.pb', tags=['serve'])
    with pytest.raises(ArgumentTypeError, match="'custom_objects' does not apply to a function"):
        open_model(network, inputs=[SPEC], custom_objects={})


def test_it_is_shown_with_its_inputs_and_outputs():
    with open_model(network, inputs=[SPEC]) as m:
        assert m.source == 'a function'
        first, *lines = repr(m).splitlines()
        assert first.startswith('OpenModel of ')
        assert [line.split()[:3] for line in lines] == [
            ['input', 'x:0', 'float32'],
            ['output', m.outputs[0].name, 'float32'],
            ['explained', 'where', 'no'],
        ]
        assert lines[-1].endswith(f'explained where no T is given: {m.logits.name}')


def test_tensors_by_name(session):
    X = tf.placeholder(tf.float32, [None, 4], name='x')
    T = network(X)
    m = OpenModel(session, [X], [T], {'scores': 'probabilities:0'})
    assert m.tensor('logits') is m.tensor('logits:0') is T.op.inputs[0]
    assert m.tensor('scores') is T
    with pytest.raises(ArgumentError, match=r"There is no tensor 'logit'.* Names like it: .*logits:0"):
        m.tensor('logit')
    with pytest.raises(ArgumentError, match=r"There is no tensor 'logits:1'"):
        m.tensor('logits:1')


def test_a_wrong_name_leaves_no_session_open(session):
    with pytest.raises(ArgumentError, match="There is no tensor 'nope'"):
        OpenModel(session, [], ['nope'])
    with pytest.raises(RuntimeError, match='closed'):
        session.run(tf.constant(1))


def test_a_closed_model_stays_closed():
    m = open_model(network, inputs=[SPEC])
    m.close()
    m.close()
    with pytest.raises(RuntimeError, match='This model was closed: open it again'), m:
        pass


def test_close_leaves_the_sessions_of_others_open(session):
    X = tf.placeholder(tf.float32, [None, 4])
    with OpenModel(session, [X], [2 * X], owns_session=False) as m:
        pass
    np.testing.assert_allclose(session.run(m.outputs[0], {X: XS}), 2 * XS, rtol=1e-6)


SQUASHED = {
    'softmax': tf.nn.softmax,
    'sigmoid': tf.nn.sigmoid,
    'behind identities': lambda z: tf.identity(tf.identity(tf.nn.softmax(z))),
}


@pytest.mark.parametrize('name', sorted(SQUASHED))
def test_logits(session, name):
    z = tf.placeholder(tf.float32, [None, 4]) * 2
    assert OpenModel(session, [], [SQUASHED[name](z)]).logits is z


def test_logits_of_a_softmax_in_pieces(session):
    z = tf.placeholder(tf.float32, [None, 4])
    e = tf.exp(z)
    assert before_squashing((e / tf.reduce_sum(e, -1, keepdims=True)).op) is z
    e = tf.exp(z - tf.reduce_max(z, -1, keepdims=True))
    assert before_squashing((e / tf.reduce_sum(e, -1, keepdims=True)).op) is z
    assert before_squashing((e / tf.reduce_sum(2 * e, -1, keepdims=True)).op) is None


def test_no_logits(session):
    z = tf.placeholder(tf.float32, [None, 4], name='z')
    ends = r"logits: output 'last:0' ends in 'last' \(Relu\), no softmax or sigmoid. They may be logits already"
    with pytest.raises(GraphError, match=ends):
        _ = OpenModel(session, [z], [tf.nn.relu(z, name='last')]).logits
    with pytest.raises(GraphError, match=r"ends in 'flat' \(Reshape\), .* Take .*: 'z:0' of 'flat:0'.$"):
        _ = OpenModel(session, [z], [tf.reshape(tf.nn.softmax(z), [-1], name='flat')]).logits
    several = OpenModel(session, [z], [tf.nn.softmax(z, name='p'), tf.nn.relu(z)])
    with pytest.raises(GraphError, match=r"has 2 outputs. Take the tensor before .*: 'z:0' of 'p:0'.$"):
        _ = several.logits
    with pytest.raises(GraphError, match=r'has 2 outputs. They may be logits already: explain .outputs\[i\]'):
        _ = OpenModel(session, [z], [z + 1, z + 2]).logits


def test_placeholders_and_ends_of_a_graph(session):
    x = tf.placeholder(tf.float32, [None, 4], name='x')
    tf.placeholder(tf.bool, name='is_training')
    rate = tf.placeholder(tf.float32, (), name='rate')
    tf.constant(1.0) + 2.0
    ids = tf.placeholder(tf.int32, [None], name='ids')
    y = tf.add(x * rate, 1.0, name='y')
    tf.argmax(y, 1)
    last = tf.identity(y, name='last')
    tf.cast(ids, tf.float32, name='as_float')
    loss = tf.reduce_mean(y)
    weight = tf.Variable(tf.zeros([7]), use_resource=False)
    tf.assign(weight, loss * weight)
    tf.gradients(loss * x, x)
    assert [tensor.op.name for tensor in placeholders(session.graph)] == ['x', 'ids']
    assert [tensor.op.name for tensor in ends(session.graph)] == [last.op.name, 'as_float']
    assert [tensor.op.name for tensor in inputs_of(session.graph, [last])] == ['x']
    assert inputs_of(session.graph, [tf.constant(1.0)]) == placeholders(session.graph)


def test_whatever_a_reader_raises_is_said_of_the_file(tmp_path, monkeypatch):
    path = tmp_path / 'model.pb'
    path.write_bytes(b'')

    def reader(path, **options):
        raise KeyError('unable to determine object type')

    monkeypatch.setattr(models, 'open_frozen_graph', reader)
    message = r"model.pb' cannot be read as a model, perhaps because it is damaged: KeyError: 'unable to determine"
    with pytest.raises(ModelError, match=message):
        open_model(path)


class Unreadable(collections.abc.Sequence):
    """A sequence whose entries cannot be read."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise ValueError('no entry')


def test_specs_that_cannot_be_listed():
    recursive = []
    recursive.append(recursive)
    rows = memoryview(np.ones((2, 3)))  # a sequence that nobody can iterate over
    for inputs in (rows, [rows], {'x': rows}, Unreadable(), recursive):
        with pytest.raises(ArgumentTypeError, match='inputs must be tf.TensorSpecs here'):
            open_model(tf.identity, inputs=inputs)


def test_a_path_of_bytes(tmp_path):
    with pytest.raises(ArgumentError, match=r"nosuch.pb'"):
        open_model(str(tmp_path / 'nosuch.pb').encode())
    with tf.Graph().as_default() as graph:
        tf.identity(tf.placeholder(tf.float32, [None, 4], name='x'), name='y')
    tf.io.write_graph(graph, str(tmp_path), 'graph.pb', as_text=False)
    with open_model(str(tmp_path / 'graph.pb').encode()) as m:
        assert m.source == str(tmp_path / 'graph.pb')
        assert [t.name for t in m.inputs + m.outputs] == ['x:0', 'y:0']


def test_what_an_object_raises_when_it_is_asked_for_its_path():
    class Path:
        def __fspath__(self):
            raise RuntimeError

    with pytest.raises(ArgumentTypeError, match='source must be a path, a Keras model or a function; got Path'):
        open_model(Path())


def test_options_of_the_session_reach_it(tmp_path, session):
    config = tf.ConfigProto(allow_soft_placement=True, operation_timeout_in_ms=54321)
    X, T = trained_graph(session)
    with session.graph.as_default():
        tf.train.Saver().save(session, str(tmp_path / 'trained'))
        tf.saved_model.simple_save(session, str(tmp_path / 'saved'), {'x': X}, {'scores': T})
    with tf.Graph().as_default() as graph:
        network(tf.placeholder(tf.float32, [None, 4]))
    (tmp_path / 'graph.pb').write_bytes(graph.as_graph_def().SerializeToString())
    for source, options in [
        (tmp_path / 'trained.meta', {'outputs': [T.name]}),
        (tmp_path / 'saved', {}),
        (tmp_path / 'graph.pb', {}),
        (network, {'inputs': [SPEC]}),
    ]:
        with open_model(source, config=config, **options) as m:
            assert m.session._config.operation_timeout_in_ms == 54321
    with pytest.raises(ArgumentTypeError, match="config must be a tf.compat.v1.ConfigProto; got {'threads': 1}"):
        open_model(network, inputs=[SPEC], config={'threads': 1})


@pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning')
def test_options_of_the_session_and_keras(tmp_path):
    keras, config = keras_2(), tf.ConfigProto(operation_timeout_in_ms=54321)
    with tf.Graph().as_default(), tf.Session().as_default():
        model = keras_network(keras)
        model.save(str(tmp_path / 'model.h5'))
        with pytest.raises(ArgumentTypeError, match="is in a graph, and explained in Keras' own session: leave config"):
            open_model(model, config=config)
    with open_model(tmp_path / 'model.h5', config=config) as m:
        assert m.session._config.operation_timeout_in_ms == 54321


def test_it_is_not_pickled_and_copies_are_itself():
    with open_model(network, inputs=[SPEC]) as m:
        assert copy.copy(m) is m
        with pytest.raises(ArgumentTypeError, match='An OpenModel cannot be pickled .* in a Recipe: Recipe'):
            pickle.dumps(m)
