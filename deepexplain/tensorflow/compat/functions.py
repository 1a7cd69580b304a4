"""The functions that ops of a graph call, and the loops and branches that are made of functions."""

from typing import Any, Callable, List, Optional, Sequence

from tensorflow.python.framework import function_def_to_graph as _function_def_to_graph
from tensorflow.python.ops import cond_v2 as _cond_v2
from tensorflow.python.ops import control_flow_ops as _control_flow_ops
from tensorflow.python.ops import while_v2 as _while_v2

from .ops import with_shape
from .types import Graph, Operation, Tensor


def is_function(graph: Graph, op_type: str) -> bool:
    """Whether ops of this type call a function of the graph (TensorFlow 1's Defun names them so)."""
    return graph._is_function(op_type)


def function_definition(graph: Graph, name: str) -> Any:
    """The FunctionDef of a function that ops of this graph call."""
    function = graph._get_function(name)
    # Since 2.13, those of tf.function have it under another name.
    return getattr(function, 'cached_definition', None) or function.definition


def function_body(graph: Graph, name: str, shapes: Optional[Sequence[Any]] = None) -> Any:
    """The body of a function that ops of this graph call: a graph of its own, with ``inputs`` and ``outputs``.

    ``shapes`` are those of its inputs, where more is known of them than the function says.
    """
    with graph.as_default():
        definition = function_definition(graph, name)
        return _function_def_to_graph.function_def_to_graph(definition, input_shapes=shapes)


def while_loop(
    cond: Callable[..., Tensor],
    body: Callable[..., Sequence[Tensor]],
    starts: Sequence[Tensor],
    shapes: Sequence[Any],
    like: Operation,
) -> List[Tensor]:
    """The loop of these functions of flat lists of tensors, as an op like the one given. Returns a list."""
    shapes = [start.shape.most_specific_compatible_shape(shape) for start, shape in zip(starts, shapes)]

    def shaped_body(*variables: Tensor) -> List[Tensor]:
        return [with_shape(tensor, shape) for tensor, shape in zip(body(*variables), shapes)]

    if like.type == 'Enter':
        context = _control_flow_ops.WhileContext(parallel_iterations=like.get_attr('parallel_iterations'))
        return list(context.BuildLoop(cond, shaped_body, starts, shapes, True))
    many = like.get_attr('parallel_iterations')
    return list(_while_v2.while_loop(cond, shaped_body, starts, shapes, parallel_iterations=many, name=like.name))


def branches_of(op: Operation, which: Tensor, branches: Sequence[Callable[[], Sequence[Tensor]]]) -> List[Tensor]:
    """The outputs of one of these functions without arguments, as an op like ``op`` chooses it. Returns a list."""
    if op.type.endswith('Case'):
        return list(_cond_v2.indexed_case(which, branches, name=op.name))
    return list(_cond_v2.cond_v2(which, *branches, name=op.name))
