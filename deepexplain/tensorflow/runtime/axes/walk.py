"""One pass from X to T, op by op, in which the rows of the samples are followed; loops until nothing changes."""

from typing import Any, Dict, Iterable, Sequence

from ...compat import Operation, Tensor
from ..bodies import Bodies, handed_on, in_order, ops_of
from ..graph import ops_between
from ..hidden import BRANCHES, LOOPS, is_opened
from .kinds import KINDS
from .lengths import COMPARING, computed, is_free, lengths_of, static
from .states import Lengths, Mixed, N, Rows, Size, Unknown, at, joined, product, size
from .tables import BY_PLACE, FILLED_LISTS, OF_LISTS, OF_SHAPE, TAKE_LENGTHS

#: Passes over a loop until its variables must be known.
MOST_PASSES = 6

#: What raises here is an op in a form that its rule does not foresee: then nothing is known of it.
UNFORESEEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def rows_of_target(
    target: Tensor, inputs: Sequence[Tensor], fed_by_row: Iterable[Any] = (), fed_whole: Iterable[Any] = ()
) -> Any:
    """What is known of the rows of ``target``: Rows, Mixed, Unknown; or None where it does not depend on samples.

    Parameters
    ----------
    target : tf.Tensor
    inputs : list of tf.Tensor
        X, with the samples first.
    fed_by_row : sequence of tf.Tensor
        What else is fed with one row for each sample.
    fed_whole : sequence of tf.Tensor
        What is fed as it is in every run.
    """
    starts = [*inputs, *fed_by_row]
    known: Dict[str, Any] = {tensor.name: None for tensor in fed_whole}
    known.update((tensor.name, at(0)) for tensor in starts)
    walk = Walk(Bodies(target.graph), known, fed=[tensor.name for tensor in starts])
    walk.go(in_order({op: op.inputs for op in ops_between(target, starts)}))
    return walk.state(target)


