"""Frozen graphs, and .meta files with their checkpoints."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import XS, assert_explained, trained_graph

from deepexplain.errors import ArgumentError, ModelError
from deepexplain.tensorflow import DeepExplain, open_model


@pytest.fixture
def checkpoint(tmp_path):
    """The path of a checkpoint without an ending."""
    with tf.Session(graph=tf.Graph()) as session:
        trained_graph(session)
        with session.graph.as_default():
            return tf.train.Saver().save(session, str(tmp_path / 'model'))


@pytest.fixture
def frozen(tmp_path):
    with tf.Session(graph=tf.Graph()) as session:
        trained_graph(session)
        graph_def = session.graph.as_graph_def()
        graph_def = tf.graph_util.convert_variables_to_constants(session, graph_def, ['probabilities'])
    path = tmp_path / 'frozen.pb'
    path.write_bytes(graph_def.SerializeToString())
    return str(path)


def test_a_frozen_graph(frozen):
    with open_model(frozen) as m:
        assert [x.name for x in m.inputs] == ['x:0']
        assert [t.name for t in m.outputs] == ['probabilities:0']
        assert_explained(m)


def test_names_choose_inputs_and_outputs(frozen):
    with open_model(frozen, inputs=['hidden'], outputs=['logits:0', 'probabilities']) as m:
        assert [x.name for x in m.inputs + m.outputs] == ['hidden:0', 'logits:0', 'probabilities:0']
        with DeepExplain(session=m.session) as de:
            hidden = np.ones((2, 6))
            assert de.explain('elrp', m.outputs[0], m.inputs[0], hidden).shape == (2, 6)


def test_a_graph_that_is_not_frozen(tmp_path):
    with tf.Session(graph=tf.Graph()) as session:
        trained_graph(session)
        (tmp_path / 'graph.pb').write_bytes(session.graph.as_graph_def().SerializeToString())
    with pytest.raises(ModelError, match=r"is not frozen: the values of its 4 variables \('w0' is the first\)"):
        open_model(tmp_path / 'graph.pb')


@pytest.mark.parametrize('ending', ['.pb', '.meta'])
def test_files_of_something_else(tmp_path, ending):
    path = tmp_path / ('noise' + ending)
    for content in (b'certainly not a graph', b''):
        path.write_bytes(content)
        with pytest.raises(ArgumentError, match=r'is not a (GraphDef|MetaGraphDef): '):
            open_model(path)


def test_a_meta_file_with_its_checkpoint(checkpoint):
    with open_model(checkpoint + '.meta', outputs=['probabilities']) as m:
        assert [x.name for x in m.inputs] == ['x:0']
        assert_explained(m)


def test_another_checkpoint(checkpoint, tmp_path):
    with tf.Session(graph=tf.Graph()) as session:
        trained_graph(session)
        with session.graph.as_default():
            session.run([v.assign(0 * v) for v in tf.global_variables()])
            other = tf.train.Saver().save(session, str(tmp_path / 'other' / 'model'), global_step=3)
    for where in [other, str(tmp_path / 'other')]:  # the checkpoint, or the latest in its directory
        with open_model(checkpoint + '.meta', outputs=['probabilities'], checkpoint=where) as m:
            np.testing.assert_allclose(m.session.run(m.outputs[0], {m.inputs[0]: XS}), 1 / 3, rtol=1e-6)


def test_a_meta_file_without_a_name(checkpoint, tmp_path):
    with tf.Session(graph=tf.Graph()) as session:
        trained_graph(session)
        with session.graph.as_default():
            tf.train.Saver().save(session, str(tmp_path / 'nameless') + '/', write_state=False)
    with open_model(tmp_path / 'nameless' / '.meta', outputs=['probabilities']) as m:
        assert_explained(m)


def test_a_meta_file_without_its_checkpoint(checkpoint, tmp_path):
    alone = tmp_path / 'alone.meta'
    alone.write_bytes((tmp_path / 'model.meta').read_bytes())
    with pytest.raises(ArgumentError, match=r"There is no checkpoint '.*alone' \(.index and .data files\)"):
        open_model(alone)


def test_a_checkpoint_of_another_network(checkpoint, tmp_path):
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        tf.Variable(1.0, name='elsewhere')
        session.run(tf.global_variables_initializer())
        other = tf.train.Saver().save(session, str(tmp_path / 'different'))
    with pytest.raises(ModelError, match=r"(?s)The checkpoint '.*different' does not fit '.*model.meta'.*w\d"):
        open_model(checkpoint + '.meta', checkpoint=other)


def test_shapes_and_gradients_that_are_not_known_here(checkpoint):
    meta_graph = tf.MetaGraphDef()
    with open(checkpoint + '.meta', 'rb') as file:
        meta_graph.ParseFromString(file.read())
    hidden = next(node for node in meta_graph.graph_def.node if node.name == 'hidden')
    hidden.attr['_gradient_op_type'].s = b'CustomGradient-of-another-process'
    hidden.attr['_output_shapes'].list.shape.add().dim.add().size = 17
    with open(checkpoint + '.meta', 'wb') as file:
        file.write(meta_graph.SerializeToString())
    with open_model(checkpoint + '.meta', outputs=['probabilities']) as m:
        assert_explained(m)
