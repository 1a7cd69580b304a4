"""Loops, branches and functions between X and T are explained as what they compute, and are left as they were."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tensorflow.compat.v2 as tf2
from small import GRADIENT, normal, weights
from sources import keras_2, needs_keras_3
from tensorflow.python.ops import control_flow_util

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

TENSORFLOW_2 = not tf.VERSION.startswith('1.')
needs_tensorflow_2 = pytest.mark.skipif(not TENSORFLOW_2, reason='TensorFlow 1.15 has no such models')
XS = normal(4, 3, 2)
BASELINE = 0.3


#: One for each way of treating activations, to make slow tests quicker.
ONE_OF_A_KIND = [(name, arguments) for name, arguments in GRADIENT if name in ('saliency', 'elrp', 'deeplift')]


def attributions(session, T, X, xs=XS, methods=GRADIENT, **more):
    found = {}
    with DeepExplain(session=session) as de:
        for method, arguments in methods:
            if method in ('intgrad', 'deeplift'):
                arguments = dict(arguments, baseline=BASELINE)
            found[method] = de.explain(method, T, X, xs, **arguments, **more)
    return found


#: They have no rule in elrp and deeplift; here, only whether they are found matters.
PRODUCTS = pytest.mark.filterwarnings('ignore:Detected unsupported activation')


def assert_explained_alike(session, T, plain, X, xs=XS, **more):
    """That T, which hides something, is explained as ``plain``, which computes the same; and nothing is changed."""
    before = {op.name: op.node_def for op in session.graph.get_operations()}
    np.testing.assert_allclose(session.run(T, {X: xs}), session.run(plain, {X: xs}), rtol=1e-5)
    expected = attributions(session, plain, X, xs, **more)
    found = attributions(session, T, X, xs, **more)
    for method in expected:
        np.testing.assert_allclose(found[method], expected[method], rtol=1e-3, atol=1e-5, err_msg=method)
    after = {op.name: op.node_def for op in session.graph.get_operations()}
    assert before == {name: after[name] for name in before}
    assert all(name.startswith('deepexplain') for name in set(after) - set(before))


@contextlib.contextmanager
def control_flow(version):
    """Within it, loops and branches are made as by this version of TensorFlow, whichever runs."""
    before = control_flow_util.ENABLE_CONTROL_FLOW_V2
    control_flow_util.ENABLE_CONTROL_FLOW_V2 = version == 2
    try:
        yield
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = before


def layer(x, activation=tf.tanh, seed=1):
    units = x.shape.as_list()[-1]
    return activation(tf.matmul(x, weights(units, units, seed=seed, dtype=x.dtype)) + 0.1)


def recurrent(X, rolled, length=None, activation=tf.tanh):
    """h <- f(x W + h U) for each step of X [samples, steps, features], read from and written to an array."""
    steps = X.shape.as_list()[1]
    features = X.shape.as_list()[2]
    w, u = weights(features, features, seed=4, dtype=X.dtype), weights(features, features, seed=5, dtype=X.dtype)
    x_by_step = tf.transpose(X, [1, 0, 2])
    h = tf.zeros_like(X[:, 0])

    def cell(x, h):
        return activation(tf.matmul(x, w) + tf.matmul(h, u))

    if not rolled:
        states = []
        for step in range(steps):
            h = cell(x_by_step[step], h)
            states.append(h)
        return tf.reduce_sum(tf.stack(states), axis=0)
    array = tf.TensorArray(X.dtype, size=steps).unstack(x_by_step)
    states = tf.TensorArray(X.dtype, size=steps)

    def step(i, h, states):
        h = cell(array.read(i), h)
        return i + 1, h, states.write(i, h)

    length = steps if length is None else length
    return tf.reduce_sum(tf.while_loop(lambda i, *_: i < length, step, (0, h, states))[2].stack(), axis=0)


def frozen_copy(graph, outputs):
    """The tensors of these names in a fresh graph made of this one's GraphDef, as a frozen graph is."""
    fresh = tf.Graph()
    with fresh.as_default():
        return tf.import_graph_def(graph.as_graph_def(), return_elements=outputs, name='')


