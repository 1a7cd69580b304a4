"""Every method on every kind of network: exported, loaded by a process without this library, next to ``run``.

All are written first, and one fresh process loads them one after the other: TensorFlow takes seconds to import.
"""

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.export.saved_model import prepared, write

COUNTS = [1, 2, 33, 1000]
RANDOM = np.random.RandomState(0)


def weights(*shape, dtype='float32'):
    return tf.Variable((RANDOM.standard_normal(shape) / shape[0] ** 0.5).astype(dtype), use_resource=len(shape) != 2)


def mlp(dtype=tf.float32, rows=None):
    X = tf.placeholder(dtype, [rows, 6], name='X')
    cast = tf.cast if dtype == tf.bfloat16 else (lambda x, dtype: x)
    kind = 'float64' if dtype == tf.float64 else 'float32'
    hidden = tf.nn.relu(tf.matmul(X, cast(weights(6, 8, dtype=kind), dtype)) + cast(weights(8, dtype=kind), dtype))
    return X, tf.matmul(tf.tanh(hidden), cast(weights(8, 3, dtype=kind), dtype)), hidden


def cnn():
    X = tf.placeholder(tf.float32, [None, 6, 6, 2], name='images')
    hidden = tf.nn.relu(tf.nn.conv2d(X, weights(3, 3, 2, 4), 1, 'SAME') + weights(4))
    pooled = tf.nn.max_pool(hidden, 2, 2, 'SAME')
    return X, tf.matmul(tf.reshape(pooled, [-1, 36]), weights(36, 3)), hidden


def lstm():
    X = tf.placeholder(tf.float32, [None, 5, 3], name='steps')
    W, b, out = weights(7, 16), weights(16), weights(4, 2)

    def step(i, h, c):
        gates = tf.matmul(tf.concat([X[:, i], h], axis=1), W) + b
        f, o, u, g = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(u) * tf.tanh(g)
        return i + 1, tf.sigmoid(o) * tf.tanh(c), c

    start = tf.zeros([tf.shape(X)[0], 4])
    start.set_shape([None, 4])
    _, h, _ = tf.while_loop(lambda i, h, c: i < 5, step, [0, start, start])
    return X, tf.matmul(h, out), None


def two_inputs():
    A, B = (tf.placeholder(tf.float32, [None, n], name=name) for n, name in [(3, 'a'), (4, 'b/c')])
    hidden = tf.nn.relu(tf.matmul(A, weights(3, 5)) + tf.matmul(B, weights(4, 5)))
    return [A, B], tf.matmul(hidden, weights(5, 2)), hidden


def embedding():
    ids = tf.placeholder(tf.int32, [None, 4], name='ids')
    looked_up = tf.nn.embedding_lookup(weights(6, 3), ids)
    hidden = tf.nn.relu(tf.matmul(tf.reshape(looked_up, [-1, 12]), weights(12, 5)))
    return ids, tf.matmul(hidden, weights(5, 2)), looked_up


NETWORKS = {
    'MLP': mlp,
    'CNN': cnn,
    'LSTM': lstm,
    'two inputs': two_inputs,
    'embedding': embedding,
    'float64': lambda: mlp(tf.float64),
    'bfloat16': lambda: mlp(tf.bfloat16),
    'fixed batch': lambda: mlp(rows=8),
}
METHODS = {
    'saliency': {},
    'grad*input': {},
    'elrp': {'epsilon': 1e-2},
    'lrp': {},
    'guided_backprop': {},
    'deconvnet': {},
    'deeplift': {'baseline': 0.25},
    'deeplift complete': {'rules': 'complete'},
    'deeplift reveal-cancel': {'rules': 'reveal-cancel'},
    'deeplift set': {'baselines': 3},
    'intgrad': {'steps': 5},
    'intgrad set': {'steps': 4, 'quadrature': 'gausslegendre', 'baselines': 3},
    'occlusion': {'baseline': 0.5},
    'occlusion mask': {'feature_mask': True},
    'shapley_sampling': {'samples': 2, 'seed': 1},
    'shapley_sampling pairs': {'samples': 4, 'seed': 2, 'antithetic': True, 'return_standard_error': True},
}
AT_LAYERS = {
    'grad_cam': {},
    'guided_grad_cam': {},
    'grad_cam++': {'resize': None},
    'conductance': {'steps': 5},
    'internal_influence': {'steps': 5, 'quadrature': 'riemann_trapezoid'},
}
IS_2 = not tf.__version__.startswith('1.')
#: What ``run`` itself does not do with bfloat16 on TensorFlow 1.15, whose NumPy has no sums of it.
NOT_IN_OLD_HALF = ('deeplift', 'lrp', 'occlusion mask', 'shapley_sampling')
PERTURBING = ('occlusion', 'shapley_sampling')


