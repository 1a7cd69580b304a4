"""Letters to one-hot rows and back: DNA, RNA, proteins, letters that stand for several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.sequences import DNA, PROTEIN, RNA, to_letters, to_one_hot
from deepexplain.sequences.letters import AMINO_ACIDS, BASES


def slow(text, alphabet):
    return np.array([[float(letter == one) for one in alphabet] for letter in text])


@pytest.mark.parametrize('alphabet', [DNA, RNA, PROTEIN, 'xyz', 'TGCA', 'aA'])
@given(data=st.data())
def test_there_and_back(alphabet, data):
    text = data.draw(st.text(alphabet, min_size=1))
    found = to_one_hot(text, alphabet)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, slow(text, alphabet))
    assert to_letters(found, alphabet) == text


def test_several_sequences_are_one_array():
    found = to_one_hot(['ACG', 'TTT'])
    np.testing.assert_array_equal(found, [slow('ACG', DNA), slow('TTT', DNA)])
    assert to_letters(found) == ['ACG', 'TTT']


def test_shorter_sequences_are_filled_up_with_zeros():
    found = to_one_hot(['ACG', 'T'], length=4)
    assert found.shape == (2, 4, 4)
    assert to_letters(found) == ['ACGN', 'TNNN']
    assert to_letters(to_one_hot('MK', PROTEIN, length=3), PROTEIN) == 'MKX'
    assert to_letters(to_one_hot('x', 'xy', length=2), 'xy') == 'x-'
    assert to_letters(found, unknown='.') == ['ACG.', 'T...']


def test_small_letters_are_capitals_unless_the_alphabet_has_both():
    np.testing.assert_array_equal(to_one_hot('acgt'), np.eye(4))
    np.testing.assert_array_equal(to_one_hot('AC', 'acgt'), np.eye(4)[:2])
    np.testing.assert_array_equal(to_one_hot('aA', 'Aa'), [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ('alphabet', 'codes'), [(DNA, BASES), (RNA, BASES), (PROTEIN, AMINO_ACIDS)], ids=['dna', 'rna', 'protein']
)
def test_letters_for_several_are_zeros_or_shares(alphabet, codes):
    text = ''.join(sorted(codes))
    assert not to_one_hot(text, alphabet).any()
    for dtype in (np.float16, np.float32, float):
        shares = to_one_hot(text.lower(), alphabet, ambiguous='shares', dtype=dtype)
        assert shares.dtype == dtype
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-3)
        for row, code in zip(shares, text):
            meant = codes[code].replace('T', 'U') if alphabet == RNA else codes[code]
            assert {letter for letter, share in zip(alphabet, row) if share} == set(meant)
        assert to_letters(shares, alphabet) == text


def test_the_codes_are_those_of_the_nomenclature():
    complement = dict(zip('ACGT', 'TGCA'))
    pairs = {'R': 'Y', 'K': 'M', 'B': 'V', 'D': 'H', 'S': 'S', 'W': 'W', 'N': 'N'}
    for code, other in pairs.items():
        assert {complement[base] for base in BASES[code]} == set(BASES[other])
    assert len({frozenset(meant) for meant in BASES.values()}) == 11


def test_gaps_are_zeros():
    assert not to_one_hot('-.', ambiguous='shares').any()


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'sequences': 'ACJ'},
            ArgumentError,
            "sequences has 'J' at position 2, which is no letter of the alphabet ",
        ),
        ({'sequences': '\ud800'}, ArgumentError, r"sequences has '.ud800' at position 0"),
        ({'sequences': ['AC', 'AU']}, ArgumentError, r"sequences\[1\] has 'U' at position 1, .* pass alphabet='ACGU'"),
        (
            {'sequences': 'AT', 'alphabet': RNA},
            ArgumentError,
            "has 'T' at position 1, .* For DNA, pass alphabet='ACG",
        ),
        ({'sequences': 'MK'}, ArgumentError, None),
        ({'sequences': 'ML', 'alphabet': DNA}, ArgumentError, "has 'L' at position 1, .* pass alphabet=PROTEIN"),
        (
            {'sequences': 'MK*', 'alphabet': PROTEIN},
            ArgumentError,
            r'A stop at the end goes with sequence.rstrip',
        ),
        (
            {'sequences': 'AN', 'ambiguous': 'refuse'},
            ArgumentError,
            "'N' at position 1, which stands for any of ACGT",
        ),
        (
            {'sequences': 'A-', 'ambiguous': 'refuse'},
            ArgumentError,
            "has '-' at position 1, which stands for a gap",
        ),
        ({'sequences': ['A', 'AC']}, ArgumentError, '1 to 2 letters; with length=2, shorter ones are filled up'),
        ({'sequences': ['A', 'AC'], 'length': 1}, ArgumentError, 'length must be at least 2, the longest of the seq'),
        ({'sequences': ''}, ArgumentError, "sequences must have at least one letter each; got ''"),
        ({'sequences': []}, ArgumentError, r'sequences must have at least one letter each; got \[\]'),
        ({'sequences': 3}, ArgumentTypeError, 'sequences must be a list of names; got 3'),
        ({'alphabet': 'ACGTA'}, ArgumentError, "alphabet must have each letter once; got 'ACGTA'"),
        ({'alphabet': ['AC']}, ArgumentError, 'alphabet must be single letters'),
        ({'ambiguous': 'N'}, ArgumentError, "ambiguous must be one of 'zeros', 'shares', 'refuse'; got 'N'"),
        ({'dtype': 'nosuch'}, ArgumentTypeError, "dtype must be a dtype of NumPy; got 'nosuch'"),
        ({'dtype': 'U1'}, ArgumentTypeError, "dtype must be of numbers or bools; got 'U1'"),
        ({'dtype': int, 'ambiguous': 'shares'}, ArgumentTypeError, "dtype must be of floats, as ambiguous='shares' ne"),
        ({'length': 0}, ArgumentError, 'length must be at least 1; got 0'),
    ],
)
def test_arguments_of_to_one_hot(arguments, error, message):
    if message is None:  # M and K stand for two bases each: what is a protein to the eye may be DNA
        assert not to_one_hot(**arguments).any()
        return
    with pytest.raises(error, match=message):
        to_one_hot(**{'sequences': 'ACGT', **arguments})


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'one_hot': np.ones((2, 3))}, ArgumentError, r'a column for each of the 4 letters of the alphabet; got shape'),
        (
            {'one_hot': np.ones(4)},
            ArgumentError,
            r'must have the axes \(length, alphabet\) or \(sequences, leng',
        ),
        ({'one_hot': np.ones((0, 4))}, ArgumentError, r'one_hot is empty: its shape is \(0, 4\)'),
        ({'one_hot': [[1, 0, 0, 0], [0.9, 0.1, 0, 0]]}, ArgumentError, r'at \(1,\) it has \[0\.9, 0\.1, 0\.0, 0\.0\]'),
        ({'one_hot': np.eye(4)[None] * 2}, ArgumentError, r'at \(0, 0\) it has \[2\.0, 0\.0, 0\.0, 0\.0\]'),
        ({'one_hot': [[0.5, 0.5]], 'alphabet': 'xy'}, ArgumentError, r'equal shares that a letter stands for'),
        ({'one_hot': np.full((1, 4), np.nan)}, ArgumentError, r'one_hot must be finite; .* at index \(0, 0\)'),
        ({'unknown': 'NN'}, ArgumentTypeError, "unknown must be one letter; got 'NN'"),
    ],
)
def test_arguments_of_to_letters(arguments, error, message):
    with pytest.raises(error, match=message):
        to_letters(**{'one_hot': np.eye(4), **arguments})
