"""What every method returns from run, and the progress that it shows."""

from dataclasses import fields

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import (
    ARGUMENTS,
    dense,
    every_method,
    every_name,
    explain,
    gradient_methods,
    mlp,
    normal,
    perturbation_methods,
    sparse,
)

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine import changes, gradients
from deepexplain.tensorflow.methods import attribution_methods
from deepexplain.tensorflow.runtime import progress
from deepexplain.tensorflow.runtime import session as runtime_session


@every_method
@pytest.mark.parametrize('dtype', ['float16', 'float32', 'float64', 'bfloat16'])
def test_the_result_has_the_dtype_of_X_and_the_shape_of_xs(session, method, kwargs, dtype):
    if dtype == 'bfloat16' and tf.VERSION.startswith('1.'):
        pytest.skip('TensorFlow 1.15 has no bfloat16 kernels for these networks')
    X = tf.placeholder(dtype, [None, 4])
    found = explain(session, method, lambda X: tf.nn.relu(dense(X, 3)), normal(5, 4), X, **kwargs)
    assert found.dtype == X.dtype.as_numpy_dtype
    assert found.shape == (5, 4)
    assert method == 'zero' or np.abs(found.astype('float64')).max() > 0.1


@every_method
def test_xs_ys_and_baselines_are_not_modified(session, method, kwargs):
    xs, ys, baseline = normal(5, 4), normal(5, 3), normal(4)
    kwargs = dict(kwargs, baseline=baseline) if method in ('intgrad', 'deeplift') else kwargs
    copies = [a.copy() for a in (xs, ys, baseline)]
    for a in (xs, ys, baseline):
        a.setflags(write=False)  # writing raises
    explain(session, method, mlp, xs, ys=ys, batch_size=2, **kwargs)
    for a, b in zip((xs, ys, baseline), copies):
        np.testing.assert_array_equal(a, b)


@gradient_methods
@pytest.mark.parametrize('kind', [list, tuple])
def test_several_inputs_give_a_list(session, method, kwargs, kind):
    X1, X2 = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float64, [None, 3, 1])

    def build(X):
        return mlp(tf.concat([tf.cast(X[0], tf.float64), X[1][:, :, 0]], axis=1))

    found = explain(
        session, method, build, kind([normal(5, 2), normal(5, 3, 1)]), kind([X1, X2]), batch_size=2, **kwargs
    )
    assert isinstance(found, list)
    assert [(a.shape, a.dtype.name) for a in found] == [((5, 2), 'float32'), ((5, 3, 1), 'float64')]
    joined = tf.placeholder(tf.float64, [None, 5])
    together = explain(session, method, mlp, np.hstack([normal(5, 2), normal(5, 3)]), joined, **kwargs)
    np.testing.assert_allclose(np.hstack([found[0], found[1][:, :, 0]]), together, rtol=2e-3, atol=1e-4)


@every_method
def test_unknown_arguments_are_refused_with_the_known_ones(session, method, kwargs):
    known = ', '.join([*[field.name for field in fields(attribution_methods[method][0])], 'strict'])
    with pytest.raises(TypeError, match=rf"'.*' does not know the argument 'stepz'; it takes {known}\."):
        explain(session, method, mlp, normal(5, 4), stepz=3, **kwargs)


@perturbation_methods
def test_perturbation_needs_no_gradient(session, method, kwargs):
    found = explain(session, method, lambda X: tf.cast(tf.cast(X, tf.int32), tf.float64), [[3, -2, 0, 1]], **kwargs)
    np.testing.assert_allclose(found, [[3, -2, 0, 1]])


@perturbation_methods
def test_perturbation_of_token_ids(session, method, kwargs):
    # Id 0 stands for "no token". Attributions of integers are float32.
    X = tf.placeholder(tf.int32, [None, 3], name='ids')
    table = normal(9, 2)
    table[0] = 0
    ids = [[1, 5, 0], [2, 2, 8]]
    found = explain(session, method, lambda X: tf.gather(tf.constant(table), X), ids, X, **kwargs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, table[np.array(ids)].sum(axis=-1), rtol=1e-6)
    with pytest.raises(TypeError, match="xs must hold integers, as 'ids:0' does; its dtype is float64"):
        explain(session, method, lambda X: tf.gather(tf.constant(table), X), [[1.5, 2, 3]], X, **kwargs)


def test_lookups_in_X_have_dense_attributions(session):
    # The gradient of a gather is sparse in TensorFlow.
    found = explain(
        session, 'grad*input', lambda X: tf.gather(X, [0, 1, 1]), [[1, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9]]
    )
    np.testing.assert_allclose(found, [[1, 2, 3, 4], [10, 12, 14, 16], [0, 0, 0, 0]])


# progress


@every_name
@pytest.mark.parametrize('ys', [None, 'each'])
def test_progress_counts_every_row_to_the_end(session, method, ys, monkeypatch):
    bars = []

    class Bar(progress.NoProgress):
        def __init__(self, total, name):
            self.total, self.name, self.rows, self.closed = total, name, 0, False
            bars.append(self)

        def update(self, rows):
            assert rows > 0
            self.rows += rows

        def close(self):
            self.closed = True

    for module in (gradients, changes):
        monkeypatch.setattr(module, 'progress_bar', lambda wanted, total, name: Bar(total, name))
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        xs = sparse(np.random.RandomState(0), 6, 4)
        de.explain(method, mlp(X, 9), X, xs, ys, batch_size=4, progress=True, **ARGUMENTS[method])
    (bar,) = bars
    assert bar.name == method
    assert bar.closed
    assert bar.rows == bar.total > 0


def test_progress_is_shown_where_it_is_wanted(session, capsys):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        T = mlp(X)
        de.explain('intgrad', T, X, normal(2, 4), steps=10)
        assert capsys.readouterr().err == ''
        de.explain('intgrad', T, X, normal(2, 4), steps=10, progress=True)
        assert 'intgrad: 100%' in capsys.readouterr().err


def test_progress_ends_with_an_error(session, monkeypatch):
    closed = []
    monkeypatch.setattr(progress.NoProgress, 'close', lambda self: closed.append(self))
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, 4])
        explainer = de.get_explainer('intgrad', mlp(X), X, steps=10)
    explainer.run(normal(2, 4))
    monkeypatch.setattr(runtime_session.Runner, 'run', lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explainer.run(normal(2, 4))
    assert len(closed) == 2
