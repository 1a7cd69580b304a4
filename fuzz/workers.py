"""Cases, checked one by one in processes that are watched: for faults, crashes, seconds and memory."""

import importlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

#: Cases that a process gets at a time.
AT_ONCE = 20
#: How often the parent looks at clocks and memory, in seconds.
GLANCE = 0.25
#: A process that starts: TensorFlow takes its time to import.
START = 120.0


class Fault(NamedTuple):
    """What went wrong: ``kind`` and ``where`` tell different faults apart, ``what`` and ``text`` say more."""

    kind: str
    where: str
    what: str
    text: str


class TooSlow(BaseException):
    """A case took longer than it may. No Exception, which the library may catch."""


class Report:
    """What came of many cases."""

    def __init__(self) -> None:
        self.counts: Counter = Counter()
        self.faults: List[Fault] = []
        self.slowest: Tuple[float, str] = (0.0, '')

    def add(self, counts: Dict[str, int], faults: List[Fault], seconds: float, text: str) -> None:
        self.counts.update(cases=1, **counts)
        self.faults += faults
        self.slowest = max(self.slowest, (seconds, text))

    def of_kind(self, *kinds: str) -> int:
        return sum(fault.kind in kinds for fault in self.faults)

    def distinct(self) -> List[Tuple[Fault, int]]:
        """One fault of each place, the shortest, and how often: the most frequent first."""
        groups: Dict[Tuple[str, str], List[Fault]] = {}
        for fault in self.faults:
            groups.setdefault((fault.kind, fault.where), []).append(fault)
        found = [(min(group, key=lambda fault: len(fault.text)), len(group)) for group in groups.values()]
        return sorted(found, key=lambda pair: -pair[1])


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block when this time is over; in a process without SIGALRM the parent alone watches."""
    if not hasattr(signal, 'setitimer'):
        yield
        return

    def over(*_: Any) -> None:
        raise TooSlow(f'more than {seconds:g} s')

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def checked(cases: Any, text: str) -> Tuple[Dict[str, int], List[Fault], float]:
    """One case: its counts, faults and seconds."""
    start = time.perf_counter()
    counts, faults = cases.check(text)
    return counts, faults, time.perf_counter() - start


def here(module: Any, seed: int, numbers: Any) -> Report:
    """Check cases in this process."""
    report, cases = Report(), module.Cases(seed)
    for number in numbers:
        text = cases.text(number)
        report.add(*checked(cases, text), text)
    cases.close()
    return report


class _Worker:
    """A process, and the case that it is at."""

    def __init__(self, name: str, seed: int, folder: str) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context('spawn')
        self._process = context.Process(target=_work, args=(name, seed, folder, theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()
        self.numbers: List[int] = []
        self.done = 0
        self.at: Optional[str] = None
        self.since = time.monotonic()

    def give(self, numbers: List[int]) -> None:
        self.numbers = numbers
        self.connection.send(numbers)

    @property
    def memory(self) -> int:
        try:
            with open(f'/proc/{self._process.pid}/statm') as file:
                return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
        except (OSError, IndexError):  # it has just ended; or a system without /proc
            return 0

    def end(self) -> str:
        """Kill it, if it still runs; how it ended."""
        self._process.join(0.5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        code = self._process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f'exit code {code}'


def _work(name: str, seed: int, folder: str, connection: Any, parent: int) -> None:
    """What a worker does: say which case is next, check it, say what came of it."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # progress bars, and what C++ and Keras have to say
    tempfile.tempdir = folder
    cases = importlib.import_module(name).Cases(seed)
    while True:
        try:
            numbers = connection.recv()
        except EOFError:
            numbers = None
        if numbers is None or os.getppid() != parent:
            cases.close()
            return
        for number in numbers:
            text = cases.text(number)
            connection.send((number, text))
            connection.send(checked(cases, text))


def run(
    module: Any,
    seed: int,
    numbers: Any,
    *,
    processes: int,
    case_seconds: float,
    memory: int,
    seconds: float = float('inf'),
) -> Report:
    """Check cases in processes of their own.

    Parameters
    ----------
    module
        Of this package, with ``Cases(seed)``: its ``text(number)`` is a case, ``check(text)`` what comes of it, as
        counts and faults. ``module.OF_A_PROCESS`` is after how many cases a process is replaced by a fresh one.
    processes : int
    case_seconds, memory : float, int
        The most that a case may take, and a process use, in bytes: beyond them the process is killed.
    seconds : float
        After this time no more cases are begun.
    """
    name, report, rest, until = module.__name__, Report(), iter(numbers), time.monotonic() + seconds
    again: List[int] = []
    workers: List[_Worker] = []
    folder = tempfile.TemporaryDirectory(prefix='fuzz-')  # of the files of processes, which may be killed

    def more() -> List[int]:
        if time.monotonic() > until:
            return []
        while again:
            found, again[:] = again[:AT_ONCE], again[AT_ONCE:]
            return found
        return [number for _, number in zip(range(AT_ONCE), rest)]

    def feed(worker: _Worker) -> None:
        """Give a worker its next cases, or let it go."""
        if worker.done >= module.OF_A_PROCESS:
            retire(worker)
            start()
            return
        found = more()
        if found:
            worker.give(found)
        else:
            retire(worker)

    def start() -> None:
        found = more()
        if found:
            workers.append(_Worker(name, seed, folder.name))
            workers[-1].give(found)

    def retire(worker: _Worker) -> None:
        workers.remove(worker)
        worker.connection.send(None)
        worker.end()

    def lost(worker: _Worker, kind: str, what: str) -> None:
        """A worker that died or was killed: one fault, and the rest of its cases for others."""
        workers.remove(worker)
        ended = worker.end()
        text = worker.at or 'at the start of the process'
        report.add({}, [Fault(kind, what or ended, what or ended, text)], time.monotonic() - worker.since, text)
        if worker.at is None:
            raise RuntimeError(f'A worker does not start: {what or ended}. --here says why.')
        again.extend(worker.numbers)
        start()

    for _ in range(processes):
        start()
    while workers:
        for connection in multiprocessing.connection.wait([worker.connection for worker in workers], GLANCE):
            worker = next(one for one in workers if one.connection is connection)
            try:
                message = connection.recv()
            except (EOFError, OSError):
                lost(worker, 'crash', '')
                continue
            worker.since = time.monotonic()
            if len(message) == 2:
                number, worker.at = message
                worker.numbers.remove(number)
            else:
                report.add(*message, worker.at)
                worker.done += 1
                if not worker.numbers:
                    feed(worker)
        for worker in workers[:]:
            if time.monotonic() - worker.since > (START if worker.at is None else 2 * case_seconds):
                lost(worker, 'too slow', f'more than {2 * case_seconds:g} s, and cannot be interrupted')
            elif worker.memory > memory:
                lost(worker, 'memory', f'more than {memory / 2**30:g} GB')
    folder.cleanup()
    return report
