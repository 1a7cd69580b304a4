"""Fixtures shared by all tests. Nothing here flips a switch of TensorFlow: tests run as users' code does."""

import pytest
import tensorflow.compat.v1 as tf
from hypothesis import settings

settings.register_profile('repeatable', deadline=None, derandomize=True, database=None)
settings.load_profile('repeatable')


@pytest.fixture
def session():
    """A session on a fresh graph; both are the defaults during the test."""
    graph = tf.Graph()
    with graph.as_default(), tf.Session(graph=graph) as session:
        yield session
