"""Attribution methods for TensorFlow graphs and sessions, on TensorFlow 1.15 and 2.x."""

from . import methods
from .context import DeepExplain
from .methods.noise import NoiseTunnel
from .models import open_model
from .text import embedding_outputs, per_token

# Code written against 0.3 imports the context manager from the module of the methods.
setattr(methods, 'DeepExplain', DeepExplain)  # noqa: B010 - an assignment is an unknown attribute to mypy

__all__ = ['DeepExplain', 'NoiseTunnel', 'embedding_outputs', 'methods', 'open_model', 'per_token']
