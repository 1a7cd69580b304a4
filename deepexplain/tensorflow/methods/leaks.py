"""Where attributions fail to add up: how much of the gap arises at which op.

With multipliers m of the inputs of an op and g of its outputs, ``sum m (z - z0) - sum g (f - f0)`` is 0 where the
rule of the op is exact. Over all ops between X and T these gaps telescope to the convergence delta.
"""

import copy
from collections import namedtuple

import numpy as np

from ...errors import ArgumentError, GraphError
from ..compat import mutation_lock, original_gradient, tf
from ..runtime.clone import BRANCHES, LOOPS, OF_FRAMES, Clone, beside
from ..runtime.graph import ops_between
from ..runtime.overrides import custom_gradient, gradient_rule, graph_lock
from .gradient import GradientBasedMethod

#: One op: its name and type; its gap for each sample (float64 array), in the units of T; its share of all gaps, 0 to 1.
Row = namedtuple('Row', 'op type gap share')

#: Rows of less are left to ``.rows`` when a table is printed.
SHOWN_SHARE = 0.005
#: What single precision leaves of a sum, relative to it.
ROUNDING = 1e-5


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

    def __init__(self, method, promise, names, gaps, promised):
        self.method, self.promise, self._promised = method, promise, promised
        self.delta = gaps.sum(axis=1)
        sizes = np.abs(gaps).sum(axis=0)
        shares = sizes / (sizes.sum() or 1.0)
        order = np.argsort(-sizes, kind='stable')
        self.rows = [Row(*names[i], gaps[:, i], float(shares[i])) for i in order]

    def __str__(self):
        size = np.abs(self.delta).mean()
        samples = 'one sample' if len(self.delta) == 1 else f'{len(self.delta)} samples, mean'
        rounding = ', which is rounding' if size <= ROUNDING * np.abs(self._promised).mean() else ''
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
    """

    def __init__(self, target, inputs, between, Y, rule, is_treated, **needed):
        self._rule, self._is_treated, self._of_values = rule, is_treated, 'baselines' not in needed
        self._gaps = {}
        clone = Clone(target, inputs, between, treated=lambda step: True, **needed)
        self._steps = {(step.op.graph, step.op.name): step for step in clone.sources}
        self._steps.update(clone.origins)
        with gradient_rule(self._gradients, between, always=True):
            gradients = tf.gradients(clone.target * Y, inputs, stop_gradients=inputs)
        baselines = needed.get('baselines', [None] * len(inputs))
        differences = [x if b is None else x - b for x, b in zip(inputs, baselines)]
        self.names = list(self._gaps)
        self.tensors = [self._gaps[name] for name in self.names] + [_products(zip(differences, gradients))]
        opened = [op for op in between if op.type in LOOPS or op.type in BRANCHES or op.type == 'Exit']
        if opened:  # what is inside cannot be read: it is what the others leave of the delta
            self.names.append((', '.join(op.name for op in opened[:3]), opened[0].type))
            self.tensors.insert(-1, tf.zeros([], tf.float64))
        self.has_rest = bool(opened)

    def _gradients(self, op, *grads):
        """Gradients of the inputs of an op, as the method has them; on the way, the gap is noted."""
        step = self._steps[op.graph, op.name]
        if self._is_treated(step):
            gradients = self._rule(op, *grads)
        else:
            function = original_gradient(custom_gradient(step.op) or op.type)
            gradients = [None] * len(op.inputs) if function is None else function(op, *grads)
        gradients = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
        if op.type not in OF_FRAMES and op.graph.is_fetchable(op.outputs[0]) and tf.get_default_graph() is op.graph:
            came = [(self._difference(op, op.inputs, i), g) for i, g in enumerate(gradients) if i in step.varying]
            went = [(self._difference(op, op.outputs, i), g) for i, g in enumerate(grads)]
            self._gaps[step.op.name, step.op.type] = _products(came) - _products(went)
        return gradients

    def _difference(self, op, tensors, i):
        other = beside(op)
        if self._of_values:
            return tensors[i]
        if other is None:
            return tf.zeros_like(tensors[i])
        return tensors[i] - (other.inputs if tensors is op.inputs else other.outputs)[i]


def _products(pairs):
    """The sum of all products of a difference and its multiplier, which may be None."""
    total = tf.zeros([], tf.float64)
    for difference, multiplier in pairs:
        if multiplier is not None and (difference.dtype.is_floating or difference.dtype.is_complex):
            product = tf.math.conj(difference) * tf.convert_to_tensor(multiplier)
            total += tf.reduce_sum(tf.cast(tf.math.real(product), tf.float64))
    return total


class HasLeaks(GradientBasedMethod):
    """A method whose attributions are a chain of rules that each keep a sum, so that a gap arises at single ops."""

    def leaks(self, xs, ys=None, feed_dict=None):
        """At which op how much of the convergence delta arises. The first call adds to the graph.

        Parameters, errors: as in :meth:`run`; ``ys`` must be an array. Each sample takes a run of its own.

        Returns
        -------
        :class:`~deepexplain.tensorflow.methods.leaks.Leaks`
            Prints as a table; ``.rows`` are ``(op, type, gap, share)``, with the gap of each sample.
        """
        call = self._call(xs, ys, feed_dict)
        if call.outputs is not None:
            raise ArgumentError('leaks() takes one explanation for each sample: ys must be an array of weights.')
        self._check_delta(call)
        gaps = self._once('gaps', self._build_gaps)
        found = np.array([self._gaps_of(call, gaps, i) for i in range(call.n)])
        promised = self._promised(call, self._rows(call, None)[0])
        total, found = found[:, -1], found[:, :-1]
        if gaps.has_rest:
            found[:, -1] = total - promised - found[:, :-1].sum(axis=1)
        return Leaks(self.name, self.promise, gaps.names, found, promised)

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

    def _gaps_of(self, call, gaps, i):
        """Gaps of one sample. Where a run must have more rows, those that fill it get no weight."""
        weights, per_row = call.weights[0][1:] if call.weights else (1.0, False)
        row_shape = self._row_shape(call)
        Y = np.zeros((call.fixed_rows or 1,) + tuple(row_shape), self.Y.dtype.as_numpy_dtype)
        Y[0] = weights[i] if per_row else weights
        one = copy.copy(call)
        one.weights = [(self.Y, Y, False)]
        return one.run(gaps.tensors, np.array([i]), extra=self._extra_of_gaps(call, i), trim=False)

    def _extra_of_gaps(self, call, i):
        return self._extra(call, slice(i, i + 1))
