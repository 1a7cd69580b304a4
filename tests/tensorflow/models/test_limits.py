"""Graphs in files within limits: names, constants, functions; loops without an end; memory."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import TENSORFLOW_2, XS, network

import deepexplain
from deepexplain.errors import ModelError
from deepexplain.tensorflow import DeepExplain, open_model
from deepexplain.tensorflow.compat import eagerly, freezing
from deepexplain.tensorflow.models import graph_file, limits

ROOT = os.path.dirname(os.path.dirname(deepexplain.__file__))
FLOAT = tf.float32.as_datatype_enum
only_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='needs TensorFlow 2')


def opened(graph_def, tmp_path, **options):
    (tmp_path / 'graph.pb').write_bytes(graph_def.SerializeToString())
    return open_model(tmp_path / 'graph.pb', **options)


def with_functions(calls):
    """A GraphDef of a placeholder and functions of one tensor, each of which calls those it is mapped to."""
    graph_def = tf.GraphDef()
    x = graph_def.node.add(name='x', op='Placeholder')
    x.attr['dtype'].type = FLOAT
    for name, callees in calls.items():
        function = graph_def.library.function.add()
        function.signature.name = name
        function.signature.input_arg.add(name='a', type=FLOAT)
        function.signature.output_arg.add(name='b', type=FLOAT)
        before = 'a'
        for i, callee in enumerate(callees):
            call(function.node_def.add(name=f'call{i}', input=[before]), callee)
            before = f'call{i}:output:0'
        function.node_def.add(name='relu', op='Relu', input=[before]).attr['T'].type = FLOAT
        function.ret['b'] = 'relu:activations:0'
    call(graph_def.node.add(name='y', input=['x']), next(iter(calls)))
    return graph_def


def call(node, callee):
    node.op = 'PartitionedCall'
    node.attr['Tin'].list.type.append(FLOAT)
    node.attr['Tout'].list.type.append(FLOAT)
    node.attr['f'].func.name = callee


def chain(count, times):
    return {f'f{i}': [f'f{i + 1}'] * times if i + 1 < count else [] for i in range(count)}


@pytest.mark.parametrize(
    ('calls', 'match'),
    [
        ({'f': ['f']}, "Function 'f' calls itself, at once or through others"),
        ({'f': ['g'], 'g': ['h'], 'h': ['g']}, "Function 'g' calls itself, at once or through others"),
        (chain(100, 1), "Function 'f35' calls others, which call others, more than 64 deep"),
        (chain(30, 2), r'its graph has more than 1,000,000 ops \(2.1e\+09\)'),
    ],
    ids=['itself', 'others', 'deep', 'many'],
)
def test_functions_that_call_functions(calls, match, tmp_path):
    with pytest.raises(ModelError, match=match):
        opened(with_functions(calls), tmp_path)


def test_functions_in_bounds(tmp_path):
    with opened(with_functions(chain(5, 2)), tmp_path, outputs=['y']) as m:
        assert m.session.run(m.outputs[0], {m.inputs[0]: [-1.0, 2.0]}).tolist() == [0, 2]


def test_long_names(tmp_path):
    for change in (
        lambda graph_def: graph_def.node.add(name='a' * 5000, op='NoOp'),
        lambda graph_def: graph_def.node.add(name='a', op='b' * 5000),
        lambda graph_def: setattr(graph_def.library.function[0].signature, 'name', 'f' * 5000),
    ):
        graph_def = with_functions({'f': []})
        change(graph_def)
        with pytest.raises(ModelError, match='a name in it has 5,000 characters'):
            opened(graph_def, tmp_path)


def test_constants_that_unpack_to_more(tmp_path):
    graph_def = with_functions({'f': []})
    node = graph_def.node.add(name='c', op='Const')
    node.attr['dtype'].type = FLOAT
    tensor = node.attr['value'].tensor
    tensor.dtype = FLOAT
    for _ in range(2):
        tensor.tensor_shape.dim.add(size=10**5)
    tensor.float_val.append(1.0)
    with pytest.raises(ModelError, match=r'unpacks to 4e\+04 MB'):
        opened(graph_def, tmp_path)


def endless(tmp_path):
    with eagerly():
        module = tf.compat.v2.Module()

        def run(x):
            return tf.while_loop(lambda i, y: i < 2.0, lambda i, y: (i * 1.0, y + 1), [tf.constant(1.0), x])[1]

        module.f = tf.function(run, input_signature=[tf.TensorSpec([None, 3])])
        tf.compat.v2.saved_model.save(module, str(tmp_path), signatures=module.f)


def run_in_a_process(code, *arguments):
    """In one of its own: what was begun there runs until it ends."""
    code = 'import os, sys\nfrom deepexplain.tensorflow import open_model\n' + code
    environment = dict(os.environ, PYTHONPATH=ROOT, TF_CPP_MIN_LOG_LEVEL='3')
    command = [sys.executable, '-c', code, *map(str, arguments)]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=200, check=True).stdout.decode()


@only_2
def test_a_loop_without_an_end_ends_in_a_word_and_can_be_interrupted(tmp_path):
    endless(tmp_path)
    code = """
