"""Explanations as attributions, what a method says of them, and the table of several explainers."""

import sys

import numpy as np
import pytest
from stand_in import Explainer, Linear

from deepexplain import metrics
from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.explanation import Explanation

NETWORK = Linear(3)
XS = NETWORK.xs()
YS = [1, 0, 0]


def explainer(attribute, quantity, name):
    made = Explainer(NETWORK, attribute)
    made.quantity, made.name = quantity, name
    return made


CONTRIBUTIONS = explainer(NETWORK.contributions, 'contribution', 'grad*input')
GRADIENTS = explainer(NETWORK.gradients, 'sensitivity', 'saliency')
NEITHER = explainer(NETWORK.gradients, None, 'map')


def test_infidelity_takes_attributions_for_what_their_method_says_they_are():
    for right in (CONTRIBUTIONS, GRADIENTS):
        np.testing.assert_allclose(metrics.infidelity(right, XS, ys=YS), 0, atol=1e-20)
    wrong = metrics.infidelity(GRADIENTS, XS, ys=YS, multiply_by_inputs=True)
    assert wrong.min() > 1e-3
    with pytest.raises(ArgumentError, match='neither contributions, in the units of T, nor sensitivities.*multiply_by'):
        metrics.infidelity(NEITHER, XS, ys=YS)
    metrics.infidelity(NEITHER, XS, ys=YS, multiply_by_inputs=False)


def test_an_explanation_says_what_it_is_whatever_the_explainer():
    gradients = Explanation(NETWORK.gradients(XS, YS), quantity='sensitivity')
    for model in (NETWORK, CONTRIBUTIONS):
        np.testing.assert_allclose(metrics.infidelity(model, XS, gradients, ys=YS), 0, atol=1e-20)
    assert metrics.infidelity(NETWORK, XS, gradients.values, ys=YS).min() > 1e-3  # an array is taken for contributions


def test_metrics_take_explanations():
    values = NETWORK.contributions(XS, YS)
    base, outputs = NETWORK(0 * XS) @ YS, NETWORK(XS) @ YS
    e = Explanation(values, outputs=outputs, base_value=base, quantity='contribution')
    np.testing.assert_allclose(metrics.completeness_of(e).delta, 0, atol=1e-12)
    np.testing.assert_allclose(metrics.completeness(NETWORK, XS, e, ys=YS).delta, 0, atol=1e-12)
    for metric in (metrics.sensitivity_n, metrics.deletion_insertion):
        for one, other in zip(metric(NETWORK, XS, e, ys=YS), metric(NETWORK, XS, values, ys=YS)):
            np.testing.assert_array_equal(one, other)
    several = Explanation([values[:, :1], values[:, 1:]], outputs=outputs, base_value=base)
    np.testing.assert_allclose(metrics.completeness_of(several).delta, 0, atol=1e-12)
    with pytest.raises(ArgumentError, match=r"not ys='each': take .of_output\(i\)"):
        metrics.sensitivity_n(NETWORK, XS, Explanation(values[None], each=True), ys=YS)


def columns(table):
    return {name: np.asarray(table[name]) for name in table}


def test_a_table_of_explainers():
    pandas = pytest.importorskip('pandas')
    table = metrics.compare([CONTRIBUTIONS, GRADIENTS, GRADIENTS], XS, ys=YS)
    assert isinstance(table, pandas.DataFrame)
    assert list(table.index) == ['grad*input', 'saliency', 'saliency #2']
    names = 'completeness infidelity sensitivity_n deletion insertion max_sensitivity seconds'
    assert list(table.columns) == names.split()
    expected = {
        'completeness': metrics.completeness(CONTRIBUTIONS, XS, ys=YS).relative.mean(),
        'sensitivity_n': np.nanmean(metrics.sensitivity_n(CONTRIBUTIONS, XS, ys=YS).correlation),
        'deletion': metrics.deletion_insertion(CONTRIBUTIONS, XS, ys=YS).deletion_area.mean(),
        'insertion': metrics.deletion_insertion(CONTRIBUTIONS, XS, ys=YS).insertion_area.mean(),
        'max_sensitivity': metrics.max_sensitivity(CONTRIBUTIONS, XS, ys=YS).mean(),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(table[name].iloc[0], value, rtol=1e-12)
    np.testing.assert_allclose(table['infidelity'], 0, atol=1e-12)  # of a linear network both are right
    assert (table['seconds'] > 0).all()
    np.testing.assert_array_equal(table.iloc[1, :-1], table.iloc[2, :-1])


def test_attributions_of_nothing_have_an_infidelity_of_one():
    zero = explainer(lambda xs, ys: 0 * xs, 'contribution', 'zero')
    table = metrics.compare({'zero': zero, 'other': CONTRIBUTIONS}, XS, ys=YS, measures=['infidelity'])
    np.testing.assert_allclose(np.asarray(table['infidelity']), [1, 0], atol=1e-12)


def test_what_does_not_apply_is_nan_with_its_reason():
    pytest.importorskip('pandas')
    table = metrics.compare([NEITHER], XS, ys=YS, measures=['infidelity', 'deletion_insertion'])
    assert np.isnan(table['infidelity']).all()
    assert np.isfinite(table['deletion']).all()
    assert list(table.attrs['why']) == [('map', 'infidelity')]
    assert table.attrs['why'][('map', 'infidelity')].startswith('These attributions are neither')


def test_without_pandas_it_is_a_table_that_prints(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pandas', None)
    table = metrics.compare({'a': NEITHER, 'longer': GRADIENTS}, XS, ys=YS, measures=['infidelity'])
    assert isinstance(table, metrics.Comparison)
    head, first, second = str(table).splitlines()
    assert head.split() == ['infidelity', 'seconds']
    assert first.split()[:2] == ['a', 'nan']
    assert second.split()[0] == 'longer'
    assert len(head) == len(first) == len(second)
    assert ('a', 'infidelity') in table.why


def test_what_it_cannot_compare():
    with pytest.raises(ArgumentTypeError, match='explainers must be a list or a dict of explainers; got'):
        metrics.compare(GRADIENTS, XS)
    with pytest.raises(ArgumentTypeError, match='explainers must be what get_explainer returns; a is 3'):
        metrics.compare({'a': 3}, XS)
    with pytest.raises(ArgumentError, match='explainers is empty'):
        metrics.compare([], XS)
    with pytest.raises(ArgumentError, match="Each of measures must be one of 'completeness'"):
        metrics.compare([GRADIENTS], XS, measures=['speed'])
    with pytest.raises(ArgumentError, match='Give target or ys, not both'):
        metrics.compare([GRADIENTS], XS, ys=YS, target=0)
    with pytest.raises(ArgumentError, match='takes no target: give ys'):
        metrics.compare([GRADIENTS], XS, target=0)
