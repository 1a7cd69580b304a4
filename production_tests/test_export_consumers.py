"""Who loads an export: a C program, TensorFlow's tools, its other line, Beam. And kills, and memory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain, export

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IS_2 = not tf.__version__.startswith('1.')
METHODS = {
    'deeplift': {'rules': 'complete'},
    'intgrad': {'steps': 10},
    'occlusion': {'window_shape': (3, 3, 1), 'step': (3, 3, 1)},
}

#: Builds the network and its explainers; run in other processes, too.
NETWORK = """
import numpy as np
import tensorflow.compat.v1 as tf

def network(session):
    random = np.random.RandomState(0)
    X = tf.placeholder(tf.float32, [None, 12, 12, 1], name='X')
    kernel, W = (tf.Variable(random.standard_normal(s).astype('float32') / 5) for s in [(3, 3, 1, 8), (288, 4)])
    hidden = tf.nn.max_pool(tf.nn.relu(tf.nn.conv2d(X, kernel, 1, 'SAME')), 2, 2, 'SAME')
    T = tf.matmul(tf.reshape(hidden, [-1, 288]), W)
    session.run(tf.global_variables_initializer())
    return T, X
"""
exec(NETWORK)

LOADER = """
import json, sys
job = json.load(open(sys.argv[1]))
sys.modules['deepexplain'] = None
import numpy as np
import tensorflow.compat.v1 as tf
xs, found = np.load(job['xs']), {}
for name, folder in job['folders'].items():
    with tf.Session(graph=tf.Graph()) as session:
        signature = tf.saved_model.load(session, ['serve'], folder).signature_def['top']
        found[name] = session.run(signature.outputs['attributions'].name, {signature.inputs['X'].name: xs})
np.savez(job['found'], **found)
"""

WRITER = (
    NETWORK
    + """
import json, sys, warnings
warnings.simplefilter('ignore')
job = json.load(open(sys.argv[1]))
sys.path.insert(0, job['root'])
from deepexplain.tensorflow import DeepExplain, export
with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    T, X = network(session)
    for name, options in job['methods'].items():
        export(de.get_explainer(name, T, X, **options), job['folders'][name])
