"""Tokens on Axes and as HTML."""

import html.parser
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import text, text_html
from deepexplain.plotting.colours import contrast

NASTY = [
    '<b>',
    '</span>',
    '&amp;',
    '"',
    "'",
    ' the',
    'a b',
    'x\n',
    '\t',
    '',
    '$5',
    '$x^2$',
    '\\',
    '%s',
    '\x00',
    '{}',
    '\r',
]
SHOWN = [
    '<b>',
    '</span>',
    '&amp;',
    '"',
    "'",
    '␣the',
    'a␣b',
    'x↵',
    '⇥',
    '∅',
    '$5',
    '$x^2$',
    '\\',
    '%s',
    '\\x00',
    '{}',
    '\\r',
]


def shade(token):
    return token.get_bbox_patch().get_facecolor()


def test_shades_are_the_attributions(ax):
    text(['up', 'down', 'none', 'half'], [2.0, -2.0, 0.0, 1.0], ax)
    cmap = plt.get_cmap('RdBu_r')
    for token, place in zip(ax.texts, [1.0, 0.0, 0.5, 0.75]):
        np.testing.assert_allclose(shade(token), cmap(place), atol=0.01)


def test_negative_tokens_have_a_dotted_frame(ax):
    text(['up', 'down', 'none', 'nan'], [2.0, -2.0, 0.0, np.nan], ax)
    framed = [token.get_bbox_patch().get_edgecolor()[3] > 0 for token in ax.texts]
    assert framed == [False, True, False, False]
    assert ax.texts[1].get_bbox_patch().get_linestyle() in (':', 'dotted')


def test_nan_is_grey_with_a_note(ax):
    text(['a', 'b'], [np.nan, 1.0], ax)
    assert shade(ax.texts[0]) == to_rgba('0.6')
    assert ax.get_xlabel() == 'grey: 1 nan'


@pytest.mark.parametrize('style', ['default', 'dark_background'])
@pytest.mark.parametrize('cmap', [None, 'cividis', 'viridis', 'PuOr'])
def test_text_is_read_on_every_shade(style, cmap):
    with plt.style.context(style):
        ax = text([str(i) for i in range(101)], np.linspace(-1, 1, 101), cmap=cmap)
    assert len(ax.texts) == 101
    for token in ax.texts:
        assert contrast(token.get_color(), shade(token)[:3]) >= 4.5


def test_what_cannot_be_seen_is_shown(ax):
    text(NASTY, np.ones(len(NASTY)), ax)
    assert [token.get_text() for token in ax.texts] == SHOWN
    assert not any(token.get_parse_math() for token in ax.texts)
    ax.figure.canvas.draw()


def boxes(ax):
    ax.figure.canvas.draw()
    return np.array([token.get_bbox_patch().get_window_extent().extents for token in ax.texts])


def overlaps(found):
    x0, y0, x1, y1 = found.T
    across = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    up = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    both = (across > 0.5) & (up > 0.5)
    np.fill_diagonal(both, False)
    return both.any()


WORDS = (
    'the film was not as bad as Wgj its title makes you think it is , and iiiiiii MMMMMM a joy to see ' * 3
).split()


@pytest.mark.parametrize('dpi', [50, 100, 200])
def test_tokens_do_not_overlap_and_stay_in_the_axes(dpi):
    ax = plt.figure(figsize=(5, 4), dpi=dpi).add_subplot()
    text(WORDS, np.linspace(-1, 1, len(WORDS)), ax)
    found = boxes(ax)
    assert not overlaps(found)
    frame = ax.bbox.extents
    assert found[:, 0].min() > frame[0] - 1
    assert found[:, 2].max() < frame[2] + 1
    assert found[:, 3].max() < frame[3] + 1
    assert found[:, 1].min() > frame[1] - 1
    assert len(set(np.round(found[:, 1]))) > 3


def test_tokens_do_not_overlap_after_the_figure_changed_its_size(ax):
    text(WORDS, np.ones(len(WORDS)), ax)
    ax.figure.set_size_inches(3, 3)
    assert not overlaps(boxes(ax))


def test_a_new_figure_is_as_high_as_the_text():
    for count in (3, 100, 400):
        ax = text(['word'] * count, np.ones(count))
        found = boxes(ax)
        frame = ax.figure.bbox.extents
        assert found[:, 1].min() > frame[1]
        assert found[:, 3].max() < frame[3]
        assert found[:, 2].max() < frame[2]
        assert found[:, 1].min() - frame[1] < 30


