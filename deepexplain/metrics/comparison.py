"""Several explainers, judged by several metrics: a table."""

import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from ..arguments import is_list, one_of, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array, ArrayLike, Baseline
from .completeness import completeness
from .deletion_insertion import deletion_insertion
from .infidelity import infidelity
from .max_sensitivity import max_sensitivity
from .network import is_explainer, weights_of
from .sensitivity_n import sensitivity_n

#: What is measured, in the order of the columns, and the columns of each.
MEASURES = {
    'completeness': ['completeness'],
    'infidelity': ['infidelity'],
    'sensitivity_n': ['sensitivity_n'],
    'deletion_insertion': ['deletion', 'insertion'],
    'max_sensitivity': ['max_sensitivity'],
}


class Comparison(NamedTuple):
    """What :func:`compare` returns where there is no pandas. Printed, it is a table.

    Attributes
    ----------
    names : list of str
        Of the explainers.
    columns : dict
        Name of a measure -> a number for each explainer.
    why : dict
        (explainer, measure) -> why there is no number, in a sentence.
    """

    names: List[str]
    columns: Dict[str, Array]
    why: Dict[Any, str]

    def __str__(self) -> str:
        width = max(len(name) for name in [*self.names, ''])
        lines = [' ' * width + ''.join(f'  {name:>{max(9, len(name))}}' for name in self.columns)]
        for i, name in enumerate(self.names):
            cells = (f'  {values[i]:>{max(9, len(column))}.4g}' for column, values in self.columns.items())
            lines.append(f'{name:<{width}}' + ''.join(cells))
        return '\n'.join(lines)


def compare(
    explainers: Any,
    xs: ArrayLike,
    *,
    ys: ArrayLike = None,
    target: Any = None,
    measures: Optional[Sequence[str]] = None,
    baseline: Baseline = 0,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
    seed: Optional[int] = 0,
) -> Any:
    """Judge several explainers by several metrics, each a mean over the samples.

    Parameters
    ----------
    explainers : dict of name to explainer, or list of explainers
        What ``get_explainer`` returns; in a list, they are called by their methods.
    xs : array-like, shape (samples, ...)
    ys : array-like, optional
        Weights of the outputs, as in ``run``.
    target : optional
        As in ``run``, in place of ys. It stays what it is for these samples, however they are changed.
    measures : list of str, optional
        Of 'completeness', 'infidelity', 'sensitivity_n', 'deletion_insertion', 'max_sensitivity'. Default: all.
    baseline : number, array-like or function, default 0
        Of the metrics that take values away; completeness is by each explainer's own.
    batch_size, feed_dict : optional
        As in ``run``.
    seed : int, default 0

    Returns
    -------
    pandas DataFrame, or :class:`Comparison` where there is no pandas
        A row for each explainer. 'completeness': the mean of ``|delta| / |what should be the sum|``. 'infidelity':
        normalized, as a share of what the output changes (its mean square): 0 is right, and 1 as good as saying
        nothing. 'sensitivity_n': the mean correlation. 'deletion', 'insertion': areas. 'max_sensitivity'. 'seconds':
        of one run of all samples. nan where a metric does not apply; ``.attrs['why']`` (of a Comparison ``.why``) says
        why.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit.

    Examples
    --------
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain import metrics
    >>> from deepexplain.tensorflow import open_model
    >>> w = [[1.0, 0.0], [-2.0, 1.0], [0.5, 1.0]]
    >>> m = open_model(lambda x: tf.nn.relu(tf.matmul(x, w)), inputs=[tf.TensorSpec([None, 3], tf.float32)])
    >>> methods = [m.get_explainer(method) for method in ['intgrad', 'saliency']]
    >>> table = metrics.compare(methods, [[3.0, 1.0, 2.0]], target=0, measures=['completeness', 'infidelity'])
    >>> [round(value, 2) + 0 for value in table['infidelity']]
    [0.0, 0.78]
    >>> m.close()
    """
    named = _named(explainers)
    wanted = list(MEASURES) if measures is None else [one_of(one, 'Each of measures', MEASURES) for one in measures]
    options = {'batch_size': batch_size, 'feed_dict': feed_dict}
    columns: Dict[str, List[float]] = {column: [] for one in wanted for column in MEASURES[one]}
    columns['seconds'], why = [], {}
    for name, explainer in named.items():
        weights = weights_of(explainer, xs, ys, target, feed_dict)
        begin = time.perf_counter()
        given = {key: value for key, value in {'ys': weights, **options}.items() if value is not None}
        explainer.run(xs, **given)
        columns['seconds'].append(time.perf_counter() - begin)
        judged = {'ys': weights, **options}
        for one in wanted:
            try:
                found = _MEASURED[one](explainer, xs, judged, {'baseline': baseline}, {'seed': seed})
            except ArgumentError as error:
                found = [np.nan] * len(MEASURES[one])
                why[name, one] = str(error)
            for column, value in zip(MEASURES[one], found):
                columns[column].append(value)
    arrays = {column: np.array(values, np.float64) for column, values in columns.items()}
    try:
        import pandas
    except ImportError:
        return Comparison(list(named), arrays, why)
    frame = pandas.DataFrame(arrays, index=pandas.Index(list(named), name='explainer'))
    frame.attrs['why'] = why
    return frame


