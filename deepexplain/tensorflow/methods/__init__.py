"""The attribution methods, in three families, and every name that 0.3 exported from here."""

from ..runtime.activations import ACTIVATIONS as SUPPORTED_ACTIVATIONS
from ..runtime.overrides import original_grad
from .base import AttributionMethod, attribution_methods, register
from .gradient import DummyZero, GradientBasedMethod, GradientXInput, Saliency
from .integrated import IntegratedGradients
from .chain_rule import DeepLIFTRescale, EpsilonLRP  # the order of these imports is that of the methods
from .perturbation import Occlusion, PerturbationBasedMethod, ShapleySampling

__all__ = [
    'SUPPORTED_ACTIVATIONS',
    'AttributionMethod',
    'DeepLIFTRescale',
    'DummyZero',
    'EpsilonLRP',
    'GradientBasedMethod',
    'GradientXInput',
    'IntegratedGradients',
    'Occlusion',
    'PerturbationBasedMethod',
    'Saliency',
    'ShapleySampling',
    'attribution_methods',
    'original_grad',
    'register',
]
