"""What the attributions of a sample add up to, and how far a call is from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Optional

import numpy as np

from ...types import Array
from .request import Request, of_set, set_size
from .undefined import warn_of_baseline

if TYPE_CHECKING:
    from .network import Network


def _nothing(request: 'Request') -> str:
    return "it promises no sum. 'intgrad', 'deeplift', 'elrp', 'occlusion' and 'shapley_sampling' have one."


def _never(request: 'Request') -> Optional[str]:
    return None


@dataclass(frozen=True)
class Promise:
    """What attributions add up to.

    Parameters
    ----------
    text : str or None
        In words, where every op between X and T is exact; None where nothing is promised.
    minus_baseline : bool
        Whether T at the baseline is taken away from T at the sample.
    refusal : function of a Request
        Why the sum of these attributions cannot be compared with anything, in a sentence; None where it can.
    quantity : str or None, default 'contribution'
        What attributions are: parts of T, in its units ('contribution'); what T changes by for each unit of the input
        ('sensitivity'); None for neither.
    """

    text: Optional[str]
    minus_baseline: bool = False
    refusal: Callable[[Any], Optional[str]] = _never
    quantity: Optional[str] = 'contribution'

    def value(self, network: 'Network', request: 'Request', most_rows: int) -> Array:
        """What the attributions of each sample should add up to: shape (samples,), or (outputs, samples)."""
        at_x = network.scores(request, most_rows)
        if not self.minus_baseline:
            return at_x
        at_baseline = at_baseline_of(network, request, most_rows)
        if not np.isfinite(at_baseline).all():
            warn_of_baseline(network.problem, request)
        return at_x - at_baseline


def at_baseline_of(network: 'Network', request: 'Request', most_rows: int) -> Array:
    """Outputs of the baseline, or the mean over a set of them, with each sample's weights."""
    if not request.is_set:
        return network.scores(request, most_rows, [_for_each(b, request.n) for b in request.baselines])
    count, every = set_size(request), np.arange(request.n)
    ones = (of_set(request, slice(i, i + 1), every) for i in range(count))
    return np.asarray(sum(network.scores(request, most_rows, one) for one in ones) / count)


def _for_each(baseline: Array, n: int) -> Array:
    return baseline if len(baseline) == n else np.broadcast_to(baseline[:1], (n,) + baseline.shape[1:])


def _multipliers(request: 'Request') -> str:
    return 'multipliers add up to nothing before they are multiplied: leave multiply_by_inputs=False out.'


NOTHING = Promise(None, refusal=_nothing, quantity=None)
#: Of gradients, and of parts of T that add up to nothing in particular.
SENSITIVITY = Promise(None, refusal=_nothing, quantity='sensitivity')
CONTRIBUTION = Promise(None, refusal=_nothing)
TO_OUTPUT = Promise('T(x)')
TO_DIFFERENCE = Promise('T(x) - T(baseline)', minus_baseline=True)
#: Of multipliers, which are still to be multiplied by what x differs from the baseline.
MULTIPLIERS = Promise('T(x) - T(baseline)', minus_baseline=True, refusal=_multipliers, quantity='sensitivity')
