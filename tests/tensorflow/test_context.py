"""The context: what it is opened on, what it does to ops, what it keeps, what it leaves behind."""

import copy
import inspect
import threading
from dataclasses import fields

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from odd import ODD
from small import GRADIENT, METHODS, NAMES, dense, mlp, normal

from deepexplain import errors
from deepexplain.errors import ArgumentError, DeepExplainWarning, GraphError
from deepexplain.tensorflow import DeepExplain, NoiseTunnel, embedding_outputs, methods, per_token

ACTIVATIONS = {
    'Relu': tf.nn.relu,
    'Elu': tf.nn.elu,
    'Sigmoid': tf.nn.sigmoid,
    'Tanh': tf.nn.tanh,
    'Softplus': tf.nn.softplus,
}


def test_the_session_defaults_to_the_default_session_when_called(session):
    assert DeepExplain().session is session
    with tf.Session(graph=tf.Graph()) as other:
        assert DeepExplain().session is other


def test_the_graph_defaults_to_the_sessions():
    with tf.Session(graph=tf.Graph()) as other:
        assert DeepExplain(session=other).graph is other.graph


def test_no_session_is_a_runtime_error():
    with pytest.raises(RuntimeError, match=r'could not retrieve a session. Use DeepExplain\(session=your_session\)'):
        DeepExplain()


def test_a_graph_that_is_not_the_sessions_is_refused(session):
    with pytest.raises(ValueError, match='graph is not the graph of the session'):
        DeepExplain(graph=tf.Graph(), session=session)
    assert DeepExplain(graph=session.graph, session=session).graph is session.graph


def test_something_else_than_a_session_is_refused():
    with pytest.raises(TypeError, match=r"session must be a tf.compat.v1.Session; got 'gpu'"):
        DeepExplain(session='gpu')


def attributes(graph):
    """All that a graph says of its ops."""
    return {op.name: op.node_def.SerializeToString(deterministic=True) for op in graph.get_operations()}


@pytest.mark.parametrize('name', sorted(ACTIVATIONS))
def test_the_users_ops_are_never_changed(session, name):
    X = tf.placeholder(tf.float64, [None, 4])
    T = mlp(X, activation=ACTIVATIONS[name])
    session.run(T, {X: normal(2, 4)})
    before = attributes(session.graph)
    with DeepExplain(session=session) as de:
        for method in ('zero', 'elrp', 'deeplift'):
            de.explain(method, T, X, normal(5, 4))
        inside = mlp(X, activation=ACTIVATIONS[name])
    after = attributes(session.graph)
    assert {op: after[op] for op in before} == before
    assert not any(b'_gradient_op_type' in node for node in after.values())
    assert all(inspect.ismethod(op.get_attr) for op in session.graph.get_operations())
    assert inside.op.type == T.op.type


@pytest.mark.parametrize('name', sorted(ACTIVATIONS))
def test_training_is_training_before_inside_and_after(session, name):
    X = tf.placeholder(tf.float64, [None, 4])
    T = mlp(X, activation=ACTIVATIONS[name])
    gradients = [tf.gradients(T, X)[0]]
    with DeepExplain(session=session) as de:
        again = mlp(X, activation=ACTIVATIONS[name])
        for target in (T, again):
            de.explain('zero', target, X, normal(5, 4))  # an explainer built before must not matter
            gradients.append(tf.gradients(target, X)[0])
    gradients += [tf.gradients(T, X)[0], tf.gradients(again, X)[0]]
    first, *others = session.run(gradients, {X: normal(5, 4)})
    assert np.abs(first).max() > 0.1
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_gradients_of_another_thread_are_tensorflows_own_meanwhile(session):
    found = []

    def other_thread():
        with session.graph.as_default():
            found.append(tf.gradients(T, X)[0])

    class Slow(methods.GradientBasedMethod):
        def nonlinearity_grad_override(self, op, grad):
            if not found:
                thread = threading.Thread(target=other_thread)
                thread.start()
                thread.join()
            return 0 * grad

    X = tf.placeholder(tf.float64, [None, 4])
    T = mlp(X)
    expected = tf.gradients(T, X)[0]
    with DeepExplain(session=session):
        explainer = Slow(T, X, session)
    a, b = session.run([expected, found[0]], {X: normal(5, 4)})
    np.testing.assert_array_equal(a, b)
    assert not explainer.run(normal(5, 4)).any()


