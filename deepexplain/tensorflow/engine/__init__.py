"""What computes attributions: a problem, a network that answers, and one engine for each kind of plan.

Whoever writes a method plans with these.
"""

from .backward import Backward
from .baselines import Baselines
from .changes import Changes
from .path import Path
from .problem import Problem
from .promise import CONTRIBUTION, NOTHING, SENSITIVITY, TO_DIFFERENCE, TO_OUTPUT, Promise
from .references import References

__all__ = [
    'CONTRIBUTION',
    'NOTHING',
    'SENSITIVITY',
    'TO_DIFFERENCE',
    'TO_OUTPUT',
    'Backward',
    'Baselines',
    'Changes',
    'Path',
    'Problem',
    'Promise',
    'References',
]
