"""Calls of public entries with odd arguments: a result, or a DeepExplainError that says what came."""

import ast
import gc
import os
import random
import traceback
import warnings

import numpy as np

import deepexplain
from deepexplain.errors import DeepExplainError

from .entries import ENTRIES, NETS
from .odd import ODD, Broken, Own
from .scene import close, scene
from .workers import Fault, TooSlow, within

#: The full count; the seconds and bytes that a call may take; after how many a process is replaced.
COUNT, SECONDS, MEMORY, OF_A_PROCESS = 50_000, 10.0, 4 << 30, 4000
#: Calls in a scene: its graph grows with every explainer.
OF_A_SCENE = 250
#: The shortest message that can say what came and what to do.
SHORTEST = 20

_WEIGHTS = [entry.weight for entry in ENTRIES]
_ROOT = os.path.dirname(deepexplain.__file__)


class Cases:
    """The calls of a seed."""

    def __init__(self, seed):
        self._seed, self._scene, self._calls = seed, None, 0

    def text(self, number):
        """The call of this number: its entry, its arguments, and after # those that are odd."""
        choose = random.Random(f'{self._seed}/{number}')
        (entry,) = choose.choices(ENTRIES, _WEIGHTS)
        net = choose.choice(entry.nets or NETS)
        given = [
            name
            for name in entry.names
            if name in entry.required or choose.random() < (0.9 if name in entry.usual else 0.2)
        ]
        values = {name: choose.choice(entry.good[name]).replace('{net}', net) for name in given}
        odd = choose.sample(entry.names, min(len(entry.names), choose.choice([1, 1, 2])))
        for name in odd:
            values[name] = choose.choice(ODD) if choose.random() < 0.8 else _misplaced(choose)
        arguments = ', '.join(f'{name}={value}' for name, value in values.items())
        call = entry.text.replace('{net}', net).replace('{arguments}', arguments)
        return f'{call}  # {ENTRIES.index(entry)} {" ".join(odd)}'

    def check(self, text):
        """Counts and faults of a call."""
        if self._calls % OF_A_SCENE == 0:
            self._renew()
        self._calls += 1
        np.random.seed(0)
        try:
            with within(SECONDS), warnings.catch_warnings(), np.errstate(all='ignore'):
                warnings.simplefilter('ignore')
                eval(compile(text, '<call>', 'eval'), self._scene)
        except DeepExplainError as error:
            if len(_said(error)) <= SHORTEST:
                return {'refused': 1}, [Fault('short message', _place(error), _said(error), text)]
            return {'refused': 1}, []
        except Own:
            return {'of the user': 1}, []
        except TooSlow as error:
            return {}, [Fault('too slow', _place(error), str(error), text)]
        except BaseException as error:
            if _is_of_the_user(error):
                return {'of the user': 1}, []
            return {}, [Fault('bare exception', f'{type(error).__name__} {_place(error)}', _said(error), text)]
        return {'results': 1}, [Fault('accepted', *what, text) for what in self._accepted(text)]

    def show(self, text):
        """Make a call, with its traceback."""
        self._renew()
        print(repr(eval(compile(text, '<call>', 'eval'), self._scene)))

    def close(self):
        """Leave the scene."""
        if self._scene is not None:
            close(self._scene)
            self._scene = None
            gc.collect()

    def _renew(self):
        self.close()
        self._scene = scene()

    def _accepted(self, text):
        """What is no value of its parameter, and yet led to a result."""
        call, _, odd = text.rpartition('  # ')
        entry, *names = odd.split()
        entry = ENTRIES[int(entry)]
        given = {}
        for node in ast.walk(ast.parse(call)):  # breadth first: the entry's own come before those within its values
            for keyword in getattr(node, 'keywords', []):
                given.setdefault(keyword.arg, keyword.value)
        for name in names:
            source = ast.get_source_segment(call, given[name])
            try:
                fits = entry.may_be(name, eval(source, self._scene))
            except Exception:
                continue
            if not fits:
                yield name, f'{name}={source} in {entry.text[:40]}'


def _misplaced(choose):
    """A value that is good somewhere else."""
    entry = choose.choice(ENTRIES)
    return choose.choice(entry.good[choose.choice(entry.names)]).replace('{net}', choose.choice(NETS))


def _said(error):
    try:
        return ' '.join(str(error).split())[:300]
    except Exception:
        return '(its message cannot be read)'


def _is_of_the_user(error):
    """Whether it was raised within a function that the call was given, and not before or after."""
    frames = traceback.extract_tb(error.__traceback__)
    called = [frame.name == '<lambda>' and frame.filename == '<call>' for frame in frames]
    return any(called) or (isinstance(error, Broken) and str(error) == '__call__')


def _place(error):
    """The last line of ours that an exception came through; and where it came from, if that is elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_ROOT)]
    if not ours:
        return f'{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}' if frames else ''
    return f'{os.path.relpath(ours[-1].filename, _ROOT)}:{ours[-1].lineno} in {ours[-1].name}'


def line(report):
    """The figures."""
    counts = report.counts
    ours = {kind: report.of_kind(kind) for kind in ('bare exception', 'accepted', 'short message', 'too slow')}
    return (
        f'{counts["cases"]:,} calls: {counts["results"]:,} results, {counts["refused"]:,} refused, '
        f"{counts['of the user']} errors of a user's own function; {ours['bare exception']} bare exceptions, "
        f'{ours["accepted"]} accepted that should not be, {ours["short message"]} short messages, '
        f'{ours["too slow"]} too slow, {report.of_kind("crash", "memory")} crashes'
    )
