"""Where attributions fail to add up: how much of the gap arises at which op.

With multipliers m of the inputs of an op and g of its outputs, ``sum m (z - z0) - sum g (f - f0)`` is 0 where the
rule of the op is exact. Over all ops between X and T these gaps telescope to the convergence delta.
"""

import copy
from collections import namedtuple

import numpy as np

from ...errors import ArgumentError, GraphError
from ..compat import mutation_lock, original_gradient, tf
from ..runtime.bodies import in_order, is_closure
from ..runtime.clone import BRANCHES, LOOPS, Clone, beside
from ..runtime.frames import frames_of
from ..runtime.graph import Step, hidden_ops, ops_between, steps_of
from ..runtime.op_types import is_continuous
from ..runtime.overrides import custom_gradient, gradient_rule, graph_lock
from .gradient import GradientBasedMethod, dense

#: One op: its name and type; its gap for each sample (float64 array), in the units of T; its share of all gaps, 0 to 1.
Row = namedtuple('Row', 'op type gap share')

#: What the gradient of an op is taken with.
Plan = namedtuple('Plan', 'step gradient')

#: Rows of less are left to ``.rows`` when a table is printed.
SHOWN_SHARE = 0.005
#: What a precision of so many bytes leaves of a sum, relative to it.
ROUNDING = {2: 1e-2, 4: 1e-5, 8: 1e-5}


class Leaks:
    """What :meth:`leaks` returns. Printed, it is a table.

    Attributes
    ----------
    method : str
    promise : str
        What attributions should add up to.
    delta : float64 ndarray, shape (samples,)
        The sum of each sample's attributions minus that: the sum of all gaps.
    rows : list of Row
        ``(op, type, gap, share)``, the largest share first.
    """

    def __init__(self, method, promise, names, gaps, rounding):
        self.method, self.promise, self._rounding = method, promise, rounding
        self.delta = gaps.sum(axis=1)
        sizes = np.abs(gaps).sum(axis=0)
        shares = sizes / (sizes.sum() or 1.0)
        order = np.argsort(-sizes, kind='stable')
        self.rows = [Row(*names[i], gaps[:, i], float(shares[i])) for i in order]

    def __str__(self):
        size = np.abs(self.delta).mean()
        samples = 'one sample' if len(self.delta) == 1 else f'{len(self.delta)} samples, mean'
        rounding = ', which is rounding' if size <= self._rounding else ''
        lines = [f"'{self.method}': attributions and {self.promise} differ by {size:.4g} ({samples}){rounding}."]
        shown = [row for row in self.rows if row.share >= SHOWN_SHARE]
        widths = [max([len(row[i]) for row in shown] + [4]) for i in range(2)]
        lines.append(f'  {"op":<{widths[0]}}  {"type":<{widths[1]}}  share of gaps  mean gap')
        for op, kind, gap, share in shown:
            lines.append(f'  {op:<{widths[0]}}  {kind:<{widths[1]}}  {100 * share:>11.1f} %  {gap.mean():.4g}')
        return '\n'.join(lines)

    __repr__ = __str__


