"""What an op gets on the way back from T to X: one rule for each op, named, judged and applied from one entry."""

from .book import Decision, Rule, RuleBook, of_types
from .plain import EVALUATED, GRADIENT, INTEGRATED_GRADIENT, activations, linear, plain

__all__ = [
    'EVALUATED',
    'GRADIENT',
    'INTEGRATED_GRADIENT',
    'Decision',
    'Rule',
    'RuleBook',
    'activations',
    'linear',
    'of_types',
    'plain',
]
