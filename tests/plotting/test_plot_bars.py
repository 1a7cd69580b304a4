"""Waterfalls of one sample, and bars of many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.plotting import bar, colours, waterfall

NAMES = list('abcdef')
ONE = np.array([0.5, -2.0, 0.25, 3.0, -0.125, 0.0])
MANY = np.random.RandomState(0).normal(size=(60, 6)) * [1, 5, 2, 0.1, 3, 4]


def rows(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def steps(ax):
    return np.array([(one.get_x(), one.get_width()) for one in ax.patches])


def numbers(ax):
    return [text.get_text() for text in ax.texts]


def test_each_step_begins_where_the_last_ended_from_the_baseline_to_x(ax):
    waterfall(ONE, NAMES, top=3, base=10.0, output=10.0 + ONE.sum(), ax=ax)
    assert rows(ax) == ['T(baseline)', 'd', 'b', 'a', '3 others', 'T(x)']
    np.testing.assert_allclose(steps(ax), [(10, 3), (13, -2), (11, 0.5), (11.5, 0.125)])
    assert numbers(ax) == ['+3', '-2', '+0.5', '+0.125', '10', '11.62']
    middles = [one.get_y() + one.get_height() / 2 for one in ax.patches]
    np.testing.assert_allclose(middles, ax.get_yticks()[1:-1])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the baseline is at the top
    assert ax.get_xlabel() == 'T'


@settings(max_examples=20)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.integers(1, 12),
    st.floats(-1e6, 1e6),
    st.none() | st.floats(-1e6, 1e6),
)
def test_steps_lead_to_the_output_whatever_they_are(attributions, top, base, output):
    names = range(len(attributions))
    ax = waterfall(attributions, names, top=top, base=base, output=output, ax=Figure().add_subplot())
    found = steps(ax)
    np.testing.assert_allclose(found[1:, 0], found[:-1].sum(axis=1), atol=1e-6)
    end = base + sum(attributions) if output is None else output
    size = abs(base) + abs(end) + np.abs(attributions).sum()
    np.testing.assert_allclose(found[-1].sum(), end, atol=2e-3 * size + 1e-6)


def test_signs_are_told_by_direction_colour_and_hatches(ax):
    waterfall(ONE, NAMES, base=0, ax=ax)
    for one, value in zip(ax.patches, [3.0, -2.0, 0.5, 0.25, -0.125, 0.0]):
        assert one.get_width() == value
        assert bool(one.get_hatch()) == (value < 0)
        assert one.get_facecolor() == to_rgba(colours.NEGATIVE if value < 0 else colours.POSITIVE)


def test_what_is_not_attributed_is_a_step_of_its_own(ax):
    waterfall(ONE, NAMES, base=10.0, output=13.0, top=6, ax=ax)
    assert rows(ax)[-2:] == ['not attributed', 'T(x)']
    np.testing.assert_allclose(steps(ax)[-1], (11.625, 1.375))
    assert ax.patches[-1].get_facecolor() == to_rgba('0.5')


@pytest.mark.parametrize('error', [0, 1e-3, -1e-3])
def test_what_rounds_away_is_no_step(ax, error):
    waterfall(ONE, NAMES, base=10.0, output=10.0 + ONE.sum() + error, ax=ax)
    assert 'not attributed' not in rows(ax)


def test_without_output_the_end_is_a_sum_and_without_base_the_axis_has_differences(ax):
    waterfall(ONE, NAMES, base=10.0, ax=ax)
    assert rows(ax)[-1] == 'T(baseline) + attributions'
    other = waterfall(ONE, NAMES)
    assert (rows(other)[0], rows(other)[-1]) == ('baseline', 'sum')
    assert other.get_xlabel() == 'T(x) - T(baseline)'
    assert steps(other)[0][0] == 0


def test_both_ends_can_be_told_apart(ax):
    waterfall([0.5, 0.25], ['a', 'b'], base=123456.0, ax=ax)
    assert numbers(ax)[-2:] == ['123456', '123456.75']


def test_values_and_what_is_not_finite(ax):
    waterfall([3.0, np.nan, 1.0], ['age', 'city', 'n'], values=[41.23456, 'Rome', 7], base=1, output=5, ax=ax)
    assert rows(ax) == ['T(baseline)', 'age = 41.23', 'n = 7', 'T(x)']
    assert ax.get_xlabel() == 'T\nnot finite, left out: city'


@pytest.mark.parametrize('sign', [1, -1, 0])
def test_bars_and_numbers_are_inside_the_axes(ax, sign):
    waterfall(sign * np.abs(ONE), NAMES, base=1.0, ax=ax)
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.x0 >= frame.x0 - 1
        assert box.x1 <= frame.x1 + 1


def test_long_names_leave_room(ax):
    waterfall([1.0], ['x' * 30 + 'y' * 30], base=0, ax=ax)
    assert rows(ax)[1] == 'x' * 26 + '…' + 'y' * 13
    assert len(rows(ax)[1]) == 40


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'output': 1}, ArgumentError, r'output is T\(x\), and needs base, T\(baseline\), to be compared with'),
        ({'base': 'a'}, ArgumentTypeError, "base must be a number; got 'a'"),
        ({'base': np.nan}, ArgumentError, 'base must be finite; got nan'),
        ({'base': 1e200}, ArgumentError, r'base must be from -1e\+150 to 1e\+150; got 1e\+200'),
        ({'base': 0, 'output': [1]}, ArgumentTypeError, r'output must be a number; got \[1\]'),
        ({'top': 0}, ArgumentError, 'top must be at least 1; got 0'),
        ({'names': NAMES[:3]}, ArgumentError, 'names must have one entry for each of the 6 features; got 3'),
        ({'values': [1]}, ArgumentError, 'values must have one entry for each of the 6 features; got 1'),
        ({'attributions': MANY}, ArgumentError, r'attributions must have the axes \(features\); got shape \(60, 6\)'),
    ],
)
def test_arguments_of_waterfall(arguments, error, message):
    with pytest.raises(error, match=message):
        waterfall(**{'attributions': ONE, 'names': NAMES, **arguments})
    assert not plt.get_fignums()


def test_bars_are_means_of_absolute_values_and_the_axis_says_so(ax):
    bar(MANY, NAMES, top=4, ax=ax)
    means = np.abs(MANY).mean(axis=0)
    order = np.argsort(-means)
    assert rows(ax) == [NAMES[i] for i in order[:4]] + ['2 others, summed']
    np.testing.assert_allclose(steps(ax)[:, 1], [*means[order[:4]], means[order[4:]].sum()])
    assert numbers(ax)[0] == f'{means.max():.3g}'
    assert ax.get_xlabel() == 'mean |attribution| of 60 samples'
    assert ax.get_xlim()[0] == 0


def test_positive_and_negative_attributions_do_not_cancel(ax):
    bar([[1.0, 0.1], [-1.0, 0.1]], ['a', 'b'], ax=ax)
    assert rows(ax) == ['a', 'b']
    np.testing.assert_allclose(steps(ax)[:, 1], [1.0, 0.1])


def test_means_are_of_what_is_finite(ax):
    bar([[1.0, np.nan, 4.0], [np.inf, np.nan, 2.0]], ['a', 'b', 'c'], ax=ax)
    assert rows(ax) == ['c', 'a']
    np.testing.assert_allclose(steps(ax)[:, 1], [3.0, 1.0])
    assert ax.get_xlabel() == 'mean |attribution| of 2 samples\n3 not finite, left out'


def test_arguments_of_bar():
    with pytest.raises(ArgumentError, match=r'attributions must have the axes \(samples, features\); got shape \(6,\)'):
        bar(ONE, NAMES)
    with pytest.raises(ArgumentError, match='top must be at most 1000, which is as many rows as can be read; got 1001'):
        bar(MANY, NAMES, top=1001)
    assert not plt.get_fignums()


def test_the_last_end_is_what_is_named_so():
    # Less is missing than can be seen: then there is no step for it, and the end is still T(x).
    ax = waterfall([1.0, 2.0], ['a', 'b'], base=0.5, output=3.501, ax=Figure().add_subplot())
    assert rows(ax) == ['T(baseline)', 'b', 'a', 'T(x)']
    assert '3.501' in [text.get_text() for text in ax.texts]
