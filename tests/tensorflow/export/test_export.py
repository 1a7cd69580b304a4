"""Exports: what they say, next to ``run``; their signatures; what they refuse, and what they leave behind."""

import json
import os
import warnings

import numpy as np
import pytest
import small
import tensorflow.compat.v1 as tf

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainError, GraphError
from deepexplain.tensorflow import DeepExplain, export
from deepexplain.tensorflow.export import saved_model
from deepexplain.tensorflow.export.saved_model import prepared, write

METHODS = [
    ('saliency', {}),
    ('elrp', {'epsilon': 0.01}),
    ('deeplift', {'baseline': 0.25}),
    ('deeplift', {'rules': 'complete'}),
    ('deeplift', {'baselines': np.array([[0.5, -1, 0, 2], [1, 1, 0, 0], [0, 0, 3, 0.25]])}),
    ('intgrad', {'steps': 7}),
    ('intgrad', {'steps': 4, 'quadrature': 'gausslegendre', 'baselines': np.eye(4)[:3]}),
    ('occlusion', {'window_shape': 2, 'baseline': 0.5}),
    ('occlusion', {'feature_mask': [0, 1, 1, 2]}),
    ('shapley_sampling', {'samples': 3, 'seed': 4}),
]
#: Rows of a piece that cut nothing, samples, and the copies of samples.
ROWS = [None, 3]


def xs_of(count, size=4, seed=0):
    xs = np.random.RandomState(seed).standard_normal((count, size)).astype(np.float32)
    xs[:, 0] *= np.arange(count) % 3 > 0  # some zeros, of which nothing changes
    return xs


def explainer_of(session, method, T, X, **options):
    with DeepExplain(session=session) as de, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return de.get_explainer(method, T, X, **options)


def network(rows=None):
    X = tf.placeholder(tf.float32, [rows, 4], name='X')
    return small.mlp(X), X


def called(made, name, **arrays):
    """What a signature gives, of a graph that was built but not written."""
    inputs, outputs = made.built.signatures[name]
    with tf.Session(graph=made.built.graph) as session:
        return session.run(outputs, {inputs[key].name: value for key, value in arrays.items()})


@pytest.mark.parametrize('rows', ROWS)
@pytest.mark.parametrize(('method', 'options'), METHODS)
def test_the_graph_says_what_run_says_however_it_is_cut(session, method, options, rows):
    T, X = network()
    explainer = explainer_of(session, method, T, X, **options)
    operations = [op.name for op in session.graph.get_operations()]
    made = prepared(explainer, ['xs_ys'], rows)
    assert [op.name for op in session.graph.get_operations()] == operations
    for count in (1, 5):
        xs, ys = xs_of(count), np.random.RandomState(1).standard_normal((count, 3)).astype(np.float32)
        attributions, delta = (
            explainer.run(xs, ys, return_convergence_delta=True)
            if made.form.has_delta
            else (explainer.run(xs, ys), None)
        )
        found = called(made, 'serving_default', X=xs, ys=ys)
        np.testing.assert_allclose(found['attributions'], attributions, atol=1e-5 * np.abs(attributions).max())
        np.testing.assert_allclose(found['outputs'], session.run(T, {X: xs}), rtol=1e-5, atol=1e-6)
        assert ('delta' in found) == (delta is not None)
        if delta is not None:
            np.testing.assert_allclose(found['delta'], delta, atol=1e-5)
    found = called(made, 'serving_default', X=np.zeros((0, 4)), ys=np.zeros((0, 3)))
    assert {key: value.shape for key, value in found.items() if key != 'delta'} == {
        'attributions': (0, 4),
        'outputs': (0, 3),
    }


@pytest.mark.parametrize(('method', 'options'), METHODS)
def test_a_graph_of_a_fixed_batch_takes_any_number_of_samples(session, method, options):
    T, X = network(rows=3)
    explainer = explainer_of(session, method, T, X, **options)
    made = prepared(explainer, ['xs_ys'])
    for count in (1, 3, 5):
        xs, ys = xs_of(count), np.random.RandomState(1).standard_normal((count, 3)).astype(np.float32)
        found = called(made, 'serving_default', X=xs, ys=ys)
        np.testing.assert_allclose(found['attributions'], explainer.run(xs, ys), atol=1e-5)


