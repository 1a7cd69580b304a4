"""SavedModels: a signature of TensorFlow 2, traced and frozen, or a graph of TensorFlow 1 in a session."""

import os
from typing import Any, Collection, Optional, Sequence

from ...errors import ArgumentError, ModelError
from ..compat import TENSORFLOW_2, Tensor, eagerly, load_saved_model, saved_model_loader, tf
from .effects import FileGraph, check_assets, check_effects
from .ends import ends
from .graph_file import readable
from .limits import check_graph, within_patience
from .opened import OF_CHECKPOINTS, OpenModel, keys_of, new_session
from .traced import as_specs, open_traced


def open_saved_model(
    path: Any,
    inputs: Any = None,
    outputs: Any = None,
    signature: Optional[str] = None,
    tags: Any = None,
    allow_ops: Collection[str] = (),
    config: Any = None,
) -> OpenModel:
    """Open the directory of a SavedModel (or its saved_model.pb)."""
    path = os.fspath(path)
    path = os.path.dirname(path) if os.path.isfile(path) else path
    try:
        loader, graphs = saved_model_loader(path)
    except (OSError, tf.errors.OpError) as error:
        there = sorted(os.listdir(path or '.'))[:10]
        if any(name.endswith('.index') for name in there):
            raise ArgumentError(f"'{path}' is not a SavedModel. {OF_CHECKPOINTS}") from None
        raise ArgumentError(
            f"'{path}' is not a SavedModel: {error}. In it are: {', '.join(there) or 'no files'}."
        ) from None
    graph = _chosen(graphs, tags, path)
    check_graph(graph.graph_def, path)
    check_assets(graph, path)
    check_effects(FileGraph(graph.graph_def, graph, list(inputs or ()) + list(outputs or ())), path, allow_ops)
    if not graph.HasField('object_graph_def'):
        return _open_graph(path, loader, graph, inputs, outputs, signature, config)
    if not TENSORFLOW_2:
        raise ModelError(
            f"'{path}' is a SavedModel of TensorFlow {graph.meta_info_def.tensorflow_version}: it needs TensorFlow 2 "
            f'(here: {tf.__version__}).'
        )
    return _open_function(path, list(graph.meta_info_def.tags), inputs, outputs, signature, config)


def _chosen(graphs: Sequence[Any], tags: Any, path: Any) -> Any:
    if isinstance(tags, str):
        tags = [tags]
    known = [sorted(graph.meta_info_def.tags) for graph in graphs]
    if tags is None and len(graphs) > 1:
        tags = ['serve']
    matching = [graph for graph, of in zip(graphs, known) if tags is None or of == sorted(tags)]
    if len(matching) != 1:
        raise ArgumentError(f"'{path}' has no graph of the tags {tags}: give tags, one of {known}.")
    return matching[0]


def _open_function(path: Any, tags: Any, inputs: Any, outputs: Any, signature: Optional[str], config: Any) -> OpenModel:
    with eagerly():
        loaded = within_patience(lambda: _loaded(path, tags), f"'{path}': to load it")
        signatures = dict(loaded.signatures)
        functions = {name: _concrete(getattr(loaded, name, None)) for name in dir(loaded)}
        functions = {name: function for name, function in functions.items() if function is not None}
        chosen = _signature_name(signatures, signature, path, functions)
        function = signatures.get(chosen) or functions[chosen]
        args, kwargs = function.structured_input_signature
        keywords = sorted(kwargs)
        specs = [spec for spec in list(args) + [kwargs[key] for key in keywords] if isinstance(spec, tf.TensorSpec)]
        fixed = [spec for spec in args if not isinstance(spec, tf.TensorSpec)]
        if fixed or len(specs) != len(args) + len(keywords):
            raise ModelError(
                f"'{path}': the function '{chosen}' takes more than tensors one by one. Load it, "
                "and give open_model a function of tensors that calls it, with 'inputs'."
            )

        def call(*tensors: Tensor) -> Any:
            return function(*tensors[: len(args)], **dict(zip(keywords, tensors[len(args) :])))

        specs = specs if inputs is None else as_specs(inputs, count=len(specs))
        names = [spec.name for spec in args] + keywords
        specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for spec, name in zip(specs, names)]
        return open_traced(
            call, specs, outputs, f"The signature '{chosen}' of '{path}'", in_patience=True, config=config
        )


def _loaded(path: Any, tags: Any) -> Any:
    with eagerly():  # in this thread
        return load_saved_model(path, tags)


def _concrete(function: Any) -> Any:
    """The only concrete function of a function of a loaded object, None of anything else."""
    traced = getattr(function, 'concrete_functions', None) or []
    return traced[0] if len(traced) == 1 else None


def _signature_name(signatures: Any, signature: Optional[str], path: Any, functions: Collection[str] = ()) -> Any:
    known = list(signatures) or list(functions)
    if signature is None and 'serving_default' in known:
        return 'serving_default'
    if signature is None and len(known) == 1:
        return known[0]
    if signature in signatures or signature in functions:
        return signature
    if not known:
        raise ArgumentError(
            f"'{path}' has no signature, nor a function with one. Load it by tf.saved_model.load, and give open_model "
            "a function that calls it, with 'inputs'."
        )
    raise ArgumentError(
        f"'{path}' has the signatures {sorted(set(signatures) | set(functions))}; "
        + ("give one as 'signature'." if signature is None else f'there is no {signature!r}.')
    )


def _open_graph(
    path: Any, loader: Any, meta_graph: Any, inputs: Any, outputs: Any, signature: Optional[str], config: Any
) -> OpenModel:
    """A graph of TensorFlow 1, with its variables and tables, in a session."""
    signatures = dict(meta_graph.signature_def)
    if not signatures and signature is not None:
        raise ArgumentError(f"'{path}' has no signatures: name the tensors by inputs and outputs.")
    of_inputs, of_outputs = {}, {}
    if signatures:
        of_inputs, of_outputs = keys_of(signatures[_signature_name(signatures, signature, path)])
    readable(meta_graph.graph_def)
    with new_session(f"TensorFlow {tf.__version__} cannot load '{path}'", config=config) as session:
        within_patience(lambda: loader.load(session, list(meta_graph.meta_info_def.tags)), f"'{path}': to load it")
        return OpenModel(
            session,
            inputs or list(of_inputs),
            outputs or list(of_outputs) or ends(session.graph),
            {**of_outputs, **of_inputs},
        )