import signal, threading, time
from deepexplain.tensorflow.models import limits
limits.PATIENCE = 2.0
try:
    open_model(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
limits.PATIENCE = 100.0
started = []
def interrupt():
    time.sleep(2)
    started.append(time.time())
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt, daemon=True).start()
try:
    open_model(sys.argv[1])
except KeyboardInterrupt:
    print('interrupted', time.time() - started[0] < 2)
"""
    said, interrupted = run_in_a_process(code, tmp_path).splitlines()
    assert said.startswith('ModelError The signature')
    assert 'took more than 2 seconds: is there a loop without an end in it?' in said
    assert interrupted == 'interrupted True'


def test_what_is_waited_for_is_returned_or_raised():
    assert limits.within_patience(lambda: 3, 'it') == 3
    with pytest.raises(KeyError, match='lost'):
        limits.within_patience(lambda: {}['lost'], 'it')


@only_2
def test_memory_is_a_few_times_the_weights(tmp_path):
    """Of a SavedModel with 50 MB: they are loaded, traced, and taken over into a session."""
    with eagerly():
        module = tf.compat.v2.Module()
        module.w = [tf.Variable(np.ones((2500, 2500), np.float32), use_resource=True) for _ in range(2)]
        spec = tf.TensorSpec([None, 2500], tf.float32, 'x')
        module.f = tf.function(lambda x: tf.matmul(tf.nn.relu(tf.matmul(x, module.w[0])), module.w[1]), [spec])
        tf.compat.v2.saved_model.save(module, str(tmp_path), signatures=module.f)
    code = """
import resource
import tensorflow as tf
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
open_model(lambda x: tf.nn.relu(x), inputs=[tf.TensorSpec([None, 2500])]).close()  # what it takes anyway
before = peak()
m = open_model(sys.argv[1])
assert m.session.run(m.outputs[0], {m.inputs[0]: [[1.0] * 2500]}).any()
print((peak() - before) / 50e6)
"""
    assert float(run_in_a_process(code, tmp_path)) < 5


@pytest.fixture
def variables(monkeypatch):
    """Even small weights become variables."""
    monkeypatch.setattr(freezing, 'LARGE', 64)
    monkeypatch.setattr(graph_file, 'MANY', 64)


def test_large_constants_of_a_frozen_graph_are_variables(tmp_path, variables):
    with tf.Graph().as_default() as graph:
        network(tf.placeholder(tf.float32, [None, 4], name='x'))
        with opened(graph.as_graph_def(), tmp_path) as m:
            assert [x.op.name for x in m.inputs] == ['x']
            assert 'VarHandleOp' in [op.type for op in m.graph.get_operations()]
            np.testing.assert_allclose(m.session.run(m.outputs[0], {m.inputs[0]: XS}), expected_of(graph), rtol=1e-5)
            with DeepExplain(session=m.session) as de:
                found = de.explain('deeplift', m.logits, m.inputs[0], XS, ys=[1, 0, 0])
    with tf.Session(graph=graph) as session, DeepExplain(session=session) as de:
        expected = de.explain('deeplift', 'logits:0', 'x:0', XS, ys=[1, 0, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_few_weights_stay_constants_that_go_along_with_the_graph(tmp_path, monkeypatch):
    monkeypatch.setattr(freezing, 'LARGE', 64)
    with tf.Graph().as_default() as graph:
        network(tf.placeholder(tf.float32, [None, 4], name='x'))
        with opened(graph.as_graph_def(), tmp_path) as m, tf.Graph().as_default() as copy:
            tf.import_graph_def(m.graph.as_graph_def(), name='')
            np.testing.assert_allclose(expected_of(copy), expected_of(graph))


def expected_of(graph):
    with tf.Session(graph=graph) as session:
        return session.run('probabilities:0', {'x:0': XS})


@only_2
def test_large_weights_are_those_of_the_moment_when_it_was_opened(variables):
    with eagerly():
        weight = tf.Variable(np.ones((64, 64), np.float32), use_resource=True)
        with open_model(lambda x: tf.matmul(x, weight), inputs=[tf.TensorSpec([None, 64])]) as m:
            weight.assign_add(np.ones((64, 64), np.float32))  # in place
            assert m.session.run(m.outputs[0], {m.inputs[0]: np.ones((1, 64))}).ravel().tolist() == [64.0] * 64
