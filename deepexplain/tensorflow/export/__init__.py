"""Explainers that leave the process: one SavedModel with the model and its attributions."""

from .saved_model import export

__all__ = ['export']
