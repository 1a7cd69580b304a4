"""The arguments of a call: xs, ys and feeds, as they are checked, fed to each run and refused."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import every_method, explain, gradient_methods, mlp, normal, weights

from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.engine.request import Request
from deepexplain.tensorflow.runtime.session import Feeds, Runner


@every_method
@pytest.mark.parametrize(
    'convert',
    [lambda xs: xs.tolist(), lambda xs: list(xs), lambda xs: xs.astype('int8'), lambda xs: xs.astype('float32')],
    ids=['nested lists', 'list of rows', 'int8', 'float32'],
)
def test_xs_of_any_kind_of_number(session, method, kwargs, convert):
    xs = np.round(3 * normal(5, 4))
    build, X = mlp, tf.placeholder(tf.float64, [None, 4])
    expected = explain(session, method, build, xs, X, **kwargs)
    np.testing.assert_allclose(explain(session, method, build, convert(xs), X, **kwargs), expected)


class OnDisk:
    """As a memory map of data that does not fit in memory: only slices can be had."""

    def __init__(self, array):
        self.array, self.dtype, self.shape, self.ndim = array, array.dtype, array.shape, array.ndim
        self.most = 0

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        found = self.array[index]
        if isinstance(index, slice):
            self.most = max(self.most, len(found))
        return found

    def __array__(self, *args, **kwargs):
        raise MemoryError('the whole of it was read')


@every_method
def test_what_does_not_fit_in_memory_is_read_in_batches(session, method, kwargs, monkeypatch, tmp_path):
    from deepexplain.tensorflow.runtime import samples

    monkeypatch.setattr(samples, '_SCAN_BYTES', 4 * 4 * 8)  # the scan for nan reads four rows at a time
    X = tf.placeholder(tf.float64, [None, 4])
    expected = explain(session, method, mlp, normal(23, 4), X, batch_size=4, **kwargs)
    xs = OnDisk(normal(23, 4))
    np.testing.assert_array_equal(explain(session, method, mlp, xs, X, batch_size=4, **kwargs), expected)
    assert 1 <= xs.most <= 4
    np.save(str(tmp_path / 'xs.npy'), normal(23, 4))
    mapped = np.load(str(tmp_path / 'xs.npy'), mmap_mode='r')
    np.testing.assert_array_equal(explain(session, method, mlp, mapped, X, batch_size=4, **kwargs), expected)


# ys


@every_method
def test_ys_with_and_without_the_batch_axis(session, method, kwargs):
    ys = normal(3)
    alike = explain(session, method, mlp, normal(5, 4), ys=ys, **kwargs)
    repeated = explain(session, method, mlp, normal(5, 4), ys=np.tile(ys, (5, 1)), batch_size=2, **kwargs)
    np.testing.assert_allclose(alike, repeated, rtol=1e-6, atol=1e-12)


@every_method
@pytest.mark.parametrize('shape', [(5, 1), (1, 3), (5,), (4, 3), (3, 5), (5, 3, 1), ()])
def test_other_shapes_of_ys_are_refused_with_both(session, method, kwargs, shape):
    with pytest.raises(RuntimeError) as caught:
        explain(session, method, mlp, normal(5, 4), ys=np.ones(shape), **kwargs)
    assert '(5, 3)' in str(caught.value)
    assert f'got {shape}' in str(caught.value)


@every_method
def test_ys_for_a_T_with_open_dimensions(session, method, kwargs):
    X = tf.placeholder(tf.float64, [None, None, 2])
    with pytest.raises(ValueError, match=r'ys must have the shape of T: \(4, 3, 2\).*got \(4, 1, 2\)'):
        explain(session, method, tf.tanh, normal(4, 3, 2), X, ys=np.ones((4, 1, 2)), **kwargs)
    found = explain(session, method, tf.tanh, normal(4, 3, 2), X, ys=np.ones((3, 2)), **kwargs)
    np.testing.assert_allclose(found, explain(session, method, tf.tanh, normal(4, 3, 2), X, **kwargs))


def test_ys_of_words_or_nan_is_refused(session):
    with pytest.raises(TypeError, match='ys must hold real numbers; its dtype is <U3'):
        explain(session, 'saliency', mlp, normal(5, 4), ys=['cat', 'dog', 'cow', 'cat', 'dog'])
    with pytest.raises(ValueError, match='ys holds nan'):
        explain(session, 'saliency', mlp, normal(5, 4), ys=[0, np.nan, 1])


# feeds


@every_method
def test_other_placeholders_are_fed(session, method, kwargs):
    keep, shift = tf.placeholder(tf.float64, []), tf.placeholder(tf.float64, [None, 4])
    training = tf.placeholder_with_default(False, [])

    def build(X):
        return mlp(tf.cond(training, lambda: 0 * X, lambda: keep * X + shift))

    X = tf.placeholder(tf.float64, [None, 4])
    shifts = normal(5, 4, seed=3)
    # One row a sample: batched with the samples. Not so: fed whole.
    found = explain(
        session, method, build, normal(5, 4), X, batch_size=3, feed_dict={keep: 0.5, shift.name: shifts}, **kwargs
    )
    one_by_one = [
        explain(
            session,
            method,
            build,
            normal(5, 4)[i : i + 1],
            X,
            feed_dict={keep.name: 0.5, shift: shifts[i : i + 1]},
            **kwargs,
        )
        for i in range(5)
    ]
    np.testing.assert_allclose(found, np.concatenate(one_by_one), rtol=1e-6, atol=1e-12)


@every_method
def test_feeds_meet_their_samples_in_equal_batches(session, method, kwargs):
    # Batches of one size, so that nothing kept from the first batch may serve the second.
    shift = tf.placeholder(tf.float64, [None, 4])
    shifts = normal(6, 4, seed=3)
    X = tf.placeholder(tf.float64, [None, 4])
    found = explain(
        session,
        method,
        lambda X: mlp(X + shift),
        normal(6, 4),
        X,
        batch_size=3,
        feed_dict={shift.name: shifts},
        **kwargs,
    )
    for i in range(6):
        feed_dict = {shift.name: shifts[i : i + 1]}
        alone = explain(
            session, method, lambda X: mlp(X + shift), normal(6, 4)[i : i + 1], X, feed_dict=feed_dict, **kwargs
        )
        np.testing.assert_allclose(found[i : i + 1], alone, rtol=1e-6, atol=1e-12)


@every_method
def test_a_feed_with_the_same_fixed_batch_is_batched_with_the_samples(session, method, kwargs):
    X, shift = tf.placeholder(tf.float64, [2, 4]), tf.placeholder(tf.float64, [2, 4])
    shifts = normal(5, 4, seed=3)
    found = explain(session, method, lambda X: mlp(X + shift), normal(5, 4), X, feed_dict={shift: shifts}, **kwargs)
    both, free = tf.placeholder(tf.float64, [None, 4]), tf.placeholder(tf.float64, [None, 4])
    expected = explain(session, method, lambda X: mlp(X + free), normal(5, 4), both, feed_dict={free: shifts}, **kwargs)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


@every_method
def test_data_that_a_run_would_pull_must_be_fed(session, method, kwargs):
    labels = tf.data.make_one_shot_iterator(tf.data.Dataset.range(10).repeat().batch(5)).get_next()
    weights_of = tf.one_hot(labels % 3, 3, dtype=tf.float64)
    with pytest.raises(ValueError, match="also reads 'IteratorGetNext:0', which gives other data in every session run"):
        explain(session, method, lambda X: mlp(X) * weights_of, normal(5, 4), **kwargs)
    fed = explain(session, method, lambda X: mlp(X) * weights_of, normal(5, 4), feed_dict={labels: range(5)}, **kwargs)
    np.testing.assert_allclose(
        fed, explain(session, method, mlp, normal(5, 4), ys=np.eye(3)[[0, 1, 2, 0, 1]], **kwargs), rtol=1e-6
    )


@every_method
def test_a_missing_placeholder_is_named(session, method, kwargs):
    keep = tf.placeholder(tf.float64, [], name='keep_prob')
    unrelated = tf.placeholder(tf.float64, [], name='unrelated')
    with pytest.raises(ValueError, match='placeholders that have no value') as caught:
        explain(session, method, lambda X: mlp(keep * X), normal(5, 4), **kwargs)
    assert "'keep_prob:0' (float64, shape ())" in str(caught.value)
    assert "feed_dict={'keep_prob:0': ...}" in str(caught.value)
    assert unrelated.op.name not in str(caught.value)


@every_method
@pytest.mark.parametrize('default', [False, True])
def test_the_learning_phase_of_keras_is_fed_zero(session, method, kwargs, default):
    if default:
        phase = tf.placeholder_with_default(True, [], name='keras_learning_phase')
    else:
        phase = tf.placeholder(tf.bool, [], name='batch_norm/keras_learning_phase')
    found = explain(
        session,
        method,
        lambda X: mlp(X) * tf.where(phase, weights(3, dtype=tf.float64), [1, 1, 1]),
        normal(5, 4),
        **kwargs,
    )
    np.testing.assert_allclose(found, explain(session, method, mlp, normal(5, 4), **kwargs))


@pytest.mark.parametrize(
    ('feed_dict', 'message'),
    [
        ({'nothing:0': 1}, "feed_dict: .*'nothing:0'"),
        ({'X:0': 1}, "feed_dict must not hold 'X:0': it is fed from xs or ys"),
        ({3: 1}, 'feed_dict: keys must be tensors of the explained graph, or their names; got 3'),
        (['keep:0'], r"feed_dict must be a dict of tensors or names to values; got \['keep:0'\]"),
        ({'keep:0': 'much'}, "feed_dict: the value of 'keep:0' must hold real numbers; its dtype is <U4"),
    ],
)
def test_a_feed_that_does_not_fit_is_refused(session, feed_dict, message):
    keep = tf.placeholder(tf.float64, [], name='keep')
    with pytest.raises(RuntimeError, match=message):
        explain(
            session,
            'saliency',
            lambda X: mlp(keep * X),
            normal(5, 4),
            tf.placeholder(tf.float64, [None, 4], name='X'),
            feed_dict=feed_dict,
        )


# what is refused


@every_method
@pytest.mark.parametrize(
    ('xs', 'kind', 'message'),
    [
        (
            normal(5, 3),
            ValueError,
            r"xs must have the shape of 'X:0', \(None, 4\) with the samples first; got \(5, 3\).$",
        ),
        (normal(4), ValueError, r'got \(4,\). A sample by itself: \[xs\].$'),
        (3.0, ValueError, r'got \(\)'),
        (np.zeros((0, 4)), ValueError, r'xs is empty: .* got shape \(0, 4\)'),
        ([], ValueError, r'got \(0,\)'),
        (
            [[1, 2, 3, np.nan]],
            ValueError,
            r'xs holds nan or infinite values \(as float64\): the first is at index \(0, 3\)',
        ),
        ([[0, 0, 0, 0], [1, np.inf, 3, 4]], ValueError, r'index \(1, 1\)'),
        ([['a', 'b', 'c', 'd']], TypeError, 'xs must hold real numbers; its dtype is <U1'),
        ([[1j, 0, 0, 0]], TypeError, 'its dtype is complex128'),
        (None, TypeError, 'xs must be an array; got None'),
    ],
)
def test_bad_xs_are_refused(session, method, kwargs, xs, kind, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        explain(session, method, mlp, xs, tf.placeholder(tf.float64, [None, 4], name='X'), **kwargs)
    assert isinstance(caught.value, kind)


class Sparse:
    def toarray(self):
        raise AssertionError('not asked for')


class Table:
    """As a pandas DataFrame: indexed by label, columns of several types."""

    dtype, shape = np.dtype(object), (5, 4)

    def __init__(self, array):
        self.array = array

    def to_numpy(self):
        return self.array.astype(object)

    def __getitem__(self, label):
        raise KeyError(label)


@every_method
def test_tables_matrices_and_masked_arrays(session, method, kwargs):
    xs = normal(5, 4)
    X = tf.placeholder(tf.float64, [4, 4])
    expected = explain(session, method, mlp, xs, X, **kwargs)
    for same in (Table(xs), xs.view(np.matrix), np.ma.array(xs, mask=False)):
        np.testing.assert_allclose(explain(session, method, mlp, same, X, **kwargs), expected)


@pytest.mark.parametrize(
    ('xs', 'kind', 'message'),
    [
        (Sparse(), TypeError, r'xs is a sparse Sparse: pass its toarray\(\)'),
        (np.ma.array(normal(5, 4), mask=normal(5, 4) > 0), ValueError, 'xs has masked values'),
        (np.zeros((3, 4, 0)), ValueError, 'got'),
    ],
)
def test_xs_that_only_look_like_arrays_are_refused(session, xs, kind, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        explain(session, 'saliency', mlp, xs)
    assert isinstance(caught.value, kind)


def test_a_symbolic_tensor_as_xs_is_refused(session):
    X = tf.placeholder(tf.float64, [None, 4])
    with pytest.raises(TypeError, match='xs must hold real numbers'):
        explain(session, 'saliency', mlp, X, X)


def test_integers_that_do_not_fit_are_refused(session):
    X = tf.placeholder(tf.uint8, [None, 2])
    with pytest.raises(
        ValueError, match=r'xs holds numbers that do not fit \(as uint8\): the first is at index \(0, 1\)'
    ):
        explain(session, 'occlusion', lambda X: tf.cast(X, tf.float32), [[5, 300]], X)


def test_values_too_large_for_X_are_refused(session):
    with pytest.raises(ValueError, match=r'infinite values \(as float32\)'):
        explain(session, 'saliency', mlp, [[1e300, 0, 0, 0]], tf.placeholder(tf.float32, [None, 4]))


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')
@gradient_methods
@pytest.mark.parametrize(
    ('xs', 'message'),
    [
        ([normal(5, 4)], 'xs must be a list of 2 arrays, .*; got a list of 1'),
        (normal(5, 4), 'xs must be a list of 2 arrays, .*; got an array of'),
        ([normal(5, 4), normal(4, 4)], r'All inputs must have the same number of samples; got \[5, 4\]'),
        ([normal(5, 4), normal(5, 3)], r"xs\[1\] must have the shape of 'X2:0'"),
        ([normal(5, 4), normal(5, 4) * np.nan], r'xs\[1\] holds nan'),
    ],
)
def test_bad_xs_of_several_inputs_are_refused(session, method, kwargs, xs, message):
    X = [tf.placeholder(tf.float64, [None, 4], name=name) for name in ('X1', 'X2')]
    with pytest.raises(ValueError, match=message):
        explain(session, method, lambda X: mlp(X[0] * X[1]), xs, X, **kwargs)


class Echo:
    """A session that returns what it is fed."""

    def run(self, fetches, feed_dict):
        return [feed_dict[tensor.name] for tensor in fetches]


@pytest.fixture
def tensors(session):
    X = tf.placeholder(tf.float64, [None, 2], name='X')
    Y = tf.placeholder_with_default(np.ones((), 'float64'), None, name='Y')
    side = tf.placeholder(tf.float64, [None], name='side')
    return X, Y, side


def call(tensors, n=5, fixed_rows=None, ys=None, side=None):
    X, Y, side_tensor = tensors
    feeds = Feeds(X.graph, {} if side is None else {side_tensor: side}, n, [X, Y])
    one = Request(Runner(Echo()), [X], [normal(n, 2)], feeds, fixed_rows)
    return one if ys is None else one.weighted(Y, *ys)


def test_parts_cover_the_samples(tensors):
    assert call(tensors).parts(2) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert call(tensors).parts(9) == [slice(0, 5)]


def test_copies_take_ys_and_feeds_with_them(tensors):
    X, Y, side = tensors
    ys = np.arange(10.0).reshape(5, 2)
    one = call(tensors, ys=(ys, True), side=np.arange(5.0))
    of, rows = np.array([2, 3, 3, 0]), [normal(4, 2)]
    found_x, found_y, found_side = one.run([X, Y, side], of, rows)
    np.testing.assert_array_equal(found_x, rows[0])
    np.testing.assert_array_equal(found_y, ys[of])
    np.testing.assert_array_equal(found_side, [2, 3, 3, 0])


def test_selecting_outputs_gives_each_placeholder_a_one_hot_weight(tensors):
    _, Y, side = tensors
    one = call(tensors).with_outputs((2, 3))
    weights = one.selecting([Y, side], 4).weights
    assert [(tensor, per_row) for tensor, _, per_row in weights] == [(Y, False), (side, False)]
    np.testing.assert_array_equal([value for _, value, _ in weights], np.eye(6)[4:].reshape(2, 2, 3))
    assert len(one.selecting([Y, side], 5).weights) == 1
    assert not one.weights


def test_padding_repeats_the_last_row_and_is_trimmed(tensors):
    X, Y, side = tensors
    one = call(tensors, fixed_rows=4, ys=(np.arange(5.0), True), side=np.arange(5.0))
    found = one.run([X, Y, side], slice(3, 5), trim=False)
    np.testing.assert_array_equal(found[0], normal(5, 2)[[3, 4, 4, 4]])
    np.testing.assert_array_equal(found[1:], [[3, 4, 4, 4]] * 2)
    np.testing.assert_array_equal(one.run([side], slice(3, 5))[0], [3, 4])


def test_values_without_a_row_a_sample_are_fed_whole(tensors):
    side = tensors[2]
    assert not call(tensors, side=np.arange(3.0)).feeds.per_row
    np.testing.assert_array_equal(call(tensors, side=np.arange(3.0)).run([side], slice(0, 2))[0], [0, 1, 2])
    assert call(tensors, side=np.arange(5.0)).feeds.per_row


def test_a_probe_repeats_samples_and_what_belongs_to_them(tensors):
    X, _, side = tensors
    probe = call(tensors, ys=(np.arange(5.0), True), side=np.arange(5.0)).probe([4, 0, 4])
    assert probe.n == 3
    assert not probe.weights
    np.testing.assert_array_equal(probe.run([X], slice(0, 3))[0], normal(5, 2)[[4, 0, 4]])
    np.testing.assert_array_equal(probe.run([side], slice(0, 3))[0], [4, 0, 4])


@pytest.mark.parametrize('method', ['saliency', 'occlusion', 'intgrad'])
def test_a_feed_between_X_and_T_is_refused_and_one_beside_is_not(session, method):
    X = tf.placeholder(tf.float32, [None, 4], name='X')
    state = tf.zeros_like(X, name='state')  # depends on the shape of X alone
    bias = tf.identity(tf.constant(1.0), name='bias')
    hidden = tf.nn.relu(X + state + bias, name='hidden')
    left, unread = tf.split(hidden, 2, axis=1, name='split')
    T = tf.add(tf.reduce_sum(left, axis=1), tf.reduce_sum(hidden, axis=1), name='T')
    tf.identity(unread)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X)
    xs = normal(3, 4)
    fed = explainer.run(xs, feed_dict={'state': np.full((3, 4), -2.0), 'bias': 0.5, unread.name: np.ones((3, 2))})
    assert not np.array_equal(fed, explainer.run(xs))
    for tensor, value, why in [
        (hidden, np.ones((3, 4)), 'it lies between X and T'),
        (left, np.ones((3, 2)), 'it lies between X and T'),  # one of two ways
        (T, np.ones(3), 'it is T'),
    ]:
        with pytest.raises(
            ArgumentError, match=f"feed_dict must not hold '{tensor.name}': {why}, and X would not reach T"
        ):
            explainer.run(xs, feed_dict={tensor.name: value})


def test_a_tensor_fed_twice_is_refused(session):
    X, _ = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [], name='keep')
    with pytest.raises(ArgumentError, match="feed_dict holds 'keep:0' twice"):
        Feeds(X.graph, {'keep': 1.0, 'keep:0': 2.0}, 1, [])


def test_the_handle_of_a_variable_cannot_be_fed(session):
    handle = tf.Variable(1.0, use_resource=True).handle
    with pytest.raises(ArgumentError, match=r"feed_dict: '.*' \(resource\) cannot be fed"):
        Feeds(handle.graph, {handle.name: 1}, 1, [])


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
@pytest.mark.parametrize('shape', [(3,), (2, 2), ()])
def test_ys_that_select_one_output_are_weights_like_others(session, method, shape):
    xs, size = normal(6, 4), int(np.prod(shape))
    X = tf.placeholder(tf.float64, [None, 4])
    T = tf.reshape(mlp(X, outputs=size) if shape else mlp(X, outputs=1), [-1, *shape])
    flat = np.zeros((6, size))
    flat[np.arange(6), np.arange(6) % size] = [2.0, -1.0, 0.5, 0.0, 3.0, 1.0]  # of one sample nothing has a weight
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, **({'seed': 1} if method == 'shapley_sampling' else {}))
        found = explainer.run(xs, flat.reshape(6, *shape))
        each = np.moveaxis(explainer.run(xs, 'each').reshape(size, 6, 4), 0, 1)
    np.testing.assert_allclose(found, (each * flat[..., None]).sum(axis=1), atol=1e-12)
    assert (found[3] == 0).all()
    assert (found[[0, 1, 2, 4, 5]] != 0).any(axis=1).all()


@pytest.mark.parametrize('method', ['occlusion', 'shapley_sampling'])
def test_outputs_that_ys_do_not_select_may_be_undefined(session, method):
    X = tf.placeholder(tf.float64, [None, 2])
    xs = np.array([[1.0, 2.0], [-1.0, 3.0]])
    T = tf.stack([tf.reduce_sum(X, 1), tf.log(X[:, 0])], axis=1)  # log(-1), and log(0) without the feature
    assert explain(session, method, lambda _: T, xs, X, ys=[[1, 0], [1, 0]]).tolist() == xs.tolist()
