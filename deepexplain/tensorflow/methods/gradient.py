"""Family 1, the true gradient of the target: zero (a test of the overrides), saliency, grad*input, intgrad."""

import numpy as np

from ...errors import ArgumentError, GraphError, warn
from ..compat import tf
from ..runtime.activations import ACTIVATIONS, PLAIN_NONLINEAR
from ..runtime.graph import hidden_ops, no_gradient_error, row_bytes
from ..runtime.overrides import custom_gradient, gradient_rule, is_overridden, original_grad
from ..runtime.samples import as_baseline, as_count, broadcast_baseline, nearly_equal
from ..runtime.session import bounded_rows, chunks
from .base import AttributionMethod, register


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
            if self._has_rule():
                self._check_activations()
            with gradient_rule(self.nonlinearity_grad_override):
                self.symbolic_attribution = self.get_symbolic_attribution()
        return self.symbolic_attribution

    def run(self, xs, ys=None, batch_size=None, feed_dict=None):  # noqa: D102 - as in the base class
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        self._check_rows(call, batch_size)
        results = None
        for part in call.parts(batch_size or call.n):
            values = self._explain_part(call, part, batch_size)
            if results is None:
                results = [np.empty((call.n,) + v.shape[1:], v.dtype) for v in values]
            for result, value in zip(results, values):
                result[part] = value
        return results if self.has_multiple_inputs else results[0]

    def _explain_part(self, call, part, batch_size):
        """Attributions of the samples of one slice, a list with one array for each input."""
        return self._evaluate(call, part)

    def _build(self):
        self.symbolic_attribution = None
        self.explain_symbolic()

    def _fetches(self):
        return self.symbolic_attribution

    def _gradients(self):
        """Gradients of the weighted target with respect to each input, under the method's rule."""
        # Where one input is computed from another, both are fed, so a gradient must not run through.
        gradients = tf.gradients(self.T, self._inputs, stop_gradients=self._inputs)
        for x, gradient in zip(self._inputs, gradients):
            if gradient is None:
                raise no_gradient_error(self._target, x, self._between)
        return [_dense(gradient, x) for gradient, x in zip(gradients, self._inputs)]

    def _check_rows(self, call, batch_size):
        """Raise where cutting the samples into batches, or padding them, would change the numbers."""
        if self._fixed_rows is not None:
            if call.n != self._fixed_rows:
                self._check_rows_alike(call)
        elif self._target.shape.ndims == 0 and batch_size is not None and batch_size < call.n:
            self._check_sums_rows(call, batch_size)

    def _check_sums_rows(self, call, batch_size):
        """Raise unless a scalar T explains a sample alike alone and beside another: a sum, not a mean."""
        advice = 'give T one row a sample, or leave batch_size out'
        if batch_size == 1:
            raise ArgumentError(
                f"T '{self._target.name}' is a scalar, so rows cannot be told apart in batches of one: {advice}."
            )
        alone, beside = (self._evaluate(call.probe(range(k)), slice(0, k)) for k in (1, 2))
        if not all(nearly_equal(a, b[:1]) for a, b in zip(alone, beside)):
            raise ArgumentError(
                f"T '{self._target.name}' is a scalar that is not a sum over the samples (a mean?): a sample's "
                f'attributions depend on its batch, and rows cannot be told apart; {advice}.'
            )

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

    def nonlinearity_grad_override(self, op, grad):  # noqa: D102
        return tf.zeros_like(grad)


@register('saliency')
class Saliency(GradientBasedMethod):
    """The absolute gradient, ``|dT/dx|``.

    References
    ----------
    Simonyan et al., Deep Inside Convolutional Networks, 2014. https://doi.org/10.48550/arXiv.1312.6034
    """

    def get_symbolic_attribution(self):  # noqa: D102
        return [tf.abs(gradient) for gradient in self._gradients()]


@register('grad*input')
class GradientXInput(GradientBasedMethod):
    """The gradient times the input, ``x * dT/dx``.

    References
    ----------
    Shrikumar et al., Not Just a Black Box, 2016. https://doi.org/10.48550/arXiv.1605.01713
    """

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

    def _explain_part(self, call, part, batch_size):
        xs = call.samples(part)
        baselines = [broadcast_baseline(b, x, s.name) for b, x, s in zip(self.baseline, xs, self._specs)]
        size = part.stop - part.start
        sums = [np.zeros(x.shape, np.float64) for x in xs]
        for alphas in chunks(np.linspace(1.0 / self.steps, 1.0, self.steps), self._points(call, size, batch_size)):
            rows = [_path(x, b, alphas) for x, b in zip(xs, baselines)]
            for total, gradient in zip(sums, self._evaluate(call, part, rows)):
                total += gradient.reshape((len(alphas),) + total.shape).sum(axis=0, dtype=np.float64)
        return [(total * (x - b) / self.steps).astype(x.dtype) for total, x, b in zip(sums, xs, baselines)]

    def _points(self, call, size, batch_size):
        """How many points of the path one session run takes, for a part of ``size`` samples."""
        if self._target.shape.ndims == 0 or size == self._fixed_rows:
            return 1  # every run must see the samples just as they are, each in its row
        if batch_size is None:
            shapes = [array.shape[1:] for array in call.arrays]
            batch_size = bounded_rows(row_bytes(self._between, self._inputs, shapes))
        return max(1, batch_size // size)


def _path(x, baseline, alphas):
    """Points between baseline and x: all samples at the first alpha, then all at the second, and so on.

    Computed in double precision like 0.3's: near a kink of the network, the last bit of a point decides.
    """
    alphas = np.asarray(alphas).reshape((-1,) + (1,) * x.ndim)
    baseline = baseline.astype(np.float64)
    return (baseline + (x - baseline) * alphas).astype(x.dtype).reshape((-1,) + x.shape[1:])
