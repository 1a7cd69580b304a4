"""Names for objects of TensorFlow in annotations. TensorFlow 1.15 has no types, and later ones too few to check."""

from typing import Any

__all__ = ['Graph', 'Operation', 'Session', 'Tensor']

#: A tf.Tensor of a graph.
Tensor = Any

#: A tf.Operation.
Operation = Any

#: A tf.Graph.
Graph = Any

#: A tf.compat.v1.Session.
Session = Any
