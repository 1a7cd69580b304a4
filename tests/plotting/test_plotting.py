"""What all pictures have in common: Axes in and out, nothing left behind, read on light and dark pages."""

import inspect
import io
import itertools
from fractions import Fraction

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from deepexplain import plotting
from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainError
from deepexplain.plotting import colours


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


NAMES = [f'feature {i}' for i in range(12)]
PICTURE = np.random.RandomState(0).uniform(size=(16, 12, 3))

#: Name -> (function, its arguments): every picture that is drawn on one Axes.
PICTURES = {
    'image': (plotting.image, {'attributions': normal(16, 12, 3), 'picture': PICTURE, 'colorbar': True}),
    'absolute': (plotting.image, {'attributions': normal(16, 12), 'sign': 'absolute', 'colorbar': True}),
    'window': (plotting.image, {'attributions': normal(16, 12, 3), 'picture': PICTURE, 'overlay': 'window'}),
    'text': (plotting.text, {'tokens': list('not bad at all'), 'attributions': normal(14)}),
    'sequence': (plotting.sequence, {'attributions': normal(8), 'letters': 'ACGTACGT', 'highlight': [(2, 5)]}),
    'stacked': (plotting.sequence, {'attributions': normal(8, 4)}),
    'line': (plotting.timeseries, {'series': normal(9, 2), 'attributions': normal(9, 2, seed=1), 'rate': 2}),
    'bands': (plotting.timeseries, {'series': normal(9), 'attributions': normal(9, seed=1), 'style': 'bands'}),
    'tabular': (plotting.tabular, {'attributions': normal(12), 'names': NAMES, 'values': normal(12), 'top': 5}),
    'points': (plotting.distribution, {'attributions': normal(9, 12), 'names': NAMES, 'values': normal(9, 12)}),
    'violin': (plotting.distribution, {'attributions': normal(9, 12), 'names': NAMES, 'style': 'violin'}),
    'waterfall': (plotting.waterfall, {'attributions': normal(12), 'names': NAMES, 'values': normal(12), 'base': 0.5}),
    'steps': (plotting.waterfall, {'attributions': normal(12), 'names': NAMES, 'top': 5, 'base': 0.5, 'output': 9.0}),
    'bar': (plotting.bar, {'attributions': normal(9, 12), 'names': NAMES, 'top': 5}),
    'beeswarm': (plotting.beeswarm, {'attributions': normal(9, 12), 'names': NAMES, 'values': normal(9, 12)}),
    'scatter': (
        plotting.scatter,
        {'attributions': normal(9, 12), 'names': NAMES, 'values': normal(9, 12), 'feature': 3, 'color_by': 'feature 2'},
    ),
    'heatmap': (
        plotting.heatmap,
        {'attributions': normal(9, 12), 'names': NAMES, 'labels': list('abcdefgh$'), 'top': 12},
    ),
    'part': (plotting.sequence, {'attributions': normal(8), 'letters': 'ACGTACGT', 'window': (0, 5), 'start': 0}),
    'convergence': (plotting.convergence, {'deltas': normal(3, 4), 'steps': [2, 10, 50], 'tolerance': 0.1}),
    'running': (plotting.running, {'estimates': normal(9, 12)}),
}
FIRST = {'text': 'attributions', 'convergence': 'deltas', 'running': 'estimates'}
everyone = pytest.mark.parametrize('name', sorted(PICTURES))


def draw(name, ax=None, **changed):
    function, arguments = PICTURES[name]
    return function(**{**arguments, **changed}, ax=ax)


def spoilt(name, value):
    """The arguments of a picture, with ``value`` as one of its attributions."""
    _, arguments = PICTURES[name]
    key = FIRST.get(name, 'attributions')
    array = arguments[key].copy()
    array.flat[3] = value
    return {key: array}


def rendered(figure):
    figure.savefig(io.BytesIO(), dpi=50)


