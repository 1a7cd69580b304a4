"""The class of a result that knows itself."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from ..arguments import as_count, as_integer, text_of
from ..errors import ArgumentError, ArgumentTypeError
from ..types import Array
from .files import read, write
from .page import html_of
from .tables import frame_of, names_of_values


class Top(NamedTuple):
    """One value of a sample: its name, its attribution, and the value itself (None where shapes differ)."""

    name: str
    attribution: float
    value: Optional[float]


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Attributions of samples, and what there is to know of them.

    ``len(e)`` is the number of samples, ``e[3]``, ``e[10:20]``, ``e[mask]`` and ``e[[1, 4]]`` are explanations of some
    of them, and ``np.asarray(e)`` is ``e.values``. Where ``X`` is a list, values, data and baseline are lists, too, and
    ``e.of_input(0)`` is the explanation by one of the inputs. With ``ys='each'`` the outputs come first in values,
    outputs, delta and base_value, and ``e.of_output(2)`` is that of one of them.

    Attributes
    ----------
    values : ndarray, shape (samples, ...), or a list of them
        The attributions: what ``run`` returns without ``explanation=True``.
    data : ndarray or list of them, or None
        The samples; those of the layer, where one is explained.
    outputs : float64 ndarray, shape (samples,), or None
        What is explained, T of each sample, weighted by ys. None where T has no row for each sample.
    base_value : float64 ndarray, shape (samples,), or None
        The same at the baseline (the mean over a set of them); None where the method has none.
    baseline : ndarray or list of them, or None
        What samples are compared with; see ``baseline_kind``.
    baseline_kind : str or None
        'one': baseline has the shape of one sample. 'each': it has a row for each sample. 'set': a row for each
        baseline of a set, which all samples share. 'sets': shape (samples, k, ...), a set for each sample.
    delta : float64 ndarray, shape (samples,), or None
        The sum of each sample's attributions minus what the method promises; None where it promises nothing.
    ys : ndarray, shape (samples,) + that of one sample's T, or None
        Weights of the outputs, where any were chosen, by ys or by target.
    each : bool
        Whether every output is explained by itself.
    input_names : list of str
        Of the tensors that are explained.
    feature_names : list, with a list of str or None for each input
        The columns of tables that were given as samples.
    class_names, sample_names : list of str, or None
        Of the outputs; of the samples, as in the index of a table.
    target : str
        The name of T.
    method : str
    arguments : dict
        Of the method: numbers, words and lists; of anything else, what it looked like.
    quantity : str or None
        'contribution': values are in the units of T, as parts of it. 'sensitivity': for each unit of the data. None:
        neither of these.
    standard_error : ndarray or None
        Of the values, where the method returns it.
    versions : dict
        Of this library, TensorFlow, NumPy and Python.

    Examples
    --------
    >>> import numpy as np
    >>> from deepexplain.explanation import Explanation
    >>> e = Explanation(np.array([[1.0, -4.0], [2.0, 0.5]]), np.ones((2, 2)), feature_names=[['age', 'fare']])
    >>> e.top(1)
    [[Top(name='fare', attribution=-4.0, value=1.0)], [Top(name='age', attribution=2.0, value=1.0)]]
    >>> e[1].values.tolist()
    [[2.0, 0.5]]
    """

    values: Any
    data: Any = None
    outputs: Optional[Array] = None
    base_value: Optional[Array] = None
    baseline: Any = None
    baseline_kind: Optional[str] = None
    delta: Optional[Array] = None
    ys: Optional[Array] = None
    each: bool = False
    input_names: List[str] = field(default_factory=list)
    feature_names: List[Optional[List[str]]] = field(default_factory=list)
    class_names: Optional[List[str]] = None
    sample_names: Optional[List[str]] = None
    target: str = ''
    method: str = ''
    arguments: Dict[str, Any] = field(default_factory=dict)
    quantity: Optional[str] = None
    standard_error: Optional[Array] = None
    versions: Dict[str, str] = field(default_factory=dict)

    @property
    def several(self) -> bool:
        """Whether there are several inputs: values, data and baseline are lists."""
        return isinstance(self.values, list)

    def __len__(self) -> int:
        first = self.values[0] if self.several else self.values
        return int(first.shape[1 if self.each else 0])

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Array:
        if self.several:
            raise ArgumentTypeError(
                f'This explanation has {len(self.values)} inputs, so it is no array: take .of_input(i), or .values.'
            )
        array = np.asarray(self.values, dtype)
        return array.copy() if copy else array

    def __getitem__(self, index: Any) -> 'Explanation':
        """The explanation of some samples: an int, a slice, a list or array of ints, or of a bool for each sample."""
        which = _samples_at(index, len(self))
        changed = {name: _taken(getattr(self, name), which, int(self.each)) for name in OF_SAMPLES}
        changed.update({name: _taken(getattr(self, name), which, 0) for name in ('data', 'ys')})
        if self.baseline_kind in ('each', 'sets'):
            changed['baseline'] = _taken(self.baseline, which, 0)
        if self.sample_names is not None:
            changed['sample_names'] = [self.sample_names[i] for i in which]
        return replace(self, **changed)

    def of_output(self, output: int) -> 'Explanation':
        """The explanation of one output, where each is explained by itself (``ys='each'``)."""
        if not self.each:
            raise ArgumentError("This explanation is of one target for each sample; ys='each' explains every output.")
        count = len(self.values[0] if self.several else self.values)
        place = _place(output, count, 'outputs')
        changed = {name: _taken(getattr(self, name), [place], 0, drop=True) for name in OF_SAMPLES}
        return replace(self, each=False, **changed)

    def of_input(self, place: int) -> 'Explanation':
        """The explanation by one input, where there are several; what is of all of them is left as it is."""
        if not self.several:
            raise ArgumentError('This explanation has one input.')
        place = _place(place, len(self.values), 'inputs')
        changed = {name: getattr(self, name) for name in ('values', 'data', 'baseline')}
        changed = {name: None if value is None else value[place] for name, value in changed.items()}
        names = {name: getattr(self, name)[place : place + 1] for name in ('input_names', 'feature_names')}
        return replace(self, delta=None, **changed, **names)

    def top(self, n: int = 10) -> List[List[Top]]:
        """The values of largest attribution, whatever their sign: for each sample a list of ``Top``."""
        n, one = as_count(n, 'n'), self._of_one_output('top')
        values, names = _flat(one.values), names_of_values(one)
        shapes = [[part.shape for part in _as_list(of)] for of in (one.values, one.data) if of is not None]
        data = _flat(one.data) if shapes[-1:] == shapes[:-1] else None
        found = []
        for i, row in enumerate(values):
            order = np.argsort(-np.where(np.isnan(row), -1, np.abs(row)), kind='stable')[:n]
            found.append([Top(names[j], float(row[j]), None if data is None else float(data[i, j])) for j in order])
        return found

    def to_frame(self) -> Any:
        """A DataFrame with a row for each sample and a column for each value; needs pandas."""
        return frame_of(self)

    def save(self, path: Any) -> None:
        """Write everything to a file: ``.npz``, ``.h5`` (h5py), ``.parquet`` (pyarrow) or ``.zarr`` (zarr)."""
        write(path, {one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def load(cls, path: Any) -> 'Explanation':
        """Read what :meth:`save` wrote. Nothing in a file is run: no pickle.

        Raises
        ------
        ArgumentError
            It is no such file, or damaged.
        """
        found = read(path)
        known = {one.name for one in fields(cls)}
        try:
            made = cls(**{name: value for name, value in found.items() if name in known})
            len(made)
        except Exception as error:  # whatever a damaged file makes of it
            raise ArgumentError(f"'{path}' holds no explanation: {error}") from None
        return made

    def plot(self, **options: Any) -> Any:
        """Draw the picture that goes with the data; see :func:`deepexplain.plotting.picture_of`. Needs matplotlib."""
        from ..plotting import picture_of

        return picture_of(self, **options)

    def __repr__(self) -> str:
        shapes = ', '.join(str(one.shape) for one in _as_list(self.values))
        target = f" of '{self.target}'" if self.target else ''
        return f"Explanation by '{self.method}'{target}: {len(self)} samples, values of shape {shapes}"

    def _repr_html_(self) -> str:
        return html_of(self)

    def _of_one_output(self, what: str) -> 'Explanation':
        if self.each:
            raise ArgumentError(f'{what} is of one output: take .of_output(i) first.')
        return self


#: What has the samples along the axis after that of the outputs, where these come first.
OF_SAMPLES = ('values', 'outputs', 'base_value', 'delta', 'standard_error')


def _as_list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]


def _flat(value: Any) -> Array:
    rows = [one.reshape(len(one), -1) for one in _as_list(value)]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def _taken(value: Any, which: Any, axis: int, drop: bool = False) -> Any:
    if isinstance(value, list):
        return [_taken(one, which, axis, drop) for one in value]
    if value is None:
        return None
    found = np.take(value, which, axis=axis)
    return found[0] if drop else found


def _place(value: Any, count: int, of: str) -> int:
    place = as_integer(value, 'The number')
    if not 0 <= place < count:
        raise ArgumentError(f'There are {count} {of}, from 0 to {count - 1}; got {place}.')
    return place


def _samples_at(index: Any, count: int) -> List[int]:
    """The places of the samples that an index means."""
    if isinstance(index, slice):
        return list(range(count))[index]
    try:
        which = np.asarray(index)
        if which.dtype.kind == 'b' and which.shape == (count,):
            return [int(i) for i in np.flatnonzero(which)]
        if which.shape == (0,):
            return []
        if which.dtype.kind not in 'iu' or which.ndim > 1:
            raise TypeError
        found: List[int] = np.arange(count)[np.atleast_1d(which)].tolist()
        return found
    except IndexError:
        raise IndexError(f'There are {count} samples; got {text_of(index)}.') from None
    except Exception:
        raise ArgumentTypeError(
            f'Samples are chosen by an int, a slice, a list of ints, or a bool for each; got {text_of(index)}.'
        ) from None
