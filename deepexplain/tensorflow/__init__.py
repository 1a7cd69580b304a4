"""Attribution methods for TensorFlow graphs and sessions, on TensorFlow 1.15 and 2.x."""

from . import legacy, methods
from .context import DeepExplain
from .explainer import Explainer
from .export import export
from .models import open_model
from .noise import NoiseTunnel
from .recipe import Recipe
from .text import embedding_outputs, per_token

# Code written against 0.3 imports these from the module of the methods, which they stand on.
for _name in ('AttributionMethod', 'GradientBasedMethod', 'PerturbationBasedMethod'):
    setattr(methods, _name, getattr(legacy, _name))
setattr(methods, 'DeepExplain', DeepExplain)  # noqa: B010 - an assignment is an unknown attribute to mypy

__all__ = [
    'DeepExplain',
    'Explainer',
    'NoiseTunnel',
    'Recipe',
    'embedding_outputs',
    'export',
    'methods',
    'open_model',
    'per_token',
]
