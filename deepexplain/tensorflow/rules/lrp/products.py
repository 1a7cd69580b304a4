"""Products of two that vary: who gets the relevance, and by which rule it is shared out among the values of each."""

from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Tuple

from ...compat import Operation, Tensor, tf
from ...runtime.op_types import BILINEAR
from ..complete.registry import sum_to
from .layers import BY_VALUE
from .linear import linear_part

if TYPE_CHECKING:
    from ...runtime.graph import Step
    from .factors import Factors

_HELD = {'gate': 'gate', 'spread': 'spread', 'attention': 'attention weights'}


class Options(NamedTuple):
    """What the user chose of products."""

    stabilizer: float
    attention: str
    gates: str


def is_product(step: 'Step') -> bool:
    """Whether an op multiplies two that vary."""
    return step.op.type in BILINEAR and len(step.numbers) == 2


def takers(step: 'Step', factors: 'Factors', options: Options) -> Tuple[List[int], str]:
    """The indices of the factors that get relevance, each as much of it, and that in words."""
    varying = step.numbers
    masked = [i for i in varying if i not in step.discrete]
    if len(masked) == 1:  # the other is made of conditions
        return masked, 'all to the signal, none to the mask'
    kinds = [factors.kind(step.op.inputs[i]) for i in varying]
    for kind, holds in (
        ('spread', True),
        ('attention', options.attention == 'cp'),
        ('gate', options.gates == 'all' and 'attention' not in kinds),
    ):
        if holds and kinds.count(kind) == 1:
            return [varying[1 - kinds.index(kind)]], f'all to the signal, none to the {_HELD[kind]}'
    return varying, 'half each'


def shared(op: Operation, chosen: List[int], R: Tensor, stabilizer: float) -> List[Optional[Tensor]]:
    """Relevance of the factors where no rule was chosen: as it is, or by the epsilon rule of a sum of products."""
    R = R / tf.cast(len(chosen), R.dtype)
    if op.type not in BY_VALUE:
        found: List[Any] = linear_part(op, chosen, [R], stabilizer)
        return found + [None] * (len(op.inputs) - len(found))
    return [sum_to(R, z) if i in chosen else None for i, z in enumerate(op.inputs)]
