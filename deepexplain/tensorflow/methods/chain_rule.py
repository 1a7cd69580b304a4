"""Family 2, the chain rule with each activation's derivative replaced by a finite slope: elrp, deeplift."""

import copy

import numpy as np

from ...errors import ArgumentError, ArgumentTypeError, AssertedArgumentError
from ..compat import same_op, tf, with_shape
from ..runtime.clone import beside, hides_activations
from ..runtime.op_types import is_continuous, is_homogeneous, is_linear, keeps_its_gradient
from ..runtime.overrides import original_grad, takes_rule
from ..runtime.rows import made_up_pairs
from ..runtime.samples import nearly_equal
from . import complete
from .base import register
from .from_baseline import FromBaseline
from .gradient import without_rule
from .leaks import HasLeaks

#: Where an activation's input is this near to its reference, the slope is the derivative between both.
SMALLEST_DELTA = 1e-5

#: What a method without a rule for an op does. As in 0.3, it begins with "Detected unsupported activation".
UNSUPPORTED = "Detected unsupported activation: '{}' has no rule for {{}} and uses the plain gradient there"

NO_RULES_NEEDED = "'intgrad' and 'shapley_sampling' need no rules."


def epsilon_rule(op, grad, epsilon):
    """Replace ``f'(z)`` by ``f(z) / (z + epsilon * s(z))``, the slope from 0 to ``(z, f(z))``.

    ``s(z)`` is 1 for ``z >= 0`` and -1 below, so epsilon always moves the denominator away from zero.
    """
    z, f_z = op.inputs[0], op.outputs[0]
    s = tf.where(z >= 0, tf.ones_like(z), -tf.ones_like(z))
    return grad * f_z / (z + tf.cast(epsilon, z.dtype) * s)


def rescale_rule(op, grad, z0):
    """Replace ``f'(z)`` by ``(f(z) - f(z0)) / (z - z0)``, the slope between the reference and the activation.

    Where z hardly differs from its reference z0, that quotient is rounding noise: there the slope is the
    derivative half way between the two.
    """
    z, f_z = op.inputs[0], op.outputs[0]
    delta_in, delta_out = z - z0, f_z - same_op(op, z0).outputs[0]
    half_way = same_op(op, 0.5 * (z0 + z))
    for tensor in (delta_in, delta_out, half_way.outputs[0]):
        tensor.set_shape(z.shape)  # that of z0 is open
    return tf.where(tf.abs(delta_in) > SMALLEST_DELTA, grad * delta_out / delta_in, original_grad(half_way, grad))


@register('elrp')
class EpsilonLRP(HasLeaks):
    """Layer-wise relevance propagation with the epsilon rule.

    As epsilon goes to 0, attributions sum to the explained output if no layer has a bias.
    ``f(z) / z`` diverges at 0 unless ``f(0) = 0``: not recommended for sigmoid or softplus.

    References
    ----------
    Bach et al., PLoS ONE 10(7), 2015. https://doi.org/10.1371/journal.pone.0130140
    """

    arguments_in_graph = False
    promise = 'T(x)'
    _at_breaks = UNSUPPORTED.format('elrp')

    def configure(self, epsilon=1e-4):
        """Set the argument.

        Parameters
        ----------
        epsilon : float, default 1e-4
            Greater than 0, in the units of a pre-activation.
        """
        try:
            if isinstance(epsilon, (bool, str)):
                raise TypeError
            self.epsilon = float(epsilon)
        except TypeError:
            raise ArgumentTypeError(f'epsilon must be a number; got {epsilon!r}.') from None
        smallest = np.asarray(self.epsilon).astype(self._target.dtype.as_numpy_dtype)
        if not 0 < smallest < float('inf'):
            raise AssertedArgumentError(f'epsilon must be greater than zero; got {epsilon}.')

    def _treatment(self, step):
        if takes_rule(step.op):
            return 'epsilon', True
        numbers = [i for i in step.varying if is_continuous(step.op.inputs[i])]  # a choice is what it is at x
        if numbers and is_linear(step.op, numbers) and keeps_its_gradient(step.op):
            return 'linear', True
        treatment, exact = without_rule(step)
        return treatment, exact or (treatment == 'plain gradient' and is_homogeneous(*step))

    def _advice(self, audit):
        return "No option of 'elrp' mends that; 'deeplift' with rules='complete' has more rules."

    def nonlinearity_grad_override(self, op, grad):  # noqa: D102
        source = beside(op)
        return epsilon_rule(op, grad, source.outputs[0] if source else self._epsilon)

    def _clone(self):
        # Fed in every run, so that explainers with different epsilons can share these ops.
        self._epsilon = tf.placeholder_with_default(tf.constant(self.epsilon, tf.float64), (), name='epsilon')
        return super()._clone()

    def _needed_by_clone(self):
        return {'beside': self._epsilon}

    def _needed_by_gaps(self):
        needed = {'rule': self.nonlinearity_grad_override, 'is_treated': lambda step: takes_rule(step.op)}
        return dict(needed, **self._needed_by_clone())

    def get_symbolic_attribution(self):  # noqa: D102
        return [gradient * x for gradient, x in zip(self._gradients(), self._inputs)]

    def _promised(self, call, most_rows):
        return self._scores(call, most_rows)

    def _own_placeholders(self):
        return [self._epsilon]

    def _extra(self, call, of):
        return [(self._epsilon, self.epsilon)]


