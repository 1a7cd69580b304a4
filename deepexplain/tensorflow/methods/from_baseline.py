"""What intgrad and deeplift share: attributions of what a sample has beyond a baseline, or beyond each of a set."""

import numpy as np

from ...errors import ArgumentError
from ..runtime.baselines import given, given_set, resolve, resolve_set
from .gradient import GradientBasedMethod


class FromBaseline(GradientBasedMethod):
    """A method that compares each sample with a baseline."""

    promise = 'T(x) - T(baseline)'

    def _set_baselines(self, baseline, baselines):
        """Check and keep the arguments, as far as that is possible before there are samples.

        ``baseline`` is one for all samples, one for each, or a function of xs; ``baselines`` a set to average over.
        """
        if baseline is not None and baselines is not None:
            raise ArgumentError(
                'Give a baseline (one for all samples, or one for each), or baselines (a set), not both.'
            )
        self.baseline = given(baseline, self._specs, self.has_multiple_inputs)
        self.baselines = None if baselines is None else given_set(baselines, self._specs, self.has_multiple_inputs)

    def _call(self, xs, ys, feed_dict):
        call = super()._call(xs, ys, feed_dict)
        arrays = call.arrays if self.has_multiple_inputs else call.arrays[0]
        if self.baselines is None:
            call.baselines = resolve(self.baseline, arrays, self._specs, self.has_multiple_inputs)
        else:
            call.baselines = resolve_set(self.baselines, arrays, self._specs, self.has_multiple_inputs)
        return call

    def _explain_part(self, call, part, most_rows):
        xs, of = call.samples(part), np.arange(part.start, part.stop)
        if self.baselines is None:
            baselines = [b if len(b) == 1 else b[part] for b in call.baselines]
            return self._explain_from(call, of, xs, baselines, most_rows)
        # All samples beside the first baselines, then beside the next.
        count, at_once, total = self._set_size(call), max(1, most_rows // len(of)), None
        for start in range(0, count, at_once):
            some = [b[start : start + at_once] for b in call.baselines]
            copies = len(some[0])
            rows = [np.tile(x, (copies,) + (1,) * (x.ndim - 1)) for x in xs]
            beside = [np.repeat(b, len(of), axis=0) for b in some]
            found = self._explain_from(call, np.tile(of, copies), rows, beside, most_rows)
            sums = [
                [a.reshape((copies, len(of)) + a.shape[1:]).sum(axis=0, dtype=np.float64) for a in f] for f in found
            ]
            total = sums if total is None else [[a + b for a, b in zip(*both)] for both in zip(total, sums)]
        return [[(a / count).astype(x.dtype) for a, x in zip(one, xs)] for one in total]

    def _explain_from(self, call, of, xs, baselines, most_rows):
        """Attributions of the rows ``xs`` (of the samples ``of``): as ``_explain_part``.

        ``baselines`` are one array for each input, with one row, or a row for each of xs.
        """
        raise NotImplementedError

    def _rows_of_a_sample(self, call):
        return 1 if self.baselines is None else self._set_size(call)

    def _set_size(self, call):
        return len(call.baselines[0])

    def _promised(self, call, most_rows):
        return self._scores(call, most_rows) - self._scores_at_baseline(call, most_rows)

    def _scores_at_baseline(self, call, most_rows):
        """Outputs of the baseline with each sample's weights: shape (samples,), or (outputs, samples)."""
        if self.baselines is None:
            return self._scores(call, most_rows, [_row_for_each(b, call.n) for b in call.baselines])
        at_each = [
            self._scores(call, most_rows, [_row_for_each(b[i : i + 1], call.n) for b in call.baselines])
            for i in range(self._set_size(call))
        ]
        return sum(at_each) / len(at_each)


def _row_for_each(baseline, count):
    return np.broadcast_to(baseline, (count,) + baseline.shape[1:])
