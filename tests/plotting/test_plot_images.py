"""Maps of one picture and grids of them: what colour each pixel gets, and where the edges are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import grid, image
from deepexplain.plotting.colours import contrast

MAP = np.array([[4.0, -2.0, 0.0], [1.0, -8.0, np.nan]])
SQUARE = np.zeros((40, 40))
SQUARE[10:30, 10:30] = 1.0


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def colours_of(ax):
    """RGBA of each pixel, as matplotlib draws it."""
    drawn = ax.images[0]
    return drawn.to_rgba(drawn.get_array())


def edges_of(ax):
    found = [c for c in ax.collections if isinstance(c, LineCollection)]
    return np.concatenate([np.array(c.get_segments()) for c in found]) if found else np.empty((0, 2, 2))


def test_zero_is_in_the_middle_of_the_map_and_the_limit_at_its_ends(ax):
    image(MAP, ax=ax, percentile=100)
    cmap = plt.get_cmap('RdBu_r')
    assert ax.images[0].get_clim() == (-8, 8)
    found = colours_of(ax)
    np.testing.assert_allclose(found[0, 2], cmap(0.5), atol=0.01)
    np.testing.assert_allclose(found[1, 1], cmap(0.0), atol=0.01)
    np.testing.assert_allclose(found[0, 0], cmap(0.75), atol=0.01)


def test_nan_is_grey_with_a_note(ax):
    image(MAP, ax=ax)
    np.testing.assert_allclose(colours_of(ax)[1, 2], [0.6, 0.6, 0.6, 1])
    assert ax.get_xlabel() == 'grey: 1 nan'


def test_nan_and_infinite_values_are_grey_with_a_note(ax):
    image([[1.0, np.nan], [np.inf, 2.0]], ax=ax)
    np.testing.assert_allclose(colours_of(ax)[1, 0], [0.6, 0.6, 0.6, 1])
    assert ax.get_xlabel() == 'grey: 2 nan or infinite'


def test_finite_maps_have_no_note(ax):
    image(normal(3, 3), ax=ax)
    assert ax.get_xlabel() == ''


@pytest.mark.parametrize(
    ('sign', 'shown', 'limits'),
    [
        ('all', MAP, (-8, 8)),
        ('positive', np.maximum(MAP, 0), (0, 4)),
        ('negative', np.minimum(MAP, 0), (-8, 0)),
        ('absolute', np.abs(MAP), (0, 8)),
    ],
)
def test_views_of_the_sign(ax, sign, shown, limits):
    image(MAP, ax=ax, sign=sign, percentile=100)
    np.testing.assert_array_equal(ax.images[0].get_array().filled(np.nan), shown)
    assert ax.images[0].get_clim() == limits


@pytest.mark.parametrize('channels', [1, 2, 3, 7])
def test_channels_are_summed(ax, channels):
    attributions = normal(4, 5, channels)
    image(attributions, ax=ax, percentile=100)
    expected = [[sum(attributions[i, j, c] for c in range(channels)) for j in range(5)] for i in range(4)]
    np.testing.assert_allclose(ax.images[0].get_array(), expected)


def test_the_limit_is_a_percentile_of_what_is_shown(ax):
    attributions = np.arange(1000.0).reshape(20, 50)
    image(attributions, ax=ax)
    assert ax.images[0].get_clim()[1] == pytest.approx(np.percentile(attributions, 99.5))
    assert ax.images[0].get_clim()[1] < 999


def test_a_given_limit_is_that_of_the_scale(ax):
    image(MAP, ax=ax, limit=2)
    assert ax.images[0].get_clim() == (-2, 2)


def test_a_map_of_zeros_has_the_colour_of_zero(ax):
    image(np.zeros((3, 3)), ax=ax)
    np.testing.assert_allclose(colours_of(ax), np.broadcast_to(plt.get_cmap('RdBu_r')(0.5), (3, 3, 4)), atol=0.01)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.5, 100), st.floats(1e-6, 1e6))
def test_the_window_is_the_picture_times_the_attributions(seed, percentile, size):
    attributions, picture = size * normal(5, 4, 3, seed=seed), np.random.RandomState(seed).uniform(size=(5, 4, 3))
    ax = image(attributions, picture, Figure().add_subplot(), overlay='window', percentile=percentile)
    weights = [[sum(abs(attributions[i, j, c]) for c in range(3)) for j in range(4)] for i in range(5)]
    weights = np.minimum(np.array(weights) / np.percentile(weights, percentile), 1)
    found = ax.images[0].get_array()
    for i, j in np.ndindex(5, 4):
        np.testing.assert_allclose(found[i, j], picture[i, j] * weights[i, j], rtol=1e-10)


@pytest.mark.parametrize(
    ('sign', 'weight'), [('all', 1.0), ('absolute', 1.0), ('positive', 2 / 3), ('negative', 1 / 3)]
)
def test_the_window_of_one_sign(ax, sign, weight):
    image([[[2.0, -1.0]]], [[0.9]], ax, overlay='window', sign=sign, limit=3)
    np.testing.assert_allclose(ax.images[0].get_array(), np.full((1, 1, 3), 0.9 * weight))


def test_the_window_is_grey_where_there_is_no_attribution(ax):
    image([[1.0, np.nan, np.inf]], [[1.0, 1.0, 1.0]], ax, overlay='window')
    np.testing.assert_allclose(ax.images[0].get_array()[0, :, 0], [1.0, 0.6, 0.6])
    assert ax.get_xlabel() == 'grey: 2 nan or infinite'


@pytest.mark.parametrize(
    ('picture', 'seen'),
    [
        (np.array([[0, 51, 102]], np.uint8), [0, 0.2, 0.4]),
        ([[0.0, 0.2, 0.5]], [0, 0.2, 0.5]),
        ([[-1.0, 0.0, 1.0]], [0, 0.5, 1]),
        ([[0, 100, 200]], [0, 0.5, 1]),
        ([[7.0, 7.0, 7.0]], [0, 0, 0]),
        (np.array([[[0], [51], [255]]], np.uint8), [0, 0.2, 1]),
        ([[False, True, True]], [0, 1, 1]),
    ],
)
def test_the_values_of_pictures(ax, picture, seen):
    image(np.ones((1, 3)), picture, ax, overlay='window')
    np.testing.assert_allclose(ax.images[0].get_array()[0, :, 0], seen)


def test_the_opacity_of_a_picture_plays_no_part(ax):
    image(np.ones((1, 1)), [[[0.2, 0.4, 0.6, 0.1]]], ax, overlay='window')
    np.testing.assert_allclose(ax.images[0].get_array(), [[[0.2, 0.4, 0.6]]])


@pytest.mark.parametrize('channels', [(), (1,), (3,), (4,)])
def test_edges_lie_where_the_picture_has_them(ax, channels):
    picture = np.broadcast_to(SQUARE.reshape(SQUARE.shape + (1,) * len(channels)), SQUARE.shape + channels)
    image(normal(40, 40), picture, ax)
    points = edges_of(ax).reshape(-1, 2)
    assert len(points) > 100
    # The square reaches from 9.5 to 29.5 in the coordinates of imshow.
    outside = np.abs(points - 19.5).max(axis=1)
    assert np.abs(outside - 10).max() < 1


def test_edges_are_in_the_place_of_the_picture_in_each_direction(ax):
    picture = np.zeros((30, 50))
    picture[:, 35:] = 1.0
    image(normal(30, 50), picture, ax)
    x, y = edges_of(ax).reshape(-1, 2).T
    np.testing.assert_allclose(x, 34.5, atol=0.6)
    assert y.min() < 1
    assert y.max() > 28


@pytest.mark.parametrize('options', [{'overlay': None}, {'picture': None}])
def test_no_edges(ax, options):
    image(**{'attributions': normal(40, 40), 'picture': SQUARE, 'ax': ax, **options})
    assert not ax.collections


def test_a_picture_of_one_colour_has_no_edges(ax):
    image(normal(5, 5), np.full((5, 5), 3.0), ax)
    assert len(edges_of(ax)) == 0


def test_edges_are_black_on_a_light_map_and_white_on_a_dark_one():
    for style, ink in [('default', 0), ('dark_background', 1)]:
        with plt.style.context(style):
            ax = image(normal(40, 40), SQUARE)
            np.testing.assert_array_equal(ax.collections[0].get_edgecolor()[0, :3], [ink] * 3)


def test_the_map_fills_the_axes_and_has_no_ticks(ax):
    image(normal(4, 6), normal(4, 6), ax)
    assert ax.get_xlim() == (-0.5, 5.5)
    assert ax.get_ylim() == (3.5, -0.5)
    assert not len(ax.get_xticks())
    assert not len(ax.get_yticks())


@pytest.mark.parametrize(
    ('values', 'sign', 'extend'),
    [
        ([[-1.0, 1.0]], 'all', 'neither'),
        ([[-1.0, 3.0]], 'all', 'max'),
        ([[-3.0, 1.0]], 'all', 'min'),
        ([[-3.0, 3.0]], 'all', 'both'),
        ([[-3.0, 3.0]], 'positive', 'max'),
        ([[-3.0, 3.0]], 'negative', 'min'),
        ([[np.nan, 1.0]], 'all', 'neither'),
    ],
)
def test_the_colour_bar_says_where_there_is_more(ax, values, sign, extend):
    image(values, ax=ax, limit=2, sign=sign, colorbar=True)
    bar = ax.images[0].colorbar
    assert bar.extend == extend
    assert bar.ax.get_ylabel() == 'attribution'


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'picture': normal(3, 4)}, ArgumentError, r'the height and width of attributions, \(4, 4\); got \(3, 4\)'),
        ({'picture': normal(4, 4, 2)}, ArgumentError, r'picture must have 1, 3 or 4 channels.*got shape \(4, 4, 2\)'),
        ({'picture': np.full((4, 4), np.nan)}, ArgumentError, 'picture holds nan or infinite values'),
        ({'picture': normal(4)}, ArgumentError, r'picture must have the axes \(height, width\) or'),
        ({'sign': 'both'}, ArgumentError, "sign must be one of 'all', 'positive', 'negative', 'absolute'; got 'both'"),
        ({'overlay': 'x'}, ArgumentError, "overlay must be one of 'edges', 'window', None; got 'x'"),
        ({'overlay': ['edges']}, ArgumentError, 'overlay must be one of'),
        ({'overlay': 'window', 'picture': None}, ArgumentError, 'it needs one, and has no colour bar'),
        ({'overlay': 'window', 'colorbar': True}, ArgumentError, 'it needs one, and has no colour bar'),
        ({'sigma': -1}, ArgumentError, 'sigma must be greater than 0 and finite; got -1'),
    ],
)
def test_arguments_of_image(arguments, error, message):
    with pytest.raises(error, match=message):
        image(**{'attributions': normal(4, 4), 'picture': normal(4, 4), **arguments})
    assert not plt.get_fignums()


METHODS = {
    'first': normal(2, 6, 5),
    'second': 10 * normal(2, 6, 5, 3, seed=1),
    'third': np.abs(normal(2, 6, 5, seed=2)),
}
DIGITS = np.random.RandomState(3).uniform(size=(2, 6, 5))


def test_a_grid_has_samples_in_rows_and_methods_in_columns():
    axes = grid(DIGITS, METHODS, labels=['zero', 1])
    assert axes.shape == (2, 4)
    assert [ax.get_title() for ax in axes[0]] == ['', 'first', 'second', 'third']
    assert [ax.get_title() for ax in axes[1]] == [''] * 4
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ['zero', '1']
    for row in (0, 1):
        np.testing.assert_array_equal(axes[row, 0].images[0].get_array(), DIGITS[row])
        np.testing.assert_array_equal(axes[row, 1].images[0].get_array(), METHODS['first'][row])
        np.testing.assert_allclose(axes[row, 2].images[0].get_array(), METHODS['second'][row].sum(axis=-1))


def limits(axes):
    return np.array([[ax.images[0].get_clim()[1] for ax in row] for row in axes[:, 1:]])


def size(*maps):
    sums = [one.sum(axis=-1) if one.ndim == 3 else one for one in maps]
    return np.percentile(np.abs(np.concatenate([one.ravel() for one in sums])), 90)


def test_the_scale_of_each_map_of_each_row_or_of_all():
    own, row, shared = [limits(grid(DIGITS, METHODS, scale=s, percentile=90)) for s in ('own', 'row', 'shared')]
    columns = list(METHODS.values())
    np.testing.assert_allclose(own, [[size(maps[i]) for maps in columns] for i in (0, 1)])
    np.testing.assert_allclose(row, [[size(*[maps[i] for maps in columns])] * 3 for i in (0, 1)])
    np.testing.assert_allclose(shared, np.full((2, 3), size(*[maps[i] for maps in columns for i in (0, 1)])))


def bars(axes):
    return [ax for ax in axes[0, 0].figure.axes if ax not in list(axes.ravel())]


def test_one_colour_bar_in_multiples_of_the_limit():
    axes = grid(DIGITS, METHODS, percentile=100)
    (bar,) = bars(axes)
    axes[0, 0].figure.canvas.draw()
    assert [label.get_text() for label in bar.get_yticklabels()] == ['-limit', '0', 'limit']
    assert bar.get_ylabel() == 'attribution; each map has its own limit'


@pytest.mark.parametrize(('sign', 'ticks'), [('positive', ['0', 'limit']), ('negative', ['-limit', '0'])])
def test_the_colour_bar_of_one_sign(sign, ticks):
    axes = grid(DIGITS, METHODS, scale='row', sign=sign)
    (bar,) = bars(axes)
    axes[0, 0].figure.canvas.draw()
    assert [label.get_text() for label in bar.get_yticklabels()] == ticks
    assert bar.get_ylabel() == 'attribution; each row has its own limit'


def test_the_colour_bar_of_a_shared_scale_has_numbers():
    axes = grid(DIGITS, METHODS, scale='shared')
    (bar,) = bars(axes)
    assert bar.get_ylabel() == 'attribution'
    top = limits(axes)[0, 0]
    shown = bar.get_ylim()
    np.testing.assert_allclose(shown, (-top, top))


def test_units_stand_at_the_colour_bar_and_limits_below_each_map():
    axes = grid(DIGITS, METHODS, percentile=100, units='log $', title='Zero and $one')
    assert bars(axes)[0].get_ylabel() == 'attribution (log $); each map has its own limit'
    found = [[ax.get_xlabel() for ax in row] for row in axes]
    assert found == [[''] + [f'limit {one:.2g}' for one in row] for row in limits(axes)]
    suptitle = axes[0, 0].figure._suptitle
    assert suptitle.get_text() == 'Zero and $one'
    axes[0, 0].figure.canvas.draw()
    shared = grid(DIGITS, METHODS, scale='shared', units='logits')
    assert bars(shared)[0].get_ylabel() == 'attribution (logits)'
    assert {ax.get_xlabel() for ax in shared.ravel()} == {''}
    spoilt = np.array(METHODS['first'])
    spoilt[0, 0, 0] = np.nan
    assert grid(DIGITS, {'a': spoilt}, percentile=100)[0, 1].get_xlabel().endswith('\ngrey: 1 nan')


def test_titles_and_units_that_are_none():
    with pytest.raises(ArgumentTypeError, match=r'title must be a str; got \[1\]'):
        grid(DIGITS, METHODS, title=[1])
    with pytest.raises(ArgumentTypeError, match='units must be a str; got {}'):
        grid(DIGITS, METHODS, units={})
    assert not plt.get_fignums()


def test_rows_of_a_grid_are_close():
    axes = grid(np.tile(DIGITS, (4, 1, 1))[:, :5], {'a': np.tile(DIGITS, (4, 1, 1))[:, :5]}, scale='shared')
    axes[0, 0].figure.canvas.draw()
    boxes = [ax.get_window_extent() for ax in axes[:, 1]]
    gaps = [above.y0 - below.y1 for above, below in zip(boxes, boxes[1:])]
    assert max(gaps) < 0.3 * boxes[0].height


def test_a_grid_without_colour_bar():
    assert not bars(grid(DIGITS, METHODS, colorbar=False))
    assert not bars(grid(DIGITS, METHODS, overlay='window'))


def test_a_grid_of_windows_multiplies_each_picture():
    axes = grid(DIGITS, METHODS, overlay='window', scale='shared', percentile=100)
    sizes = {name: np.abs(maps).sum(axis=-1) if maps.ndim == 4 else np.abs(maps) for name, maps in METHODS.items()}
    limit = max(one.max() for one in sizes.values())
    found = axes[1, 2].images[0].get_array()[..., 0]
    np.testing.assert_allclose(found, DIGITS[1] * sizes['second'][1] / limit)


def test_a_grid_of_pictures_that_differ_in_size():
    pictures = [DIGITS[0], np.ones((9, 4, 3))]
    axes = grid(pictures, {'a': [normal(6, 5), normal(9, 4, 3)]})
    assert axes[1, 1].images[0].get_array().shape == (9, 4)


def test_a_grid_in_a_given_figure_and_one_in_a_subfigure():
    figure = Figure()
    axes = grid(DIGITS, METHODS, figure=figure)
    assert axes[0, 0].figure is figure
    assert not plt.get_fignums()
    part = plt.figure(layout='constrained').subfigures(2, 1)[1]
    axes = grid(DIGITS, METHODS, figure=part)
    assert axes[0, 0].figure is part
    plt.gcf().canvas.draw()


def test_a_grid_of_one():
    assert grid(DIGITS[:1], {'a': DIGITS[:1]}).shape == (1, 2)


@pytest.mark.parametrize('style', ['default', 'dark_background'])
def test_a_grid_is_read_on_every_page(style):
    with plt.style.context(style):
        axes = grid(DIGITS, METHODS, labels=['a', 'b'])
        figure = axes[0, 0].figure
        figure.canvas.draw()
        texts = [
            text for ax in figure.axes for text in (ax.title, ax.yaxis.label, *ax.get_yticklabels()) if text.get_text()
        ]
        assert len(texts) >= 9
        assert all(contrast(text.get_color(), figure.get_facecolor()[:3]) >= 4.5 for text in texts)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'attributions': DIGITS},
            ArgumentTypeError,
            'must be a dict of a name for each method and its array; got ndarray',
        ),
        ({'attributions': {}}, ArgumentError, 'attributions must have an entry for each method; there is none'),
        (
            {'attributions': {'a': DIGITS[:1]}},
            ArgumentError,
            r"attributions\['a'\] must have a map for each of the 2 pic",
        ),
        ({'attributions': {'a': normal(2, 5, 5)}}, ArgumentError, r'the height and width \(6, 5\); got \(5, 5\)'),
        ({'attributions': {'a': 3}}, ArgumentTypeError, r"attributions\['a'\] must be an array or a list of arrays"),
        (
            {'attributions': {'a': normal(2, 6)}},
            ArgumentError,
            r"attributions\['a'\] must have the axes \(height, width\)",
        ),
        ({'pictures': []}, ArgumentError, 'pictures must have an entry for each sample; there is none'),
        ({'pictures': 'ab'}, ArgumentTypeError, 'pictures must be an array or a list of arrays'),
        ({'labels': ['a']}, ArgumentError, 'labels must have one entry for each of the 2 pictures; got 1'),
        ({'labels': 'ab'}, ArgumentTypeError, "labels must be a list of names; got 'ab'"),
        ({'scale': 'each'}, ArgumentError, "scale must be one of 'own', 'row', 'shared'; got 'each'"),
        ({'figure': plt}, ArgumentTypeError, 'figure must be a matplotlib Figure or SubFigure; got module'),
        ({'cmap': 'nosuch'}, ArgumentError, "matplotlib knows no cmap 'nosuch'"),
        ({'sigma': 0}, ArgumentError, 'sigma must be greater than 0'),
    ],
)
def test_arguments_of_grid_and_no_figure_after_an_error(arguments, error, message):
    with pytest.raises(error, match=message):
        grid(**{'pictures': DIGITS, 'attributions': METHODS, **arguments})
    assert not plt.get_fignums()
