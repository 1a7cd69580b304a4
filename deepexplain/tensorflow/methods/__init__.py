"""The attribution methods, one file for each kind, and every name that 0.3 exported from here (see ``legacy.py``)."""

from ..runtime.activations import ACTIVATIONS as SUPPORTED_ACTIVATIONS
from ..runtime.overrides import original_grad
from .method import Method, at_run, attribution_methods, register
from .gradients import DummyZero, GradientXInput, Saliency
from .integrated import IntegratedGradients
from .epsilon_lrp import EpsilonLRP  # the order of these imports is that of the methods
from .deeplift import DeepLIFTRescale
from .occlusion import Occlusion
from .shapley_sampling import ShapleySampling
from .lrp import LRP
from .guided import Deconvnet, GuidedBackprop
from .grad_cam import GradCAM, GradCAMPlusPlus, GuidedGradCAM
from .conductance import Conductance, InternalInfluence

__all__ = [
    'LRP',
    'SUPPORTED_ACTIVATIONS',
    'Conductance',
    'Deconvnet',
    'DeepLIFTRescale',
    'DummyZero',
    'EpsilonLRP',
    'GradCAM',
    'GradCAMPlusPlus',
    'GradientXInput',
    'GuidedBackprop',
    'GuidedGradCAM',
    'IntegratedGradients',
    'InternalInfluence',
    'Method',
    'Occlusion',
    'Saliency',
    'ShapleySampling',
    'at_run',
    'attribution_methods',
    'original_grad',
    'register',
]
