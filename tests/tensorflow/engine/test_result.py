"""What run(..., explanation=True) says of a call, against the numbers that other calls give."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, every_method, mlp, normal

from deepexplain.explanation import Explanation
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.methods import attribution_methods

#: What the attributions of each method are.
QUANTITIES = {
    'zero': None,  # a test of the overrides
    'saliency': 'sensitivity',
    'grad*input': 'contribution',
    'intgrad': 'contribution',
    'elrp': 'contribution',
    'deeplift': 'contribution',
    'occlusion': 'contribution',
    'shapley_sampling': 'contribution',
    'lrp': 'contribution',
    'guided_backprop': 'sensitivity',
    'deconvnet': 'sensitivity',
    'grad_cam': None,
    'grad_cam++': None,
    'guided_grad_cam': None,
    'conductance': 'contribution',
    'internal_influence': 'sensitivity',
}
OWN_LAYER = ('grad_cam', 'grad_cam++', 'guided_grad_cam', 'conductance', 'internal_influence')


@pytest.mark.parametrize('method', QUANTITIES)
def test_a_method_says_what_its_attributions_are(session, method):
    X = tf.placeholder(tf.float64, [None, 4, 1])
    layer = tf.nn.relu(X)
    more = {'layer': layer} if method in OWN_LAYER else {}
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, dense(tf.reshape(layer, [-1, 4]), 3), X, **more)
    assert explainer.quantity == QUANTITIES[method]


def test_all_methods_are_among_these():
    ours = [n for n, (cls, _) in attribution_methods.items() if cls.__module__.startswith('deepexplain.')]
    assert set(ours) == set(QUANTITIES)


@pytest.mark.parametrize('method', ['intgrad', 'deeplift', 'lrp'])
def test_multipliers_are_sensitivities(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        assert de.get_explainer(method, dense(X, 3), X, multiply_by_inputs=False).quantity == 'sensitivity'


@every_method
@pytest.mark.parametrize('choice', [{}, {'ys': [0, 1, 0]}, {'ys': np.eye(3)}, {'target': 'top'}, {'ys': 'each'}])
def test_it_has_what_other_calls_return(session, method, kwargs, choice):
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    T, xs = mlp(X), normal(3, 4)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, **kwargs)
        np.random.seed(0)
        values = explainer.run(xs, **choice)
        np.random.seed(0)
        e = de.explain(method, T, X, xs, explanation=True, **choice, **kwargs)
    assert isinstance(e, Explanation)
    np.testing.assert_array_equal(e.values, values)
    np.testing.assert_array_equal(e.data, xs)
    np.testing.assert_array_equal(e.outputs, explainer.outputs(xs, **choice))
    if method in ('intgrad', 'deeplift', 'occlusion', 'shapley_sampling'):
        assert (e.baseline_kind, e.baseline.tolist()) == ('one', [0, 0, 0, 0])
        ys = {'ys': e.ys} if 'target' in choice else choice
        np.testing.assert_array_equal(e.base_value, explainer.outputs(0 * xs, **ys))
    else:
        assert e.base_value is e.baseline is e.baseline_kind is None
    if method in ('zero', 'saliency', 'grad*input'):
        assert e.delta is None
    else:
        promised = e.outputs - (0 if e.base_value is None else e.base_value)
        np.testing.assert_allclose(e.delta, e.values.sum(axis=-1) - promised, atol=1e-9)
    assert e.each == (choice == {'ys': 'each'} if isinstance(choice.get('ys'), str) else False)
    assert (e.ys is None) == (not choice or e.each)
    if e.ys is not None:
        assert e.ys.shape == (3, 3)
    assert (e.method, e.target, e.input_names) == (method, T.name, ['X:0'])
    assert e.arguments == {**e.arguments, **kwargs}
    assert set(e.versions) == {'deepexplain', 'tensorflow', 'numpy', 'python'}
    assert e.versions['tensorflow'] == tf.__version__


@pytest.mark.parametrize(
    ('kind', 'argument', 'value'),
    [
        ('each', 'baseline', normal(3, 4, seed=1)),
        ('one', 'baseline', normal(4, seed=1)),
        ('each', 'baseline', lambda xs: xs[::-1]),
        ('set', 'baselines', normal(2, 4, seed=1)),
        ('sets', 'baselines', normal(3, 2, 4, seed=1)),
    ],
)
def test_the_baseline_is_what_samples_were_compared_with(session, kind, argument, value):
    X = tf.placeholder(tf.float64, [None, 4])
    T, xs = mlp(X), normal(3, 4)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('intgrad', T, X, steps=3, **{argument: value})
        e = explainer.run(xs, target=[0, 1, 2], explanation=True)
    rows = value(xs) if callable(value) else value
    assert e.baseline_kind == kind
    np.testing.assert_array_equal(e.baseline, rows)
    by_member = {
        'each': lambda: [rows],
        'one': lambda: [np.tile(rows, (3, 1))],
        'set': lambda: [np.tile(row, (3, 1)) for row in rows],
        'sets': lambda: list(rows.swapaxes(0, 1)),
    }[kind]()
    plain = session.run(T, {X: np.concatenate(by_member)}).reshape(-1, 3, 3)
    np.testing.assert_allclose(e.base_value, plain[:, [0, 1, 2], [0, 1, 2]].mean(axis=0), rtol=1e-12)


def test_of_several_inputs_of_a_layer_and_of_a_scalar(session):
    A, B = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 2])
    a, b = normal(3, 4), normal(3, 2, seed=1)
    with DeepExplain(session=session) as de:
        hidden = tf.nn.elu(tf.concat([A, B], axis=1))
        T = dense(hidden, 2)
        e = de.explain('deeplift', T, [A, B], [a, b], explanation=True, target=1)
        assert [v.shape for v in e.values] == [v.shape for v in e.data] == [(3, 4), (3, 2)]
        assert e.input_names == [A.name, B.name]
        e = de.explain('deeplift', T, [A, B], [a, b], layer=hidden, explanation=True, target=1)
        assert e.values.shape == e.data.shape == (3, 6)
        np.testing.assert_array_equal(e.data, session.run(hidden, {A: a, B: b}))
        assert e.input_names == [hidden.name]
        e = de.explain('conductance', T, [A, B], [a, b], layer=hidden, explanation=True, target=1)
        assert e.values.shape == (3, 6)
        assert e.data is None  # the samples are those of X
        e = de.explain('saliency', tf.reduce_sum(T), A, a, feed_dict={B: b}, explanation=True)
        assert e.outputs is None


def test_standard_errors_come_along(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        options = {'seed': 0, 'return_standard_error': True}
        T = mlp(X)
        e = de.explain('shapley_sampling', T, X, normal(3, 4), explanation=True, **options)
        values, errors = de.explain('shapley_sampling', T, X, normal(3, 4), **options)
    np.testing.assert_array_equal(e.values, values)
    np.testing.assert_array_equal(e.standard_error, errors)
    np.testing.assert_array_equal(e[1].standard_error, errors[1:2])


def test_names_of_a_table_come_along(session):
    pandas = pytest.importorskip('pandas')
    X = tf.placeholder(tf.float64, [None, 2])
    xs = pandas.DataFrame(normal(2, 2), columns=['age', 'fare'], index=['Ann', 'Bob'])
    with DeepExplain(session=session) as de:
        e = de.explain('saliency', dense(X, 1), X, xs, explanation=True)
    assert e.feature_names == [['age', 'fare']]
    assert e.sample_names == ['Ann', 'Bob']
    pandas.testing.assert_frame_equal(
        e.to_frame(), pandas.DataFrame(e.values, columns=xs.columns, index=pandas.Index(xs.index, name='sample'))
    )
