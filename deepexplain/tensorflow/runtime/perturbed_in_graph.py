"""Samples, and what the target says of changed copies of them, as tensors of a graph that is exported."""

from typing import Any, Callable, Sequence

from ..compat import Tensor, tf


class PerturbedTensors:
    """The twin of :class:`~.perturbed.Perturbed`, for one output.

    Parameters
    ----------
    x : tf.Tensor
        The samples.
    baseline : tf.Tensor
        One row.
    scores : function of the changed copies of some samples, and of the numbers of these samples
        T there, weighted and summed: shape (copies,), in double precision.
    in_pieces : function of a list of tensors and of a function of their rows
        The function's values for all rows, few of which are there at a time.

    Attributes
    ----------
    active : tf.Tensor of bool, shape (samples, ...)
        Where a sample differs from the baseline.
    """

    def __init__(
        self,
        x: Tensor,
        baseline: Tensor,
        scores: Callable[[Tensor, Tensor], Tensor],
        in_pieces: Callable[[Sequence[Tensor], Callable[..., Any]], Tensor],
    ) -> None:
        self._x, self._baseline, self._scores, self._in_pieces = x, baseline, scores, in_pieces
        self.active = tf.not_equal(x, baseline)

    def evaluate(self, wanted: Tensor, stays: Callable[..., Tensor]) -> Tensor:
        """T's output, shape (samples, changes ...), in double precision; 0 where not wanted.

        Parameters
        ----------
        wanted : tf.Tensor of bool, shape (samples, changes ...)
        stays : function of copies of samples, and of an int tensor for each further axis of wanted
            Where these copies keep their values: bool, in a shape that broadcasts.
        """
        places = tf.where(wanted)

        def turn(some: Tensor) -> Tensor:
            of = some[:, 0]
            copies = tf.gather(self._x, of)
            kept = stays(copies, *[some[:, axis] for axis in range(1, wanted.shape.ndims)])
            changed = tf.where_v2(kept, copies, self._baseline)
            changed.set_shape(copies.shape)
            return self._scores(changed, of)

        values = self._in_pieces([places], turn)
        return tf.scatter_nd(places, values, tf.shape(wanted, out_type=tf.int64))
