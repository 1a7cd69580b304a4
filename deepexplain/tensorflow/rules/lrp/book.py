"""The rule book of 'lrp': layers by their composite, and how relevance goes through all else."""

import functools
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ....errors import ArgumentError, warn
from ...compat import Operation, Tensor, tf
from ...runtime.graph import OF_SHAPES, Step
from ...runtime.op_types import is_discrete
from ...runtime.overrides import original_grad
from ..book import Rule, RuleBook
from .at_hand import LayerAtHand
from .composites import OF_PRODUCTS, Chosen, checked_pairs, checked_rule, chosen_for, composite_named, reads
from .factors import Factors
from .flows import flow
from .formulas import RULES
from .layers import Layer, Layers
from .near import Near
from .products import Options, is_product, takers
from .reach import Readers, reached

#: What keeps denominators away from 0 in the other rules, if not said otherwise.
STABILIZER = 1e-6
#: Those that do not multiply by weights of their own keep their biases, and have an epsilon of their own.
WITHOUT_WEIGHTS = ('sum', 'pool', 'norm')


class LRPBook(RuleBook):
    """What a user chose, before it is known which layers there are.

    Parameters
    ----------
    composite : str
    rules : list of (selector, rule) pairs
    options : dict
        The further arguments of 'lrp'.
    multipliers_of : list of tf.Tensor
        Inputs of the network of which relevance is wanted without the factor of the input.
    """

    def __init__(
        self, composite: str, rules: Any, options: Dict[str, Any], multipliers_of: Sequence[Tensor] = ()
    ) -> None:
        super().__init__()
        self.multipliers_of = list(multipliers_of)
        self._given = checked_pairs(rules)
        self._composite = [(selector, checked_rule(rule)) for selector, rule in composite_named(composite)]
        self.options = options
        self._bounds: List[Tuple[Any, Any]] = []

    def warn_of_unused(self, defaults: Dict[str, Any]) -> None:
        """Warn of options that were given, and that no rule reads of those which layers may get."""
        pairs = [*self._given, *self._composite]
        for name, default in defaults.items():
            # Bounds, and options of products and of normalizations, are for what is in the network.
            if name in ('low', 'high', 'canonize', 'stabilizer', *OF_PRODUCTS) or self.options[name] == default:
                continue
            if not reads(pairs, name) and not (name == 'epsilon' and self.options['stabilizer'] is None):
                rules = ', '.join(sorted({repr(one.name) for _, one in pairs}))
                warn(
                    f'{name}={self.options[name]} is not used: no layer can get a rule that reads it and has none of '
                    f'its own. The rules are {rules}.'
                )

    def __call__(self, step: Step) -> Rule:
        """Return a stand-in: which layer an op belongs to is not known yet."""
        no_relevance = is_discrete(step.op) or step.op.type in OF_SHAPES
        return Rule('relevance', None, None if no_relevance else original_grad)

    def read(self, steps: Sequence[Step], source: Callable[[Operation], Optional[Step]]) -> RuleBook:
        """Return the book of the network that these steps make up."""
        read = _Read(self, steps, source)
        self._bounds = read.bounds
        return read

    def bounds(self) -> List[Tuple[Any, Any]]:
        """What inputs must be between: pairs of the lowest and the highest, known once the book has been read."""
        return self._bounds

    def chosen(self, layers: List[Layer]) -> Dict[int, Chosen]:
        """What each layer gets, by its place in the list."""
        return chosen_for(layers, self._given, self._composite)