@everyone
def test_draws_on_the_axes_it_is_given_and_leaves_pyplot_alone(name):
    mine = plt.figure().add_subplot()
    current = plt.figure().add_subplot()
    before = matplotlib.rcParams.copy()
    assert draw(name, mine) is mine
    rendered(mine.figure)
    assert plt.gca() is current
    assert not current.has_data()
    assert len(plt.get_fignums()) == 2
    assert dict(matplotlib.rcParams) == dict(before)


@everyone
def test_a_colour_bar_does_not_become_the_current_axes(name):
    figure = plt.figure()
    mine, current = figure.subplots(2)
    figure.sca(current)
    draw(name, mine)
    assert figure.gca() is current


@everyone
def test_makes_a_figure_that_pyplot_shows_when_it_is_given_none(name):
    ax = draw(name)
    assert isinstance(ax, Axes)
    assert plt.gcf() is ax.figure
    rendered(ax.figure)


@everyone
def test_works_in_a_figure_that_pyplot_does_not_know(name):
    figure = Figure()
    FigureCanvasAgg(figure)
    draw(name, figure.add_subplot())
    rendered(figure)
    assert not plt.get_fignums()


@everyone
def test_works_in_a_subfigure(name):
    subfigure = plt.figure(layout='constrained').subfigures(1, 2)[1]
    ax = subfigure.subplots()
    assert draw(name, ax) is ax
    rendered(plt.gcf())


@everyone
def test_changes_none_of_its_arguments(name):
    function, arguments = PICTURES[name]
    copies = {key: np.copy(value) for key, value in arguments.items()}
    draw(name)
    for key, value in arguments.items():
        np.testing.assert_array_equal(value, copies[key])
    assert function is PICTURES[name][0]


@everyone
@pytest.mark.parametrize('wrong', [plt, 'ax', np.array([1])], ids=['pyplot', 'str', 'array'])
def test_an_ax_that_is_none_is_refused(name, wrong):
    with pytest.raises(ArgumentTypeError, match='ax must be a matplotlib Axes; got (module|str|ndarray)'):
        draw(name, wrong)


@everyone
@pytest.mark.parametrize(
    ('make', 'error', 'message'),
    [
        (lambda a: a + 0j, ArgumentTypeError, r'must hold real numbers; its dtype is complex128\. Pass its real part'),
        (lambda a: a[..., None, None], ArgumentError, r'must have the axes \(.*\); got shape'),
        (lambda a: a[:0], ArgumentError, 'is empty: its shape is'),
        (lambda a: np.full(a.shape, 'a'), ArgumentTypeError, 'must hold real numbers; its dtype is <U1'),
        (lambda a: None, ArgumentTypeError, 'must be an array; got None'),
        (lambda a: np.full(a.shape, a, object) + 0j, ArgumentTypeError, 'must hold real numbers; .* object: it holds'),
    ],
    ids=['complex', 'rank', 'empty', 'str', 'None', 'object'],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_no_figure(name, make, error, message):
    _, arguments = PICTURES[name]
    key = FIRST.get(name, 'attributions')
    with pytest.raises(error, match=f'^{key} {message}'):
        draw(name, **{key: make(arguments[key])})
    assert not plt.get_fignums()


class Tensor:
    """What a tensor of TensorFlow or PyTorch is to NumPy."""

    def __init__(self, array=None):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        if self.array is None:
            raise NotImplementedError('Cannot convert a symbolic tensor to a numpy array.')
        return self.array if dtype is None else self.array.astype(dtype)


@everyone
def test_tensors_are_arrays(name):
    key = FIRST.get(name, 'attributions')
    ax = draw(name, **{key: Tensor(PICTURES[name][1][key])})
    rendered(ax.figure)


@everyone
def test_symbolic_tensors_are_refused(name):
    key = FIRST.get(name, 'attributions')
    with pytest.raises(ArgumentTypeError, match=f'^{key} must hold real numbers; NumPy cannot read this Tensor: Can'):
        draw(name, **{key: Tensor()})


@everyone
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_told_in_a_note(name, value, ax):
    draw(name, ax, **spoilt(name, value))
    rendered(ax.figure)
    kind = 'nan' if np.isnan(value) else 'infinite'
    last = ax.get_xlabel().split('\n')[-1]
    assert kind in last or 'not finite' in last, last


@everyone
def test_masked_values_are_drawn_as_nan(name):
    key = FIRST.get(name, 'attributions')
    array = PICTURES[name][1][key]
    ax = draw(name, **{key: np.ma.masked_array(array, np.arange(array.size).reshape(array.shape) == 3)})
    last = ax.get_xlabel().split('\n')[-1]
    assert 'nan' in last or 'not finite' in last, last


@everyone
@pytest.mark.parametrize('value', [0.0, 1e-300, 1e100, np.nan])
def test_all_alike(name, value, ax):
    key = FIRST.get(name, 'attributions')
    rendered(draw(name, ax, **{key: np.full(PICTURES[name][1][key].shape, value)}).figure)


@everyone
@pytest.mark.parametrize('dtype', [np.float16, np.float32, int, bool])
def test_every_real_dtype(name, dtype, ax):
    key = FIRST.get(name, 'attributions')
    rendered(draw(name, ax, **{key: PICTURES[name][1][key].astype(dtype)}).figure)


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(PICTURES)),
    st.lists(st.floats(-1e30, 1e30) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 5e-324]), min_size=1, max_size=20),
)
def test_any_numbers_can_be_drawn(name, values):
    key = FIRST.get(name, 'attributions')
    figure = Figure()
    FigureCanvasAgg(figure)
    draw(name, figure.add_subplot(), **{key: np.resize(values, PICTURES[name][1][key].shape)})
    rendered(figure)