def cases():
    for network in NETWORKS:
        for method in METHODS:
            if network == 'two inputs' and method.split()[0] in PERTURBING:
                continue  # refused
            if network == 'bfloat16' and not IS_2 and method.startswith(NOT_IN_OLD_HALF):
                continue
            yield network, method
        if network in ('MLP', 'CNN', 'two inputs'):
            for method in AT_LAYERS:
                is_map = 'cam' in method
                if network == 'CNN' or not is_map:
                    yield network, method
    yield 'CNN', 'deeplift layer'
    yield 'CNN', 'occlusion layer'


def options_of(method, X, layer):
    options = dict({**METHODS, **AT_LAYERS}.get(method, {}))
    shapes = [x.shape.as_list()[1:] for x in (X if isinstance(X, list) else [X])]
    if method in AT_LAYERS or method.endswith(' layer'):
        options['layer'] = layer
    if 'baselines' in options:
        sets = [RANDOM.standard_normal([options['baselines'], *shape]) for shape in shapes]
        options['baselines'] = sets if isinstance(X, list) else sets[0]
    if 'feature_mask' in options:
        options['feature_mask'] = np.arange(int(np.prod(shapes[0]))).reshape(shapes[0]) // 2
    if not isinstance(X, list) and X.dtype == tf.int32 and 'baseline' in options:
        options['baseline'] = 1
    return options


def samples(X, count):
    random = np.random.RandomState(count)
    arrays = []
    for x in X if isinstance(X, list) else [X]:
        shape = [count, *x.shape.as_list()[1:]]
        some = random.randint(0, 6, shape) if x.dtype.is_integer else random.standard_normal(shape)
        if x.dtype.is_floating:
            some[random.uniform(size=shape) < 0.2] = 0
        arrays.append(some.astype(x.dtype.as_numpy_dtype))
    return arrays


LOADER = """
import json, sys
job = json.load(open(sys.argv[1]))
sys.path[:] = job['path']
sys.modules['deepexplain'] = None
import numpy as np
import tensorflow.compat.v1 as tf
tf.logging.set_verbosity('ERROR')
try:
    import deepexplain
    sys.exit('deepexplain can be imported')
except ImportError:
    pass
for folder in job['folders']:
    results = {}
    with tf.Session(graph=tf.Graph()) as session:
        signature = tf.saved_model.load(session, ['serve'], folder).signature_def['serving_default']
        for count in job['counts']:
            given = np.load('%s/%d.npz' % (folder, count))
            feed = {}
            for key, info in signature.inputs.items():
                dtype = tf.as_dtype(info.dtype)
                feed[info.name] = given[key].astype(dtype.as_numpy_dtype)
            found = session.run({key: info.name for key, info in signature.outputs.items()}, feed)
            results.update(('%d %s' % (count, key), value.astype('float64')) for key, value in found.items())
    np.savez(folder + '/found.npz', **results)
"""


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """Folders of all exports, with what ``run`` says in them, and what the fresh process does."""
    root, folders, failures = tmp_path_factory.mktemp('exports'), {}, {}
    for network, build in NETWORKS.items():
        RANDOM.seed(0)
        with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
            X, T, layer = build()
            session.run(tf.global_variables_initializer())
            for case in [case for case in cases() if case[0] == network]:
                folder = str(root / f'{len(folders)}')
                try:
                    write_case(de, case[1], X, T, layer, folder)
                    folders[case] = folder
                except Exception as error:  # of one, which is that one's failure
                    failures[case] = error
    job = root / 'job.json'
    job.write_text(json.dumps({'path': sys.path, 'folders': list(folders.values()), 'counts': COUNTS}))
    subprocess.run([sys.executable, '-W', 'ignore', '-c', LOADER, str(job)], check=True)
    return folders, failures


