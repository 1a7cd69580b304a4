"""T and X of an explainer: what is refused, and the batch dimension that they fix."""

from ...errors import ArgumentError, ArgumentTypeError, GraphError
from ..compat import is_graph_tensor
from ..runtime.graph import advice_behind


def check_tensors(T, inputs, graph, integers):
    """Raise unless T and the inputs are tensors of the graph that can be read, fed and differentiated."""
    if not inputs:
        raise ArgumentError('X is an empty list: there must be at least one input tensor.')
    for name, tensor in [('T', T)] + [('X', x) for x in inputs]:
        if not is_graph_tensor(tensor):
            kind = 'a Tensorflow Tensor object' + ('' if name == 'T' else ' or a list of them')
            raise ArgumentTypeError(
                f'{name} must be {kind}; got {type(tensor).__name__}. Eager tensors, variables and Keras 3 symbols '
                'are not tensors of a graph.'
            )
        if tensor.graph is not graph:
            raise ArgumentError(
                f"{name} '{tensor.name}' belongs to another graph than the session of this DeepExplain context."
            )
        if not (tensor.dtype.is_floating or (integers and tensor is not T and tensor.dtype.is_integer)):
            raise ArgumentTypeError(
                f"{name} '{tensor.name}' must be a float tensor; it is {tensor.dtype.name}"
                + ('.' if tensor is T else f', which has no gradient: {advice_behind(T, tensor)}')
            )
    if not graph.is_fetchable(T):
        raise GraphError(f"T '{T.name}' is inside a while loop or cond and cannot be read; explain a tensor outside.")
    names = [x.name for x in inputs]
    if len(set(names)) < len(names):
        raise ArgumentError(f'X holds the same tensor twice: {names}.')
    for x in inputs:
        if not graph.is_feedable(x):
            raise GraphError(
                f"X '{x.name}' is inside a while loop or cond and cannot be fed; explain a tensor outside."
            )
        if x.shape.ndims == 0:
            raise ArgumentError(f"X '{x.name}' is a scalar: its first axis must be that of the samples.")


def fixed_rows(T, inputs):
    """The fixed batch dimension of the inputs, or else of the target; None where both leave it open."""
    fixed = {first_dimension(x) for x in inputs} - {None}
    if len(fixed) > 1:
        raise ArgumentError(f'The inputs have different fixed batch dimensions: {sorted(fixed)}.')
    return fixed.pop() if fixed else first_dimension(T)


def first_dimension(tensor):
    """The static first dimension, None where it is open or unknown or there is none."""
    return tensor.shape.as_list()[0] if tensor.shape.ndims else None
