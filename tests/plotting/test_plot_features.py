"""Bars of one sample, points and violins of many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import colours, distribution, tabular

NAMES = list('abcdef')
ONE = np.array([0.5, -2.0, 0.25, 3.0, -0.125, 0.0])


def rows(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_bars_are_the_largest_attributions_from_the_top(ax):
    tabular(ONE, NAMES, top=3, ax=ax)
    assert rows(ax) == ['d', 'b', 'a', '3 others']
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [3.0, -2.0, 0.5, 0.125])
    middles = [bar.get_y() + bar.get_height() / 2 for bar in ax.patches]
    np.testing.assert_allclose(middles, ax.get_yticks())
    low, high = ax.get_ylim()
    assert low > high  # row 0 is at the top


def test_positive_bars_go_right_and_negative_ones_left_and_are_hatched(ax):
    tabular(ONE, NAMES, ax=ax)
    for bar, value in zip(ax.patches, [3.0, -2.0, 0.5, 0.25, -0.125, 0.0]):
        assert bar.get_extents().x0 != bar.get_extents().x1 or value == 0
        assert (bar.get_width() > 0) == (value > 0)
        assert bool(bar.get_hatch()) == (value < 0)
        assert bar.get_facecolor() == to_rgba(colours.NEGATIVE if value < 0 else colours.POSITIVE)


def test_each_bar_has_its_number_at_its_right(ax):
    tabular(ONE, NAMES, top=3, ax=ax)
    assert [text.get_text() for text in ax.texts] == ['+3', '-2', '+0.5', '+0.125']
    assert [text.xy[0] for text in ax.texts] == [3.0, 0.0, 0.5, 0.125]
    assert {text.get_ha() for text in ax.texts} == {'left'}


@pytest.mark.parametrize('sign', [1, -1, 0])
def test_bars_and_numbers_are_inside_the_axes(ax, sign):
    tabular(sign * np.abs(ONE), NAMES, ax=ax)
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.x0 >= frame.x0 - 1
        assert box.x1 <= frame.x1 + 1


@settings(max_examples=20)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.integers(1, 12))
def test_bars_add_up_to_the_attributions(attributions, top):
    ax = tabular(attributions, range(len(attributions)), top=top, ax=Figure().add_subplot())
    widths = [bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(sum(widths), sum(attributions), atol=1e-6)
    assert len(widths) <= top + 1
    sizes = np.abs(widths[:-1] if rows(ax)[-1].endswith('others') else widths)
    assert (np.diff(sizes) <= 0).all()


def test_one_feature_more_than_top_has_its_own_bar(ax):
    tabular(ONE, NAMES, top=5, ax=ax)
    assert rows(ax) == ['d', 'b', 'a', 'c', 'e', 'f']


def test_values_stand_beside_the_names(ax):
    tabular([3.0, 2.0, 1.0], ['age', 'city', 'n'], values=[41.23456, 'Rome', np.int64(7)], ax=ax)
    assert rows(ax) == ['age = 41.23', 'city = Rome', 'n = 7']
    other = tabular([3.0, 2.0], ['a', 'b'], values=np.array([1e-9, np.nan]))
    assert rows(other) == ['a = 1e-09', 'b = nan']


def test_dollars_are_no_formulas(ax):
    tabular([3.0, 2.0], ['$5 to $10', 'x_$'], ax=ax)
    ax.figure.canvas.draw()
    assert not ax.get_yticklabels()[0].get_parse_math()


def test_what_is_not_finite_is_left_out_with_a_note(ax):
    tabular([1.0, np.nan, 2.0, np.inf], list('abcd'), ax=ax)
    assert rows(ax) == ['c', 'a']
    assert ax.get_xlabel() == 'attribution\nnot finite, left out: b, d'
    many = tabular([1.0] + [np.nan] * 5, NAMES)
    assert many.get_xlabel() == 'attribution\nnot finite, left out: b, c, d and 2 more'


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'names': NAMES[:2]}, ArgumentError, 'names must have one entry for each of the 6 features; got 2'),
        ({'names': 'abcdef'}, ArgumentTypeError, "names must be a list of names; got 'abcdef'"),
        ({'attributions': np.ones((2, 6))}, ArgumentError, r'attributions must have the axes \(features\); got shape'),
        ({'values': [1, 2]}, ArgumentError, 'values must have one entry for each of the 6 features; got 2'),
        ({'values': 7}, ArgumentTypeError, 'values must be a list of names; got 7'),
        ({'top': 0}, ArgumentError, 'top must be at least 1; got 0'),
        ({'top': 2.5}, ArgumentTypeError, 'top must be an integer; got 2.5'),
        ({'top': True}, ArgumentTypeError, 'top must be an integer; got True'),
    ],
)
def test_arguments_of_tabular(arguments, error, message):
    with pytest.raises(error, match=message):
        tabular(**{'attributions': ONE, 'names': NAMES, **arguments})
    assert not plt.get_fignums()


MANY = np.random.RandomState(0).normal(size=(60, 6)) * [1, 5, 2, 0.1, 3, 4]


def points(ax):
    (drawn,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    return drawn.get_offsets(), drawn


def test_every_point_lies_at_its_attribution_in_the_row_of_its_feature(ax):
    distribution(MANY, NAMES, top=4, ax=ax)
    assert rows(ax) == ['b', 'f', 'e', 'c']
    offsets, _ = points(ax)
    for row, feature in enumerate([1, 5, 4, 2]):
        x, y = offsets[np.abs(offsets[:, 1] - row) <= 0.41].T
        np.testing.assert_allclose(np.sort(x), np.sort(MANY[:, feature]))
        assert np.abs(y - row).max() <= 0.4 + 1e-9
    assert ax.get_xlabel() == 'attribution\nfeatures not shown: 2'


def test_rows_are_thick_where_there_are_many_points(ax):
    crowded = np.concatenate([np.zeros(50), np.linspace(1, 2, 5)])[:, None]
    distribution(crowded, ['a'], ax=ax)
    offsets, _ = points(ax)
    assert np.ptp(offsets[offsets[:, 0] == 0, 1]) > 0.5
    assert not offsets[offsets[:, 0] > 0, 1].any()
    assert len(np.unique(offsets, axis=0)) == 55  # none hides another


def test_a_crowd_stays_in_its_row(ax):
    distribution(np.zeros((1000, 2)), ['a', 'b'], ax=ax)
    heights = points(ax)[0][:, 1]
    assert np.abs(heights - heights.round()).max() == pytest.approx(0.4)


def test_points_are_in_the_same_places_each_time():
    first, second = [points(distribution(MANY, NAMES))[0] for _ in range(2)]
    np.testing.assert_array_equal(first, second)
    state = np.random.get_state()[1].copy()
    distribution(MANY, NAMES)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_colours_are_the_values_of_the_features(ax):
    values = np.linspace(10, 20, 60)[:, None] * [1.0, -1.0]
    distribution(MANY[:, :2], ['a', 'b'], values, ax=ax)
    offsets, drawn = points(ax)
    order = dict(zip(offsets[:, 0], drawn.get_array()))
    shades = np.array([order[x] for x in MANY[:, 0]])
    low, high = np.percentile(values[:, 0], [5, 95])
    np.testing.assert_allclose(shades, (values[:, 0] - low) / (high - low), atol=1e-9)
    assert (np.diff([order[x] for x in MANY[:, 1]]) < 0).all()
    assert drawn.get_clim() == (0, 1)
    ticks = drawn.colorbar.ax.get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ['low', 'high']


def test_constant_values_and_nan_values(ax):
    values = np.column_stack([np.full(60, 7.0), np.full(60, np.nan), np.r_[np.zeros(59), 1.0]])
    distribution(MANY[:, :3], list('abc'), values, ax=ax)
    offsets, drawn = points(ax)
    order = dict(zip(offsets[:, 0], drawn.get_array().filled(np.nan)))
    assert {order[x] for x in MANY[:, 0]} == {0.5}
    assert np.isnan([order[x] for x in MANY[:, 1]]).all()
    assert [order[x] for x in MANY[:, 2]] == [0.0] * 59 + [1.0]
    ax.figure.canvas.draw()
    greys = (drawn.get_facecolor() == to_rgba('0.6')).all(axis=1)
    assert greys.sum() == 60


def test_values_low_to_high_get_lighter_in_grey(ax):
    distribution(MANY, NAMES, MANY, ax=ax)
    _, drawn = points(ax)
    light = [colours.luminance(c[:3]) for c in drawn.get_cmap()(np.linspace(0, 1, 33))]
    assert (np.diff(light) > 0).all()


def test_points_that_are_not_finite_are_left_out_with_a_note(ax):
    many = MANY.copy()
    many[:2, 0] = np.nan, np.inf
    many[:, 3] = np.nan
    distribution(many, NAMES, ax=ax)
    assert len(points(ax)[0]) == 60 * 6 - 62
    assert ax.get_xlabel() == 'attribution\n62 not finite, left out'
    assert rows(ax)[-1] == 'd'


def test_violins_lie_in_their_rows(ax):
    distribution(MANY, NAMES, top=2, style='violin', ax=ax)
    assert rows(ax) == ['b', 'f']
    bodies = [c for c in ax.collections if isinstance(c, PolyCollection)]
    for row, (body, feature) in enumerate(zip(bodies, [1, 5])):
        box = body.get_paths()[0].get_extents()
        np.testing.assert_allclose([box.x0, box.x1], [MANY[:, feature].min(), MANY[:, feature].max()])
        assert abs((box.y0 + box.y1) / 2 - row) < 0.01


def test_violins_of_rows_without_numbers_and_of_equal_ones():
    many = np.column_stack([np.full(9, np.nan), np.ones(9), np.arange(9)])
    ax = distribution(many, list('abc'), style='violin')
    ax.figure.canvas.draw()
    distribution(np.full((3, 2), np.nan), list('ab'), style='violin').figure.canvas.draw()


def test_violins_of_values_that_are_all_but_equal():
    distribution(np.array([[0.0], [1e-169], [2e-169]]), ['a'], style='violin').figure.canvas.draw()


def test_one_sample():
    distribution(MANY[:1], NAMES, MANY[:1]).figure.canvas.draw()


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'values': MANY[:3]}, ArgumentError, r'values must have the shape of attributions, \(60, 6\); got \(3, 6\)'),
        ({'style': 'violin', 'values': MANY}, ArgumentError, "style='violin' has no colours for values"),
        ({'style': 'box'}, ArgumentError, "style must be one of 'points', 'violin'; got 'box'"),
        ({'names': NAMES[:3]}, ArgumentError, 'names must have one entry for each of the 6 features; got 3'),
        ({'attributions': MANY[0]}, ArgumentError, r'attributions must have the axes \(samples, features\); got shape'),
        ({'values': MANY.astype(str)}, ArgumentTypeError, 'values must hold real numbers; its dtype is <U'),
        ({'cmap': 'nosuch'}, ArgumentError, 'matplotlib knows no cmap'),
    ],
)
def test_arguments_of_distribution(arguments, error, message):
    with pytest.raises(error, match=message):
        distribution(**{'attributions': MANY, 'names': NAMES, **arguments})
    assert not plt.get_fignums()