RNNS = {
    'LSTM': lambda layers, unroll: [layers.LSTM(3, unroll=unroll)],
    'GRU': lambda layers, unroll: [layers.GRU(3, unroll=unroll, reset_after=True)],
    'GRU of TensorFlow 1': lambda layers, unroll: [layers.GRU(3, unroll=unroll, reset_after=False)],
    'SimpleRNN': lambda layers, unroll: [layers.SimpleRNN(3, unroll=unroll)],
    'backwards': lambda layers, unroll: [layers.SimpleRNN(3, unroll=unroll, go_backwards=True)],
    'bidirectional': lambda layers, unroll: [layers.Bidirectional(layers.SimpleRNN(3, unroll=unroll))],
    'masked': lambda layers, unroll: [layers.Masking(9.0), layers.SimpleRNN(3, unroll=unroll)],
    'stacked': lambda layers, unroll: [
        layers.SimpleRNN(3, unroll=unroll, return_sequences=True),
        layers.LSTM(2, unroll=unroll),
    ],
}


def rnn(make, unroll):
    layers = keras_2().layers
    first = [layers.InputLayer(input_shape=(3, 2))]
    return keras_2().Sequential(first + make(layers, unroll) + [layers.Dense(4, 'relu'), layers.Dense(2)])


@PRODUCTS
@pytest.mark.parametrize('kind', sorted(RNNS))
def test_a_rolled_rnn_of_keras_is_explained_as_the_unrolled_one(session, kind):
    unrolled, rolled = (rnn(RNNS[kind], unroll) for unroll in (True, False))
    session.run(tf.global_variables_initializer())
    for model in (unrolled, rolled):
        model.set_weights([normal(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
    xs = XS.copy()
    if kind == 'masked':
        xs[0, 2:] = xs[1, 1:] = 9.0
    X, types = rolled.inputs[0], {op.type for op in session.graph.get_operations()}
    assert types & {'While', 'StatelessWhile', 'Enter', 'StatefulPartitionedCall', 'PartitionedCall'}
    assert_explained_alike(session, rolled.outputs[0], unrolled(X), X, xs, methods=ONE_OF_A_KIND, ys=[1, -1])


@pytest.mark.parametrize('beside', [False, True], ids=['alone', 'beside a function'])
def test_what_is_behind_a_loop_that_stays_as_it_is_is_audited_too(session, beside):
    X = tf.placeholder(tf.float64, [None, 2])
    with control_flow(1):
        H = tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, h + X), (0, tf.zeros_like(X)))[1]
    f = tf2.function(lambda x: 2 * x, autograph=False)
    T = tf.nn.selu(H, name='odd') + (f(X) if beside else 2 * X)
    message = "'elrp' has no rule for 'odd' .Selu. and"
    with DeepExplain(session=session) as de, pytest.warns(DeepExplainWarning, match=message):
        explainer = de.get_explainer('elrp', T, X)
    assert [row.op for row in explainer.describe().breaks] == ['odd']


def test_a_branch_that_returns_an_op_of_a_name_in_lower_case(session):
    # TensorFlow 1.15 gives such an op another name in the function that it makes of the branch.
    X, yes = tf.placeholder(tf.float64, [None, 3, 2]), tf.placeholder_with_default(True, [])
    with control_flow(2):
        T = tf.cond(yes, lambda: tf.tanh(X + 1, name='tanh'), lambda: tf.nn.relu(X, name='relu'))
    assert_explained_alike(session, T, tf.tanh(X + 1), X)


@pytest.mark.parametrize('version', [1, 2])
def test_a_loop_over_arrays_is_explained_as_its_steps(session, version):
    X = tf.placeholder(tf.float64, [None, 3, 2])
    with control_flow(version):
        T = layer(recurrent(layer_of_steps(X), rolled=True), tf.nn.relu)
    assert ('Enter' in {op.type for op in session.graph.get_operations()}) == (version == 1)
    assert_explained_alike(session, T, layer(recurrent(layer_of_steps(X), rolled=False), tf.nn.relu), X)


def layer_of_steps(X):
    return tf.nn.elu(X * weights(2, seed=3, dtype=X.dtype))


def test_a_frozen_loop_of_tensorflow_1_is_explained_as_its_steps():
    graph = tf.Graph()
    with graph.as_default(), control_flow(1):
        X = tf.placeholder(tf.float64, [None, 3, 2], name='X')
        inner = recurrent(layer_of_steps(X), rolled=True)
        outer = tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, inner + layer(h, tf.sigmoid)), (0, inner))[1]
        nested = tf.while_loop(
            lambda i, _: i < 2,
            lambda i, h: (i + 1, tf.while_loop(lambda j, _: j < 2, lambda j, h: (j + 1, layer(h)), (0, h))[1]),
            (0, outer),
        )[1]
        tf.identity(nested, name='T')
    X, T = frozen_copy(graph, ['X:0', 'T:0'])
    with X.graph.as_default(), tf.Session() as session:
        inner = recurrent(layer_of_steps(X), rolled=False)
        h = inner
        for _ in range(2):
            h = inner + layer(h, tf.sigmoid)
        for _ in range(4):
            h = layer(h)
        assert_explained_alike(session, T, h, X)


