"""What every attribution method shares: how it is registered, what it is built from, what run() accepts."""

import copy
import inspect
from collections import OrderedDict
from typing import Optional, Tuple, Union

import numpy as np

from ...arguments import as_count, as_flag
from ...errors import ArgumentError, ArgumentTypeError, DeepExplainError, GraphError
from ..compat import tf
from ..runtime.graph import (
    check_reaches,
    data_sources,
    is_simple,
    ops_between,
    row_bytes,
    steps_of,
    tensor_named,
)
from ..runtime.memory import bounded_rows
from ..runtime.overrides import graph_lock
from ..runtime.samples import InputSpec, as_inputs, as_weights
from ..runtime.session import Call, Feeds, Runner
from ..runtime.weights import weights_of
from .audit import Audit, Row
from .questions import AsksNetwork
from .tensors import check_tensors, first_dimension, fixed_rows

#: Method name -> (class, position), in the order in which the methods are defined.
attribution_methods: 'OrderedDict[str, Tuple[type, int]]' = OrderedDict()


def register(name):
    """Class decorator: make a method available to ``explain`` and ``get_explainer`` under this name."""

    def add(cls):
        cls.name = name
        attribution_methods[name] = (cls, len(attribution_methods))
        return cls

    return add


class AttributionMethod(AsksNetwork):
    """One method, for one target and one input (or list of inputs), in one session: an explainer.

    Subclasses say what they compute. The arguments of a method are those of its ``configure``.

    Parameters
    ----------
    T : tf.Tensor or its name, any float dtype, shape (samples, ...) or ()
        The target. Several outputs of a sample are explained as their sum, weighted by ``ys``.
    X : tf.Tensor or its name, or list or tuple of them, any float dtype, shape (samples, ...)
        What attributions are given to: any tensor of the graph that T is computed from.
    session : tf.compat.v1.Session
        Holds the weights; its graph is that of T and X.
    keras_learning_phase : tf.Tensor, optional
        Fed 0. Keras' own placeholder is found without it.
    *args, **arguments
        Those of ``configure``; and ``strict`` (bool, default False): raise a GraphError, instead of a warning, where
        the sum that the method promises does not hold.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        T, X or an argument is not usable; the message says what came.
    GraphError
        An X does not reach T.
    """

    name = None
    takes_several_inputs = True
    takes_integers = False  # X of an integer type, such as token ids
    #: Whether the graph of an explainer depends on its arguments, or the names of those that it depends on. Not
    #: inherited: a class that feeds them says so.
    arguments_in_graph: Union[bool, Tuple[str, ...]] = True
    #: What a sample's attributions add up to where the graph allows it, None where nothing is promised.
    promise: Optional[str] = None
    strict = False
    _at_breaks = ''

    def __init__(self, T, X, session, keras_learning_phase=None, *args, **arguments):
        self.session = session
        self.keras_learning_phase = keras_learning_phase
        self.has_multiple_inputs = isinstance(X, (list, tuple))
        if self.has_multiple_inputs and not self.takes_several_inputs:
            raise DeepExplainError(f"Multiple inputs not yet supported for perturbation methods ('{self.name}').")
        T = self._target = tensor_named(session.graph, T, 'T')
        self._inputs = [tensor_named(session.graph, x, 'X') for x in (X if self.has_multiple_inputs else [X])]
        self.X = list(self._inputs) if self.has_multiple_inputs else self._inputs[0]
        check_tensors(T, self._inputs, session.graph, self.takes_integers)
        self._specs = [
            InputSpec(x.name, x.dtype.as_numpy_dtype, None if x.shape.ndims is None else tuple(x.shape.as_list()))
            for x in self._inputs
        ]
        self._fixed_rows = fixed_rows(T, self._inputs)
        self._inputs_fix_rows = any(first_dimension(x) is not None for x in self._inputs)
        self._answers = {}  # what was found out about the graph, kept for further runs
        self._set_arguments(args, arguments)
        if session.graph.finalized:
            raise GraphError('The graph is finalized, so no explainer can be added to it: get_explainer before that.')
        with graph_lock(session.graph):
            self._between = ops_between(T, self._inputs)
            self._runner = Runner(session, one_thread=is_simple(self._between))
            for x in self._inputs:
                check_reaches(T, x, self._between if not self.has_multiple_inputs else ops_between(T, [x]))
            self._check_graph()
            with session.graph.as_default(), self._building(), tf.name_scope('deepexplain'):
                self._explained = self._clone()
                self._weight_target()
                self._build_scores()
                self._build()

    def configure(self):
        """Check and keep the arguments of the method. Adds nothing to the graph."""

    def with_arguments(self, **arguments):
        """Return this explainer with other arguments. Both share the graph; nothing is added to it."""
        other = copy.copy(self)
        other._set_arguments((), arguments)
        in_graph = type(self).arguments_in_graph
        for name in [] if isinstance(in_graph, bool) else in_graph:
            if getattr(other, name) != getattr(self, name):
                raise ArgumentError(
                    f'The graph of this explainer was built for {name}={getattr(self, name)!r}, not for '
                    f'{getattr(other, name)!r} (which is the default where {name} is not given): pass the same, or '
                    'get_explainer again.'
                )
        if other.strict and not self.strict:
            other._check_promise()
        return other

    def describe(self):
        """List every op between X and T with the treatment it gets, and whether the promised sum holds through it.

        Returns
        -------
        :class:`~deepexplain.tensorflow.methods.audit.Audit`
            Prints as a table; ``.rows`` are ``(op, type, treatment, exact)``, ``.breaks`` those where it does not hold.
        """
        rows = [Row(step.op.name, step.op.type, *self._treatment(step)) for step in self._steps]
        return Audit(self.name, self.promise, rows)

    def run(self, xs, ys=None, batch_size=None, feed_dict=None, progress=False, return_convergence_delta=False):
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
            ``promise``), weighted by ys: shape (samples,), in double precision; with ``ys='each'`` (outputs, samples).

        Returns
        -------
        ndarray of xs' shape and X's dtype, or a list of them where X is a list
            With ``ys='each'`` the outputs come first: shape (outputs, samples, ...). Where a sample's T has
            several axes, its outputs are counted as in ``T.reshape(samples, -1)``.

        Raises
        ------
        ArgumentError, ArgumentTypeError
            An argument does not fit; the message gives both shapes. Also for nan in xs, and for a
            placeholder without a value.
        """
        raise NotImplementedError

    def weights(self):
        """The weights between X and T, nearest to T first; see :func:`~..runtime.weights.weights_of`."""
        return weights_of(self._explained, self._inputs, self._between, self.session)

    def outputs(self, xs, ys=None, batch_size=None, feed_dict=None):
        """What attributions are of: T of each sample, weighted by ys and summed over its outputs.

        Parameters, errors: as in :meth:`run`.

        Returns
        -------
        float64 ndarray, shape (samples,); with ``ys='each'`` (outputs, samples)
        """
        self._check_rows_of_target('outputs()')
        batch_size = self._check_batch_size(batch_size)
        call = self._call(xs, ys, feed_dict)
        rows, _ = self._rows(call, batch_size)
        return self._scores(call, rows)

    def leaks(self, xs, ys=None, feed_dict=None):
        """At which op how much of the convergence delta arises: for ``deeplift`` and ``elrp``.

        Raises
        ------
        ArgumentError
            The attributions of this method are no chain of rules that each keep a sum.
        """
        raise ArgumentError(
            f"'{self.name}' has no leaks: its attributions are no chain of rules that each keep a sum. The methods "
            "that have them are 'deeplift' and 'elrp'."
        )

    # What follows is for the methods themselves.

    def _check_graph(self):
        """Raise or warn where the method cannot treat what lies between X and T. Adds nothing to the graph."""

    def _building(self):
        """Return a context in which to add to the graph."""
        return tf.control_dependencies(None)  # that also leaves a while loop or cond that the caller may be in

    def _clone(self):
        """Return the target, or a copy of it that the method can treat; and keep the steps that lead to it."""
        self._steps = steps_of(self._between, self._inputs)
        return self._target

    def _treatment(self, step):
        """What the method does at a step: words, and whether the promised sum holds through it (None: no sum)."""
        raise NotImplementedError

    def _advice(self, audit):
        """What mends a broken promise, in a sentence."""
        return "'shapley_sampling' keeps it for every network."

    def _check_promise(self):
        """Warn of ops through which the promised sum does not hold, or raise where ``strict`` was asked for."""
        audit = self.describe()
        audit.say(self._at_breaks, self._advice(audit), self.strict)

    def _build(self):
        """Add to the graph what the method needs."""

    def _fetches(self, call):
        """Tensors that a session run of this call evaluates."""
        raise NotImplementedError

    def _own_placeholders(self):
        """What the method itself feeds besides xs and ys."""
        return []

    def _weight_target(self):
        """Add the placeholder of ys, and the target weighted by it."""
        # Without a feed the weight is one, whatever the rank and the open dimensions of T.
        one = np.ones((), self._target.dtype.as_numpy_dtype)
        self.Y = tf.placeholder_with_default(one, shape=None, name='ys')
        self.T = self._explained * self.Y
        self.T.set_shape(self._target.shape)

    def _build_scores(self):
        """Add to the graph each sample's outputs, weighted by ys: their sum, and each by itself."""
        # In double precision: what is made of these are small differences.
        outputs = tf.cast(self._target * self.Y, tf.float64)
        self._each = tf.reshape(outputs, tf.concat([tf.shape(outputs)[:1], [-1]], axis=0))
        self._sum = tf.reduce_sum(self._each, axis=-1)

    def _scores(self, call, most_rows, rows=None):
        """Outputs of the samples, or of other rows in their place: shape (samples,), or (outputs, samples)."""
        found = []
        for part in call.parts(most_rows):
            some = call.samples(part) if rows is None else [r[part] for r in rows]
            found.append(self._score(call, np.arange(part.start, part.stop), some))
        return np.moveaxis(np.concatenate(found), -1, 0) if call.outputs is not None else np.concatenate(found)

    def _score(self, call, of, rows):
        """The outputs that one session run gives: shape (rows,), or (rows, outputs)."""
        (value,) = call.run([self._sum if call.outputs is None else self._each], of, rows)
        if value.shape[:1] != (len(rows[0]),):
            raise ArgumentError(
                f"'{self.name}' needs one row of T for each sample, but T '{self._target.name}' has "
                f'{len(value) if value.ndim else "no"} rows for {len(rows[0])} samples.'
            )
        return value

    def _check_rows_of_target(self, what):
        if self._target.shape.ndims == 0:
            raise ArgumentError(
                f"{what} needs one value of T for each sample, but T '{self._target.name}' is a scalar, in "
                'which rows cannot be told apart. Leave out the reduction over the samples.'
            )

    def _check_delta(self, call):
        """Raise unless there is a sum that attributions can be compared with."""
        reason = self._delta_refusal(call)
        if reason is not None:
            raise ArgumentError(f"'{self.name}' has no convergence delta: {reason}")
        self._check_rows_of_target('return_convergence_delta')

    def _delta_refusal(self, call):
        """Why the sum of attributions cannot be compared with anything, in a sentence; None where it can."""
        if self.promise is None:
            return "it promises no sum. 'intgrad', 'deeplift', 'elrp', 'occlusion' and 'shapley_sampling' have one."
        return None

    def _promised(self, call, most_rows):
        """What the attributions of each sample should add up to: shape (samples,), or (outputs, samples)."""
        raise NotImplementedError

    def _evaluate(self, call, of, rows=None):
        """The attributions (or outputs) that one session run gives: a list of arrays with a row for each row."""
        return call.run(self._fetches(call), of, rows, self._extra(call, of))

    def _extra(self, call, of):
        """What the method feeds itself, in a run on these samples: (tensor, value) pairs."""
        return []

    def _set_arguments(self, args, arguments):
        known = list(inspect.signature(self.configure).parameters)
        if 'strict' not in known:
            arguments = dict(arguments)
            self.strict = as_flag(arguments.pop('strict', False), 'strict')
        unknown = sorted(set(arguments) - set(known))
        if unknown or len(args) > len(known):
            came = f'the argument {", ".join(map(repr, unknown))}' if unknown else f'{len(args)} positional arguments'
            raise ArgumentTypeError(f"'{self.name}' does not know {came}; it takes {', '.join([*known, 'strict'])}.")
        self.configure(*args, **arguments)

    def _call(self, xs, ys, feed_dict):
        """Check the arguments of run()."""
        arrays = as_inputs(xs, self._specs, self.has_multiple_inputs)
        n = arrays[0].shape[0]
        if not isinstance(feed_dict, (dict, type(None))):
            raise ArgumentTypeError(f'feed_dict must be a dict of tensors or names to values; got {feed_dict!r}.')
        given = dict(feed_dict or {})
        if self.keras_learning_phase is not None:
            given.setdefault(self.keras_learning_phase.name, 0)
        feeds = Feeds(self.session.graph, given, n, not_theirs=self._inputs + [self.Y], fixed_rows=self._fixed_rows)
        call = Call(self._runner, self._inputs, arrays, feeds, self._fixed_rows)
        feeds.complete(self._data_sources(call))
        if isinstance(ys, str):
            if ys != 'each':
                raise ArgumentError(f"ys must be an array of weights, or 'each'; got {ys!r}.")
            call.row_shape = self._row_shape(call)
            call.outputs = int(np.prod(call.row_shape or ()))
        elif ys is not None:
            weights, per_row = as_weights(ys, n, self._row_shape(call), self.Y.dtype.as_numpy_dtype)
            call.weights = [(self.Y, weights, per_row)]
        return call

    def _data_sources(self, call):
        """What a run reads besides what is fed."""
        fed = call.feeds.tensors
        own = self._inputs + [self.Y] + self._own_placeholders()
        key = ('sources',) + tuple(tensor.name for tensor in fed)
        return self._once(key, lambda: data_sources(self._fetches(call), own + fed))

    def _bounded_rows(self, call, backward=False):
        """How many rows a session run holds where nobody says."""
        shapes = call.sample_shapes
        size = self._once(('row bytes', shapes), lambda: row_bytes(self._between, self._inputs, shapes))
        return bounded_rows(size, backward)

    def _row_shape(self, call):
        """Shape of one sample's T, None where T is a scalar; asks the session where the graph leaves it open."""
        shape = self._target.shape
        if shape.ndims is None or None in shape.as_list()[1:]:
            first = call.probe([0])
            return first.run([self._target], slice(0, 1))[0].shape[1:]
        return tuple(shape.as_list()[1:]) if shape.ndims else None

    def _check_batch_size(self, batch_size):
        """``batch_size`` as an integer or None, and not another than that of the graph where it fixes one."""
        if batch_size is None:
            return None
        batch_size = as_count(batch_size, 'batch_size')
        if self._fixed_rows not in (None, batch_size):
            raise ArgumentError(
                'When using batch evaluation, the first dimension of the input and target tensors must be '
                f'compatible with the batch size. Found {self._fixed_rows} in the graph and batch_size={batch_size}.'
            )
        return batch_size
