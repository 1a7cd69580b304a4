"""Runs that are killed, at any moment, lose nothing and compute nothing twice: SIGKILL, Ctrl-C, two at a time."""

import json
import os
import random
import re
import signal
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from job import CHUNK, ROWS, digits, explainer_in
from processes import finished, start_job

try:
    import zarr
except ImportError:  # before Python 3.11
    zarr = None

KINDS = ['.npy', pytest.param('.zarr', marks=pytest.mark.skipif(zarr is None, reason='needs zarr'))]
CHUNKS = ROWS // CHUNK
KILLS = 20


def read(path):
    return np.load(path) if path.endswith('.npy') else np.asarray(zarr.open_array(path, mode='r')[:])


@pytest.fixture(scope='module')
def uninterrupted():
    with tf.Session(graph=tf.Graph()) as session:
        explainer, xs = explainer_in(session), digits()
        return np.concatenate([explainer.run(xs[start : start + CHUNK]) for start in range(0, ROWS, CHUNK)])


def lines_of(path):
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return file.read().splitlines()


def noted(path):
    """(start, stop, checksum) of each chunk that the journal names."""
    found = [re.fullmatch(r'(\d+) (\d+) ([0-9a-f]{8})', line) for line in lines_of(path + '.journal')]
    return [match.groups() for match in found if match]


@pytest.mark.parametrize('kind', KINDS)
def test_killed_twenty_times_at_random_moments(tmp_path, kind, uninterrupted):
    """From before the file exists on; twice between the data and the journal, twice within a write."""
    path, log, rng = str(tmp_path / f'out{kind}'), str(tmp_path / 'log'), random.Random(kind)
    fixed = [('write', 1), ('write', 2), ('inside', 1), ('inside', 2)]
    lost_after_write = 0
    for kill in range(KILLS):
        before, computed = {start for start, _, _ in noted(path)}, len(lines_of(log))
        if kill % 5 == 3 and fixed:
            place, count = fixed.pop(0)
            process = start_job(path=path, log=log, place=place, count=count)
            code, _, errors = finished(process)
            assert code == -signal.SIGKILL, errors
            lost_after_write += place == 'write'
        else:
            process = start_job(path=path, log=log, sleep=0.05)
            if rng.random() < 0.8:  # most of the time goes into the import, in which little can happen
                process.stdout.readline()
            time.sleep(rng.uniform(0, 0.25))
            process.kill()
            finished(process)
        # What was in the journal was not computed again.
        assert before.isdisjoint(lines_of(log)[computed:])
    assert lost_after_write == 2
    code, out, errors = finished(start_job(path=path, log=log))
    assert (code, out.split()) == (0, ['begins', 'ended']), errors
    assert 'damaged' not in errors
    np.testing.assert_array_equal(read(path), uninterrupted)
    chunks = noted(path)
    assert sorted(int(start) for start, _, _ in set(chunks)) == list(range(0, ROWS, CHUNK))
    assert len(chunks) == CHUNKS
    # Only those that were written and not noted were computed twice.
    assert len(lines_of(log)) <= CHUNKS + KILLS
    assert not [name for name in os.listdir(str(tmp_path)) if name.endswith(('.lock', '.new'))]


@pytest.mark.parametrize('kind', KINDS)
def test_ctrl_c_stops_within_a_chunk_and_says_how_to_go_on(tmp_path, kind, uninterrupted):
    path, log = str(tmp_path / f'out{kind}'), str(tmp_path / 'log')
    process = start_job(path=path, log=log, sleep=0.3)
    process.stdout.readline()
    while len(noted(path)) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    asked = time.time()
    code, _, errors = finished(process)
    assert time.time() - asked < 20
    assert code != 0
    assert re.search(
        r"KeyboardInterrupt: '.*' keeps the chunks that are finished: the same call goes on from there", errors
    )
    stopped = len(noted(path))
    assert 3 <= stopped < CHUNKS
    assert not os.path.exists(path + '.lock')
    assert finished(start_job(path=path, log=log))[0] == 0
    np.testing.assert_array_equal(read(path), uninterrupted)
    assert len(lines_of(log)) <= CHUNKS + 1


def test_a_second_writer_is_refused_and_a_killed_one_is_no_obstacle(tmp_path, uninterrupted):
    path, log = str(tmp_path / 'out.npy'), str(tmp_path / 'log')
    first = start_job(path=path, log=log, sleep=0.5)
    first.stdout.readline()
    while not noted(path):
        time.sleep(0.02)
    code, _, errors = finished(start_job(path=path, log=log + '2'))
    assert code == 1
    assert f'is being written by another process, of pid {first.pid}: wait for it, or give another path' in errors
    assert not os.path.exists(log + '2')
    first.kill()
    finished(first)
    assert os.path.exists(path + '.lock')  # it could not clean up
    assert finished(start_job(path=path, log=log))[0] == 0
    np.testing.assert_array_equal(read(path), uninterrupted)
    assert json.loads(lines_of(path + '.journal')[0])['chunk'] == CHUNK