def test_a_loop_of_tensorflow_1_that_was_imported_with_its_context(tmp_path):
    # From a .meta file, TensorFlow knows how its ops belong together, but not that nothing in it can be fetched.
    graph = tf.Graph()
    with graph.as_default(), control_flow(1):
        X = tf.placeholder(tf.float64, [None, 3, 2], name='X')
        tf.identity(layer(recurrent(X, rolled=True)), name='T')
        meta_graph = tf.train.export_meta_graph()
    fresh = tf.Graph()
    with fresh.as_default(), tf.Session(graph=fresh) as session:
        tf.train.import_meta_graph(meta_graph)
        X, T = fresh.get_tensor_by_name('X:0'), fresh.get_tensor_by_name('T:0')
        assert_explained_alike(session, T, layer(recurrent(X, rolled=False)), X)


def two_exits(X):
    h = X[:, 0]
    return tf.while_loop(lambda i, *_: i < 2, lambda i, a, b: (i + 1, layer(a) + b, layer(b, seed=2)), (0, h, h + 1))[
        1:
    ]


@PRODUCTS
def test_a_loop_is_copied_once_for_all_of_its_exits(session):
    X = tf.placeholder(tf.float64, [None, 3, 2])
    with control_flow(1):
        a, b = two_exits(X)
        with tf.control_dependencies([a]):  # which must be that of the copy
            T = layer(b) * a
    before = sum(op.type == 'LoopCond' for op in session.graph.get_operations())
    with DeepExplain(session=session) as de:
        de.get_explainer('deeplift', T, X)
    assert sum(op.type == 'LoopCond' for op in session.graph.get_operations()) <= before + 2  # and one backward
    a, b = X[:, 0], X[:, 0] + 1
    for _ in range(2):
        a, b = layer(a) + b, layer(b, seed=2)
    assert_explained_alike(session, T, layer(b) * a, X)


@pytest.mark.parametrize('version', [1, 2])
def test_what_a_loop_computes_of_its_counter_needs_no_rule(session, version):
    # exp has no rule, and a warning, but where it is computed from X.
    X = tf.placeholder(tf.float64, [None, 2])

    def step(i, h):
        return i + 1, layer(h) * tf.exp(-tf.cast(i, tf.float64))

    with control_flow(version):
        T = tf.while_loop(lambda i, _: i < 2, step, (0, X))[1]
    with DeepExplain(session=session) as de:
        found = de.explain('deeplift', T, X, normal(4, 2), baseline=BASELINE)
        plain = layer(layer(X)) * np.exp(-1)
        np.testing.assert_allclose(found, de.explain('deeplift', plain, X, normal(4, 2), baseline=BASELINE), rtol=1e-6)


