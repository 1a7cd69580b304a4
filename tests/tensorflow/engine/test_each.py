"""ys='each': every output by itself, as a run for each one-hot ys gives it."""

import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import ARCHITECTURES, ARGUMENTS, NAMES, Recorder, every_name, mlp, normal, run, sparse

from deepexplain.errors import ArgumentError, MemoryLimitError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine import backward, changes
from deepexplain.tensorflow.methods import occlusion, shapley_sampling
from deepexplain.tensorflow.runtime import memory


def one_by_one(explainer, xs, outputs, row_shape, **kwargs):
    return [run(explainer, xs, np.eye(outputs)[k].reshape(row_shape), **kwargs) for k in range(outputs)]


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')
@pytest.mark.parametrize('architecture', ARCHITECTURES)
@every_name
@pytest.mark.parametrize('batch_size', [None, 1, 3])
def test_each_is_one_run_for_each_output(session, architecture, method, batch_size):
    xs = sparse(np.random.RandomState(0), 4, 6, 5, 1)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 6, 5, 1])
        T = ARCHITECTURES[architecture](X)
        explainer = de.get_explainer(method, T, X, **ARGUMENTS[method])
    row_shape = T.shape.as_list()[1:]
    outputs = int(np.prod(row_shape))
    found = run(explainer, xs, ys='each', batch_size=batch_size)
    assert found.shape == (outputs, *xs.shape)
    expected = one_by_one(explainer, xs, outputs, row_shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@every_name
@pytest.mark.parametrize(
    'outputs', [1, 2, 8, 9, 20]
)  # fewer and more than the backward passes that share a forward pass
def test_each_of_any_number_of_outputs(session, method, outputs):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer(method, mlp(X, outputs), X, **ARGUMENTS[method])
        found = run(explainer, normal(3, 4), ys='each')
        np.testing.assert_allclose(
            found, one_by_one(explainer, normal(3, 4), outputs, (outputs,)), rtol=1e-9, atol=1e-12
        )
        np.random.seed(0)
        again = de.explain(method, explainer.T, X, normal(3, 4), 'each', **ARGUMENTS[method])
        np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize('method', NAMES[1:6])
def test_each_of_several_inputs_is_a_list(session, method):
    with DeepExplain(session=session) as de:
        X1, X2 = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float64, [None, 3, 1])
        T = mlp(tf.concat([tf.cast(X1, tf.float64), X2[:, :, 0]], axis=1), 10)
        explainer = de.get_explainer(method, T, [X1, X2], **ARGUMENTS[method])
    xs = [normal(5, 2), normal(5, 3, 1, seed=1)]
    found = explainer.run(xs, ys='each')
    expected = list(zip(*one_by_one(explainer, xs, 10, (10,))))
    for value, x, one in zip(found, xs, expected):
        assert value.shape == (10, *x.shape)
        np.testing.assert_allclose(value, one, rtol=1e-5, atol=1e-7)


@every_name
def test_each_of_a_single_output(session, method):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer(method, mlp(X)[:, 0], X, **ARGUMENTS[method])
    np.testing.assert_allclose(run(explainer, normal(3, 4), ys='each'), [run(explainer, normal(3, 4))], rtol=1e-9)


def test_each_asks_the_session_for_outputs_that_the_graph_leaves_open(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, None])
        explainer = de.get_explainer('grad*input', tf.nn.relu(X) * 2, X)
    found = explainer.run([[1, -2, 3]], ys='each')
    np.testing.assert_array_equal(found, [[[2, 0, 0]], [[0, 0, 0]], [[0, 0, 6]]])


def test_each_bounds_its_memory(session, monkeypatch):
    monkeypatch.setattr(memory, 'MOST_BYTES', 640)
    monkeypatch.setattr(memory, 'MOST_BYTES_BACKWARD', 640)
    monkeypatch.setattr(changes, 'MOST_OUTPUTS', 64)
    monkeypatch.setattr(shapley_sampling, 'MOST_CONTRIBUTIONS', 64)
    recorder = Recorder(session, 'X:0')
    X = tf.placeholder(tf.float64, [None, 4], name='X')
    with DeepExplain(session=recorder) as de:
        T = mlp(X)
        for method in NAMES:
            explainer = de.get_explainer(method, T, X, **ARGUMENTS[method])
            found = run(explainer, normal(50, 4), ys='each')
            assert found.shape == (3, 50, 4)
            np.testing.assert_allclose(found[:, 30:33], run(explainer, normal(50, 4)[30:33], 'each'), 1e-9, 1e-12)
    assert max(recorder.rows) == 10


