"""Which layer gets which rule: lists of (selector, rule), of which the first that matches decides."""

import functools
import re
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ....arguments import as_array, as_flag, as_number, one_of, text_of
from ....errors import ArgumentError, ArgumentTypeError
from .formulas import RULES
from .layers import BY_VALUE, Layer

KINDS = ('convolution', 'dense', 'sum', 'pool', 'norm', 'product')
#: Options of the call that a rule of products may have for itself.
OF_PRODUCTS = ('attention', 'gates')
#: Rules that share by weights alone, or by a range: a product of two that vary has neither.
NOT_OF_PRODUCTS = ('wsquare', 'flat', 'zbox')
#: Of the one share that each value of a product value by value is, these would lose or double what is below 0.
NOT_BY_VALUE = ('zplus', 'alphabeta')
_SELECTORS = (
    f"Selectors are 'first', a kind ({', '.join(KINDS)}), a type of op, a regular expression of its name, or several "
    "with spaces between, which must all fit; products of two that vary are selected by 'product' only."
)


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
    'attention': functools.partial(one_of, words=('attnlrp', 'cp')),
    'gates': functools.partial(one_of, words=('all', 'half')),
}


def composite_named(name: str) -> List[Tuple[str, Any]]:
    """The pairs of a composite; the name of a rule stands for that rule in all layers with weights."""
    return COMPOSITES.get(name, [('convolution', name), ('dense', name)])


def reads(pairs: Sequence[Tuple[str, 'Chosen']], option: str) -> bool:
    """Whether any of these rules reads an option of the call, in place of one of its own."""
    return any(option in RULES[one.name].options and option not in one.options for _, one in pairs)


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
    known = RULES[name].options
    unknown = [key for key in options if key not in (*known, *OF_PRODUCTS)]
    if unknown:
        raise ArgumentTypeError(
            f"The rule '{name}' does not know {text_of(unknown[0])}; its options are {', '.join(known)}."
        )
    return Chosen(name, {key: CHECKS[key](value, key) if key in CHECKS else value for key, value in options.items()})


def checked_pairs(rules: Any) -> List[Tuple[str, Chosen]]:
    """The (selector, rule) pairs that a user gave."""
    if not isinstance(rules, (list, tuple)):
        raise ArgumentTypeError(f'rules must be a list of (selector, rule) pairs; got {text_of(rules)}.')
    pairs = []
    for pair in rules:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str) or not pair[0].strip():
            raise ArgumentTypeError(f'rules must be a list of (selector, rule) pairs; got {text_of(pair)} in it.')
        for word in pair[0].split():
            _check_expression(word)
        pairs.append((pair[0], checked_rule(pair[1])))
    return pairs


def _check_expression(word: str) -> None:
    try:
        re.compile(word)
    except re.error as error:
        raise ArgumentError(f"The selector '{word}' is no regular expression: {error}.") from None


def matches(selector: str, layer: Layer) -> bool:
    """Whether a selector is of a layer: all its words are. Products take none without the word 'product'."""
    words = selector.split()
    return (layer.kind != 'product' or 'product' in words) and all(_matches(word, layer) for word in words)


def _matches(word: str, layer: Layer) -> bool:
    if word == 'first':
        return layer.is_first
    if word in KINDS:
        return layer.kind == word
    return any(part.op.type == word for part in layer.parts) or any(re.search(word, op.name) for op in layer.roles)


def chosen_for(
    layers: Sequence[Layer], given: Sequence[Tuple[str, Chosen]], composite: Sequence[Tuple[str, Chosen]]
) -> Dict[int, Chosen]:
    """What each layer gets, by its place in the list; products get what was chosen for them, or nothing."""
    for selector, _ in given:
        if not any(matches(selector, layer) for layer in layers):
            names = ', '.join(repr(layer.name) for layer in layers[:5]) or 'none'
            raise ArgumentError(
                f"No layer is selected by '{selector}'. {_SELECTORS} Layers here are {names}"
                f'{" ..." if len(layers) > 5 else ""}.'
            )
    pairs, found = [*given, *composite], {}
    for i, layer in enumerate(layers):
        chosen = next((rule for selector, rule in pairs if matches(selector, layer)), None)
        if chosen is not None:
            _check_kind(layer, chosen)
            found[i] = chosen
        elif layer.kind != 'product':
            found[i] = Chosen('epsilon', {})
    return found


def _check_kind(layer: Layer, chosen: Chosen) -> None:
    """Raise an ArgumentError where a rule, or an option of it, makes no sense for such a layer."""
    begin = f"The rule '{chosen.name}' makes no sense for '{layer.name}'"
    if layer.kind != 'product':
        for option in OF_PRODUCTS:
            if option in chosen.options:
                raise ArgumentError(
                    f"'{option}' is of products of two that vary, and '{layer.name}' is a layer of kind "
                    f"'{layer.kind}': put the word 'product' into the selector."
                )
    elif chosen.name in NOT_OF_PRODUCTS:
        raise ArgumentError(
            f'{begin}, a product of two that vary: it shares by weights alone or by a range, and there are none. Take '
            "'epsilon', 'gamma', 'zplus' or 'alphabeta'."
        )
    elif chosen.name in NOT_BY_VALUE and layer.parts[0].op.type in BY_VALUE:
        raise ArgumentError(
            f'{begin}, a product value by value: of its shares, those below 0 would be lost or grow. '
            "Take 'epsilon' or 'gamma', or select products of matrices by their type, such as 'product BatchMatMulV2'."
        )
