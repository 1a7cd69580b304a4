"""A copy of what lies between X and T, in the same graph, in which nothing is hidden from a rule.

Calls of functions become the ops of their bodies, and loops and branches are made anew of copied ops. So an
activation takes the method's rule wherever it was, TensorFlow has a gradient for all of it, and what building that
gradient rewrites (the ops of loops and branches) is ours and has never run. X, the weights, and all that does not
depend on X are those of the user's graph.

Two things of a function body are not in the copy: what its ops wait for (assertions; an assignment before a read is an
error), and custom gradients, which know the tensors of that body (a warning).

With baselines, the copy computes everything twice, at X and at the baseline, in the same loops and branches: inside
them, the one is as near as the other. What is the same for both is computed once.
"""

from collections import namedtuple

from ...errors import GraphError
from ..compat import branches_of, copied_op, function_body, is_function, text_attr, tf, while_loop, with_shape
from .activations import ACTIVATIONS
from .bodies import check_writes, handed_on, in_order, is_closure, loop_variables, loses_gradient, ops_of
from .frames import Frame, Loop, frames_of
from .graph import OF_SHAPES, Step, ancestors, hidden_ops
from .overrides import GRADIENT_NAME, takes_rule

LOOPS = frozenset(['While', 'StatelessWhile'])
#: Op types that run one of several bodies -> the attributes that name these, in the order of cond_v2.
BRANCHES = {
    'If': ('then_branch', 'else_branch'),
    'StatelessIf': ('then_branch', 'else_branch'),
    'Case': ('branches',),
    'StatelessCase': ('branches',),
}
CALLS = frozenset(['PartitionedCall', 'StatefulPartitionedCall'])

#: What is written once: the copy has its own at the baseline.
ARRAYS = frozenset(['TensorArrayV3'])

#: Ops that make loops and branches of TensorFlow 1.
OF_FRAMES = frozenset('Enter Exit LoopCond Merge NextIteration Switch'.split())

#: Attribute of a copied activation: the name of the op, in its graph, that computes what its rule needs besides.
BESIDE = '_deepexplain_beside'


def beside(op):
    """The op whose outputs a rule needs besides those of the copied activation ``op``, or None.

    Given ``baselines``, that is the same activation at the baseline; given ``beside``, an identity of that tensor.
    """
    name = text_attr(op, BESIDE)
    return None if name is None else op.graph.get_operation_by_name(name)


def is_opened(op):
    """Whether a copy shows what is in the functions that the op calls."""
    return op.type in LOOPS or op.type in BRANCHES or op.type in CALLS or is_function(op.graph, op.type)


def hides_activations(ops):
    """Whether any activation among or under these ops is in a loop or branch, where nothing can be fetched."""
    if any(op.type in ACTIVATIONS and not op.graph.is_fetchable(op.outputs[0]) for op in ops):
        return True
    if any(op.type in ACTIVATIONS for frame in frames_of(ops) for op in frame.ops.intersection(ops)):
        return True  # TensorFlow does not know it of a loop that was imported
    inside = LOOPS.union(BRANCHES, OF_FRAMES)
    return any(types & set(ACTIVATIONS) and inside & types.union([op.type]) for op, types in hidden_ops(ops))


def is_frozen(op):
    """Whether the op is of a loop in a GraphDef, which does not say what TensorFlow needs to differentiate it."""
    return op.type == 'Enter' and op._get_control_flow_context() is None


class Value(namedtuple('Value', 'at_x at_baseline of_x')):
    """What the copy has for a tensor: two tensors, or twice the same; and whether it is computed from X."""

    @property
    def differs(self):
        """Whether the value at the baseline is another than that at X."""
        return self.at_x is not self.at_baseline


