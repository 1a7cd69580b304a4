"""A recipe: what it holds, how it travels, what it opens, and what it refuses."""

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given
from hypothesis import strategies as st
from small import dense
from sources import XS, YS, keras_2, keras_network, needs_keras_3, network, trained_graph

import deepexplain
from deepexplain.errors import ArgumentError, ArgumentTypeError, GraphError, ReadOnlyError
from deepexplain.tensorflow import DeepExplain, NoiseTunnel, Recipe, open_model
from deepexplain.tensorflow.methods import IntegratedGradients, attribution_methods

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(deepexplain.__file__)))


def save(path, build):
    """A frozen graph of what ``build`` makes in the default graph: a list of output tensors."""
    with tf.Graph().as_default() as graph:
        outputs = build()
    with open(str(path), 'wb') as file:
        file.write(graph.as_graph_def().SerializeToString())
    return [output.name for output in outputs]


@pytest.fixture
def frozen(tmp_path):
    save(tmp_path / 'graph.pb', lambda: [network(tf.placeholder(tf.float32, [None, 4], name='x'))])
    return str(tmp_path / 'graph.pb')


def expected(method, T='logits:0', xs=XS, ys=YS, **options):
    with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4], name='x')
        network(X)
        return de.explain(method, T, X, xs, ys, **options)


@pytest.mark.parametrize(
    ('method', 'options'),
    [
        ('deeplift', {'rules': 'complete', 'baseline': np.float32([0, 0.5, 1, np.pi])}),
        ('intgrad', {'steps': 7, 'baseline': 0.25}),
        ('lrp', {'rules': [('first', 'zplus'), ('dense', ('gamma', {'gamma': 0.5}))], 'strict': False}),
        ('occlusion', {'window_shape': (2,), 'feature_mask': None}),
        ('shapley_sampling', {'samples': 2, 'seed': 3, 'feature_mask': np.array([0, 0, 1, 2])}),
        ('saliency', {'layer': 'hidden'}),
        ('conductance', {'layer': 'hidden:0', 'steps': 3}),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_it_explains_as_get_explainer_does_wherever_it_went(frozen, method, options):
    recipe = Recipe(frozen, method, **options)
    wanted = expected(method, **options)
    text = repr(recipe)
    for other in (
        recipe,
        pickle.loads(pickle.dumps(recipe)),
        Recipe.from_json(recipe.to_json()),
        eval(text, {'Recipe': Recipe, 'np': np}),
    ):
        assert other == recipe
        assert hash(other) == hash(recipe)
        assert repr(other) == text
        assert other.fingerprint() == recipe.fingerprint()
        with other.open() as explainer:
            np.testing.assert_array_equal(explainer.run(XS, YS), wanted)


def test_leaving_closes_the_session_and_the_graph_is_no_default_meanwhile(frozen):
    before = tf.get_default_graph()
    with Recipe(frozen, 'saliency').open() as explainer:
        assert tf.get_default_graph() is before
        explainer.run(XS)
    with pytest.raises(RuntimeError, match='cannot run any more|closed Session'):
        explainer.run(XS)


data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(data)
def test_any_data_comes_back_from_json_and_from_the_repr(value):
    recipe = Recipe('/model.pb', 'saliency', model={'outputs': value})
    assert json.loads(recipe.to_json()) == json.loads(recipe.to_json().replace(' ', ' '))
    for other in (Recipe.from_json(recipe.to_json()), eval(repr(recipe), {'Recipe': Recipe, 'np': np})):
        assert other.model['outputs'] == value
        assert type(other.model['outputs']) is type(value)


@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'int8', 'uint64', 'bool'])
@pytest.mark.parametrize('shape', [(), (3,), (2, 0), (2, 3)])
def test_arrays_come_back_to_the_last_bit(dtype, shape):
    array = np.random.RandomState(0).uniform(-9, 9, shape).astype(dtype)
    recipe = Recipe('/model.pb', 'saliency', model={'array': array})
    for other in (Recipe.from_json(recipe.to_json()), eval(repr(recipe), {'Recipe': Recipe, 'np': np})):
        found = other.model['array']
        assert found.dtype == array.dtype
        if 0 not in shape:
            np.testing.assert_array_equal(found, array)


def test_what_is_not_finite_comes_back_too():
    recipe = Recipe('/model.pb', 'saliency', model={'array': np.array([np.inf, np.nan, -np.inf]), 'number': -np.inf})
    for other in (Recipe.from_json(recipe.to_json()), eval(repr(recipe), {'Recipe': Recipe, 'np': np})):
        np.testing.assert_array_equal(other.model['array'], [np.inf, np.nan, -np.inf])
        assert other.model['number'] == -np.inf
    assert 'Infinity' not in recipe.to_json()