@register('deeplift')
class DeepLIFTRescale(FromBaseline, HasLeaks):
    """DeepLIFT with the Rescale rule: contributions of the difference between the input and a baseline.

    Attributions sum to T(x) - T(baseline) where all that lies between X and T is linear or one of the five
    overridden activations. With the default rules, those of 0.3, max pooling, products of two varying tensors and
    other nonlinear ops get their plain gradient, with a warning, and the sum then differs; with
    ``rules='complete'`` it holds.

    The activations at the baseline are computed in each ``run``, so they follow the weights.

    References
    ----------
    Shrikumar et al., Learning Important Features Through Propagating Activation Differences, 2017.
    https://doi.org/10.48550/arXiv.1704.02685
    Ancona et al., Towards better understanding of gradient-based attribution methods, ICLR 2018.
    https://doi.org/10.48550/arXiv.1711.06104
    """

    arguments_in_graph = ('rules',)
    _at_breaks = UNSUPPORTED.format('deeplift')
    _in_graph = False  # whether values at the baseline are computed beside those at x: inside loops, nothing is fetched

    def configure(self, baseline=None, rules='original', baselines=None):
        """Set the arguments.

        Parameters
        ----------
        baseline : number, array of one sample's shape or with a row for each sample, or function of xs, default 0
            The reference input. A list of these where X is a list.
        rules : str, default 'original'
            Which ops have a rule: 'original' is DeepExplain 0.3's five activations, and the plain gradient for all
            else that is not linear. 'complete' has one for every elementwise function, products and quotients,
            maxima, choices and softmax: attributions then sum to T(x) - T(baseline). See
            :mod:`deepexplain.tensorflow.methods.complete`.
        baselines : array with a row for each baseline, or function of xs that returns one, optional
            A set in place of ``baseline``: attributions are the mean over all of them (DeepSHAP).
        """
        if rules not in ('original', 'complete'):
            raise ArgumentError(f"rules must be 'original' or 'complete'; got {rules!r}.")
        self._set_baselines(baseline, baselines)
        self.rules = rules

    def _treatment(self, step):
        if self.rules == 'complete':
            name = complete.treatment(step)
            return (name, True) if name else without_rule(step)
        if takes_rule(step.op):
            return 'rescale', True
        return ('linear', True) if is_linear(*step) and keeps_its_gradient(step.op) else without_rule(step)

    def _advice(self, audit):
        if self.rules == 'complete':
            return f'{NO_RULES_NEEDED} explainer.leaks(xs) says how much goes missing where.'
        broken = {row.op for row in audit.breaks}
        mended = [step for step in self._steps if step.op.name in broken and complete.treatment(step)]
        those = 'for all of these' if len(mended) == len(broken) else f'for {len(mended)} of these {len(broken)}'
        if not mended:
            return NO_RULES_NEEDED
        return f"rules='complete' has rules {those}; explainer.leaks(xs) says how much goes missing where."

    def nonlinearity_grad_override(self, op, *grads):  # noqa: D102
        if self.rules == 'complete':
            return complete.apply(op, *grads)
        (grad,), z = grads, op.inputs[0]
        if self._in_graph:
            at_baseline = beside(op)  # none where it does not differ
            return rescale_rule(op, grad, at_baseline.inputs[0] if at_baseline else z)
        if op not in self._references:
            self._references[op] = z, tf.placeholder(z.dtype, shape=None, name='reference')
        return rescale_rule(op, grad, self._references[op][1])

    def _clone(self):
        self._baselines = [
            tf.placeholder(x.dtype, [None] + x.shape.as_list()[1:] if x.shape.ndims else None) for x in self._inputs
        ]
        return super()._clone()

    def _check_graph(self):
        super()._check_graph()
        self._in_graph = self.rules == 'complete' or hides_activations(self._between)
        self._opens = self._opens or self._in_graph

    def _needed_by_clone(self):
        if not self._in_graph:
            return {}
        needed = {'treated': complete.is_treated} if self.rules == 'complete' else {}
        return dict(needed, baselines=self._baselines_in_graph())

    def _baselines_in_graph(self):
        return [with_shape(tf.zeros_like(x) + b, x.shape) for x, b in zip(self._inputs, self._baselines)]

    def _needed_by_gaps(self):
        is_complete = self.rules == 'complete'
        in_graph = copy.copy(self)
        in_graph._in_graph = True
        return {
            'rule': in_graph.nonlinearity_grad_override,
            'is_treated': complete.is_treated if is_complete else lambda step: takes_rule(step.op),
            'baselines': self._baselines_in_graph(),
        }

    def _extras_of_gaps(self, call, of):
        if self.baselines is None:
            return [[(x, b if len(b) == 1 else b[of]) for x, b in zip(self._baselines, call.baselines)]]
        return [list(zip(self._baselines, one)) for one in zip(*(np.split(b, len(b)) for b in call.baselines))]

    def _build(self):
        self._references = {}  # activation -> its input, placeholder for the value of that at the baseline
        super()._build()

    def get_symbolic_attribution(self):  # noqa: D102
        return [
            gradient * (x - baseline) for gradient, x, baseline in zip(self._gradients(), self._inputs, self._baselines)
        ]

    def _own_placeholders(self):
        return self._baselines + [z0 for _, z0 in self._references.values()]

    def _explain_from(self, call, of, xs, baselines, most_rows):
        extra = [(x, call.fit(b) if len(b) > 1 else b) for x, b in zip(self._baselines, baselines)]
        extra += [
            (z0, value) for (_, z0), value in zip(self._references.values(), self._at_baseline(call, of, baselines))
        ]
        values = call.run(self._fetches(call), of, xs, extra)
        call.progress.update(len(of))
        return self._by_output(values)

    def _evaluate(self, call, of, rows=None):
        indices = np.arange(call.n)[of]
        baselines = [b[:1] for b in call.baselines]
        by_output = self._explain_from(call, indices, rows or call.samples(of), baselines, None)
        return [value for values in by_output for value in values]

    def _at_baseline(self, call, of, baselines):
        """Values of all activation inputs at the baseline, in shapes that broadcast against those at the samples.

        With one baseline for all samples they are computed once: of one row if that serves every sample, else of as
        many rows as there are samples. Anew each time where the user feeds something that differs between samples.
        """
        if not self._references:
            return []
        one_for_all = self.baselines is None and all(len(b) == 1 for b in call.baselines)
        if not one_for_all or call.feeds.per_row:
            return self._activation_inputs(call, of, baselines)
        if len(of) > 1 and call.fixed_rows is None and self._once('one row', lambda: self._one_row_serves(call)):
            of = of[:1]
        if len(of) not in call.references:
            call.references[len(of)] = self._activation_inputs(call, of, baselines)
        return call.references[len(of)]

    def _one_row_serves(self, call):
        """Whether each activation has a row for each sample, and the same one whatever samples are beside it."""
        first = call.samples(slice(0, 1))
        a, b = next(made_up_pairs(first, first))
        try:
            alone, beside = (
                self._activation_inputs(call.probe([0] * len(rows[0])), np.arange(len(rows[0])), rows)
                for rows in (a, [np.concatenate(both) for both in zip(a, b)])
            )
        except tf.errors.OpError:
            return False  # a network that does not take any number of rows
        # An open first dimension that is 1 for one row is that of the samples.
        return all(
            z.shape.ndims and z.shape.as_list()[0] is None and len(x) == 1 and nearly_equal(x, y[:1])
            for (z, _), x, y in zip(self._references.values(), alone, beside)
        )

    def _activation_inputs(self, call, of, baselines):
        rows = [np.broadcast_to(b, (len(of),) + b.shape[1:]) for b in baselines]
        return call.run([z for z, _ in self._references.values()], of, rows, trim=False)
