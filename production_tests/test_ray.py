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
from processes import FOLDER, finished, start

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
    'ignore::ResourceWarning',
    'ignore::DeprecationWarning',
    'ignore::FutureWarning',
    'ignore:The minimum number of concurrent actors:UserWarning',
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
    os.environ[SETTINGS] = str(control)
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
    del os.environ[SETTINGS]


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
        folder = os.path.join(f'{self.output}.job', 'checkpoints', '*.parquet')
        before, now = None, sorted(glob.glob(folder))
        while before != now:
            time.sleep(2)
            before, now = now, sorted(glob.glob(folder))
        found = [pq.read_table(path)['name'].to_pylist() for path in now if '.pending' not in path]
        assert sum(map(len, found)) == len(set().union(*found))
        return set().union(*found)

    def start_job(self, recipe, source, connect=None, **options):
        """The job in a process of its own, on a cluster or (None) with a Ray of its own."""
        arguments = {'recipe': recipe.to_json(), 'source': source, 'output': self.output, 'id_column': 'name'}
        arguments.update(columns=COLUMNS, **options)
        command = [sys.executable, os.path.join(FOLDER, 'ray_job.py')]
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


def kill_when(*finders):
    """Kill the processes that these name, one after the other, as soon as they name one; from beside."""
    killed = []

    def watch():
        until = time.time() + 300
        while len(killed) < len(finders) and time.time() < until:
            pid = finders[len(killed)]()
            if pid and pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return killed, thread


def test_busy_workers_are_killed(setting, recipe, source, xs):
    """At three moments: in the first batch, in the middle, near the end."""

    def busy(after):
        def find():
            begun, ended = setting.events('begin'), [event.ids for event in setting.events('end')]
            return begun[-1].pid if len(begun) >= after and begun[-1].ids not in ended else None

        return find

    setting.set(sleep=0.5)
    killed, thread = kill_when(busy(1), busy(15), busy(30))
    explain(recipe, source, setting.output, 'name', COLUMNS, rows=BATCH, workers=2)
    thread.join()
    assert len(killed) == 3
    assert {event.pid for event in setting.events('begin')} > set(killed)
    # What is computed again is the batch that each was about, and at most one more that it had just ended.
    assert ROWS < setting.computed() <= ROWS + 2 * 3 * BATCH
    check(setting, recipe, xs)