def test_it_keeps_copies_that_nobody_changes():
    baseline = np.zeros(4)
    recipe = Recipe('/model.pb', 'deeplift', baseline=baseline)
    baseline[:] = 1
    assert recipe.options['baseline'].tolist() == [0, 0, 0, 0]
    with pytest.raises(ValueError, match='read-only'):
        recipe.options['baseline'][0] = 1
    with pytest.raises(TypeError, match='does not support item assignment'):
        recipe.options['baseline'] = 1
    with pytest.raises(ReadOnlyError, match="A Recipe is what it was made: 'T' cannot be set. Make another."):
        recipe.T = 'outputs'


def test_it_is_shown_in_short_and_in_full():
    recipe = Recipe('/model.pb', IntegratedGradients(steps=5, baseline=np.arange(100.0)), 'outputs', ['a', 'b'])
    assert repr(recipe).startswith(
        "Recipe('/model.pb', 'intgrad', T='outputs', X=['a', 'b'], steps=5, baseline=np.array(["
    )
    assert '99.0' in repr(recipe)
    assert len(str(recipe)) < 400


def test_a_relative_path_is_that_of_this_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Recipe('model.pb', 'saliency').path == os.path.join(os.getcwd(), 'model.pb')


def test_a_method_with_its_arguments(frozen):
    assert Recipe(frozen, IntegratedGradients(steps=5), strict=True) == Recipe(frozen, 'intgrad', steps=5, strict=True)


def test_the_fingerprint_is_of_the_files_and_of_what_decides_the_numbers(frozen, tmp_path):
    recipe = Recipe(frozen, 'intgrad', steps=5)
    again = re.fullmatch('[0-9a-f]{64}', recipe.fingerprint()).group()
    copy = tmp_path / 'elsewhere.pb'
    copy.write_bytes(Path(frozen).read_bytes())
    assert Recipe(copy, 'intgrad', steps=5).fingerprint() == again
    others = [
        Recipe(frozen, 'intgrad', steps=6),
        Recipe(frozen, 'intgrad', steps=5, baseline=0.5),
        Recipe(frozen, 'conductance', steps=5, layer='hidden'),
        Recipe(frozen, 'intgrad', T='outputs', steps=5),
        Recipe(frozen, 'intgrad', X='hidden', steps=5),
        Recipe(frozen, 'intgrad', model={'outputs': ['probabilities']}, steps=5),
    ]
    prints = {again, *[other.fingerprint() for other in others]}
    assert len(prints) == 1 + len(others)
    content = bytearray(copy.read_bytes())
    content[-40] ^= 1  # one bit of a weight
    copy.write_bytes(bytes(content))
    assert Recipe(copy, 'intgrad', steps=5).fingerprint() not in prints
    with pytest.raises(ArgumentError, match="There is no file or directory '/nowhere.pb'"):
        Recipe('/nowhere.pb', 'saliency').fingerprint()


def test_the_fingerprint_is_the_same_in_another_process(frozen):
    recipe = Recipe(frozen, 'deeplift', baseline=np.float32([0, 1, 2, 3]))
    code = 'import sys\nfrom deepexplain.tensorflow import Recipe\nprint(Recipe.from_json(sys.argv[1]).fingerprint())'
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code, recipe.to_json()], stdout=subprocess.PIPE, cwd=ROOT, check=True
    )
    assert done.stdout.decode().split()[-1] == recipe.fingerprint()


def test_t_and_x_by_name(frozen, tmp_path):
    with Recipe(frozen, 'saliency', T='outputs').open() as explainer:
        assert (explainer.T.name, explainer.X.name) == ('probabilities:0', 'x:0')
    with Recipe(frozen, 'saliency', T='logits:0', X=['x']).open() as explainer:
        assert (explainer.T.name, explainer.X[0].name) == ('logits:0', 'x:0')
    with pytest.raises(ArgumentError, match=r"There is no tensor 'logitz'.*logits:0"), Recipe(
        frozen, 'saliency', T='logitz'
    ).open():
        pass

    def two():
        x, y = (tf.placeholder(tf.float32, [None, 4], name=name) for name in 'xy')
        return [tf.identity(dense(x, 2), name='first'), tf.identity(dense(x * y, 2), name='logits')]

    save(tmp_path / 'two.pb', two)
    with Recipe(tmp_path / 'two.pb', 'saliency').open() as explainer:  # no softmax, but a tensor of this name
        assert [explainer.T.name, *[x.name for x in explainer.X]] == ['logits:0', 'x:0', 'y:0']
    with pytest.raises(
        GraphError, match="The model has 2 outputs: say by T which is explained, of 'first:0', 'l"
    ), Recipe(tmp_path / 'two.pb', 'saliency', T='outputs', X='x').open():
        pass

    def misnamed():
        x = tf.placeholder(tf.float32, [None, 4], name='x')
        return [tf.nn.softmax(dense(tf.identity(dense(x, 3), name='logits'), 2))]

    save(tmp_path / 'misnamed.pb', misnamed)
    with pytest.raises(
        GraphError, match="'MatMul_1:0' is before the softmax, and another tensor is called 'logits'"
    ), Recipe(tmp_path / 'misnamed.pb', 'saliency').open():
        pass


