"""May rows be put together otherwise than the user did? Asked of the network, once, with made-up samples."""

from itertools import islice

import numpy as np

from ...errors import ArgumentError, warn
from ..compat import tf
from ..runtime.rows import independent, interchangeable, made_up_pairs, separable, summed
from .tensors import first_dimension


class AsksNetwork:
    """An explainer's questions to its network; they are those of ``runtime.rows``.

    It must have ``_answers`` (a dict), ``_target``, ``_fixed_rows`` and ``_evaluate``, as an attribution method has.
    """

    def _once(self, key, find_out):
        """What ``find_out()`` returned, for all explainers that share this graph."""
        if key not in self._answers:
            self._answers[key] = find_out()
        return self._answers[key]

    def _ask(self, question, call, *count, pairs=2):
        """Put a question of ``runtime.rows`` to the network, once."""
        first, last = call.samples(slice(0, 1)), call.samples(slice(call.n - 1, call.n))

        def answer(ids=False):
            made_up = islice(made_up_pairs(first, last, ids), pairs)
            return question(lambda rows: self._observe(call, rows), made_up, *count)

        def answer_of_ids_too():
            try:
                return answer()
            except tf.errors.InvalidArgumentError:  # ids come as floats, too, and then noise is not among them
                if any((x != np.round(x)).any() for x in first + last):
                    raise
                return answer(ids=True)

        return self._once((question, count, pairs), answer_of_ids_too)

    def _independent(self, call, count):
        return self._ask(independent, call, count, pairs=1)

    def _apart(self, call):
        """Whether a sample gets the same, alone or beside others; in a fixed batch, whatever the others are."""
        try:
            if call.fixed_rows is not None:
                return self._independent(call, call.fixed_rows)
            return self._ask(summed, call, pairs=1)  # the one question of common runs: kept cheap
        except tf.errors.OpError:
            return False  # a network that does not take any number of rows

    def _may_cut(self, call, rows):
        """Whether the samples may be cut into parts of this many rows although the user did not ask for it.

        Two rows show if a network mixes samples, but not if it does so at a distance: hence the second question.
        """
        if any(call.n in value.shape for _, value, per_row in call.feeds.entries if not per_row):
            return False
        try:
            return self._apart(call) and (rows >= call.n or self._ask(separable, call, max(2, rows // 2), pairs=1))
        except tf.errors.OpError:
            return False  # a network that does not take any number of rows

    def _observe(self, call, rows):
        """What a run of made-up rows says: their attributions (or outputs), and T if it has a row for each."""
        count = len(rows[0])
        probe = call.probe([0] * count)
        target = probe.run([self._target], slice(0, count), rows, trim=False)[0]
        return self._evaluate(probe, slice(0, count), rows) + ([target] if target.shape[:1] == (count,) else [])

    def _check_interchangeable(self, call):
        """Raise unless a fixed batch may be filled with any number of samples.

        A mask with one row a sample (``T * mask``) makes rows differ: its rows must meet exactly their samples.
        """
        if first_dimension(self._target) not in (None, self._fixed_rows):
            raise ArgumentError(
                f"X has a fixed batch dimension of {self._fixed_rows}, but T '{self._target.name}' one of "
                f'{first_dimension(self._target)}, so rows cannot be told apart for {call.n} samples: give T one '
                f'row a sample, or exactly {self._fixed_rows} samples.'
            )
        if not self._ask(interchangeable, call, self._fixed_rows):
            raise ArgumentError(
                f"T '{self._target.name}' has a fixed batch dimension of {self._fixed_rows} and treats one and the "
                'same sample differently in different rows (a mask with one row a sample?), so rows cannot be told '
                f'apart for {call.n} samples: give exactly {self._fixed_rows}, in order.'
            )

    def _warn_that_samples_mix(self, how):
        warn(
            f"T '{self._target.name}' mixes samples (batch statistics? dropout that is on?): attributions of a "
            f'sample depend on the others in its session run, and so on {how}. Put the network in its inference '
            'mode; or leave batch_size out, to explain all samples of xs together.'
        )
