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
from processes import ended, start_job

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


def said(log):
    return '\n'.join(lines_of(log + '.said'))


def wait_for(condition, seconds=120):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.01)


def noted(path):
    """(start, stop, checksum) of each chunk that the journal names."""
    found = [re.fullmatch(r'(\d+) (\d+) ([0-9a-f]{8})', line) for line in lines_of(path + '.journal')]
    return [match.groups() for match in found if match]


@pytest.mark.parametrize('kind', KINDS)
def test_killed_twenty_times_at_random_moments(tmp_path, kind, uninterrupted):
    """From before the file exists on; twice between the data and the journal, twice within a write."""
    path, log, rng = str(tmp_path / f'out{kind}'), str(tmp_path / 'log'), random.Random(kind)
    # A job sleeps after each chunk, longer than a kill takes: whatever the machine, chunks are left for the last kills.
    assert CHUNKS > KILLS + 4
    fixed = [('write', 1), ('write', 2), ('inside', 1), ('inside', 2)]
    lost_after_write = 0
    for kill in range(KILLS):
        before, computed = {start for start, _, _ in noted(path)}, len(lines_of(log))
        if kill % 5 == 3 and fixed:
            place, count = fixed.pop(0)
            process = start_job(path=path, log=log, place=place, count=count)
            assert ended(process) == -signal.SIGKILL, said(log)
            lost_after_write += place == 'write'
        else:
            if os.path.exists(log + '.said'):
                os.remove(log + '.said')  # of the job before
            process = start_job(path=path, log=log, sleep=5)
            if rng.random() < 0.8:
                wait_for(lambda: 'begins' in said(log))
            time.sleep(rng.uniform(0, 0.3))
            process.kill()
            ended(process)
        # What was in the journal was not computed again.
        assert before.isdisjoint(lines_of(log)[computed:])
    assert lost_after_write == 2
    assert ended(start_job(path=path, log=log)) == 0, said(log)
    assert 'ended' in said(log)
    assert 'damaged' not in said(log)
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
    wait_for(lambda: len(noted(path)) >= 3)
    os.kill(process.pid, signal.SIGINT)
    asked = time.time()
    assert ended(process) != 0
    assert time.time() - asked < 20
    assert re.search(
        r"KeyboardInterrupt: '.*' keeps the chunks that are finished: the same call goes on from there", said(log)
    )
    stopped = len(noted(path))
    assert 3 <= stopped < CHUNKS
    assert not os.path.exists(path + '.lock')
    assert ended(start_job(path=path, log=log)) == 0, said(log)
    np.testing.assert_array_equal(read(path), uninterrupted)
    assert len(lines_of(log)) <= CHUNKS + 1


def test_a_second_writer_is_refused_and_a_killed_one_is_no_obstacle(tmp_path, uninterrupted):
    path, log = str(tmp_path / 'out.npy'), str(tmp_path / 'log')
    first = start_job(path=path, log=log, sleep=0.5)
    wait_for(lambda: noted(path))
    assert ended(start_job(path=path, log=log + '2')) == 1
    message = f'is being written by another process, of pid {first.pid}: wait for it, or give another path'
    assert message in said(log + '2')
    assert not os.path.exists(log + '2')
    first.kill()
    ended(first)
    assert os.path.exists(path + '.lock')  # it could not clean up
    assert ended(start_job(path=path, log=log)) == 0, said(log)
    np.testing.assert_array_equal(read(path), uninterrupted)
    assert json.loads(lines_of(path + '.journal')[0])['chunk'] == CHUNK
