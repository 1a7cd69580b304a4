"""What is watched and broken in the processes of Ray: ``setup`` runs in each of them as it starts.

Settings are the JSON of the file that the environment names, read anew each time. Each event is a line of the log:
(time, process, what, ids).
"""

import glob
import json
import os
import sys
import time
from contextlib import contextmanager

from deepexplain.distributed.workers import Worker

SETTINGS = 'DEEPEXPLAIN_TEST_SETTINGS'


def settings():
    with open(os.environ[SETTINGS]) as file:
        return json.load(file)


def note(what, ids=()):
    line = json.dumps([time.time(), os.getpid(), what, list(ids)]) + '\n'
    descriptor = os.open(settings()['log'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


class Imports:
    """Notes when the import of TensorFlow begins."""

    def find_spec(self, name, path=None, target=None):
        if name == 'tensorflow':
            note('import')


def setup():
    sys.meta_path.insert(0, Imports())
    explained = Worker._explain
    opened = []

    def explain(self, batch):
        ids = [str(name) for name in batch['name']]
        note('begin', ids)
        time.sleep(settings().get('sleep', 0))
        if settings().get('poison') in ids:
            until = time.time() + 240  # by then there is something to go on from, on a machine under load, too
            while not glob.glob(settings()['after']) and time.time() < until:
                time.sleep(0.1)
            raise ValueError('the cause')
        found = explained(self, batch)
        note('end', ids)
        return found

    def call(self, batch, called=Worker.__call__):
        recipe = type(self.recipe)
        if not opened:
            opened.append(recipe.open)

            @contextmanager
            def open_slowly(self, threads):
                note('open', [str(threads), os.environ.get('OMP_NUM_THREADS', '')])
                time.sleep(settings().get('open', 0))
                with opened[0](self, threads) as explainer:
                    yield explainer

            recipe.open = open_slowly
        return called(self, batch)

    Worker._explain, Worker.__call__ = explain, call
