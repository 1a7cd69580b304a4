"""Products of matrices: what is summed up, and what is paired."""

from typing import Any, Sequence

from ...compat import Operation
from .kinds import kind, rank
from .states import Mixed, Rows, Unknown


@kind('MatMul')
def _matmul(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    found = []
    for state, name, contracted in zip(states, ('transpose_a', 'transpose_b'), (1, 0)):
        if state is not None:
            axis = 1 - state.axis if op.get_attr(name) else state.axis
            if axis == contracted:
                return Mixed(op, 'adds up the samples')
            found.append(state._replace(axis=axis))
    walk.name_sizes(op, [1 if op.get_attr('transpose_a') else 0, None])
    return found[0] if len(found) == 1 else Mixed(op, 'pairs samples with each other')


@kind('BatchMatMul', 'BatchMatMulV2', 'BatchMatMulV3')
def _batch_matmul(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    out, found = rank(op.outputs[0]), set()
    for tensor, state, name, contracted in zip(op.inputs, states, ('adj_x', 'adj_y'), (1, 0)):
        if state is None:
            continue
        of_matrix = state.axis - (rank(tensor) - 2)
        if of_matrix >= 0:
            of_matrix = 1 - of_matrix if op.get_attr(name) else of_matrix
            if of_matrix == contracted:
                return Mixed(op, 'adds up the samples')
        axis = out - 2 + of_matrix if of_matrix >= 0 else state.axis + out - rank(tensor)
        found.add(state._replace(axis=axis))
    if len(found) > 1:
        return Mixed(op, 'pairs samples with each other')
    (rows,) = found
    if rows.axis < out - 2:
        for tensor, state in zip(op.inputs, states):
            axis = rows.axis - out + rank(tensor)
            if state is None and axis >= 0 and tensor.shape.as_list()[axis] != 1:
                return Unknown(op)
    elif None not in states:
        return Mixed(op, 'pairs samples with each other')
    if rank(op.inputs[0]) == out and not op.get_attr('adj_x'):
        walk.name_sizes(op, [*range(out - 1), None])
    return rows


@kind('Einsum')
def _einsum(walk: Any, op: Operation, states: Sequence[Any]) -> Any:
    sides = op.get_attr('equation').decode().replace(' ', '').split('->')
    terms, result = sides[0].split(','), sides[1]
    terms = [_without_dots(term, rank(tensor)) for term, tensor in zip(terms, op.inputs)]
    result = _without_dots(result, rank(op.outputs[0]))
    if any(len(set(term)) < len(term) for term in [*terms, result]):
        return Unknown(op)  # a diagonal
    labels = {(term[state.axis], state.outer, state.inner) for term, state in zip(terms, states) if state is not None}
    if len(labels) > 1:
        return Mixed(op, 'pairs samples with each other')
    ((label, outer, inner),) = labels
    if label not in result:
        return Mixed(op, 'adds up the samples')
    if any(state is None and label in term for term, state in zip(terms, states)):
        return Unknown(op)
    return Rows(result.index(label), outer, inner)


def _without_dots(term: str, axes: Any) -> str:
    """A term of an equation with a digit for each axis that its dots stand for, counted from the right."""
    count = axes - len(term.replace('...', ''))
    return term.replace('...', ''.join(str(i) for i in reversed(range(count))))
