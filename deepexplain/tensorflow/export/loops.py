"""Loops in a graph: pieces of rows one after the other, put together again; sums over many turns."""

from typing import Any, Callable, List, Sequence, Tuple

from ..compat import Tensor, functional_loop, tf

#: The dtype and the shape, with None for open dimensions, of what a turn of a loop gives; its first axis is open.
Spec = Tuple[Any, Sequence[Any]]


def collected(count: Tensor, turn: Callable[[Tensor], Sequence[Tensor]], specs: Sequence[Spec]) -> List[Tensor]:
    """What ``turn(i)`` gives for each i below count, put together along first axes."""
    shapes = [tf.constant([-1] + [-1 if dim is None else dim for dim in shape[1:]], tf.int32) for _, shape in specs]
    lists = [
        tf.raw_ops.TensorListReserve(element_shape=shape, num_elements=count, element_dtype=dtype)
        for shape, (dtype, _) in zip(shapes, specs)
    ]

    def body(i: Tensor, *lists: Tensor) -> List[Tensor]:
        found = turn(i)
        kept = [tf.raw_ops.TensorListSetItem(input_handle=z, index=i, item=item) for z, item in zip(lists, found)]
        return [i + 1, *kept]

    ends = _loop(count, body, lists, [()] * len(lists))
    results = []
    for handle, element, (dtype, shape) in zip(ends, shapes, specs):
        result, _ = tf.raw_ops.TensorListConcatV2(
            input_handle=handle, element_shape=element, leading_dims=tf.zeros([0], tf.int64), element_dtype=dtype
        )
        result.set_shape(shape)
        results.append(result)
    return results


def repeated(
    count: Tensor, turn: Callable[..., Sequence[Tensor]], starts: Sequence[Tensor], shapes: Sequence[Any]
) -> List[Tensor]:
    """What ``turn(i, *state)`` makes of a state, for each i below count."""
    return _loop(count, lambda i, *state: [i + 1, *turn(i, *state)], starts, shapes)


def _loop(count: Tensor, body: Callable[..., Any], starts: Sequence[Tensor], shapes: Sequence[Any]) -> List[Tensor]:
    everything = [tf.constant(0, tf.int32), *starts]
    return functional_loop(lambda i, *_: i < count, body, everything, [tf.TensorShape(s) for s in [(), *shapes]])[1:]


def pieces(total: Tensor, size: Tensor) -> Tensor:
    """How many pieces of a size there are of a total."""
    return (total + size - 1) // size


def repeat_rows(rows: Tensor, times: Tensor) -> Tensor:
    """All rows, and then all again, ..."""
    return tf.tile(rows, tf.concat([tf.reshape(times, [1]), tf.ones([tf.rank(rows) - 1], tf.int32)], 0))


def repeat_each(rows: Tensor, times: Tensor) -> Tensor:
    """The first row so many times, then the second, ..."""
    return tf.gather(rows, tf.range(tf.shape(rows)[0] * times) // times)
