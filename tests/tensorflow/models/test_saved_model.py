"""SavedModels, of TensorFlow 1 (a graph and signatures) and of TensorFlow 2 (functions)."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import TENSORFLOW_2, XS, assert_explained, network, probabilities, trained_graph

from deepexplain.errors import ArgumentError, ModelError
from deepexplain.tensorflow import DeepExplain, open_model
from deepexplain.tensorflow.compat import eagerly, saved_model_loader

only_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='needs TensorFlow 2')
SPEC = tf.TensorSpec([None, 4], tf.float32, 'x')


def save_graph(path, tags=('serve',), signatures=('serving_default',)):
    builder = tf.saved_model.Builder(str(path))
    for i, tag in enumerate(tags):
        with tf.Session(graph=tf.Graph()) as session:
            X, T = trained_graph(session)
            with session.graph.as_default():
                info = tf.saved_model.utils.build_tensor_info
                signature = tf.saved_model.signature_def_utils.build_signature_def(
                    {'features': info(X)}, {'scores': info(T), 'logits': info(T.op.inputs[0])}, 'predict'
                )
                known = dict.fromkeys(signatures, signature)
                if i:
                    builder.add_meta_graph([tag], signature_def_map=known)
                else:
                    builder.add_meta_graph_and_variables(session, [tag], signature_def_map=known)
    builder.save()
    return str(path)


class Module:
    """What tf.saved_model.save takes, made in each test because it must be built eagerly."""

    def __new__(cls):
        module = tf.compat.v2.Module()
        module.bias = tf.Variable([1.0, 2.0, 3.0])
        module.__call__ = tf.function(lambda x: network(x), input_signature=[SPEC])
        module.shifted = tf.function(lambda x: {'a': network(x) + module.bias, 'b': x}, input_signature=[SPEC])
        return module


@pytest.mark.filterwarnings('ignore:.*build_tensor_info:DeprecationWarning')
def test_a_graph_of_tensorflow_1(tmp_path):
    with open_model(save_graph(tmp_path / 'model')) as m:
        assert [x.name for x in m.inputs] == ['x:0']
        assert [t.name for t in m.outputs] == ['logits:0', 'probabilities:0']  # in the order of their keys
        assert m.tensor('scores') is m.tensor('probabilities') is m.outputs[1]
    with open_model(tmp_path / 'model', outputs=['scores']) as m:
        assert_explained(m)


def test_the_file_in_the_directory(tmp_path):
    with open_model(save_graph(tmp_path / 'model') + '/saved_model.pb', outputs=['scores']) as m:
        assert_explained(m)


def test_several_graphs_need_tags(tmp_path):
    path = save_graph(tmp_path / 'model', tags=['train', 'gpu'])
    with pytest.raises(ArgumentError, match=r"has no graph of the tags \['serve'\]: give tags, one of \[\['train'\]"):
        open_model(path)
    with open_model(path, tags=['gpu'], outputs=['scores']) as m:
        assert_explained(m)


def test_several_signatures(tmp_path):
    path = save_graph(tmp_path / 'model', signatures=['one', 'two'])
    with pytest.raises(ArgumentError, match=r"has the signatures \['one', 'two'\]; give one as 'signature'"):
        open_model(path)
    with pytest.raises(ArgumentError, match=r"there is no 'three'"):
        open_model(path, signature='three')
    with open_model(path, signature='two', outputs=['scores']) as m:
        assert_explained(m)


def test_no_signature(tmp_path):
    path = save_graph(tmp_path / 'model', signatures=[])
    with open_model(path) as m:
        assert_explained(m)
    with pytest.raises(ArgumentError, match='has no signatures: name the tensors by inputs and outputs'):
        open_model(path, signature='serving_default')


def test_a_directory_of_something_else(tmp_path):
    (tmp_path / 'notes.txt').write_text('hello')
    with pytest.raises(ArgumentError, match=r'is not a SavedModel: .* In it are: notes.txt'):
        open_model(tmp_path)


@only_2
def test_functions_of_tensorflow_2(tmp_path):
    with eagerly():
        module = Module()
        signatures = {'first': module.__call__, 'other': module.shifted}
        tf.compat.v2.saved_model.save(module, str(tmp_path), signatures=signatures)
    with open_model(tmp_path, signature='first') as m:
        assert_explained(m)
    with open_model(tmp_path, signature='other') as m:
        found = m.session.run(m.tensor('a'), {m.tensor('x'): XS})
        np.testing.assert_allclose(found, probabilities(XS) + [1, 2, 3], rtol=1e-4)
    with pytest.raises(ArgumentError, match=r"has the signatures \['__call__', 'first', 'other', 'shifted'\]"):
        open_model(tmp_path)


@only_2
def test_strings_beside_scores(tmp_path):
    with eagerly():
        module = tf.compat.v2.Module()
        names = tf.constant(['one', 'two', 'three'])
        module.f = tf.function(
            lambda x: {
                'class': tf.gather(names, tf.argmax(network(x), 1)),
                'version': tf.constant('v1'),
                'y': network(x),
            },
            input_signature=[SPEC],
        )
        tf.compat.v2.saved_model.save(module, str(tmp_path), signatures=module.f)
    with open_model(tmp_path) as m:
        found, version = m.session.run([m.tensor('class'), m.tensor('version')], {m.inputs[0]: XS})
        assert found.tolist() == [[b'one', b'two', b'three'][i] for i in probabilities(XS).argmax(axis=1)]
        assert version == b'v1'
    with open_model(tmp_path, outputs=['y']) as m:
        assert_explained(m)


@only_2
def test_functions_without_signatures(tmp_path):
    with eagerly():
        tf.compat.v2.saved_model.save(Module(), str(tmp_path))
    with open_model(tmp_path, signature='__call__') as m:
        assert_explained(m)


@only_2
def test_neither_signatures_nor_functions(tmp_path):
    with eagerly():
        module = tf.compat.v2.Module()
        module.weight = tf.Variable(1.0)
        tf.compat.v2.saved_model.save(module, str(tmp_path))
    with pytest.raises(
        ArgumentError, match='has no signature, nor a function with one. Load it by tf.saved_model.load'
    ):
        open_model(tmp_path)


@only_2
def test_specs_fix_open_dimensions(tmp_path):
    with eagerly():
        module = tf.compat.v2.Module()
        module.f = tf.function(lambda x: tf.reduce_sum(x, 1), input_signature=[tf.TensorSpec([None, None], tf.float32)])
        tf.compat.v2.saved_model.save(module, str(tmp_path), signatures=module.f)
    with open_model(tmp_path, inputs=[tf.TensorSpec([None, 3], tf.float32)]) as m, DeepExplain(session=m.session) as de:
        assert m.inputs[0].shape.as_list() == [None, 3]
        assert de.explain('grad*input', m.outputs[0], m.inputs[0], [[1, 2, 3]]).tolist() == [[1, 2, 3]]


@pytest.mark.skipif(TENSORFLOW_2, reason='only TensorFlow 1 cannot load it')
def test_tensorflow_1_says_what_it_needs(tmp_path):
    path = save_graph(tmp_path / 'model')
    saved = saved_model_loader(path)[0]._saved_model
    saved.meta_graphs[0].object_graph_def.nodes.add()
    (tmp_path / 'model' / 'saved_model.pb').write_bytes(saved.SerializeToString())
    with pytest.raises(ModelError, match=r'is a SavedModel of TensorFlow 1.15.5: it needs TensorFlow 2 \(here'):
        open_model(path)
