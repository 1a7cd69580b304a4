"""Shuffles that keep pairs of neighbours, against all sequences that have the same pairs."""

import collections
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from deepexplain.errors import ArgumentError, ArgumentTypeError, MemoryLimitError
from deepexplain.sequences import dinucleotide_shuffles, to_letters, to_one_hot
from deepexplain.sequences import shuffles as module


def pairs(text):
    return collections.Counter(zip(text, text[1:]))


def all_alike(text):
    """Every sequence with the same pairs of neighbours, found by trying all orders of the letters."""
    return sorted({''.join(order) for order in set(itertools.permutations(text)) if pairs(order) == pairs(text)})


@given(st.text('ACGTN', min_size=1, max_size=60), st.integers(0, 2**32 - 1))
def test_pairs_and_ends_are_kept(text, seed):
    for shuffle in dinucleotide_shuffles(text, 3, seed):
        assert pairs(shuffle) == pairs(text)
        assert (shuffle[0], shuffle[-1]) == (text[0], text[-1])


@pytest.mark.parametrize('text', ['ATCGATT', 'AACACAG', 'ABABCACB', 'AABBABAC', 'ACBADABC', 'AAAABAAC'])
def test_all_sequences_of_the_same_pairs_are_equally_likely(text):
    expected = all_alike(text)
    assert len(expected) > 1
    counts = collections.Counter(dinucleotide_shuffles(text, 200 * len(expected), seed=1))
    assert sorted(counts) == expected
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_a_text_and_its_rows_are_shuffled_alike():
    text = 'ACGTTGCANNACCAGT'
    rows = to_one_hot(text, ambiguous='shares')
    shuffles = dinucleotide_shuffles(rows, 5, seed=3)
    assert shuffles.shape == (5, 16, 4)
    assert shuffles.dtype == np.float32
    assert to_letters(shuffles) == dinucleotide_shuffles(text, 5, seed=3)


def test_each_sample_has_shuffles_of_its_own_whatever_it_comes_with():
    xs = to_one_hot(['ACGTTGCAGGAC', 'GGATATTACCAG', 'ACGTTGCAGGAC'])
    found = dinucleotide_shuffles(xs, 4, seed=5)
    assert found.shape == (3, 4, 12, 4)
    for x, shuffles in zip(xs, found):
        np.testing.assert_array_equal(shuffles, dinucleotide_shuffles(x, 4, seed=5))
    np.testing.assert_array_equal(found[0], found[2])
    assert len({shuffle.tobytes() for shuffle in found[0]}) > 1


def test_seeds():
    text = 'ACGTTGCAGGACATTAGACCATAGGA'
    assert dinucleotide_shuffles(text, 9, seed=0) == dinucleotide_shuffles(text, 9, seed=0)
    assert dinucleotide_shuffles(text, 9, seed=0) != dinucleotide_shuffles(text, 9, seed=1)
    assert dinucleotide_shuffles(text, 9) != dinucleotide_shuffles(text, 9)
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    dinucleotide_shuffles(text, 9)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_any_rows_and_dtypes():
    rows = np.array([[0, 1], [5, 5], [0, 1], [2, 0], [0, 1]], np.int8)
    shuffles = dinucleotide_shuffles(rows, 20, seed=0)
    assert shuffles.dtype == np.int8
    assert {shuffle.tobytes() for shuffle in shuffles} == {rows.tobytes(), rows[[0, 3, 2, 1, 4]].tobytes()}


def test_a_letter_that_is_rarely_left_for_the_last_one_takes_no_longer():
    # A tree by rejection would be found once in 10**12 draws.
    text = ''.join(letter * 1000 for letter in 'ABCDE')
    assert dinucleotide_shuffles(text, 3, seed=0) == [text] * 3


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'sequences': ''}, ArgumentError, 'sequences is empty: it has no letter'),
        (
            {'sequences': ['ACGT', 'AC']},
            ArgumentTypeError,
            'must be one str, or an array, which to_one_hot makes',
        ),
        (
            {'sequences': np.eye(4)[0]},
            ArgumentError,
            r'must have the axes \(length, alphabet\) or \(sequences, len',
        ),
        ({'sequences': np.full((2, 4), np.nan)}, ArgumentError, 'sequences must be finite'),
        ({'sequences': None}, ArgumentTypeError, 'sequences must be an array; got None'),
        ({'count': 0}, ArgumentError, 'count must be at least 1; got 0'),
        ({'count': 2.0}, ArgumentTypeError, 'count must be an integer; got 2.0'),
        ({'count': 2**40}, MemoryLimitError, r'with 4 values would have 4398046511104 values; at most 2147483648 are'),
        ({'seed': -1}, ArgumentError, r'seed must be from 0 to 2\*\*32 - 1; got -1'),
    ],
)
def test_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        dinucleotide_shuffles(**{'sequences': 'ACGT', **arguments})


def test_the_check_of_uniformity_sees_a_shuffle_that_is_not(monkeypatch):
    def by_greed(names, after, random):
        # The last exit is the last of the first order that works: what is simpler, and not uniform.
        return {letter: int(np.flatnonzero([names[e] != letter for e in edges])[-1])
                for letter, edges in enumerate(after) if letter != names[-1]}  # fmt: skip

    monkeypatch.setattr(module, '_last_exits', by_greed)
    counts = collections.Counter(dinucleotide_shuffles('ACBADABC', 2000, seed=1))
    assert len(counts) < len(all_alike('ACBADABC')) or chisquare(list(counts.values())).pvalue < 1e-3
