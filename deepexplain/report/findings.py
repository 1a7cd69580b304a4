"""What a report says, before it is a page: everything is computed here, and nothing is drawn."""

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np

from ..arguments import as_names, text_of
from ..errors import ArgumentError, DeepExplainError
from ..explanation import Explanation
from ..metrics import compare
from ..types import Array, ArrayLike

#: The methods of a report where nobody says which, and their arguments: a second each, and two of them add up.
DEFAULTS: Dict[str, Dict[str, Any]] = {
    'deeplift': {'rules': 'complete'},
    'intgrad': {'steps': 50, 'quadrature': 'riemann_middle'},
    'grad*input': {},
}
#: Not sensitivity_n: a minute a method for pictures of 64 x 64.
MEASURES = ['completeness', 'infidelity', 'deletion_insertion', 'max_sensitivity']
#: The most samples that metrics are computed of.
MOST_JUDGED = 5
#: How many of a model's outputs are listed for a sample.
MOST_OUTPUTS = 5


@dataclass(frozen=True)
class Sum:
    """What attributions of all samples add up to, next to what they should; ``promise``: that, in words.

    ``share`` is the sum of all ``|delta|`` as a share of the sum of all ``|what should be the sum|``.
    """

    promise: str
    delta: Array
    promised: Array

    @property
    def median(self) -> float:  # noqa: D102
        return float(np.median(np.abs(self.delta)))

    @property
    def largest(self) -> float:  # noqa: D102
        return float(np.abs(self.delta).max())

    @property
    def share(self) -> float:  # noqa: D102
        error, size = np.abs(self.delta).sum(), np.abs(self.promised).sum()
        return float(error / size) if size > 0 else float(np.inf if error > 0 else 0)


@dataclass(frozen=True)
class Explained:
    """What one method says of all samples.

    ``given`` are its arguments, but for defaults; ``sum`` is None where its attributions add up to nothing.
    """

    method: str
    given: Dict[str, Any]
    audit: Any
    explanation: Explanation
    sum: Optional[Sum]

    @property
    def treatments(self) -> List[Tuple[Any, int]]:
        """((type of op, treatment, exact), how many ops), those that break the sum first."""
        counts = Counter((row.type, row.treatment, row.exact) for row in self.audit.rows)
        return sorted(counts.items(), key=lambda one: (one[0][2] is not False, one[0]))


@dataclass(frozen=True)
class Findings:
    """Everything that a report says.

    Attributes
    ----------
    facts : list of (str, str)
        Of the model.
    target, given_target : str
        In words, and as it was given.
    names : list of str
        Of the samples.
    shown, judged : int
        How many samples are pictured, and how many the metrics are of.
    outputs : list of list of (str, int, list of (str, value))
        Of each sample that is shown: of each output of the model its name, how many values it has,
        and the largest of them with their names.
    samples : array or list of them
        Those that are shown.
    methods : list of Explained
    metrics : dict
        Name of a measure -> a number for each method.
    why : list of (str, str, str)
        Method, measure, and why there is no number.
    """

    facts: List[Tuple[str, str]]
    target: str
    given_target: str
    names: List[str]
    shown: int
    judged: int
    outputs: List[Any]
    samples: Any
    methods: List[Explained]
    metrics: Dict[str, List[float]]
    why: List[Tuple[str, str, str]]

    def label(self, sample: int) -> str:
        """What is explained of a sample, in words."""
        e = self.methods[0].explanation
        if e.ys is None:
            return self.target
        weights = e.ys[sample]
        if np.count_nonzero(weights) != 1 or weights.max() != 1:
            return 'a weighted sum of outputs'
        return name_of_output(weights.shape, int(weights.argmax()), e.class_names)


def findings_of(
    model: Any,
    xs: ArrayLike,
    methods: Dict[str, Dict[str, Any]],
    *,
    target: Any,
    T: Any,
    names: Any,
    data: Optional[str],
    shown: int,
    next_is: Callable[[str], None],
) -> Findings:
    """Compute all of it; ``next_is`` is told before each step what that is."""
    several = len(getattr(model, 'inputs', [0])) > 1
    n = _count(xs[0] if several and isinstance(xs, (list, tuple)) and len(xs) else xs)
    names = None if names is None else as_names(names, 'names', n, 'samples')
    # All of them first: a name that is wrong is said before anything takes time.
    explainers = {name: model.get_explainer(name, T, **arguments) for name, arguments in methods.items()}
    next_is('the outputs of the model')
    predicted, found = model.predict(xs), []
    for name, explainer in explainers.items():
        next_is(name)
        explanation, audit = explainer.run(xs, target=target, explanation=True), explainer.describe()
        found.append(Explained(name, methods[name], audit, explanation, _sum_of(explanation, audit.promise)))
    next_is('metrics')
    first = found[0].explanation
    judged = min(MOST_JUDGED, n)
    table = _judged(explainers, rows_of(xs, judged, several), None if first.ys is None else first.ys[:judged])
    named = names or first.sample_names or [f'sample {i}' for i in range(n)]
    tensors = [tensor.name for tensor in model.outputs]
    arrays = [np.asarray(one) for one in (predicted if isinstance(predicted, list) else [predicted])]
    return Findings(
        facts=_facts(model, first, found[0].audit, n, data),
        target=_in_words(target, first, next(iter(explainers.values())).T),
        given_target=text_of(target),
        names=named,
        shown=min(shown, n),
        judged=judged,
        outputs=[
            [
                (name, array[i].size, _largest(array[i], first.class_names))
                for name, array in zip(tensors, arrays)
                if array.ndim and len(array) == n
            ]
            for i in range(min(shown, n))
        ],
        samples=rows_of(xs, shown, several),
        methods=found,
        metrics=table[0],
        why=table[1],
    )