def test_an_exception_leaves_nothing_behind(session):
    de = DeepExplain(session=session)
    with pytest.raises(ZeroDivisionError), de:
        raise ZeroDivisionError
    assert not de.context_on
    assert tf.get_default_graph() is session.graph


def test_an_exception_in_a_rule_leaves_no_rule_behind(session):
    class Broken(methods.GradientBasedMethod):
        def nonlinearity_grad_override(self, op, grad):
            raise ZeroDivisionError

    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session):
        T = mlp(X)
        with pytest.raises(ZeroDivisionError):
            Broken(T, X, session)
        gradient = tf.gradients(T, X)[0]
    assert np.abs(session.run(gradient, {X: normal(2, 4)})).max() > 0.1
    assert all(inspect.ismethod(op.get_attr) for op in session.graph.get_operations())


@pytest.mark.parametrize(('method', 'kwargs'), METHODS)
def test_a_graph_from_a_file_is_explained_as_it_was_where_it_was_made(session, method, kwargs, tmp_path):
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    weight = tf.Variable(normal(4, 4), name='weight')
    T = tf.identity(mlp(tf.matmul(X, weight)), name='T')
    session.run(tf.global_variables_initializer())
    with DeepExplain(session=session) as de:
        np.random.seed(0)
        expected = de.explain(method, T, X, normal(3, 4), **kwargs)
        tf.train.Saver().save(session, str(tmp_path / 'model'))
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph(str(tmp_path / 'model.meta')).restore(other, str(tmp_path / 'model'))
        with DeepExplain(session=other) as de:
            np.random.seed(0)
            np.testing.assert_allclose(de.explain(method, 'T:0', 'X:0', normal(3, 4), **kwargs), expected)


def test_tensors_by_name(session):
    X1, X2 = tf.placeholder(tf.float32, [None, 2], 'X1'), tf.placeholder(tf.float32, [None, 2], 'X2')
    T = tf.add(X1, 2 * X2, name='T')
    with DeepExplain(session=session) as de:
        found = de.explain('grad*input', 'T:0', ('X1:0', X2), [np.ones((1, 2)), np.ones((1, 2))])
        np.testing.assert_array_equal(found, [[[1, 1]], [[2, 2]]])
        assert de.get_explainer('saliency', 'T', 'X1').X is X1
        fed = de.explain('grad*input', 'T', 'X1', np.ones((1, 2)), feed_dict={'X2': np.ones((1, 2))})
        np.testing.assert_array_equal(fed, [[1, 1]])
        for T_name, X_name, message in [
            ('missing', 'X1', "T: there is no tensor 'missing' in this graph. Names like it: none"),
            ('T:1', 'X1', "T: there is no tensor 'T:1' in this graph. Names like it: T:0"),
            ('T', 'x', "X: there is no tensor 'x' in this graph. Names like it: X1:0, X2:0"),
            ('T', 'X3:0', "X: there is no tensor 'X3:0' in this graph. Names like it: X1:0, X2:0"),
        ]:
            with pytest.raises(ArgumentError, match=message):
                de.explain('saliency', T_name, X_name, np.ones((1, 2)))
        with pytest.raises(ArgumentError, match="feed_dict: there is no tensor 'X9' in this graph. Names like it: X"):
            de.explain('saliency', 'T', 'X1', np.ones((1, 2)), feed_dict={'X9': 1})
    assert T.name == 'T:0'


def test_a_context_can_be_opened_again_and_inside_itself(session):
    X = tf.placeholder(tf.float32, [None, 4])
    de = DeepExplain(session=session)
    with de:
        T = mlp(X)
    with de, de:
        inside = de.explain('grad*input', T, X, normal(2, 4))
    assert not de.context_on
    assert inside.shape == (2, 4)


