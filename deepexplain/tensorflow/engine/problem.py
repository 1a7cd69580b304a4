"""What is explained: a target and inputs in the graph of a session, checked. Nothing here adds an op."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Tuple

from ...arguments import as_count, text_of
from ...errors import ArgumentError, ArgumentTypeError, GraphError
from ...types import Shape
from ..compat import Graph, Session, Tensor, is_graph_tensor, is_session
from ..runtime.building import consumers
from ..runtime.facts import Facts
from ..runtime.graph import advice_behind, check_reaches, ops_between, row_bytes, steps_of, tensor_named
from ..runtime.samples import InputSpec, shape_text

if TYPE_CHECKING:
    from .layer import Layer


#: What to do with a model that is in no session.
OPEN_IT = (
    ' A Keras model, a model file or a function is explained by way of open_model: m = open_model(model); '
    "m.explain('intgrad', xs, target='top')."
)


@dataclass(frozen=True, eq=False)
class Problem:
    """A target T, explained by inputs X, in a session. :meth:`of` makes one.

    Attributes
    ----------
    session : tf.compat.v1.Session
    target : tf.Tensor
        T.
    inputs : list of tf.Tensor
        X.
    several : bool
        Whether X was given as a list.
    specs : list of InputSpec
        Name, dtype and shape of each input.
    between : list of tf.Operation
        The ops on paths from X to T.
    fixed_rows : int or None
        The batch dimension that the inputs fix, or else T; None where both leave it open.
    layer : Layer or None
        Where the inputs are tensors between another X and T, whose values are computed; see
        :func:`~deepexplain.tensorflow.engine.layer.at_layer`.
    facts : Facts
        What is known of the model besides.
    """

    session: Any
    target: Any
    inputs: List[Any]
    several: bool
    specs: List[InputSpec]
    between: List[Any]
    fixed_rows: Optional[int]
    layer: 'Optional[Layer]' = None
    facts: Facts = field(default_factory=Facts)

    @classmethod
    def of(cls, session: Session, T: Any, X: Any, facts: Optional[Facts] = None) -> 'Problem':
        """Check T and X, tensors or their names (X may be a list of them), and find what lies between.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            T or X is not usable; the message says what came.
        GraphError
            An X does not reach T.
        """
        check_session(session)
        several = isinstance(X, (list, tuple))
        target = tensor_named(session.graph, T, 'T')
        inputs = [tensor_named(session.graph, x, 'X') for x in (X if several else [X])]
        check_tensors(target, inputs, session.graph)
        rows = fixed_rows(target, inputs)
        between = ops_between(target, inputs)
        for x in inputs:
            check_reaches(target, x, ops_between(target, [x]) if several else between)
        facts = Facts() if facts is None else facts
        return cls(session, target, inputs, several, specs_of(inputs), between, rows, facts=facts)

    @property
    def graph(self) -> Graph:
        """The graph of T, X and the session."""
        return self.session.graph

    @property
    def names(self) -> Tuple[Any, ...]:
        """Of T, and of each X (with a layer: of each of its tensors, and then of each X)."""
        behind = () if self.layer is None else self.layer.problem.names
        return (self.target.name, *[x.name for x in self.inputs], self.several, *behind)

    @property
    def what(self) -> str:
        """What errors call the inputs."""
        return 'X' if self.layer is None else 'layer'

    @property
    def inputs_fix_rows(self) -> bool:
        """Whether it is an input that fixes the batch dimension."""
        return any(first_dimension(x) is not None for x in self.inputs)

    def check_floating(self) -> None:
        """Raise unless every input is of a type that has a gradient."""
        for x in self.inputs:
            if not x.dtype.is_floating:
                raise ArgumentTypeError(
                    f"{self.what} '{x.name}' must be a float tensor; it is {x.dtype.name}, which has no gradient: "
                    f'{advice_behind(self.target, x)}'
                )

    def check_has_rows(self, what: str, samples: Optional[int] = None) -> None:
        """Raise where T is a scalar, unless all of it belongs to a single sample. ``what`` begins the error."""
        if self.target.shape.ndims == 0 and samples != 1:
            raise ArgumentError(
                f"{what} needs one value of T for each sample, but T '{self.target.name}' is a scalar, in "
                'which rows cannot be told apart. Leave out the reduction over the samples.'
            )

    def check_fed(self, fed: Sequence[Tensor], of: Optional[str] = None) -> None:
        """Raise where one of these tensors is T, or lies between X and T: X would not reach T through it.

        ``of`` is what T is called in the error.
        """
        varying = {step.op for step in steps_of(self.between, self.inputs)}
        for tensor in fed:
            is_read = any(op in varying for op in consumers(tensor))
            if tensor.name == self.target.name or (tensor.op in varying and is_read):
                end = 'T' if of is None else of
                what = f'it is {end}' if tensor.name == self.target.name else f'it lies between X and {end}'
                raise ArgumentError(
                    f"feed_dict must not hold '{tensor.name}': {what}, and X would not reach {end} through what is fed."
                    ' Explain it as X instead, or feed what it is computed from.'
                )

    def batch_size(self, batch_size: Optional[int]) -> Optional[int]:
        """``batch_size`` as an integer or None, and not another than that of the graph where it fixes one."""
        if batch_size is None:
            return None
        batch_size = as_count(batch_size, 'batch_size')
        if self.fixed_rows not in (None, batch_size):
            raise ArgumentError(
                'When using batch evaluation, the first dimension of the input and target tensors must be '
                f'compatible with the batch size. Found {self.fixed_rows} in the graph and batch_size={batch_size}.'
            )
        return batch_size

    def row_bytes(self, sample_shapes: Sequence[Shape]) -> float:
        """Bytes of the largest tensor between X and T for one sample; see ``runtime/graph.py``."""
        return row_bytes(self.between, self.inputs, sample_shapes)

    def __repr__(self) -> str:
        inputs = [f"'{spec.name}' {shape_text(spec.shape)}" for spec in self.specs]
        X = f'[{", ".join(inputs)}]' if self.several else inputs[0]
        if self.layer is not None:
            return f'{self.layer.problem!r}, layer={X}'
        return f"T='{self.target.name}' {shape_text(specs_of([self.target])[0].shape)}, X={X}"


def check_session(session: Any) -> None:
    """Raise unless it is a session."""
    if not is_session(session):
        raise ArgumentTypeError(f'session must be a tf.compat.v1.Session; got {text_of(session)}.{OPEN_IT}')


def first_dimension(tensor: Tensor) -> Optional[int]:
    """The static first dimension, None where it is open or unknown or there is none."""
    return tensor.shape.as_list()[0] if tensor.shape.ndims else None


def specs_of(inputs: Sequence[Tensor]) -> List[InputSpec]:
    """Name, dtype and shape of each tensor."""
    shapes = [None if x.shape.ndims is None else tuple(x.shape.as_list()) for x in inputs]
    return [InputSpec(x.name, x.dtype.as_numpy_dtype, shape) for x, shape in zip(inputs, shapes)]


def fixed_rows(T: Tensor, inputs: Sequence[Tensor]) -> Optional[int]:
    """The batch dimension that the inputs fix, or else T."""
    fixed = {rows for rows in map(first_dimension, inputs) if rows is not None}
    if len(fixed) > 1:
        raise ArgumentError(f'The inputs have different fixed batch dimensions: {sorted(fixed)}.')
    return fixed.pop() if fixed else first_dimension(T)


def check_tensors(T: Tensor, inputs: Sequence[Tensor], graph: Graph, what: str = 'X') -> None:
    """Raise unless T can be explained by these tensors, which errors call ``what``."""
    if not inputs:
        raise ArgumentError(f'{what} is an empty list: there must be at least one input tensor.')
    for name, tensor in [('T', T)] + [(what, x) for x in inputs]:
        if not is_graph_tensor(tensor):
            kind = 'a Tensorflow Tensor object' + ('' if name == 'T' else ' or a list of them')
            raise ArgumentTypeError(
                f'{name} must be {kind}; got {type(tensor).__name__}. Eager tensors, variables and Keras 3 symbols '
                f'are not tensors of a graph.{OPEN_IT}'
            )
        if tensor.graph is not graph:
            raise ArgumentError(
                f"{name} '{tensor.name}' belongs to another graph than the session of this DeepExplain context. (A "
                'model has the tensors and the session that open_model(model) gives.)'
            )
        if not (tensor.dtype.is_floating or (tensor is not T and tensor.dtype.is_integer)):
            raise ArgumentTypeError(f"{name} '{tensor.name}' must be a float tensor; it is {tensor.dtype.name}.")
    if not graph.is_fetchable(T):
        raise GraphError(f"T '{T.name}' is inside a while loop or cond and cannot be read; explain a tensor outside.")
    names = [x.name for x in inputs]
    if len(set(names)) < len(names):
        raise ArgumentError(f'{what} holds the same tensor twice: {names}.')
    for x in inputs:
        if not graph.is_feedable(x):
            raise GraphError(
                f"{what} '{x.name}' is inside a while loop or cond and cannot be fed; explain a tensor outside."
            )
        if x.shape.ndims == 0:
            raise ArgumentError(f"{what} '{x.name}' is a scalar: its first axis must be that of the samples.")
