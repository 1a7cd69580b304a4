"""An explainer: a method, a problem, and the engine that computes the one for the other."""

from dataclasses import fields
from typing import Any, Dict, List, Optional

from ..arguments import as_flag, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .engine.audit import Audit
from .engine.call import Call, takes_copies
from .engine.engines import engine_of
from .engine.layer import at_layer
from .engine.leaks import Leaks, leaks_of
from .engine.problem import Problem
from .engine.request import Request
from .engine.result import explanation_of
from .methods.method import Method, method_from, same, takes_layer
from .runtime.sealed import Sealed
from .runtime.weights import Weight, weights_of
from .streaming import run_to


class Explainer(Sealed):
    """Attributions of a target T to inputs X by one method, for any samples. What ``get_explainer`` returns.

    Parameters
    ----------
    method : Method
        With its arguments, such as ``IntegratedGradients(steps=50)``.
    problem : Problem
        What is explained: ``Problem.of(session, T, X)``.
    strict : bool, default False
        Raise a GraphError, instead of a warning, where the sum that the method promises does not hold.

    Attributes
    ----------
    method, problem, strict
        As given.
    name : str
        Of the method.
    session : tf.compat.v1.Session
    T : tf.Tensor
    X : tf.Tensor, or a list of them where a list was given
    has_multiple_inputs : bool
        Whether X is a list.
    layer : tf.Tensor, a list of them where a list was given, or None
        What is explained in place of X.
    """

    method: Method
    problem: Problem
    strict: bool
    name: str
    session: Any
    T: Any
    X: Any
    has_multiple_inputs: bool
    layer: Any
    engine: Any
    _is_list: bool  # whether a list is explained, and returned

    def __init__(self, method: Method, problem: Problem, strict: bool = False) -> None:
        self._set(method, problem, strict)

    def _set(self, method: Method, problem: Problem, strict: bool, built: Any = None) -> None:
        plan = method.plan(problem)
        strict = as_flag(strict, 'strict')
        engine = engine_of(method, plan, problem, strict, built)
        below: Any = getattr(plan, 'at', None) or problem
        layer = below.layer
        given = problem if problem.layer is None else problem.layer.problem
        self.set_once(
            method=method,
            problem=problem,
            strict=strict,
            name=method.name,
            session=problem.session,
            T=problem.target,
            X=list(given.inputs) if given.several else given.inputs[0],
            has_multiple_inputs=given.several,
            _is_list=given.several if layer is None else layer.several,
            layer=None if layer is None else list(layer.tensors) if layer.several else layer.tensors[0],
            engine=engine,
        )

    def __repr__(self) -> str:
        strict = ', strict=True' if self.strict else ''
        return f'Explainer({self.method!r}, {self.problem!r}{strict})'

    def __eq__(self, other: object) -> bool:
        """Whether both explain the same T by the same X, in one session, by one method with equal arguments."""
        if not isinstance(other, Explainer):
            return NotImplemented
        same = self.method == other.method and self.strict == other.strict and self.session is other.session
        return same and self.problem.names == other.problem.names

    def __hash__(self) -> int:
        return hash((self.method, self.strict, self.problem.names))

    def with_arguments(self, **arguments: Any) -> 'Explainer':
        """Return an explainer with these arguments, others at their defaults. Both share the graph: nothing is added.

        Raises
        ------
        ArgumentError
            The graph depends on an argument (such as the ``rules`` of 'deeplift') that would be another one.
        """
        if 'layer' in arguments and not takes_layer(type(self.method)):
            layer = arguments.pop('layer')
            given = self.problem if self.problem.layer is None else self.problem.layer.problem
            other = given if layer is None else at_layer(given, layer)
            if other.names != self.problem.names:
                raise ArgumentError(f'This explainer was built for {self.problem!r}: for another layer get_explainer.')
        method, strict = method_from(type(self.method), (), arguments)
        for field in fields(method):
            own, other = getattr(self.method, field.name), getattr(method, field.name)
            if not field.metadata.get('at_run') and not same(own, other):
                raise ArgumentError(
                    f'The graph of this explainer was built for {field.name}={text_of(own)}, not for '
                    f'{text_of(other)} (which is the default where {field.name} is not given): pass the same, or '
                    'get_explainer again.'
                )
        shared = object.__new__(type(self))
        shared._set(method, self.problem, strict, self.engine)
        if strict and not self.strict:
            shared.describe().say(shared.engine.plan, strict)
        return shared

    @property
    def quantity(self) -> Optional[str]:
        """What attributions are: a 'contribution' to T, in its units; a 'sensitivity', per unit of X; or neither."""
        quantity: Optional[str] = self.engine.plan.promise.quantity
        return quantity

    def describe(self) -> Audit:
        """List every op between X and T with what it gets, and whether the promised sum holds through it.

        Returns
        -------
        :class:`~deepexplain.tensorflow.engine.audit.Audit`
            Prints as a table; ``.rows`` are ``(op, type, treatment, exact)``, ``.breaks`` those where it does not hold.
        """
        audit: Audit = self.engine.audit()
        return audit

    def run(
        self,
        xs: ArrayLike,
        ys: ArrayLike = None,
        batch_size: Optional[int] = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        progress: bool = False,
        return_convergence_delta: bool = False,
        *,
        target: Any = None,
        explanation: bool = False,
    ) -> Any:
        """Attributions of the samples ``xs``. May be called from many threads.

        Parameters
        ----------
        xs : array-like of real numbers, shape (samples, ...), or a list of them where X is a list
            Converted to X's dtype one batch at a time and never modified; a memory map is read in batches.
        ys : array-like or 'each', optional
            Weights of the outputs: of T's shape, or of the shape of one sample's T, for all samples alike.
            One-hot rows select one output. Default: every output counts with weight 1. ``'each'``
            explains every output by itself, as a run for each one-hot ys would, in a fraction of the time
            (and an output of nan spoils no other).
        batch_size : int, optional
            The most rows that any session run sees, perturbed copies and path points included. The result
            does not depend on it. Default: a number that is fast and bounded by memory.
        feed_dict : dict of tensor or name to value, optional
            Values of further placeholders (dropout, is_training, more inputs). A value with one row for
            each sample is batched with the samples, one of another length is fed whole.
        progress : bool, default False
            Show a bar with the rows that went through the network, their number per second and the time left.
        return_convergence_delta : bool, default False
            Return ``(attributions, delta)``: the sum of each sample's attributions minus what it should be (see
            ``describe()``), weighted by ys: shape (samples,), in double precision; with ``ys='each'`` (outputs,
            samples).
        target : int, 'top', tuple, str, or a list of one for each sample, optional
            Which output of each sample is explained, in place of ``ys``: its index; the largest output of each sample,
            'top'; where a sample's outputs have several axes, a tuple with an index for each of them; the name of a
            class, where a model has class names (``open_model(..., class_names=[...])``). A list or an array has one
            for each sample.
        explanation : bool, default False
            Return an :class:`~deepexplain.explanation.Explanation`, which has the attributions with the samples, T and
            T at the baseline, the delta, names and arguments. It takes a forward pass more, and one at the baseline.

        Returns
        -------
        ndarray of xs' shape and X's dtype, or a list of them where X is a list
            With ``ys='each'`` the outputs come first: shape (outputs, samples, ...). Where a sample's T has
            several axes, its outputs are counted as in ``T.reshape(samples, -1)``.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An argument does not fit; the message gives both shapes. Also for nan in xs, for a placeholder
            without a value, and for a feed of T or of what lies between X and T.
        MemoryLimitError
            The result does not fit in memory; the message says how large it is.
        """
        progress = as_flag(progress, 'progress')
        return_convergence_delta = as_flag(return_convergence_delta, 'return_convergence_delta')
        explanation = as_flag(explanation, 'explanation')
        call = Call(self.engine, xs, ys, target, feed_dict, batch_size)
        if return_convergence_delta:
            call.check_delta()
        results, more = call.explain(progress)
        delta = []
        if return_convergence_delta or (explanation and call.has_delta()):
            delta = [call.delta(results, lambda: _leaks(self, call))]
        if call.request.outputs is None:
            results, more = [result[0] for result in results], [result[0] for result in more]
        if explanation:
            return explanation_of(self, call, xs, results, more, delta[0] if delta else None)
        found = results if self._is_list else results[0]
        return (found, *more, *delta) if more or delta else found

    run_to = run_to

    def outputs(
        self,
        xs: ArrayLike,
        ys: ArrayLike = None,
        batch_size: Optional[int] = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        *,
        target: Any = None,
    ) -> Array:
        """What attributions are of: T of each sample, weighted by ys and summed over its outputs.

        Parameters, errors: as in :meth:`run`.

        Returns
        -------
        float64 ndarray, shape (samples,); with ``ys='each'`` (outputs, samples)
        """
        return Call(self.engine, xs, ys, target, feed_dict, batch_size).outputs()

    def leaks(
        self,
        xs: ArrayLike,
        ys: ArrayLike = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        *,
        target: Any = None,
    ) -> Leaks:
        """At which op how much of the convergence delta arises: for ``deeplift`` and ``elrp``.

        The first call adds to the graph. Of a set of ``baselines``, gaps are means. In a network that mixes samples
        they are those of a sample's T, of which other samples have their part.

        Parameters, errors: as in :meth:`run`; ``ys`` must be an array. Each sample takes a run of its own.

        Returns
        -------
        :class:`~deepexplain.tensorflow.engine.leaks.Leaks`
            Prints as a table; ``.rows`` are ``(op, type, gap, share)``, with the gap of each sample. All loops and
            branches share a row.

        Raises
        ------
        ArgumentError
            The attributions of this method are no chain of rules that each keep a sum.
        """
        if not getattr(self.engine.plan, 'keeps_sums', False):
            raise ArgumentError(
                f"'{self.name}' has no leaks: its attributions are no chain of rules that each keep a sum. The methods "
                "that have them are 'deeplift' and 'elrp'."
            )
        call = Call(self.engine, xs, ys, target, feed_dict)
        call.check_delta()
        return _leaks(self, call)

    def weights(self) -> List[Weight]:
        """The weights between X (or the layer) and T, nearest to T first; see the class ``Weight``."""
        engine = self.engine
        inputs = self.problem.inputs if self.layer is None else self.layer if self._is_list else [self.layer]
        return weights_of(engine.target, inputs, engine.between, self.session)

    def request(
        self,
        xs: ArrayLike,
        ys: ArrayLike = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        *,
        target: Any = None,
    ) -> Request:
        """Check the arguments of a call, as :meth:`run` does: samples, weights, feeds and baselines in one object."""
        return Call(self.engine, xs, ys, target, feed_dict).request

    def takes_copies(self, request: Request, batch_size: Optional[int] = None) -> bool:
        """Whether copies of all samples may follow each other in one call."""
        return takes_copies(self.engine, request, batch_size)


def _leaks(explainer: Explainer, call: Call) -> Leaks:
    return leaks_of(explainer.engine, lambda: explainer.method.plan(explainer.problem), call.request, lambda: call.cut)
