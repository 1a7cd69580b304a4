"""A model that is open: its graph, its session, its inputs and outputs, and its tensors by name."""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...errors import ArgumentError, ArgumentTypeError, DeepExplainError, GraphError, ModelError
from ...types import Array
from ..compat import Graph, Operation, Session, Tensor, as_variables, assign_large, lookup_table, tf
from ..runtime.building import consumers
from ..runtime.graph import tensor_named

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
        self.graph = session.graph
        self._keys = dict(keys or {})  # names that the source has for its inputs and outputs -> names of tensors
        self._owns_session = owns_session
        self._is_closed = False
        try:
            self.inputs = [self._as_tensor(tensor) for tensor in inputs]
            self.outputs = [self._as_tensor(tensor) for tensor in outputs]
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

    def _as_tensor(self, name: Any) -> Tensor:
        return tensor_named(self.graph, name, None, 'in this model', self._keys)

    def close(self) -> None:
        """Close the session, unless it was there before."""
        if self._owns_session:
            self.session.close()
            self._is_closed = True

    def __enter__(self) -> 'OpenModel':
        if self._is_closed:
            raise DeepExplainError('This model was closed: open it again.')
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
        return '\n'.join([f'OpenModel of {len(self.graph.get_operations())} operations'] + lines)


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
        return OpenModel(session, inputs or placeholders(session.graph), outputs or ends(session.graph), keys)


def placeholders(graph: Graph) -> List[Tensor]:
    """Placeholders that may have an axis of samples: not those of flags and rates, such as is_training."""
    return [
        op.outputs[0]
        for op in graph.get_operations()
        if op.type == 'Placeholder' and op.outputs[0].shape.ndims != 0 and op.outputs[0].dtype != tf.bool
    ]


def ends(graph: Graph) -> List[Tensor]:
    """Float tensors with an axis of samples that are computed from a placeholder, and that nothing is computed from.

    Not those of a backward pass, which a graph that was trained still holds.
    """
    fed = placeholders(graph)
    rows = {None} | {_first_dimension(tensor) for tensor in fed}
    reached, found = {tensor.op for tensor in fed}, []
    for op in graph.get_operations():  # in order of creation: inputs first, but for the back edges of loops
        if any(tensor.op in reached for tensor in op.inputs):
            reached.add(op)
            if 'gradients' not in op.name.split('/') and not any(consumers(tensor) for tensor in op.outputs):
                found += [z for z in op.outputs if z.dtype.is_floating and z.shape.ndims != 0]
    return [tensor for tensor in found if not tensor.dtype._is_ref_dtype and _first_dimension(tensor) in rows]


def _first_dimension(tensor: Tensor) -> Optional[int]:
    return tensor.shape.as_list()[0] if tensor.shape.ndims else None


#: Ops that give a tensor another name or shape.
RENAMING = ('Identity',)
RESHAPING = ('Identity', 'Reshape', 'Squeeze', 'ExpandDims')


def producer(tensor: Tensor, skipped: Sequence[str] = RENAMING) -> Operation:
    """The op that computes a tensor, behind those that only rename it."""
    while tensor.op.type in skipped:
        tensor = tensor.op.inputs[0]
    return tensor.op


def before_squashing(op: Operation) -> Optional[Tensor]:
    """The logits of an op that computes their softmax or sigmoid, None where it does not."""
    if op.type in ('Softmax', 'Sigmoid'):
        return op.inputs[0]
    if op.type in ('RealDiv', 'Div'):  # a softmax in pieces: e / sum(e), with e = exp(x - max(x))
        e, total = op.inputs[0].op, op.inputs[1].op
        if e.type == 'Exp' and total.type == 'Sum' and total.inputs[0].op == e:
            difference = e.inputs[0].op
            shifted = difference.type == 'Sub' and difference.inputs[1].op.type in ('Max', 'StopGradient')
            return difference.inputs[0] if shifted else e.inputs[0]
    return None