class Gaps:
    """A copy of what lies between X and T, in which each op's gap is a tensor.

    Parameters
    ----------
    target : tf.Tensor
        Of the user's graph.
    inputs, between
        As those of :class:`~deepexplain.tensorflow.runtime.clone.Clone`.
    Y : tf.Tensor
        Weights of the target.
    rule : function of an op and the gradients of its outputs
    is_treated : function of a Step
        Whether the op gets that rule.
    **needed
        Further arguments of Clone. With ``baselines``, gaps are those of differences, without, of values themselves.

    Attributes
    ----------
    names : list of (name, type)
    tensors : list of scalars
        Their gaps; and, last, the sum of all attributions.
    rest : (name, type) or None
        Loops and branches, where nothing can be read: what the others leave of the delta is theirs.
    """

    def __init__(self, target, inputs, between, Y, rule, is_treated, **needed):
        self._graph, self._of_values = target.graph, 'baselines' not in needed
        clone = Clone(target, inputs, between, treated=lambda step: True, **needed)
        self._in_loops = {op for frame in frames_of(between) for op in frame.ops}
        copied = ops_between(clone.target, inputs)
        steps = {_key(graph, name): step for (graph, name), step in clone.origins.items()}
        top = steps_of(copied, inputs)
        for step in top:
            key = _key(self._graph, step.op.name)
            steps[key] = Step(steps.get(key, step).op, step.varying)
        # Found out before the rule is on, which hides the gradients that the user chose.
        self._plans = {
            key: Plan(step, rule if is_treated(step) else self._gradient_of(key, step)) for key, step in steps.items()
        }
        self._readable = readable(copied)
        self._gaps = {}  # by op of the user, in whose function body it may be
        # Behind integers and conditions no gradient is asked for, unless by name.
        behind = {op for op, varying in top if not any(is_continuous(op.inputs[i]) for i in varying)} & self._readable
        self._readable -= behind
        lost = [z for op in behind for z in op.outputs if is_continuous(z)]
        with gradient_rule(self._gradients, copied, always=True):
            gradients = tf.gradients(clone.target * Y, inputs + lost, stop_gradients=inputs)
        for z, gradient in zip(lost, gradients[len(inputs) :]):
            difference = self._differences(z.op, 'outputs')[z.value_index]
            self._note(z.op, -_products([difference], [gradient], [z]))
        baselines = needed.get('baselines', [None] * len(inputs))
        attributed = [x if b is None else x - b for x, b in zip(inputs, baselines)]
        self.names = [(op.name, op.type) for op in self._gaps]
        self.tensors = list(self._gaps.values()) + [_products(attributed, gradients[: len(inputs)], inputs)]
        closed = [op for op in between if op.type in CLOSED and op not in self._in_loops]
        closed += [op for op, types in hidden_ops(between) if op not in closed and types & CLOSED]
        self.rest = (', '.join(op.name for op in closed[:3]), closed[0].type) if closed else None

    def _gradients(self, op, *grads):
        """Gradients of the inputs of an op, as the method has them; on the way, the gap is noted."""
        key = _key(op.graph, op.name)
        if op.graph is self._graph and key not in self._plans:  # it computes something of shapes
            return [None] * len(op.inputs)
        step, gradient = self._plans[key]
        gradients = [None] * len(op.inputs) if gradient is None else gradient(op, *grads)
        gradients = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
        if op in self._readable:
            came, went = self._differences(op, 'inputs'), self._differences(op, 'outputs')
            gap = sum(_products([came[i]], [gradients[i]], [op.inputs[i]]) for i in step.varying)
            self._note(op, gap - _products(went, grads, op.outputs))
        return gradients

    def _note(self, op, gap):
        """Add to the gap of the op that this one is a copy of: the body of a function is there once for each call."""
        source = self._plans[_key(op.graph, op.name)].step.op
        self._gaps[source] = self._gaps[source] + gap if source in self._gaps else gap

    def _gradient_of(self, key, step):
        """The gradient that the user chose for an op, unless ``Clone.dropped`` it, or TensorFlow's own."""
        op = step.op
        is_copied_body = op.graph is not self._graph or (op in self._in_loops and key != _key(op.graph, op.name))
        name = None if is_copied_body and is_closure(op) else custom_gradient(op)
        return original_gradient(name or op.type)

    def _differences(self, op, which):
        """What the method attributes of each input or output of an op: its value, or what it differs by."""
        if self._of_values:
            return list(getattr(op, which))
        other = beside(op) or op
        return [z - z0 if is_continuous(z) else z for z, z0 in zip(getattr(op, which), getattr(other, which))]


def _key(graph, name):
    """What an op is known by: TensorFlow 1.15 makes graphs of bodies anew, with their names, to differentiate them."""
    return getattr(graph, 'name', None), name


#: Types of ops that hide others from whoever reads gaps, and those by which loops and branches of TensorFlow 1 end.
CLOSED = LOOPS.union(BRANCHES, ['Exit', 'Merge'])


def readable(ops):
    """Those of the ops whose inputs and outputs are numbers that a session can evaluate.

    It cannot where they are inside a loop, or in a branch that may not be taken.
    """
    inside = {op for frame in frames_of(ops) for op in frame.ops}
    depth, found = {}, set()
    for op in in_order({op: list(op.inputs) for op in ops}):
        depth[op] = max([depth.get(z.op, 0) for z in op.inputs], default=0)
        if op not in inside:
            depth[op] += (op.type == 'Switch') - (op.type == 'Merge')
        of_array = op.type.startswith(('TensorArray', 'TensorList'))
        numbers = not any(z.dtype in (tf.variant, tf.resource) for z in op.outputs)
        if numbers and depth[op] == 0 and op not in inside and op.type not in CLOSED and not of_array:
            found.add(op)
    return found