def background(text):
    box = text.get_bbox_patch()
    return box.get_facecolor()[:3] if box is not None else text.figure.get_facecolor()[:3]


@everyone
@pytest.mark.parametrize('style', ['default', 'dark_background'])
def test_text_and_lines_can_be_read_on_the_page(name, style):
    with plt.style.context(style):
        ax = draw(name)
        rendered(ax.figure)
        texts = [text for text in ax.figure.findobj(Text) if text.get_text() and text.get_visible()]
        assert texts or name == 'window'
        for text in texts:
            assert colours.contrast(text.get_color(), background(text)) >= 4.5, text
        drawn = [(line.get_color(), line.get_alpha()) for line in ax.lines]
        halos = [
            c.get_edgecolor()[0] for c in ax.collections if isinstance(c, LineCollection) and c.get_array() is None
        ]
        inks = [ink for ink in halos if tuple(ink[:3]) != tuple(ax.get_facecolor()[:3])]
        for colour in [colour for colour, alpha in drawn if alpha is None] + [ink[:3] for ink in inks]:
            assert colours.contrast(colour, ax.get_facecolor()[:3]) >= 3


@pytest.mark.parametrize('name', ['text', 'sequence', 'line', 'tabular', 'image'])
def test_the_page_is_that_of_the_axes_not_of_the_style(name, ax):
    ax.set_facecolor('black')
    if name == 'image':
        drawn = plotting.image(normal(16, 12), PICTURE, ax)
        zero = drawn.images[0].cmap(0.5)[:3]
    else:
        draw(name, ax)
        zero = colours.Scale(1.0, (0, 0, 0)).zero[:3]
    assert colours.luminance(zero) < 0.02
    inks = [line.get_color() for line in ax.lines] + [
        c.get_edgecolor()[0][:3]
        for c in ax.collections
        if isinstance(c, LineCollection) and len(c.get_edgecolor()) == 1
    ]
    assert all(colours.luminance(ink) > 0.9 for ink in inks[-1:])


def test_a_transparent_axes_has_the_page_of_its_figure(ax):
    ax.figure.set_facecolor('black')
    ax.patch.set_alpha(0)
    ax.set_facecolor('none')
    draw('sequence', ax)
    assert ax.lines[0].get_color() == 'white'


