"""Session runs, and what a user feeds into them besides samples and weights."""

import copy
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ...arguments import as_feed, text_of
from ...errors import ArgumentError, DeepExplainError
from ..compat import Graph, Operation, Session, Tensor, fast_run, is_graph_tensor, tf
from .building import building
from .graph import CONSUMING, tensor_named

LEARNING_PHASE = 'keras_learning_phase'
#: What TensorFlow 2.21 says where it fused an op whose value is fed or fetched (a convolution, a bias, a shortcut and a
#: ReLU): then a second reader keeps it.
FUSED = 'was not found in the Graph'


class Runner:
    """Runs the session, each combination of fetches and feeds compiled once.

    Parameters
    ----------
    session : the session
    one_thread : bool
        Whether runs may stay in the caller's thread: for graphs that are simple, see ``is_simple``.
    """

    def __init__(self, session: Session, one_thread: bool = False) -> None:
        self._session, self._one_thread = session, one_thread
        self._compiled: Dict[Any, Any] = {}
        self._kept: Dict[Any, List[Operation]] = {}  # readers of what was fused, which are run, too

    def run(self, fetches: Sequence[Tensor], feed: Iterable[Tuple[Tensor, Any]]) -> List[Any]:
        """Evaluate a list of tensors; ``feed`` is a list of (tensor, array of its dtype)."""
        # Names, because tensors cannot be dictionary keys where TensorFlow 2 runs eagerly.
        fed = {tensor.name: value for tensor, value in feed}
        wanted = [tensor for tensor in fetches if tensor.name not in fed]
        results = iter(self._run(wanted, fed) if wanted else [])
        return [fed[tensor.name] if tensor.name in fed else next(results) for tensor in fetches]

    def _run(self, fetches: Sequence[Tensor], fed: Dict[Any, Any]) -> Any:
        try:
            return self._known_run(fetches, fed)
        except RuntimeError as error:
            if 'closed' in str(error) and not isinstance(error, DeepExplainError):
                raise DeepExplainError(
                    f'The session of this explainer cannot run any more: {error} Explain before it is closed: leaving '
                    "the 'with' block of a session, or of what open_model returned, closes it. Without a block, m = "
                    'open_model(...) stays open until m.close().'
                ) from None
            raise

    def _known_run(self, fetches: Sequence[Tensor], fed: Dict[Any, Any]) -> Any:
        key = tuple(tensor.name for tensor in fetches) + ('',) + tuple(fed)
        try:
            return self._compiled_run(key, fetches, fed)
        except tf.errors.ResourceExhaustedError:
            raise
        except tf.errors.OpError as error:
            if FUSED in str(error) and key not in self._kept and not self._session.graph.finalized:
                self._kept[key] = self._readers([*fetches, *(self._session.graph.get_tensor_by_name(n) for n in fed)])
                self._compiled.pop(key, None)
                return self._known_run(fetches, fed)
            if key in self._compiled and self._compiled[key] is None:
                raise
            # The same error once more, from where its message says which line of the user's built the op.
        return self._plain_run(key, fetches, fed)

    def _compiled_run(self, key: Any, fetches: Sequence[Tensor], fed: Dict[Any, Any]) -> Any:
        if key not in self._compiled:
            with building(self._session.graph):  # TensorFlow's own lock is for ever lost where this is interrupted
                kept = self._kept.get(key, ())
                self._compiled[key] = fast_run(self._session, fetches, list(fed), self._one_thread, kept)
        compiled = self._compiled[key]
        return self._plain_run(key, fetches, fed) if compiled is None else compiled(*fed.values())

    def _plain_run(self, key: Any, fetches: Sequence[Tensor], fed: Dict[Any, Any]) -> Any:
        return self._session.run([*fetches, *self._kept.get(key, ())], fed)[: len(fetches)]

    def _readers(self, tensors: Sequence[Tensor]) -> List[Operation]:
        """Ops of ours, one for each tensor, that read it and do nothing."""
        graph = self._session.graph
        with building(graph), graph.as_default(), tf.control_dependencies(None), tf.name_scope('deepexplain'):
            return [tf.identity(tensor).op for tensor in tensors]


