"""Metrics of attributions: whether they add up, say what the network does, hold still, and depend on its weights.

A metric takes first what it asks the network, then the samples: an explainer, whose network and attributions are
judged, or a function and the attributions of it, from wherever they are. NumPy, no TensorFlow.

>>> import numpy as np
>>> from deepexplain import metrics
>>> w, xs = np.array([2.0, -1.0, 0.5]), np.array([[1.0, 2.0, 4.0], [3.0, 0.5, -2.0]])
>>> metrics.completeness(lambda rows: rows @ w, xs, attributions=xs * w).delta
array([0., 0.])
"""

from .comparison import Comparison, compare
from .completeness import Completeness, completeness, completeness_of
from .deletion_insertion import DeletionInsertion, deletion_insertion
from .infidelity import infidelity
from .max_sensitivity import max_sensitivity
from .randomization import Randomization, randomization
from .sensitivity_n import SensitivityN, sensitivity_n

__all__ = [
    'Comparison',
    'Completeness',
    'DeletionInsertion',
    'Randomization',
    'SensitivityN',
    'compare',
    'completeness',
    'completeness_of',
    'deletion_insertion',
    'infidelity',
    'max_sensitivity',
    'randomization',
    'sensitivity_n',
]
