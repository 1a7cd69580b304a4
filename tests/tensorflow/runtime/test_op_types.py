"""Which op types are linear: every one in the tables is built and shown to be."""

import numpy as np
import op_cases
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.runtime import op_types
from deepexplain.tensorflow.runtime.op_types import is_homogeneous, is_linear

OLD = tf.__version__.startswith('1.')

#: Op types -> why a TensorFlow cannot differentiate a graph with them, which is an error.
NO_GRADIENT = (
    {
        'Einsum': 'TensorFlow 1.15 has no gradient of it',
        'EuclideanNorm': 'TensorFlow 1.15 has no gradient of it',
        'TensorStridedSliceUpdate': 'TensorFlow 1.15 has no gradient of it',
    }
    if OLD
    else {
        'TensorArrayConcatV3': 'the gradient in TensorFlow 2 is for graphs without control flow v2',
        'TensorArraySplitV3': 'the gradient in TensorFlow 2 is for graphs without control flow v2',
    }
)


def _second(build, shape):
    return lambda x: build(op_cases.constant(*shape), x)


def _first(build, shape):
    return lambda x: build(x, op_cases.constant(*shape))


CASES = {**op_cases.LINEAR, **op_cases.LINEAR_IN_ONE}
CASES.update((op_type, (_first(*case), case[1])) for op_type, case in op_cases.BILINEAR.items())
CASES.update((f'{op_type}, second', (_second(*case), case[1])) for op_type, case in op_cases.BILINEAR.items())


def test_every_op_type_of_the_tables_is_built_or_cannot_be():
    tables = [op_types.LINEAR, op_types.BILINEAR, op_types.LINEAR_IN_FIRST, op_types.LINEAR_IN_SECOND]
    tables += [op_types.CHOICES, op_types.NORMALIZATION]
    named = [op_type for table in tables for op_type in table]
    assert len(set(named)) == len(named)
    built = {name.split(',')[0] for name in CASES}
    assert set(named) == built | set(op_cases.NOT_BUILT)
    assert not built & set(op_cases.NOT_BUILT)


@pytest.mark.parametrize('name', CASES)
def test_what_is_called_linear_is_linear(session, name):
    op_type, (build, shape) = name.split(',')[0], CASES[name]
    if not op_cases.exists(op_type):
        pytest.skip(f'TensorFlow {tf.__version__} has no {op_type}')
    X = tf.placeholder(tf.float64, shape)
    T = op_cases.weighted(build(X))
    assert op_type in {op.type for op in session.graph.get_operations()}
    x, y, zero = *np.random.RandomState(0).randn(2, *shape), np.zeros(shape)
    f = [session.run(T, {X: z}) for z in (2 * x - 3 * y, x, y, zero)]
    # Numbers in single precision are rounded.
    np.testing.assert_allclose(f[0] - f[3], 2 * (f[1] - f[3]) - 3 * (f[2] - f[3]), rtol=1e-5, atol=1e-4)
    if op_type in NO_GRADIENT:
        pytest.skip(NO_GRADIENT[op_type])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('deeplift', T, X, baseline=y[0])
    assert {row.treatment for row in explainer.describe().rows} == {'linear'}
    at_baseline = session.run(T, {X: np.broadcast_to(y[0], shape)})
    np.testing.assert_allclose(explainer.run(x).sum(), f[1] - at_baseline, rtol=1e-5, atol=1e-4)


def op_of(tensor):
    return (tensor[0] if isinstance(tensor, (list, tuple)) else tensor).op


def test_a_product_of_two_that_vary_is_not_linear(session):
    for build, shape in op_cases.BILINEAR.values():
        try:
            op = op_of(build(*[tf.placeholder(tf.float64, shape) for _ in range(2)]))
        except AttributeError:
            continue  # this TensorFlow has no such op
        if op.type == 'TridiagonalMatMul':
            assert not is_linear(op, [1, 3])
            continue
        continuous = [i for i, z in enumerate(op.inputs) if op_types.is_continuous(z)]
        assert len(continuous) == 2
        assert not is_linear(op, continuous)
        assert all(is_linear(op, [i]) for i in continuous)


