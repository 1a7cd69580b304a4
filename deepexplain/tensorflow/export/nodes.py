"""Nodes of a GraphDef: what computes what, by names."""

from typing import Any, Dict, Iterable, List, Mapping, Set


def reachable(nodes: Mapping[str, Any], names: Iterable[str], stop: Set[str]) -> List[Any]:
    """The nodes that compute tensors of these names, where those to stop at are given."""
    found: Dict[str, Any] = {}
    frontier = list(names)
    while frontier:
        ref = frontier.pop()
        name = node_of(ref)
        is_given = f'{name}:0' in stop if ref.startswith('^') else tensor_of(ref) in stop
        if not is_given and name not in found:
            found[name] = nodes[name]
            frontier.extend(nodes[name].input)
    return list(found.values())


def node_of(ref: str) -> str:
    """The name of the node that an input refers to."""
    return ref.lstrip('^').split(':')[0]


def tensor_of(ref: str) -> str:
    """The name of the tensor that an input refers to."""
    return ref if ':' in ref else ref + ':0'
