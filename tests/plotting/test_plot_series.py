"""Time series: which colour lies at which time, and which line is dotted."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PolyCollection

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import timeseries

SERIES = np.array([0.0, 2.0, 1.0, -1.0, 0.0])
ATTRIBUTIONS = np.array([0.5, 2.0, -1.0, -2.0, 0.0])


def coloured(ax, kind=LineCollection):
    return [c for c in ax.collections if isinstance(c, kind) and c.get_array() is not None]


def inked(ax):
    """The lines in black or white: segments of the solid, and of the dotted."""
    plain = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_array() is None]
    thin = [c for c in plain if c.get_linewidth()[0] == 1.0]
    dotted = [c.get_linestyle()[0][1] is not None for c in thin]
    return tuple([s for c, d in zip(thin, dotted) if d == want for s in c.get_segments()] for want in (False, True))


def test_each_sample_has_its_part_of_the_line_in_its_colour(ax):
    timeseries(SERIES, ATTRIBUTIONS, ax, percentile=100, colorbar=False)
    (line,) = coloured(ax)
    np.testing.assert_array_equal(line.get_array(), ATTRIBUTIONS)
    assert line.get_clim() == (-2, 2)
    segments = np.array(line.get_segments())
    np.testing.assert_allclose(segments[:, 1], np.stack([np.arange(5), SERIES], axis=1))
    np.testing.assert_allclose(segments[2], [[1.5, 1.5], [2, 1], [2.5, 0.0]])
    np.testing.assert_allclose(segments[0, 0], [0, 0])
    np.testing.assert_allclose(segments[:-1, 2], segments[1:, 0])
    ax.figure.canvas.draw()
    np.testing.assert_allclose(line.get_colors()[1], plt.get_cmap('RdBu_r')(1.0), atol=0.01)
    np.testing.assert_allclose(line.get_colors()[4], plt.get_cmap('RdBu_r')(0.5), atol=0.01)


def test_bands_reach_half_the_way_to_their_neighbours(ax):
    timeseries(SERIES, ATTRIBUTIONS, ax, style='bands', times=[0, 1, 2, 4, 8])
    (bands,) = coloured(ax, PolyCollection)
    np.testing.assert_array_equal(bands.get_array(), ATTRIBUTIONS)
    boxes = [path.get_extents() for path in bands.get_paths()]
    np.testing.assert_allclose([box.x0 for box in boxes], [0, 0.5, 1.5, 3, 6])
    np.testing.assert_allclose([box.x1 for box in boxes], [0.5, 1.5, 3, 6, 8])
    low, high = ax.get_ylim()
    assert {(box.y0, box.y1) for box in boxes} == {(low, high)}
    assert low < -1
    assert high > 2


@pytest.mark.parametrize('style', ['line', 'bands'])
def test_the_line_is_dotted_where_attributions_are_negative(ax, style):
    timeseries(SERIES, ATTRIBUTIONS, ax, style=style)
    solid, dotted = inked(ax)
    assert [(part[0, 0], part[-1, 0]) for part in solid] == [(0, 1.5), (3.5, 4)]
    assert [(part[0, 0], part[-1, 0]) for part in dotted] == [(1.5, 3.5)]


def test_the_line_goes_through_all_values(ax):
    timeseries(SERIES, np.ones(5), ax)
    ((line,), dotted) = inked(ax)
    assert not dotted
    np.testing.assert_allclose(np.interp(np.arange(5), *line.T), SERIES)


def test_channels_lie_one_below_the_other_and_share_a_scale(ax):
    series = np.stack([SERIES, 10 * SERIES, SERIES[::-1]], axis=1)
    timeseries(
        series,
        np.stack([ATTRIBUTIONS, 2 * ATTRIBUTIONS, ATTRIBUTIONS], axis=1),
        ax,
        percentile=100,
        names='a b c'.split(),
    )
    assert [label.get_text() for label in ax.get_yticklabels()] == ['a', 'b', 'c']
    assert list(ax.get_yticks()) == [2.5, 1.5, 0.5]
    assert [line.get_clim() for line in coloured(ax)] == [(-4, 4)] * 3
    for line, bottom in zip(coloured(ax), (2, 1, 0)):
        y = np.array(line.get_segments())[..., 1]
        assert bottom < y.min() < y.max() < bottom + 1
        assert y.max() - y.min() == pytest.approx(0.84)
    assert ax.get_ylim() == (0, 3)


def test_channels_of_one_unit(ax):
    series = np.stack([SERIES, 10 * SERIES], axis=1)
    timeseries(series, series, ax, heights='shared')
    spans = [np.ptp(np.array(line.get_segments())[..., 1]) for line in coloured(ax)]
    np.testing.assert_allclose(spans, [0.084, 0.84])


def test_bands_of_channels_stay_in_their_lanes(ax):
    series = np.stack([SERIES, SERIES], axis=1)
    timeseries(series, series, ax, style='bands')
    first, second = coloured(ax, PolyCollection)
    assert {(p.get_extents().y0, p.get_extents().y1) for p in first.get_paths()} == {(1, 2)}
    assert {(p.get_extents().y0, p.get_extents().y1) for p in second.get_paths()} == {(0, 1)}


@pytest.mark.parametrize(
    ('options', 'ends', 'label'),
    [({}, (0, 4), 'time'), ({'rate': 2}, (0, 2), 'time (s)'), ({'times': [3, 4, 5, 6, 9]}, (3, 9), 'time')],
)
def test_the_time_axis(ax, options, ends, label):
    timeseries(SERIES, ATTRIBUTIONS, ax, **options)
    assert ax.get_xlim() == ends
    assert ax.get_xlabel() == label


def test_one_channel_has_its_values_on_the_axis_and_its_name_beside_it(ax):
    timeseries(SERIES[:, None], ATTRIBUTIONS[:, None], ax, names=['volts'])
    assert ax.get_ylabel() == 'volts'
    assert ax.get_ylim()[0] < -1 < 2 < ax.get_ylim()[1]


def test_channels_without_names_are_numbered(ax):
    timeseries(np.ones((3, 2)), np.ones((3, 2)), ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ['channel 0', 'channel 1']


def test_nan_attributions_are_grey_with_a_note(ax):
    timeseries(SERIES, [1.0, np.nan, -1.0, np.inf, 1.0], ax)
    ax.figure.canvas.draw()
    (line,) = coloured(ax)
    np.testing.assert_allclose(line.get_colors()[1], [0.6, 0.6, 0.6, 1])
    np.testing.assert_allclose(line.get_colors()[3], [0.6, 0.6, 0.6, 1])
    assert ax.get_xlabel() == 'time\ngrey: 2 nan or infinite'


@pytest.mark.parametrize(
    'series', [[0.0, np.nan, 1.0, np.inf, 2.0], np.full(5, np.nan), np.ones(5), np.full((5, 2), np.nan)]
)
@pytest.mark.parametrize('style', ['line', 'bands'])
def test_gaps_and_flat_lines(series, style):
    ax = timeseries(series, np.ones_like(series), style=style)
    ax.figure.canvas.draw()
    assert np.isfinite(ax.get_ylim()).all()


@pytest.mark.parametrize('series', [[1e15, 1e15 + 0.125], [5e-324, 0.0], [-1e20, -1e20]])
def test_what_is_all_but_flat_is_drawn_flat(series):
    ax = timeseries(series, [1.0, -1.0])
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    assert low < min(series) <= max(series) < high


def test_the_colour_bar_says_where_there_is_more(ax):
    timeseries(SERIES, ATTRIBUTIONS, ax, limit=1)
    (line,) = coloured(ax)
    assert line.colorbar.extend == 'both'
    assert line.colorbar.ax.get_ylabel() == 'attribution'


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'attributions': np.ones(4)},
            ArgumentError,
            r'attributions must have the shape of series, \(5,\); got \(4,\)',
        ),
        ({'series': [1.0], 'attributions': [1.0]}, ArgumentError, 'series must have at least 2 times'),
        ({'names': ['a', 'b']}, ArgumentError, 'names must have one entry for each of the 1 channels; got 2'),
        ({'times': [1, 2]}, ArgumentError, 'times must have one entry for each of the 5 times of series; got 2'),
        ({'times': [0, 1, 1, 2, 3]}, ArgumentError, 'times must be finite and increase'),
        ({'times': [0, 1, 2, 3, np.inf]}, ArgumentError, 'times must be finite and increase'),
        ({'times': np.arange(5), 'rate': 2}, ArgumentError, 'times and rate both give the times'),
        ({'rate': 0}, ArgumentError, 'rate must be greater than 0'),
        ({'style': 'dots'}, ArgumentError, "style must be one of 'line', 'bands'; got 'dots'"),
        ({'heights': 'x'}, ArgumentError, "heights must be one of 'own', 'shared'; got 'x'"),
        ({'series': ['a'] * 5}, ArgumentTypeError, 'series must hold real numbers'),
    ],
)
def test_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        timeseries(**{'series': SERIES, 'attributions': ATTRIBUTIONS, **arguments})
    assert not plt.get_fignums()