colour = st.tuples(*[st.floats(0, 1)] * 3)


@given(colour)
def test_ink_is_read_on_every_colour(rgb):
    assert colours.contrast(colours.ink_on(rgb), rgb) >= 4.5


@pytest.mark.parametrize(
    ('pair', 'expected'),
    [(('#000000', '#ffffff'), 21.0), (('#777777', '#ffffff'), 4.48), (('#0000ff', '#ffff00'), 8.0)],
)
def test_contrast_is_that_of_wcag(pair, expected):
    assert colours.contrast(*pair) == pytest.approx(expected, abs=0.005)


FIXED = [colours.POSITIVE, colours.NEGATIVE, *colours.LINES]
FIXED += [
    *plotting.sequences.BASES.values(),
    *plotting.sequences.AMINO_ACIDS.values(),
    plotting.sequences.OTHER,
    plotting.features.ONE_COLOUR,
]


@pytest.mark.parametrize('hue', sorted(set(FIXED)))
def test_fixed_colours_are_seen_on_light_and_dark(hue):
    assert colours.contrast(hue, 'white') >= 3
    assert colours.contrast(hue, 'black') >= 3


@pytest.mark.parametrize('cmap', ['cividis'])
def test_the_map_for_grey_only_gets_lighter(cmap):
    lightness = [colours.luminance(c[:3]) for c in colours.colormap(cmap)(np.linspace(0, 1, 65))]
    assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize('page', ['white', 'black'])
def test_the_default_map_has_the_page_at_zero_and_strength_at_both_ends(page):
    scale = colours.Scale(2.0, page)
    distances = [colours.contrast(c[:3], page) for c in scale(np.linspace(-2, 2, 41))]
    assert min(distances) == distances[20] < 1.15
    assert (np.diff(distances[:21]) < 0).all()
    assert (np.diff(distances[20:]) > 0).all()
    assert distances[0] > 7
    assert distances[-1] > 7


def test_positive_and_negative_halves_have_the_colours_of_the_whole():
    values = np.array([0.0, 0.5, 1.0])
    whole = colours.Scale(1.0)
    np.testing.assert_allclose(colours.Scale(1.0, sign='positive')(values), whole(values), atol=0.02)
    np.testing.assert_allclose(colours.Scale(1.0, sign='negative')(-values), whole(-values), atol=0.02)


@pytest.mark.parametrize('cmap', ['RdBu_r', 'Purples', 'magma', 'cividis', 'gray', 'viridis', colours.DARK_DIVERGING])
def test_bad_values_have_a_colour_that_no_number_has(cmap):
    scale = colours.Scale(1.0, cmap=cmap)
    bad = scale(np.array([np.nan]))[0, :3]
    numbers = scale(np.linspace(-1, 1, 101))[:, :3]
    assert np.linalg.norm(numbers - bad, axis=1).min() > 0.14
    named = {'grey': (0.6, 0.6, 0.6), 'white': (1, 1, 1), 'green': (0, 0xC0 / 255, 0x60 / 255)}[scale.bad_name]
    np.testing.assert_allclose(bad, named, atol=1e-6)


def test_bad_values_are_grey_in_the_default_maps():
    assert {colours.Scale(1.0, page, sign=s).bad_name for page in ('white', 'black') for s in colours.SIGNS} == {'grey'}


