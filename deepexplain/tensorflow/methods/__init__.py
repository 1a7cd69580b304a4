"""The attribution methods, in three families, and every name that 0.3 exported from here."""

from ..runtime.activations import ACTIVATIONS
from ..runtime.overrides import original_grad
from .base import AttributionMethod, attribution_methods, register
from .gradient import DummyZero, GradientBasedMethod, GradientXInput, IntegratedGradients, Saliency  # noqa: I001
from .chain_rule import DeepLIFTRescale, EpsilonLRP  # the order of these imports is that of the methods
from .perturbation import Occlusion, PerturbationBasedMethod, ShapleySampling

SUPPORTED_ACTIVATIONS = list(ACTIVATIONS)


def activation(type):  # noqa: A002 - 0.3's name
    """Return TensorFlow's function for an overridden activation, by op type ('Relu')."""
    return ACTIVATIONS[type]


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
    'activation',
    'attribution_methods',
    'original_grad',
    'register',
]
