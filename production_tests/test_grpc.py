"""Sessions on a server in another process: every method says the same, and a server that dies is an error."""

import os
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from job import cnn, digits
from processes import FOLDER, start

from deepexplain.tensorflow import DeepExplain, open_model

METHODS = {
    'saliency': {},
    'grad*input': {},
    'elrp': {},
    'deeplift': {'rules': 'complete'},
    'lrp': {},
    'intgrad': {'steps': 5},
    'occlusion': {'window_shape': (14, 14, 1)},
    'shapley_sampling': {'samples': 2, 'seed': 0, 'sampling_dims': [1]},
    'guided_backprop': {},
    'deconvnet': {},
    'grad_cam': {'layer': 'conv:0'},
    'conductance': {'layer': 'conv:0', 'steps': 3},
}


@pytest.fixture
def server():
    process = start(sys.executable, '-W', 'ignore', os.path.join(FOLDER, 'server.py'))
    process.address = process.stdout.readline().strip()
    assert process.address.startswith('grpc://localhost:')
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def model(tmp_path):
    with tf.Graph().as_default() as graph:
        X = tf.placeholder(tf.float32, [None, 28, 28, 1], name='x')
        tf.nn.softmax(cnn(X), name='scores')
    (tmp_path / 'frozen.pb').write_bytes(graph.as_graph_def().SerializeToString())
    with open_model(tmp_path / 'frozen.pb') as opened:
        yield opened


def explained(session, model, method, xs, **options):
    with DeepExplain(session=session) as de:
        return de.explain(method, model.logits, model.inputs[0], xs, ys=np.eye(10)[3], **options)


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')  # of elrp, at max pooling
def test_every_method_says_the_same_on_a_server(server, model):
    xs = digits(6)
    convolution = next(op for op in model.graph.get_operations() if op.type == 'Conv2D').outputs[0].name
    with tf.Session(server.address, graph=model.graph) as session:
        for method, options in METHODS.items():
            options = {k: convolution if k == 'layer' else v for k, v in options.items()}
            here = explained(model.session, model, method, xs, **options)
            there = explained(session, model, method, xs, **options)
            np.testing.assert_array_equal(there, here, err_msg=method)


def run_until(explainer, xs, deadline):
    while time.time() < deadline:
        explainer.run(xs)


def test_a_server_that_is_killed_is_an_error_and_no_hang(server, model):
    """With a time limit in the session's config: without, TensorFlow waits for the server to come back, for ever."""
    config = tf.ConfigProto(operation_timeout_in_ms=10000)
    session = tf.Session(server.address, graph=model.graph, config=config)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('intgrad', model.logits, model.inputs[0], steps=50)
    xs = digits()
    explainer.run(xs[:2])
    moment = threading.Timer(1.0, server.kill)
    moment.start()
    begin = time.time()
    with pytest.raises(tf.errors.OpError, match='(?i)deadline|unavailable|socket|connect|reset'):
        run_until(explainer, xs, begin + 100)
    assert time.time() - begin < 60
    moment.join()
    with suppress(tf.errors.OpError):  # that of a server which is gone cannot be closed
        session.close()
