"""A method and its arguments: a frozen value, which is shown, compared, copied and pickled as one."""

import copy
import inspect
import pickle
import pydoc
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import normal

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.tensorflow import DeepExplain, methods
from deepexplain.tensorflow.methods import (
    DeepLIFTRescale,
    IntegratedGradients,
    Method,
    Occlusion,
    Saliency,
    ShapleySampling,
    attribution_methods,
)

ALL = [cls for cls, _ in attribution_methods.values()]


def examples():
    return [
        Saliency(),
        IntegratedGradients(steps=5, baseline=np.ones(3), quadrature='gausslegendre'),
        DeepLIFTRescale(baselines=[normal(2, 3), normal(2, 4)], rules='complete'),
        Occlusion((2, 2), step=1, feature_mask=None),
        ShapleySampling(samples=3, sampling_dims=[1], seed=0),
    ]


def test_help_shows_the_arguments_with_their_types_and_defaults():
    text = pydoc.plain(pydoc.render_doc(IntegratedGradients))
    assert 'class IntegratedGradients(deepexplain.tensorflow.methods.method.Method)' in text
    assert 'steps: int = 100' in text
    assert "quadrature: str = 'riemann_right'" in text
    assert 'Points on the path' in text


@pytest.mark.parametrize('cls', ALL, ids=lambda cls: cls.name)
def test_signature_and_docstring_name_every_argument(cls):
    assert list(inspect.signature(cls).parameters) == [field.name for field in fields(cls)]
    for field in fields(cls):
        assert f'    {field.name} : ' in cls.__doc__
        assert field.type is not inspect.Parameter.empty


def test_it_shows_what_is_not_the_default():
    assert repr(IntegratedGradients()) == repr(IntegratedGradients(steps=100)) == 'IntegratedGradients()'
    assert repr(IntegratedGradients(5)) == 'IntegratedGradients(steps=5)'
    found = IntegratedGradients(tolerance=0.5, baseline=[0, 1], quadrature='riemann_middle')
    assert repr(found) == "IntegratedGradients(baseline=[0, 1], quadrature='riemann_middle', tolerance=0.5)"
    assert repr(IntegratedGradients(baseline=np.zeros(2))) == 'IntegratedGradients(baseline=array([0., 0.]))'
    assert repr(Occlusion(baseline=np.zeros((8, 2)))) == 'Occlusion(baseline=<float64 array of shape (8, 2)>)'


def test_equal_arguments_make_equal_methods_with_equal_hashes():
    for a, b in zip(examples(), examples()):
        assert a == b
        assert hash(a) == hash(b)
        assert {a: 1}[b] == 1
    assert len(set(examples())) == len(examples())


@pytest.mark.parametrize(
    'other',
    [
        IntegratedGradients(6),
        IntegratedGradients(5, baseline=0),
        IntegratedGradients(5, baseline=np.zeros(2)),
        DeepLIFTRescale(),
        'intgrad',
        None,
    ],
    ids=repr,
)
def test_others_are_not_equal(other):
    assert IntegratedGradients(5) != other
    assert other != IntegratedGradients(5)


@pytest.mark.parametrize(
    ('a', 'b', 'same'),
    [
        (np.zeros(2), np.zeros(2), True),
        (np.zeros(2), np.ones(2), False),
        (np.zeros(2), np.zeros(3), False),
        (np.zeros(2), np.zeros(2, np.float32), False),
        ([np.zeros(2), 0], [np.zeros(2), 0], True),
        ([np.zeros(2), 0], (np.zeros(2), 0), False),
        (np.mean, np.mean, True),
        (np.mean, np.median, False),
        (1, True, False),
    ],
)
def test_arrays_are_equal_by_content_and_functions_by_identity(a, b, same):
    a, b = IntegratedGradients(baseline=a), IntegratedGradients(baseline=b)
    assert (a == b) is same
    assert (hash(a) == hash(b)) is same


