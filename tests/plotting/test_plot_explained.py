"""Explanations in the place of arrays: each picture is that of their numbers, names and values."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from deepexplain import plotting
from deepexplain.errors import ArgumentError
from deepexplain.explanation import Explanation


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def axes():
    return Figure().add_subplot()


def drawn(ax):
    """All that matters of an Axes: texts, bars, images, points."""
    texts = [text.get_text() for text in [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts, ax.xaxis.label]]
    boxes = [(patch.get_extents().bounds, patch.get_facecolor()) for patch in ax.patches]
    images = [np.asarray(image.get_array()) for image in ax.images]
    points = [np.asarray(one.get_offsets()) for one in ax.collections]
    lines = [line.get_xydata() for line in ax.lines]
    return [texts, boxes, images, points, lines]


def assert_same(a, b):
    for one, other in zip(drawn(a), drawn(b)):
        np.testing.assert_equal(one, other)


TABLE = Explanation(normal(6, 3), normal(6, 3, seed=1), feature_names=[['age', 'fare', 'deck']], method='intgrad')
PICTURES = Explanation(normal(2, 14, 14, 1), np.abs(normal(2, 14, 14, 1)), method='deeplift')
LETTERS = np.eye(4)[np.array([[0, 3, 2, 1, 1]])]
SEQUENCE = Explanation(normal(1, 5, 4) * LETTERS, LETTERS)
SERIES = Explanation(normal(1, 20, 2), normal(1, 20, 2, seed=1))


def test_one_sample_of_a_table():
    expected = plotting.tabular(TABLE.values[1], ['age', 'fare', 'deck'], TABLE.data[1], ax=axes())
    assert_same(plotting.tabular(TABLE[1], ax=axes()), expected)
    assert_same(plotting.tabular(attributions=TABLE[1], ax=axes()), expected)
    assert_same(TABLE[1].plot(ax=axes()), expected)
    without = plotting.tabular(TABLE.values[1], list('abc'), top=1, ax=axes())
    assert_same(plotting.tabular(TABLE[1], list('abc'), None, 1, ax=axes()), without)


def test_many_samples_of_a_table():
    expected = plotting.distribution(TABLE.values, ['age', 'fare', 'deck'], TABLE.data, ax=axes())
    assert_same(plotting.distribution(TABLE, ax=axes()), expected)
    assert_same(TABLE.plot(ax=axes()), expected)
    plotting.distribution(TABLE, style='violin', ax=axes())  # which has no values


def test_the_pictures_of_tables():
    names = ['age', 'fare', 'deck']
    for picture, given in [
        (plotting.bar, ()),
        (plotting.heatmap, ()),
        (plotting.beeswarm, (TABLE.data,)),
        (plotting.scatter, (TABLE.data,)),
    ]:
        assert_same(picture(TABLE, ax=axes()), picture(TABLE.values, names, *given, ax=axes()))


def test_steps_from_the_baseline_where_attributions_add_up():
    whole = replace(TABLE, outputs=TABLE.values.sum(axis=1) + 2, base_value=np.full(6, 2.0), delta=np.zeros(6))
    values = {'base': 2.0, 'output': whole.outputs[1]}
    expected = plotting.waterfall(TABLE.values[1], ['age', 'fare', 'deck'], TABLE.data[1], ax=axes(), **values)
    assert_same(plotting.waterfall(whole[1], ax=axes()), expected)
    assert_same(whole[1].plot(ax=axes()), expected)
    without = plotting.waterfall(TABLE.values[1], ['age', 'fare', 'deck'], TABLE.data[1], ax=axes())
    assert_same(plotting.waterfall(TABLE[1], ax=axes()), without)


def test_pictures():
    expected = plotting.image(PICTURES.values[0], PICTURES.data[0], ax=axes())
    assert_same(plotting.image(PICTURES[0], ax=axes()), expected)
    assert_same(PICTURES[0].plot(ax=axes()), expected)
    both = plotting.grid(PICTURES.data, {'deeplift': PICTURES.values}, figure=Figure())
    for found in (plotting.grid(PICTURES, figure=Figure()), PICTURES.plot(figure=Figure())):
        for one, other in zip(found.ravel(), both.ravel()):
            assert_same(one, other)
    named = plotting.grid(PICTURES.data, {'mine': PICTURES}, figure=Figure())
    assert_same(named[1, 1], both[1, 1])


def test_a_sequence_of_letters():
    expected = plotting.sequence(SEQUENCE.values[0], one_hot=SEQUENCE.data[0], ax=axes())
    assert_same(plotting.sequence(SEQUENCE, ax=axes()), expected)
    assert_same(SEQUENCE.plot(ax=axes()), expected)
    plotting.sequence(SEQUENCE, 'ATGCC', ax=axes())


def test_a_time_series():
    expected = plotting.timeseries(SERIES.data[0], SERIES.values[0], ax=axes())
    assert_same(plotting.timeseries(SERIES, ax=axes()), expected)
    assert_same(SERIES.plot(ax=axes()), expected)


def test_tokens_have_the_sum_over_their_embedding():
    words = Explanation(normal(1, 3, 8))
    expected = plotting.text(list('abc'), words.values[0].sum(axis=1), ax=axes())
    assert_same(plotting.text(list('abc'), words, ax=axes()), expected)
    assert plotting.text_html(list('abc'), words) == plotting.text_html(list('abc'), words.values[0].sum(axis=1))


def test_what_no_picture_goes_with():
    with pytest.raises(ArgumentError, match=r'plotting.tabular draws one sample, and this explanation has 6: choose'):
        plotting.tabular(TABLE)
    with pytest.raises(ArgumentError, match=r'No picture goes with attributions of shape \(2, 3, 4, 5\)'):
        Explanation(normal(1, 2, 3, 4, 5)).plot()
    with pytest.raises(ArgumentError, match=r'plot\(\) is of one input: take .of_input\(i\) first, i from 0 to 1'):
        Explanation([normal(1, 2), normal(1, 3)]).plot()
    with pytest.raises(ArgumentError, match=r'plot\(\) is of one output: take .of_output\(i\) first'):
        Explanation(normal(2, 1, 3), each=True).plot()
    with pytest.raises(ArgumentError, match='explanation must be an Explanation'):
        plotting.picture_of(normal(2, 3))


def test_several_sequences_and_series_stand_below_each_other():
    letters = np.eye(4)[np.arange(10).reshape(2, 5) % 4]
    several = Explanation(normal(2, 5, 4) * letters, letters, sample_names=['one', 'two $'])
    axes = several.plot()
    assert [ax.get_title(loc='left') for ax in axes] == ['one', 'two $']
    for ax, one in zip(axes, [several[0], several[1]]):
        paths, expected = ax.collections[0].get_paths(), one.plot(ax=Figure().add_subplot()).collections[0].get_paths()
        assert [path.get_extents().bounds for path in paths] == [path.get_extents().bounds for path in expected]
    plt.close(axes[0].figure)
    series = Explanation(normal(3, 20, 2), normal(3, 20, 2, seed=1))
    axes = series.plot()
    assert [ax.get_title(loc='left') for ax in axes[:2]] == ['sample 0', 'sample 1']
    plt.close(axes[0].figure)
    with pytest.raises(
        ArgumentError, match=r'A figure has room for 40 samples of this kind; got 41: choose some, e\[:8\].'
    ):
        Explanation(normal(41, 20, 2), normal(41, 20, 2)).plot()
    with pytest.raises(ArgumentError, match='window must be'):
        several.plot(window=(3, 1))
    assert plt.get_fignums() == []


def test_a_grid_has_the_names_of_the_samples():
    named = replace(PICTURES, sample_names=['a.jpg', 'b.jpg'])
    axes = named.plot(figure=Figure())
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ['a.jpg', 'b.jpg']


def test_maps_without_their_pictures_stand_below_each_other():
    e = Explanation(normal(2, 14, 16, 1), sample_names=['a', 'b'])
    rows = e.plot()
    assert [ax.get_title(loc='left') for ax in rows] == ['a', 'b']
    assert [ax.images[-1].get_array().shape[:2] for ax in rows] == [(14, 16)] * 2
    assert_same(e[1].plot(ax=axes()), plotting.image(e[1], ax=axes()))
    plt.close('all')
