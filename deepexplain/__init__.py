"""Attributions for TensorFlow graphs: how much each input value contributes to an output.

``from deepexplain.tensorflow import DeepExplain`` is where to begin. This module imports no TensorFlow.
"""

__version__ = '1.0.0.dev0'