class Feeds:
    """What a user feeds besides xs and ys: ``(tensor, array, one row a sample?)`` for each entry.

    A value has one row a sample when its placeholder leaves the first dimension open (or fixes it as X does) and
    there are as many rows as samples; it is then batched with the samples. Any other is fed whole in every run.
    """

    def __init__(
        self, graph: Graph, feed_dict: Any, n: int, not_theirs: Iterable[Tensor], fixed_rows: Optional[int] = None
    ) -> None:
        self.entries: List[Tuple[Tensor, Any, bool]] = []
        not_theirs = {tensor.name for tensor in not_theirs}
        for key, value in (feed_dict or {}).items():
            tensor = feedable(graph, key)
            if tensor.name in not_theirs:
                raise ArgumentError(f"feed_dict must not hold '{tensor.name}': it is fed from xs or ys.")
            if any(tensor.name == other.name for other in self.tensors):
                raise ArgumentError(f"feed_dict holds '{tensor.name}' twice.")
            array = as_feed(value, f"feed_dict: the value of '{tensor.name}'", tensor.dtype.as_numpy_dtype)
            first = tensor.shape.as_list()[0] if tensor.shape.ndims else None
            has_rows = array.ndim > 0 and tensor.shape.ndims != 0 and first in (None, fixed_rows)
            per_row = has_rows and len(array) == n
            if not tensor.shape.is_compatible_with(((first,) if per_row else array.shape[:1]) + array.shape[1:]):
                raise ArgumentError(
                    f"feed_dict: the value of '{tensor.name}' must have shape {tensor.shape}; got {array.shape}."
                )
            self.entries.append((tensor, array, per_row))

    def at(self, indices: Any) -> 'Feeds':
        """The same feeds for the samples at these indices."""
        other = copy.copy(self)
        other.entries = [(t, value[indices] if per_row else value, per_row) for t, value, per_row in self.entries]
        return other

    @property
    def tensors(self) -> List[Tensor]:
        """The fed tensors."""
        return [tensor for tensor, _, _ in self.entries]

    @property
    def per_row(self) -> bool:
        """Whether any value has one row for each sample."""
        return any(per_row for _, _, per_row in self.entries)

    def complete(self, sources: Iterable[Operation]) -> 'Feeds':
        """Add the Keras learning phase (0: inference), and raise for placeholders without a value.

        ``sources`` are the ops that bring further data into the run.
        """
        missing = []
        for op in sources:
            tensor = op.outputs[0]
            if op.type in CONSUMING:
                raise ArgumentError(
                    f"The target also reads '{tensor.name}', which gives other data in every session run, not those "
                    f"of xs. Pass feed_dict={{'{tensor.name}': ...}}."
                )
            if LEARNING_PHASE in op.name:
                self.entries.append((tensor, np.zeros((), tensor.dtype.as_numpy_dtype), False))
            elif op.type != 'PlaceholderWithDefault':
                missing.append(tensor)
        if missing:
            names = ', '.join(f"'{t.name}' ({t.dtype.name}, shape {t.shape})" for t in missing)
            raise ArgumentError(
                f'The target also depends on placeholders that have no value: {names}. Pass '
                f"feed_dict={{'{missing[0].name}': ...}}."
            )
        return self


def feedable(graph: Graph, key: Any, what: str = 'feed_dict') -> Tensor:
    """The tensor that a key of feed_dict, or another argument, names."""
    key = tensor_named(graph, key, what)
    if not is_graph_tensor(key) or key.graph is not graph:
        begin = 'feed_dict: keys must be tensors of the explained graph, or their names'
        begin = begin if what == 'feed_dict' else f'{what} must be a tensor of the explained graph, or its name'
        raise ArgumentError(f'{begin}; got {text_of(key)}.')
    if not graph.is_feedable(key) or key.dtype in (tf.resource, tf.variant):
        raise ArgumentError(f"{what}: '{key.name}' ({key.dtype.name}) cannot be fed.")
    return key
