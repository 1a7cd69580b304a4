"""Family 1, the true gradient of the target: zero (a test of the overrides), saliency, grad*input."""

import copy
from contextlib import ExitStack, closing

import numpy as np

from ...errors import ArgumentError, GraphError, warn
from ..compat import mutation_lock, tf
from ..runtime.activations import ACTIVATIONS
from ..runtime.clone import Clone, is_frozen, is_opened
from ..runtime.graph import Step, check_passes_gradient, has_control_flow, hidden_ops, ops_between, steps_of
from ..runtime.op_types import is_continuous, is_discrete, is_linear, keeps_its_gradient
from ..runtime.overrides import custom_gradient, gradient_rule, graph_lock, original_grad
from ..runtime.progress import progress_bar
from ..runtime.rows import summed
from .audit import Row, named
from .base import AttributionMethod, register

#: With ys='each', backward passes that share a forward pass. More take longer to build than they save.
MOST_PASSES = 8


class GradientBasedMethod(AttributionMethod):
    """A method that is one backward pass, in which activations may have a rule of their own.

    Subclasses override ``get_symbolic_attribution`` (what to compute, as tensors) and
    ``nonlinearity_grad_override`` (the rule of an activation).
    """

    def get_symbolic_attribution(self):
        """Return a list with one tensor for each input: its attributions, in the input's shape."""
        return self._gradients()

    def nonlinearity_grad_override(self, op, grad):
        """Gradient of an activation ``op``, given the gradient ``grad`` of its output."""
        return original_grad(op, grad)

    def explain_symbolic(self):
        """Return the attributions as a list of tensors, built on first use."""
        if self.symbolic_attribution is None:
            with gradient_rule(self.nonlinearity_grad_override, self._between):
                self.symbolic_attribution = self.get_symbolic_attribution()
        return self.symbolic_attribution

    def run(  # noqa: D102 - as in the base class
        self, xs, ys=None, batch_size=None, feed_dict=None, progress=False, return_convergence_delta=False
    ):
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        if return_convergence_delta:
            self._check_delta(call)
        samples, most_rows = self._rows(call, batch_size)
        promised = self._promised_to_each(call, samples) if return_convergence_delta else None
        results = self._explain_all(call, samples, most_rows, progress)
        self._check_results(call, results)
        sums = sum(a.sum(axis=tuple(range(2, a.ndim)), dtype=np.float64) for a in results)
        if call.outputs is None:
            results, sums = [result[0] for result in results], sums[0]
        found = results if self.has_multiple_inputs else results[0]
        return (found, sums - promised) if return_convergence_delta else found

    def _explain_all(self, call, samples, most_rows, progress):
        """Attributions, a list with an array for each input: shape (outputs, samples, ...)."""
        outputs = call.outputs or 1
        passes = 1 if call.outputs is None else self._build_passes(outputs)
        runs = -(-outputs // passes)
        results = None
        call.progress = progress_bar(progress, call.n * runs * self._rows_of_a_sample(call), self.name)
        with closing(call.progress):
            for part in call.parts(samples):
                for first in range(0, outputs, passes):
                    some = self._explain_part(self._selecting(call, first, passes), part, most_rows)
                    if results is None:
                        results = [np.empty((outputs, call.n) + v.shape[1:], v.dtype) for v in some[0]]
                    for output, attributions in enumerate(some, start=first):
                        for result, value in zip(results, attributions):
                            result[output, part] = value
        return results

    def _check_results(self, call, results):
        """Warn where the results of a call are not what they should be."""
        broken = [x.name for x, result in zip(self._inputs, results) if not np.isfinite(result).all()]
        if broken:
            warn(
                f"Attributions to '{broken[0]}' contain nan or infinite values: between X and T, '{self.name}' divides "
                'by something near 0, or a number overflows.'
            )

    def _promised_to_each(self, call, most_rows):
        """What ``_promised`` returns, with a warning where a sample does not get it alone."""
        if most_rows > 1 and call.n > 1 and not self._apart(call):
            warn(
                f"T '{self._target.name}' mixes samples (batch statistics? dropout that is on?): a sample's "
                'attributions are also of the outputs of others, so only the sum of delta over all samples says '
                'whether they add up.'
            )
        return self._promised(call, most_rows)

    def _explain_part(self, call, part, most_rows):
        """Attributions of the samples of one slice: for each output of the call, a list with an array for each input.

        ``most_rows`` is the most that a session run may hold.
        """
        values = self._evaluate(call, part)
        call.progress.update(part.stop - part.start)
        return self._by_output(values)

    def _by_output(self, values):
        """Lists with one entry for each input, of a list of all."""
        count = len(self._inputs)
        return [values[i : i + count] for i in range(0, len(values), count)]

    def _rows_of_a_sample(self, call):
        """How many rows go through the network for one sample and one output."""
        return 1

    def _check_graph(self):
        for x in self._inputs:
            check_passes_gradient(self._target, x, self._between)
        self._opens = any(is_opened(op) or is_frozen(op) for op in self._between)
        if self._has_rule():
            self._check_activations()

    def _building(self):
        building = ExitStack()
        building.enter_context(super()._building())
        if self._opens:  # no session may run a new loop before its gradient is built, which rewrites it
            building.enter_context(mutation_lock(self.session.graph))
        return building

    def _clone(self):
        if not self._opens:
            self._steps = steps_of(self._between, self._inputs)
            self._check_promise()
            return self._target
        clone = Clone(self._target, self._inputs, self._between, **self._needed_by_clone())
        self._steps = clone.sources + self._left_as_they_are(clone)
        self._check_promise()
        if clone.dropped:
            warn(
                f'{_named(clone.dropped)} has a custom gradient (tf.custom_gradient) in a function body, which can '
                'only be called there: its derivative is taken to be that of the ops which compute its value.'
            )
        self._between = ops_between(clone.target, self._inputs)
        for x in self._inputs:
            check_passes_gradient(clone.target, x, self._between)
        return clone.target

    def _left_as_they_are(self, clone):
        """Steps that the copy does not know to be computed from X: behind a loop of TensorFlow 1 that it keeps."""
        known, own = {step.op for step in clone.sources}, set(self._between)
        found = []
        for op, varying in steps_of(ops_between(clone.target, self._inputs), self._inputs):
            copied = clone.origins.get((op.graph, op.name))
            source = op if copied is None else copied.op
            if source not in known and (copied is not None or op in own):
                found.append(Step(source, varying))
        return found

    def _needed_by_clone(self):
        """Return further arguments of Clone."""
        return {}

    def _build(self):
        self.symbolic_attribution = None
        # Placeholder of ys and attributions, of one backward pass or more.
        self._passes = [(self.Y, self.explain_symbolic())]

    def _fetches(self, call):
        return [tensor for _, attributions in self._passes[: call.at_once] for tensor in attributions]

    def _build_passes(self, outputs):
        """How many outputs a session run can explain one by one: adds backward passes, up to MOST_PASSES.

        Not to a loop, which may have run: TensorFlow could not take it back.
        """
        graph = self.session.graph
        if not graph.finalized and not has_control_flow(self._between):
            with graph_lock(graph), graph.as_default(), tf.control_dependencies(None), tf.name_scope('deepexplain'):
                while len(self._passes) < min(outputs, MOST_PASSES):
                    other = copy.copy(self)  # it shares what the method feeds: epsilon, baselines, references
                    other._weight_target()
                    other.symbolic_attribution = None
                    self._passes.append((other.Y, other.explain_symbolic()))
        return min(outputs, len(self._passes))

    def _selecting(self, call, first, count):
        """The call for this many outputs beginning at ``first``, or as it is where all are explained together."""
        return call if call.outputs is None else call.selecting([Y for Y, _ in self._passes[:count]], first)

    def _gradients(self):
        """Gradients of the weighted target with respect to each input, under the method's rule."""
        # Where one input is computed from another, both are fed, so a gradient must not run through.
        try:
            gradients = tf.gradients(self.T, self._inputs, stop_gradients=self._inputs)
        except LookupError as error:
            raise GraphError(
                f"T '{self._target.name}' depends on X through an op without a gradient: {error}"
            ) from None
        for x, gradient in zip(self._inputs, gradients):
            if gradient is None:  # the ops between passed the check, but TensorFlow found no way
                raise GraphError(f"No gradient of T '{self._target.name}' arrives at X '{x.name}'.")
        return [dense(gradient, x) for gradient, x in zip(gradients, self._inputs)]

    def _rows(self, call, batch_size):
        """How many samples a session run takes, and how many rows with copies of them.

        Raises where cutting the samples into batches, or padding them, would change the numbers; warns where
        that is the network's own doing.
        """
        fixed = self._fixed_rows
        if fixed is not None and call.n == fixed:
            return fixed, fixed
        if fixed is not None and self._inputs_fix_rows:
            self._check_interchangeable(call)
            if fixed > 1 and not self._independent(call, fixed):
                self._warn_that_samples_mix('the rows that fill the batch')
            return fixed, fixed
        if fixed is not None and fixed > 1 and self._independent(call, fixed):
            self._check_interchangeable(call)
            return fixed, fixed
        if fixed is not None or self._target.shape.ndims == 0:
            return self._rows_of_reduced_target(call, batch_size)
        rows = batch_size or self._bounded_rows(call, backward=True)
        samples = min(rows, call.n)
        copies = min(rows // samples, self._rows_of_a_sample(call))
        if batch_size == 1 or (samples == call.n and copies == 1):
            return samples, samples
        if self._may_cut(call, rows) if batch_size is None else self._apart(call):
            return samples, rows
        if batch_size is not None and samples < call.n:
            self._warn_that_samples_mix(f'batch_size={batch_size}')
        samples = min(batch_size or call.n, call.n)
        return samples, samples

    def _rows_of_reduced_target(self, call, batch_size):
        """The same for a T that is reduced over the samples: they must stay together, unless T is their sum."""
        call.fixed_rows = None
        if batch_size is None or batch_size >= call.n:
            return call.n, call.n
        name, advice = self._target.name, 'give T one row a sample, or leave batch_size out'
        if batch_size == 1:
            raise ArgumentError(f"T '{name}' is a scalar, so rows cannot be told apart in batches of one: {advice}.")
        if not self._ask(summed, call):
            raise ArgumentError(
                f"T '{name}' is a scalar that is not a sum over the samples (a mean?): a sample's attributions "
                f'depend on its batch, and rows cannot be told apart; {advice}.'
            )
        return batch_size, 1

    def _has_rule(self):
        rule = type(self).nonlinearity_grad_override
        return getattr(rule, '__func__', rule) is not GradientBasedMethod.nonlinearity_grad_override

    def _check_activations(self):
        """Refuse activations that the rule cannot reach."""
        for op, types in hidden_ops(op for op in self._between if not is_opened(op)):
            hidden = sorted(types & set(ACTIVATIONS))
            if hidden:
                raise GraphError(
                    f"'{self.name}' cannot treat the activations ({', '.join(hidden)}) in the function body of op "
                    f"'{op.name}' ({op.type}). Build that part without the op, or use a method of the true gradient, "
                    "such as 'intgrad'."
                )

    def _treatment(self, step):
        if is_linear(*step) and keeps_its_gradient(step.op):
            return 'linear', None
        return without_rule(step)[0], None


def without_rule(step):
    """Treatment of an op that is not linear and has no rule: words, and whether a sum holds through it."""
    op, varying = step
    if is_discrete(op):
        return 'no gradient', True  # nothing is lost as yet: that is where numbers are made of it again
    if op.type == 'StopGradient':
        return (
            'no gradient',
            None,
        )  # often put where the derivative is zero anyway: means of variances, maxima of softmax
    if not any(is_continuous(op.inputs[i]) for i in varying):
        return 'no gradient', False
    return ('custom gradient' if custom_gradient(op) else 'plain gradient'), False


def dense(gradient, x):
    """A gradient of ``x`` as a tensor: that of a lookup in x comes as sparse slices."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, tf.shape(x)[0])
    return gradient


def _named(ops):
    return named([Row(op.name, op.type, '', None) for op in ops])


@register('zero')
class DummyZero(GradientBasedMethod):
    """Zero for everything behind an activation: shows whether the overrides reach the activations."""

    arguments_in_graph = False

    def nonlinearity_grad_override(self, op, grad):  # noqa: D102
        return tf.zeros_like(grad)


@register('saliency')
class Saliency(GradientBasedMethod):
    """The absolute gradient, ``|dT/dx|``.

    References
    ----------
    Simonyan et al., Deep Inside Convolutional Networks, 2014. https://doi.org/10.48550/arXiv.1312.6034
    """

    arguments_in_graph = False

    def get_symbolic_attribution(self):  # noqa: D102
        return [tf.abs(gradient) for gradient in self._gradients()]


@register('grad*input')
class GradientXInput(GradientBasedMethod):
    """The gradient times the input, ``x * dT/dx``.

    References
    ----------
    Shrikumar et al., Not Just a Black Box, 2016. https://doi.org/10.48550/arXiv.1605.01713
    """

    arguments_in_graph = False

    def get_symbolic_attribution(self):  # noqa: D102
        return [gradient * x for gradient, x in zip(self._gradients(), self._inputs)]
