"""A model that is open: its graph, its session, its inputs and outputs, and its tensors by name."""

from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...arguments import as_flag
from ...errors import ArgumentError, ArgumentTypeError, DeepExplainError, GraphError, ModelError
from ...types import Array, ArrayLike
from ..compat import Session, Tensor, as_variables, assign_large, lookup_table, tf
from ..explainers import Explainers
from ..legacy import run
from ..runtime.facts import Facts
from ..runtime.graph import tensor_named
from .ends import RESHAPING, before_squashing, default_target, ends, inputs_of, producer
from .predicted import predicted

#: What to do with files of weights alone.
OF_CHECKPOINTS = (
    'A checkpoint has weights only: give the .meta file beside it; or, of TensorFlow 2, build the model, load the '
    'weights into it, and give that.'
)


class OpenModel:
    """What :func:`~deepexplain.tensorflow.open_model` returns. A context manager: leaving it closes the session.

    Attributes
    ----------
    graph : tf.Graph
    session : tf.compat.v1.Session
    inputs, outputs : list of tensors
    source : str
        What was opened: a path as it was given, or what else it was, such as 'a Sequential'.

    Examples
    --------
    >>> import numpy as np
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import open_model
    >>> def network(x):
    ...     return tf.nn.softmax(tf.matmul(x, [[1., -1.], [2., 0.]]))
    >>> m = open_model(network, inputs=[tf.TensorSpec([None, 2], tf.float32)], class_names=['cat', 'dog'])
    >>> m.predict(np.zeros((1, 2)))
    array([[0.5, 0.5]], dtype=float32)
    >>> m.explain('grad*input', [[1, 2], [-1, 2]], target='top').values.tolist()
    [[1.0, 4.0], [-1.0, 4.0]]
    >>> m.explain('grad*input', [[1, 2]], target='dog', explanation=False).tolist()
    [[-1.0, 0.0]]
    >>> m.close()
    """

    def __init__(
        self,
        session: Session,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        keys: Optional[Mapping[str, str]] = None,
        owns_session: bool = True,
    ) -> None:
        self.session = session
        self.source = 'a graph'
        self.graph = session.graph
        self._keys = dict(keys or {})  # names that the source has for its inputs and outputs -> names of tensors
        self._owns_session = owns_session
        self._is_closed = False
        self._facts = Facts(says_sums=True)
        self._explainers = Explainers(session, self._facts)
        try:
            self.outputs = [self._as_tensor(tensor) for tensor in outputs]
            self.inputs = [self._as_tensor(tensor) for tensor in inputs] or inputs_of(self.graph, self.outputs)
        except ArgumentError:
            self.close()
            raise

    @property
    def logits(self) -> Tensor:
        """The tensor before the softmax or sigmoid in which the only output ends.

        Raises
        ------
        GraphError
            There are several outputs, or the only one does not end so; the message says what to take.
        """
        if len(self.outputs) == 1:
            output = self.outputs[0]
            last = producer(output)
            logits = before_squashing(last)
            if logits is not None:
                return logits
            message = f"logits: output '{output.name}' ends in '{last.name}' ({last.type}), no softmax or sigmoid. "
        else:
            message = f'logits: the model has {len(self.outputs)} outputs. '
        found = [(output, before_squashing(producer(output, RESHAPING))) for output in self.outputs]
        names = [f"'{logits.name}' of '{output.name}'" for output, logits in found if logits is not None]
        if names:
            raise GraphError(
                message + f"Take the tensor before a softmax or sigmoid, .tensor('...'): {', '.join(names)}."
            )
        raise GraphError(message + "They may be logits already: explain .outputs[i], or another .tensor('...').")

    def tensor(self, name: str) -> Tensor:
        """The tensor of this name: 'dense/BiasAdd:0', 'dense/BiasAdd', or the source's own name of an in- or output.

        Raises
        ------
        ArgumentError
            There is none; the message has the names most like it.
        """
        return self._as_tensor(name)

    @property
    def class_names(self) -> Optional[List[str]]:
        """The names of the classes, one for each output of a sample; as given to ``open_model``."""
        return self._facts.class_names

    def explain(
        self,
        method: Any,
        xs: ArrayLike,
        ys: ArrayLike = None,
        batch_size: Optional[int] = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        progress: bool = False,
        return_convergence_delta: bool = False,
        *,
        target: Any = None,
        explanation: bool = True,
        T: Any = None,
        X: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Attributions of the samples ``xs``, without a context: as ``m.get_explainer(method, ...).run(xs, ...)``.

        The explainer is kept until the model is closed. Where T has several outputs, and neither ``ys`` nor ``target``
        chooses, a DeepExplainWarning says once that their sum is explained.

        Parameters
        ----------
        method : str, or a method
        xs, ys, batch_size, feed_dict, progress, target
            See :meth:`~deepexplain.tensorflow.Explainer.run`.
        T, X : tensors or names, optional
            See :meth:`get_explainer`.
        **kwargs
            Arguments of the method, ``layer`` and ``strict``, as in :meth:`DeepExplain.explain
            <deepexplain.tensorflow.DeepExplain.explain>`.

        Returns
        -------
        Explanation
            With the attributions as ``.values``; see :class:`~deepexplain.explanation.Explanation`. With
            ``explanation=False``, or ``return_convergence_delta=True``, the arrays that ``run`` returns.
        """
        explainer = self._explainer(method, T, X, kwargs, keep=True)
        options = {'feed_dict': feed_dict, 'progress': progress, 'target': target}
        if as_flag(return_convergence_delta, 'return_convergence_delta'):
            return run(explainer, xs, ys, batch_size, return_convergence_delta=True, **options)
        return run(explainer, xs, ys, batch_size, explanation=as_flag(explanation, 'explanation'), **options)

    def get_explainer(self, method: Any, T: Any = None, X: Any = None, **kwargs: Any) -> Any:
        """Build the graph that explains this model, once; ``run`` the result as often as you like.

        Parameters
        ----------
        method : str, or a method
        T : tensor or name, optional
            What is explained. Default: the logits, where there are; else the only output. ``repr(m)`` says which.
        X : tensor or name, or a list of them, optional
            Default: the inputs of the model; where it has one, that tensor, and not a list of one.
        **kwargs
            Arguments of the method, ``layer`` and ``strict``.

        Raises
        ------
        GraphError
            The model has several outputs, and no T is given.
        """
        return self._explainer(method, T, X, kwargs, keep=False)

    def _explainer(self, method: Any, T: Any, X: Any, arguments: Dict[str, Any], keep: bool) -> Any:
        check_open(self)
        T = default_target(self) if T is None else self._as_tensor(T)
        if X is None:
            X = self.inputs[0] if len(self.inputs) == 1 else list(self.inputs)
        else:
            X = [self._as_tensor(x) for x in X] if isinstance(X, (list, tuple)) else self._as_tensor(X)
        with self.graph.as_default():
            return self._explainers.get(method, T, X, arguments, keep)

    def predict(
        self, xs: ArrayLike, batch_size: Optional[int] = None, feed_dict: Optional[Dict[Any, Any]] = None
    ) -> Any:
        """What the model returns for the samples ``xs``: an array, or a list of them where it has several outputs.

        Parameters
        ----------
        xs : array-like, shape (samples, ...), or a list of them where the model has several inputs
        batch_size : int, optional
            The most samples of a session run. Default: a number that is fast and bounded by memory.
        feed_dict : dict of tensor or name to value, optional
            Values of further placeholders.
        """
        check_open(self)
        found = predicted(self.session, self.inputs, self.outputs, xs, batch_size, feed_dict, self._facts)
        return found[0] if len(found) == 1 else found

    def _as_tensor(self, name: Any) -> Tensor:
        return tensor_named(self.graph, name, None, 'in this model', self._keys)

    def close(self) -> None:
        """Close the session, unless it was there before."""
        if self._owns_session:
            self.session.close()
            self._is_closed = True

    def __enter__(self) -> 'OpenModel':
        check_open(self)
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __copy__(self) -> 'OpenModel':
        """Itself: a session is no thing that there are two of."""
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to be pickled or copied deeply."""
        raise ArgumentTypeError(
            'An OpenModel cannot be pickled or copied to another process: it has a session. What travels is its path, '
            "in a Recipe: Recipe('model.keras', method, T='logits', X='inputs', ...).open() in each process."
        )

    def __repr__(self) -> str:
        lines = []
        for what, tensors in [('input', self.inputs), ('output', self.outputs)]:
            for tensor in tensors:
                own = [key for key, name in self._keys.items() if name == tensor.name and key != tensor.op.name]
                also = '  ' + ', '.join(map(repr, own)) if own else ''
                lines.append(f'  {what:<7}{tensor.name}  {tensor.dtype.base_dtype.name}  {tensor.shape}{also}')
        with suppress(GraphError):
            lines.append(f'  explained where no T is given: {default_target(self).name}')
        return '\n'.join([f'OpenModel of {len(self.graph.get_operations())} operations'] + lines)


def check_open(model: OpenModel) -> None:
    """Raise where the session was closed."""
    if model._is_closed:
        raise DeepExplainError(
            "This model was closed: open it again. Leaving its 'with' block closes it; without a block, m = "
            'open_model(...) stays open until m.close().'
        )


@contextmanager
def new_session(failure: str, advice: str = '', config: Any = None) -> Iterator[Session]:
    """A session on a new graph, the default. An error closes it, and becomes a ModelError that says both texts."""
    graph = tf.Graph()
    session = tf.Session(graph=graph, config=config)
    try:
        with graph.as_default():
            yield session
    except DeepExplainError:
        session.close()
        raise
    except Exception as error:  # of TensorFlow or Keras, reading what somebody else wrote
        session.close()
        raise ModelError(f'{failure}: {error}{advice}') from error


def keys_of(signature: Any) -> Tuple[Dict[str, str], ...]:
    """Names that a signature has for its inputs -> names of tensors, in order; and the same for its outputs."""
    return tuple({key: side[key].name for key in sorted(side)} for side in (signature.inputs, signature.outputs))


def imported(
    graph_def: Any,
    inputs: Any,
    outputs: Any,
    keys: Optional[Mapping[str, str]] = None,
    tables: Sequence[Any] = (),
    large: Optional[Mapping[str, Array]] = None,
    config: Any = None,
) -> OpenModel:
    """An OpenModel of this GraphDef, in a new graph and session, with what its lookup tables hold.

    ``large`` are constants whose values stand beside the GraphDef, by name: they become variables.
    """
    with new_session(f'TensorFlow {tf.__version__} cannot read this graph', config=config) as session:
        made = [(name, lookup_table(*content)) for name, *content in tables]
        tf.import_graph_def(as_variables(graph_def, large or {}), {name: handle for name, (handle, _) in made}, name='')
        assign_large(session, large or {})
        session.run([fill for _, (_, fill) in made])
        return OpenModel(session, inputs or (), outputs or ends(session.graph), keys)