def test_its_arguments_are_frozen():
    method = IntegratedGradients(steps=5)
    for change in ((setattr, 'steps', 6), (setattr, 'more', 6), (delattr, 'steps')):
        with pytest.raises(FrozenInstanceError):
            change[0](method, *change[1:])
    assert method.steps == 5


def test_later_changes_to_arrays_do_not_reach_it():
    one, several = np.zeros(2), [np.zeros(2), np.zeros(3)]
    first, second = IntegratedGradients(baseline=one), IntegratedGradients(baseline=several)
    one[0] = several[1][0] = 1
    several.append(None)
    assert first == IntegratedGradients(baseline=np.zeros(2))
    assert second == IntegratedGradients(baseline=[np.zeros(2), np.zeros(3)])


def test_arguments_are_kept_as_what_they_were_checked_to_be():
    method = IntegratedGradients(steps=np.int64(5), tolerance=np.float32(0.5))
    assert (method.steps, method.tolerance) == (5, 0.5)
    assert (type(method.steps), type(method.tolerance)) == (int, float)


@pytest.mark.parametrize(
    ('make', 'error', 'message'),
    [
        (lambda: IntegratedGradients(stepz=5), TypeError, "'intgrad' does not know the argument 'stepz'"),
        (lambda: Saliency(True, 1), TypeError, "'saliency' does not know 2 positional arguments; it takes absolute"),
        (lambda: Saliency(1), ArgumentTypeError, 'absolute must be True or False; got 1'),
        (lambda: IntegratedGradients(steps='5'), ArgumentTypeError, "steps must be an integer; got '5'"),
        (lambda: IntegratedGradients(steps=0), ArgumentError, 'steps must be at least 1; got 0'),
        (
            lambda: DeepLIFTRescale(rules='all'),
            ArgumentError,
            "rules must be one of 'original', 'complete', 'reveal-cancel', 'genomics'; got 'all'",
        ),
    ],
)
def test_wrong_arguments_are_refused_when_it_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize('method', examples(), ids=repr)
@pytest.mark.parametrize(
    'copied',
    [copy.copy, copy.deepcopy, *(lambda m, p=p: pickle.loads(pickle.dumps(m, p)) for p in range(2, 5))],
)
def test_it_can_be_copied_and_pickled(method, copied):
    found = copied(method)
    assert type(found) is type(method)
    assert found == method
    assert repr(found) == repr(method)
    with pytest.raises(FrozenInstanceError):
        found.steps = 1


def test_the_table_of_methods_can_be_copied_and_cut_down():
    others = copy.deepcopy(methods.attribution_methods)
    assert others.pop('deeplift')[0] is DeepLIFTRescale
    assert 'deeplift' in methods.attribution_methods
    assert list(others) == [name for name in methods.attribution_methods if name != 'deeplift']
    assert all(issubclass(cls, Method) and cls.name == name for name, (cls, _) in others.items())


def test_it_can_be_explained_with_in_place_of_a_name(session):
    X = tf.placeholder(tf.float32, [None, 3])
    T = tf.reduce_sum(tf.square(X), axis=1)
    xs = normal(2, 3)
    with DeepExplain(session=session) as de:
        by_name = de.explain('intgrad', T, X, xs, steps=5, baseline=np.ones(3))
        ops = len(session.graph.get_operations())
        method = IntegratedGradients(steps=5, baseline=np.ones(3))
        np.testing.assert_array_equal(de.explain(method, T, X, xs), by_name)
        assert len(session.graph.get_operations()) == ops
        explainer = de.get_explainer(method, T, X, strict=True)
        assert explainer.method == method
        assert explainer.strict
        np.testing.assert_array_equal(explainer.run(xs), by_name)
        with pytest.raises(ArgumentTypeError, match=r'has its arguments: give steps there, not beside it'):
            de.explain(method, T, X, xs, steps=3)
