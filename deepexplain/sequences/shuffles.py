"""Shuffles of a sequence that keep how often each letter follows each other."""

import zlib
from typing import Dict, Iterator, List, Optional, Union

import numpy as np

from ..arguments import as_count, as_generator, as_seed, text_of
from ..errors import ArgumentError, ArgumentTypeError, MemoryLimitError
from ..types import Array, ArrayLike
from .letters import as_rows

#: The most values of the shuffles of one call.
MOST_VALUES = 2**31


def dinucleotide_shuffles(
    sequences: Union[str, ArrayLike], count: int = 20, seed: Optional[int] = None
) -> Union[List[str], Array]:
    """Shuffled sequences with as many of each two neighbours, such as CG, as the sequence has: baselines for DNA.

    Each shuffle is drawn from all sequences that have the same pairs of neighbours (and hence the same first and last
    letter), all of them equally likely: they are the ways through a graph whose edges are the pairs. Last exits from
    each letter are drawn as a random tree, and all others in any order.

    Parameters
    ----------
    sequences : str, or array of real numbers of shape (length, alphabet) or (samples, length, alphabet)
        Of an array, whole rows are shuffled: rows of zeros (unknown letters) or of shares count as a letter of their
        own.
    count : int, default 20
        How many shuffles of each sequence.
    seed : int, optional
        The same sequence has the same shuffles of the same seed, whatever else it comes with, as a str or as an array.
        Default: others at each call.

    Returns
    -------
    list of str, or array of shape (count, length, alphabet) or (samples, count, length, alphabet)
        Of the dtype that came.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument has a wrong shape, kind or value.
    MemoryLimitError
        The shuffles of all sequences would have more than 2**31 values.

    References
    ----------
    Altschul and Erickson, Significance of nucleotide sequence alignments: a method for random sequence permutation that
    preserves dinucleotide and codon usage, 1985. https://doi.org/10.1093/oxfordjournals.molbev.a040370
    Kandel et al., Shuffling biological sequences, 1996. https://doi.org/10.1016/S0166-218X(97)81456-4
    Propp and Wilson, How to get a perfectly random sample from a generic Markov chain and generate a random spanning
    tree of a directed graph, 1998 (the tree). https://doi.org/10.1006/jagm.1997.0917

    Examples
    --------
    >>> from deepexplain.sequences import dinucleotide_shuffles
    >>> sorted(set(dinucleotide_shuffles('ATCGATT', count=50, seed=0)))
    ['ATCGATT', 'ATTCGAT']
    """
    count = as_count(count, 'count')
    if seed is not None:
        seed = as_seed(seed)
    if isinstance(sequences, str):
        if not sequences:
            raise ArgumentError('sequences is empty: it has no letter.')
        text = np.array(list(sequences))
        _check_size(text.size, count)
        return [''.join(text[order]) for order in _orders(np.unique(text, return_inverse=True)[1], count, seed)]
    if isinstance(sequences, (list, tuple)) and any(isinstance(one, str) for one in sequences):
        raise ArgumentTypeError(
            f'sequences must be one str, or an array, which to_one_hot makes of several; got {text_of(sequences)}.'
        )
    array = as_rows(sequences, 'sequences')
    _check_size(array.size, count)
    samples = array if array.ndim == 3 else array[np.newaxis]
    result = np.empty((len(samples), count) + samples.shape[1:], array.dtype)
    for sample, shuffles in zip(samples, result):
        places = np.unique(sample, axis=0, return_inverse=True)[1].ravel()
        for shuffle, order in zip(shuffles, _orders(places, count, seed)):
            shuffle[:] = sample[order]
    return result if array.ndim == 3 else result[0]


def _check_size(values: int, count: int) -> None:
    if values * count > MOST_VALUES:
        raise MemoryLimitError(
            f'count={text_of(count)} shuffles of sequences with {values} values would have {text_of(values * count)} '
            f'values; at most {MOST_VALUES} are made at a time: shuffle fewer sequences at a time.'
        )


def _orders(places: Array, count: int, seed: Optional[int]) -> Iterator[Array]:
    """Orders of the positions, each of which gives a shuffle."""
    letters = _by_first_place(places)
    # The stream of a sequence is its own, so that it does not depend on the batch that the sequence comes in.
    random = as_generator(None) if seed is None else np.random.RandomState([seed, zlib.crc32(letters.tobytes())])
    # For each letter the positions that follow it: the edges out of it.
    ends = np.cumsum(np.bincount(letters[:-1], minlength=letters.max() + 1))[:-1]
    after = np.split(np.argsort(letters[:-1], kind='stable') + 1, ends)
    for _ in range(count):
        yield _order(letters, after, random)


def _by_first_place(places: Array) -> Array:
    """Letters as numbers, 0 for the first, 1 for the next that differs, and so on: whatever they were written as."""
    _, firsts, numbers = np.unique(places, return_index=True, return_inverse=True)
    result: Array = np.argsort(np.argsort(firsts))[numbers].astype(np.int64)
    return result


def _order(letters: Array, after: List[Array], random: np.random.RandomState) -> Array:
    """One way through all edges, from the first position to the last letter."""
    names = letters.tolist()
    exits = _last_exits(names, after, random)
    ways = []
    for letter, edges in enumerate(after):
        if letter in exits:
            others = random.permutation(np.delete(edges, exits[letter])).tolist()
            ways.append(iter([*others, int(edges[exits[letter]])]))
        else:
            ways.append(iter(random.permutation(edges).tolist()))
    order = [0]
    for _ in range(len(names) - 1):
        order.append(next(ways[names[order[-1]]]))
    return np.array(order)


def _last_exits(names: List[int], after: List[Array], random: np.random.RandomState) -> Dict[int, int]:
    """Which edge is the last out of each letter but the one at the end, so that none of the others is left behind.

    These edges are a tree that leads to the last letter; Wilson's walks draw each of them equally often.
    """
    reached, exits = {names[-1]}, {}
    for start in range(len(after)):
        letter = start
        while letter not in reached:
            exits[letter] = random.randint(len(after[letter]))
            letter = names[after[letter][exits[letter]]]
        letter = start
        while letter not in reached:  # without the loops of the walk, whose exits were drawn again
            reached.add(letter)
            letter = names[after[letter][exits[letter]]]
    return exits