def test_a_frozen_loop_that_was_cut_to_what_it_computes():
    graph = tf.Graph()
    with graph.as_default(), control_flow(1):
        X = tf.placeholder(tf.float64, [None, 2], name='X')
        step = lambda i, goes_on, h: (i + 1, i < 2, layer(h))  # noqa: E731 - only the condition reads goes_on
        tf.identity(tf.while_loop(lambda i, goes_on, h: goes_on, step, (0, True, X))[2], name='T')
    with tf.Graph().as_default(), tf.Session() as session:
        graph_def = tf.graph_util.extract_sub_graph(graph.as_graph_def(), ['T'])
        X, T = tf.import_graph_def(graph_def, return_elements=['X:0', 'T:0'], name='')
        assert_explained_alike(session, T, layer(layer(layer(X))), X, xs=normal(4, 2))


@pytest.mark.parametrize('where', ['function', 'loop'])
def test_what_is_assigned_before_it_is_read_is_refused(session, where):
    X = tf.placeholder(tf.float32, [None, 2])
    with tf.variable_scope('scope', use_resource=True):
        weight = tf.get_variable('weight', initializer=1.0)

    def network(x):
        with tf.control_dependencies([weight.assign_add(1.0)]):
            return x * weight.read_value()

    if where == 'function':
        T = tf.function(network)(X)
    else:
        with control_flow(2):
            T = tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, network(h)), (0, X))[1]
    session.run(tf.global_variables_initializer())
    with DeepExplain(session=session) as de:
        for method, arguments in GRADIENT:
            with pytest.raises(ValueError, match=r'\(AssignAddVariableOp\) assigns to a variable before that is read'):
                de.explain(method, T, X, normal(2, 2), **arguments)


def test_what_is_assigned_for_its_own_sake_is_no_matter(session):
    X = tf.placeholder(tf.float32, [None, 2])
    with tf.variable_scope('scope', use_resource=True):
        calls = tf.get_variable('calls', initializer=0.0)

    def network(x):
        calls.assign_add(1.0)
        return layer(x)

    T = tf.function(network)(X)
    session.run(tf.global_variables_initializer())
    assert_explained_alike(session, T, layer(X), X, xs=normal(4, 2))


@needs_tensorflow_2
def test_a_loop_of_tensorflow_1_in_a_function(session):
    graph = tf.Graph()
    with graph.as_default(), control_flow(1):
        tf.identity(recurrent(tf.placeholder(tf.float64, [None, 3, 2], name='X'), rolled=True), name='T')
    # As tf.saved_model.load makes it of a SavedModel of TensorFlow 1.
    wrapped = tf.wrap_function(
        lambda x: tf.import_graph_def(graph.as_graph_def(), input_map={'X:0': x}, return_elements=['T:0'])[0],
        [tf.TensorSpec([None, 3, 2], tf.float64)],
    )
    X = tf.placeholder(tf.float64, [None, 3, 2])
    assert_explained_alike(session, wrapped(X), recurrent(X, rolled=False), X)


def test_explainers_are_built_while_others_are_built_and_the_session_runs(session):
    X = tf.placeholder(tf.float64, [None, 3, 2])
    with control_flow(2):
        T = recurrent(X, rolled=True)
    expected = attributions(session, recurrent(X, rolled=False), X, methods=ONE_OF_A_KIND)
    done = threading.Event()

    def run():
        while not done.is_set():
            session.run(T, {X: XS})

    def explain(_):
        return attributions(session, T, X, methods=ONE_OF_A_KIND)

    with ThreadPoolExecutor(4) as pool:
        running = pool.submit(run)
        try:
            found = list(pool.map(explain, range(3)))
        finally:
            done.set()
        running.result()
    for some in found:
        for method in expected:
            np.testing.assert_allclose(some[method], expected[method], rtol=1e-4, atol=1e-7)


LENGTHS = {
    'of the shape of X': lambda X: tf.shape(X)[1],
    'of another tensor': lambda X: tf.placeholder_with_default(2, ()),
}


@pytest.mark.parametrize('version', [1, 2])
@pytest.mark.parametrize('length', sorted(LENGTHS))
def test_a_loop_may_have_any_length_that_does_not_depend_on_values_of_X(session, version, length):
    X = tf.placeholder(tf.float64, [None, None])
    xs = normal(4, 2)
    with control_flow(version):
        n = LENGTHS[length](X)
        X.set_shape([None, 2])
        T = tf.while_loop(lambda i, _: i < n, lambda i, h: (i + 1, layer(h)), (0, X))[1]
    assert_explained_alike(session, T, layer(layer(X)), X, xs)