def test_outside_the_context_both_calls_raise(session):
    X = tf.placeholder(tf.float32, [None, 4])
    de = DeepExplain(session=session)
    with de:
        T = mlp(X)
    for call in (lambda: de.explain('saliency', T, X, normal(2, 4)), lambda: de.get_explainer('saliency', T, X)):
        with pytest.raises(RuntimeError, match='Explain can be called only within a DeepExplain context'):
            call()


def test_an_explainer_runs_after_its_context(session):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', mlp(X), X)
        inside = explainer.run(normal(2, 4))
    np.testing.assert_array_equal(explainer.run(normal(2, 4)), inside)


@pytest.mark.parametrize(('method', 'kwargs'), METHODS)
def test_run_never_adds_an_op(session, method, kwargs):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, mlp(X), X, **kwargs)
        before = session.graph.version
        explainer.run(normal(5, 4))
        explainer.run(normal(3, 4), ys=normal(3, 3), batch_size=2)
        explainer.run(normal(3, 4), ys=normal(3))
    assert session.graph.version == before


@pytest.mark.parametrize(('method', 'kwargs'), METHODS)
def test_explain_adds_ops_once(session, method, kwargs):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        de.explain(method, T, X, normal(2, 4), **kwargs)
        before = session.graph.version
        for _ in range(20):
            de.explain(method, T, X, normal(2, 4), **kwargs)
        de.explain(method, T, X, normal(2, 4))  # default arguments
    assert session.graph.version == before


@pytest.mark.parametrize('method', ['intgrad', 'deeplift'])
def test_another_baseline_adds_no_op_and_counts(session, method):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        first = de.explain(method, T, X, normal(2, 4), baseline=normal(4))
        before = session.graph.version
        second = de.explain(method, T, X, normal(2, 4), baseline=2 * normal(4))
        again = de.explain(method, T, X, normal(2, 4), baseline=normal(4))
    assert session.graph.version == before
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.01


def test_another_target_or_input_is_another_explainer(session):
    X = tf.placeholder(tf.float64, [None, 4])
    xs = normal(2, 4)
    with DeepExplain(session=session) as de:
        T = mlp(X)
        both = de.explain('grad*input', T, X, xs)
        twice = de.explain('grad*input', 2 * T, X, xs)
        listed = de.explain('grad*input', T, [X], [xs])
    np.testing.assert_allclose(twice, 2 * both)
    assert isinstance(listed, list)
    np.testing.assert_array_equal(listed[0], both)


def test_a_method_with_its_own_init_is_kept_for_equal_arguments_only(session, monkeypatch):
    class Scaled(methods.GradientXInput):
        """Written for 0.3: the argument is in the graph."""

        def __init__(self, T, X, session, keras_learning_phase, factor=1.0):
            self.factor = factor
            super().__init__(T, X, session, keras_learning_phase)

        def run(self, xs, ys=None, batch_size=None):
            return super().run(xs, ys, batch_size)

        def get_symbolic_attribution(self):
            return [a * self.factor for a in super().get_symbolic_attribution()]

    monkeypatch.setitem(methods.attribution_methods, 'scaled', (Scaled, 8))
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        one, two = (de.explain('scaled', T, X, normal(2, 4), factor=factor) for factor in (1.0, 2.0))
        before = session.graph.version
        de.explain('scaled', T, X, normal(2, 4), factor=2.0)
        assert session.graph.version == before
    np.testing.assert_allclose(two, 2 * one)


def test_an_unknown_method_is_refused_with_the_known_ones(session):
    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de:
        for method in ('gradgram', None, ['saliency']):
            with pytest.raises(RuntimeError, match=r"Method must be in \['saliency', .*'shapley_sampling', .*'zero'\]"):
                de.explain(method, mlp(X), X, normal(2, 4))


def test_names_of_0_3():
    assert methods.DeepExplain is DeepExplain
    later = 'lrp guided_backprop deconvnet grad_cam grad_cam++ guided_grad_cam conductance internal_influence'.split()
    assert list(methods.attribution_methods) == NAMES + later
    assert [position for _, position in methods.attribution_methods.values()] == list(range(16))
    assert methods.attribution_methods['deeplift'][0] is methods.DeepLIFTRescale
    others = copy.deepcopy(methods.attribution_methods)  # one project does this to loop over the others
    others.pop('deeplift')
    assert 'deeplift' in methods.attribution_methods
    assert callable(methods.original_grad)
    assert methods.SUPPORTED_ACTIVATIONS == ['Relu', 'Elu', 'Sigmoid', 'Tanh', 'Softplus']


