"""The command line as a function, and models for it that every TensorFlow reads."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from click.testing import CliRunner
from sources import trained_graph

from deepexplain.command.cli import cli


def frozen_at(path, build, outputs):
    """Write the graph that a function builds in a session."""
    with tf.Session(graph=tf.Graph()) as session:
        build(session)
        graph_def = tf.graph_util.convert_variables_to_constants(session, session.graph.as_graph_def(), outputs)
    path.write_bytes(graph_def.SerializeToString())
    return str(path)


@pytest.fixture
def deepexplain(monkeypatch):
    """A function of arguments: what the command line gives for them, with stdout, stderr and exit_code."""
    monkeypatch.setenv('TF_CPP_MIN_LOG_LEVEL', '3')

    def run(*arguments):
        try:
            runner = CliRunner(mix_stderr=False)
        except TypeError:  # since click 8.2 they are apart
            runner = CliRunner()
        return runner.invoke(cli, list(map(str, arguments)))

    return run


@pytest.fixture(scope='session')
def classifier(tmp_path_factory):
    """Four numbers, three classes; see sources.network."""
    return frozen_at(tmp_path_factory.mktemp('models') / 'frozen.pb', trained_graph, ['probabilities'])


@pytest.fixture(scope='session')
def two_inputs(tmp_path_factory):
    """T = 2 left + 3 right, summed: nothing but two inputs of different widths."""

    def build(session):
        with session.graph.as_default():
            left = tf.placeholder(tf.float32, [None, 3], name='left')
            right = tf.placeholder(tf.float32, [None, 2], name='right')
            tf.add(2 * tf.reduce_sum(left, 1), 3 * tf.reduce_sum(right, 1), name='out')

    return frozen_at(tmp_path_factory.mktemp('models') / 'two.pb', build, ['out'])


def model_of_images(folder, shape):
    """T: the sum of each image, and twice that; X has this shape."""

    def build(session):
        with session.graph.as_default():
            x = tf.placeholder(tf.float32, shape, name='x')
            total = tf.reduce_sum(x, list(range(1, len(shape))))
            tf.stack([total, 2 * total], axis=1, name='out')

    return frozen_at(folder / 'images.pb', build, ['out'])


@pytest.fixture
def images(tmp_path):
    """A function of a shape: a model that takes such images."""
    return lambda *shape: model_of_images(tmp_path, shape)


@pytest.fixture
def samples(tmp_path):
    """A function of a name and an array: the path of such a file."""

    def write(name, array):
        np.save(tmp_path / name, array)
        return str(tmp_path / name)

    return write