def test_all_signatures_explain_the_largest_output_unless_they_have_ys(session):
    T, X = network()
    explainer = explainer_of(session, 'deeplift', T, X)
    made = prepared(explainer, ['xs_ys', 'top', 'tf_examples'])
    xs = xs_of(6)
    outputs = session.run(T, {X: xs})
    assert len(set(outputs.argmax(axis=1))) > 1
    expected = explainer.run(xs, np.eye(3)[outputs.argmax(axis=1)])
    features = [
        tf.train.Features(feature={'X': tf.train.Feature(float_list=tf.train.FloatList(value=x.tolist()))}) for x in xs
    ]
    examples = [tf.train.Example(features=one).SerializeToString() for one in features]
    for found in (
        called(made, 'top', X=xs),
        called(made, 'tf_examples', examples=examples),
        called(made, 'serving_default', X=xs, ys=np.zeros((0, 3))),
    ):
        np.testing.assert_allclose(found['attributions'], expected, atol=1e-6)
        np.testing.assert_allclose(found['outputs'], outputs, atol=1e-6)


@pytest.mark.parametrize('rows', [1, 4, 7])
def test_ys_of_another_number_of_rows_are_an_error_of_tensorflow(session, rows):
    T, X = network()
    made = prepared(explainer_of(session, 'saliency', T, X), ['xs_ys'])
    with pytest.raises(tf.errors.InvalidArgumentError, match='reshape|shape'):
        called(made, 'serving_default', X=xs_of(5), ys=np.ones((rows, 3)))


def test_several_inputs_have_their_names_and_so_have_their_attributions(session):
    a, b = tf.placeholder(tf.float32, [None, 2], name='a'), tf.placeholder(tf.float32, [None, 3], name='in/ys')
    T = tf.nn.relu(small.dense(a, 2) - small.dense(b, 2))
    explainer = explainer_of(session, 'intgrad', T, [a, b], steps=3, baseline=[0.5, 1])
    made = prepared(explainer, ['top', 'tf_examples'])
    assert sorted(made.built.signatures['top'][0]) == ['a', 'in_ys']
    xs = [xs_of(4, 2), xs_of(4, 3)]
    ys = np.eye(2)[session.run(T, {a: xs[0], b: xs[1]}).argmax(axis=1)]
    found = called(made, 'top', a=xs[0], in_ys=xs[1])
    for key, expected in zip(['attributions_a', 'attributions_in_ys'], explainer.run(xs, ys)):
        np.testing.assert_allclose(found[key], expected, atol=1e-6)


@pytest.mark.parametrize(
    ('method', 'options'),
    [
        ('deeplift', {'baseline': 0.25}),
        ('intgrad', {'steps': 5}),
        ('occlusion', {}),
        ('deeplift', {'rules': 'complete'}),
    ],
)
def test_what_is_explained_may_be_a_layer_beside_which_T_reads_X(session, method, options):
    X = tf.placeholder(tf.float32, [None, 4])
    layer = tf.nn.relu(small.dense(X, 5))
    T = small.dense(layer, 3, seed=2) * X[:, :1]
    explainer = explainer_of(session, method, T, X, layer=layer, **options)
    made = prepared(explainer, ['xs_ys'], 3)
    xs, ys = xs_of(5), np.random.RandomState(1).standard_normal((5, 3)).astype(np.float32)
    (name,) = made.form.names
    found = called(made, 'serving_default', ys=ys, **{name: xs})
    attributions, delta = explainer.run(xs, ys, return_convergence_delta=True)
    assert attributions.shape == (5, 5)
    np.testing.assert_allclose(found['attributions'], attributions, atol=1e-5)
    np.testing.assert_allclose(found['delta'], delta, atol=1e-5)


