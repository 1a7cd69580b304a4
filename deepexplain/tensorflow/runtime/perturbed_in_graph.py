"""Samples, and what the target says of changed copies of them, as tensors of a graph that is exported."""

from typing import Any, Callable, Optional, Sequence, Tuple

from ..compat import Tensor, tf
from .parts_in_graph import stays


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
    regional : tuple, optional
        T of the samples as they are, and a function of pairs (sample, part): T without the part, by what that reaches
        alone, and whether it is better computed as a whole.

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
        regional: Optional[Tuple[Tensor, Callable[[Tensor], Sequence[Tensor]]]] = None,
    ) -> None:
        self._x, self._baseline, self._scores, self._in_pieces = x, baseline, scores, in_pieces
        self._regional = regional
        self.active = tf.not_equal(x, baseline)

    def without(self, parts: Any, wanted: Tensor) -> Tensor:
        """T's output at the samples and without their parts, shape (samples, 1 + parts); 0 where not wanted.

        Parameters
        ----------
        parts : Windows or Groups
        wanted : tf.Tensor of bool, shape (samples, parts)
        """
        if self._regional is None:
            return self.evaluate(
                tf.concat([tf.ones_like(wanted[:, :1]), wanted], axis=1),
                lambda copies, state: stays(parts, copies, state - 1),
            )
        whole, of_regions = self._regional
        places = tf.where(wanted)
        values, again = of_regions(places)
        rows = tf.where(again)
        whole_rows = self._at(tf.gather_nd(places, rows), lambda copies, number: stays(parts, copies, number))
        values = tf.tensor_scatter_nd_update(values, rows, whole_rows)
        return tf.concat([whole[:, None], tf.scatter_nd(places, values, tf.shape(wanted, out_type=tf.int64))], axis=1)

    def evaluate(self, wanted: Tensor, stays: Callable[..., Tensor]) -> Tensor:
        """T's output, shape (samples, changes ...), in double precision; 0 where not wanted.

        Parameters
        ----------
        wanted : tf.Tensor of bool, shape (samples, changes ...)
        stays : function of copies of samples, and of an int tensor for each further axis of wanted
            Where these copies keep their values: bool, in a shape that broadcasts.
        """
        places = tf.where(wanted)
        return tf.scatter_nd(places, self._at(places, stays), tf.shape(wanted, out_type=tf.int64))

    def _at(self, places: Tensor, stays: Callable[..., Tensor]) -> Tensor:
        """T of whole rows, each a sample and its change: shape (rows,)."""
        numbers = range(1, places.shape.as_list()[1])

        def turn(some: Tensor) -> Tensor:
            of = some[:, 0]
            copies = tf.gather(self._x, of)
            kept = stays(copies, *[some[:, axis] for axis in numbers])
            changed = tf.where_v2(kept, copies, self._baseline)
            changed.set_shape(copies.shape)
            return self._scores(changed, of)

        return self._in_pieces([places], turn)
