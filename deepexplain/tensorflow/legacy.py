"""Methods as people wrote them for DeepExplain 0.3: subclasses with hooks run unchanged, as explainers of their own.

0.3's classes were method and explainer in one: ``Method(T, X, session, keras_learning_phase, ...)`` with ``run(xs, ys,
batch_size)``. Here they stand in front of an :class:`~deepexplain.tensorflow.explainer.Explainer`, which does the work
and asks their hooks what they want.
"""

import inspect
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Dict, List, Optional

import numpy as np

from ..arguments import as_count, as_flag, text_of
from ..errors import ArgumentError, ArgumentTypeError, DeepExplainError
from ..explanation import Explanation
from ..types import ArrayLike
from .compat import Operation, Session, Tensor
from .engine.adding import adding_to
from .engine.backward import Backward
from .engine.baselines import Baselines
from .engine.network import Network, weighted
from .engine.problem import Problem
from .engine.result import explanation_from
from .explainer import Explainer
from .methods.method import MethodType, attribution_methods, check_known, method_from
from .rules.book import Rule, RuleBook
from .rules.plain import activations
from .runtime.building import building
from .runtime.graph import Step
from .runtime.overrides import original_grad
from .runtime.session import feedable

if TYPE_CHECKING:
    from .engine.backward import BackwardPass


class _BuiltLast(type):
    """Adds to the graph when ``__init__`` is over: hooks may read what a subclass sets there, as 0.3's run() could."""

    def __call__(cls, *args: Any, **arguments: Any) -> Any:
        instance = super().__call__(*args, **arguments)
        with building(instance._problem.graph):
            instance._build()
        return instance


