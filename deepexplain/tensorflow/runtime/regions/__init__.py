"""What a change inside a window reaches of each tensor, and a graph that computes that part alone."""

from . import placewise, windowed  # they fill the table of rules

__all__ = ['placewise', 'windowed']
