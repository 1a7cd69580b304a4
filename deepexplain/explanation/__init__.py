"""A result that knows itself: attributions, with what they are of, what they are compared with and how they were made.

``explainer.run(xs, explanation=True)`` and ``open_model(...).explain(...)`` return one. NumPy only; pandas, h5py,
pyarrow, zarr and matplotlib are needed by what is called after them.
"""

from .explanation import Explanation, Top

__all__ = ['Explanation', 'Top']
