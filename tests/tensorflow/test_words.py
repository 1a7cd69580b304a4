"""What is said where something cannot be: which op or argument, what came, and what to do instead."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainError, GraphError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.methods import Occlusion

GRADIENT_METHODS = ['saliency', 'grad*input', 'intgrad', 'elrp', 'deeplift']


@pytest.fixture
def explainer(session):
    X = tf.placeholder(tf.float32, [None, 2])
    with DeepExplain(session=session) as de:
        yield de.get_explainer('occlusion', tf.reduce_sum(X, 1), X)


# what is set on an explainer


@pytest.mark.parametrize(
    ('name', 'argument'), [('replace_value', 'baseline'), ('baseline', 'baseline'), ('steps', 'steps'), ('T', 'T')]
)
def test_setting_what_nothing_reads_is_refused(explainer, name, argument):
    with pytest.raises(AttributeError, match=f"'{name}' cannot be set.*get_explainer.*{argument}=") as caught:
        setattr(explainer, name, 0.5)
    assert isinstance(caught.value, DeepExplainError)
    with pytest.raises(AttributeError):
        explainer.with_arguments(baseline=0.5).replace_value = 1.0


def test_a_private_attribute_and_a_wrapped_method_are_taken(explainer):
    explainer._mine = 1
    run, calls = explainer.run, []
    explainer.run = lambda xs: calls.append(1) or run(xs)
    np.testing.assert_allclose(explainer.run([[3.0, 5.0]]), [[3.0, 5.0]])
    assert explainer._mine == 1
    assert calls == [1]


def test_a_method_written_for_0_3_takes_attributes(session):
    class Mine(Occlusion):
        def run(self, xs, ys=None, batch_size=None):
            self.last = xs
            return super().run(xs, ys, batch_size)

    X = tf.placeholder(tf.float32, [None, 2])
    with DeepExplain(session=session):
        mine = Mine(tf.reduce_sum(X, 1), X, session)
    mine.note = 'mine'
    mine.run(np.ones((1, 2)))
    assert (mine.note, mine.last.shape) == ('mine', (1, 2))


@pytest.mark.parametrize('copied', [pickle.dumps, copy.deepcopy, lambda e: pickle.dumps({'e': [e]}, protocol=2)])
def test_pickling_says_what_to_pickle(explainer, copied):
    with pytest.raises(
        TypeError, match=r"belongs to a session. What travels is a Recipe: Recipe\('model.keras', method"
    ):
        copied(explainer)


def test_what_it_says_can_be_done(explainer, session):
    assert copy.copy(explainer) is explainer
    method, T, X = pickle.loads(pickle.dumps((explainer.method, explainer.T.name, explainer.X.name)))
    with DeepExplain(session=session) as de:
        assert de.get_explainer(method.name, T, X) == explainer


# xs


def sum_of_two(session):
    A, B = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 3])
    return tf.reduce_sum(A**2, 1) - 2 * tf.reduce_sum(B**2, 1), [A, B]


@pytest.mark.parametrize('method', GRADIENT_METHODS)
def test_one_array_for_a_list_of_inputs_is_taken_apart(session, method):
    T, X = sum_of_two(session)
    xs = normal(2, 4, 3)
    with DeepExplain(session=session) as de, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for found, expected in zip(de.explain(method, T, X, xs), de.explain(method, T, X, list(xs))):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('n', [1, 2, 3])
def test_one_array_for_a_list_of_one_input(session, n):
    A = tf.placeholder(tf.float32, [None, 3])
    xs = normal(n, 3)
    with DeepExplain(session=session) as de:
        expected = de.explain('grad*input', tf.reduce_sum(A**2, 1), A, xs)
        for given in (xs, [xs], xs[None]):
            (found,) = de.explain('grad*input', tf.reduce_sum(A**2, 1), [A], given)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ('xs', 'came'),
    [
        ([[1.0], [2.0], [3.0]], 'a list of 3'),
        (normal(4, 3), r'an array of shape \(4, 3\)'),
        (normal(2, 3), r'an array of shape \(2, 3\)'),
        (normal(3, 4, 3), r'an array of shape \(3, 4, 3\)'),
    ],
)
def test_other_numbers_of_inputs_and_arrays(session, xs, came):
    T, X = sum_of_two(session)
    words = r'List of input tensors and input data have different lengths: X is a list of 2 .* list of 2 arrays.* got '
    with DeepExplain(session=session) as de, pytest.raises(ArgumentError, match=words + came):
        de.explain('grad*input', T, X, xs)


def named(name, module, **members):
    return type(name, (), dict(members, __module__=module, __iter__=lambda self: iter([np.ones((1, 2))])))


@pytest.mark.parametrize(
    'stream',
    [
        lambda: (row for row in np.ones((3, 2))),
        lambda: iter(np.ones((3, 2))),
        lambda: tf.data.Dataset.from_tensor_slices(np.ones((3, 2), np.float32)),
        lambda: tf.data.Dataset.from_tensor_slices(np.ones((3, 2), np.float32)).batch(2),
        type('Mine', (tf.keras.utils.Sequence,), {'__len__': lambda s: 1, '__getitem__': lambda s, i: np.ones((3, 2))}),
        named('DataLoader', 'torch.utils.data.dataloader', __len__=lambda self: 1),
        named('Batches', 'mine'),
    ],
)
def test_what_hands_out_pieces(explainer, stream, session):
    words = r'xs must be an array of samples; got a .*, which hands out pieces. Pass one piece at a time, without its'
    with pytest.raises(ArgumentTypeError, match=words):
        explainer.run(stream())
    T, X = sum_of_two(session)
    with DeepExplain(session=session) as de:
        with pytest.raises(ArgumentTypeError, match=words):
            de.explain('grad*input', T, X, stream())
        with pytest.raises(ArgumentTypeError, match=words.replace('xs', r'xs\[1\]')):
            de.explain('grad*input', T, X, [np.ones((1, 3)), stream()])


def test_a_dict_is_no_array(explainer):
    with pytest.raises(ArgumentTypeError, match='got a dict, which has no order of inputs. Pass arrays in the order'):
        explainer.run({'x': np.ones((1, 2))})


def test_what_can_be_read_as_an_array_is_no_stream(explainer):
    class Lazy:
        """Slices like an array, as a data set of HDF5, and has its name."""

        dtype, shape = np.dtype('f4'), (3, 2)
        __iter__ = None

        def __getitem__(self, of):
            return np.ones((3, 2), np.float32)[of]

    for xs in ([range(2), range(2)], ((1, 2), (3, 4)), [np.ones(2), [1, 2]], Lazy()):
        assert explainer.run(xs).shape[1:] == (2,)


# the graph


def test_a_session_that_finalizes_the_graph_leaves_what_the_error_says(session, tmp_path):
    """Of a MonitoredTrainingSession: built before, in a session of one's own, an explainer has the trained weights."""
    X = tf.placeholder(tf.float32, [None, 2], name='X')
    weight = tf.get_variable('weight', initializer=3.0, use_resource=False)
    T = tf.reduce_sum(X * weight, 1)
    step = tf.train.get_or_create_global_step()
    train = tf.group(tf.assign_add(weight, 1.0), tf.assign_add(step, 1))
    saver = tf.train.Saver()
    with DeepExplain(session=session) as de:
        before = de.get_explainer('grad*input', T, X)
    hook = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1, scaffold=None, saver=saver)
    with tf.train.MonitoredTrainingSession(hooks=[hook]) as monitored:
        monitored.run(train)
        with DeepExplain(session=monitored) as de:
            for method in GRADIENT_METHODS + ['occlusion']:
                with pytest.raises(GraphError, match=r'finalized.*tf.Session of your own.*Saver\(\).*open_model'):
                    de.get_explainer(method, T, X)
    saver.restore(session, tf.train.latest_checkpoint(str(tmp_path)))
    np.testing.assert_allclose(before.run([[1.0, 2.0]]), [[4.0, 8.0]])