def _count(xs: Any) -> int:
    try:
        count = len(xs)
    except Exception:  # a number, None
        raise ArgumentError(f'xs must have samples along its first axis; got {text_of(xs)}.') from None
    if not count:
        raise ArgumentError('xs has no samples, so there is nothing to report.')
    return count


def _sum_of(e: Explanation, promise: Optional[str]) -> Optional[Sum]:
    if e.delta is None:
        return None
    values = e.values if e.several else [e.values]
    total = np.sum([one.reshape(len(e), -1).sum(axis=1, dtype=np.float64) for one in values], axis=0)
    # Occlusion has a delta, and promises nothing.
    return Sum(promise or 'T(x) - T(baseline), not promised', e.delta, total - e.delta)


def rows_of(xs: Any, count: int, several: bool) -> Any:
    """The first samples."""
    return [x[:count] for x in xs] if several else xs[:count]


def _judged(explainers: Dict[str, Any], xs: Any, ys: Optional[Array]) -> Any:
    """Measures by name; and where there is no number, why."""
    try:
        table = compare(explainers, xs, ys=ys, measures=MEASURES)
    except DeepExplainError as error:
        return {}, [('all', 'all', str(error))]
    why = table.attrs['why'] if hasattr(table, 'attrs') else table.why
    columns = table.columns if isinstance(table.columns, dict) else {name: table[name] for name in table.columns}
    found = {str(name): [float(value) for value in values] for name, values in columns.items()}
    return found, [(method, measure, reason) for (method, measure), reason in why.items()]


def name_of_output(shape: Tuple[int, ...], place: int, class_names: Optional[List[str]]) -> str:
    """The name of one output of a sample: its class, or its place."""
    if class_names is not None and len(class_names) == int(np.prod(shape)):
        return class_names[place]
    if int(np.prod(shape)) == 1:
        return 'the only output'
    index = np.unravel_index(place, shape)
    return f'output {", ".join(str(int(i)) for i in index)}'


def _largest(row: Array, class_names: Optional[List[str]]) -> List[Tuple[str, Any]]:
    """The largest values of one output of a sample, with their names."""
    flat = row.reshape(-1)
    order: Any = range(len(flat))
    if flat.dtype.kind in 'biuf':
        order = np.argsort(-np.where(np.isnan(flat), -np.inf, flat).astype(np.float64), kind='stable')
    return [(name_of_output(row.shape, int(i), class_names), flat[i]) for i in order[:MOST_OUTPUTS]]


def _in_words(target: Any, first: Explanation, T: Any) -> str:
    if first.ys is None:
        sides = T.shape.as_list()[1:] if T.shape.ndims else []
        return 'the only output' if all(side == 1 for side in sides) else 'the sum of all outputs of each sample'
    rows = first.ys.reshape(len(first), -1)
    if rows.shape[1] == 1:
        return 'the only output'
    if isinstance(target, str) and target == 'top' and 'top' not in (first.class_names or ()):
        return 'the largest output of each sample'
    if (rows == rows[0]).all() and np.count_nonzero(rows[0]) == 1:
        return name_of_output(first.ys.shape[1:], int(rows[0].argmax()), first.class_names)
    return 'an output that was chosen for each sample'


def _facts(model: Any, first: Explanation, audit: Any, n: int, data: Optional[str]) -> List[Tuple[str, str]]:
    source = getattr(model, 'source', None)
    found = [('Opened from', source or 'a model in memory')]
    if source and os.path.isfile(source):
        found.append(('Size of the file', f'{os.path.getsize(source) / 1e6:.3g} MB'))
    for what, tensors in [('Input', model.inputs), ('Output', model.outputs)]:
        found += [(what, f'{one.name}, {one.dtype.base_dtype.name}, shape {_shape(one)}') for one in tensors]
    found.append(('Explained tensor', first.target))
    if first.class_names:
        more = f' and {len(first.class_names) - 20} more' if len(first.class_names) > 20 else ''
        found.append(('Classes', ', '.join(first.class_names[:20]) + more))
    if first.baseline is not None:
        found.append(('Baseline', _range_of(first.baseline)))
    found.append(('Operations up to T', str(len(audit.rows))))
    found.append(('Samples', str(n) if not (data or '').strip() else f'{n}: {as_names([data], "data")[0]}'))
    return found


def _range_of(baseline: Any) -> str:
    arrays = [np.asarray(one) for one in (baseline if isinstance(baseline, list) else [baseline])]
    low, high = min(one.min() for one in arrays), max(one.max() for one in arrays)
    return f'{low:.4g} everywhere' if low == high else f'values from {low:.4g} to {high:.4g}'


def _shape(tensor: Any) -> str:
    if tensor.shape.ndims is None:
        return 'unknown'
    return ' x '.join('any' if side is None else str(side) for side in tensor.shape.as_list()) or 'of one number'
