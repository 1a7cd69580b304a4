"""Adding to the user's graph: how, and what is said where that cannot be."""

import traceback
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator, List, Optional, Sequence

from ...errors import ArgumentTypeError, DeepExplainError, GraphError
from ..compat import Graph, Operation, Tensor, is_graph_tensor, mutation_lock, tf
from ..runtime.building import building
from ..runtime.signals import let_through

#: Whose code may fail while a gradient is built, without that it is the user's own.
NOT_THE_USERS = frozenset(__name__.split('.')[:1] + 'tensorflow tensorflow_core google numpy contextlib'.split())
#: What a gradient function raises that was not made for such an op.
FAILURES = (AssertionError, AttributeError, IndexError, NotImplementedError, TypeError, ValueError)


@contextmanager
def adding_to(graph: Graph, locked: bool = False) -> Iterator[None]:
    """A context in which to add to a graph, outside all loops and conds; ``locked``: meanwhile no session may run it.

    For no session may run a new loop before its gradient is built, which rewrites it.
    """
    with building(graph), ExitStack() as stack:
        if locked:
            stack.enter_context(mutation_lock(graph))
        stack.enter_context(graph.as_default())
        stack.enter_context(tf.control_dependencies(None))  # that leaves a while loop or cond that the caller may be in
        stack.enter_context(tf.name_scope('deepexplain'))
        yield


def check_not_finalized(
    graph: Graph, what: str = 'no explainer can be added to it: get_explainer before that.'
) -> None:
    """Raise where nothing can be added to a graph."""
    if graph.finalized:
        raise GraphError(
            f'The graph is finalized, so {what} MonitoredTrainingSession and Supervisor finalize it: for these, first '
            'open a tf.Session of your own on the graph and get_explainer with that, make a tf.train.Saver(), and '
            'restore a checkpoint into your session before you run the explainer; or explain what was saved: '
            "open_model(checkpoint + '.meta')."
        )


def gradients_of(
    T: Tensor, target: Tensor, X: Sequence[Tensor], inputs: Sequence[Tensor], weights: Optional[Tensor] = None
) -> List[Any]:
    """``tf.gradients`` of T, with an error of ours, which names the op, where TensorFlow has none.

    ``target`` is T, or what stands for it; the inputs are X and whatever else gradients are wanted of; ``weights`` are
    those of the target's values.
    """
    let_through()
    try:
        # Where one input is computed from another, both are fed, so a gradient must not run through.
        gradients: List[Any] = tf.gradients(target, inputs, weights, stop_gradients=X)
        return gradients
    except DeepExplainError:
        raise
    except LookupError as error:
        if type(error) is not LookupError:  # a KeyError is something else
            raise
        raise GraphError(f"T '{T.name}' depends on X through an op without a gradient: {error}") from None
    except FAILURES as error:
        op = _failing(error)
        if op is None:
            raise
        what = ' '.join(str(error).split()) or 'it gives no reason'
        raise GraphError(
            f"T '{T.name}' depends on X through op '{op.name}' ({op.type}), for which TensorFlow's gradient function "
            f'fails: {type(error).__name__}: {what.rstrip(".")}. Where that names a shape, fix it in the graph (an X '
            'with a fixed batch); else build that part without the op, or explain a tensor behind it; or use '
            "'occlusion' or 'shapley_sampling', which need no gradient."
        ) from error


def dense(gradient: Tensor, x: Tensor) -> Tensor:
    """A gradient of ``x`` as a tensor: that of a lookup in x comes as sparse slices."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, tf.shape(x)[0])
    return gradient


def _failing(error: BaseException) -> Optional[Operation]:
    """The op whose gradient function raised an error; None where it came from elsewhere, or from the user's code."""
    op, inside = None, False
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == '_GradientsHelper':
            op, inside = frame.f_locals.get('op'), False
        elif op is not None:
            inside = True
            if frame.f_globals.get('__name__', '').split('.')[0] not in NOT_THE_USERS:
                return None
    return op if inside and isinstance(op, tf.Operation) else None


def checked_attributions(name: str, attributions: Any, inputs: List[Tensor]) -> List[Tensor]:
    """What a method computes, as a list, which must have a tensor for each input."""
    is_list = isinstance(attributions, (list, tuple))
    if not is_list or len(attributions) != len(inputs) or not all(map(is_graph_tensor, attributions)):
        came = [type(one).__name__ for one in attributions] if is_list else type(attributions).__name__
        raise ArgumentTypeError(
            f"Attributions of '{name}' must be a list with a tensor for each of the {len(inputs)} inputs; got {came}."
        )
    return list(attributions)