def fractional(X):
    return tf.reduce_sum(tf.nn.fractional_avg_pool(X, [1.0, 1.5, 1.5, 1.0])[0], [1, 2, 3])


def in_an_array(X):
    handle, flow = tf.raw_ops.TensorArrayV3(size=2, dtype=tf.float32)
    for i in range(2):
        flow = tf.raw_ops.TensorArrayWriteV3(handle=handle, index=i, value=X, flow_in=flow)
    value = tf.raw_ops.TensorArrayConcatV3(handle=handle, flow_in=flow, dtype=tf.float32)[0]
    return tf.reduce_sum(tf.reshape(value, [2, -1, 4, 4, 1])[0], [1, 2, 3])


@pytest.mark.parametrize('method', ['saliency', 'grad*input', 'intgrad'])
def test_a_gradient_function_that_fails_is_named_with_its_op(session, method):
    X = tf.placeholder(tf.float32, [None, 4, 4, 1])
    words = r"through op '.*' \(FractionalAvgPool\), for which .* fails: (Value|Type)Error: .*fix it in the graph"
    with DeepExplain(session=session) as de, pytest.raises(GraphError, match=words):
        de.get_explainer(method, fractional(X), X)


def test_a_gradient_function_that_works_for_a_fixed_batch(session):
    X = tf.placeholder(tf.float32, [2, 4, 4, 1])
    with DeepExplain(session=session) as de:
        de.get_explainer('saliency', fractional(X), X)