class AttributionMethod(metaclass=_BuiltLast):
    """What all of 0.3's methods share.

    Parameters
    ----------
    T, X : tensors of the session's graph, or their names; X may be a list
    session : tf.compat.v1.Session
    keras_learning_phase : tf.Tensor, optional
        Fed 0. Keras' own placeholder is found without it.
    *args, **arguments
        Those of ``configure(self, ...)``, where a subclass has it; else of the method that it derives from.

    Attributes
    ----------
    T : tf.Tensor
        The target, weighted by ``Y``.
    X : tf.Tensor or list of them
    Y : tf.Tensor
        Weights of the outputs: 1 if it is not fed.
    explainer : Explainer
        What does the work; None where the whole of ``run`` is the subclass's own.
    symbolic_attribution : list of tf.Tensor, or None
    session, keras_learning_phase, has_multiple_inputs
    """

    name: Optional[str] = None
    baseline: Any
    method: Any = None  # that a subclass derives from; None for the bare families

    def __init__(
        self,
        T: Tensor,
        X: Any,
        session: Session,
        keras_learning_phase: Optional[Tensor] = None,
        *args: Any,
        **arguments: Any,
    ) -> None:
        self.session, self.keras_learning_phase = session, keras_learning_phase
        self.explainer: Any = None
        self.symbolic_attribution: Optional[List[Tensor]] = None
        self._problem = problem = Problem.of(session, T, X)
        if keras_learning_phase is not None:
            self.keras_learning_phase = feedable(problem.graph, keras_learning_phase, 'keras_learning_phase')
        self.has_multiple_inputs = problem.several
        self.T, self.X = problem.target, list(problem.inputs) if problem.several else problem.inputs[0]
        configure, self.strict = getattr(self, 'configure', None), False
        if configure is not None:
            known = list(inspect.signature(configure).parameters)
            if 'strict' not in known:
                self.strict = as_flag(arguments.pop('strict', False), 'strict')
            check_known(self.name or type(self).__name__, known, args, arguments)
            configure(*args, **arguments)
            args, arguments = (), {}
        if self.method is None:
            check_known(self.name or type(self).__name__, (), args, arguments)
            self._method = None
        else:
            strict = self.strict
            self._method, self.strict = method_from(self.method, args, arguments)
            self.strict = self.strict or strict

    def _build(self) -> None:
        """Add to the graph what the method needs."""
        if self._method is not None or isinstance(self, GradientBasedMethod):
            hooked: Any = _Hooked(self)
            self.explainer = Explainer(hooked, self._problem, self.strict)
            self._network = self.explainer.engine.network
        if self.symbolic_attribution is None:
            with adding_to(self._problem.graph):
                if self.explainer is None:
                    self._network = Network(self._problem)
                self.Y = self._network.Y
                self.T = weighted(self._problem.target, self.Y, self._problem.target.shape)

    def get_symbolic_attribution(self) -> List[Tensor]:
        """Return a list with one tensor for each input: its attributions, in the input's shape."""
        attributions: List[Tensor] = self._plan.attributions(self._back)
        return attributions

    def nonlinearity_grad_override(self, op: Operation, grad: Tensor) -> Tensor:
        """Gradient of an activation ``op``, given the gradient ``grad`` of its output."""
        rule = self._plan.rules(Step(op, [0])).multiply
        return (rule or original_grad)(op, grad)

    def explain_symbolic(self) -> Optional[List[Tensor]]:
        """Return the attributions as a list of tensors."""
        return self.symbolic_attribution

    def run(
        self,
        xs: ArrayLike,
        ys: ArrayLike = None,
        batch_size: Optional[int] = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        **more: Any,
    ) -> Any:
        """Attributions of xs; see :meth:`Explainer.run <deepexplain.tensorflow.explainer.Explainer.run>`."""
        if self.explainer is None:
            raise DeepExplainError(f'{type(self).__name__} needs a run() of its own, as a PerturbationBasedMethod.')
        return self.explainer.run(xs, ys, batch_size, self._feeds(feed_dict), **more)

    def with_arguments(self, **arguments: Any) -> 'AttributionMethod':
        """Return an explainer of the same class, T and X with these arguments; it has a graph of its own."""
        return type(self)(self._problem.target, self.X, self.session, self.keras_learning_phase, **arguments)

    def _session_run(self, T: Any, xs: ArrayLike, ys: ArrayLike = None, batch_size: Optional[int] = None) -> Any:
        """Evaluate a tensor, or a list of them, for the samples: as 0.3's ``run`` did it, in batches."""
        several = isinstance(T, (list, tuple))
        tensors = [feedable(self._problem.graph, one, 'T') for one in (T if several else [T])]
        batch_size = None if batch_size is None else as_count(batch_size, 'batch_size')
        own: List[Tensor] = (
            [] if self.explainer is None or self.symbolic_attribution is None else self._back.placeholders
        )
        request = self._network.request(xs, ys, self._feeds(None), tensors, own)
        found = [request.run(tensors, part) for part in request.parts(batch_size or request.n)]
        values = [np.concatenate(parts) if np.ndim(parts[0]) else sum(parts) for parts in zip(*found)]
        return values if several else values[0]

    def _check_input_compatibility(self, xs: ArrayLike, ys: ArrayLike = None, batch_size: Optional[int] = None) -> None:
        """Raise unless these can be the arguments of ``run``."""
        self._problem.batch_size(batch_size)
        self._network.request(xs, ys, self._feeds(None), [self.T], [])

    def _set_check_baseline(self) -> None:
        """Bring ``self.baseline`` into the shape of a batch of one: zeros, where there is none."""
        shapes = [tuple(x.shape.as_list()[1:]) for x in self._problem.inputs]
        found = Baselines(self._problem, self.baseline).resolve([np.zeros((1,) + shape) for shape in shapes])
        self.baseline = found if self.has_multiple_inputs else found[0]

    def _feeds(self, feed_dict: Any) -> Any:
        if self.keras_learning_phase is None or not isinstance(feed_dict, (dict, type(None))):
            return feed_dict
        names = {getattr(key, 'name', key) for key in feed_dict or {}}
        phase = self.keras_learning_phase.name
        return feed_dict if phase in names else {**(feed_dict or {}), phase: 0}

    def __getattr__(self, name: str) -> Any:
        """Look up what the method or its explainer has besides: arguments, describe, outputs, leaks, request."""
        for part in (self.__dict__.get('_method'), self.__dict__.get('explainer')):
            if part is not None and not name.startswith('_') and hasattr(part, name):
                return getattr(part, name)
        raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')


class GradientBasedMethod(AttributionMethod):
    """A method that is one backward pass, in which activations may have a rule of their own.

    Subclasses override ``get_symbolic_attribution`` (what to compute, as tensors) and
    ``nonlinearity_grad_override`` (the rule of an activation).
    """


class PerturbationBasedMethod(AttributionMethod):
    """A method that changes the input and reads T: subclasses have a ``run`` of their own."""


