"""Attribution methods for TensorFlow graphs and sessions, on TensorFlow 1.15 and 2.x."""

from . import methods
from .context import DeepExplain

# Code written against 0.3 imports the context manager from the module of the methods.
methods.DeepExplain = DeepExplain

__all__ = ['DeepExplain', 'methods']
