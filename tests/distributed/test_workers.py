"""What a process does with a batch of columns: one explainer, flat rows, errors beside the row they are of."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import convolutional, dense, normal
from sources import XS, YS, network

import deepexplain
from deepexplain.distributed import Worker
from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainError
from deepexplain.tensorflow import Recipe

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(deepexplain.__file__)))
IDS = np.array(['a', 'b', 'c', 'd', 'e'])


def save(path, build):
    with tf.Graph().as_default() as graph:
        build()
    with open(str(path), 'wb') as file:
        file.write(graph.as_graph_def().SerializeToString())
    return str(path)


@pytest.fixture
def frozen(tmp_path):
    return save(tmp_path / 'graph.pb', lambda: network(tf.placeholder(tf.float32, [None, 4], name='x')))


def close_after(worker, *batches):
    try:
        return [worker(batch) for batch in batches]
    finally:
        worker.close()


def explained(recipe, *args, **kwargs):
    with recipe.open() as explainer:
        return explainer.run(*args, **kwargs)


def test_a_batch_is_explained_as_the_explainer_does_and_ids_are_handed_on(frozen):
    recipe = Recipe(frozen, 'deeplift')
    worker = pickle.loads(pickle.dumps(Worker(recipe, {'xs': 'x', 'ys': 'y', 'id': 'name'}, threads=2)))
    found, one = close_after(worker, {'x': XS, 'y': YS, 'name': IDS}, {'x': XS[:1], 'y': YS[:1], 'name': IDS[:1]})
    assert list(found) == ['name', 'attributions', 'error']
    np.testing.assert_array_equal(found['attributions'], explained(recipe, XS, YS))
    assert found['name'].tolist() == IDS.tolist()
    assert found['error'].tolist() == [None] * 5
    np.testing.assert_array_equal(one['attributions'], explained(recipe, XS[:1], YS[:1]))


def test_the_model_is_opened_once(frozen, monkeypatch):
    worker, opened = Worker(Recipe(frozen, 'saliency'), {'xs': 'x'}), []
    original = Recipe.open
    monkeypatch.setattr(Recipe, 'open', lambda self, threads: opened.append(threads) or original(self, threads))
    assert opened == []
    close_after(worker, {'x': XS}, {'x': XS})
    assert opened == [None]
    close_after(worker, {'x': XS})  # it was closed
    assert opened == [None, None]


@pytest.mark.parametrize('ys', [[0, 1, 0], np.array([0, 1, 0])])
def test_weights_for_all_samples_alike(frozen, ys):
    recipe = Recipe(frozen, 'deeplift')
    (found,) = close_after(Worker(recipe, {'xs': 'x', 'ys': ys}), {'x': XS})
    np.testing.assert_array_equal(found['attributions'], explained(recipe, XS, [0, 1, 0]))


@pytest.mark.parametrize('layout', ['flat', 'shaped', 'objects', 'lists'])
def test_rows_come_flat_or_as_objects(tmp_path, layout):
    path = save(tmp_path / 'g.pb', lambda: convolutional(tf.placeholder(tf.float32, [None, 6, 5, 1], name='x')))
    recipe, xs = Recipe(path, 'saliency'), normal(3, 6, 5, 1)
    column = {
        'flat': xs.reshape(3, -1),
        'shaped': xs,
        'objects': np.array([*xs.reshape(3, -1), None], object)[:3],
        'lists': xs.reshape(3, -1).tolist(),
    }[layout]
    (found,) = close_after(Worker(recipe, {'xs': 'x'}), {'x': column})
    np.testing.assert_array_equal(found['attributions'], explained(recipe, xs).reshape(3, -1))


def test_a_length_that_the_network_leaves_open(tmp_path):
    def open_length():
        x = tf.placeholder(tf.float32, [None, None, 4], name='x')
        tf.identity(dense(tf.reduce_sum(x, axis=1), 2), name='T')

    recipe, xs = Recipe(save(tmp_path / 'g.pb', open_length), 'grad*input', T='T'), normal(3, 7, 4)
    (found,) = close_after(Worker(recipe, {'xs': 'x'}), {'x': xs.reshape(3, -1)})
    np.testing.assert_array_equal(found['attributions'], explained(recipe, xs).reshape(3, -1))


def test_rows_that_cannot_be_explained_say_why_and_others_are_as_ever(frozen):
    recipe = Recipe(frozen, 'deeplift')
    wanted = explained(recipe, XS, YS)
    xs, ys = [row.tolist() for row in XS], YS.copy()
    xs[1][2], xs[2], xs[3], ys[3, 0] = float('nan'), None, [1.0, 2.0], np.inf
    (found,) = close_after(Worker(recipe, {'xs': 'x', 'ys': 'y'}), {'x': xs, 'y': ys})
    assert found['error'].tolist() == [
        None,
        "'x' holds nan, infinite values or numbers that do not fit",
        "'x' is missing",
        "'x' has shape (2,), not (4,); 'y' holds nan, infinite values or numbers that do not fit",
        None,
    ]
    np.testing.assert_array_equal(found['attributions'][[0, 4]], wanted[[0, 4]])
    assert np.isnan(found['attributions'][[1, 2, 3]]).all()


def test_a_batch_of_nothing_else(frozen):
    (found,) = close_after(Worker(Recipe(frozen, 'deeplift'), {'xs': 'x'}), {'x': XS * np.nan})
    assert np.isnan(found['attributions']).all()
    assert found['attributions'].shape == (5, 4)
    assert all('nan' in error for error in found['error'])


def test_baselines_and_feeds_are_columns_too(tmp_path):
    def fed():
        x, scale = tf.placeholder(tf.float32, [None, 4], name='x'), tf.placeholder(tf.float32, [None], name='scale')
        rate = tf.placeholder(tf.float32, [], name='rate')
        tf.identity(dense(tf.nn.relu(dense(x, 6)), 3) * scale[:, None] * rate, name='T')

    recipe, baseline, scale = (
        Recipe(save(tmp_path / 'g.pb', fed), 'intgrad', T='T', X='x', steps=9),
        XS[::-1] / 2,
        np.arange(5.0),
    )
    worker = Worker(recipe, {'xs': 'x', 'baseline': 'b', 'feeds': {'scale': 's', 'rate:0': 2.0}})
    (found,) = close_after(worker, {'x': XS, 'b': baseline, 's': scale})
    with recipe.open() as explainer:
        other = explainer.with_arguments(steps=9, baseline=baseline)
        wanted = other.run(XS, feed_dict={'scale:0': scale, 'rate': 2.0})
    np.testing.assert_array_equal(found['attributions'], wanted)


def test_several_inputs_have_columns_of_their_own(tmp_path):
    def two():
        x, y = (tf.placeholder(tf.float32, [None, width], name=name) for name, width in [('x', 4), ('y', 2)])
        tf.add(dense(tf.nn.relu(dense(x, 3)), 2), dense(y, 2), name='T')

    recipe, ys = Recipe(save(tmp_path / 'g.pb', two), 'deeplift', T='T'), normal(5, 2)
    (found,) = close_after(Worker(recipe, {'xs': ['a', 'b']}), {'a': XS, 'b': ys})
    for column, wanted in zip(['attributions_a', 'attributions_b'], explained(recipe, [XS, ys])):
        np.testing.assert_array_equal(found[column], wanted)


@pytest.mark.parametrize(
    ('columns', 'batch', 'message'),
    [
        ({'xs': 'x'}, {'y': XS}, r"The batch has no column 'x'; it has \['y'\]"),
        ({'xs': 'x', 'id': 'i'}, {'x': XS}, "The batch has no column 'i'"),
        ({'xs': 'x', 'id': 'i'}, {'x': XS, 'i': 3}, "Column 'i' must have a value for each row; got array"),
        ({'xs': 'x', 'id': 'i'}, {'x': XS, 'i': [3]}, "Columns differ in length: 'i' has 1 rows, not"),
        ({'xs': 'x'}, range(10**400), 'A batch must be a dict of columns; got range'),
        ({'xs': 'x'}, {}.keys, 'A batch must be a dict of columns; got'),
        ({'xs': 'x'}, np.array(0.5), 'A batch must be a dict of columns; got array'),
        ({'xs': 'x'}, {'x': XS[:, :3]}, r'must have the shape of .*\(5, 3\)'),
        ({'xs': 'x'}, {'x': np.zeros((5, 2, 3))}, r"Column 'x' must have rows of shape \(4,\), or flat; got \(2, 3\)"),
        ({'xs': 'x'}, {'x': ['one', 'two']}, "Column 'x', row 0 must hold real numbers"),
        ({'xs': 'x'}, {'x': [None, None]}, "Column 'x' has no row with numbers"),
        ({'xs': 'x', 'ys': 'y'}, {'x': XS, 'y': YS[:2]}, "Columns differ in length: 'y' has 2 rows, not 5"),
        ({'xs': ['x', 'x']}, {'x': XS}, r"columns\['xs'\] must name 1 columns, one for each input"),
        ({'xs': 'x', 'baseline': 'b'}, {'x': XS, 'b': XS}, "'saliency' does not know the argument 'baseline'"),
        ({'xs': 'x', 'feeds': {'nowhere': 'b'}}, {'x': XS, 'b': XS}, "There is no tensor|there is no tensor 'nowhere'"),
    ],
)
def test_batches_that_do_not_fit(frozen, columns, batch, message):
    with pytest.raises(DeepExplainError, match=message):
        close_after(Worker(Recipe(frozen, 'saliency'), columns), batch)


def test_an_error_has_the_ids_of_its_batch_and_can_be_pickled(tmp_path):
    def looked_up():
        ids = tf.placeholder(tf.int32, [None, 4], name='x')
        tf.reduce_sum(tf.gather(tf.constant(normal(9, 3), tf.float32), ids), axis=[1, 2], name='T')

    recipe = Recipe(save(tmp_path / 'g.pb', looked_up), 'occlusion', T='T')
    with pytest.raises(
        DeepExplainError, match=r'(?s)InvalidArgumentError: .*In the batch of ids 0, 1, 2, 3, 4 and 2 m'
    ) as e:
        close_after(Worker(recipe, {'xs': 'x', 'id': 'i'}), {'x': np.full((7, 4), 99), 'i': range(7)})
    assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)


def test_a_network_that_mixes_samples_only_once_it_is_fed_is_refused(tmp_path):
    def mixing():
        x, rate = tf.placeholder(tf.float32, [None, 4], name='x'), tf.placeholder(tf.float32, [], name='rate')
        tf.identity(dense(x - rate * tf.reduce_mean(x, axis=0), 3), name='T')

    recipe = Recipe(save(tmp_path / 'g.pb', mixing), 'saliency', T='T', X='x')
    with pytest.raises(ArgumentError, match='mixes samples'):
        close_after(Worker(recipe, {'xs': 'x', 'feeds': {'rate': 1.0}}), {'x': XS})


@pytest.mark.parametrize(
    ('recipe', 'columns', 'error', 'message'),
    [
        (3, {'xs': 'x'}, ArgumentTypeError, 'recipe must be a deepexplain.tensorflow.Recipe; got 3'),
        (Recipe, {'xs': 'x'}, ArgumentTypeError, 'recipe must be a deepexplain.tensorflow.Recipe; got <class'),
        (None, {'ys': 'x'}, ArgumentError, "columns must have 'xs', and may have 'ys', 'baseline', 'feeds', 'id'"),
        (None, {'xs': 'x', 'label': 'y'}, ArgumentError, "columns must have 'xs', and may have 'ys'"),
        (None, {'xs': 'x', 'ys': 'each'}, ArgumentError, "ys='each' gives several attributions for each sample"),
        (None, 'x', ArgumentTypeError, "columns must be a dict; got 'x'"),
        (None, {'xs': 'x', 'feeds': 'y'}, ArgumentTypeError, r"columns\['feeds'\] must be a dict"),
    ],
)
def test_workers_that_cannot_be_made(recipe, columns, error, message):
    with pytest.raises(error, match=message):
        Worker(Recipe('/m', 'saliency') if recipe is None else recipe, columns)


def test_importing_it_imports_no_tensorflow_and_no_ray():
    code = (
        "import deepexplain.distributed, sys; print([m for m in ('tensorflow', 'ray', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, cwd=ROOT, check=True)
    assert done.stdout.split() == [b'[]']
