"""The explainers of one graph: made by the name of a method, and kept where they are asked for again."""

from dataclasses import fields
from typing import Any, Callable, Dict, Optional

from ..errors import ArgumentTypeError
from .compat import Session, Tensor
from .engine.layer import at_layer
from .engine.problem import Problem
from .explainer import Explainer
from .methods.method import Method, frozen, method_from, method_named, takes_layer
from .runtime.building import building
from .runtime.facts import Facts


class Explainers:
    """Makes explainers in the graph of a session.

    Parameters
    ----------
    session : tf.compat.v1.Session
    facts : Facts, optional
        What is known of its model besides.
    """

    def __init__(self, session: Session, facts: Optional[Facts] = None) -> None:
        self._session, self._graph = session, session.graph
        self._facts = Facts() if facts is None else facts
        self._explainers: Dict[Any, Any] = {}

    def clear(self) -> None:
        """Forget those that are kept."""
        self._explainers.clear()

    def get(self, method: Any, T: Tensor, X: Any, arguments: Dict[str, Any], keep: bool) -> Any:
        """The explainer of T by X by this method with these arguments.

        ``keep``: kept, and found again whatever the arguments, but for those that the graph depends on.
        """
        if isinstance(method, Method):
            more = sorted(set(arguments) - ({'strict'} if takes_layer(type(method)) else {'strict', 'layer'}))
            if more:
                raise ArgumentTypeError(f'{method!r} has its arguments: give {", ".join(more)} there, not beside it.')
            arguments = {**{f.name: getattr(method, f.name) for f in fields(method) if f.init}, **arguments}
        cls: Any = type(method) if isinstance(method, Method) else method_named(method)
        if not (isinstance(cls, type) and issubclass(cls, Method)):  # a class of 0.3's form: see legacy.py
            return self._kept((cls, frozen(arguments)), T, X, keep, lambda: self._of_0_3(cls, T, X, arguments))
        layer = None if takes_layer(cls) else arguments.pop('layer', None)
        made, strict = method_from(cls, (), arguments)
        in_graph = frozen([getattr(made, f.name) for f in fields(cls) if not f.metadata.get('at_run')])

        def build() -> Explainer:
            problem = Problem.of(self._session, T, X, self._facts)
            return Explainer(made, problem if layer is None else at_layer(problem, layer), strict)

        explainer = self._kept((cls, in_graph, frozen(layer)), T, X, keep, build)
        same = explainer.method is made or (explainer.method == made and explainer.strict == strict)
        return explainer if same else explainer.with_arguments(**arguments)

    def _of_0_3(self, cls: Any, T: Tensor, X: Any, arguments: Dict[str, Any]) -> Any:
        """An explainer of such a class, which makes a problem of its own: it is told the names of the classes."""
        made = cls(T, X, self._session, None, **arguments)
        facts = getattr(getattr(made, '_problem', None), 'facts', None)
        if isinstance(facts, Facts):
            facts.class_names = self._facts.class_names
        return made

    def _kept(self, key: Any, T: Tensor, X: Any, keep: bool, build: Callable[[], Any]) -> Any:
        """What ``build()`` gave for T and X under this key before, or gives now."""
        if not keep:
            with building(self._graph):
                return build()
        key = (key, frozen(T), frozen(X))
        explainer = self._explainers.get(key)
        if explainer is None:
            with building(self._graph):
                explainer = self._explainers.get(key) or build()  # another thread may have built it meanwhile
                self._explainers[key] = explainer
        return explainer
