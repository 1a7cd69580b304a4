"""What cannot be exported, each by its reason: found out before anything is built."""

from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from ...arguments import text_of
from ...errors import ArgumentError, ArgumentTypeError, GraphError
from ..engine.backward import Backward
from ..explainer import Explainer

if TYPE_CHECKING:
    from ..engine.request import Request

#: Names of the signatures, as they are asked for -> as they are called in the SavedModel.
SIGNATURES = {'xs_ys': 'serving_default', 'top': 'top', 'tf_examples': 'tf_examples'}


def check_signatures(signatures: Any) -> Sequence[str]:
    """The names of signatures as a list."""
    names = [signatures] if isinstance(signatures, str) else signatures
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ArgumentTypeError(f'signatures must be a list of names; got {text_of(signatures)}.')
    unknown = [name for name in names if name not in SIGNATURES]
    if unknown or not names:
        raise ArgumentError(f'signatures must be some of {list(SIGNATURES)}; got {text_of(list(names))}.')
    return list(names)


def check_explainer(explainer: Any) -> Explainer:
    """Raise unless its method can be computed in a graph."""
    if not isinstance(explainer, Explainer):
        raise ArgumentTypeError(
            f'export takes an explainer of get_explainer, or a recipe that opens one; got {text_of(explainer)}.'
        )
    plan, name = explainer.engine.plan, explainer.name
    if isinstance(plan, Backward):
        for one in [plan, *([] if plan.times is None else [plan.times])]:
            if one.finish is not Backward.finish and one.finish_in_graph is None:
                raise ArgumentError(f"'{name}' finishes its results in NumPy, which a SavedModel does not hold.")
        if plan.path is not None and plan.path.tolerance is not None:
            _refuse(name, 'tolerance adds points for as long as samples need them', 'give the number of steps instead')
    else:
        if getattr(explainer.method, 'replacements', None) is not None:
            _refuse(name, 'with replacements it has a result for each of them', 'leave replacements out')
        if plan.in_graph is None:
            raise ArgumentError(f"'{name}' computes attributions in NumPy, which a SavedModel does not hold.")
        if getattr(explainer.method, 'tolerance', None) is not None:
            _refuse(name, 'tolerance draws orders for as long as samples need them', 'give the number of samples')
        if hasattr(explainer.method, 'seed') and explainer.method.seed is None:
            _refuse(name, 'without a seed its orders are others in each call', 'pass seed=...')
    _check_baseline(explainer)
    return explainer


def _refuse(name: str, why: str, advice: str) -> None:
    raise ArgumentError(f"'{name}' cannot be exported as it is: {why}; {advice}.")


def _check_baseline(explainer: Explainer) -> None:
    baselines: Any = explainer.engine.plan.baseline
    if baselines is None:
        return
    if baselines.is_function:
        _refuse(explainer.name, 'its baseline is a Python function of xs', 'give a number, an array or baselines')
    problem: Any = explainer.problem if explainer.problem.layer is None else explainer.problem.layer.problem
    for value, x in zip(baselines.values, problem.inputs):
        if not baselines.is_set and np.ndim(value) and np.ndim(value) == x.shape.ndims:
            _refuse(explainer.name, 'its baseline has a row for each sample', "give one of one sample's shape")
        if baselines.is_set and np.ndim(value) > x.shape.ndims:
            _refuse(explainer.name, 'its baselines are a set for each sample', 'give one set for all')
    layer: Any = explainer.problem.layer
    if layer is not None and layer.beside and baselines.is_set:
        _refuse(explainer.name, 'T reads X past the layer, and there is a set of baselines', 'give one baseline')


def check_shapes(explainer: Explainer, feed_dict: Any) -> None:
    """Raise where the graph says too little of X, or T has no row for each sample."""
    problem: Any = explainer.problem if explainer.problem.layer is None else explainer.problem.layer.problem
    target = explainer.problem.target
    for x in problem.inputs:
        if x.shape.ndims is None:
            raise GraphError(f"X '{x.name}' is of unknown rank: open or build the model with a shape for it.")
    is_perturbing = not isinstance(explainer.engine.plan, Backward)
    if is_perturbing and any(None in x.shape.as_list()[1:] for x in problem.inputs):
        raise GraphError(
            f"'{explainer.name}' takes away parts of a sample, whose shape the graph leaves open "
            f'({problem.inputs[0].shape}): open or build the model with a fixed shape of one sample.'
        )
    if not target.shape.ndims:
        raise GraphError(f"T '{target.name}' has no known axis of samples: give a T with one row for each sample.")
    for tensor, value in (feed_dict or {}).items():
        if np.ndim(value) and getattr(tensor, 'shape', None) is not None and tensor.shape.as_list()[:1] == [None]:
            raise ArgumentError(
                f"feed_dict: '{tensor.name}' may have a row for each sample, and becomes a constant: make it an X."
            )


def check_network(explainer: Explainer, request: 'Request', target_shape: Sequence[int]) -> None:
    """Raise where samples mix, T is random, or it has not one row for each sample; ``request`` has some samples."""
    engine, problem = explainer.engine, explainer.problem
    if engine.randomness.found(request):
        raise GraphError(f"T '{problem.target.name}' is random, so there is nothing to check an export against.")
    if engine.oracle.proof.has_equal_parts(request) or target_shape[:1] != (request.n,):
        raise GraphError(
            f"T '{problem.target.name}' has {target_shape[0]} rows for {request.n} samples; an export needs one for "
            'each.'
        )
    if problem.fixed_rows is not None:
        engine.oracle.check_interchangeable(request)
    if problem.fixed_rows != 1 and not engine.oracle.may_part(request):
        raise GraphError(
            f'{engine.oracle.proof.sentence(request)}: what is exported computes samples in pieces, and beside those '
            'of others. Put the network in its inference mode.'
        )
