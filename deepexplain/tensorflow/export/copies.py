"""Copies of the explained graph in another one, made piece by piece."""

from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Set

from ..compat import Graph, Tensor, tf
from .nodes import tensor_of

if TYPE_CHECKING:
    from .freeze import Frozen


class Copy:
    """The explained graph at some values: tensors are made when they are first asked for.

    Parameters
    ----------
    frozen : Frozen
    root : tf.Graph
        Where its shared constants are.
    values : dict of names to tensors
        What is given of it.
    suffix : str
        Of the names of its loops of TensorFlow 1, which must not be those of another copy.
    """

    def __init__(self, frozen: 'Frozen', root: Graph, values: Mapping[str, Tensor], suffix: str) -> None:
        self._frozen, self._root, self._suffix = frozen, root, suffix
        self._known: Dict[str, Tensor] = {}
        self.give(values)

    def give(self, values: Mapping[str, Tensor]) -> 'Copy':
        """Set tensors that nothing which was made yet reads."""
        # Of functions, these are inputs then: what TensorFlow imports may not read another graph.
        self._known.update((name, tf.identity(value)) for name, value in values.items())
        return self

    def get(self, tensors: Sequence[Tensor]) -> List[Tensor]:
        """What tensors of the explained graph are here."""
        names = [z.name for z in tensors]
        wanted = [name for name in names if name not in self._known]
        if wanted:
            self._make(wanted)
        return [self._known[name] for name in names]

    def _make(self, names: Sequence[str]) -> None:
        nodes, constants = self._frozen.missing(names, self._known)
        for name in constants:
            self._known[name + ':0'] = tf.identity(self._frozen.shared(self._root, name))
        part = self._frozen.graph_def(nodes)
        own = {node.name for node in part.node}
        read: Set[str] = set()
        given: Dict[str, Tensor] = {}
        for node in part.node:
            # What waits for an op of an earlier piece waits for it still: it may be in the same turn of a loop.
            waits = [ref for ref in node.input if ref.startswith('^') and ref[1:] not in own]
            there = [ref for ref in waits if ref[1:] + ':0' in self._known]
            given.update((ref, self._known[ref[1:] + ':0']) for ref in there)
            inputs = [ref for ref in node.input if ref not in waits or ref in there]
            del node.input[:]
            node.input.extend(inputs)
            read.update(tensor_of(ref) for ref in inputs if not ref.startswith('^'))
            node.device = ''
            if 'frame_name' in node.attr:
                node.attr['frame_name'].s += self._suffix.encode()
        given.update((name, self._known[name]) for name in read if name in self._known)
        made = tf.import_graph_def(part, given, sorted(own), name='explained')
        for name, op in zip(sorted(own), made):
            for i, output in enumerate(op.outputs):
                self._known.setdefault(f'{name}:{i}', output)
