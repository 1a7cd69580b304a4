"""Multipliers: relevance without the factor of the input, which only what reads an input in proportion has."""

from typing import Any, Dict, Sequence, Tuple

from ....errors import GraphError
from ...compat import Operation, Tensor
from ...runtime.graph import Step
from .composites import Chosen
from .formulas import RULES
from .layers import Layer
from .ways import is_on_a_way


class Near:
    """What only moves, shifts and scales the inputs of which multipliers are wanted; of no inputs, nothing."""

    def __init__(self, steps: Sequence[Step], inputs: Sequence[Tensor]) -> None:
        self._names = {x.name: x for x in inputs}
        self._steps: Dict[Operation, Step] = {step.op: step for step in steps}

    def is_near(self, z: Tensor) -> bool:
        """Whether a tensor is an input, or one moved, shifted and scaled."""
        while self._names:
            if z.name in self._names and z.graph is self._names[z.name].graph:
                return True
            step = self._steps.get(z.op)
            if step is None or not self.holds(step):
                return False
            z = z.op.inputs[step.numbers[0]]
        return False

    def holds(self, step: Step) -> bool:
        """Whether an op hands multipliers on, as a gradient."""
        if not self._names:
            return False
        numbers = step.numbers
        return len(numbers) == 1 and is_on_a_way(step.op, numbers[0]) and self.is_near(step.op.inputs[numbers[0]])

    def check(self, layers: Sequence[Tuple[Layer, Chosen]]) -> None:
        """Raise a GraphError where something reads an input other than in proportion."""
        if not self._names:
            return
        rules: Dict[Any, str] = {part.op: chosen.name for layer, chosen in layers for part in layer.parts}
        for step in self._steps.values():
            if not any(self.is_near(step.op.inputs[i]) for i in step.numbers) or self.holds(step):
                continue
            rule = rules.get(step.op)
            if rule is None or not RULES[rule].has_multipliers:
                why = 'reads it without weights' if rule is None else f"gets the rule '{rule}', whatever the input is"
                raise GraphError(
                    f'multiply_by_inputs=False: relevance of X is not in proportion to X, as op '
                    f"'{step.op.name}' ({step.op.type}) {why}. Give that layer another rule, or leave the option out."
                )