@PRODUCTS
@pytest.mark.parametrize('version', [1, 2])
def test_a_length_that_depends_on_values_of_X_is_refused_by_deeplift_alone(session, version):
    X = tf.placeholder(tf.float64, [None, 2])
    with control_flow(version):
        n = tf.cast(tf.reduce_max(X), tf.int32) * 0 + 2
        T = tf.while_loop(lambda i, _: i < n, lambda i, h: (i + 1, layer(h)), (0, X), name='loop')[1]
    xs, plain = normal(4, 2), layer(layer(X))
    with DeepExplain(session=session) as de:
        for method in ('elrp', 'grad*input'):
            expected = de.explain(method, plain, X, xs)
            np.testing.assert_allclose(de.explain(method, T, X, xs), expected)
        with pytest.raises(ValueError, match="steps the loop of op 'loop.* depends on the values of X.* Use 'elrp' or"):
            de.explain('deeplift', T, X, xs)


def test_a_cond_in_a_loop_of_tensorflow_1_is_refused_by_deeplift_alone(session):
    X = tf.placeholder(tf.float64, [None, 2])
    with control_flow(1):
        T = tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, in_branch(h)), (0, X))[1]
    with DeepExplain(session=session) as de:
        expected = de.explain('elrp', layer(layer(X)), X, normal(4, 2))
        np.testing.assert_allclose(de.explain('elrp', T, X, normal(4, 2)), expected)
        with pytest.raises(ValueError, match='part of a cond in a while loop of TensorFlow 1 and cannot be copied'):
            de.explain('deeplift', T, X, normal(4, 2))


def in_branch(X):
    return tf.cond(tf.placeholder_with_default(True, ()), lambda: layer(X), lambda: layer(X, tf.nn.elu))


def in_case(X):
    which = tf.placeholder_with_default(1, ())
    return tf.switch_case(which, [lambda: X, lambda: layer(X), lambda: layer(X, tf.nn.elu)])


def in_function(X):
    inner = tf.function(lambda x: layer(x, tf.nn.elu))

    @tf.function
    def outer(x):
        tf.debugging.assert_less(x, tf.constant(1e9, x.dtype))
        return layer(inner(x), lambda z: z * tf.sigmoid(z)), 2 * x

    y, z = outer(X)
    return y + z


def in_function_plain(X):
    return layer(layer(X, tf.nn.elu), lambda z: z * tf.sigmoid(z)) + 2 * X


def in_function_in_loop_in_function(X):
    inner = tf.function(layer)

    @tf.function
    def outer(x):
        return tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, inner(h)), (0, x))[1]

    return outer(X)


def in_loop_in_loop(X):
    def inner(h):
        return tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, layer(h)), (0, h))[1]

    return tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, inner(h)), (0, X))[1]


def in_function_of_names(X):
    from tensorflow.python.framework import function

    @function.Defun(tf.float64, func_name='of_tensorflow_1')
    def body(x):
        return tf.tanh(x)

    y = body(X)
    y.set_shape(X.shape)
    return y


def after_user_gradients(X):
    # TensorFlow gives the loop more outputs when it is differentiated.
    T = in_function_in_loop_in_function(X)
    tf.gradients(T, X)
    return T


HIDING = {
    'branch': (in_branch, layer),
    'case': (in_case, layer),
    'function': (in_function, in_function_plain),
    'function in a loop in a function': (in_function_in_loop_in_function, lambda X: layer(layer(X))),
    'loop in a loop': (in_loop_in_loop, lambda X: layer(layer(layer(layer(X))))),
    'function of TensorFlow 1': (in_function_of_names, tf.tanh),
    'loop with gradients': (after_user_gradients, lambda X: layer(layer(X))),
}


@PRODUCTS
@pytest.mark.parametrize('kind', sorted(HIDING))
def test_what_hides_is_explained_as_what_it_computes(session, kind):
    hiding, plain = HIDING[kind]
    X = tf.placeholder(tf.float64, [None, 2])
    with control_flow(2):
        T = layer(hiding(layer(X, tf.nn.relu)), tf.nn.softplus)
    assert_explained_alike(session, T, layer(plain(layer(X, tf.nn.relu)), tf.nn.softplus), X, normal(4, 2))