class Walk:
    """A pass over some ops.

    Parameters
    ----------
    bodies : Bodies
    starts : dict
        Name of a tensor -> what is known of it. Of tensors that no op of the pass computes, nothing depends on samples.
    fed : iterable of str
        Those whose lengths, but for that of the samples' axis, do not depend on how many samples there are.
    """

    def __init__(self, bodies: Bodies, starts: Any, fed: Iterable[str] = ()) -> None:
        self._bodies = bodies
        self._starts, self._states, self._fed = dict(starts), dict(starts), frozenset(fed)
        self._names: Dict[Any, Any] = {}

    def go(self, ops: Iterable[Operation]) -> None:
        """Follow the rows through these ops, which are in order, but for loops of TensorFlow 1."""
        again = any(op.type == 'NextIteration' for op in ops)
        for _ in range(MOST_PASSES if again else 1):
            before = dict(self._states)
            for op in ops:
                for tensor, state in zip(op.outputs, self._outputs(op)):
                    if tensor.name not in self._starts:
                        self._states[tensor.name] = state
            if self._states == before:
                return
        if again:
            self._states.update({z.name: Unknown(op) for op in ops for z in op.outputs if z.name not in self._starts})

    def state(self, tensor: Tensor) -> Any:
        """What is known of a tensor: Rows, Lengths, Mixed, Unknown; None where it does not depend on samples."""
        return self._states.get(tensor.name)

    def sizes(self, tensor: Tensor) -> Any:
        """The lengths of a tensor's axes, None for those of which nothing is known."""
        state, found = self.state(tensor), []
        for axis, dim in enumerate(tensor.shape.as_list()):
            if isinstance(state, Rows) and axis == state.axis:
                found.append(state.outer * N * state.inner)
            elif dim is not None:
                found.append(size(dim))
            else:
                # Of what has no samples, or is fed, a length is the same whatever their number.
                is_free = state is None or tensor.name in self._fed
                own = Size(1, (f'{tensor.name}/{axis}',)) if is_free else None
                found.append(self._names.get((tensor.name, axis), own))
        return found

    def name(self, tensor: Tensor, sizes: Any) -> None:
        """Remember lengths that the graph leaves open."""
        for axis, one in enumerate(sizes):
            if one is not None and 'n' not in one.symbols:
                self._names[tensor.name, axis] = one

    def name_sizes(self, op: Operation, sources: Any = None, source: Any = None) -> None:
        """Remember open lengths of an op's output: those of axes of its input.

        ``sources`` has an axis of the input, or None, for each of the output; default: the inputs are broadcast.
        """
        out = op.outputs[0]
        found: Dict[Any, Any] = {}
        if out.shape.ndims is None or None not in out.shape.as_list():
            return
        for tensor in op.inputs if source is None and sources is None else [op.inputs[source or 0]]:
            if tensor.shape.ndims is None or isinstance(self.state(tensor), Lengths):
                continue
            shift = out.shape.ndims - tensor.shape.ndims
            known, dims = self.sizes(tensor), tensor.shape.as_list()
            axes = sources if sources is not None else [a - shift for a in range(out.shape.ndims)]
            for axis, of in enumerate(axes):
                if of is not None and 0 <= of < len(known) and dims[of] != 1:
                    found.setdefault((out.name, axis), set()).add(known[of])
        # Of two that are open, either may be 1 and broadcast.
        for place, (one, *more) in found.items():
            if one is not None and not more and 'n' not in one.symbols:
                self._names[place] = one

    def name_anew(self, op: Operation) -> None:
        """Give names to open lengths of an output that are computed of those of its first input, whatever they are."""
        if all(one is not None for one in self.sizes(op.inputs[0])):
            for axis, dim in enumerate(op.outputs[0].shape.as_list()):
                if dim is None:
                    self._names[op.outputs[0].name, axis] = Size(1, (f'{op.outputs[0].name}/{axis}',))

    def _outputs(self, op: Operation) -> Any:
        """What is known of the outputs of an op, a list."""
        states = [self.state(tensor) for tensor in op.inputs]
        if all(state is None for state in states):
            # Entries of a list that are constants may tell one place from another, beside others that are of samples.
            return [Unknown(op) if op.type in FILLED_LISTS else None] * len(op.outputs)
        try:
            found = self._found(op, states)
        except UNFORESEEN:
            found = Unknown(op)
        return found if isinstance(found, list) else [found] * len(op.outputs)

    def _found(self, op: Operation, states: Sequence[Any]) -> Any:
        if op.type in ('Shape', 'ShapeN', 'Size', 'Rank'):
            return _of_shape(self, op)
        if op.type == 'Merge':
            # In the first pass through a loop of TensorFlow 1, nothing is known of what comes round.
            come = [s for z, s in zip(op.inputs, states) if z.op.type != 'NextIteration' or z.name in self._states]
            return [joined(op, come, op.outputs[0]), None]
        if is_opened(op):
            return self._opened(op, states)
        if op.type == 'Switch' and not _is_of_all(states[1]):
            return states[0] if isinstance(states[0], Mixed) else Unknown(op)
        for kind in (Mixed, Unknown):
            bad = next((state for state in states if isinstance(state, kind)), None)
            if bad is not None:
                return bad
        if op.type in ('Enter', 'RefEnter', 'NextIteration', 'LoopCond'):
            return states[0]
        if op.type == 'Switch':
            return [states[0]] * 2
        if op.type in OF_LISTS:
            return None  # such a list is as long as an axis that is not that of samples
        if any(isinstance(state, Lengths) for state in states):
            return self._with_lengths(op, states)
        return KINDS[op.type](self, op, states)

    def _with_lengths(self, op: Operation, states: Sequence[Any]) -> Any:
        found = computed(op, states)
        if found is not None:
            return found
        if op.type in OF_SHAPE:
            return self._filled(op, states[0], None) if states[1:] in ([], [None]) else Unknown(op)
        if op.type in ('TensorListReserve', 'EmptyTensorList'):
            return None if _is_of_all(states[1]) else Unknown(op)
        if op.type in ('BroadcastTo', 'Tile') and states[0] is None:
            return self._filled(op, states[1], op.inputs[0])
        numbers = [state for state in states if isinstance(state, Lengths)]
        others = [None if isinstance(state, Lengths) else state for state in states]
        has_rows = any(isinstance(state, Rows) for state in others)
        takes_lengths = (op.type in TAKE_LENGTHS or op.type.startswith('TensorList')) and has_rows
        if not takes_lengths and not all(map(is_free, numbers)):
            if op.type in BY_PLACE and op.type not in COMPARING and any(others):
                return Mixed(op, 'uses the number of samples')
            return Unknown(op)
        return KINDS[op.type](self, op, others) if any(others) else None

    def _filled(self, op: Operation, state: Any, like: Any) -> Any:
        """Rows that are all alike: of a shape with the number of samples in it."""
        sizes = lengths_of(op.inputs[0 if like is None else 1], state)
        of_samples = [axis for axis, one in enumerate(sizes) if one is None or 'n' in one.symbols]
        if not of_samples:
            return None
        (axis,) = of_samples
        self.name(op.outputs[0], [None if a == axis else one for a, one in enumerate(sizes)])
        inner = sizes[axis].over(N)
        if like is not None:
            in_like = axis - len(sizes) + like.shape.ndims
            dim = like.shape.as_list()[in_like] if in_like >= 0 else 1
            if op.type == 'BroadcastTo' and dim != 1:
                return Unknown(op)
            inner = inner * size(dim)
        return at(axis, inner=inner)

    def _opened(self, op: Operation, states: Sequence[Any]) -> Any:
        if op.type in LOOPS:
            return self._loop(op, states)
        if op.type in BRANCHES:
            return self._branches(op, states)
        return self._in(self._bodies.called(op, [tensor.shape for tensor in op.inputs]), states, op.inputs)

    def _in(self, body: Any, states: Sequence[Any], tensors: Any = None) -> Any:
        """What is known of the outputs of a body."""
        starts = {tensor.name: state for tensor, state in zip(body.inputs, states)}
        walk = Walk(self._bodies, starts)
        for inside, outside in zip(body.inputs, tensors or ()):
            if outside.shape.ndims is not None:
                walk.name(inside, self.sizes(outside))
        walk.go(ops_of(body.outputs, body.inputs))
        return [walk.state(tensor) for tensor in body.outputs]

    def _branches(self, op: Operation, states: Sequence[Any]) -> Any:
        shapes, which = [tensor.shape for tensor in list(op.inputs)[1:]], static(op.inputs[0])
        bodies = self._bodies.branches(op, shapes)
        if isinstance(states[0], Lengths) and not is_free(states[0]):
            return Mixed(op, 'chooses by the number of samples')
        if not _is_of_all(states[0]):
            return Unknown(op)
        if which is not None:
            first = 0 if op.type in ('Case', 'StatelessCase') else 1
            bodies = [bodies[int(which) if first == 0 else int(not which)]]
        found = [self._in(body, states[1:], list(op.inputs)[1:]) for body in bodies]
        return [joined(op, states, z) for states, z in zip(zip(*found), op.outputs)]

    def _loop(self, op: Operation, states: Sequence[Any]) -> Any:
        kept = self._bodies.loop(op)
        shapes = [
            before.shape if handed_on(kept.body.outputs[i]) == kept.body.inputs[i].name else after.shape
            for i, (before, after) in enumerate(zip(op.inputs, op.outputs))
        ]
        loop = self._bodies.loop(op, shapes)
        for _ in range(MOST_PASSES):
            after = self._in(loop.body, states)
            now = [joined(op, both, z) for both, z in zip(zip(states, after), op.outputs)]
            if now == states:
                (goes_on,) = self._in(loop.cond, states)
                return states if _is_of_all(goes_on) else Unknown(op)
            states = now
        return Unknown(op)


def _of_shape(walk: Walk, op: Operation) -> Any:
    if op.type == 'Rank':
        return None
    sizes = [tuple(walk.sizes(tensor)) for tensor in op.inputs]
    if op.type == 'Size':
        known = None not in sizes[0]
        return Lengths((product(sizes[0]) if known else None,), True)
    return [Lengths(one, False) for one in sizes]


def _is_of_all(state: Any) -> bool:
    """Whether a number is the same whatever the samples and however many there are."""
    return state is None or (isinstance(state, Lengths) and is_free(state))
