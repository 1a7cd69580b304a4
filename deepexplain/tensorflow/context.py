"""DeepExplain: the context in which activations can be explained."""

import threading
from typing import Any, Dict, List, Optional, Tuple

from ..arguments import as_flag, text_of
from ..errors import ArgumentError, DeepExplainError
from ..types import ArrayLike
from .compat import Graph, Session, Tensor, tf
from .engine.problem import OPEN_IT, check_session
from .explainers import Explainers
from .legacy import run


class DeepExplain:
    """A context for explaining the graph of a session.

    The network may be built inside it, or be there already: built, restored, imported or trained. Its own ops are
    never changed.

    Parameters
    ----------
    graph : tf.Graph, optional
        Default: that of the session.
    session : tf.compat.v1.Session, optional
        Default: the default session at the time of this call.

    Raises
    ------
    RuntimeError
        There is no session.
    ArgumentError
        The graph is not the session's.

    Examples
    --------
    >>> import numpy as np
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     T = tf.nn.relu(tf.matmul(X, tf.constant([[1.], [-2.]])))
    ...     print(de.explain('grad*input', T, X, [[3, 1], [5, 1]]).tolist())
    [[3.0, -2.0], [5.0, -2.0]]
    """

    def __init__(self, graph: Optional[Graph] = None, session: Optional[Session] = None) -> None:
        session = tf.get_default_session() if session is None else session
        if session is None:
            raise DeepExplainError(
                f'DeepExplain: could not retrieve a session. Use DeepExplain(session=your_session).{OPEN_IT}'
            )
        check_session(session)
        if graph is not None and graph is not session.graph:
            raise ArgumentError(
                f'graph is not the graph of the session; leave it out, or open a session on it; got {text_of(graph)}.'
            )
        self.session = session
        self.graph = session.graph
        self._entered: List[Tuple[int, Any]] = []  # (thread, what to leave), one for each time this context was entered
        self._explainers = Explainers(session)

    @property
    def context_on(self) -> bool:
        """Whether the context is open."""
        return bool(self._entered)

    def __enter__(self) -> 'DeepExplain':
        default = self.graph.as_default()
        default.__enter__()
        self._entered.append((threading.get_ident(), default))
        return self

    def __exit__(self, *exception: Any) -> None:
        # A default graph belongs to the thread that set it, and several threads may have entered.
        mine = [entry for entry in self._entered if entry[0] == threading.get_ident()]
        if not mine:
            raise DeepExplainError('This DeepExplain context is not open in this thread, so it cannot be left here.')
        self._entered.remove(mine[-1])
        mine[-1][1].__exit__(None, None, None)
        if not self._entered:
            self._explainers.clear()

    def explain(
        self,
        method: Any,
        T: Tensor,
        X: Any,
        xs: ArrayLike,
        ys: ArrayLike = None,
        batch_size: Optional[int] = None,
        feed_dict: Optional[Dict[Any, Any]] = None,
        progress: bool = False,
        return_convergence_delta: bool = False,
        *,
        target: Any = None,
        explanation: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Attributions of the samples ``xs``, as ``get_explainer(method, T, X, **kwargs).run(xs, ...)`` gives them.

        The explainer is kept until the context closes: further calls with this method, T and X add nothing to
        the graph, whatever the method's arguments, except for the ``rules`` of 'deeplift'.

        Parameters
        ----------
        method : str, or a method
            A name among ``deepexplain.tensorflow.methods.attribution_methods``; or a method with its arguments, such as
            ``IntegratedGradients(steps=50)``, beside which only ``strict`` and ``layer`` may be given.
        T, X : tensors, or their names
            Target, of any float dtype and shape (samples, ...) or (); and input, of shape (samples, ...), or a list of
            inputs: any tensors of the graph that T is computed from. Several outputs of a sample are explained as
            their sum, weighted by ``ys``; or one of them, the ``target``.
        xs, ys, batch_size, feed_dict, progress, return_convergence_delta, target, explanation
            See :meth:`~deepexplain.tensorflow.Explainer.run`.
        **kwargs
            Arguments of the method: see ``help`` of its class in ``deepexplain.tensorflow.methods``. And
            ``strict=True``: raise a GraphError, instead of a warning, where the sum that it promises does not hold.
            And ``layer``, a tensor between X and T or its name, or a list of them: attributions are to its values, and
            of its shape. xs and baselines stay those of X: the layer's values at both are computed (so at a baseline of
            0 the layer is what the network makes of 0), and it is the layer's values that paths, windows and features
            change. An X that T reads besides keeps the values of xs.

        Returns
        -------
        ndarray of xs' shape and X's dtype, or a list of them where X is a list (those of the layer, where there is
        one); outputs first with ``ys='each'``. With ``return_convergence_delta``, ``(attributions, delta)``. With
        ``explanation``, an :class:`~deepexplain.explanation.Explanation`.

        Raises
        ------
        RuntimeError
            Outside the context; and every other error is one too, with the built-in type that fits.
        """
        progress = as_flag(progress, 'progress')
        return_convergence_delta = as_flag(return_convergence_delta, 'return_convergence_delta')
        explanation = as_flag(explanation, 'explanation')
        explainer = self._explainer(method, T, X, kwargs, keep=True)
        return run(
            explainer,
            xs,
            ys,
            batch_size,
            feed_dict=feed_dict,
            progress=progress,
            return_convergence_delta=return_convergence_delta,
            target=target,
            explanation=explanation,
        )

    def get_explainer(self, method: Any, T: Tensor, X: Any, **kwargs: Any) -> Any:
        """Build the graph that explains T by X, once; ``run`` the result as often as you like.

        Parameters, errors: as in :meth:`explain`.

        Returns
        -------
        Explainer
            Its :meth:`~deepexplain.tensorflow.Explainer.run` works after the context too.
        """
        return self._explainer(method, T, X, kwargs, keep=False)

    def _explainer(self, method: Any, T: Tensor, X: Any, arguments: Dict[str, Any], keep: bool) -> Any:
        if not self.context_on:
            raise DeepExplainError('Explain can be called only within a DeepExplain context.')
        return self._explainers.get(method, T, X, arguments, keep)
