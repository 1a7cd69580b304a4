"""Which layer gets which rule: lists of (selector, rule), of which the first that matches decides."""

import functools
import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ....arguments import as_array, as_flag, as_number, text_of
from ....errors import ArgumentError, ArgumentTypeError
from .formulas import RULES
from .layers import Layer

KINDS = ('convolution', 'dense', 'sum', 'pool', 'norm')

#: Name -> (selector, rule) pairs, as those of ``rules``.
COMPOSITES: Dict[str, List[Tuple[str, Any]]] = {
    'epsilon-plus': [('convolution', 'zplus'), ('dense', 'epsilon')],
    'epsilon-plus-flat': [('first', 'flat'), ('convolution', 'zplus'), ('dense', 'epsilon')],
    'epsilon-alpha2-beta1': [('convolution', ('alphabeta', {'alpha': 2, 'beta': 1})), ('dense', 'epsilon')],
    'epsilon-alpha2-beta1-flat': [
        ('first', 'flat'),
        ('convolution', ('alphabeta', {'alpha': 2, 'beta': 1})),
        ('dense', 'epsilon'),
    ],
    'epsilon-gamma-box': [('first convolution', 'zbox'), ('convolution', 'gamma'), ('dense', 'epsilon')],
}


def _as_bound(value: Any, name: str) -> Any:
    return None if value is None else as_array(value, name, finite=True)


def _as_stabilizer(value: Any, name: str) -> Optional[float]:
    return None if value is None else as_number(value, name, above=0)


#: Option of a rule -> its check, a function of a value and the name.
CHECKS: Dict[str, Callable[[Any, str], Any]] = {
    'epsilon': functools.partial(as_number, above=0),
    'gamma': functools.partial(as_number, at_least=0),
    'alpha': functools.partial(as_number, at_least=0),
    'beta': functools.partial(as_number, at_least=0),
    'low': _as_bound,
    'high': _as_bound,
    'bias': as_flag,
    'stabilizer': _as_stabilizer,
}


def composite_named(name: str) -> List[Tuple[str, Any]]:
    """The pairs of a composite; the name of a rule stands for that rule in all layers with weights."""
    return COMPOSITES.get(name, [('convolution', name), ('dense', name)])


class Chosen:
    """What a layer gets: the name of a rule, and its options where they are not those of the whole call."""

    def __init__(self, name: str, options: Dict[str, Any]) -> None:
        self.name, self.options = name, options


def checked_rule(rule: Any) -> Chosen:
    """The rule that a user named, or a composite."""
    name, options = rule if isinstance(rule, (tuple, list)) and len(rule) == 2 else (rule, {})
    if not isinstance(name, str) or name not in RULES:
        raise ArgumentError(f'A rule must be one of {", ".join(map(repr, RULES))}; got {text_of(name)}.')
    if not isinstance(options, dict):
        raise ArgumentTypeError(f"Options of the rule '{name}' must be a dict; got {text_of(options)}.")
    unknown = [key for key in options if key not in RULES[name].options]
    if unknown:
        raise ArgumentTypeError(
            f"The rule '{name}' does not know {text_of(unknown[0])}; its options are {', '.join(RULES[name].options)}."
        )
    return Chosen(name, {key: CHECKS[key](value, key) if key in CHECKS else value for key, value in options.items()})


def checked_pairs(rules: Any) -> List[Tuple[str, Chosen]]:
    """The (selector, rule) pairs that a user gave."""
    if not isinstance(rules, (list, tuple)):
        raise ArgumentTypeError(f'rules must be a list of (selector, rule) pairs; got {text_of(rules)}.')
    pairs = []
    for pair in rules:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str) or not pair[0]:
            raise ArgumentTypeError(f'rules must be a list of (selector, rule) pairs; got {text_of(pair)} in it.')
        try:
            re.compile(pair[0])
        except re.error as error:
            raise ArgumentError(f"The selector '{pair[0]}' is no regular expression: {error}.") from None
        pairs.append((pair[0], checked_rule(pair[1])))
    return pairs


def matches(selector: str, layer: Layer) -> bool:
    """Whether a selector is of a layer: kinds and 'first', the type of an op, or a regular expression of its name."""
    words = selector.split()
    if all(word == 'first' or word in KINDS for word in words):
        return all(layer.is_first if word == 'first' else layer.kind == word for word in words)
    if any(step.op.type == selector for step in layer.parts):
        return True
    return any(re.search(selector, op.name) for op in layer.roles)


def chosen_for(
    layers: Sequence[Layer], given: Sequence[Tuple[str, Chosen]], composite: Sequence[Tuple[str, Chosen]]
) -> Dict[int, Chosen]:
    """What each layer gets, by its place in the list."""
    for selector, _ in given:
        if not any(matches(selector, layer) for layer in layers):
            names = ', '.join(repr(layer.name) for layer in layers[:5]) or 'none'
            raise ArgumentError(
                f"No layer is selected by '{selector}'. Selectors are 'first', a kind ({', '.join(KINDS)}), a type of "
                f'op, or a regular expression of its name; layers here are {names}{" ..." if len(layers) > 5 else ""}.'
            )
    pairs = [*given, *composite]
    return {
        i: next((rule for selector, rule in pairs if matches(selector, layer)), Chosen('epsilon', {}))
        for i, layer in enumerate(layers)
    }
