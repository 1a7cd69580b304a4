"""Where attributions fail to add up: how much of the gap arises at which op.

With multipliers m of the inputs of an op and g of its outputs, ``sum m (z - z0) - sum g (f - f0)`` is 0 where the rule of the
op is exact. Over all ops between X and T these gaps telescope to the convergence delta.
"""

from collections import namedtuple

import numpy as np

from ..compat import original_gradient, tf
from ..runtime.clone import BRANCHES, LOOPS, Clone, beside
from ..runtime.op_types import is_continuous
from ..runtime.overrides import custom_gradient, gradient_rule

#: One op: its name and type; its gap for each sample (float64 array), in the units of T; its share of all gaps, 0 to 1.
Row = namedtuple('Row', 'op type gap share')

#: Rows of less are left to ``.rows`` when a table is printed.
SHOWN_SHARE = 0.005


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

    def __init__(self, method, promise, names, gaps):
        self.method, self.promise = method, promise
        self.delta = gaps.sum(axis=1)
        sizes = np.abs(gaps).sum(axis=0)
        shares = sizes / (sizes.sum() or 1.0)
        order = np.argsort(-sizes, kind='stable')
        self.rows = [Row(*names[i], gaps[:, i], float(shares[i])) for i in order]

    def __str__(self):
        size = np.abs(self.delta).mean()
        samples = 'one sample' if len(self.delta) == 1 else f'{len(self.delta)} samples, mean'
        lines = [f"'{self.method}': attributions and {self.promise} differ by {size:.4g} ({samples})."]
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
        Further arguments of Clone. With ``baselines``, gaps are those of differences, without, of the values themselves.

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
        if op.graph.is_fetchable(op.outputs[0]) and tf.get_default_graph() is op.graph:
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
        if multiplier is not None and is_continuous(difference) and difference.dtype not in (tf.variant, tf.resource):
            total += tf.reduce_sum(tf.cast(difference, tf.float64) * tf.cast(tf.convert_to_tensor(multiplier), tf.float64))
    return total