def test_each_adds_its_backward_passes_once(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('deeplift', mlp(X, 5), X)
    before = len(session.graph.get_operations())
    explainer.run(normal(2, 4), ys='each')
    after = len(session.graph.get_operations())
    assert after > before
    explainer.run(normal(2, 4), ys='each')
    explainer.with_arguments(baseline=1).run(normal(2, 4), ys='each')
    assert len(session.graph.get_operations()) == after


def test_each_does_without_more_passes_in_a_finalized_graph(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('elrp', mlp(X), X)
    expected = one_by_one(explainer, normal(2, 4), 3, (3,))
    session.graph.finalize()
    np.testing.assert_allclose(explainer.run(normal(2, 4), ys='each'), expected, rtol=1e-9)


def test_each_adds_no_pass_to_a_loop(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h * h), (0, X), maximum_iterations=3)[1]
        explainer = de.get_explainer('saliency', T, X)
    explainer.run(normal(2, 4))
    found = explainer.run(normal(2, 4), ys='each')
    assert len(explainer.engine.back.passes) == 1
    np.testing.assert_allclose(found, one_by_one(explainer, normal(2, 4), 4, (4,)))


def test_each_from_many_threads(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('deeplift', mlp(X, 9), X)
    expected = one_by_one(explainer, normal(6, 4), 9, (9,))
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda _: explainer.run(normal(6, 4), ys='each'), range(6)))
    for i in range(6):
        np.testing.assert_allclose(found[i], expected, rtol=1e-9)
    assert len(explainer.engine.back.passes) == backward.MOST_PASSES


@pytest.mark.parametrize('ys', ['every', ''])
def test_other_words_than_each_are_refused(session, ys):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        with pytest.raises(ArgumentError, match=f"ys must be an array of weights, or 'each'; got '{ys}'"):
            de.explain('saliency', mlp(X), X, normal(2, 4), ys)


def test_each_of_a_scalar_is_all_there_is(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('grad*input', tf.reduce_sum(mlp(X)), X)
    np.testing.assert_allclose(explainer.run(normal(3, 4), ys='each'), [explainer.run(normal(3, 4))])


def test_a_further_call_takes_no_name_of_the_graph(session):
    """A name that is taken is kept as long as the graph: a million calls grew by 22 bytes each."""
    X = tf.placeholder(tf.float64, [None, 4])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('saliency', mlp(X), X)
    explainer.run(normal(2, 4), ys='each')
    before = session.graph.unique_name('deepexplain', mark_as_used=False)
    explainer.run(normal(2, 4), ys='each')
    assert session.graph.unique_name('deepexplain', mark_as_used=False) == before


@pytest.mark.parametrize(
    'arguments', [{}, {'window_shape': 3, 'step': 1}, {'feature_mask': np.arange(900).reshape(30, 30)}]
)
def test_occlusion_holds_little_more_than_twice_its_result(session, monkeypatch, arguments):
    monkeypatch.setattr(occlusion, 'MOST_LOSSES', 1 << 10)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 30, 30])
        T = tf.reduce_mean(X, axis=1)[:, :3] @ normal(3, 2000).astype('float32')
        explainer = de.get_explainer('occlusion', T, X, **arguments)
    xs = normal(1, 30, 30)
    explainer.run(xs, 'each', batch_size=8)
    tracemalloc.start()
    found = explainer.run(xs, 'each', batch_size=8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.2 * found.nbytes


@every_name
def test_what_does_not_fit_is_refused_before_it_is_computed(session, monkeypatch, method):
    monkeypatch.setattr(memory, 'free_memory', lambda: 1000)
    monkeypatch.setattr(memory, '_SMALL', 0)
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        explainer = de.get_explainer(method, mlp(X), X, **ARGUMENTS[method])
    with pytest.raises(
        MemoryLimitError, match=f"'{re.escape(method)}' of each of 3 outputs for 99 samples needs 0.0 GiB"
    ):
        explainer.run(normal(99, 4), 'each')


def test_an_array_that_cannot_be_had_is_an_error_in_words(session, monkeypatch):
    def fails(*_):
        raise MemoryError('Unable to allocate 59.6 GiB')

    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        explainer = de.get_explainer('occlusion', mlp(X), X)
    monkeypatch.setattr(changes, 'Perturbed', fails)
    with pytest.raises(
        MemoryLimitError, match="'occlusion' does not fit in memory: Unable to allocate 59.6 GiB. Give fewer"
    ):
        explainer.run(normal(2, 4))
