"""Which engine runs a plan, by its kind."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Dict

from ...arguments import text_of
from ...errors import ArgumentTypeError
from ..runtime.building import building
from .backward import Backward
from .changes import ChangeEngine, Changes
from .gradients import GradientEngine

if TYPE_CHECKING:
    from .problem import Problem

#: The kind of a plan -> the engine that runs it.
ENGINES: Dict[type, Any] = {Backward: GradientEngine, Changes: ChangeEngine}


def engine_of(method: Any, plan: Any, problem: 'Problem', strict: bool, built: Any = None) -> Any:
    """The engine of a method's plan: built anew, or sharing the graph of one that is ``built``.

    Raises
    ------
    ArgumentTypeError
        It is no plan.
    """
    if type(plan) not in ENGINES:
        raise ArgumentTypeError(
            f'plan(problem) of {type(method).__name__} must return a Backward or a Changes; got {text_of(plan)}.'
        )
    with building(problem.graph) if built is None else ExitStack():
        return ENGINES[type(plan)](method.name, plan, problem, strict, built)