class Clone:
    """The copy.

    Parameters
    ----------
    target : tf.Tensor
        What the copy computes.
    inputs : list of tf.Tensor
        What it is computed from.
    between : list of tf.Operation
        The ops between these, in order.
    baselines : list of tf.Tensor, optional
        One for each input, of the same shape.
    beside : tf.Tensor, optional
        What the rule of an activation reads besides.
    treated : function of a Step, optional
        Whether the op takes the rule, whatever gradient the user chose for it; default: see ``takes_rule``.

    Attributes
    ----------
    target : tf.Tensor
        The copy of the target.
    sources : list of Step
        What computes the target from the inputs: ops of the graph, and those of function bodies.
    origins : dict
        Graph and name of a copied op at x -> the Step that it is a copy of.
    dropped : list of tf.Operation
        Ops of function bodies whose custom gradient the copy is without, as that knows the body's own tensors.

    Raises
    ------
    GraphError
        With baselines: the way through a loop or branch depends on the values of X. In a function body, a variable
        is assigned before it is read.
    """

    def __init__(self, target, inputs, between, baselines=None, beside=None, treated=None):
        self.sources, self.dropped, self.origins = [], [], {}
        self._beside, self._treated = beside, treated or (lambda step: takes_rule(step.op))
        self._graph = target.graph
        self._bodies = {}  # name of a function -> its body
        self._copies = {}  # name of an op of the graph -> its copy
        self._twice = baselines is not None
        self._in_frame = False  # whether ops of the graph are read as the body of a loop
        values = {x.name: Value(x, baseline, True) for x, baseline in zip(inputs, baselines or inputs)}
        self._copy(between, [target], values)
        self.target = with_shape(values[target.name].at_x, target.shape)

    def _copy(self, ops, targets, values):
        """Add to ``values``, which are kept by the name of a tensor, those that ``ops`` compute for the targets."""
        used = {tensor.name for tensor in targets}.union(tensor.name for op in ops for tensor in op.inputs)
        frames = [frame for frame in frames_of(ops) if self._is_copied(frame, set(ops))]
        inside = {op for frame in frames for op in frame.ops}
        frame_of = {exit_op: frame for frame in frames for exit_op in frame.exits}
        reads = {op: frame_of.get(op, op).inputs for op in ops if op not in inside}
        for op in in_order(reads):
            inputs = [self._value(tensor, values) for tensor in reads[op]]
            if op in frame_of:
                frame = frame_of[op]
                ends = [end for end in frame.exits if end.outputs[0].name in used]
                if any(end.outputs[0].name not in values for end in ends):  # once, for all of its exits
                    at_end = self._loop(frame, inputs, [frame.exits[end] for end in ends])
                    for end, value in zip(ends, at_end):
                        values[end.outputs[0].name] = value
                        self._note(end, value)
                continue
            wanted = [i for i, tensor in enumerate(op.outputs) if tensor.name in used]
            for i, value in zip(wanted, self._outputs(op, inputs, wanted)):
                values.setdefault(op.outputs[i].name, value)  # one that is X stays X
                self._note(op, value)

    def _note(self, op, value):
        """Remember the copy of an op of the graph, for those that wait for it."""
        if op.graph is self._graph and not self._in_frame:
            self._copies[op.name] = value.at_x.op

    def _is_copied(self, frame, ops):
        """Whether a loop of TensorFlow 1 must be made anew."""
        copied = any(is_opened(op) or is_frozen(op) for op in ancestors(frame.inputs, []) | frame.ops if op in ops)
        return copied or self._twice or self._in_frame

    def _value(self, tensor, values):
        if tensor.name not in values:
            # An array is written once, so there must be one for the baseline.
            anew = self._twice and tensor.op.type in ARRAYS
            outputs = [Value(z, z, False) for z in tensor.op.outputs]
            if anew:
                outputs = self._plain(tensor.op, [self._value(z, values) for z in tensor.op.inputs])
            for z, value in zip(tensor.op.outputs, outputs):
                values.setdefault(z.name, value)
        return values[tensor.name]

    def _outputs(self, op, inputs, wanted):
        if not is_opened(op):
            outputs = self._plain(op, inputs)
            return [outputs[i] for i in wanted]
        if op.type in LOOPS:
            return self._loop(self._while(op), inputs, wanted)
        if op.type in BRANCHES:
            return self._branches(op, inputs, wanted)
        return self._call(self._called(op), inputs, wanted)

    def _plain(self, op, inputs):
        """The same op of other inputs, twice if they differ at the baseline."""
        if op.type == 'Switch':
            _check_branch(op, inputs[1])
        step = Step(op, [i for i, value in enumerate(inputs) if value.of_x])
        of_x = bool(step.varying) and op.type not in OF_SHAPES
        takes = of_x and self._treated(step)
        if of_x:
            self.sources.append(step)
        at_baseline, attrs = None, None
        anew = self._twice and op.type in ARRAYS
        if anew or (any(value.differs for value in inputs) and op.type not in OF_SHAPES):
            at_baseline = self._op_of(op, [value.at_baseline for value in inputs], {} if anew else None)
            if takes:
                attrs = {BESIDE: at_baseline.name}
        elif self._beside is not None and takes and tf.get_default_graph() is not self._graph:
            # In its body: the gradient of a loop of TensorFlow 1.15 takes no tensor from outside.
            attrs = {BESIDE: tf.identity(self._beside).op.name}
        at_x = self._op_of(op, [value.at_x for value in inputs], attrs, takes)
        self.origins[at_x.graph, at_x.name] = step
        return [Value(*both, of_x) for both in zip(at_x.outputs, (at_baseline or at_x).outputs)]

    def _op_of(self, op, inputs, attrs=None, takes=False):
        """The op with these inputs: itself if it has them, and is asked for no attributes.

        ``takes`` says whether it takes the rule.
        """
        of_graph = op.graph is self._graph and not self._in_frame
        if of_graph and attrs is None and all(a.name == b.name for a, b in zip(inputs, op.inputs)):
            return op
        if op.type in OF_FRAMES and self._in_frame:
            raise GraphError(
                f"Op '{op.name}' ({op.type}) is part of a cond in a while loop of TensorFlow 1 and cannot be copied, "
                "as deeplift needs, and every method where the loop was frozen. Use 'occlusion' or 'shapley_sampling'; "
                "or 'intgrad', if the loop was not frozen."
            )
        if takes:
            attrs = dict(attrs or {}, _gradient_op_type=GRADIENT_NAME)
        elif not of_graph and is_closure(op):
            attrs = {'_gradient_op_type': None}
            self.dropped.extend([op] if loses_gradient(op) else [])
        control = [self._copies.get(other.name, other) for other in op.control_inputs] if of_graph else []
        return copied_op(op, inputs, control, attrs)

    def _body(self, name):
        if name not in self._bodies:
            self._bodies[name] = function_body(self._graph, name)
        return self._bodies[name]

    def _called(self, op):
        return self._body(op.get_attr('f').name if op.type in CALLS else op.type)

    def _call(self, body, inputs, wanted):
        """Values of some outputs of a body."""
        outputs = [body.outputs[i] for i in wanted]
        check_writes(outputs, body.inputs)
        values = dict(zip((tensor.name for tensor in body.inputs), inputs))
        self._copy(ops_of(outputs, body.inputs), outputs, values)
        return [values[tensor.name] for tensor in outputs]

    def _while(self, op):
        cond, body = (self._body(op.get_attr(name).name) for name in ('cond', 'body'))
        return Loop(op, cond, body, [output.shape for output in op.outputs])

    def _loop(self, loop, inputs, wanted):
        op, cond, body = loop.op, loop.cond, loop.body
        kept = {i for i in range(len(inputs)) if handed_on(body.outputs[i]) == body.inputs[i].name}
        variables = [i for i in loop_variables(cond, body, wanted) if i not in kept]
        differ = self._spread(body, {i for i, value in enumerate(inputs) if value.differs}, variables)
        of_x = self._spread(body, {i for i, value in enumerate(inputs) if value.of_x}, variables)
        pairs = _Pairs([i in differ for i in variables], [i in of_x for i in variables])

        def state(tensors):
            now = dict(zip(variables, pairs.values(tensors)))
            return [now.get(i, value) for i, value in enumerate(inputs)]

        def goes_on(*tensors):
            (value,) = self._in(loop, cond, state(tensors), [0])
            if value.differs:
                raise GraphError(
                    f"How many steps the loop of op '{op.name}' ({op.type}) makes depends on the values of X, so it "
                    "may make another number at the baseline, and the activations in it have no reference. Use 'elrp' "
                    "or 'intgrad'."
                )
            return value.at_x

        def step(*tensors):
            return pairs.tensors(self._in(loop, body, state(tensors), variables))

        starts, shapes = pairs.tensors([inputs[i] for i in variables]), [loop.shapes[i] for i in variables]
        ends = while_loop(goes_on, step, starts, pairs.each(shapes), op)
        at_end = state(ends)
        return [at_end[i] for i in wanted]

    def _in(self, loop, body, inputs, wanted):
        """Values of some outputs of a body of a loop."""
        before, self._in_frame = self._in_frame, isinstance(loop, Frame)
        try:
            return self._call(body, inputs, wanted)
        finally:
            self._in_frame = before

    def _branches(self, op, inputs, wanted):
        functions = [op.get_attr(name) for name in BRANCHES[op.type]]
        bodies = [self._body(f.name) for f in (functions[0] if isinstance(functions[0], list) else functions)]
        which, inputs = inputs[0], inputs[1:]
        _check_branch(op, which)
        differ = {i for i, value in enumerate(inputs) if value.differs}
        of_x = {i for i, value in enumerate(inputs) if value.of_x}
        pairs = _Pairs(
            *[[any(self._differs(body, those, i) for body in bodies) for i in wanted] for those in (differ, of_x)]
        )

        def branch(body):
            return lambda: pairs.tensors(self._call(body, inputs, wanted))

        return pairs.values(branches_of(op, which.at_x, [branch(body) for body in bodies]))

    def _spread(self, body, start, variables):
        """Indices of the variables of a loop that depend on those in ``start``, be it many steps later."""
        found, before = set(start), None
        while found != before:
            before = set(found)
            found.update(i for i in variables if self._differs(body, before, i))
        return found

    def _differs(self, body, differ, i):
        """Whether output ``i`` of a body is another at the baseline where the inputs in the set ``differ`` are."""
        names, before = {body.inputs[i].name for i in differ}, set()
        ops = ops_of([body.outputs[i]], body.inputs)
        while names - before:  # once and again, as a loop of TensorFlow 1 goes in a circle
            before = set(names)
            for op in ops:
                names.update(self._differing(op, names))
        return body.outputs[i].name in names

    def _differing(self, op, names):
        """Names of the outputs of an op that are others at the baseline where the tensors of these names are."""
        if op.type in ARRAYS:
            return [tensor.name for tensor in op.outputs]
        those = {i for i, tensor in enumerate(op.inputs) if tensor.name in names}
        if not those or op.type in OF_SHAPES:
            return []
        outputs = range(len(op.outputs))
        if is_opened(op) and op.type not in LOOPS and op.type not in BRANCHES:
            outputs = [i for i in outputs if self._differs(self._called(op), those, i)]
        return [op.outputs[i].name for i in outputs]


class _Pairs:
    """Values as a flat list of tensors and back: both tensors of a value for which ``differ`` says so, else one.

    ``of_x`` says which of the values are computed from X.
    """

    def __init__(self, differ, of_x):
        self._differ, self._of_x = differ, of_x

    def tensors(self, values):
        return [t for value, both in zip(values, self._differ) for t in (value[:2] if both else value[:1])]

    def each(self, entries):
        return [entry for entry, both in zip(entries, self._differ) for _ in range(1 + both)]

    def values(self, tensors):
        rest = iter(tensors)
        at_x = [(next(rest), next(rest)) if both else (next(rest),) * 2 for both in self._differ]
        return [Value(*both, of_x) for both, of_x in zip(at_x, self._of_x)]


def _check_branch(op, which):
    if which.differs:
        raise GraphError(
            f"Which branch op '{op.name}' ({op.type}) takes depends on the values of X, so it may be another at the "
            "baseline, and the activations in it have no reference. Use 'elrp' or 'intgrad'."
        )
