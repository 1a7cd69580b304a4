"""plot(), as DeepExplain 0.3's examples/utils.py had it."""

import inspect

import numpy as np
import pytest
from matplotlib import pyplot as plt

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import plot

DATA = np.random.RandomState(0).normal(size=(28, 28))
SQUARE = np.zeros((28, 28))
SQUARE[8:20, 8:20] = 1.0


def test_the_signature_is_that_of_0_3():
    expected = "(data, xi=None, cmap='RdBu_r', axis=plt, percentile=100, dilation=3.0, alpha=0.8)"
    found = inspect.signature(plot)
    found = found.replace(
        parameters=[parameter.replace(annotation=parameter.empty) for parameter in found.parameters.values()],
        return_annotation=found.empty,
    )
    assert str(found).replace(repr(plt), 'plt') == expected


@pytest.mark.parametrize('percentile', [100, 99, 50])
def test_the_range_is_symmetric_at_the_percentile(ax, percentile):
    assert plot(DATA, axis=ax, percentile=percentile) is ax
    limit = np.percentile(np.abs(DATA), percentile)
    assert ax.images[0].get_clim() == pytest.approx((-limit, limit))
    np.testing.assert_array_equal(ax.images[0].get_array(), DATA)
    assert ax.images[0].get_cmap()(0.9) == plt.get_cmap('RdBu_r')(0.9)
    assert len(ax.images) == 1


def test_the_axis_is_hidden(ax):
    plot(DATA, axis=ax)
    assert not ax.axison


def test_without_axis_it_draws_on_the_current_one(ax):
    assert plot(DATA) is plt
    assert len(ax.images) == 1
    assert not ax.axison


@pytest.mark.parametrize('xi', [SQUARE, np.stack([SQUARE] * 3, -1), (255 * SQUARE).astype(np.uint8)])
@pytest.mark.parametrize('dilation', [3.0, 5])
def test_edges_of_xi_lie_over_the_map(ax, xi, dilation):
    plot(DATA, xi, axis=ax, dilation=dilation, alpha=0.5)
    drawn, edges = ax.images
    assert edges.get_extent() == drawn.get_extent()
    rgba = np.asarray(edges.get_array())
    assert rgba.shape[:2] == (28 * dilation, 28 * dilation)
    assert set(np.unique(rgba[..., 3])) == {0.0, 0.5}
    assert not rgba[..., :3].any()
    places = (np.argwhere(rgba[..., 3]) + 0.5) / dilation  # the square reaches from 8 to 20
    assert np.abs(np.abs(places - 14).max(axis=1) - 6).max() < 1


def test_uint8_counts_to_255_in_colour_too(ax):
    faint = np.random.RandomState(0).randint(0, 3, size=(28, 28, 3)).astype(np.uint8)
    plot(DATA, faint, axis=ax)
    assert not np.asarray(ax.images[1].get_array()).any()  # no edges at all, as of faint / 255


def test_upright(ax):
    plot(DATA, axis=ax)
    (left, right, bottom, top), origin = ax.images[0].get_extent(), ax.images[0].origin
    assert (left, right, bottom, top, origin) == (0, 28, 0, 28, 'upper')
    assert ax.get_ylim() == (0, 28)


def test_channels_are_averaged_and_the_percentile_is_of_all(ax):
    data = np.stack([DATA, 3 * DATA], axis=-1)
    plot(data, axis=ax)
    np.testing.assert_allclose(ax.images[0].get_array(), 2 * DATA)
    assert ax.images[0].get_clim()[1] == np.abs(3 * DATA).max()


def test_another_map_and_nothing_at_all(ax):
    plot(np.zeros((3, 3)), axis=ax, cmap=plt.get_cmap('PuOr'))
    assert ax.images[0].get_cmap()(0.9) == plt.get_cmap('PuOr')(0.9)
    assert ax.images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'data': DATA[0]}, ArgumentError, r'data must have the axes \(height, width\) or'),
        (
            {'xi': DATA[:5]},
            ArgumentError,
            r'xi must have the shape of data \(height and width\), \(28, 28\); got \(5, 28\)',
        ),
        ({'xi': np.full((28, 28), np.nan)}, ArgumentError, 'xi holds nan or infinite values'),
        ({'axis': None}, ArgumentTypeError, 'axis must be a matplotlib Axes or pyplot; got NoneType'),
        ({'percentile': 101}, ArgumentError, 'percentile must be greater than 0 and at most 100'),
        ({'dilation': 0}, ArgumentError, 'dilation must be greater than 0'),
        ({'dilation': 0, 'xi': DATA}, ArgumentError, 'dilation must be greater than 0'),
        ({'alpha': 2}, ArgumentError, 'alpha must be greater than 0 and at most 1; got 2'),
        ({'cmap': 'nosuch'}, ArgumentError, 'matplotlib knows no cmap'),
    ],
)
def test_arguments(ax, arguments, error, message):
    with pytest.raises(error, match=message):
        plot(**{'data': DATA, 'axis': ax, **arguments})
    assert not ax.images
