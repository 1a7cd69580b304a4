"""Seconds: of functions that take turns, of a number of rows at the best batch size, of the first part of a loop."""

import math
import statistics
import time

BUDGET = 20.0  # seconds that a row of the table may take, about
MOMENT = 0.3  # seconds that even the fastest row takes
BATCH_SIZES = [2**i for i in range(10)]


def stopwatch(function):
    """Seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(functions, repeats, budget=BUDGET):
    """Median seconds of each function. They take turns: what disturbs the machine disturbs all of them alike."""
    warm_up = [stopwatch(function) for function in functions]
    seconds = [[] for _ in functions]
    start = time.perf_counter()
    deadline = start + budget - sum(warm_up)
    if deadline < start:
        return warm_up
    while len(seconds[0]) < repeats or time.perf_counter() < start + MOMENT:
        for function, measured in zip(functions, seconds):
            measured.append(stopwatch(function))
        if time.perf_counter() > deadline:
            break
    return [statistics.median(measured) for measured in seconds]


class Limit:
    """A number of rows through a function, so and so many at a time.

    Parameters
    ----------
    evaluate : function of an array
    block : ndarray
        The rows of the largest batch; batches are its beginnings, so no time goes into building them.
    rows : int
        How many rows there are in all.
    """

    def __init__(self, evaluate, block, rows):
        self._evaluate, self._block = evaluate, block
        self.batch_size, seconds_a_batch = self._best_batch_size(rows)
        batches = math.ceil(1.0 / seconds_a_batch)  # a second of work
        self._rows = min(rows, batches * self.batch_size)
        self.scale = rows / self._rows  # times the seconds of a call

    def __call__(self):
        for _ in range(self._rows // self.batch_size):
            self._evaluate(self._block[: self.batch_size])
        if self._rows % self.batch_size:
            self._evaluate(self._block[: self._rows % self.batch_size])

    def _best_batch_size(self, rows, budget=5.0):
        """The batch size with the fewest seconds a row, and the seconds of such a batch."""
        best = None
        deadline = time.perf_counter() + budget
        for size in sorted({min(size, rows, len(self._block)) for size in BATCH_SIZES}):
            seconds = self._seconds(self._block[:size])
            if best is None or seconds / size < best[1] / best[0]:
                best = size, seconds
            if time.perf_counter() > deadline:
                break
        return best

    def _seconds(self, batch):
        """The fastest of a few calls, after one to warm up."""
        self._evaluate(batch)
        first = stopwatch(lambda: self._evaluate(batch))
        more = min(20, int(0.1 / first))
        return min([first] + [stopwatch(lambda: self._evaluate(batch)) for _ in range(more)])


def loop_seconds(evaluations, count, budget=2.0):
    """Median seconds of a loop over about `count` evaluations, from its first part where it takes long.

    `evaluations` makes the loop: a generator that yields after each evaluation.
    """
    next(evaluations())  # to warm up
    passes = []
    start = time.perf_counter()
    while not passes or time.perf_counter() < start + budget / 2:
        passes.append(_pass_seconds(evaluations(), count, start + budget))
    return statistics.median(passes)


def _pass_seconds(evaluations, count, deadline):
    """Seconds of one pass; the deadline ends it early, and then they are scaled."""
    start = time.perf_counter()
    for done, _ in enumerate(evaluations, start=1):
        if time.perf_counter() > deadline:
            return (time.perf_counter() - start) * max(count, done) / done
    return time.perf_counter() - start
