"""DNA, RNA and proteins, before and after an explanation: NumPy only.

Files to letters (:func:`read_fasta`), letters to arrays and back (:func:`to_one_hot`, :func:`to_letters`), baselines
(:func:`dinucleotide_shuffles`) and what each letter would contribute (:func:`hypothetical_contributions`).
"""

from .contributions import hypothetical_contributions
from .fasta import Fasta, read_fasta
from .letters import DNA, PROTEIN, RNA, to_letters, to_one_hot
from .shuffles import dinucleotide_shuffles

__all__ = [
    'DNA',
    'PROTEIN',
    'RNA',
    'Fasta',
    'dinucleotide_shuffles',
    'hypothetical_contributions',
    'read_fasta',
    'to_letters',
    'to_one_hot',
]