def write_case(de, method, X, T, layer, folder):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        above = X
        if not isinstance(X, list) and X.dtype.is_integer and method.split()[0] not in PERTURBING:
            above = layer  # the vectors of ids, as these have no gradient
        options = options_of(method, above, layer)
        explainer = de.get_explainer(method.split()[0], T, above, **options)
        operations = len(T.graph.get_operations())
        made = prepared(explainer, ['xs_ys'])
        assert len(T.graph.get_operations()) == operations
        write(made, folder)
        for count in COUNTS:
            xs = samples(above, count)
            ys = np.random.RandomState(count).uniform(-1, 1, [count, T.shape.as_list()[1]])
            ys = ys.astype(T.dtype.as_numpy_dtype)
            found = explainer.run(
                xs if isinstance(X, list) else xs[0], ys, return_convergence_delta=made.form.has_delta
            )
            found = list(found) if isinstance(found, tuple) else [found]
            keys = (
                ['attributions']
                if not isinstance(found[0], list)
                else [f'attributions_{n}' for n in made.form.explained]
            )
            values = dict(zip(keys, found[0] if isinstance(found[0], list) else found[:1]))
            if made.form.has_delta:
                values['delta'] = found[-1]
            if made.form.has_error:
                values['standard_error'] = found[1]
            np.savez(f'{folder}/{count}.npz', ys=ys.astype('float64'), **dict(zip(made.form.names, as_double(xs))))
            np.savez(f'{folder}/run{count}.npz', **dict(zip(values, as_double(values.values()))))


def as_double(arrays):
    return [np.asarray(array).astype('float64') for array in arrays]


@pytest.mark.parametrize(('network', 'method'), list(cases()))
def test_a_fresh_process_finds_what_run_does(written, network, method):
    folders, failures = written
    if (network, method) in failures:
        raise failures[network, method]
    folder = folders[network, method]
    with np.load(folder + '/found.npz') as found:
        for count in COUNTS:
            with np.load(f'{folder}/run{count}.npz') as expected:
                size = max(np.abs(expected[key]).max() for key in expected if key.startswith('attributions'))
                for key in expected:
                    scale = max(size, 1) if key == 'delta' else np.nanmax(np.abs(expected[key]))
                    if key == 'standard_error':  # of attributions, and rounded as they are
                        scale = max(scale, size)
                    most = (2e-2 if network == 'bfloat16' else 1e-5) * scale
                    np.testing.assert_allclose(found[f'{count} {key}'], expected[key], rtol=0, atol=most, err_msg=key)


def test_intgrad_is_no_single_gradient(written):
    """What a saved ``explain_symbolic`` would be: a graph that loads, runs, and is another method."""
    folders, _ = written
    with np.load(folders['MLP', 'intgrad'] + '/found.npz') as path, np.load(
        folders['MLP', 'grad*input'] + '/found.npz'
    ) as single:
        assert np.abs(path['33 attributions'] - single['33 attributions']).max() > 0.05


@pytest.mark.parametrize(('network', 'method'), list(cases()))
def test_nothing_is_left_in_the_graph_that_other_versions_or_servers_do_not_take(written, network, method):
    from tensorflow.core.protobuf import saved_model_pb2

    folders, _ = written
    with open(os.path.join(folders[network, method], 'saved_model.pb'), 'rb') as file:
        meta = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0]
    graph = meta.graph_def
    nodes = [*graph.node, *[node for function in graph.library.function for node in function.node_def]]
    assert not [node.name for node in nodes for attr in ('_gradient_op_type', 'grad_a', 'grad_b') if attr in node.attr]
    assert not [node.name for node in nodes if node.op.startswith('Var') or node.op == 'ReadVariableOp']
    inputs = {info.name.split(':')[0] for s in meta.signature_def.values() for info in s.inputs.values()}
    assert {node.name for node in nodes if node.op.startswith('Placeholder')} <= inputs