def _named(explainers: Any) -> Dict[str, Any]:
    if isinstance(explainers, Mapping):
        named = {str(name): explainer for name, explainer in explainers.items()}
    elif is_list(explainers):
        named = {}
        for explainer in explainers:
            name = str(getattr(explainer, 'name', type(explainer).__name__))
            count = sum(known.split(' #')[0] == name for known in named)
            named[f'{name} #{count + 1}' if count else name] = explainer
    else:
        raise ArgumentTypeError(f'explainers must be a list or a dict of explainers; got {text_of(explainers)}.')
    for name, explainer in named.items():
        if not is_explainer(explainer):
            raise ArgumentTypeError(f'explainers must be what get_explainer returns; {name} is {text_of(explainer)}.')
    if not named:
        raise ArgumentError('explainers is empty.')
    return named


def _mean(values: Array) -> float:
    return float(np.mean(values))


def _infidelity(explainer: Any, xs: ArrayLike, options: Any, baseline: Any, seed: Any) -> List[float]:
    """The normalized error, as a share of that of attributions that are all 0, by the same changes."""
    several = isinstance(xs, (list, tuple)) and getattr(explainer, 'has_multiple_inputs', False)
    nothing = [np.zeros(np.shape(x)) for x in xs] if several else np.zeros(np.shape(xs))
    found = infidelity(explainer, xs, normalize=True, **options, **baseline, **seed)
    multiply = getattr(explainer, 'quantity', 'contribution') == 'contribution'
    most = infidelity(explainer, xs, nothing, multiply_by_inputs=multiply, **options, **baseline, **seed)
    return [_mean(np.divide(found, most, out=np.zeros_like(found), where=most > 0))]


def _sensitivity(explainer: Any, xs: ArrayLike, options: Any, baseline: Any, seed: Any) -> List[float]:
    found = sensitivity_n(explainer, xs, **options, **baseline, **seed).correlation
    return [float(np.nanmean(found)) if np.isfinite(found).any() else np.nan]


def _deletion(explainer: Any, xs: ArrayLike, options: Any, baseline: Any, seed: Any) -> List[float]:
    found = deletion_insertion(explainer, xs, **options, **baseline)
    return [_mean(found.deletion_area), _mean(found.insertion_area)]


#: Measure -> a function of an explainer, samples and options: a number for each of its columns.
_MEASURED: Dict[str, Callable[..., List[float]]] = {
    'completeness': lambda explainer, xs, options, *_: [_mean(completeness(explainer, xs, **options).relative)],
    'infidelity': _infidelity,
    'sensitivity_n': _sensitivity,
    'deletion_insertion': _deletion,
    'max_sensitivity': lambda explainer, xs, options, baseline, seed: [
        _mean(max_sensitivity(explainer, xs, **options, **seed))
    ],
}