def test_drivers_are_killed(setting, cluster, recipe, source, xs):
    """At 1, 8 and all but one file; the second has a Ray that it started itself, on a machine without a cluster."""
    every = -(-ROWS // BATCH)
    for files, connect, sleep in [(1, cluster, 0.2), (8, None, 0), (every - 1, cluster, 1)]:
        done, since = setting.committed(), len(setting.events('begin'))
        setting.set(sleep=sleep)
        process = setting.start_job(recipe, source, connect, rows=BATCH, workers=2)
        while len(setting.files()) < files and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        code, _, errors = finished(process)
        assert code == -signal.SIGKILL, errors
        assert done.isdisjoint(name for event in setting.events('begin')[since:] for name in event.ids)
        assert done <= setting.committed()  # the first file may have been one that was not finished
    done, since = setting.committed(), len(setting.events('begin'))
    assert ROWS - 3 * BATCH < len(done) <= ROWS  # what was being written when the driver died may have been finished
    setting.set()
    explain(recipe, source, setting.output, 'name', COLUMNS, rows=BATCH, workers=2)
    assert setting.computed(since) == ROWS - len(done)
    check(setting, recipe, xs)


def test_a_batch_that_fails_ends_the_job_and_a_row_that_cannot_be_explained_does_not(
    setting, recipe, tmp_path, xs, monkeypatch
):
    # pytest holds all that Ray logs: exceptions, and with them the processes that failed.
    monkeypatch.setattr('_pytest.logging.LogCaptureHandler.emit', lambda self, record: None)
    few = xs[:2000].copy()
    few[7, 100] = np.nan
    source = save(tmp_path / 'in', few)
    setting.set(poison='digit 01500', after=os.path.join(f'{setting.output}.job', 'checkpoints', '*0.parquet'))
    message = r'(?s)^A batch could not.*ValueError: the cause.*In the batch of ids digit.* more.*same call goes on'
    with pytest.raises(DeepExplainError, match=message) as caught:
        explain(recipe, source, setting.output, 'name', COLUMNS, rows=100, workers=2)
    assert type(caught.value) is DeepExplainError
    # Whoever holds the error, as a notebook does, holds no processes by it.
    until = time.time() + 60
    while ray.available_resources().get('CPU') != 4 and time.time() < until:
        time.sleep(0.2)
    assert ray.available_resources()['CPU'] == 4
    done, since = setting.committed(), len(setting.events('begin'))
    assert 0 < len(done) < 2000
    setting.set()
    with pytest.warns(
        DeepExplainWarning, match="1 of 2000 rows could not be explained.*The first: \"'pixels' holds nan"
    ):
        explain(recipe, source, setting.output, 'name', COLUMNS, rows=100, workers=2)
    assert setting.computed(since) == 2000 - len(done)
    check(setting, recipe, few)
    table = pq.read_table(setting.output).sort_by('name')
    found = table['attributions'].combine_chunks().flatten().to_numpy().reshape(-1, 784)
    assert np.isnan(found[7]).all()
    assert np.isfinite(np.delete(found, 7, axis=0)).all()
    assert table['error'].null_count == 1999


def test_as_many_workers_as_cpus_and_one_small_file(setting, cluster, recipe, small, xs):
    """Ray hangs where actors take all CPUs, and makes one block of a file."""
    setting.set(sleep=0.5)
    code, _, errors = finished(setting.start_job(recipe, small, cluster, rows=50, workers=4), timeout=120)
    assert code == 0, errors
    assert len({event.pid for event in setting.events('begin')}) >= 2
    assert {tuple(event.ids) for event in setting.events('open')} == {('1', '1')}  # threads
    # Also when there is something to filter, which takes a CPU more. What was removed is made again.
    for path in setting.files()[:4]:
        os.remove(path)
    code, _, errors = finished(setting.start_job(recipe, small, cluster, rows=50, workers=4), timeout=120)
    assert code == 0, errors
    assert '4 files of' in errors
    assert setting.computed() == 800
    check(setting, recipe, xs[:600])


def test_workers_are_killed_before_they_work(setting, recipe, small, xs):
    """While one imports TensorFlow, then while one opens the model."""
    setting.set(open=1)
    killed, thread = kill_when(
        *[lambda what=what: next((e.pid for e in setting.events(what)[::-1]), None) for what in ('import', 'open')]
    )
    explain(recipe, small, setting.output, 'name', COLUMNS, rows=200, workers=2)
    thread.join()
    assert len(killed) == 2
    assert setting.computed() == 600
    check(setting, recipe, xs[:600])


@pytest.fixture
def without_checkpoints(monkeypatch):
    from ray.data._internal.planner.planner import Planner

    monkeypatch.setattr(Planner, '_check_supports_checkpointing', lambda self, plan: False)


@pytest.mark.filterwarnings('ignore:.*Checkpointing will be disabled')  # as outside of pytest, which makes it an error
def test_without_checkpoints_nothing_is_computed(setting, recipe, small, without_checkpoints):
    with pytest.raises(DeepExplainError, match='Ray would not keep checkpoints, so nothing was computed'):
        explain(recipe, small, setting.output, 'name', COLUMNS)
    assert setting.events('begin') == []


def test_what_is_another_jobs_is_left_alone(setting, recipe, small, source, tmp_path, without_checkpoints):
    path, weights = os.path.join(small, 'part-0.parquet'), recipe.path
    before, model = (open_read(name) for name in (path, weights))

    def refused(message, recipe=recipe, source=small, columns=COLUMNS, error=ArgumentError, **options):
        with pytest.raises(error, match=message):
            explain(recipe, source, setting.output, 'name', columns, **options)

    refused('would not keep', error=DeepExplainError)  # it is begun, and that is all
    other = Recipe(recipe.path, 'intgrad', T='T', X='x', steps=5)
    refused(r'was begun by another job.*its recipe was .*deeplift.*and now is .*intgrad', other)
    refused('its columns was .*label.*and now is', columns={'xs': 'pixels'})
    refused('its source was .*few.*and now is .*digits', source=source)
    refused('is there already, and with resume=False nothing is overwritten', resume=False)
    try:
        os.utime(path, (0, 0))
        with pytest.warns(DeepExplainWarning, match='was written again since'):
            refused('would not keep', error=DeepExplainError)
        pq.write_table(pq.read_table(path).slice(1), path)
        refused('of its source had .* bytes, and now has')
        open_write(path, before)
        at = model.index(np.float32(np.random.RandomState(1).normal(size=1)[0]).tobytes())
        open_write(weights, model[:at] + model[at + 4 : at + 8] + model[at + 4 :])
        refused("the recipe is the same, but the model's files have changed")
    finally:
        open_write(path, before)
        open_write(weights, model)


def open_read(path):
    with open(path, 'rb') as file:
        return file.read()


def open_write(path, content):
    with open(path, 'wb') as file:
        file.write(content)


def test_what_nobody_knows_is_left_alone(setting, recipe, small):
    os.makedirs(setting.output)
    open_write(os.path.join(setting.output, 'x.parquet'), b'?')
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