def test_every_error_is_a_runtime_error():
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    classes = [c for c in classes if not issubclass(c, Warning)]
    assert len(classes) == 9
    assert all(issubclass(c, RuntimeError) for c in classes)


def in_threads(functions):
    """Run all at once and return their results; the first exception is raised."""
    results, failures, barrier = [None] * len(functions), [], threading.Barrier(len(functions))

    def work(i):
        try:
            barrier.wait()
            results[i] = functions[i]()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def explain_in_a_graph_of_its_own(i):
    method, kwargs = [m for m in METHODS if m[0] != 'shapley_sampling'][i % 7]
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session, DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        T = mlp(X, activation=list(ACTIVATIONS.values())[i % 5])
        return np.stack([de.explain(method, T, X, normal(6, 4, seed=i), batch_size=4, **kwargs) for _ in range(5)])


def test_sixteen_threads_with_their_own_graphs():
    serial = [explain_in_a_graph_of_its_own(i) for i in range(16)]
    parallel = in_threads([lambda i=i: explain_in_a_graph_of_its_own(i) for i in range(16)])
    for a, b in zip(serial, parallel):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(('method', 'kwargs'), METHODS)
def test_sixteen_threads_with_one_explainer(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        # Shapley's orders come from one generator for the whole process; where T is additive they do not matter.
        T = X * X if method == 'shapley_sampling' else mlp(X)
        explainer = de.get_explainer(method, T, X, **kwargs)
        data = [normal(6 + i, 4, seed=i) for i in range(16)]
        serial = [explainer.run(xs, batch_size=4) for xs in data]
        parallel = in_threads([lambda xs=xs: explainer.run(xs, batch_size=4) for xs in data])
    for a, b in zip(serial, parallel):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(('method', 'kwargs'), GRADIENT)
def test_sixteen_threads_build_in_one_context(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        expected = de.explain(method, T, X, normal(3, 4), **kwargs)
        found = in_threads([lambda: de.get_explainer(method, T, X, **kwargs).run(normal(3, 4))] * 16)
    for a in found:
        np.testing.assert_allclose(a, expected, rtol=1e-12)


def test_threads_with_contexts_of_their_own_on_one_graph(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        expected = de.explain('deeplift', T, X, normal(3, 4))

    def work():
        with DeepExplain(session=session) as de:
            explainers = [de.get_explainer('deeplift', T, X) for _ in range(5)]
        return explainers[-1].run(normal(3, 4))

    for found in in_threads([work] * 8):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_leaving_a_context_that_is_not_open_here_is_refused(session):
    de = DeepExplain(session=session)
    with pytest.raises(RuntimeError, match='not open in this thread'):
        de.__exit__(None, None, None)
    with de, pytest.raises(RuntimeError, match='not open in this thread'):
        in_threads([lambda: de.__exit__(None, None, None)])


def test_an_explainer_can_be_built_where_control_dependencies_are_on(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        with tf.control_dependencies([tf.placeholder(tf.float64, [], name='unrelated')]):
            de.explain('saliency', T, X, normal(3, 4))  # and does not ask for the placeholder


def test_explainers_are_kept_no_longer_than_the_context(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        de.explain('saliency', T, X, normal(3, 4))
        before = session.graph.version
    with de:
        de.explain('saliency', T, X, normal(3, 4))
    assert session.graph.version > before


def test_two_explainers_alive_at_once_share_nothing(session):
    X = tf.placeholder(tf.float64, [None, 4])
    xs = normal(3, 4)
    with DeepExplain(session=session) as de:
        T = mlp(X)
        small, large = (de.get_explainer('elrp', T, X, epsilon=e) for e in (1e-4, 1.0))
        near, far = (de.get_explainer('deeplift', T, X, baseline=b) for b in (0.0, 3.0))
        before = [e.run(xs) for e in (small, large, near, far)]
        after = [e.run(xs) for e in (far, near, large, small)][::-1]
        alone = [de.explain('elrp', T, X, xs, epsilon=1.0), de.explain('deeplift', T, X, xs, baseline=3.0)]
    for a, b in zip(before, after):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose([before[1], before[3]], alone)
    assert np.abs(before[0] - before[1]).max() > 0.01
    assert np.abs(before[2] - before[3]).max() > 0.01


# strict, describe, and what explain keeps


@pytest.fixture
def leaky(session):
    """X and a T with an op that 'deeplift' has no rule for by default."""
    X = tf.placeholder(tf.float64, [None, 4])
    return X, tf.nn.leaky_relu(mlp(X), name='leaky')


def test_a_later_call_may_be_strict(session, leaky):
    X, T = leaky
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match="no rule for 'leaky' .* may not add up"):
            found = de.explain('deeplift', T, X, normal(2, 4))
        before = session.graph.version
        with pytest.raises(GraphError, match="no rule for 'leaky' .* may not add up.* rules='complete' has rules"):
            de.explain('deeplift', T, X, normal(2, 4), strict=True)
        # Told once, and not again for the explainer that was kept.
        np.testing.assert_array_equal(de.explain('deeplift', T, X, normal(2, 4), strict=False), found)
        np.testing.assert_array_equal(de.explain('deeplift', T, X, normal(2, 4)), found)
    assert session.graph.version == before


def test_a_first_call_that_is_strict_leaves_no_explainer_behind(session, leaky):
    X, T = leaky
    with DeepExplain(session=session) as de:
        for _ in range(2):
            with pytest.raises(GraphError, match="no rule for 'leaky'"):
                de.explain('deeplift', T, X, normal(2, 4), strict=True)
        with pytest.warns(DeepExplainWarning, match="no rule for 'leaky'"):
            de.explain('deeplift', T, X, normal(2, 4))


@pytest.mark.parametrize('method', ['zero', 'saliency', 'grad*input', 'intgrad', 'elrp', 'deeplift'])
def test_strict_passes_where_nothing_breaks_the_sum(session, method):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.nn.relu(dense(X, 3))
        de.explain(method, T, X, normal(2, 4), strict=True)
        before = session.graph.version
        de.explain(method, T, X, normal(2, 4))
        de.explain(method, T, X, normal(2, 4), strict=True)
    assert session.graph.version == before


def test_strict_of_each_method_is_about_its_own_sum(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        jumps = tf.nn.relu(X) + tf.round(X)
        de.explain('saliency', jumps, X, normal(2, 4), strict=True)  # no sum is promised
        for method in ('intgrad', 'elrp', 'deeplift'):
            with pytest.raises(GraphError, match=r'Round.* may not add up to T\(x\)'):
                de.explain(method, jumps, X, normal(2, 4), strict=True)
        de.explain('deeplift', jumps, X, normal(2, 4), strict=True, rules='complete')


@pytest.mark.parametrize('strict', [1, 'yes', None])
def test_strict_is_true_or_false(session, strict):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = tf.nn.relu(X)
        with pytest.raises(TypeError, match='strict must be True or False; got'):
            de.explain('deeplift', T, X, normal(2, 4), strict=strict)
        de.explain('deeplift', T, X, normal(2, 4))
        with pytest.raises(TypeError, match='strict must be True or False; got'):
            de.explain('deeplift', T, X, normal(2, 4), strict=strict)


def test_explain_keeps_an_explainer_for_each_set_of_rules(session, leaky):
    X, T = leaky
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match="no rule for 'leaky'"):
            original = de.explain('deeplift', T, X, normal(2, 4))
        complete = de.explain('deeplift', T, X, normal(2, 4), rules='complete')
        before = session.graph.version
        np.testing.assert_array_equal(de.explain('deeplift', T, X, normal(2, 4), rules='original'), original)
        np.testing.assert_array_equal(de.explain('deeplift', T, X, normal(2, 4)), original)
        again = de.explain('deeplift', T, X, normal(2, 4), rules='complete', baseline=0, strict=True)
        np.testing.assert_array_equal(again, complete)
        with pytest.raises(
            ValueError, match="rules must be one of 'original', 'complete', 'reveal-cancel', 'genomics'; got 'partial'"
        ):
            de.explain('deeplift', T, X, normal(2, 4), rules='partial')
    assert session.graph.version == before
    assert np.abs(original - complete).max() > 0.01


def test_an_explainer_has_the_rules_that_it_was_built_for(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        original, complete = (de.get_explainer('deeplift', T, X, rules=rules) for rules in ('original', 'complete'))
    with pytest.raises(ArgumentError, match="was built for rules='original', not for 'complete'"):
        original.with_arguments(rules='complete')
    with pytest.raises(ArgumentError, match=r"for rules='complete', not for 'original' \(which is the default where"):
        complete.with_arguments(baseline=1)
    found = complete.with_arguments(baseline=1, rules='complete')
    assert found.engine.back is complete.engine.back  # the same graph
    assert (found.method.baseline, complete.method.baseline) == (1, None)


def test_describe_of_a_copy_is_that_of_the_explainer(session, leaky):
    X, T = leaky
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match="no rule for 'leaky'"):
            explainer = de.get_explainer('deeplift', T, X)
        before = session.graph.version
        audit = explainer.with_arguments(baseline=1).describe()
    assert session.graph.version == before
    assert audit.rows == explainer.describe().rows
    assert [row.op for row in audit.breaks] == ['leaky']
    treated = {row.type: row.treatment for row in audit.rows}
    assert treated == {
        'MatMul': 'linear',
        'AddV2': 'linear',
        'Sub': 'linear',
        'Relu': 'rescale',
        'Tanh': 'rescale',
        'LeakyRelu': 'plain gradient',
    }
    assert str(audit).startswith("'deeplift' breaks its sum, T(x) - T(baseline), at 1 of ")


def test_a_method_may_have_a_strict_of_its_own(session, monkeypatch):
    class Own(methods.GradientXInput):
        arguments_in_graph = False

        def configure(self, strict='a word'):
            self.word = strict

    monkeypatch.setitem(methods.attribution_methods, 'own', (Own, 8))
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        T = mlp(X)
        assert de.get_explainer('own', T, X, strict='another').with_arguments(strict='word').word == 'word'


#: Argument -> a call with a value for it, of a context, an explainer of deeplift, T and X.
CALLS = {
    'session': lambda de, e, T, X, v: DeepExplain(session=v),
    'graph': lambda de, e, T, X, v: DeepExplain(v, de.session),
    'method': lambda de, e, T, X, v: de.explain(v, T, X, XS),
    'T': lambda de, e, T, X, v: de.explain('saliency', v, X, XS),
    'X': lambda de, e, T, X, v: de.get_explainer('saliency', T, v),
    'xs': lambda de, e, T, X, v: e.run(v),
    'ys': lambda de, e, T, X, v: e.run(XS, v),
    'batch_size': lambda de, e, T, X, v: e.run(XS, batch_size=v),
    'feed_dict': lambda de, e, T, X, v: e.run(XS, feed_dict=v),
    'a feed': lambda de, e, T, X, v: e.run(XS, feed_dict={'keep:0': v}),
    'progress': lambda de, e, T, X, v: de.explain('deeplift', T, X, XS, progress=v),
    'return_convergence_delta': lambda de, e, T, X, v: e.run(XS, return_convergence_delta=v),
    'strict': lambda de, e, T, X, v: e.with_arguments(strict=v),
    'leaks': lambda de, e, T, X, v: e.leaks(v),
    'outputs': lambda de, e, T, X, v: e.outputs(XS, v),
    'noise of': lambda de, e, T, X, v: NoiseTunnel(v),
    'kind': lambda de, e, T, X, v: NoiseTunnel(e, kind=v),
    'noise samples': lambda de, e, T, X, v: NoiseTunnel(e, samples=v),
    'stdev': lambda de, e, T, X, v: NoiseTunnel(e, stdev=v),
    'noise batch_size': lambda de, e, T, X, v: NoiseTunnel(e).run(XS, batch_size=v),
    'noise progress': lambda de, e, T, X, v: NoiseTunnel(e).run(XS, progress=v),
    'embedding of': lambda de, e, T, X, v: embedding_outputs(v, X),
    'ids': lambda de, e, T, X, v: embedding_outputs(T, v),
    'per_token': lambda de, e, T, X, v: per_token(v),
    'plan': lambda de, e, T, X, v: Planned(v).explained(de, T, X),
    'old session': lambda de, e, T, X, v: methods.Saliency(T, X, v),
    'old phase': lambda de, e, T, X, v: methods.Saliency(T, X, de.session, v),
}
for _name, _argument in [(name, f.name) for name, (cls, _) in methods.attribution_methods.items() for f in fields(cls)]:
    CALLS[f'{_name} {_argument}'] = lambda de, e, T, X, v, n=_name, a=_argument: de.explain(n, T, X, XS, **{a: v})
    CALLS[f'{_name} {_argument}, alone'] = lambda de, e, T, X, v, n=_name, a=_argument: repr(
        methods.attribution_methods[n][0](**{a: v})
    )

XS = np.array([[1, 2, 3], [4, -5, 6.0]])


class Planned:
    def __init__(self, plan):
        self.plan = plan

    def explained(self, de, T, X):
        plan = self.plan
        try:

            @methods.register('planned')
            class OfTheTest(methods.Method):
                def plan(self, problem):
                    return plan

            return de.get_explainer('planned', T, X)
        finally:
            methods.attribution_methods.pop('planned', None)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('argument', CALLS)
def test_odd_arguments_are_right_or_refused_in_words(session, argument):
    keep = tf.placeholder_with_default(np.float32(1), [], name='keep')
    X = tf.placeholder(tf.float32, [None, 3], name='X')
    T = tf.identity(dense(tf.nn.relu(dense(X, 4)), 2) * keep, name='T')
    values = dict(ODD, tensor=X, op=X.op, session=session, array=XS, words=np.array(['complete', 'original']))
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', T, X)
        for name, value in values.items():
            if argument == 'noise samples' and name == 'beyond any count':
                continue  # refused, too
            try:
                CALLS[argument](de, explainer, T, X, value)
            except errors.DeepExplainError as error:
                text = str(error)
                assert 20 < len(text) < 1500, (name, text)
                text.encode()
            except Exception as error:
                raise AssertionError(f'{argument} = {name}: {type(error).__name__}: {error}') from error


@pytest.mark.parametrize('flag', ['no', 'False', 1, 0, None, np.array([True, False])])
@pytest.mark.parametrize('name', ['progress', 'return_convergence_delta', 'strict'])
def test_words_and_numbers_are_no_flags(session, name, flag):
    X = tf.placeholder(tf.float32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(errors.ArgumentTypeError, match=f'^{name} must be True or'):
        de.explain('deeplift', tf.nn.relu(X), X, XS, **{name: flag})


def test_an_op_is_no_session(session):
    op = tf.placeholder(tf.float32, name='X').op
    with pytest.raises(
        errors.ArgumentTypeError, match=r"session must be a tf.compat.v1.Session; got <tf.Operation 'X'"
    ):
        DeepExplain(session=op)


@pytest.mark.parametrize('baseline', [True, np.True_, np.array(False)])
def test_a_flag_is_no_baseline(session, baseline):
    X = tf.placeholder(tf.float32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(
        errors.ArgumentTypeError, match='baseline must be a number or'
    ):
        de.get_explainer('occlusion', tf.nn.relu(X), X, baseline=baseline)


@pytest.mark.parametrize(
    ('method', 'arguments'),
    [
        ('intgrad', {'steps': 10**9}),
        ('intgrad', {'steps': 2**63}),
        ('intgrad', {'tolerance': 0.1, 'max_steps': 10**12}),
        ('shapley_sampling', {'samples': 10**9}),
        ('shapley_sampling', {'tolerance': 0.1, 'max_samples': 10**9}),
    ],
)
def test_what_would_never_end_is_refused_at_once(session, method, arguments):
    X = tf.placeholder(tf.float32, [None, 3])
    name, value = list(arguments.items())[-1]
    with DeepExplain(session=session) as de, pytest.raises(
        ArgumentError, match=f'^{name} must be at most 16777216; got {value}'
    ):
        de.explain(method, tf.nn.relu(X), X, XS, **arguments)
