"""What computes: sessions, and TensorFlow without one."""

from contextlib import contextmanager
from typing import Any, Callable, ContextManager, Iterator, Optional, Sequence

from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context as _context

from ...errors import ArgumentError
from .api import TENSORFLOW_2, tf
from .types import Graph, Operation, Session, Tensor

#: More than machines have cores: where the system gives no thread, TensorFlow ends the process.
MOST_THREADS = 1 << 12


def is_session(value: object) -> bool:
    """Whether value is a session, of TensorFlow's own classes or another's; ops have a ``run`` and a ``graph``, too."""
    try:
        found: Any = value
        return callable(found.run) and isinstance(found.graph, tf.Graph) and not isinstance(value, tf.Operation)
    except Exception:  # whatever an object's own attributes raise
        return False


def session_config(threads: int) -> Any:
    """Options of a session that computes in so many threads."""
    if threads > MOST_THREADS:
        raise ArgumentError(f'threads must be at most {MOST_THREADS}; got {threads}.')
    return tf.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads, use_per_session_threads=True
    )


def mutation_lock(graph: Graph) -> ContextManager[Any]:
    """While it is held, no session takes over what is new in the graph: runs wait, building goes on."""
    return graph._mutation_lock()


def fast_run(
    session: Session,
    fetches: Sequence[Tensor],
    feeds: Sequence[Tensor],
    in_caller_thread: bool = False,
    targets: Sequence[Operation] = (),
) -> Optional[Callable[..., Any]]:
    """``session.run`` compiled for these tensors, and names of those fed: a function of arrays that returns a list.

    ``targets`` are ops that are run besides.

    It does without the checks and conversions of ``session.run``: arrays must have the tensors' dtypes, and no
    tensor may be fed and fetched. None where the session is not TensorFlow's own, or its ``run`` was replaced
    (by a debugger, a tracer): then that is to be called.

    ``in_caller_thread`` spares the change of threads, and runs ops one after the other: for simple graphs. Not on
    TensorFlow 1.15, whose executor then calls itself from op to op until the stack is full.
    """
    own = type(session) in (tf.Session, tf.InteractiveSession) and 'run' not in vars(session)
    if not own or not hasattr(session, '_make_callable_from_options'):
        return None
    options = config_pb2.CallableOptions()
    options.feed.extend(feeds)
    options.fetch.extend(tensor.name for tensor in fetches)
    options.target.extend(op.name for op in targets)
    if in_caller_thread and TENSORFLOW_2:
        options.run_options.inter_op_thread_pool = -1
    return session._make_callable_from_options(options)


@contextmanager
def eagerly() -> Iterator[None]:
    """Within this context TensorFlow computes eagerly in this thread, also where eager execution was disabled.

    The graph keeps `tf.init_scope`, in which Keras makes its variables, from falling back to the default graph.
    """
    with tf.Graph().as_default(), _context.eager_mode():
        yield