@pytest.mark.parametrize(
    ('values', 'percentile', 'expected'),
    [
        ([1.0, -2.0, 3.0], 100, 3.0),
        ([1.0, -2.0, 3.0], 50, 2.0),
        ([0.0] * 999 + [5.0], 50, 5.0),
        ([0.0, 0.0], 99.5, 1.0),
        ([np.nan, np.inf], 99.5, 1.0),
        ([np.nan, 4.0, -np.inf], 99.5, 4.0),
    ],
)
def test_where_colours_end(values, percentile, expected):
    assert colours.limit_of(np.array(values), percentile) == expected


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'limit': 0}, ArgumentError, 'limit must be greater than 0 and finite; got 0'),
        ({'limit': np.inf}, ArgumentError, 'limit must be greater than 0 and finite; got inf'),
        ({'limit': True}, ArgumentTypeError, 'limit must be a number; got True'),
        ({'limit': 'x'}, ArgumentTypeError, "limit must be a number; got 'x'"),
        ({'percentile': 0}, ArgumentError, 'percentile must be greater than 0 and at most 100; got 0'),
        ({'percentile': 101}, ArgumentError, 'percentile must be greater than 0 and at most 100; got 101'),
        ({'percentile': np.nan}, ArgumentError, 'percentile must be greater than 0 and at most 100; got nan'),
        ({'percentile': 'x', 'limit': 1}, ArgumentTypeError, "percentile must be a number; got 'x'"),  # and is not read
        ({'cmap': 'nosuch'}, ArgumentError, "matplotlib knows no cmap 'nosuch'"),
        ({'cmap': 3}, ArgumentTypeError, 'cmap must be the name of a colour map, or a matplotlib Colormap; got 3'),
    ],
)
@pytest.mark.parametrize('name', ['image', 'text', 'line'])
def test_scale_arguments(name, arguments, error, message):
    with pytest.raises(error, match=message):
        draw(name, **arguments)
    assert not plt.get_fignums()


class Raises:
    """Whatever is asked of it, it raises."""

    def _raise(self, *_, **__):
        raise KeyError('of its own')

    __eq__ = __bool__ = __repr__ = __iter__ = __len__ = __getitem__ = __array__ = __float__ = __index__ = _raise
    __hash__ = object.__hash__


RECURSIVE = []
RECURSIVE.append(RECURSIVE)
#: No picture has an argument that one of these could be.
NONSENSE = [
    Raises(),
    object(),
    1j,
    np.datetime64('2020-01-01'),
    {1, 2},
    {'a': None},
    b'ab',
    memoryview(b'ab'),
    RECURSIVE,
    [[1, 2], [1]],
    np.array('a'),
    np.array(None),
    np.ones((2, 0)),
    np.array(['all', 'positive']),
    10**400,
    np.zeros(2, 'f4,i4'),
    '\ud800',
    'no',
]
GRID = (plotting.grid, {'pictures': PICTURE[None], 'attributions': {'a': PICTURE[None]}})
ALL = {**PICTURES, 'grid': GRID, 'old': (plotting.plot, {'data': PICTURE, 'xi': PICTURE})}
ALL['html'] = (plotting.text_html, PICTURES['text'][1])


def arguments_of(name):
    return [(name, argument) for argument in inspect.signature(ALL[name][0]).parameters]


@pytest.mark.parametrize(('name', 'argument'), [pair for name in sorted(ALL) for pair in arguments_of(name)])
def test_nonsense_is_refused_in_words_that_name_the_argument(name, argument):
    function, arguments = ALL[name]
    for value in NONSENSE:
        if isinstance(value, str) and argument in ('alphabet', 'title', 'units'):
            continue  # letters, and texts
        if isinstance(value, memoryview) and argument in ('estimates', 'attributions'):
            continue  # numbers
        if value is NONSENSE[13] and argument == 'names' and name == 'line':
            continue  # two names
        with pytest.raises(DeepExplainError) as caught:
            function(**{**arguments, argument: value})
        # Where two arguments do not fit each other, either may be named.
        assert any(word.rstrip('s') in str(caught.value) for word in {argument, *arguments}), value
    assert not plt.get_fignums()


