"""Errors against steps, and running estimates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import convergence, running

STEPS = [100, 1, 10]
DELTAS = np.array([[0.01, -0.03, 0.02], [1.0, -3.0, 2.0], [0.1, -0.3, 0.4]])


def labelled(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def test_samples_are_thin_lines_and_their_median_a_thick_one(ax):
    convergence(DELTAS, STEPS, ax)
    assert (ax.get_xscale(), ax.get_yscale()) == ('log', 'log')
    thin = ax.collections[0].get_segments()
    assert len(thin) == 3
    np.testing.assert_allclose(thin[1], [(1, 3.0), (10, 0.3), (100, 0.03)])
    median = labelled(ax, 'median')
    np.testing.assert_allclose(median.get_ydata(), [2.0, 0.3, 0.02])
    assert median.get_linewidth() >= 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ['samples', 'median']


def test_one_sample_is_one_line(ax):
    convergence([0.5, -0.05], [1, 10], ax)
    (line,) = ax.lines
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.05])
    assert line.get_label() == 'delta'


def test_the_tolerance_is_a_dashed_line(ax):
    convergence(DELTAS, STEPS, ax, tolerance=0.05)
    line = labelled(ax, 'tolerance 0.05')
    assert list(line.get_ydata()) == [0.05, 0.05]
    assert line.get_linestyle() == '--'


def test_zeros_and_nan_are_told(ax):
    convergence([[0.0, 1.0], [np.nan, 0.1], [0.0, 0.0]], [1, 2, 3], ax)
    assert ax.get_xlabel() == 'steps\nnot drawn: 3 exactly 0, 1 nan'
    np.testing.assert_allclose(labelled(ax, 'median').get_ydata(), [0.5, 0.1, np.nan])


@pytest.mark.parametrize('deltas', [np.zeros((2, 3)), np.full((2, 3), np.nan), np.zeros(2)])
def test_nothing_to_draw(deltas):
    convergence(deltas, [1, 2], tolerance=0.1).figure.canvas.draw()


def test_one_number_of_steps():
    convergence(DELTAS[:1], [10]).figure.canvas.draw()


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'steps': [1, 2]}, ArgumentError, 'steps must have one entry for each of the 3 rows of deltas; got 2'),
        ({'steps': [0, 1, 2]}, ArgumentError, 'steps must be finite and greater than 0'),
        ({'steps': [1, 2, np.nan]}, ArgumentError, 'steps must be finite and greater than 0'),
        ({'tolerance': 0}, ArgumentError, 'tolerance must be greater than 0 and finite; got 0'),
        ({'tolerance': '1%'}, ArgumentTypeError, "tolerance must be a number; got '1%'"),
    ],
)
def test_arguments_of_convergence(arguments, error, message):
    with pytest.raises(error, match=message):
        convergence(**{'deltas': DELTAS, 'steps': STEPS, **arguments})
    assert not plt.get_fignums()


def bands(ax):
    return [c for c in ax.collections if isinstance(c, PolyCollection)]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(2, 12), st.sampled_from([0.0, 1e8]))
def test_the_running_mean_and_its_standard_error(seed, orders, shift):
    estimates = np.random.RandomState(seed).normal(size=(orders, 2)) + shift
    ax = running(estimates, Figure().add_subplot(), names=['a', 'b'])
    for line, band in zip(ax.lines, bands(ax)):
        column = estimates[:, 'ab'.index(line.get_label())]
        means = [np.mean(column[:n]) for n in range(1, orders + 1)]
        np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, orders + 1))
        vertices = band.get_paths()[0].vertices
        for n in range(2, orders + 1):
            error = np.std(column[:n], ddof=1) / np.sqrt(n)
            found = vertices[vertices[:, 0] == n, 1]
            np.testing.assert_allclose((found.max() + found.min()) / 2, means[n - 1], rtol=1e-12)
            np.testing.assert_allclose((found.max() - found.min()) / 2, error, rtol=1e-6, atol=1e-7)
        assert vertices[:, 0].min() == 2  # one estimate has no error


def test_given_errors_make_the_band_of_given_estimates(ax):
    running([1.0, 1.5, 1.4], ax, errors=[0.5, 0.3, 0.2], counts=[10, 20, 40])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1.0, 1.5, 1.4])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [10, 20, 40])
    vertices = bands(ax)[0].get_paths()[0].vertices
    found = vertices[vertices[:, 0] == 20, 1]
    np.testing.assert_allclose([found.min(), found.max()], [1.2, 1.8])
    assert ax.get_xlim() == (10, 40)


def test_the_largest_features_are_drawn_and_each_line_has_its_dashes(ax):
    running(np.tile(np.array([0.5, -3.0, 2.0, 1.0]), (4, 1)), ax, top=3)
    assert [line.get_label() for line in ax.lines] == ['feature 1', 'feature 2', 'feature 3']
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    assert len({line.get_color() for line in ax.lines}) == 3
    assert ax.get_xlabel() == 'random orders\nfeatures not shown: 1'


def test_an_estimate_that_is_nan_ends_its_line(ax):
    running([[1.0, 1.0], [np.nan, 2.0], [1.0, 3.0]], ax)
    np.testing.assert_allclose(labelled(ax, 'feature 0').get_ydata(), [1.0, np.nan, np.nan])
    np.testing.assert_allclose(labelled(ax, 'feature 1').get_ydata(), [1.0, 1.5, 2.0])
    assert ax.get_xlabel() == 'random orders\n2 nan, not drawn'


def test_the_band_reaches_as_far_as_the_line(ax):
    running([1.0, 2.0, 1.5, np.inf, 2.0], ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata()[:3], [1.0, 1.5, 1.5])
    vertices = bands(ax)[0].get_paths()[0].vertices
    assert (vertices[:, 0].min(), vertices[:, 0].max()) == (2, 3)


def test_one_order():
    running([[1.0, 2.0]]).figure.canvas.draw()


ESTIMATES = np.random.RandomState(0).normal(size=(6, 9))


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'errors': ESTIMATES[:3] ** 2},
            ArgumentError,
            r'errors must have the shape of estimates, \(6, 9\); got \(3, 9\)',
        ),
        ({'errors': ESTIMATES}, ArgumentError, 'errors are standard errors, and none can be negative'),
        ({'names': ['a']}, ArgumentError, 'names must have one entry for each of the 9 features; got 1'),
        ({'counts': [1, 2]}, ArgumentError, 'counts must have one entry for each of the 6 rows of estimates; got 2'),
        ({'counts': [1, 2, 2, 3, 4, 5]}, ArgumentError, 'counts must be finite and increase'),
        ({'top': 8}, ArgumentError, 'top must be at most 7, which is as many lines as can be told apart; got 8'),
    ],
)
def test_arguments_of_running(arguments, error, message):
    with pytest.raises(error, match=message):
        running(**{'estimates': ESTIMATES, **arguments})
    assert not plt.get_fignums()
