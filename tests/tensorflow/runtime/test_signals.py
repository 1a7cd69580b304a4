"""Signals are held back while a graph is added to, and come to the user's handler once, afterwards."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain, methods
from deepexplain.tensorflow.runtime.building import building, graph_lock
from deepexplain.tensorflow.runtime.signals import held_signals, let_through

ALL = range(1, signal.NSIG)


@pytest.fixture(autouse=True)
def handlers():
    """SIGINT raises KeyboardInterrupt, as Python has it; afterwards all handlers are as they were."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = list(map(signal.getsignal, ALL))
    yield
    assert list(map(signal.getsignal, ALL)) == found
    signal.signal(signal.SIGINT, before)


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    time.sleep(0.01)


def held(*works):
    """Do all of this with signals held, and return what was done."""
    done = []
    try:
        with held_signals():
            for work in works:
                work()
                done.append(work)
    except (KeyboardInterrupt, LateError) as error:
        done.append(type(error))
    return done


class LateError(Exception):
    """What the handler of a timeout raises."""


def late(*_):
    raise LateError


def test_an_interrupt_comes_after_the_work():
    assert held(send, time.time) == [send, time.time, KeyboardInterrupt]


def test_one_that_comes_while_handlers_are_put_back_leaves_none_of_ours(monkeypatch):
    real, before = signal.signal, signal.signal(signal.SIGALRM, late)

    def and_an_interrupt(number, handler):
        found = real(number, handler)
        if handler is signal.default_int_handler:
            os.kill(os.getpid(), signal.SIGINT)
        return found

    monkeypatch.setattr(signal, 'signal', and_an_interrupt)
    found = held(time.time)
    monkeypatch.undo()
    assert found == [time.time, KeyboardInterrupt]
    assert signal.signal(signal.SIGALRM, before) is late


def test_what_came_many_times_comes_once_to_the_handler_that_the_user_has():
    came = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame is not None)))
    with held_signals():
        with held_signals():
            send()
            send()
        assert came == []
    assert came == [(signal.SIGINT, True)]
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_all_signals_that_python_answers_are_held_and_no_others():
    came = []
    before = signal.signal(signal.SIGUSR1, lambda *_: came.append('usr1'))
    seen = []

    def work():
        send(signal.SIGUSR1)
        send()
        seen.extend([list(came), signal.getsignal(signal.SIGTERM)])

    assert held(work) == [work, KeyboardInterrupt]
    assert seen == [[], signal.SIG_DFL]
    assert came == ['usr1']
    signal.signal(signal.SIGUSR1, before)


def test_a_handler_that_is_set_meanwhile_stays_and_one_set_again_later_works():
    came = []
    with held_signals():
        ours = signal.signal(signal.SIGINT, lambda *_: came.append('new'))
        send()
    assert came == ['new']
    send()
    assert came == ['new', 'new']
    signal.signal(signal.SIGINT, ours)
    with pytest.raises(KeyboardInterrupt):
        send()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_let_through_answers_between_two_ops_and_once():
    assert held(let_through, send, let_through, send) == [let_through, send, KeyboardInterrupt]


def test_other_threads_hold_nothing_back():
    found = []

    def work():
        with held_signals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_waiting_for_another_thread_that_builds_is_interrupted_and_the_lock_is_free_afterwards():
    graph, inside, done = tf.Graph(), threading.Event(), threading.Event()

    def work():
        with building(graph):
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    timer = threading.Timer(0.1, send)
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt), building(graph):
        pass
    assert time.perf_counter() - start < 5
    done.set()
    timer.join()
    thread.join()
    lock = graph_lock(graph)
    assert lock.acquire(timeout=5)
    lock.release()


class Interrupted(methods.GradientXInput):
    """Sends itself an interrupt in the middle of being built."""

    def get_symbolic_attribution(self):
        send()
        found = super().get_symbolic_attribution()
        self.got_here = True
        return found


def test_an_explainer_that_is_interrupted_is_not_kept_and_its_graph_can_be_explained(monkeypatch):
    monkeypatch.setitem(methods.attribution_methods, 'interrupted', (Interrupted, 8))
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session, DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 3])
        T = tf.nn.relu(X * 2)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                de.explain('interrupted', T, X, np.ones((2, 3)))
        assert de._explainers._explainers == {}
        assert not graph_lock(graph)._is_owned()
        for op in graph.get_operations():
            for tensor in op.outputs:
                tensor.consumers()
        np.testing.assert_array_equal(de.explain('grad*input', T, X, np.ones((2, 3))), np.full((2, 3), 2))


@pytest.mark.skipif(sys.platform == 'win32', reason='no alarms')
def test_the_alarm_of_a_timeout_waits_too():
    before = signal.signal(signal.SIGALRM, late)

    def work():
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        time.sleep(0.05)

    assert held(work) == [work, LateError]
    signal.signal(signal.SIGALRM, before)