"""
)


def samples(count):
    xs = np.random.RandomState(count).standard_normal((count, 12, 12, 1)).astype(np.float32)
    xs[:, :6] = 0
    return xs


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """Folders of exports, samples, and what ``run`` says of their largest outputs."""
    root, folders, expected, xs = tmp_path_factory.mktemp('exports'), {}, {}, samples(5)
    with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
        T, X = network(session)  # noqa: F821 - of the text above
        ys = np.eye(4)[session.run(T, {X: xs}).argmax(axis=1)]
        for name, options in METHODS.items():
            explainer = de.get_explainer(name, T, X, **options)
            folders[name] = str(root / name / '1')
            export(explainer, folders[name])
            expected[name] = explainer.run(xs, ys)
    return folders, xs, expected


def run_python(python, code, job, folder, **environment):
    path = os.path.join(str(folder), 'job.json')
    with open(path, 'w') as file:
        json.dump(job, file)
    environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', **environment}
    done = subprocess.run([python, '-W', 'ignore', '-c', code, path], env=environment, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr.decode()[-3000:]


def assert_same(found, expected):
    for name in METHODS:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-5 * np.abs(expected[name]).max())


@pytest.mark.skipif(not IS_2 or shutil.which('gcc') is None, reason='needs gcc and the C API of TensorFlow 2')
def test_a_c_program_without_python_says_the_same(exported, tmp_path):
    folders, xs, expected = exported
    library = os.path.dirname(tf.__file__.split('_api')[0])
    program = str(tmp_path / 'serving')
    source = os.path.join(ROOT, 'examples', 'serving.c')
    flags = ['-I' + os.path.join(library, 'include'), '-L' + library, '-Wl,-rpath,' + library]
    flags += ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', '-Wall', '-Werror']
    subprocess.run(['gcc', source, '-o', program, *flags], check=True)
    found = {}
    for name, folder in folders.items():
        done = subprocess.run([program, folder, 'X', '12,12,1'], input=xs.tobytes(), stdout=subprocess.PIPE, check=True)
        found[name] = np.frombuffer(done.stdout, np.float32).reshape(xs.shape)
    assert_same(found, expected)


def test_the_tool_of_tensorflow_lists_the_signatures(exported):
    folders, _, _ = exported
    tool = os.path.join(os.path.dirname(sys.executable), 'saved_model_cli')
    command = [tool, 'show', '--dir', folders['intgrad'], '--all']
    shown = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
    for name in ('serving_default', 'top', 'tf_examples'):
        assert f"signature_def['{name}']" in shown
    assert "inputs['ys'] tensor_info:\n        dtype: DT_FLOAT\n        shape: (-1, 4)" in shown


@pytest.mark.skipif(not IS_2, reason='tf.saved_model.load is of TensorFlow 2')
def test_the_loader_of_tensorflow_2_says_the_same(exported):
    import tensorflow.compat.v2 as tf2

    folders, xs, expected = exported
    found = {
        name: tf2.saved_model.load(folder).signatures['top'](X=tf2.constant(xs)) for name, folder in folders.items()
    }
    assert_same({name: value['attributions'].numpy() for name, value in found.items()}, expected)


def other_python():
    """The interpreter of the other line of TensorFlow, where it is set up."""
    path = os.path.join(ROOT, '.venv-tf1' if IS_2 else '.venv', 'bin', 'python')
    return path if os.path.exists(path) else None


needs_other = pytest.mark.skipif(other_python() is None, reason='needs .venv and .venv-tf1')


@needs_other
def test_the_other_line_of_tensorflow_reads_what_this_one_wrote(exported, tmp_path):
    folders, xs, expected = exported
    job = {'folders': folders, 'xs': str(tmp_path / 'xs.npy'), 'found': str(tmp_path / 'found.npz')}
    np.save(job['xs'], xs)
    run_python(other_python(), LOADER, job, tmp_path)
    with np.load(job['found']) as found:
        assert_same(found, expected)


@needs_other
def test_this_line_of_tensorflow_reads_what_the_other_one_wrote(exported, tmp_path):
    _, xs, expected = exported
    folders = {name: str(tmp_path / name) for name in METHODS}
    run_python(other_python(), WRITER, {'folders': folders, 'methods': METHODS, 'root': ROOT}, tmp_path)
    job = {'folders': folders, 'xs': str(tmp_path / 'xs.npy'), 'found': str(tmp_path / 'found.npz')}
    np.save(job['xs'], xs)
    run_python(sys.executable, LOADER, job, tmp_path)
    with np.load(job['found']) as found:
        assert_same(found, expected)


def test_an_export_that_is_killed_leaves_nothing_of_its_name(tmp_path):
    """Three times, at another moment each: while it is built, written, checked."""
    job = {'folders': {'intgrad': str(tmp_path / 'made' / '1')}, 'methods': {'intgrad': {'steps': 5}}, 'root': ROOT}
    (tmp_path / 'job.json').write_text(json.dumps(job))
    command = [sys.executable, '-W', 'ignore', '-c', WRITER, str(tmp_path / 'job.json')]
    environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'}
    for moment in ('.deepexplain-', 'model', 'job.json'):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        wait_for(moment, str(tmp_path), process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / 'made' / '1').exists()
        for left in tmp_path.glob('.deepexplain-*'):
            shutil.rmtree(str(left))
    subprocess.run(command, env=environment, check=True)
    assert sorted(os.listdir(str(tmp_path))) == ['job.json', 'made']


def wait_for(name, root, process):
    """Until the workspace of an export is there, or something of this name is in it."""
    deadline = time.time() + 120
    while time.time() < deadline and process.poll() is None:
        for folder in os.listdir(root):
            if folder.startswith('.deepexplain-'):
                found = os.path.join(root, folder, '' if name.startswith('.') else name)
                if os.path.exists(found):
                    return
        time.sleep(0.005)
    raise AssertionError('the export ended before it could be killed')


MEMORY = """
import json, resource, sys
job = json.load(open(sys.argv[1]))
import numpy as np
import tensorflow.compat.v1 as tf
session = tf.Session(graph=tf.Graph())
with session.graph.as_default():
    signature = tf.saved_model.load(session, ['serve'], job['folder']).signature_def['top']
def run(count):
    xs = np.ones((count, 12, 12, 1), np.float32)
    session.run(signature.outputs['attributions'].name, {signature.inputs['X'].name: xs})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
run(job['rows'])
json.dump([run(job['rows']), run(5000)], open(job['found'], 'w'))
"""


@pytest.mark.parametrize(
    ('method', 'options'), [('grad*input', {}), ('intgrad', {'steps': 10}), ('occlusion', METHODS['occlusion'])]
)
def test_5000_samples_take_the_memory_of_a_piece(tmp_path, method, options):
    """And that of what comes and goes: 5000 samples of 576 bytes, some times over. Together they would take 115 MB."""
    with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
        T, X = network(session)  # noqa: F821
        folder = str(tmp_path / 'made')
        export(de.get_explainer(method, T, X, **options), folder, 'top', max_rows=64)
    job = {'folder': folder, 'rows': 64, 'found': str(tmp_path / 'found.json')}
    run_python(sys.executable, MEMORY, job, tmp_path, OMP_NUM_THREADS='1')
    with open(job['found']) as file:
        of_a_piece, of_all = json.load(file)
    assert of_all - of_a_piece < 40


def test_beam_runs_it_with_a_handler_of_four_lines(exported):
    beam = pytest.importorskip('apache_beam')
    import tensorflow.compat.v2 as tf2
    from apache_beam.ml.inference.base import ModelHandler, RunInference

    folders, xs, expected = exported

    class Explaining(ModelHandler):
        def load_model(self):
            return tf2.saved_model.load(folders['deeplift']).signatures['top']

        def run_inference(self, batch, model, inference_args=None):
            return model(X=tf2.constant(np.stack(batch)))['attributions'].numpy()

    found = []
    with beam.Pipeline() as pipeline:
        (pipeline | beam.Create(list(xs)) | RunInference(Explaining()) | beam.Map(lambda a: found.append(a)))
    assert sorted(float(a.sum()) for a in found) == pytest.approx(
        sorted(expected['deeplift'].sum(axis=(1, 2, 3))), abs=1e-4
    )
