"""Ops in a file that reach outside of the graph: they touch files, run Python, or talk to others.

They are named before any of them can run. Those by which TensorFlow itself restores variables and reads the assets of
lookup tables are in nearly every file, and are no such thing as long as they take their paths from TensorFlow.
"""

import os
import re
from typing import Any, Collection, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set

from ...errors import ModelError
from ..compat import assets_of
from .limits import called

#: What ops do -> the types that do it, as patterns.
EFFECTS = [
    (
        'writes files',
        'WriteFile|Save|SaveSlices|SaveV2|DistributedSave|MergeV2Checkpoints|SaveDataset.*|CacheDataset.*|Write.*Summary|'
        'CreateSummary.*Writer|ImportEvent|DatasetToTFRecord|Dump.*|Debug(?:Gradient)?(?:Identity|NanCount|NumericSummary).*|'
        'CalibrationStatisticsSaver|SnapshotDataset.*|FileSystemSetConfiguration|AssertCardinality.*ToFile',
    ),
    (
        'reads files',
        'ReadFile|MatchingFiles.*|(?:WholeFile|TextLine|FixedLengthRecord|TFRecord|LMDB|Bigtable.*)Reader(?:V2)?|'
        '(?:TextLine|FixedLengthRecord|TFRecord|SSTable|LMDB|CSV|Sql)Dataset(?:V2)?|ImmutableConst|RecordInput|'
        'GenerateVocabRemapping|LoadAndRemapMatrix|Restore|RestoreV2|RestoreSlice|DTensorRestoreV2|LoadDataset|'
        'SnapshotDatasetReader|SnapshotNestedDatasetReader|SnapshotChunkDataset|ListSnapshotChunksDataset|'
        'InitializeTableFromTextFile(?:V2)?|Skipgram|DecodeProtoV2|EncodeProto',
    ),
    ('runs Python', 'PyFunc|PyFuncStateless|EagerPyFunc'),
    (
        'talks to other processes',
        '_?(?:Host)?(?:Send|Recv)|Rpc.*|TryRpc|DeleteRpc.*|RemoteCall|RemoteFusedGraphExecute|DataService.*|'
        'RegisterDataset.*|Collective.*|_?Nccl.*|Big(?:Query|table).*|ConnectTPU.*',
    ),
    ('runs a graph that is hidden in a string', 'DatasetFromGraph|DeserializeIterator|MlirPassthroughOp'),
    ('ends the process', 'Abort'),
]
PATTERNS = [(effect, re.compile(f'(?:Experimental)?(?:{types})')) for effect, types in EFFECTS]

#: What the saver of a graph is made of, besides variables: nothing of a network is computed by these alone.
OF_SAVERS = frozenset(
    'Save SaveSlices SaveV2 MergeV2Checkpoints DistributedSave Restore RestoreV2 RestoreSlice DTensorRestoreV2'.split()
)
PLUMBING = OF_SAVERS.union(
    'Assign AssignVariableOp Cast ConcatV2 Identity LookupTableImport LookupTableImportV2 NoOp Pack Reshape '
    'ShardedFilename'.split()
)
RESTORING = frozenset(['Restore', 'RestoreV2', 'RestoreSlice', 'DTensorRestoreV2'])
FROM_TEXT = frozenset(['InitializeTableFromTextFile', 'InitializeTableFromTextFileV2'])


DT_STRING = 7  # of types.proto


class Effect(NamedTuple):
    """An op that reaches outside: its name, type and function (None: the graph itself), and what it does."""

    name: str
    op_type: str
    function: Optional[str]
    what: str


def effect_of_type(op_type: str) -> Optional[str]:
    """What ops of this type do outside of the graph, None if nothing."""
    return next((effect for effect, pattern in PATTERNS if pattern.fullmatch(op_type)), None)


def check_effects(graph: 'FileGraph', path: Any, allowed: Collection[str] = (), way: str = 'allow_ops={}') -> None:
    """Raise ModelError where an op of a file reaches outside, unless its type is among the ``allowed``.

    ``way`` is the option that allows it ({} stands for the types).
    """
    found = [effect for effect in graph.effects() if effect.op_type not in allowed]
    if found:
        first, types = found[0], sorted({effect.op_type for effect in found})
        where = f" in function '{first.function}'" if first.function else ''
        others = f' ({len(found) - 1} more like it)' if found[1:] else ''
        raise ModelError(
            f"'{path}': op '{first.name}' ({first.op_type}){where} {first.what}{others}, which the graph of a network "
            f'need not do; nothing was run. If you trust whoever wrote the file: open_model(..., {way.format(types)}).'
        )