@pytest.mark.parametrize(
    ('arguments', 'options', 'error', 'message'),
    [
        ((len, 'saliency'), {}, ArgumentTypeError, r'A Recipe has the path of a model.*Save the model first'),
        (('/m', 'saliencyy'), {}, ArgumentError, "Do you mean 'saliency'"),
        (('/m', 'saliency', 3), {}, ArgumentTypeError, "T must be the name of a tensor, such as 'dense/BiasAdd:0'"),
        (('/m', 'saliency', 'T', [None]), {}, ArgumentTypeError, 'X must be the name of a tensor'),
        (('/m', 'intgrad'), {'steps': 0}, ArgumentError, 'steps must be at least 1'),
        (('/m', 'intgrad'), {'stepz': 5}, ArgumentTypeError, "'intgrad' does not know the argument 'stepz'"),
        (
            ('/m', 'shapley_sampling'),
            {},
            ArgumentError,
            "'shapley_sampling' draws at random.*give it a seed, such as s",
        ),
        (
            ('/m', 'deeplift'),
            {'baseline': lambda xs: xs.mean(0)},
            ArgumentError,
            "'deeplift': baseline is a function of xs.*Give what it returns for all of them, as a number or an array",
        ),
        (('/m', 'intgrad'), {'baselines': lambda xs: xs}, ArgumentError, 'baselines is a function of xs'),
        (('/m', 'saliency'), {'layer': object()}, ArgumentTypeError, 'layer must be data.*Of a tensor give its name'),
        (('/m', 'saliency'), {'model': 3}, ArgumentTypeError, 'model must be a dict; got 3'),
        (
            ('/m', 'saliency'),
            {'model': {'custom_objects': {'Mine': object}}},
            ArgumentTypeError,
            r"model\['custom_objects'\]\['Mine'\] must be data.*register them where they are written",
        ),
        (('/m', 'saliency'), {'model': {'config': 1}}, ArgumentError, r'config is no part of a Recipe.*open\(threads'),
    ],
)
def test_what_is_no_recipe(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Recipe(*arguments, **options)


def test_a_noise_tunnel_is_no_method(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        tunnel = NoiseTunnel(de.get_explainer('saliency', network(X), X), seed=0)
    with pytest.raises(ArgumentError, match='Method must be in '):
        Recipe('/m', tunnel)


@pytest.mark.parametrize('text', ['', '{}', '[1]', '{"path": 1}', 'nan', '{"path": "/m", "method": "saliency"}'])
def test_texts_that_are_none(text):
    with pytest.raises(ArgumentError, match='This is not the JSON of a Recipe'):
        Recipe.from_json(text)


def opened(recipe, **kwargs):
    with recipe.open(**kwargs) as explainer:
        return explainer


def test_networks_that_mix_samples_are_refused_when_opened(tmp_path):
    def mixing():
        x = tf.placeholder(tf.float32, [None, 4], name='x')
        return [dense(x - tf.reduce_mean(x, axis=0), 3)]

    save(tmp_path / 'mixing.pb', mixing)
    with pytest.raises(ArgumentError, match=r"T 'MatMul:0' mixes samples \(.*Mean.*\): attributions .* inference mode"):
        opened(Recipe(tmp_path / 'mixing.pb', 'saliency', T='outputs'))

    def hidden():  # in a way that no graph tells
        x = tf.placeholder(tf.float32, [None, 4], name='x')
        return [dense(x - tf.cumsum(x, axis=0) / 2, 3)]

    save(tmp_path / 'hidden.pb', hidden)
    with pytest.raises(ArgumentError, match=r"T 'MatMul:0' mixes samples"):
        opened(Recipe(tmp_path / 'hidden.pb', 'saliency', T='outputs'))


@pytest.mark.filterwarnings('ignore:T .* is random')
def test_random_networks_and_scalars_are_refused_when_opened(tmp_path):
    def noisy():
        x = tf.placeholder(tf.float32, [None, 4], name='x')
        return [dense(x + tf.random_normal([4]), 3)]

    save(tmp_path / 'noisy.pb', noisy)
    with pytest.raises(ArgumentError, match=r"T '.*' is random, so no two runs of the same samples agree"):
        opened(Recipe(tmp_path / 'noisy.pb', 'saliency', T='outputs'))
    save(tmp_path / 's.pb', lambda: [tf.reduce_sum(tf.placeholder(tf.float32, [None, 4], name='x'), name='T')])
    with pytest.raises(ArgumentError, match=r'To explain samples in pieces needs one value of T for each sample'):
        opened(Recipe(tmp_path / 's.pb', 'saliency', T='T'))


def test_a_baseline_with_a_row_for_each_sample_is_refused_when_opened(frozen):
    with pytest.raises(
        ArgumentError, match=r'baseline has a row for each sample, and a Recipe knows no samples.*column'
    ):
        opened(Recipe(frozen, 'deeplift', baseline=np.zeros((5, 4))))


def test_networks_that_need_more_are_opened(tmp_path):
    def fed():
        x, rate = tf.placeholder(tf.float32, [None, 4], name='x'), tf.placeholder(tf.float32, [], name='rate')
        return [tf.identity(dense(x, 3) * rate, name='T')]

    save(tmp_path / 'fed.pb', fed)
    with Recipe(tmp_path / 'fed.pb', 'saliency', T='T', X='x').open() as explainer:
        assert explainer.run(XS, feed_dict={'rate:0': 2}).shape == XS.shape


def test_neither_explainers_nor_models_are_pickled_but_recipes(frozen):
    with open_model(frozen) as model, pytest.raises(
        ArgumentTypeError, match=r'An OpenModel cannot be pickled.*Recipe\('
    ):
        pickle.dumps(model)
    with Recipe(frozen, 'saliency').open() as explainer, pytest.raises(
        ArgumentTypeError, match=r"An Explainer cannot be pickled.*Recipe\('model.keras'"
    ):
        pickle.dumps(explainer)


def test_options_of_the_model(tmp_path, session):
    X, T = trained_graph(session)
    with session.graph.as_default():
        tf.train.Saver().save(session, str(tmp_path / 'trained'))
    recipe = Recipe(tmp_path / 'trained.meta', 'deeplift', model={'outputs': [T.name], 'inputs': [X.name]})
    with recipe.open() as explainer:
        np.testing.assert_allclose(explainer.run(XS, YS), expected('deeplift'), rtol=1e-5, atol=1e-6)
    before = recipe.fingerprint()
    with open(str(tmp_path / 'trained.data-00000-of-00001'), 'r+b') as file:
        file.seek(3)
        file.write(b'x')
    assert recipe.fingerprint() != before


@needs_keras_3
@pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')  # Keras 3 saves a variable so
def test_tensor_specs_are_data(tmp_path):
    keras = pytest.importorskip('keras')
    x = keras.Input((None, 4))
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(x)))
    model.save(tmp_path / 'model.keras')
    spec = tf.TensorSpec([None, 7, 4], tf.float32, 'x')
    recipe = Recipe(tmp_path / 'model.keras', 'saliency', T='outputs', model={'inputs': [spec]})
    assert recipe.model['inputs'] == [{'shape': [None, 7, 4], 'dtype': 'float32', 'name': 'x'}]
    recipe = pickle.loads(pickle.dumps(recipe))
    with recipe.open() as explainer:
        assert explainer.X.shape.as_list() == [None, 7, 4]


