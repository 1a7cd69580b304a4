"""Disks that are full or cannot be written to, a megabyte that is gone, and data larger than the memory there is."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from job import CHUNK, ROWS, digits, explainer_in
from processes import finished, start

from deepexplain.errors import DeepExplainWarning

try:
    import zarr
except ImportError:  # before Python 3.11
    zarr = None

KINDS = ['.npy', pytest.param('.zarr', marks=pytest.mark.skipif(zarr is None, reason='needs zarr'))]

#: In a name space of its own, in which a file system can be mounted: one of 1 MB, then one of more, then read-only.
SCRIPT = """
set -eu
mount -t tmpfs -o size=1m none "$1"
shift
exec "$@"
"""

FULL = """
import json, os, subprocess, sys
import numpy as np, tensorflow.compat.v1 as tf
from deepexplain.errors import OutputError
from job import CHUNK, ROWS, digits, explainer_in

path = sys.argv[1]
folder = os.path.dirname(path)


def noted():
    with open(path + '.journal') as file:
        return [line.split()[0] for line in file.read().splitlines()[2:]]


with tf.Session(graph=tf.Graph()) as session:
    explainer, xs, said = explainer_in(session), digits(), {}
    try:
        explainer.run_to(path, xs, chunk=CHUNK, progress=False)
    except OutputError as error:
        said['full'] = str(error)
    said['after'] = noted()
    subprocess.run(['mount', '-o', 'remount,ro', folder], check=True)
    for name in (path, os.path.join(folder, 'other' + path[-5:].lstrip('t'))):
        try:
            explainer.run_to(name, xs, chunk=CHUNK, progress=False)
        except OutputError as error:
            said.setdefault('read-only', []).append(str(error))
    subprocess.run(['mount', '-o', 'remount,rw,size=64m', folder], check=True)
    starts, original = [], type(explainer).run

    def run(self, some, *args, **kwargs):
        starts.append(len(some))
        return original(self, some, *args, **kwargs)

    type(explainer).run = run
    found = np.asarray(explainer.run_to(path, xs, chunk=CHUNK, progress=False)[:])
    said['computed'] = len(starts)
    type(explainer).run = original
    wanted = np.concatenate([explainer.run(xs[start : start + CHUNK]) for start in range(0, ROWS, CHUNK)])
    said['equal'] = bool(np.array_equal(found, wanted))
    print(json.dumps(said))
"""


def can_mount():
    if sys.platform != 'linux':
        return False
    done = subprocess.run(['unshare', '-rm', 'true'], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


@pytest.mark.skipif(not can_mount(), reason='needs unshare, to mount a small file system')
@pytest.mark.parametrize('kind', KINDS)
def test_a_full_disk_and_one_that_is_read_only(tmp_path, kind):
    folder = tmp_path / 'small'
    folder.mkdir()
    command = ['unshare', '-rm', 'sh', '-c', SCRIPT, 'sh', str(folder), sys.executable, '-W', 'ignore', '-c', FULL]
    code, out, errors = finished(start(*command, str(folder / f'out{kind}')))
    assert code == 0, errors
    said = json.loads(out.splitlines()[-1])
    assert re.search(r'No space left on device.*[Ss]amples before \d+ are written: make room', said['full'])
    assert 0 < len(said['after']) < ROWS // CHUNK
    assert len(said['read-only']) == 2
    for text in said['read-only']:
        assert re.search('cannot be written: Read-only file system.*the same call goes on', text)
    assert said['computed'] == ROWS // CHUNK - len(said['after'])
    assert said['equal']


def test_a_megabyte_less(tmp_path, monkeypatch):
    path, xs = str(tmp_path / 'out.npy'), digits()
    with tf.Session(graph=tf.Graph()) as session:
        explainer = explainer_in(session)
        wanted = np.array(explainer.run_to(path, xs, chunk=CHUNK, progress=False))
        size = os.path.getsize(path)
        with open(path, 'r+b') as file:
            file.truncate(size - 2**20)
        starts, original = [], type(explainer).run
        monkeypatch.setattr(
            type(explainer), 'run', lambda self, some, *a, **k: starts.append(1) or original(self, some, *a, **k)
        )
        with pytest.warns(DeepExplainWarning, match='is damaged in the chunks of samples'):
            found = explainer.run_to(path, xs, chunk=CHUNK, progress=False)
    np.testing.assert_array_equal(found, wanted)
    row = 28 * 28 * 4
    assert len(starts) == -(-(2**20 + (CHUNK - ROWS % CHUNK) % CHUNK * row) // (CHUNK * row))


LARGE = """
import json, os, re, resource, sys
import numpy as np, tensorflow.compat.v1 as tf
from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import DeepExplain

folder, limit = sys.argv[1], 128 << 20
rows = 3 * limit // (1024 * 4)
xs = np.lib.format.open_memmap(os.path.join(folder, 'xs.npy'), 'w+', np.float32, (rows, 1024))
xs[-1, -1] = np.nan
xs.flush()
del xs
xs = np.load(os.path.join(folder, 'xs.npy'), mmap_mode='r+')


def used(what):
    with open('/proc/self/status') as file:
        return int(re.search(what + r':\\s+(\\d+) kB', file.read()).group(1)) << 10


with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    X = tf.placeholder(tf.float32, [None, 1024])
    explainer = de.get_explainer('grad*input', tf.reduce_sum(tf.nn.relu(X - 1), axis=1), X)
    explainer.run(np.ones((2048, 1024)))
    resource.setrlimit(resource.RLIMIT_DATA, (used('VmData') + limit,) * 2)
    calls, original = [], type(explainer).run
    type(explainer).run = lambda self, *a, **k: calls.append(1) or original(self, *a, **k)
    try:
        explainer.run_to(os.path.join(folder, 'out.npy'), xs, progress=False)
    except ArgumentError as error:
        said = {'nan': str(error), 'computed before': len(calls)}
    xs[-1, -1] = 1
    before = used('RssAnon')
    found = explainer.run_to(os.path.join(folder, 'out.npy'), xs, progress=False)
    said['grown'] = used('RssAnon') - before
    said['shape'], said['calls'], said['limit'], said['rows'] = found.shape, len(calls), limit, rows
    try:
        found = np.array(found)
        said['whole'] = 'fits'
    except MemoryError:
        said['whole'] = 'does not fit'
    print(json.dumps(said))
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='memory is limited and measured by /proc')
def test_samples_of_three_times_the_memory(tmp_path):
    process = start(sys.executable, '-W', 'ignore', '-c', LARGE, str(tmp_path))
    code, out, errors = finished(process)
    for name in ('xs.npy', 'out.npy'):
        (tmp_path / name).unlink()
    assert code == 0, errors
    said = json.loads(out.splitlines()[-1])
    assert re.search(rf'in 1 sample: the first is at index {said["rows"] - 1}', said['nan'])
    assert said['computed before'] == 0
    assert said['shape'] == [said['rows'], 1024]
    assert said['grown'] < said['limit'] / 2
    assert said['whole'] == 'does not fit'  # so the limit is one
