"""What is explained: which T and X are taken, and what is refused with the reason."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import GRADIENT, dense, every_method, explain, gradient_methods, mlp, normal, perturbation_methods, weights

from deepexplain.tensorflow import DeepExplain


@perturbation_methods
def test_several_inputs_are_not_yet_supported(session, method, kwargs):
    X = [tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None, 2])]
    with pytest.raises(RuntimeError, match='Multiple inputs not yet supported'):
        explain(session, method, lambda X: X[0] + X[1], [normal(2, 2)] * 2, X, **kwargs)


@every_method
def test_X_may_be_any_tensor_of_the_graph(session, method, kwargs):
    # What is upstream of X, a placeholder included, is not needed.
    upstream = tf.placeholder(tf.float64, [None, 7])
    hidden = tf.sigmoid(dense(upstream, 4, seed=9))
    found = explain(session, method, mlp, normal(5, 4), hidden, **kwargs)
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(5, 4), **kwargs))


@every_method
def test_T_of_rank_one_and_of_rank_three(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])
    columns = explain(session, method, mlp, normal(5, 4), X, ys=[0, 0, 1], **kwargs)
    np.testing.assert_allclose(explain(session, method, lambda X: mlp(X)[:, 2], normal(5, 4), X, **kwargs), columns)
    cube = explain(
        session,
        method,
        lambda X: tf.reshape(mlp(X, 6), [-1, 3, 2]),
        normal(5, 4),
        X,
        ys=np.eye(6)[4].reshape(3, 2),
        **kwargs,
    )
    flat = explain(session, method, lambda X: mlp(X, 6), normal(5, 4), X, ys=np.eye(6)[4], **kwargs)
    np.testing.assert_allclose(cube, flat)


@every_method
def test_T_of_unknown_rank(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])

    def build(X):
        T = mlp(X)
        unknown = tf.placeholder_with_default(T, shape=None)
        assert unknown.shape.ndims is None
        return unknown if method in ('occlusion', 'shapley_sampling') else tf.reshape(T, tf.shape(T))

    ys = normal(5, 3)
    found = explain(session, method, build, normal(5, 4), X, ys=ys, **kwargs)
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(5, 4), X, ys=ys, **kwargs))


@every_method
def test_X_and_T_with_different_fixed_batches_are_refused(session, method, kwargs):
    X = tf.placeholder(tf.float64, [1, 4])
    with pytest.raises(ValueError, match='X has a fixed batch dimension of 1, but T .* one of 6'):
        explain(session, method, lambda X: mlp(X) * np.eye(3)[[0, 1, 2, 1, 0, 0]], normal(6, 4), X, **kwargs)


@pytest.mark.parametrize(
    ('T', 'X', 'kind', 'message'),
    [
        ('T', 'words', ValueError, "X: there is no tensor 'words' in this graph. Names like it: ids:0"),
        ('T', np.ones((2, 4)), TypeError, 'got ndarray'),
        (None, 'X', TypeError, 'T must be a Tensorflow Tensor object; got NoneType'),
        ('T', [], ValueError, 'X is an empty list'),
        ('T', ['X', None], TypeError, 'X must be a Tensorflow Tensor object or a list of them; got NoneType'),
        ('T', ['X', 'X'], ValueError, r"X holds the same tensor twice: \['X:0', 'X:0'\]"),
        ('T', 'scalar', ValueError, "X 'scalar:0' is a scalar: its first axis must be that of the samples"),
        (
            'T',
            'ids',
            TypeError,
            "X 'ids:0' must be a float tensor; it is int32, which has no gradient: explain 'Cast:0' instead",
        ),
        ('int', 'X', TypeError, "T 'int:0' must be a float tensor; it is int64"),
        ('T', 'variable', TypeError, 'X must be a Tensorflow Tensor object .*[vV]ariable'),
        ('T', 'foreign', ValueError, "X 'foreign:0' belongs to another graph"),
    ],
)
def test_bad_T_and_X_are_refused(session, T, X, kind, message):
    with DeepExplain(session=session) as de:
        x = tf.placeholder(tf.float32, [None, 4], name='X')
        scalar = tf.placeholder(tf.float32, [], name='scalar')
        variable = tf.get_variable('variable', [1, 4], use_resource=True)
        ids = tf.placeholder(tf.int32, [None, 2], name='ids')
        target = mlp(x + scalar + variable) + tf.cast(ids[:, :1], tf.float32)
        with tf.Graph().as_default():
            foreign = tf.placeholder(tf.float32, [None, 4], name='foreign')
        tensors = {
            'T': target,
            'X': x,
            'scalar': scalar,
            'variable': variable,
            'ids': ids,
            'foreign': foreign,
            'int': tf.argmax(target, 1, name='int'),
        }

        def look_up(name):
            return tensors.get(name, name) if isinstance(name, str) else name

        X = [look_up(name) for name in X] if isinstance(X, list) else look_up(X)
        with pytest.raises(RuntimeError, match=message) as caught:
            de.get_explainer('saliency', look_up(T), X)
    assert isinstance(caught.value, kind)


def test_inputs_with_different_fixed_batches_are_refused(session):
    X = [tf.placeholder(tf.float32, [n, 4]) for n in (3, 5)]
    with pytest.raises(ValueError, match=r'different fixed batch dimensions: \[3, 5\]'):
        explain(session, 'saliency', lambda X: tf.concat(X, 0), [normal(3, 4), normal(5, 4)], X)


def test_a_finalized_graph_is_refused(session):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        explainer = de.get_explainer('saliency', T, X)
        session.graph.finalize()
        assert explainer.run(normal(2, 4)).shape == (2, 4)
        with pytest.raises(RuntimeError, match='The graph is finalized'):
            de.get_explainer('elrp', T, X)


# the path from X to T


@every_method
def test_an_X_that_does_not_reach_T_is_refused(session, method, kwargs):
    lonely = tf.placeholder(tf.float64, [None, 4], name='lonely')
    T = mlp(tf.placeholder(tf.float64, [None, 4]))
    with pytest.raises(ValueError, match="X does not reach T: no path of ops leads from X 'lonely:0'"):
        explain(session, method, lambda X: T, normal(5, 4), lonely, **kwargs)


@gradient_methods
def test_one_of_several_inputs_that_does_not_reach_T_is_named(session, method, kwargs):
    X = [tf.placeholder(tf.float64, [None, 4], name=name) for name in ('used', 'lonely')]
    with pytest.raises(ValueError, match="no path of ops leads from X 'lonely:0'"):
        explain(session, method, lambda X: mlp(X[0]), [normal(5, 4)] * 2, X, **kwargs)


@gradient_methods
@pytest.mark.parametrize(
    ('block', 'op', 'instead'),
    [
        (lambda X: tf.gather(weights(9, 4), tf.cast(X, tf.int32), name='words'), "'path/Cast' .Cast", 'path/words:0'),
        (lambda X: tf.stop_gradient(X, name='stop'), "'path/stop' .StopGradient", 'path/stop:0'),
        (lambda X: tf.one_hot(tf.argmax(X, 1, name='best'), 4, name='hot'), "'path/best' .ArgMax", 'path/hot:0'),
        (
            lambda X: tf.round(X, name='round') + tf.floor(X, name='floor'),
            "'path/round'",
            "path/round:0' or 'path/floor:0",
        ),
    ],
    ids=['lookup', 'stop_gradient', 'argmax', 'rounding'],
)
def test_an_op_that_ends_the_path_is_named_and_what_to_explain_instead(session, method, kwargs, block, op, instead):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    with tf.name_scope('path'):
        blocked = block(X)
    with pytest.raises(ValueError, match='only through ops that pass no gradient; the first is op ' + op) as raised:
        explain(session, method, lambda X: tf.reduce_sum(blocked, axis=-1), normal(5, 4), X, **kwargs)
    first = instead.split("'")[0]
    values = f"session.run('{first}', {{'X:0': ...}})"
    assert f"explain '{instead}' instead, with the values that {values} gives" in str(raised.value)


@gradient_methods
def test_ids_are_refused_with_the_output_of_their_embedding(session, method, kwargs):
    ids = tf.placeholder(tf.int32, [None, 3], name='ids')
    words = tf.nn.embedding_lookup(weights(9, 4), tf.clip_by_value(ids, 0, 8), name='embedding')
    T = mlp(tf.reshape(words, [-1, 12]))
    with DeepExplain(session=session) as de:
        with pytest.raises(TypeError, match="'ids:0' must be a float tensor; it is int32, .*: explain 'embedding:0' i"):
            de.explain(method, T, ids, [[1, 2, 3]], **kwargs)
        values = session.run('embedding:0', {'ids:0': [[1, 2, 3]]})
        assert de.explain(method, T, 'embedding:0', values, **kwargs).shape == (1, 3, 4)


@gradient_methods
def test_nothing_behind_it_has_a_gradient(session, method, kwargs):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    T = tf.cast(tf.argmax(X, 1), tf.float32)
    with pytest.raises(ValueError, match='no tensor behind it has a gradient either; use occlusion or shapley'):
        explain(session, method, lambda X: T, normal(5, 4), X, **kwargs)


def test_a_refused_path_adds_no_op(session):
    X = tf.placeholder(tf.float32, [None, 4])
    T = mlp(tf.stop_gradient(X))
    with DeepExplain(session=session) as de:
        before = session.graph.version
        for method, _ in GRADIENT:
            with pytest.raises(ValueError, match='pass no gradient'):
                de.explain(method, T, X, normal(2, 4))
    assert session.graph.version == before


@pytest.mark.skipif(not tf.VERSION.startswith('1.'), reason='the loops of TensorFlow 2 have no ops in the outer graph')
def test_tensors_inside_loops_are_refused(session):
    X, inside = tf.placeholder(tf.float32, [None, 4]), []
    T = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, inside.append(tf.tanh(y)) or inside[0]), [0, X])[1]
    with pytest.raises(ValueError, match="X 'while/Tanh:0' is inside a while loop or cond and cannot be fed"):
        explain(session, 'saliency', lambda X: T, normal(3, 4), inside[0])
    with pytest.raises(ValueError, match="T 'while/Tanh:0' is inside a while loop or cond and cannot be read"):
        explain(session, 'saliency', lambda X: inside[0], normal(3, 4), X)


@every_method
def test_X_itself_may_be_T(session, method, kwargs):
    found = explain(session, method, tf.identity, normal(3, 4), **kwargs)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        np.testing.assert_allclose(de.explain(method, X, X, normal(3, 4), **kwargs), found)


@gradient_methods
def test_an_input_that_another_one_stands_before_is_refused(session, method, kwargs):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    middle = tf.identity(2 * X, name='middle')
    with DeepExplain(session=session) as de, pytest.raises(
        ValueError, match="'X:0' reaches T .* only through another X"
    ):
        de.explain(method, mlp(middle), [X, middle], [normal(2, 4)] * 2, **kwargs)