@pytest.mark.parametrize('text', ['$\\frac$', 'cost $^{ $', 'file\udc80', '_a', 'a\nb', '$'])
@pytest.mark.parametrize(
    'draw_with',
    [
        lambda ax, text: plotting.tabular([1.0, -2.0, np.nan], [text] * 3, [text] * 3, ax=ax),
        lambda ax, text: plotting.distribution(normal(4, 2), [text] * 2, ax=ax),
        lambda ax, text: plotting.timeseries(normal(4, 2), normal(4, 2), ax, names=[text] * 2),
        lambda ax, text: plotting.timeseries(normal(4), normal(4), ax, names=[text]),
        lambda ax, text: plotting.running(normal(4, 2), ax, names=[text] * 2),
        lambda ax, text: plotting.text([text] * 2, [1.0, -1.0], ax),
        lambda ax, text: plotting.grid(PICTURE[None], {text: PICTURE[None]}, [text], figure=ax.figure)[0, 0],
    ],
    ids=['tabular', 'distribution', 'channels', 'channel', 'running', 'text', 'grid'],
)
def test_names_are_written_as_they_came(draw_with, text):
    ax = draw_with(Figure().add_subplot(), text)
    FigureCanvasAgg(ax.figure).draw()
    written = [one.get_text() for one in ax.figure.findobj(Text)]
    shown = text.encode('utf-8', 'backslashreplace').decode()
    as_token = shown.replace('\n', '↵').replace(' ', '␣')
    assert {shown, as_token, f'{shown} = {shown}'} & set(written)


@everyone
@pytest.mark.parametrize(
    ('kind', 'message'),
    [('removed', 'ax must be in a figure'), ('polar', 'ax must have two straight axes'), ('3d', 'two straight axes')],
)
def test_axes_that_cannot_be_drawn_on_are_refused(name, kind, message):
    ax = Figure().add_subplot(projection=None if kind == 'removed' else kind)
    if kind == 'removed':
        ax.remove()
    with pytest.raises(ArgumentError, match=message):
        draw(name, ax)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: plotting.image(PICTURE, PICTURE, sigma=1e9), 'sigma must be at most 256'),
        (lambda: plotting.tabular(np.ones(5), NAMES[:5], top=10**9), 'top must be at most 1000'),
        (lambda: plotting.plot(PICTURE, PICTURE, dilation=1e9), 'dilation must leave xi'),
        (lambda: plotting.plot(PICTURE, PICTURE, dilation=1e-9), 'dilation must leave xi'),
        (lambda: plotting.text(['a'] * 5001, np.ones(5001)), 'tokens: at most 5000 can be drawn, got 5001'),
        (lambda: plotting.text(['a'], [1], fontsize=1e9), 'fontsize must be from 1 to 300'),
        (lambda: plotting.timeseries(np.ones((2, 1001)), np.ones((2, 1001))), 'series must have at most 1000 channels'),
        (lambda: plotting.grid(np.ones((10000, 2, 2)), {'a': PICTURE}), 'pictures has more than 1000 entries'),
        (lambda: plotting.sequence([1.0], 'A', start=2**63), 'start must be from'),
        (lambda: plotting.sequence([1.0], alphabet=itertools.count()), 'alphabet must have at most 100000 entries'),
        (lambda: plotting.tabular([1.0], itertools.count()), 'names must have one entry for each of the 1 features'),
        (lambda: plotting.tabular([1e300], ['a']), 'attributions has values beyond 1e'),
        (lambda: plotting.tabular([1.0], ['a' * 1001]), 'names must have at most 1000 characters each'),
        (lambda: plotting.image(np.broadcast_to(1.0, (10**6, 10**6))), 'at most 200000000 are drawn'),
    ],
)
def test_what_would_not_end_or_not_fit_is_refused_with_its_size(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
    assert not plt.get_fignums()


def test_a_long_sequence_is_two_artists():
    ax = plotting.sequence(normal(5000), 'ACGTN' * 1000, highlight=[(i, i + 1) for i in range(100)])
    assert len(ax.patches) == 0
    assert len(ax.collections) == 2


def test_counts_and_fractions_of_every_kind_are_taken():
    plotting.running(normal(4, 2), top=np.int8(2), ax=Figure().add_subplot())
    plotting.image(PICTURE, percentile=Fraction(199, 2), ax=Figure().add_subplot())
