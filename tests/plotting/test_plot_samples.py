"""Points of one feature and maps of all: what is drawn where."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import beeswarm, distribution, heatmap, scatter

NAMES = list('abcdef')
MANY = np.random.RandomState(0).normal(size=(60, 6)) * [1, 5, 2, 0.1, 3, 4]
VALUES = np.random.RandomState(1).normal(size=(60, 6))


def points(ax):
    drawn = next(collection for collection in ax.collections if isinstance(collection, PathCollection))
    return np.asarray(drawn.get_offsets()), drawn


@pytest.mark.parametrize('feature', ['c', 2, -4, np.int8(2)])
def test_points_are_values_against_attributions(ax, feature):
    scatter(MANY, NAMES, VALUES, feature, ax=ax)
    np.testing.assert_array_equal(points(ax)[0], np.stack([VALUES[:, 2], MANY[:, 2]], axis=1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('c', 'attribution')
    assert len(ax.figure.axes) == 1


def test_the_feature_is_that_which_counts_most(ax):
    scatter(MANY, NAMES, VALUES, ax=ax)
    assert ax.get_xlabel() == 'b'
    assert scatter(np.full((3, 2), np.nan), ['x', 'y'], VALUES[:3, :2]).get_xlabel() == 'x\n3 not finite, left out'


def test_colours_are_the_values_of_another_feature(ax):
    scatter(MANY, NAMES, VALUES, 'c', color_by='e', ax=ax)
    _, drawn = points(ax)
    np.testing.assert_array_equal(drawn.get_array(), VALUES[:, 4])
    np.testing.assert_allclose(drawn.get_clim(), np.percentile(VALUES[:, 4], [5, 95]))
    assert drawn.colorbar.extend == 'both'
    assert drawn.colorbar.ax.get_ylabel() == 'e'
    assert len(scatter(MANY, NAMES, VALUES, color_by='e', colorbar=False).figure.axes) == 1


@pytest.mark.parametrize('column', [np.full(60, 7.0), np.full(60, np.nan), np.r_[np.zeros(59), 1.0]])
def test_colours_of_constant_and_nan_values(ax, column):
    values = VALUES.copy()
    values[:, 4] = column
    scatter(MANY, NAMES, values, 0, color_by=4, ax=ax)
    _, drawn = points(ax)
    ax.figure.canvas.draw()
    greys = (drawn.get_facecolor() == to_rgba('0.6')).all(axis=1)
    assert greys.all() == np.isnan(column).all()
    assert drawn.get_clim()[0] < drawn.get_clim()[1]


def test_points_that_are_not_finite_are_left_out_with_a_note(ax):
    many, values = MANY.copy(), VALUES.copy()
    many[0, 2], values[[0, 1], 2] = np.inf, np.nan
    scatter(many, NAMES, values, 'c', ax=ax)
    assert len(points(ax)[0]) == 58
    assert ax.get_xlabel() == 'c\n2 not finite, left out'


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'feature': 'z'},
            ArgumentError,
            'feature must be one of names, or the number of a column; none has the name',
        ),
        ({'feature': 6}, ArgumentError, 'feature must be one of the 6 columns, or a name; got 6'),
        ({'feature': -7}, ArgumentError, 'feature must be one of the 6 columns, or a name; got -7'),
        ({'feature': 1.0}, ArgumentTypeError, 'feature must be an integer; got 1.0'),
        ({'color_by': [1]}, ArgumentTypeError, r'color_by must be an integer; got \[1\]'),
        ({'names': list('abcdea'), 'color_by': 'a'}, ArgumentError, "color_by must be .*; 2 columns have the name 'a'"),
        ({'values': None}, ArgumentTypeError, 'values must be an array; got None'),
        ({'values': VALUES[:3]}, ArgumentError, r'values must have the shape of attributions, \(60, 6\); got \(3, 6\)'),
        ({'cmap': 'nosuch'}, ArgumentError, 'matplotlib knows no cmap'),
    ],
)
def test_arguments_of_scatter(arguments, error, message):
    with pytest.raises(error, match=message):
        scatter(**{'attributions': MANY, 'names': NAMES, 'values': VALUES, **arguments})
    assert not plt.get_fignums()


def rows(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_a_map_has_features_in_rows_and_samples_in_columns(ax):
    heatmap(MANY, NAMES, top=3, order=None, percentile=90, ax=ax)
    columns = [1, 5, 4]
    assert rows(ax) == [NAMES[i] for i in columns]
    np.testing.assert_array_equal(ax.images[0].get_array(), MANY[:, columns].T)
    limit = np.percentile(np.abs(MANY[:, columns]), 90)
    np.testing.assert_allclose(ax.images[0].get_clim(), (-limit, limit))
    assert ax.get_xlabel() == '60 samples\nfeatures not shown: 3'
    assert ax.images[0].colorbar.ax.get_ylabel() == 'attribution'


def test_samples_are_in_the_order_of_their_sums_of_all_features(ax):
    names = [f's{i}' for i in range(60)]
    heatmap(MANY, NAMES, top=2, labels=names, ax=ax)
    order = np.argsort(-MANY.sum(axis=1))
    np.testing.assert_array_equal(ax.images[0].get_array()[0], MANY[order, 1])
    assert [label.get_text() for label in ax.get_xticklabels()] == [names[i] for i in order]
    assert ax.get_xlabel().startswith('60 samples, by the sum of their attributions\n')


def test_nan_is_grey_with_a_note(ax):
    many = MANY.copy()
    many[0, 1], many[1, 1] = np.nan, np.inf
    heatmap(many, NAMES, order=None, top=6, colorbar=False, ax=ax)
    drawn = ax.images[0]
    assert tuple(drawn.to_rgba(drawn.get_array())[0, 0]) == to_rgba('0.6')
    assert ax.get_xlabel() == '60 samples\ngrey: 2 nan or infinite'
    assert len(ax.figure.axes) == 1


def test_samples_that_share_a_pixel_are_averaged_and_not_their_colours(ax):
    heatmap(np.tile([[1.0], [-1.0]], (5000, 1)), ['x'], order=None, colorbar=False, ax=ax)
    ax.figure.canvas.draw()
    drawn = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(int)
    pixel = drawn[drawn.shape[0] // 2, drawn.shape[1] // 2]
    assert pixel.min() > 230  # the colour of 0; that of red and blue is 50 darker


def test_one_limit_for_several_maps(ax):
    heatmap(MANY, NAMES, limit=2.0, ax=ax)
    assert ax.images[0].get_clim() == (-2.0, 2.0)


def test_one_sample_of_one_feature():
    ax = heatmap([[1.0]], ['x'])
    assert ax.get_xlabel() == '1 sample'
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'order': 'size'}, ArgumentError, "order must be one of 'sum', None; got 'size'"),
        ({'labels': NAMES}, ArgumentError, 'labels must have one entry for each of the 60 samples; got 6'),
        ({'attributions': MANY[0]}, ArgumentError, r'attributions must have the axes \(samples, features\); got shape'),
        ({'limit': 0}, ArgumentError, 'limit must be greater than 0 and finite; got 0'),
        ({'top': 'all'}, ArgumentTypeError, "top must be an integer; got 'all'"),
        ({'colorbar': 1}, ArgumentTypeError, 'colorbar must be True or False; got 1'),
    ],
)
def test_arguments_of_heatmap(arguments, error, message):
    with pytest.raises(error, match=message):
        heatmap(**{'attributions': MANY, 'names': NAMES, **arguments})
    assert not plt.get_fignums()


def test_labels_that_nobody_could_read():
    with pytest.raises(ArgumentError, match='labels can be read of at most 200 samples; got 201: leave them out'):
        heatmap(np.ones((201, 1)), ['x'], labels=range(201))


def test_a_beeswarm_is_a_distribution():
    one, other = beeswarm(MANY, NAMES, VALUES, 3), distribution(MANY, NAMES, VALUES, 3)
    np.testing.assert_array_equal(points(one)[0], points(other)[0])
    np.testing.assert_array_equal(points(one)[1].get_array(), points(other)[1].get_array())
    assert rows(one) == rows(other) == ['b', 'f', 'e']