def test_in_which_inputs_an_op_is_linear(session):
    x = tf.placeholder(tf.float64, [3, 3])
    raw = tf.raw_ops
    divided = raw.RealDiv(x=x, y=x).op
    assert (is_linear(divided, [0]), is_linear(divided, [1]), is_linear(divided, [0, 1])) == (True, False, False)
    solved = raw.MatrixSolve(matrix=x, rhs=x).op
    assert (is_linear(solved, [0]), is_linear(solved, [1]), is_linear(solved, [0, 1])) == (False, True, False)
    padded = raw.PadV2(input=x, paddings=[[1, 0], [0, 0]], constant_values=x[0, 0]).op
    assert (is_linear(padded, [0]), is_linear(padded, [0, 2])) == (True, False)
    cropped = raw.CropAndResize(
        image=tf.zeros([1, 4, 4, 1]), boxes=tf.zeros([2, 4]), box_ind=[0, 0], crop_size=[2, 2]
    ).op
    assert (is_linear(cropped, [0]), is_linear(cropped, [1])) == (True, False)
    chosen = raw.Select(condition=x > 0, x=x, y=x).op
    assert (is_linear(chosen, [1, 2]), is_linear(chosen, [0]), is_linear(chosen, [0, 1])) == (True, False, False)
    gathered = tf.gather(x, tf.argmax(x[0])).op
    assert (is_linear(gathered, [0]), is_linear(gathered, [0, 1])) == (True, False)
    normalized = [
        raw.FusedBatchNorm(
            x=tf.zeros([1, 2, 2, 1]), scale=[1.0], offset=[0.0], mean=mean, variance=mean, is_training=on
        ).y
        for on, mean in ((False, [1.0]), (True, []))
    ]
    assert [is_linear(z.op, [0]) for z in normalized] == [True, False]
    assert not is_linear(normalized[0].op, [0, 1])


def test_indices_are_not_linear_in_what_they_are_computed_of(session):
    x = tf.placeholder(tf.float32, [3, 3])
    for z in (tf.argmax(x), tf.cast(x, tf.int32), x > 0):
        assert not is_linear(z.op, [0])
    assert not is_linear(tf.cast(x > 0, tf.float32).op, [0])
    assert is_linear(tf.cast(x, tf.float64).op, [0])


def test_what_is_written_twice_by_dynamic_stitch(session):
    x = tf.placeholder(tf.float32, [3, 3])
    once = tf.dynamic_stitch([[0, 2], [1]], [x[:2], x[2:]])
    twice = tf.dynamic_stitch([[0, 1], [1]], [x[:2], x[2:]])
    assert is_linear(once.op, [2, 3])
    assert not is_linear(twice.op, [2, 3])


HOMOGENEOUS = {
    **{op_type: case for op_type, case in op_cases.MAXIMA.items() if op_type != 'Dilation2D'},
    'Abs': (tf.abs, (3, 4)),
    'ComplexAbs': (lambda x: tf.abs(tf.complex(x[:, 0], x[:, 1])), (3, 2)),
    'EuclideanNorm': (lambda x: tf.raw_ops.EuclideanNorm(input=x, axis=[1]), (3, 4)),
    'LeakyRelu': (tf.nn.leaky_relu, (3, 4)),
    'Maximum': (lambda x: tf.maximum(x[:2], x[1:]), (3, 4)),
    'Minimum': (lambda x: tf.minimum(x, 0.0), (3, 4)),
    'Relu': (tf.nn.relu, (3, 4)),
}


def test_every_homogeneous_op_type_is_built():
    assert set(HOMOGENEOUS) == op_types.HOMOGENEOUS


@pytest.mark.parametrize('op_type', sorted(HOMOGENEOUS))
def test_twice_the_input_gives_twice_the_output(session, op_type):
    if not op_cases.exists(op_type):
        pytest.skip(f'TensorFlow {tf.__version__} has no {op_type}')
    build, shape = HOMOGENEOUS[op_type]
    X = tf.placeholder(tf.float64, shape)
    T = op_cases.weighted(build(X))
    x = np.random.RandomState(0).randn(*shape)
    np.testing.assert_allclose(session.run(T, {X: 2 * x}), 2 * session.run(T, {X: x}), rtol=1e-6)
    if op_type in NO_GRADIENT:
        pytest.skip(NO_GRADIENT[op_type])
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer('elrp', T, X, strict=True, epsilon=1e-12)
    np.testing.assert_allclose(explainer.run(x).sum(), session.run(T, {X: x}), rtol=1e-5)


def test_maxima_with_a_constant_are_homogeneous_where_it_is_0(session):
    x = tf.placeholder(tf.float32, [3, 3])
    assert is_homogeneous(tf.maximum(x, 0.0).op, [0])
    assert is_homogeneous(tf.minimum(tf.zeros([3, 3]), x).op, [1])
    assert is_homogeneous(tf.maximum(x, x).op, [0, 1])
    assert not is_homogeneous(tf.maximum(x, 1.0).op, [0])
    assert not is_homogeneous(tf.maximum(x, tf.placeholder(tf.float32, [])).op, [0])
