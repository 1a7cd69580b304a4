"""Ray Data, whose processes are killed, run out of CPUs, or are asked for what was another job's: each row once."""

import collections
import glob
import json
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from job import cnn, digits
from processes import FOLDER, environment, finished, start

from deepexplain.distributed import Worker
from deepexplain.errors import ArgumentError, DeepExplainError, DeepExplainWarning
from deepexplain.tensorflow import Recipe

ray = pytest.importorskip('ray', '2.55')
pa = pytest.importorskip('pyarrow')
pq = pytest.importorskip('pyarrow.parquet')
ray_data = pytest.importorskip('ray.data')

from ray_hooks import SETTINGS  # noqa: E402

from deepexplain.distributed.ray import explain  # noqa: E402

# Ray's own files and processes.
pytestmark = pytest.mark.filterwarnings(
    'ignore::ResourceWarning', 'ignore::DeprecationWarning', 'ignore::FutureWarning'
)

ROWS, BATCH = 20_000, 512
COLUMNS = {'xs': 'pixels', 'ys': 'label'}
Event = collections.namedtuple('Event', 'time pid what ids')


@pytest.fixture(scope='module')
def xs():
    """Digits, of which more rows are the same in another order: to make them takes less than to explain them."""
    few = digits(2000).reshape(2000, -1)
    return np.concatenate([np.roll(few, 5 * k, axis=1) for k in range(ROWS // 2000)])


@pytest.fixture(scope='module')
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp('model') / 'cnn.pb'
    with tf.Graph().as_default() as graph:
        tf.identity(cnn(tf.placeholder(tf.float32, [None, 28, 28, 1], name='x')), name='T')
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return Recipe(path, 'deeplift', T='T', X='x', rules='complete')


def names(count):
    return [f'digit {i:05}' for i in range(count)]


def labels(count):
    return np.eye(10, dtype=np.float32)[np.arange(count) % 10]


def save(folder, xs, files=8, ids=None):
    """Parquet of the kind that is recommended: each input a column of lists of one length."""
    folder.mkdir(exist_ok=True)
    ids, ys = names(len(xs)) if ids is None else ids, labels(len(xs))
    for k, part in enumerate(np.array_split(np.arange(len(xs)), files)):
        columns = {
            'name': pa.array([ids[i] for i in part]),
            'pixels': pa.FixedSizeListArray.from_arrays(pa.array(xs[part].ravel()), xs.shape[1]),
            'label': pa.array(ys[part].tolist(), pa.list_(pa.float32())),
            'unused': pa.array(part),
        }
        pq.write_table(pa.table(columns), str(folder / f'part-{k}.parquet'))
    return str(folder)


@pytest.fixture(scope='module')
def source(tmp_path_factory, xs):
    return save(tmp_path_factory.mktemp('source') / 'digits', xs)


@pytest.fixture(scope='module')
def small(tmp_path_factory, xs):
    return save(tmp_path_factory.mktemp('source') / 'few', xs[:600], files=1)


@pytest.fixture(scope='module')
def control(tmp_path_factory):
    """The file of settings that all processes of the cluster read."""
    return tmp_path_factory.mktemp('control') / 'settings.json'


@pytest.fixture(scope='module')
def cluster(control):
    """Four logical CPUs, for all tests; each connects to it, or is what started it."""
    before = dict(os.environ)
    os.environ.update({**environment(), SETTINGS: str(control)})
    write(control, log=os.devnull)
    ray.init(
        address='local',
        num_cpus=4,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={'worker_process_setup_hook': 'ray_hooks.setup'},
    )
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()
    os.environ.clear()
    os.environ.update(before)


def write(path, **settings):
    other = f'{path}.other'
    with open(other, 'w') as file:
        json.dump(settings, file)
    os.replace(other, str(path))


class Setting:
    """What a test has: settings of the processes, their log, and where the output goes."""

    def __init__(self, control, folder):
        self.control, self.log, self.output = control, str(folder / 'log'), str(folder / 'out')
        self.set()

    def set(self, **settings):
        write(self.control, log=self.log, **settings)

    def events(self, what=None):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as file:
            found = [Event(*json.loads(line)) for line in file if line.endswith('\n')]
        return [event for event in found if what in (None, event.what)]

    def computed(self, since=0):
        """How many rows were begun, later ones twice."""
        return sum(len(event.ids) for event in self.events('begin')[since:])

    def files(self):
        return sorted(glob.glob(os.path.join(self.output, '*.parquet')))

    def committed(self):
        """The rows that Ray knows to be done, once nothing more is written."""
        folder = os.path.join(f'{self.output}.job', 'checkpoints')
        before, now = None, sorted(os.listdir(folder))
        while before != now:
            time.sleep(2)
            before, now = now, sorted(os.listdir(folder))
        return sum(pq.read_metadata(os.path.join(folder, name)).num_rows for name in now if '.pending' not in name)

    def start_job(self, recipe, source, connect=None, **options):
        """The job in a process of its own, on a cluster or (None) with a Ray of its own."""
        arguments = {'recipe': recipe.to_json(), 'source': source, 'output': self.output, 'id_column': 'name'}
        arguments.update(columns=COLUMNS, **options)
        command = [sys.executable, '-W', 'ignore', os.path.join(FOLDER, 'ray_job.py')]
        given = json.dumps(arguments), json.dumps({'connect': bool(connect)})
        return start('env', f'RAY_ADDRESS={connect or "local"}', *command, *given)


@pytest.fixture
def setting(cluster, control, tmp_path):
    return Setting(control, tmp_path)


def check(setting, recipe, xs):
    """Each row is there once, and what one process says of the same batches, to the last bit."""
    seen = []
    worker = Worker(recipe, {**COLUMNS, 'id': 'name'})
    index, ys = {name: i for i, name in enumerate(names(len(xs)))}, labels(len(xs))
    for path in setting.files():
        table = pq.read_table(path)
        assert table.column_names == ['name', 'attributions', 'error']
        assert table.schema.types == [pa.string(), pa.list_(pa.float32(), 784), pa.string()]
        rows = [index[name] for name in table['name'].to_pylist()]
        wanted = worker({'pixels': xs[rows], 'label': ys[rows], 'name': rows})
        found = table['attributions'].combine_chunks().flatten().to_numpy().reshape(-1, 784)
        np.testing.assert_array_equal(found, wanted['attributions'])
        assert table['error'].to_pylist() == wanted['error'].tolist()
        seen += rows
    worker.close()
    assert sorted(seen) == list(range(len(xs)))
    assert not glob.glob(os.path.join(f'{setting.output}.job', 'checkpoints', '*.pending*'))


def kill_when(find):
    """Kill the process that ``find`` names as soon as it names one, from beside; returns the list of those killed."""
    killed = []

    def watch():
        until = time.time() + 120
        while not killed and time.time() < until:
            pid = find()
            if pid:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return killed, thread


@pytest.mark.parametrize('after', [1, 12, 30])
def test_a_busy_worker_is_killed(setting, recipe, source, xs, after):
    def busy():
        begun, ended = setting.events('begin'), setting.events('end')
        if len(begun) >= after and len(begun) > len(ended):
            last = begun[-1]
            return None if any(event.ids == last.ids for event in ended) else last.pid
        return None

    setting.set(sleep=0.2)
    killed, thread = kill_when(busy)
    explain(recipe, source, setting.output, 'name', COLUMNS, rows=BATCH, workers=2)
    thread.join()
    assert len(killed) == 1
    begun = setting.events('begin')
    assert {event.pid for event in begun} > set(killed)  # another worked, too
    # What is computed again is what the killed one was about: one batch, at most one more that it had just ended.
    assert ROWS < setting.computed() <= ROWS + 2 * BATCH
    check(setting, recipe, xs)


@pytest.mark.parametrize(('files', 'own'), [(1, False), (8, True), (-(-ROWS // BATCH) - 1, False)])
def test_the_driver_is_killed(setting, cluster, recipe, source, xs, files, own):
    """At so many files; ``own``: with a Ray that it had started itself, on a machine without a cluster."""
    setting.set(sleep=0.2)
    connect = None if own else cluster
    process = setting.start_job(recipe, source, connect, rows=BATCH, workers=2)
    while len(setting.files()) < files and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    code, _, errors = finished(process)
    assert code == -signal.SIGKILL, errors
    done, before = setting.committed(), len(setting.events('begin'))
    assert 0 < done < ROWS
    if not own:
        assert setting.computed() >= done
    setting.set()
    explain(recipe, source, setting.output, 'name', COLUMNS, rows=BATCH, workers=2)
    assert setting.computed(before) == ROWS - done
    check(setting, recipe, xs)


def test_a_batch_that_fails_ends_the_job_and_the_rest_is_computed_once_the_cause_is_gone(setting, recipe, source, xs):
    setting.set(poison='digit 15000', sleep=0.1)
    with pytest.raises(
        DeepExplainError, match=r'(?s)ValueError: the cause.*In the batch of ids digit.* more.*goes on'
    ) as e:
        explain(recipe, source, setting.output, 'name', COLUMNS, rows=BATCH, workers=2)
    assert type(e.value) is DeepExplainError
    done, before = setting.committed(), len(setting.events('begin'))
    assert 0 < done < ROWS
    setting.set()
    explain(recipe, source, setting.output, 'name', COLUMNS, rows=BATCH, workers=2)
    assert setting.computed(before) == ROWS - done
    check(setting, recipe, xs)


def test_a_row_that_cannot_be_explained_says_so_and_others_are_as_ever(setting, recipe, tmp_path, xs):
    few = xs[:300].copy()
    few[7, 100] = np.nan
    with pytest.warns(
        DeepExplainWarning, match="1 of 300 rows could not be explained.*The first: \"'pixels' holds nan"
    ):
        explain(recipe, save(tmp_path / 'in', few), setting.output, 'name', COLUMNS, rows=100)
    check(setting, recipe, few)
    table = pq.read_table(setting.output).sort_by('name')
    found = table['attributions'].combine_chunks().flatten().to_numpy().reshape(-1, 784)
    assert np.isnan(found[7]).all()
    assert np.isfinite(np.delete(found, 7, axis=0)).all()
    assert table['error'].null_count == 299


def test_as_many_workers_as_cpus_and_one_small_file(setting, cluster, recipe, small, xs):
    """Ray hangs where actors take all CPUs, and makes one block of a file."""
    setting.set(sleep=0.5)
    process = setting.start_job(recipe, small, cluster, rows=50, workers=4)
    code, _, errors = finished(process, timeout=120)
    assert code == 0, errors
    assert len({event.pid for event in setting.events('begin')}) >= 2
    assert {tuple(event.ids) for event in setting.events('open')} == {('1', '1')}  # threads
    # Also when there is something to filter, which takes a CPU more.
    for path in setting.files()[:4]:
        os.remove(path)
        os.remove(os.path.join(f'{setting.output}.job', 'checkpoints', os.path.basename(path)))
    code, _, errors = finished(setting.start_job(recipe, small, cluster, rows=50, workers=4), timeout=120)
    assert code == 0, errors
    assert setting.computed() == 800
    check(setting, recipe, xs[:600])


@pytest.fixture
def begun(setting, recipe, small):
    explain(recipe, small, setting.output, 'name', COLUMNS, rows=200)
    return setting


def test_what_is_another_jobs_is_left_alone(begun, recipe, small, source, tmp_path, xs):
    setting = begun
    assert setting.computed() == 600
    explain(recipe, small, setting.output, 'name', COLUMNS, rows=100, workers=1)  # done: nothing is left
    assert setting.computed() == 600

    def refused(message, recipe=recipe, source=small, columns=COLUMNS, **options):
        with pytest.raises(ArgumentError, match=message):
            explain(recipe, source, setting.output, 'name', columns, **options)

    other = Recipe(recipe.path, 'intgrad', T='T', X='x', steps=5)
    refused(r'was begun by another job.*its recipe was .*deeplift.*and now is .*intgrad', other)
    refused('its columns was .*label.*and now is', columns={'xs': 'pixels'})
    refused('its source was .*few.*and now is .*digits', source=source)
    refused('is there already, and with resume=False nothing is overwritten', resume=False)
    path = os.path.join(small, 'part-0.parquet')
    with open(path, 'rb') as file:
        before = file.read()
    weights = recipe.path
    with open(weights, 'rb') as file:
        model = file.read()
    try:
        with pytest.warns(DeepExplainWarning, match='was written again since'):
            os.utime(path, (0, 0))
            explain(recipe, small, setting.output, 'name', COLUMNS)
        pq.write_table(pq.read_table(path).slice(1), path)
        refused('of its source had .* bytes, and now has')
        with open(path, 'wb') as file:
            file.write(before)
        at = model.index(np.random.RandomState(1).normal(size=1).astype(np.float32).tobytes())
        with open(weights, 'wb') as file:
            file.write(model[:at] + model[at + 4 : at + 8] + model[at + 4 :])
        refused("the recipe is the same, but the model's files have changed")
    finally:
        for name, content in ((path, before), (weights, model)):
            with open(name, 'wb') as file:
                file.write(content)
    assert setting.computed() == 600
    os.remove(setting.files()[0])
    with pytest.warns(DeepExplainWarning), pytest.raises(
        DeepExplainError, match='lacks the rows of the source: .*remove the file of'
    ):
        explain(recipe, small, setting.output, 'name', COLUMNS)


def test_what_nobody_knows_is_left_alone(setting, recipe, small):
    os.makedirs(setting.output)
    with open(os.path.join(setting.output, 'x.parquet'), 'w') as file:
        file.write('?')
    with pytest.raises(ArgumentError, match='there is something in .* and no manifest'):
        explain(recipe, small, setting.output, 'name', COLUMNS)


@pytest.mark.parametrize(
    ('ids', 'message'),
    [
        (['a', 'b', 'a', 'c', 'c'], "ids must be unique, and 'name' has some twice: 'a', 'c'"),
        ([1, 2, None, 4, None], "'name' is null in 2 of 5 rows"),
        ([0.5, 1.5, 2.5, 3.5, 4.5], 'ids must be integers or text; .* holds double'),
    ],
)
def test_ids_that_would_not_tell_rows_apart(setting, recipe, tmp_path, xs, ids, message):
    with pytest.raises(ArgumentError, match=message):
        explain(recipe, save(tmp_path / 'in', xs[:5], 2, ids), setting.output, 'name', COLUMNS)
    assert not os.path.exists(setting.output)
    assert setting.events() == []


def test_without_checkpoints_nothing_is_computed(setting, recipe, small, monkeypatch):
    from ray.data._internal.planner.planner import Planner

    monkeypatch.setattr(Planner, '_check_supports_checkpointing', lambda self, plan: False)
    with pytest.raises(DeepExplainError, match='Ray would not keep checkpoints, so nothing was computed'):
        explain(recipe, small, setting.output, 'name', COLUMNS)
    assert setting.events('begin') == []


@pytest.mark.parametrize('what', ['import', 'open'])
def test_a_worker_is_killed_before_it_works(setting, recipe, small, xs, what):
    """While it imports TensorFlow; while it opens the model. In processes that did neither before."""
    setting.set(open=1)
    killed, thread = kill_when(lambda: next((event.pid for event in setting.events(what)), None))
    explain(recipe, small, setting.output, 'name', COLUMNS, rows=200, workers=2)
    thread.join()
    assert len(killed) == 1
    assert len({event.pid for event in setting.events(what)}) >= 2
    assert setting.computed() == 600
    check(setting, recipe, xs[:600])


def test_errors_of_the_model_come_from_the_workers_as_ours(setting, recipe, small):
    other = Recipe(recipe.path, 'deeplift', T='nowhere', X='x')
    with pytest.raises(DeepExplainError, match='(?s)nowhere.*goes on'):
        explain(other, small, setting.output, 'name', COLUMNS, rows=200)


def test_columns_are_checked_before_anything_starts(setting, recipe, small, tmp_path):
    for arguments, message in [
        ((small, 'name', {'xs': 'pixel'}), "has no column 'pixel'; it has"),
        ((small, 'nobody', {'xs': 'pixels'}), "has no column 'nobody'; it has"),
        ((small, 'name', {'ys': 'label'}), "columns must have 'xs'"),
        ((small, 'name', {'xs': 'pixels', 'id': 'label'}), "columns\\['id'\\] is 'label'; leave it out"),
        ((str(tmp_path), 'name', COLUMNS), r'There is no parquet file in .* \(source\)'),
    ]:
        with pytest.raises(ArgumentError, match=message):
            explain(recipe, arguments[0], setting.output, *arguments[1:])
    with pytest.raises(ArgumentError, match='gpus=1 for 2 workers: Ray has GPUs for 0'):
        explain(recipe, small, setting.output, 'name', COLUMNS, workers=2, gpus=1)
