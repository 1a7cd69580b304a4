"""The epsilon rule of any op, taken as what its gradient makes of its inputs."""

from typing import Any, List, Optional

from ...compat import Operation, Tensor
from ...runtime.op_types import is_continuous
from ...runtime.overrides import original_grad
from .signs import away


def linear_part(op: Operation, varying: List[int], grads: Any, stabilizer: float) -> List[Optional[Tensor]]:
    """What each input times its gradient has of the sum, of that of the output."""
    shares = [None if R is None or not is_continuous(z) else R / away(z, stabilizer) for R, z in zip(grads, op.outputs)]
    gradients = original_grad(op, *shares)
    gradients = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
    return [
        op.inputs[i] * gradient if i in varying and gradient is not None else None
        for i, gradient in enumerate(gradients)
    ]
