"""Integrated gradients: the true gradient, averaged over a path."""

from typing import TYPE_CHECKING, Optional

from ...arguments import as_flag, as_number, as_repeats, one_of
from ...errors import ArgumentError
from ...types import Baseline, BaselineSet
from ..engine.backward import Backward
from ..engine.baselines import Baselines
from ..engine.path import Path
from ..engine.promise import MULTIPLIERS, TO_DIFFERENCE
from ..rules.plain import INTEGRATED_GRADIENT
from ..runtime.quadrature import QUADRATURES
from .method import Method, at_run, own, register

if TYPE_CHECKING:
    from ..engine.problem import Problem


@register('intgrad', also_called='ig integrated_gradients integratedgrads expected_gradients gradientshap')
class IntegratedGradients(Method):
    """Integrated gradients: ``(x - b)`` times the mean gradient on the straight line from ``b`` to ``x``.

    The mean is taken over ``steps`` points of the line; by default a right Riemann sum, over ``b + (x - b) k / steps``
    for k = 1 .. steps. As steps grow, attributions sum to T(x) - T(b).

    Parameters
    ----------
    steps : int, default 100
        Points on the path, each one a forward and a backward pass; at most 2**24.
    baseline : number, array of one sample's shape or with a row for each sample, or function of xs, default 0
        Where the path begins. A list of these where X is a list.
    quadrature : str, default 'riemann_right'
        How the points lie and what they weigh: 'riemann_right' as in DeepExplain 0.3, 'riemann_left',
        'riemann_middle', 'riemann_trapezoid' or 'gausslegendre', which needs few points where T is smooth.
    baselines : array with a row for each baseline, or function of xs that returns one, optional
        A set in place of ``baseline``, for all samples or, of shape (samples, k, ...), for each: attributions are the
        mean over paths from each of them.
    tolerance : float, optional
        In the units of T: points are added for samples whose attributions do not add up to T(x) - T(b) within
        it, for each of the baselines. Twice as many each time (three times with 'riemann_middle'), of which those
        computed before are not computed again (but with 'gausslegendre').
    max_steps : int, default 10000
        The most points of a path, where there is a tolerance; a warning says where they did not suffice. At most 2**24.
    multiply_by_inputs : bool, default True
        False: the mean gradient itself, without the factor ``x - b``. It promises no sum: there is no convergence
        delta. (With a tolerance, points are added as if there were the factor.)

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument is of the wrong kind, or out of its range.

    References
    ----------
    Sundararajan et al., Axiomatic Attribution for Deep Networks, 2017. https://doi.org/10.48550/arXiv.1703.01365
    Erion et al., Improving performance of deep learning models with axiomatic attribution priors and expected
    gradients, 2021 (a set of baselines). https://doi.org/10.1038/s42256-021-00343-w
    """

    steps: int = at_run(default=100)
    baseline: Baseline = at_run(default=None)
    quadrature: str = at_run(default='riemann_right')
    baselines: BaselineSet = at_run(default=None)
    tolerance: Optional[float] = at_run(default=None)
    max_steps: int = at_run(default=10000)
    multiply_by_inputs: bool = at_run(default=True)

    def __post_init__(self) -> None:
        self.keep(
            steps=as_repeats(self.steps, 'steps'),
            baseline=own(self.baseline),
            quadrature=one_of(self.quadrature, 'quadrature', QUADRATURES),
            baselines=own(self.baselines),
            max_steps=as_repeats(self.max_steps, 'max_steps'),
            multiply_by_inputs=as_flag(self.multiply_by_inputs, 'multiply_by_inputs'),
        )
        if self.tolerance is not None:
            self.keep(tolerance=as_number(self.tolerance, 'tolerance', above=0, units='T'))
            if self.max_steps < self.steps:
                raise ArgumentError(f'max_steps={self.max_steps} must not be less than steps={self.steps}.')

    def plan(self, problem: 'Problem') -> Backward:
        """Average the gradient along a path from the baseline."""
        if self.tolerance is not None:
            problem.check_has_rows('tolerance')
        times = 'inputs' if self.multiply_by_inputs else None
        return Backward(
            rules=INTEGRATED_GRADIENT,
            promise=TO_DIFFERENCE if self.multiply_by_inputs else MULTIPLIERS,
            baseline=Baselines(problem, self.baseline, self.baselines),
            path=Path(self.steps, self.quadrature, self.tolerance, self.max_steps, times),
            at_breaks="'intgrad' integrates gradients, and {} jumps or passes none",
            by_row=True,
        )
