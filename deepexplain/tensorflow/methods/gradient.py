"""Family 1, the true gradient of the target: zero (a test of the overrides), saliency, grad*input, intgrad."""

import numpy as np

from ...errors import ArgumentError, GraphError, warn
from ..compat import tf
from ..runtime.activations import ACTIVATIONS, PLAIN_NONLINEAR
from ..runtime.graph import check_passes_gradient, hidden_ops, row_bytes
from ..runtime.overrides import custom_gradient, gradient_rule, is_overridden, original_grad
from ..runtime.rows import summed
from ..runtime.samples import as_baseline, as_count, broadcast_baseline
from ..runtime.session import bounded_rows, chunks
from .base import AttributionMethod, register


class GradientBasedMethod(AttributionMethod):
    """A method that is one backward pass, in which activations may have a rule of their own.

    Subclasses override ``get_symbolic_attribution`` (what to compute, as tensors) and
    ``nonlinearity_grad_override`` (the rule of an activation).
    """

    repeats_samples = False  # whether a session run may hold several copies of a sample

    def get_symbolic_attribution(self):
        """Return a list with one tensor for each input: its attributions, in the input's shape."""
        return self._gradients()

    def nonlinearity_grad_override(self, op, grad):
        """Gradient of an activation ``op``, given the gradient ``grad`` of its output."""
        return original_grad(op, grad)

    def explain_symbolic(self):
        """Return the attributions as a list of tensors, built on first use."""
        if self.symbolic_attribution is None:
            with gradient_rule(self.nonlinearity_grad_override):
                self.symbolic_attribution = self.get_symbolic_attribution()
        return self.symbolic_attribution

    def run(self, xs, ys=None, batch_size=None, feed_dict=None):  # noqa: D102 - as in the base class
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        samples, most_rows = self._rows(call, batch_size)
        results = None
        for part in call.parts(samples):
            values = self._explain_part(call, part, most_rows)
            if results is None:
                results = [np.empty((call.n,) + v.shape[1:], v.dtype) for v in values]
            for result, value in zip(results, values):
                result[part] = value
        return results if self.has_multiple_inputs else results[0]

    def _explain_part(self, call, part, most_rows):
        """Attributions of the samples of one slice, a list with one array for each input.

        ``most_rows`` is the most that a session run may hold, None where memory alone is the limit.
        """
        return self._evaluate(call, part)

    def _check_graph(self):
        for x in self._inputs:
            check_passes_gradient(self._target, x, self._between)
        if self._has_rule():
            self._check_activations()

    def _build(self):
        self.symbolic_attribution = None
        self.explain_symbolic()

    def _fetches(self):
        return self.symbolic_attribution

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
        return [_dense(gradient, x) for gradient, x in zip(gradients, self._inputs)]

    def _rows(self, call, batch_size):
        """How many samples a session run takes, and how many rows with copies of them; None: memory is the limit.

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
        samples = batch_size or call.n
        if batch_size == 1 or (batch_size is None and not self.repeats_samples):
            return samples, samples
        if self._independent(call, 2):
            return samples, batch_size
        if samples < call.n:
            self._warn_that_samples_mix(f'batch_size={batch_size}')
        return samples, min(samples, call.n)

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
        """Refuse activations that the rule cannot reach, and warn of those that it does not treat."""
        for op, types in hidden_ops(self._between):
            hidden = sorted(types & set(ACTIVATIONS))
            if hidden:
                raise GraphError(
                    f"'{self.name}' cannot treat the activations ({', '.join(hidden)}) in the function body of op "
                    f"'{op.name}' ({op.type}). Build the layer unrolled (unroll=True) or without tf.function, or use "
                    "a method of the true gradient, such as 'intgrad'."
                )
        missed = [op for op in self._between if op.type in ACTIVATIONS and not is_overridden(op)]
        if missed:
            warn(
                'DeepExplain detected you are trying to use an attribution method that requires gradient override '
                'but the original gradient was used instead. You might have forgot to (re)create your graph within '
                f'the DeepExplain context. Results are not reliable! Not overridden: {_named(missed)}.'
            )
        plain = [
            op
            for op in self._between
            if not is_overridden(op) and op not in missed and (op.type in PLAIN_NONLINEAR or custom_gradient(op))
        ]
        if plain:
            warn(
                f"Detected unsupported activation: '{self.name}' has no rule for {_named(plain)} and uses the plain "
                'gradient there. This might lead to unexpected or wrong results.'
            )


def _dense(gradient, x):
    """A gradient as a tensor: that of a lookup in x comes as sparse slices."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, tf.shape(x)[0])
    return gradient


def _named(ops, most=5):
    names = [f"'{op.name}' ({op.type})" for op in ops[:most]]
    return ', '.join(names) + (f' and {len(ops) - most} more' if len(ops) > most else '')


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


@register('intgrad')
class IntegratedGradients(GradientBasedMethod):
    """Integrated gradients: ``(x - b)`` times the mean gradient on the straight line from ``b`` to ``x``.

    The mean is a right Riemann sum over ``steps`` points, ``b + (x - b) k / steps`` for k = 1 .. steps. As
    steps grow, attributions sum to T(x) - T(b).

    References
    ----------
    Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017. https://doi.org/10.48550/arXiv.1703.01365
    """

    arguments_in_graph = False

    repeats_samples = True

    def configure(self, steps=100, baseline=None):
        """Set the arguments.

        Parameters
        ----------
        steps : int, default 100
            Points on the path, each one a forward and a backward pass.
        baseline : number or array of one sample's shape, or a list of these where X is a list, default 0
            Where the path begins.
        """
        self.steps = as_count(steps, 'steps')
        self.baseline = as_baseline(baseline, self._specs, self.has_multiple_inputs)

    def _explain_part(self, call, part, most_rows):
        xs = call.samples(part)
        baselines = [broadcast_baseline(b, x, s.name) for b, x, s in zip(self.baseline, xs, self._specs)]
        if most_rows is None:
            most_rows = bounded_rows(row_bytes(self._between, self._inputs, [x.shape[1:] for x in xs]))
        sums = [np.zeros(x.shape, np.float64) for x in xs]
        points = max(1, most_rows // len(xs[0]))
        for alphas in chunks(np.linspace(1.0 / self.steps, 1.0, self.steps), points):
            rows = [_path(x, b, alphas) for x, b in zip(xs, baselines)]
            for total, gradient in zip(sums, self._evaluate(call, part, rows)):
                total += gradient.reshape((len(alphas),) + total.shape).sum(axis=0, dtype=np.float64)
        return [(total * (x - b) / self.steps).astype(x.dtype) for total, x, b in zip(sums, xs, baselines)]


def _path(x, baseline, alphas):
    """Points between baseline and x: all samples at the first alpha, then all at the second, and so on.

    Computed in double precision like 0.3's: near a kink of the network, the last bit of a point decides.
    """
    alphas = np.asarray(alphas).reshape((-1,) + (1,) * x.ndim)
    baseline = baseline.astype(np.float64)
    return (baseline + (x - baseline) * alphas).astype(x.dtype).reshape((-1,) + x.shape[1:])
