"""Where the samples are: their axis, followed through a graph from X to T, without running anything.

What is found is proven: that the rows of a tensor keep to their samples, whatever the values; or which op first brings
samples together. What the table does not know stays unknown, and nobody guesses here.
"""

from . import by_place, lookups, products, shapes
from .states import ONE, Mixed, Rows, Unknown, sentence
from .walk import rows_of_target

__all__ = ['ONE', 'Mixed', 'Rows', 'Unknown', 'by_place', 'lookups', 'products', 'rows_of_target', 'sentence', 'shapes']