@pytest.mark.parametrize(('method', 'options'), [('grad*input', {}), ('intgrad', {'steps': 5}), ('deeplift', {})])
def test_lengths_that_the_graph_leaves_open_stay_open(session, method, options):
    X = tf.placeholder(tf.float32, [None, None, 3], name='X')
    T = small.dense(tf.reduce_sum(tf.nn.relu(tf.tensordot(X, small.weights(3, 4), 1)), axis=1), 2)
    explainer = explainer_of(session, method, T, X, **options)
    made = prepared(explainer, ['xs_ys'])
    for length in (2, 11):
        xs = np.random.RandomState(length).standard_normal((3, length, 3)).astype(np.float32)
        ys = np.eye(2)[[0, 1, 1]].astype(np.float32)
        found = called(made, 'serving_default', X=xs, ys=ys)
        np.testing.assert_allclose(found['attributions'], explainer.run(xs, ys), atol=1e-5)
    with pytest.raises(
        ArgumentError, match=r"'tf_examples' needs inputs of a fixed shape.*signatures=\('xs_ys', 'top'\)"
    ):
        prepared(explainer, ['tf_examples'])


def test_fed_values_become_constants(session):
    X, keep = tf.placeholder(tf.float32, [None, 4], name='X'), tf.placeholder(tf.float32, [], name='keep')
    explainer = explainer_of(session, 'grad*input', tf.square(X) * keep, X)
    with pytest.raises(ArgumentError, match="feed_dict={'keep:0': ...}"):
        prepared(explainer, ['top'])
    made = prepared(explainer, ['xs_ys'], feed_dict={keep: 0.5})
    xs = xs_of(3)
    found = called(made, 'serving_default', X=xs, ys=np.ones((3, 4)))
    np.testing.assert_allclose(found['attributions'], xs**2, rtol=1e-6)


@pytest.mark.parametrize(
    ('method', 'options', 'message'),
    [
        ('intgrad', {'tolerance': 0.1}, "'intgrad' cannot be exported as it is: tolerance adds points"),
        ('shapley_sampling', {}, 'without a seed its orders are others in each call; pass seed='),
        ('shapley_sampling', {'seed': 1, 'tolerance': 0.1, 'samples': 4}, 'tolerance draws orders'),
        ('deeplift', {'baseline': lambda xs: xs.mean(axis=0)}, 'its baseline is a Python function of xs'),
        ('occlusion', {'baseline': lambda xs: 0}, 'its baseline is a Python function of xs'),
        ('occlusion', {'replacements': [0.0, 1.0]}, 'with replacements it has a result for each of them'),
        ('intgrad', {'baselines': lambda xs: xs}, 'its baseline is a Python function of xs'),
        ('deeplift', {'baseline': np.ones((5, 4))}, 'its baseline has a row for each sample'),
    ],
)
def test_what_a_graph_cannot_do_is_refused_by_its_reason(session, tmp_path, method, options, message):
    T, X = network()
    explainer = explainer_of(session, method, T, X, **options)
    with pytest.raises(ArgumentError, match=message):
        export(explainer, tmp_path / 'one')
    assert os.listdir(str(tmp_path)) == []


def mixing(X):
    return small.mlp(X) - tf.reduce_mean(small.mlp(X), axis=0)


@pytest.mark.parametrize(
    ('target', 'message'),
    [
        (mixing, 'mixes samples .*computes samples in pieces'),
        (lambda X: X * tf.random_uniform(tf.shape(X)), 'is random'),
        (lambda X: tf.reduce_sum(X), 'has no known axis of samples'),
        (lambda X: tf.reshape(X, [-1, 2]), 'has 6 rows for 3 samples; an export needs one for each'),
        (lambda X: X / 0.0, 'T is nan or infinite there'),
    ],
)
def test_networks_that_cannot_be_cut_into_pieces_are_refused(session, target, message):
    X = tf.placeholder(tf.float32, [None, 4])
    explainer = explainer_of(session, 'grad*input', target(X), X)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        with pytest.raises(GraphError, match=message):
            prepared(explainer, ['top'])