class FileGraph:
    """A graph as it stands in a file.

    Parameters
    ----------
    graph_def : GraphDef
    meta_graph : MetaGraphDef, optional
        That the graph is in: it says what TensorFlow runs when it loads it.
    wanted : names of tensors, optional
        Those that the user asks for.
    """

    def __init__(self, graph_def: Any, meta_graph: Any = None, wanted: Iterable[Any] = ()) -> None:
        self._meta, self._wanted = meta_graph, [str(name) for name in wanted]
        self._bodies = {function.signature.name: function for function in graph_def.library.function}
        self._nodes = {node.name: node for node in graph_def.node}
        self._has_objects = meta_graph is not None and meta_graph.HasField('object_graph_def')
        # In a graph of TensorFlow 1, a saver calls no functions.
        self._saving = self._functions_with(OF_SAVERS) if self._has_objects else set()
        self._assets = {_node_of(name) for name, _ in assets_of(meta_graph)} if meta_graph is not None else set()
        self._harmless = self._of_saver()

    def effects(self) -> List[Effect]:
        """Ops that reach outside: of the graph, then of its functions."""
        found = []
        for node in self._nodes.values():
            what = _effect_of(node)
            of_saver = node.op in OF_SAVERS or self._calls_saver(node)
            if node.op in FROM_TEXT and self._comes_from(node.input[1], self._assets):
                continue
            if of_saver and node.name in self._harmless:
                continue
            if what or of_saver:
                found.append(Effect(node.name, node.op, None, what or 'saves or restores files'))
        return found + list(self._effects_of_functions())

    def _effects_of_functions(self) -> Iterator[Effect]:
        exposed = self._reached_from(self._exposed())
        by_assets = self._arguments_of_assets()
        for name, function in self._bodies.items():
            nodes = {node.name: node for node in function.node_def}
            for node in function.node_def:
                what = _effect_of(node)
                if not what or (node.op in OF_SAVERS and name not in exposed):
                    continue
                if node.op in FROM_TEXT and self._comes_from(node.input[1], by_assets.get(name, ()), nodes):
                    continue
                yield Effect(node.name, node.op, name, what)

    def _exposed(self) -> Set[str]:
        """Names of functions that are run but for saving: those of the objects in a SavedModel, those of the graph."""
        names = set()
        if self._has_objects:
            names.update(self._meta.object_graph_def.concrete_functions)
        else:
            for node in self._nodes.values():
                names.update(name for name in called(node, self._bodies) if node.name not in self._harmless)
        return names

    def _reached_from(self, names: Iterable[str]) -> Set[str]:
        reached, left = set(), [name for name in names if name in self._bodies]
        while left:
            name = left.pop()
            if name not in reached:
                reached.add(name)
                left.extend(other for node in self._bodies[name].node_def for other in called(node, self._bodies))
        return reached

    def _functions_with(self, types: Collection[str]) -> Set[str]:
        """Names of functions in which, or in whose functions, there are ops of these types."""
        found = {name for name, body in self._bodies.items() if any(node.op in types for node in body.node_def)}
        size = -1
        while found and len(found) != size:
            size = len(found)
            for name, body in self._bodies.items():
                if any(other in found for node in body.node_def for other in called(node, self._bodies)):
                    found.add(name)
        return found

    def _calls_saver(self, node: Any) -> bool:
        return any(name in self._saving for name in called(node, self._bodies))

    def _of_saver(self) -> Set[str]:
        """Names of nodes that save or restore, and are run by nothing else than a saver.

        A saver's restoring, which TensorFlow runs, reads what TensorFlow says: its path comes from the tensor that is
        fed. Nothing that loading, a signature or the user runs depends on the others. In a SavedModel of TensorFlow 2,
        the graph itself is never run, but the functions of its objects.
        """
        savers = [node for node in self._nodes.values() if node.op in OF_SAVERS or self._calls_saver(node)]
        if self._has_objects:
            return {node.name for node in savers}
        readers = self._readers()
        roots = self._behind(self._roots())
        saver = self._meta.saver_def if self._meta is not None else None
        restored = self._behind([saver.restore_op_name]) if saver is not None and saver.restore_op_name else set()
        path = _node_of(saver.filename_tensor_name) if saver is not None else ''
        found = set()
        for node in savers:
            if node.name in roots:
                continue
            if node.name in restored and not (node.op in RESTORING and self._comes_from(node.input[0], {path})):
                continue
            after = [self._nodes[name] for name in self._after([node.name], readers)]
            if all(other.op in PLUMBING and (node.op in RESTORING or _is_of_paths(other)) for other in after):
                found.add(node.name)
        return found

    def _roots(self) -> Iterator[str]:
        """Names of what is run besides the saver: by the user, a signature, and when TensorFlow loads the graph."""
        yield from self._wanted
        for signature in self._meta.signature_def.values() if self._meta is not None else ():
            for tensor in signature.outputs.values():
                yield from _names_in(tensor)
        for key, collection in self._meta.collection_def.items() if self._meta is not None else ():
            if 'init' in key or 'main_op' in key:
                yield from collection.node_list.value
        if self._meta is None or not self._meta.signature_def:  # it may be anything that is computed from an input
            readers = self._readers()
            path = _node_of(self._meta.saver_def.filename_tensor_name) if self._meta is not None else ''
            fed = [node.name for node in self._nodes.values() if node.op == 'Placeholder' and node.name != path]
            yield from self._after(fed, readers)

    def _readers(self) -> Dict[str, List[str]]:
        readers: Dict[str, List[str]] = {}
        for node in self._nodes.values():
            for name in node.input:
                readers.setdefault(_node_of(name), []).append(node.name)
        return readers

    def _behind(self, names: Iterable[str]) -> Set[str]:
        """Names of all nodes that these wait for."""
        return _closure(map(_node_of, names), lambda name: map(_node_of, self._nodes[name].input), self._nodes)

    def _after(self, names: Iterable[str], readers: Dict[str, List[str]]) -> Set[str]:
        return _closure(names, lambda node: readers.get(node, ()), self._nodes)

    def _arguments_of_assets(self) -> Dict[str, Set[str]]:
        """Names of functions -> those of their arguments that are bound to assets of the SavedModel alone."""
        if not self._has_objects:
            return {}
        objects = self._meta.object_graph_def
        found: Dict[str, Set[str]] = {}
        for name, concrete in objects.concrete_functions.items():
            if name in self._bodies and concrete.bound_inputs:
                bound = self._bodies[name].signature.input_arg[-len(concrete.bound_inputs) :]
                kinds = [objects.nodes[i].WhichOneof('kind') for i in concrete.bound_inputs]
                found[name] = {argument.name for argument, kind in zip(bound, kinds) if kind == 'asset'}
        return found

    def _comes_from(self, name: str, sources: Collection[str], nodes: Any = None) -> bool:
        """Whether a tensor is one of the sources (nodes, or arguments of a function), under another name perhaps."""
        nodes, seen = self._nodes if nodes is None else nodes, set()
        name = _node_of(name)
        while name not in sources and name in nodes and nodes[name].op == 'Identity' and name not in seen:
            seen.add(name)
            name = _node_of(nodes[name].input[0])
        return bool(name) and name in sources