def _products(differences, multipliers, tensors):
    """The sum of all products of a difference of a tensor and its multiplier, which may be None."""
    total = tf.zeros([], tf.float64)
    for difference, multiplier, tensor in zip(differences, multipliers, tensors):
        if multiplier is not None and (difference.dtype.is_floating or difference.dtype.is_complex):
            product = tf.math.conj(difference) * dense(multiplier, tensor)
            total += tf.reduce_sum(tf.cast(tf.math.real(product), tf.float64))
    return total


class HasLeaks(GradientBasedMethod):
    """A method whose attributions are a chain of rules that each keep a sum, so that a gap arises at single ops."""

    def leaks(self, xs, ys=None, feed_dict=None):
        """At which op how much of the convergence delta arises. The first call adds to the graph.

        Of a set of ``baselines``, gaps are means. In a network that mixes samples they are those of a sample's T, of
        which other samples have their part.

        Parameters, errors: as in :meth:`run`; ``ys`` must be an array. Each sample takes a run of its own.

        Returns
        -------
        :class:`~deepexplain.tensorflow.methods.leaks.Leaks`
            Prints as a table; ``.rows`` are ``(op, type, gap, share)``, with the gap of each sample. All loops and
            branches share a row.
        """
        call = self._call(xs, ys, feed_dict)
        if call.outputs is not None:
            raise ArgumentError("leaks() takes one explanation for each sample: ys must be an array, not 'each'.")
        self._check_delta(call)
        together = self._is_together(call)
        promised = self._promised(call, call.n if together else 1)
        gaps = self._once('gaps', self._build_gaps)
        found = np.array([self._gaps_of(call, gaps, i, together) for i in range(call.n)])
        # What is left of the delta takes the place of the sum of all attributions.
        found[:, -1] -= promised + found[:, :-1].sum(axis=1)
        rounding = ROUNDING[self._target.dtype.size] * np.abs(promised).mean()
        if gaps.rest is None and np.abs(found[:, -1]).mean() <= rounding:
            found = found[:, :-1]
        return Leaks(self.name, self.promise, [*gaps.names, gaps.rest or ('elsewhere', '')], found, rounding)

    def _is_together(self, call):
        """Whether a row of T is not that of its sample alone, so that every run must have all samples."""
        if call.fixed_rows is not None and call.n != call.fixed_rows:
            self._rows(call, None)  # raises where the batch cannot be filled
            return False
        return call.n > 1 and (call.n == call.fixed_rows or not self._apart(call))

    def _build_gaps(self):
        graph = self.session.graph
        if graph.finalized:
            raise GraphError('The graph is finalized, so leaks() cannot add to it: call it once before that.')
        between = ops_between(self._target, self._inputs)
        scope = tf.name_scope('deepexplain')
        # No session may run a new loop before its gradient is built, which rewrites it.
        with graph_lock(graph), mutation_lock(graph), graph.as_default(), self._building(), scope:
            return Gaps(self._target, self._inputs, between, self.Y, **self._needed_by_gaps())

    def _needed_by_gaps(self):
        """Return further arguments of Gaps."""
        raise NotImplementedError

    def _gaps_of(self, call, gaps, i, together):
        """Gaps of one sample's T, and the sum of its attributions. No other row gets a weight."""
        weights, per_row = call.weights[0][1:] if call.weights else (1.0, False)
        of = np.arange(call.n) if together else np.array([i])
        Y = np.zeros((call.fixed_rows or len(of),) + tuple(self._row_shape(call)), self.Y.dtype.as_numpy_dtype)
        Y[i if together else 0] = weights[i] if per_row else weights
        one = copy.copy(call)
        one.weights = [(self.Y, Y, False)]
        extras = self._extras_of_gaps(call, of)
        return np.mean([one.run(gaps.tensors, of, extra=extra, trim=False) for extra in extras], axis=0)

    def _extras_of_gaps(self, call, of):
        """What the method feeds itself in each of the runs whose mean is taken."""
        return [self._extra(call, of)]