def test_a_cond_of_tensorflow_1_is_explained_as_the_branch_it_takes(session):
    X = tf.placeholder(tf.float64, [None, 2])
    with control_flow(1):
        branch = layer(in_branch(layer(X, tf.nn.relu)), tf.nn.softplus)
        assert 'Switch' in {op.type for op in session.graph.get_operations()}
    plain = layer(layer(layer(X, tf.nn.relu)), tf.nn.softplus)
    assert_explained_alike(session, branch, plain, X, normal(4, 2))
    with control_flow(1):  # around what is copied, as dropout and batch normalization are in Keras
        T = in_branch(tf.function(layer)(branch))
    assert_explained_alike(session, T, layer(layer(plain)), X, normal(4, 2))


@PRODUCTS
@pytest.mark.parametrize('version', [1, 2])
def test_a_branch_that_depends_on_values_of_X_is_refused_by_deeplift_alone(session, version):
    X = tf.placeholder(tf.float64, [None, 2])
    with control_flow(version):
        T = tf.cond(tf.reduce_sum(X) > -99, lambda: layer(X), lambda: X, name='choice')
    with DeepExplain(session=session) as de:
        np.testing.assert_allclose(
            de.explain('elrp', T, X, normal(4, 2)), de.explain('elrp', layer(X), X, normal(4, 2))
        )
        with pytest.raises(ValueError, match="branch op 'choice.* takes depends on the values of X.*'elrp' or 'intgr"):
            de.explain('deeplift', T, X, normal(4, 2))


def test_a_custom_gradient_in_a_function_comes_with_a_warning(session):
    @tf.custom_gradient
    def reversed_(x):
        return tf.identity(x), lambda grad: -grad

    X = tf.placeholder(tf.float64, [None, 2])
    T = tf.function(lambda x: 3 * reversed_(x))(X)
    with DeepExplain(session=session) as de, pytest.warns(
        DeepExplainWarning, match=r'\(IdentityN\) has a custom gradient .* in a function body, which can'
    ):
        found = de.explain('grad*input', T, X, [[1.0, 2.0]])
    np.testing.assert_allclose(found, [[3, 6]])


@PRODUCTS
def test_the_custom_gradient_of_swish_is_that_of_its_ops(session):
    @tf.custom_gradient
    def swish(x):
        return x * tf.sigmoid(x), lambda grad: 0 * grad

    X = tf.placeholder(tf.float64, [None, 2])
    plain = X * tf.sigmoid(X)
    assert_explained_alike(session, tf.function(swish)(X), plain, X, normal(4, 2))


@PRODUCTS
def test_several_inputs_and_an_input_amid_the_graph(session):
    A, B = tf.placeholder(tf.float64, [None, 2]), tf.placeholder(tf.float64, [None, 2])
    middle = layer(A)
    with control_flow(2):
        T = tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, layer(h) + middle * B), (0, B))[1]
    plain = B
    for _ in range(2):
        plain = layer(plain) + middle * B
    a, b = normal(4, 2), normal(4, 2, seed=1)
    with DeepExplain(session=session) as de:
        for method, arguments in GRADIENT:
            for X in ([A, B], [middle, B]):
                expected = de.explain(method, plain, X, [a, b], **arguments)
                found = de.explain(method, T, X, [a, b], **arguments)
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_each_output_and_any_batch_size(session):
    X = tf.placeholder(tf.float64, [None, 3, 2])
    with control_flow(2):
        rolled = recurrent(X, rolled=True)
    plain = recurrent(X, rolled=False)
    function = tf.function(layer)(X[:, 0])
    with DeepExplain(session=session) as de:
        for method in ('elrp', 'deeplift', 'saliency'):
            for T, same in ((rolled, plain), (function, layer(X[:, 0]))):
                expected = de.explain(method, same, X, XS, ys='each')
                np.testing.assert_allclose(de.explain(method, T, X, XS, ys='each'), expected, rtol=1e-6, atol=1e-9)
                found = de.explain(method, T, X, XS, ys='each', batch_size=3)
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_training_goes_on_as_if_nothing_had_been_explained(session):
    def trained(explained):
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session, control_flow(2):
            X = tf.placeholder(tf.float64, [None, 2])
            w = tf.Variable(normal(2, 2), name='w', use_resource=True)
            T = tf.while_loop(lambda i, _: i < 3, lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w))), (0, X))[1]
            step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(T))
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                session.run(step, {X: normal(4, 2)})
                if explained:
                    attributions(session, T, X, normal(4, 2))
            return session.run(w)

    np.testing.assert_array_equal(trained(explained=True), trained(explained=False))