def check_assets(meta_graph: Any, path: Any) -> None:
    """Raise ModelError where a SavedModel names an asset outside of its own folder of assets."""
    folder = os.path.realpath(os.path.join(os.fspath(path), 'assets'))
    for _, filename in assets_of(meta_graph):
        found = os.path.realpath(os.path.join(folder, filename))
        if os.path.commonpath([folder, found]) != folder:
            raise ModelError(f"'{path}': its asset '{filename}' is not in its own folder of assets, and is not read.")


def _effect_of(node: Any) -> Optional[str]:
    if node.op == 'PrintV2':
        to = node.attr['output_stream'].s.decode(errors='replace')
        return f"prints to '{to}'" if to.startswith('file:') else None
    if node.op == 'FixedUnigramCandidateSampler':
        return 'reads files' if 'vocab_file' in node.attr and node.attr['vocab_file'].s else None
    return effect_of_type(node.op)


def _is_of_paths(node: Any) -> bool:
    """Whether all that a node computes is done, or the name of a file: a network that waits for it is neither."""
    types = [node.attr[name].type for name in ('T', 'dtype') if name in node.attr]  # asking for one would add it
    return node.op == 'NoOp' or node.op in OF_SAVERS or DT_STRING in types


def _names_in(tensor: Any) -> Iterator[str]:
    """Names of the tensors that a TensorInfo stands for."""
    kind: Optional[str] = tensor.WhichOneof('encoding')
    if kind == 'name':
        yield tensor.name
    elif kind == 'coo_sparse':
        sparse = tensor.coo_sparse
        yield from (sparse.values_tensor_name, sparse.indices_tensor_name, sparse.dense_shape_tensor_name)
    elif kind == 'composite_tensor':
        for component in tensor.composite_tensor.components:
            yield from _names_in(component)


def _node_of(name: str) -> str:
    """The node (or argument of a function) whose output a tensor is."""
    return name.lstrip('^').split(':')[0]


def _closure(names: Iterable[str], following: Any, known: Any) -> Set[str]:
    found: Set[str] = set()
    left = [name for name in names if name in known]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(other for other in following(name) if other in known)
    return found