@pytest.mark.skipif(tf.__version__.startswith('1.'), reason='TensorFlow 1 differentiates its arrays')
def test_an_assertion_of_tensorflow_names_its_op(session):
    X = tf.placeholder(tf.float32, [None, 4, 4, 1])
    words = r"through op '.*' \(TensorArrayConcatV3\), for which .* fails: AssertionError"
    with DeepExplain(session=session) as de, pytest.raises(GraphError, match=words):
        de.get_explainer('saliency', in_an_array(X), X)


def test_an_error_of_the_users_own_gradient_stays_what_it_is(session):
    @tf.custom_gradient
    def mine(x):
        def grad(dy):
            raise TypeError('mine')

        return x, grad

    X = tf.placeholder(tf.float32, [None, 4])
    with DeepExplain(session=session) as de, pytest.raises(TypeError, match='^mine$') as caught:
        de.get_explainer('saliency', mine(X), X)
    assert not isinstance(caught.value, DeepExplainError)


def test_a_key_error_is_no_op_without_a_gradient(session, monkeypatch):
    X = tf.placeholder(tf.float32, [None, 4])

    def interrupted(*args, **kwargs):
        raise KeyError('deepexplain/x')

    monkeypatch.setattr('deepexplain.tensorflow.engine.adding.tf.gradients', interrupted)
    with DeepExplain(session=session) as de, pytest.raises(KeyError):
        de.get_explainer('saliency', mlp(X), X)


@pytest.mark.parametrize('of', ['Floor', 'Round', 'Sign', 'Ceil', 'Rint', 'FloorMod', 'TruncateMod'])
def test_steps_have_a_complete_rule(session, of):
    X = tf.placeholder(tf.float32, [None, 3])
    op = getattr(tf.raw_ops, of)
    T = 5 + tf.reduce_sum(op(x=3 * X, y=2.0) if 'Mod' in of else op(x=3 * X), 1)
    xs = normal(5, 3)
    with DeepExplain(session=session) as de:
        e = de.get_explainer('deeplift', T, X, rules='complete', baseline=0.1, strict=True)
    attributions, delta = e.run(xs, return_convergence_delta=True)
    np.testing.assert_allclose(delta, 0, atol=1e-5)
    assert np.abs(attributions).max() > 0.1


@pytest.mark.parametrize('method', ['saliency', 'elrp', 'deeplift', 'intgrad'])
def test_steps_pass_no_gradient_where_no_rule_is_for_them(session, method):
    X = tf.placeholder(tf.float32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(GraphError, match=r"the first is op '.*' \(Floor\)"):
        de.get_explainer(method, tf.reduce_sum(tf.floor(X), 1), X)


def test_an_index_has_no_complete_rule(session):
    X = tf.placeholder(tf.float32, [None, 3])
    with DeepExplain(session=session) as de, pytest.raises(GraphError, match=r"the first is op '.*' \(ArgMax\)"):
        de.get_explainer('deeplift', tf.cast(tf.argmax(X, 1), tf.float32), X, rules='complete')
