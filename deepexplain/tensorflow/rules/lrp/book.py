"""The rule book of 'lrp': layers by their composite, and how relevance goes through all else."""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ....errors import ArgumentError, warn
from ...compat import Operation, Tensor
from ...runtime.graph import Step
from ...runtime.op_types import is_discrete
from ...runtime.overrides import original_grad
from ..book import Rule, RuleBook
from .at_hand import LayerAtHand
from .composites import Chosen, checked_pairs, checked_rule, chosen_for, composite_named
from .factors import Factors
from .flows import Options, flow
from .formulas import RULES
from .layers import Layer, Layers
from .near import Near

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

    def __call__(self, step: Step) -> Rule:
        """Return a stand-in: which layer an op belongs to is not known yet."""
        return Rule('relevance', None, None if is_discrete(step.op) else original_grad)

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
        super().__init__(self._of_layer, self._of_flow)
        options = dict(chosen.options)
        # Sums get the epsilon rule like layers with weights, but with the stabilizer where one is given.
        self._of_sums = options['epsilon'] if options['stabilizer'] is None else options['stabilizer']
        options['stabilizer'] = STABILIZER if options['stabilizer'] is None else options['stabilizer']
        self._source, self._options = source, options
        self._factors = Factors(steps)
        self.layers = Layers(steps, self._factors.spread, options['canonize'])
        by_place = chosen.chosen(self.layers.all)
        self._chosen = {id(layer): by_place[i] for i, layer in enumerate(self.layers.all)}
        self._flow = Options(options['stabilizer'], options['attention'], options['gates'])
        self.bounds = [self._checked(layer, chosen) for layer, chosen in self.rules_of_layers()]
        self.bounds = [pair for pair in self.bounds if pair is not None]
        if options['low'] is not None and all(one.name != 'zbox' for _, one in self.rules_of_layers()):
            warn("low and high are not used: no layer gets the rule 'zbox'. Composites give it to a first convolution.")
        self._near = Near(steps, chosen.multipliers_of)
        self._near.check(self.rules_of_layers())
        # What came to the layers whose turn it is: graph and name of a part -> relevance of its inputs.
        self._came: Dict[Tuple[int, str], Dict[int, Tensor]] = {}

    def read(self, steps: Sequence[Step], source: Callable[[Operation], Optional[Step]]) -> RuleBook:
        """Return itself: it has been read."""
        return self

    def rules_of_layers(self) -> List[Tuple[Layer, Chosen]]:
        """Each layer with what it gets."""
        return [(layer, self._chosen[id(layer)]) for layer in self.layers.all]

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

    def _of_flow(self, step: Step) -> Rule:
        if self._near.holds(step):
            return Rule('linear', True, original_grad)
        return flow(step, self._factors, self._flow)

    def _of_layer(self, step: Step) -> Optional[Rule]:
        layer = self.layers.of.get(step.op)
        if layer is None:
            return None
        chosen = self._chosen[id(layer)]
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

    def _begin(self, layer: Layer, end: Operation, R: Tensor) -> None:
        """Apply the rule of a layer, to whose end relevance has come."""
        at_hand = LayerAtHand(layer, end, self._source, self._data_of, self._near.is_near)
        chosen = self._chosen[id(layer)]
        relevances = RULES[chosen.name].function(at_hand, R, **self._options_of(layer, chosen))
        found: Dict[Any, Dict[int, Tensor]] = {}
        for part, relevance in zip(at_hand.parts, relevances):
            found.setdefault(_key(part.op), {})[part.data] = relevance
        self._came.update(found)

    def _data_of(self, step: Step) -> List[int]:
        """The indices of the inputs of a part that are no weights."""
        spread = self._factors.spread(step) if self.layers.of[step.op].kind == 'norm' else None
        return [i for i in step.numbers if i != spread]


def _key(op: Operation) -> Tuple[int, str]:
    return id(op.graph), op.name
