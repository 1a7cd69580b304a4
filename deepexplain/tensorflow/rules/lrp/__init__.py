"""Layer-wise relevance propagation: relevance goes from T to X, through layers as people mean them.

What goes back through the graph is relevance itself, not a gradient: each op hands what it gets to its inputs.
``layers`` reads layers out of raw ops, ``formulas`` has one function for each rule (``@rule``), ``composites`` says
which layer gets which, ``flows`` what all other ops do, and ``book`` makes a rule book of it.
"""

from .book import LRPBook
from .composites import CHECKS, COMPOSITES, KINDS
from .formulas import RULES, rule

__all__ = ['CHECKS', 'COMPOSITES', 'KINDS', 'RULES', 'LRPBook', 'rule']
