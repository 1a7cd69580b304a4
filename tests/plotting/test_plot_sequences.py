"""Sequence logos: the letters, how high they are and where they stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import sequence

ATTRIBUTIONS = np.array([0.5, -0.25, 2.0, 0.0, -1.5])
ONE_HOT = np.eye(4)[[0, 2, 3, 1, 0]]


def glyphs(ax):
    """The boxes of the letters, in data coordinates: rows of x0, y0, x1, y1, in the order they were drawn; paths."""
    paths = letters_of(ax).get_paths()
    return np.array([path.get_extents().extents for path in paths]), paths


def letters_of(ax):
    return next(collection for collection in ax.collections if isinstance(collection, PathCollection))


def colours_of(ax):
    return [tuple(colour) for colour in letters_of(ax).get_facecolor()]


def bands(ax):
    return [collection for collection in ax.collections if isinstance(collection, PolyCollection)]


def spans(ax):
    return [path.get_extents() for collection in bands(ax) for path in collection.get_paths()]


@pytest.mark.parametrize('given_as', [{'letters': 'AGTCA'}, {'letters': list('AGTCA')}, {'one_hot': ONE_HOT}])
def test_letters_are_as_high_as_their_attributions(ax, given_as):
    sequence(ATTRIBUTIONS, ax=ax, **given_as)
    found, _ = glyphs(ax)
    expected = [(0, 0.0, 0.5), (1, -0.25, 0.0), (2, 0.0, 2.0), (4, -1.5, 0.0)]  # nothing for 0
    np.testing.assert_allclose((found[:, 0] + found[:, 2]) / 2, [x for x, _, _ in expected], atol=1e-9)
    np.testing.assert_allclose(found[:, 1], [low for _, low, _ in expected], atol=1e-9)
    np.testing.assert_allclose(found[:, 3], [high for _, _, high in expected], atol=1e-9)
    assert (found[:, 2] - found[:, 0] < 1).all()
    assert (found[:, 2] - found[:, 0] > 0.8).all()


def outline(letter):
    """The path of a letter, in a box from 0 to 1."""
    vertices = TextPath((0, 0), letter, size=100, prop=FontProperties(family='DejaVu Sans Mono', weight='bold'))
    box = vertices.get_extents()
    return (vertices.vertices - box.min) / box.size


@pytest.mark.parametrize('flip', [False, True])
def test_letters_are_real_glyphs_and_turned_only_if_asked(ax, flip):
    sequence([1.0, -2.0], 'GT', ax=ax, flip=flip)
    found, paths = glyphs(ax)
    for letter, box, path in zip('GT', found, paths):
        drawn = (path.vertices - box[:2]) / (box[2:] - box[:2])
        if letter == 'T' and flip:
            drawn[:, 1] = 1 - drawn[:, 1]
        closed = path.codes != 79  # where a path is closed there is no vertex
        np.testing.assert_allclose(drawn[closed], outline(letter)[closed], atol=1e-6)


def test_columns_are_summed_where_the_sequence_is_known(ax):
    attributions = np.random.RandomState(0).normal(size=(5, 4))
    sequence(attributions, one_hot=ONE_HOT, ax=ax)
    found, _ = glyphs(ax)
    total = attributions.sum(axis=1)
    np.testing.assert_allclose(found[:, 3] - found[:, 1], np.abs(total))
    np.testing.assert_allclose(found[:, 1], np.minimum(total, 0), atol=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_without_a_sequence_all_letters_are_stacked(seed):
    attributions = np.random.RandomState(seed).normal(size=(3, 4))
    ax = sequence(attributions, ax=Figure().add_subplot())
    found, _ = glyphs(ax)
    assert len(found) == 12
    for position in range(3):
        boxes = found[np.abs((found[:, 0] + found[:, 2]) / 2 - position) < 0.1]
        row = attributions[position]
        np.testing.assert_allclose(boxes[:, 3].max(), np.maximum(row, 0).sum() if (row > 0).any() else 0, atol=1e-9)
        np.testing.assert_allclose(boxes[:, 1].min(), np.minimum(row, 0).sum() if (row < 0).any() else 0, atol=1e-9)
        np.testing.assert_allclose(np.sort(boxes[:, 3] - boxes[:, 1]), np.sort(np.abs(row)))
        for side in (boxes[boxes[:, 1] >= -1e-12], boxes[boxes[:, 3] <= 1e-12]):
            inside_out = side[np.argsort(np.abs(side[:, 1] + side[:, 3]))]
            heights = inside_out[:, 3] - inside_out[:, 1]
            assert (np.diff(heights) >= -1e-9).all()  # the largest outside
            edges = np.sort(side[:, [1, 3]], axis=None)
            np.testing.assert_allclose(edges[1:-1:2], edges[2:-1:2], atol=1e-9)  # without gaps


def test_all_letters_can_be_seen_and_zero_is_a_line(ax):
    sequence(ATTRIBUTIONS, 'AGTCA', ax=ax)
    low, high = ax.get_ylim()
    assert low < -1.5
    assert high > 2
    assert ax.get_xlim() == (-0.5, 4.5)
    assert list(ax.lines[0].get_ydata()) == [0, 0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('position', 'attribution')


def test_positions_count_from_start(ax):
    sequence(ATTRIBUTIONS, 'AGTCA', ax=ax, start=100, highlight=[(101, 103)])
    found, _ = glyphs(ax)
    np.testing.assert_allclose((found[:, 0] + found[:, 2]) / 2, [100, 101, 102, 104])
    assert ax.get_xlim() == (99.5, 104.5)
    ax.figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in ax.get_xticks())
    (span,) = spans(ax)
    np.testing.assert_allclose([span.x0, span.x1], [100.5, 102.5])


def test_several_spans_lie_behind_the_letters(ax):
    sequence(ATTRIBUTIONS, 'AGTCA', ax=ax, highlight=[(0, 1), (3, 5)])
    assert len(spans(ax)) == 2
    assert bands(ax)[0].get_zorder() < letters_of(ax).get_zorder()


def test_nan_positions_are_grey_with_a_note(ax):
    sequence([1.0, np.nan, -1.0], 'ACG', ax=ax)
    found, _ = glyphs(ax)
    assert len(found) == 2
    (span,) = spans(ax)
    np.testing.assert_allclose([span.x0, span.x1], [0.5, 1.5])
    assert tuple(bands(ax)[0].get_facecolor()[0]) == to_rgba('0.6')
    assert ax.get_xlabel() == 'position\ngrey: 1 nan'


def test_a_row_of_zeros_is_an_unknown_letter(ax):
    sequence([1.0, 1.0], one_hot=[[0, 0, 0, 0], [0, 1, 0, 0]], ax=ax)
    _, letters = glyphs(ax)
    assert len(letters) == 2
    box, closed = letters[0].get_extents(), letters[0].codes != 79
    np.testing.assert_allclose(((letters[0].vertices - box.min) / box.size)[closed], outline('?')[closed], atol=1e-6)


def test_letters_have_colours_of_their_own(ax):
    sequence(np.ones(6), 'ACGTaN', ax=ax)
    hues = colours_of(ax)
    assert len(set(hues[:4])) == 4
    assert hues[4] == hues[0]
    assert hues[5] not in hues[:4]


def test_given_colours(ax):
    sequence(np.ones(2), 'AC', ax=ax, colors={'A': 'black'})
    assert colours_of(ax)[0] == to_rgba('black')


def test_proteins(ax):
    alphabet = 'ACDEFGHIKLMNPQRSTVWY'
    sequence(np.ones((20, 20)) * np.eye(20), one_hot=np.eye(20), alphabet=alphabet, ax=ax)
    letters = dict(zip(alphabet, colours_of(ax)))
    assert letters['D'] == letters['E'] != letters['K'] == letters['R'] != letters['S']


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'letters': 'AG'}, ArgumentError, 'letters must have one for each of the 5 positions; got 2'),
        ({'letters': None}, ArgumentError, 'need the sequence: give letters or one_hot'),
        ({'one_hot': ONE_HOT}, ArgumentError, 'letters and one_hot both give the sequence'),
        (
            {'letters': None, 'one_hot': ONE_HOT[:3]},
            ArgumentError,
            r'one_hot must have the shape of positions and alph',
        ),
        ({'letters': None, 'one_hot': ONE_HOT * 2}, ArgumentError, 'one_hot must have at most one 1 in each row'),
        ({'letters': None, 'one_hot': np.ones((5, 4))}, ArgumentError, 'one_hot must have at most one 1 in each row'),
        ({'letters': ['AG'] * 5}, ArgumentError, "letters must be single letters that can be seen; got 'AG'"),
        ({'letters': 'AG TC'}, ArgumentError, "letters must be single letters that can be seen; got ' '"),
        ({'letters': 5}, ArgumentTypeError, 'letters must be a list of names; got 5'),
        (
            {'attributions': np.ones((5, 3))},
            ArgumentError,
            'one column for each of the 4 letters of the alphabet; got sh',
        ),
        ({'start': 1.5}, ArgumentTypeError, 'start must be an integer; got 1.5'),
        ({'highlight': [(3, 3)]}, ArgumentError, r'must have spans \(first, end\) with first < end; got \(3, 3\)'),
        ({'highlight': [3]}, ArgumentTypeError, r'must be a list of spans \(first, end\); got \[3\]'),
        ({'highlight': (1, 3)}, ArgumentTypeError, r'must be a list of spans \(first, end\); got \(1, 3\)'),
        ({'highlight': 3}, ArgumentTypeError, r'must be a list of spans \(first, end\); got 3'),
    ],
)
def test_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        sequence(**{'attributions': ATTRIBUTIONS, 'letters': 'AGTCA', **arguments})
    assert not plt.get_fignums()


LONG = np.r_[np.zeros(40), [1.0, -3.0, np.nan, 2.0], np.zeros(56), 2.5]


def middles(ax):
    boxes = glyphs(ax)[0]
    return ((boxes[:, 0] + boxes[:, 2]) / 2).round().tolist()


def test_a_window_is_that_of_the_largest_attributions(ax):
    sequence(LONG, 'A' * 101, ax=ax, start=100, window=4)
    assert middles(ax) == [140, 141, 143]
    assert ax.get_xlim() == (139.5, 143.5)
    assert ax.get_xlabel() == 'position\n140 to 143 of 100 to 200\ngrey: 1 nan'
    low, high = ax.get_ylim()
    assert low < -3 < 2 < high < 2.5


def test_a_window_from_here_to_there(ax):
    sequence(LONG, 'C' * 100 + 'G', ax=ax, start=100, window=(199, 201), highlight=[(100, 200)])
    assert middles(ax) == [200]
    assert colours_of(ax) == [to_rgba('#a87400')]
    assert ax.get_xlim() == (198.5, 200.5)
    assert ax.get_xlabel() == 'position\n199 to 200 of 100 to 200'


def test_a_window_of_every_letter_and_one_that_is_wider_than_the_sequence(ax):
    sequence(np.outer(np.nan_to_num(LONG), np.ones(4)), ax=ax, window=2)
    assert sorted(set(middles(ax))) == [41, 43] or sorted(set(middles(ax))) == [40, 41]
    other = sequence(ATTRIBUTIONS, 'AGTCA', window=99)
    assert other.get_xlabel() == 'position'
    assert other.get_xlim() == (-0.5, 4.5)


@pytest.mark.parametrize(
    ('window', 'error', 'message'),
    [
        (0, ArgumentError, 'window must be at least 1; got 0'),
        (2.5, ArgumentTypeError, 'window must be an integer; got 2.5'),
        ((3,), ArgumentError, r'window must be a number of positions, or \(first, end\); got \(3,\)'),
        ((12, 12), ArgumentError, r'window must be \(first, end\) with first < end, from 10 to 15; got \(12, 12\)'),
        ((9, 12), ArgumentError, r'with first < end, from 10 to 15; got \(9, 12\)'),
        ((12, 16), ArgumentError, r'with first < end, from 10 to 15; got \(12, 16\)'),
        ((12, 'a'), ArgumentTypeError, "window, in first and end, must be an integer; got 'a'"),
    ],
)
def test_windows_that_are_none(window, error, message):
    with pytest.raises(error, match=message):
        sequence(ATTRIBUTIONS, 'AGTCA', start=10, window=window)
    assert not plt.get_fignums()
