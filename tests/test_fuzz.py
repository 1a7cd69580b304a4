"""The fuzzer: a few cases of each kind, and that it finds what is broken."""

import importlib
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

if tf.__version__.startswith('1.'):
    pytest.skip('the fuzzer runs on TensorFlow 2', allow_module_level=True)

from deepexplain import plotting
from deepexplain.errors import ArgumentError
from deepexplain.tensorflow import Explainer
from deepexplain.tensorflow.engine.problem import Problem
from fuzz import calls, entries, files, graphs, workers
from fuzz.scene import close, scene

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

XS = 'dense.by("saliency").run(xs=dense.xs)  # 0 '


@pytest.fixture
def cases():
    found = calls.Cases(0)
    yield found
    found.close()


@pytest.fixture
def names():
    found = scene()
    yield found
    close(found)


@pytest.mark.parametrize(('module', 'count'), [(calls, 60), (graphs, 1), (files, 5)])
def test_a_few_cases(module, count):
    report = workers.here(module, 0, range(count))
    assert report.faults == []
    assert report.counts['cases'] == count
    assert module.line(report).startswith(f'{count} {module.__name__[5:]}: ')


def test_in_processes():
    command = [sys.executable, '-m', 'fuzz', 'calls', '--count', '30', '--processes', '1']
    found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert (found.returncode, found.stdout[:10]) == (0, '30 calls: ')


def test_every_entry_works_with_good_values(names):
    for entry in entries.ENTRIES:
        net = (entry.nets or ['dense'])[0]
        arguments = ', '.join(
            f'{name}={entry.good[name][0]}' for name in entry.names if name in entry.required + entry.usual
        )
        eval(entry.text.replace('{arguments}', arguments).replace('{net}', net), names)


@pytest.mark.filterwarnings('ignore:the matrix subclass:PendingDeprecationWarning')
def test_every_odd_value_can_be_made(names):
    for odd in calls.ODD:
        eval(odd, names)


def test_the_seed_and_the_number_say_the_case(cases):
    again = calls.Cases(0)
    assert [cases.text(n) for n in range(50)] == [again.text(n) for n in range(50)]
    assert cases.text(0) != calls.Cases(1).text(0)


def planted(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Explainer, 'run', fail)


def test_a_bare_exception_is_found(cases, monkeypatch):
    monkeypatch.setattr(Problem, 'batch_size', property(lambda self: self.nothing))
    _, (fault,) = cases.check(XS)
    assert fault.kind == 'bare exception'
    assert fault.where.startswith('AttributeError tensorflow/engine/call.py:')
    assert fault.what == "'Problem' object has no attribute 'nothing'"
    assert fault.text == XS


def test_a_message_that_says_nothing_is_found(cases, monkeypatch):
    planted(monkeypatch, ArgumentError('wrong'))
    _, (fault,) = cases.check(XS)
    assert (fault.kind, fault.what) == ('short message', 'wrong')


def test_a_call_that_takes_too_long_is_found(cases, monkeypatch):
    monkeypatch.setattr(calls, 'SECONDS', 0.1)
    monkeypatch.setattr(Explainer, 'run', lambda *_, **__: time.sleep(5))
    _, (fault,) = cases.check(XS)
    assert (fault.kind, fault.what) == ('too slow', 'more than 0.1 s')


def test_nonsense_that_is_accepted_is_found(cases, monkeypatch):
    monkeypatch.setattr(plotting, 'tabular', lambda *_, **__: None)
    number = next(i for i, entry in enumerate(entries.ENTRIES) if 'plotting.tabular' in entry.text)
    text = f"drawn(plotting.tabular(attributions=[1, 2], names=['a', 'b'], top='many'))  # {number} top"
    _, (fault,) = cases.check(text)
    assert (fault.kind, fault.where) == ('accepted', 'top')
    assert cases.check(text.replace("'many'", 'np.int8(2)')) == ({'results': 1}, [])


def test_what_a_users_function_raises_is_no_fault(cases):
    text = 'dense.by("intgrad").with_arguments(baseline={}).run(dense.xs)  # 0 '
    for function in ('fails', 'lambda xs: xs.nothing', "broken('call')"):
        assert cases.check(text.format(function)) == ({'of the user': 1}, [])


def test_a_broken_promise_is_found(monkeypatch):
    text, promised = (
        "(1, [('Tanh', 0), ('Softplus', 1)])",
        {
            'grad*input, finite differences',
            'occlusion, one by one',
            'intgrad, a loop of gradients',
            'shapley_sampling, its sum',
            "rules='complete', its sum",
        },
    )
    cases = graphs.Cases(0)
    counts, faults = cases.check(text)
    assert (counts, faults) == ({'promises': 21, 'said not to hold': 0, 'refused': 0}, [])
    run = Explainer.run
    monkeypatch.setattr(Explainer, 'run', lambda *args, **more: run(*args, **more) * 1.01)
    _, faults = cases.check(text)
    assert {fault.where for fault in faults} == promised
    monkeypatch.setattr(Explainer, 'run', lambda self, xs, *args, **more: run(self, xs, *args, **more) * len(xs))
    _, faults = cases.check(text)
    assert {'elrp, a batch and its rows', 'deeplift, a batch and its rows'} <= {fault.where for fault in faults}


def test_a_bare_error_of_a_file_is_found(monkeypatch):
    def fail(path):
        raise KeyError('config')

    monkeypatch.setattr(files, 'open_model', fail)
    report = workers.here(files, 0, range(2))
    assert [fault.kind for fault in report.faults] == ['bare exception'] * 2


def test_whole_files_open(tmp_path):
    files.write_models(str(tmp_path))
    for model in files.PARTS:
        files.open_model(str(tmp_path / model)).close()


def test_crashes_and_hangs_of_a_process_are_found(tmp_path, monkeypatch):
    (tmp_path / 'dying.py').write_text(
        'import os, time\n'
        'AT_ONCE, OF_A_PROCESS = 3, 4\n'
        'class Cases:\n'
        '    def close(self): pass\n'
        '    def __init__(self, seed): pass\n'
        '    def text(self, number): return str(number)\n'
        '    def check(self, text):\n'
        '        if text == "2": os.abort()\n'
        '        if text == "5": time.sleep(60)\n'
        '        if text == "7": self.much = bytearray(2 << 30); time.sleep(60)\n'
        '        return {}, []\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))  # multiprocessing hands it on
    report = workers.run(importlib.import_module('dying'), 0, range(10), processes=1, case_seconds=2, memory=1 << 30)
    assert report.counts['cases'] == 10
    assert [(fault.kind, fault.text) for fault in report.faults] == [('crash', '2'), ('too slow', '5'), ('memory', '7')]
    assert report.faults[0].what == 'SIGABRT'


def test_the_reference_of_graphs_is_not_the_library():
    """That a graph's own loops agree with what is known in closed form."""
    loops = graphs._Loops(lambda rows: np.sum(rows, axis=1), None, np.ones((2, 6)), np.full(6, 0.25), 1.0)
    np.testing.assert_allclose(loops.occlusion(), 0.75)
    np.testing.assert_allclose(loops.differences(), 1, rtol=1e-6)