def test_perturbation_needs_a_fixed_shape(session):
    X = tf.placeholder(tf.float32, [None, None])
    explainer = explainer_of(session, 'occlusion', tf.reduce_sum(X, axis=1), X)
    with pytest.raises(GraphError, match="'occlusion' takes away parts of a sample, whose shape the graph leaves open"):
        prepared(explainer, ['top'])


def test_a_map_of_open_size_is_not_resized(session):
    X = tf.placeholder(tf.float32, [None, None, None, 1], name='X')
    layer = tf.nn.conv2d(X, small.weights(2, 2, 1, 2), 1, 'SAME')
    T = tf.reduce_sum(tf.nn.relu(layer), axis=[1, 2])
    with pytest.raises(GraphError, match='so its map cannot be resized in a graph: give resize=None'):
        prepared(explainer_of(session, 'grad_cam', T, X, layer=layer), ['top'])
    explainer = explainer_of(session, 'grad_cam', T, X, layer=layer, resize=None)
    made, xs = prepared(explainer, ['xs_ys']), np.random.RandomState(0).standard_normal((2, 5, 7, 1))
    found = called(made, 'serving_default', X=xs, ys=np.eye(2))
    np.testing.assert_allclose(found['attributions'], explainer.run(xs, np.eye(2)), atol=1e-5)


def test_samples_are_made_up_within_the_bounds_of_a_method(session):
    T, X = network()
    made = prepared(explainer_of(session, 'lrp', T, X, rules=[('first', 'zbox')], low=0, high=1), ['top'])
    assert 0 <= made.made_up.xs(33).min() < made.made_up.xs(33).max() <= 1
    with pytest.raises(ArgumentError, match='must be between low and high'):
        prepared(explainer_of(session, 'lrp', T, X, rules=[('first', 'zbox')], low=5, high=6), ['top'])


def test_what_is_no_explainer_is_refused(session, tmp_path):
    with pytest.raises(ArgumentTypeError, match='export takes an explainer of get_explainer, or a recipe'):
        export('deeplift', tmp_path / 'one')


@pytest.mark.parametrize(
    ('signatures', 'message'),
    [
        ('all', r"signatures must be some of \['xs_ys'"),
        ((), 'signatures must be some of'),
        (3, 'must be a list of names'),
    ],
)
def test_signatures_are_checked(session, tmp_path, signatures, message):
    with pytest.raises(DeepExplainError, match=message):
        export(None, tmp_path / 'one', signatures)


@pytest.mark.parametrize('rows', [0, 2.5])
def test_the_number_of_rows_is_checked(session, rows):
    T, X = network()
    with pytest.raises(DeepExplainError, match='max_rows'):
        prepared(explainer_of(session, 'saliency', T, X), ['top'], rows)


def test_what_is_written_says_what_it_is_and_takes_nothing_that_is_there(session, tmp_path):
    """The whole of it, once: with the fresh process."""
    T, X = network()
    explainer = explainer_of(session, 'deeplift', T, X, baseline=0.5)
    path = tmp_path / 'explainer' / '1'
    export(explainer, str(path))
    assert sorted(os.listdir(str(tmp_path))) == ['explainer']
    assert sorted(os.listdir(str(path))) == ['assets.extra', 'saved_model.pb']
    about = json.loads((path / 'assets.extra' / 'deepexplain.json').read_text())
    assert about['method'] == 'deeplift'
    assert about['options'] == {'baseline': 0.5, 'rules': 'original', 'baselines': None, 'multiply_by_inputs': True}
    assert sorted(about['signatures']) == ['serving_default', 'tf_examples', 'top']
    assert {'op': 'Relu', 'type': 'Relu', 'treatment': 'rescale', 'exact': True} in about['audit']
    with pytest.raises(ArgumentError, match='exists already: export does not overwrite'):
        export(explainer, path)
    with tf.Session(graph=tf.Graph()) as other:
        signature = tf.saved_model.load(other, ['serve'], str(path)).signature_def['serving_default']
        xs, ys = xs_of(40), np.random.RandomState(1).standard_normal((40, 3))
        found = other.run(
            signature.outputs['attributions'].name,
            {signature.inputs['X'].name: xs, signature.inputs['ys'].name: ys},
        )
    np.testing.assert_allclose(found, explainer.run(xs, ys), atol=1e-5)