def test_a_line_ends_at_its_end(ax):
    text(['a', 'b\n', 'c', '\n', 'd'], np.ones(5), ax)
    heights = boxes(ax)[:, 1].round()
    assert heights[0] == heights[1] > heights[2] == heights[3] > heights[4]


def test_the_font_gets_smaller_until_all_fits(ax):
    text(['word'] * 150, np.ones(150), ax)
    size = ax.texts[0].get_fontsize()
    assert 6 <= size < 12
    assert boxes(ax)[:, 1].min() > ax.bbox.y0 - 1
    other = plt.figure().add_subplot()
    text(['word'] * 150, np.ones(150), other, fontsize=12)
    assert other.texts[0].get_fontsize() == 12


def test_embeddings_are_summed(ax):
    text(['a', 'b'], [[1.0, 1.0], [2.0, -3.0]], ax)
    np.testing.assert_allclose(shade(ax.texts[1]), plt.get_cmap('RdBu_r')(0.25), atol=0.01)


def test_the_axes_shows_nothing_else(ax):
    text(['a'], [1.0], ax)
    assert not any(spine.get_visible() for spine in ax.spines.values())
    assert not len(ax.get_xticks())


class Reader(html.parser.HTMLParser):
    """The tokens, styles and titles that a browser sees."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.tokens, self.spans = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == 'span':
            self.spans.append(dict(attrs))
            self.tokens.append('')

    def handle_endtag(self, tag):
        self.tags.append('/' + tag)

    def handle_data(self, data):
        if self.tags and self.tags[-1] == 'span':
            self.tokens[-1] += data


def test_html_escapes_what_stands_in_tokens():
    page = text_html(NASTY, np.ones(len(NASTY)))
    reader = Reader(page)
    assert reader.tokens == SHOWN
    assert set(reader.tags) == {'div', '/div', 'span', '/span', 'br'}
    assert reader.tags.count('br') == 1  # after 'x\n'
    assert page.isprintable()


@given(st.lists(st.text(max_size=8), min_size=1, max_size=5))
def test_html_of_any_tokens(tokens):
    reader = Reader(text_html(tokens, np.ones(len(tokens))))
    assert len(reader.tokens) == len(tokens)
    assert set(reader.tags) <= {'div', '/div', 'span', '/span', 'br'}
    for shown, token in zip(reader.tokens, tokens):
        assert shown
        if token.isprintable() and ' ' not in token and token:
            assert shown == token


def styles(page):
    return [dict(part.split(':', 1) for part in span['style'].split(';')) for span in Reader(page).spans]


def test_html_is_read_on_every_shade():
    found = styles(text_html([str(i) for i in range(101)], np.linspace(-1, 1, 101)))
    assert all(contrast(style['color'], style['background']) >= 4.5 for style in found)
    assert found[100]['background'] == '#67001f'
    assert found[0]['background'] == '#053061'


def test_html_tells_the_sign_and_the_number():
    page = text_html(['a', 'b', 'c'], [0.5, -0.25, np.nan])
    assert [span['title'] for span in Reader(page).spans] == ['+0.5', '-0.25', '+nan']
    assert ['dotted' in style['border'] for style in styles(page)] == [False, True, False]
    assert re.search('grey: 1 nan', page)


def test_html_is_a_str_that_notebooks_show():
    page = text_html(['a'], [1.0])
    assert isinstance(page, str)
    assert page._repr_html_() == page
    assert type(page._repr_html_()) is str
    assert not plt.get_fignums()


@pytest.mark.parametrize('function', [text, text_html])
@pytest.mark.parametrize(
    ('tokens', 'attributions', 'error', 'message'),
    [
        (['a', 'b'], [1.0], ArgumentError, 'tokens must have one entry for each of the 1 attributions; got 2'),
        ('ab', [1.0, 2.0], ArgumentTypeError, "tokens must be a list of names; got 'ab'"),
        (3, [1.0], ArgumentTypeError, 'tokens must be a list of names; got 3'),
        ([], [], ArgumentError, 'attributions is empty'),
        (['a'], 1.0, ArgumentError, r'attributions must have the axes \(tokens\) or \(tokens, dimensions\); got shape'),
    ],
)
def test_arguments(function, tokens, attributions, error, message):
    with pytest.raises(error, match=message):
        function(tokens, attributions)
    assert not plt.get_fignums()


def test_fontsize():
    with pytest.raises(ArgumentError, match='fontsize must be greater than 0 and finite; got 0'):
        text(['a'], [1.0], fontsize=0)
