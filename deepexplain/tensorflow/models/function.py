"""A Python function of tensors."""

from typing import Any, Callable

from ...errors import ArgumentTypeError, ModelError
from ..compat import TENSORFLOW_2, Tensor, eagerly, tf
from .opened import OpenModel
from .traced import as_specs, open_traced


def open_function(
    function: Callable[..., Any], inputs: Any = None, outputs: Any = None, config: Any = None
) -> OpenModel:
    """Open a function of one tensor for each of ``inputs``; of keywords where that is a dict.

    The default is the input_signature of a tf.function.
    """
    inputs = getattr(function, 'input_signature', None) if inputs is None else inputs
    if inputs is None:
        raise ArgumentTypeError(
            'A function needs inputs: tf.TensorSpecs, such as inputs=[tf.TensorSpec([None, 3], tf.float32)].'
        )
    specs = as_specs(inputs)
    name = f"The function '{getattr(function, '__name__', type(function).__name__)}'"

    def call(*tensors: Tensor) -> Any:
        arguments = tf.nest.pack_sequence_as(inputs, tensors)
        if isinstance(arguments, dict):
            return function(**arguments)
        return function(*arguments) if isinstance(arguments, (list, tuple)) else function(arguments)

    if TENSORFLOW_2:
        with eagerly():
            return open_traced(call, specs, outputs, name, config=config)
    graph = tf.Graph()
    with graph.as_default():
        placeholders = [tf.placeholder(spec.dtype, spec.shape, spec.name) for spec in specs]
        found = tf.nest.flatten(call(*placeholders))
        if tf.global_variables():
            raise ModelError(
                f"{name} creates variables ('{tf.global_variables()[0].name}' is the first), whose values would be "
                'random here. Explain the graph in which they were trained, without open_model.'
            )
    return OpenModel(tf.Session(graph=graph, config=config), placeholders, outputs or found)