def test_what_t_loses_may_be_small_next_to_its_rounding(session, tmp_path):
    # run of one sample takes whole rows, and the export what windows reach.
    rng = np.random.RandomState(0)
    X = tf.placeholder(tf.float32, [None, 28, 28, 1], name='X')
    h = tf.nn.relu(tf.nn.conv2d(X, tf.constant(rng.randn(3, 3, 1, 16) / 3, tf.float32), 1, 'SAME'))
    h = tf.nn.max_pool2d(h, 2, 2, 'SAME')
    h = tf.nn.relu(tf.nn.conv2d(h, tf.constant(rng.randn(3, 3, 16, 16) / 12, tf.float32), 1, 'SAME'))
    T = tf.matmul(tf.reduce_mean(h, [1, 2]), tf.constant(rng.randn(16, 3) / 4, tf.float32)) + 3.0
    explainer = explainer_of(session, 'occlusion', T, X, window_shape=(2, 2, 1), step=(2, 2, 1))
    export(explainer, tmp_path / 'explainer' / '1', 'top')
    assert (tmp_path / 'explainer' / '1').is_dir()


def test_an_export_that_says_something_else_never_appears(session, tmp_path, monkeypatch):
    T, X = network()
    explainer = explainer_of(session, 'intgrad', T, X, steps=4)
    others = prepared(explainer_of(session, 'grad*input', T, X), ['top'])
    made = prepared(explainer, ['top'])
    monkeypatch.setattr(saved_model, 'prepared', lambda *args: made._replace(built=others.built))
    with pytest.raises(DeepExplainError, match="The exported 'top' gives other attributions for 1 made-up samples"):
        export(explainer, tmp_path / 'explainer' / '1', 'top')
    assert os.listdir(str(tmp_path)) == []


def test_anything_that_opens_an_explainer_is_exported(session, tmp_path, monkeypatch):
    T, X = network()
    explainer = explainer_of(session, 'saliency', T, X)
    monkeypatch.setattr(saved_model, 'check', lambda *args: None)

    class Recipe:
        def open(self):
            return self

        def __enter__(self):
            return explainer

        def __exit__(self, *exception):
            pass

    export(Recipe(), tmp_path / 'one')
    assert os.listdir(str(tmp_path)) == ['one']


def test_one_graph_holds_all_signatures(session, tmp_path):
    """The network is in it once, not once for each signature."""
    T, X = network()
    explainer = explainer_of(session, 'grad*input', T, X)
    sizes = []
    for signatures in (['top'], ['xs_ys', 'top', 'tf_examples']):
        folder = str(tmp_path / str(len(sizes)))
        write(prepared(explainer, signatures), folder)
        sizes.append(os.path.getsize(os.path.join(folder, 'saved_model.pb')))
    assert sizes[1] < 1.2 * sizes[0]


@pytest.mark.parametrize(('method', 'options'), METHODS[2:6])
def test_no_node_has_hints_that_an_older_version_refuses(session, tmp_path, method, options):
    from tensorflow.core.protobuf import saved_model_pb2

    T, X = network()
    write(prepared(explainer_of(session, method, T, X, **options), ['xs_ys', 'top']), str(tmp_path / 'made'))
    meta = saved_model_pb2.SavedModel.FromString((tmp_path / 'made' / 'saved_model.pb').read_bytes()).meta_graphs[0]
    library = [node for function in meta.graph_def.library.function for node in function.node_def]
    assert 'MatMul' in {node.op for node in library}
    nodes = [*meta.graph_def.node, *library]
    assert not [node.name for node in nodes for name in ('_gradient_op_type', 'grad_a', 'grad_b') if name in node.attr]
    assert {node.name for node in nodes if node.op.startswith('Placeholder')} == {'X', 'ys'}