@pytest.mark.parametrize(
    ('threads', 'message'),
    [(0, 'threads must be at least 1'), (2**31, 'threads must be at most 4096; got 2147483648')],
)
def test_threads_are_checked(frozen, threads, message):
    with pytest.raises(ArgumentError, match=message), Recipe(frozen, 'saliency').open(threads=threads):
        pass


@pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning')
def test_a_keras_file_in_so_many_threads(tmp_path):
    """In a process that has computed nothing yet, so that its threads can be counted."""
    keras = keras_2()
    with tf.Graph().as_default(), tf.Session().as_default():
        keras_network(keras).save(str(tmp_path / 'model.h5'))
    code = """
import os, sys, numpy as np
from deepexplain.tensorflow import Recipe
with Recipe(sys.argv[1], 'saliency').open(threads=int(sys.argv[2])) as explainer:
    explainer.run(np.ones((300, 4)))
    print('threads', len(os.listdir('/proc/self/task')))
"""
    if not os.path.isdir('/proc/self/task'):
        pytest.skip('threads are counted in /proc')
    counts = []
    for threads in ('1', '23'):
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', code, str(tmp_path / 'model.h5'), threads],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=True,
        )
        counts.append(int(done.stdout.split()[-1]))
    assert counts[1] - counts[0] >= 22


def test_every_method_of_ours_can_be_in_a_recipe():
    for name in attribution_methods:
        needed = {'seed': 1} if name == 'shapley_sampling' else {}
        needed = {'layer': 'z'} if name in ('conductance', 'internal_influence') else needed
        assert Recipe('/m', name, **needed).method == name
