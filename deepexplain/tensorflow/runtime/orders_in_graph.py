"""What each feature contributes to the target along orders that are constants of a graph: see :mod:`~.orders`."""

from typing import TYPE_CHECKING

from ..compat import Tensor, tf
from .orders import Orders
from .parts_in_graph import any_of, mask

if TYPE_CHECKING:
    from .perturbed_in_graph import PerturbedTensors


def contributions_in_graph(samples: 'PerturbedTensors', orders: Orders, count: int) -> Tensor:
    """What T loses as each feature goes, in the first ``count`` orders: shape (samples, orders, features)."""
    order, rank = orders.draw(0, count)
    features = orders.features
    moves = tf.gather(any_of(features, samples.active), order, axis=1)  # whether the n-th to go changes anything
    done = tf.cumsum(tf.cast(moves, tf.int32), axis=-1)
    begins, ends = moves & tf.equal(done, 1), moves & tf.equal(done, done[..., -1:])
    # The first order also has the whole sample and the empty one, with which all begin and end.
    start = tf.zeros_like(moves[..., :1])
    first = tf.concat([tf.ones_like(start), (moves & ~ends)[..., :-1], tf.ones_like(start)], axis=-1)[:, :1]
    wanted = tf.concat([first, tf.concat([start, moves & ~ends], axis=-1)[:, 1:]], axis=1)
    ranks = tf.constant(rank)

    def stays(copies: Tensor, of: Tensor, gone: Tensor) -> Tensor:
        return mask(features, tf.gather(ranks, of) >= tf.cast(gone, tf.int32)[:, None])

    outputs = samples.evaluate(wanted, stays)
    whole, empty = outputs[:, 0, 0], outputs[:, 0, -1]
    # The moves in their order, sample by sample and order by order, so that the one before is one place before.
    of = tf.where(moves)
    after = tf.where_v2(tf.gather_nd(ends, of), tf.gather(empty, of[:, 0]), tf.gather_nd(outputs[..., 1:], of))
    before = tf.where_v2(tf.gather_nd(begins, of), tf.gather(whole, of[:, 0]), tf.roll(after, 1, axis=0))
    feature = tf.gather_nd(tf.constant(order, tf.int64), of[:, 1:])
    where = tf.concat([of[:, :2], feature[:, None]], axis=1)
    by_feature = tf.scatter_nd(where, before - after, tf.shape(moves, out_type=tf.int64))
    return by_feature + (whole - whole)[:, None, None]  # nan where T is not finite at the sample