class _Hooked:
    """The method of an instance as :class:`Explainer` takes it: that which it derives from, with its own hooks."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self.name = owner.name or type(owner).__name__

    def __repr__(self) -> str:
        return type(self._owner).__name__ + '()'

    def plan(self, problem: Problem) -> Any:
        """Return the plan of the method that the owner derives from, with what it overrides."""
        owner = self._owner
        plan = owner._plan = Backward() if owner._method is None else owner._method.plan(problem)
        if not isinstance(plan, Backward):
            return plan

        def attributions(back: 'BackwardPass') -> List[Tensor]:
            owner._back, owner.T, owner.Y = back, back.T, back.Y
            shapes = [x.shape.as_list()[1:] if x.shape.ndims else [None] for x in problem.inputs]
            has_formula = type(owner).get_symbolic_attribution is not AttributionMethod.get_symbolic_attribution
            if has_formula and getattr(owner, 'baseline', 0) is None and not any(None in shape for shape in shapes):
                owner._set_check_baseline()  # hooks of 0.3 read it as an array
            found: List[Tensor] = owner.get_symbolic_attribution()
            owner.symbolic_attribution = found
            return found

        rule = type(owner).nonlinearity_grad_override
        if getattr(rule, '__func__', rule) is AttributionMethod.nonlinearity_grad_override:
            return replace(plan, attributions=attributions)
        rules = RuleBook(activations(Rule('own rule', None, owner.nonlinearity_grad_override)), plan.rules)
        return replace(plan, attributions=attributions, rules=rules, keeps_sums=False)


@lru_cache(maxsize=None)
def adapter(method: Any) -> Any:
    """The class of 0.3's form for a method: what subclasses of it derive from, and calls with a session make."""
    members = {'method': method, 'name': method.name, '__doc__': method.__doc__, '__module__': method.__module__}
    metaclass: Any = type(GradientBasedMethod)
    return metaclass(method.__name__, (GradientBasedMethod,), members)


MethodType.adapter = staticmethod(adapter)


def run(explainer: Any, xs: ArrayLike, ys: ArrayLike = None, batch_size: Optional[int] = None, **options: Any) -> Any:
    """``explainer.run`` with these options: a ``run(xs, ys, batch_size)`` of 0.3 gets those that say something.

    Raises
    ------
    ArgumentTypeError
        It does not know one of them. ``explanation`` it need not know: what it returns is made an Explanation.
    """
    if isinstance(explainer, Explainer):
        return explainer.run(xs, ys, batch_size, **options)
    options = {name: value for name, value in options.items() if value is not None and value is not False}
    known = inspect.signature(explainer.run).parameters
    wrapped = False
    if all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in known.values()):
        if 'explanation' not in known and isinstance(explainer, AttributionMethod):
            wrapped = options.pop('explanation', False)
        more = [name for name in options if name not in known]
        if more:
            instead = ' Give ys, weights of the outputs, in place of target.' if 'target' in more else ''
            raise ArgumentTypeError(
                f"'{_name_of(explainer)}' does not know {', '.join(more)}: its run() is its own, and takes "
                f'{", ".join(known)}.{instead}'
            )
    found = explainer.run(xs, ys, batch_size, **options)
    return _as_explanation(explainer, found, xs, ys, options.get('feed_dict')) if wrapped else found


def _name_of(explainer: Any) -> str:
    cls = type(explainer)
    names = [name for name, (registered, _) in attribution_methods.items() if registered is cls]
    return names[0] if names else cls.__name__


def _as_explanation(explainer: Any, found: Any, xs: ArrayLike, ys: ArrayLike, feed_dict: Any) -> Explanation:
    """What a run of somebody's own returned, with what is known without asking the network again."""
    problem = explainer._problem
    request = explainer._network.request(xs, ys, explainer._feeds(feed_dict), [explainer.T], [])
    values = [np.asarray(one) for one in (found if problem.several and isinstance(found, (list, tuple)) else [found])]
    place = 0 if request.outputs is None else 1  # of the samples' axis
    if len(values) != len(problem.inputs) or any(one.shape[place : place + 1] != (request.n,) for one in values):
        raise ArgumentError(
            f"'{_name_of(explainer)}' has a run() of its own, which must return an array with a row for each sample, "
            f'{request.n}, for each input; got {text_of(found)}. With explanation=False it is returned as it came.'
        )
    name, of = _name_of(explainer), values if problem.several else values[0]
    return explanation_from(problem, request, xs, list(problem.inputs), of, method=name)