class _Read(RuleBook):
    """The rule book of one network.

    ``source`` says of an op in hand of which step it is a copy.
    """

    def __init__(self, chosen: LRPBook, steps: Sequence[Step], source: Callable[[Operation], Optional[Step]]) -> None:
        super().__init__(self._of_idle, self._of_layer, self._of_flow)
        options = dict(chosen.options)
        # Sums get the epsilon rule like layers with weights, but with the stabilizer where one is given.
        self._of_sums = options['epsilon'] if options['stabilizer'] is None else options['stabilizer']
        options['stabilizer'] = STABILIZER if options['stabilizer'] is None else options['stabilizer']
        self._source, self._options = source, options
        self._factors = Factors(steps)
        self.layers = Layers(steps, self._factors.spread, options['canonize'])
        by_place = chosen.chosen(self.layers.all)
        self._chosen = {id(layer): by_place[i] for i, layer in enumerate(self.layers.all) if i in by_place}
        self._flow = Options(options['stabilizer'], options['attention'], options['gates'])
        self.bounds = [self._checked(layer, chosen) for layer, chosen in self.rules_of_layers()]
        self.bounds = [pair for pair in self.bounds if pair is not None]
        if options['low'] is not None and all(one.name != 'zbox' for _, one in self.rules_of_layers()):
            warn("low and high are not used: no layer gets the rule 'zbox'. Composites give it to a first convolution.")
        _warn_of_products(steps, self._factors, self._flow)
        self._reached = reached(steps, self._takers_of)
        self._near = Near(steps, chosen.multipliers_of)
        self._near.check(self.rules_of_layers())
        self._readers = Readers(steps, self._is_in_proportion)
        # What came to the layers whose turn it is: graph and name of a part -> relevance of its inputs.
        self._came: Dict[Tuple[int, str], Dict[int, Tensor]] = {}

    def read(self, steps: Sequence[Step], source: Callable[[Operation], Optional[Step]]) -> RuleBook:
        """Return itself: it has been read."""
        return self

    def rules_of_layers(self) -> List[Tuple[Layer, Chosen]]:
        """Each layer with what it gets."""
        return [(layer, self._chosen[id(layer)]) for layer in self.layers.all if id(layer) in self._chosen]

    def _options_of(self, layer: Layer, chosen: Chosen) -> Dict[str, Any]:
        """The options of the rule of a layer: those of the call, and its own."""
        options = dict(self._options)
        if layer.kind in WITHOUT_WEIGHTS:
            options.update(epsilon=self._of_sums if layer.kind == 'sum' else options['stabilizer'], bias=True)
        options.update(chosen.options)
        return {name: options[name] for name in RULES[chosen.name].options}

    def _checked(self, layer: Layer, chosen: Chosen) -> Any:
        """What the inputs of a first layer must be between; raises an ArgumentError for options that do not fit."""
        options = self._options_of(layer, chosen)
        if 'alpha' in options and abs(options['alpha'] - options['beta'] - 1) > 1e-9:
            raise ArgumentError(
                f'alpha - beta must be 1, or relevance is made or lost; got {options["alpha"]} and {options["beta"]}.'
            )
        if 'low' not in options:
            return None
        if options['low'] is None or options['high'] is None:
            raise ArgumentError(
                f"The rule 'zbox', which the layer '{layer.name}' gets, needs low and high: what xs are between, such "
                'as low=0, high=1.'
            )
        return (options['low'], options['high']) if layer.is_first else None

    def _takers_of(self, step: Step) -> List[int]:
        """The indices of the inputs of an op that get relevance."""
        layer = self.layers.of.get(step.op)
        if layer is not None and layer.kind == 'norm' and layer.roles[step.op] == 'weights':
            return self._data_of(step)
        return self._takers(step)[0] if is_product(step) else step.numbers

    def _is_in_proportion(self, step: Step) -> bool:
        """Whether an op gives its inputs relevance in proportion to their values: a 0 gets none."""
        layer = self.layers.of.get(step.op)
        chosen = None if layer is None else self._chosen.get(id(layer))
        if layer is None or chosen is None or layer.roles[step.op] != 'weights':
            return False
        return RULES[chosen.name].has_multipliers and not any(self._near.is_near(z) for z in step.op.inputs)

    def _of_idle(self, step: Step) -> Optional[Rule]:
        if step.op in self._reached:
            return None
        return Rule('no relevance', True, lambda op, *grads: [None] * len(op.inputs))

    def _of_flow(self, step: Step) -> Rule:
        if self._near.holds(step):
            return Rule('linear', True, original_grad)
        return flow(step, self._factors, self._flow)

    def _of_layer(self, step: Step) -> Optional[Rule]:
        layer = self.layers.of.get(step.op)
        if layer is None or id(layer) not in self._chosen:
            return None
        chosen = self._chosen[id(layer)]
        if layer.kind == 'product':
            name = f'{chosen.name} (product), {self._takers(step)[1]}'
            return Rule(name, RULES[chosen.name].exact, lambda op, R: self._product(layer, step, op, R))
        name = f'{chosen.name} ({layer.kind})'
        if layer.roles[step.op] != 'weights':
            name += f" with '{layer.name}'"
        return Rule(name, RULES[chosen.name].exact, lambda op, *grads: self._back(layer, step, op, grads[0]))

    def _back(self, layer: Layer, step: Step, op: Operation, R: Tensor) -> Any:
        """Relevance of the inputs of an op of a layer."""
        if step.op is layer.end:
            self._begin(layer, op, R)
        role = layer.roles[step.op]
        if role == 'shape':
            return original_grad(op, R)
        relevances: List[Optional[Tensor]] = [None] * len(op.inputs)
        if role == 'weights':
            for i, relevance in self._came.pop(_key(op)).items():
                relevances[i] = relevance
            return relevances
        for i in step.varying:
            relevances[i] = R  # what its layer makes of it, it gets from the end of the layer
        return relevances

    def _takers(self, step: Step) -> Tuple[List[int], str]:
        layer = self.layers.of.get(step.op)
        chosen = None if layer is None else self._chosen.get(id(layer))
        own = {} if chosen is None else chosen.options
        options = self._flow._replace(**{name: own[name] for name in OF_PRODUCTS if name in own})
        return takers(step, self._factors, options)

    def _product(self, layer: Layer, step: Step, op: Operation, R: Tensor) -> List[Optional[Tensor]]:
        """Relevance of two factors: by the rule chosen for them, each with the other for its weights."""
        chosen, relevances = self._chosen[id(layer)], [None] * len(op.inputs)
        indices = self._takers(step)[0]
        for i in indices:
            at_hand = LayerAtHand(layer, op, self._source, functools.partial(_only, i), self._near.is_near)
            share = R / tf.cast(len(indices), R.dtype)
            relevances[i] = RULES[chosen.name].function(at_hand, share, **self._options_of(layer, chosen))[0]
        return relevances

    def _begin(self, layer: Layer, end: Operation, R: Tensor) -> None:
        """Apply the rule of a layer, to whose end relevance has come."""
        epsilons = self._of_sums, self._options['stabilizer']
        at_hand = LayerAtHand(layer, end, self._source, self._data_of, self._near.is_near, epsilons)
        at_hand.is_rectified = self._readers.rectify(layer.end)
        chosen = self._chosen[id(layer)]
        relevances = RULES[chosen.name].function(at_hand, R, **self._options_of(layer, chosen))
        found: Dict[Any, Dict[int, Tensor]] = {}
        for part, relevance in zip(at_hand.parts, relevances):
            found.setdefault(_key(part.op), {})[part.data] = part.of_input(relevance)
        self._came.update(found)

    def _data_of(self, step: Step) -> List[int]:
        """The indices of the inputs of a part that are no weights."""
        spread = self._factors.spread(step) if self.layers.of[step.op].kind == 'norm' else None
        return [i for i in step.numbers if i != spread]


def _warn_of_products(steps: Sequence[Step], factors: Factors, options: Options) -> None:
    """Warn of options of products where there is nothing in the network that they are of."""
    found = {factors.kind(step.op.inputs[i]) for step in steps if is_product(step) for i in step.numbers}
    for given, kind, what in (
        (options.attention == 'cp', 'attention', 'a softmax'),
        (options.gates == 'half', 'gate', 'a gate, such as a sigmoid,'),
    ):
        if given and kind not in found:
            option = "attention='cp'" if kind == 'attention' else "gates='half'"
            warn(f'{option} is not used: {what} is no factor of any product of two that depend on X.')


def _only(i: int, step: Step) -> List[int]:
    return [i]


def _key(op: Operation) -> Tuple[int, str]:
    return id(op.graph), op.name