@PRODUCTS
@needs_tensorflow_2
def test_batch_normalization_that_asks_for_the_learning_phase(session):
    layers = keras_2().layers
    X = layers.Input((3, 3, 2))
    norm, last = layers.BatchNormalization(), layers.Conv2D(2, 2, activation='relu')
    T = last(norm(X))
    assert {'If', 'StatelessIf'} & {op.type for op in session.graph.get_operations()}
    session.run(tf.global_variables_initializer())
    plain = last(norm(X, training=False))
    assert_explained_alike(session, T, plain, X, normal(4, 3, 3, 2), ys=normal(2, 2, 2))


@needs_tensorflow_2
def test_a_saved_model_of_tensorflow_2_in_a_session(tmp_path):
    import tensorflow as tf2

    class Module(tf2.Module):
        def __init__(self):
            self.w = tf2.Variable(normal(2, 2).astype(np.float32))

        @tf2.function(input_signature=[tf2.TensorSpec([None, 2], tf2.float32, name='x')])
        def __call__(self, x):
            return {'y': tf.while_loop(lambda i, _: i < 2, lambda i, h: (i + 1, tf.tanh(h @ self.w)), (0, x))[1]}

    module = Module()
    tf2.saved_model.save(module, str(tmp_path), signatures=module.__call__)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        signature = tf.saved_model.loader.load(session, ['serve'], str(tmp_path)).signature_def['serving_default']
        X, T = (
            graph.get_tensor_by_name(info[name].name)
            for info, name in ((signature.inputs, 'x'), (signature.outputs, 'y'))
        )
        w = tf.constant(normal(2, 2), tf.float32)
        plain = tf.tanh(tf.matmul(tf.tanh(tf.matmul(X, w)), w))
        assert_explained_alike(session, T, plain, X, normal(4, 2))


@PRODUCTS
@needs_keras_3
@pytest.mark.parametrize('kind', ['LSTM', 'GRU', 'SimpleRNN', 'Bidirectional'])
def test_a_frozen_rnn_of_keras_3_is_explained_as_the_unrolled_one(kind):
    import keras as keras3
    from tensorflow import TensorSpec, float32, function
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def model(unroll):
        layers = keras3.layers
        if kind == 'Bidirectional':
            hidden = layers.Bidirectional(layers.LSTM(3, unroll=unroll))
        else:
            hidden = getattr(layers, kind)(3, unroll=unroll)
        return keras3.Sequential([layers.Input((3, 2)), hidden, layers.Dense(2)])

    def frozen(model):
        concrete = function(lambda x: model(x)).get_concrete_function(TensorSpec([None, 3, 2], float32))
        return convert_variables_to_constants_v2(concrete, lower_control_flow=False)

    unrolled, rolled = model(True), model(False)
    values = [normal(*w.shape, seed=i) for i, w in enumerate(rolled.get_weights())]
    found = []
    for some in (unrolled, rolled):
        some.set_weights(values)
        concrete = frozen(some)
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
            names = [concrete.inputs[0].name, concrete.outputs[0].name]
            X, T = tf.import_graph_def(concrete.graph.as_graph_def(), return_elements=names, name='')
            session.run(T, {X: XS})
            found.append(attributions(session, T, X, methods=ONE_OF_A_KIND))
    for method in found[0]:
        np.testing.assert_allclose(found[1][method], found[0][method], rtol=1e-3, atol=1e-5, err_msg=method)
