"""What one process of many does: it opens a recipe once, and explains batches of columns. NumPy only."""

from contextlib import ExitStack
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from ..arguments import as_array, as_count, as_mapping, has, rows_that_fit, text_of
from ..errors import ArgumentError, ArgumentTypeError, DeepExplainError
from ..types import Array

#: What columns may be for.
ROLES = ('xs', 'ys', 'baseline', 'feeds', 'id')
#: The most ids in a message.
MOST_IDS = 5


class Worker:
    """Explains batches of columns, as engines like Ray Data, Spark and Beam hand them out: ``worker(batch)``.

    It can be pickled. The model is opened in the process that first calls it, once.

    Parameters
    ----------
    recipe : Recipe
    columns : dict
        What is in which column of a batch. Columns are arrays with the rows first, or arrays of objects that hold the
        rows; a row that is flat is brought into the shape that the network has.

        - 'xs': the samples; a list of columns where X is a list.
        - 'ys': the weights of the outputs; or an array, for all samples alike.
        - 'baseline': a baseline for each sample; a list of columns where X is a list.
        - 'feeds': a dict, name of a placeholder -> column, or an array for all samples alike.
        - 'id': what rows are called. It is handed on under its name, and errors name it.
    threads : int, optional
        In how many threads the session computes; see :meth:`~deepexplain.tensorflow.Recipe.open`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``columns`` has no 'xs', or something else; or ``recipe`` is none.

    Examples
    --------
    >>> from deepexplain.distributed import Worker
    >>> from deepexplain.tensorflow import Recipe
    >>> worker = Worker(Recipe('/models/mnist.keras', 'saliency'), columns={'xs': 'pixels', 'id': 'file'})
    >>> worker({'pixels': [[0.5, 1.0]], 'file': ['a.png']})  # doctest: +SKIP
    {'file': array(['a.png']), 'attributions': array([[1.5, 0.5]], dtype=float32), 'error': array([None], dtype=object)}
    """

    def __init__(self, recipe: Any, columns: Mapping[str, Any], threads: Optional[int] = None) -> None:
        if isinstance(recipe, type) or not (has(recipe, 'open') and has(recipe, 'fingerprint')):
            raise ArgumentTypeError(f'recipe must be a deepexplain.tensorflow.Recipe; got {text_of(recipe)}.')
        self.recipe, self.columns = recipe, dict(as_mapping(columns, 'columns'))
        self.threads = None if threads is None else as_count(threads, 'threads')
        if 'xs' not in self.columns or not set(self.columns) <= set(ROLES):
            raise ArgumentError(
                f"columns must have 'xs', and may have {', '.join(map(repr, ROLES[1:]))}; got {text_of(self.columns)}."
            )
        if isinstance(self.columns.get('ys'), str) and self.columns['ys'] == 'each':
            raise ArgumentError("ys='each' gives several attributions for each sample: explain one output at a time.")
        feeds = self.columns.get('feeds')
        self.columns['feeds'] = {} if feeds is None else dict(as_mapping(feeds, "columns['feeds']"))
        self._opened, self._is_checked = ExitStack(), False
        self._explainer: Any = None

    def __reduce__(self) -> Any:
        return Worker, (self.recipe, self.columns, self.threads)

    def close(self) -> None:
        """Close the session, if there is one. The next batch opens the model again."""
        self._explainer, self._is_checked = None, False
        self._opened.close()

    def __call__(self, batch: Mapping[str, Any]) -> Dict[str, Array]:
        """Explain the rows of a batch.

        Parameters
        ----------
        batch : dict of array-likes
            Columns, all with as many rows.

        Returns
        -------
        dict of ndarray
            - The column of the ids.
            - 'attributions', shape (rows, values): what ``explainer.run`` returns, each row flat, in C order. Where X
              is a list, 'attributions_' and the name of the column, for each. nan where there is an error.
            - 'error', objects: why a row cannot be explained, None where it is. Others get the same numbers as ever.

        Raises
        ------
        DeepExplainError
            A column is missing or does not fit the network, or the run failed. The message has ids of the batch.
        """
        if self._explainer is None:
            self._explainer = self._opened.enter_context(self.recipe.open(self.threads))
        name = self.columns.get('id')
        ids = None if name is None else np.asarray(_column(batch, name))
        if ids is not None and not ids.ndim:
            raise ArgumentError(f"Column '{name}' must have a value for each row; got {text_of(ids)}.")
        try:
            result = self._explain(batch)
        except DeepExplainError as error:
            raise type(error)(f'{error} {_where(ids)}'.strip()) from None
        except Exception as error:  # TensorFlow's own, which may not be picklable
            where = f'A batch could not be explained: {type(error).__name__}: {error} {_where(ids)}'
            raise DeepExplainError(where.strip()) from None
        if ids is None:
            return result
        if len(ids) != len(result['error']):
            raise ArgumentError(f"Columns differ in length: '{name}' has {len(ids)} rows, not {len(result['error'])}.")
        return {str(name): ids, **result}

    def _explain(self, batch: Mapping[str, Any]) -> Dict[str, Array]:
        # TensorFlow is there by now: to make a Worker takes none.
        from ..tensorflow.runtime.session import feedable
        from ..tensorflow.streaming.cutting import as_found, check_apart, specs_of_x, with_baseline

        explainer, names = self._explainer, _listed(self.columns['xs'])
        specs = [(spec.dtype, spec.shape) for spec in specs_of_x(explainer)]
        rows = Rows(batch, len(_column(batch, names[0])))
        xs = rows.of_each('xs', names, specs)
        baseline, ys = self.columns.get('baseline'), self.columns.get('ys')
        baselines = None if baseline is None else rows.of_each('baseline', _listed(baseline), specs)
        ys = rows.of(ys, *_known_of(explainer.T)) if isinstance(ys, str) else ys
        feeds = {}
        for key, value in self.columns['feeds'].items():
            is_column = isinstance(value, str)
            tensor = feedable(explainer.session.graph, key)
            feeds[key] = rows.of(value, *_known_of(tensor)) if is_column else value
        rows.stand_in()
        several = explainer.has_multiple_inputs
        if baselines is not None:
            explainer = with_baseline(explainer, baselines if several else baselines[0])
        arguments = (xs if several else xs[0], ys, None, feeds)
        if not self._is_checked:
            check_apart(explainer, explainer.request(*arguments[:2], feeds))
            self._is_checked = True
        found = [a.reshape(len(a), -1) for a in as_found(explainer, explainer.run(*arguments))]
        for a in found:
            a[~rows.good] = np.nan
        keys = [f'attributions_{one}' for one in names] if len(found) > 1 else ['attributions']
        return {**dict(zip(keys, found)), 'error': rows.errors}


class Rows:
    """The rows of a batch, as arrays; and why some cannot be explained.

    Attributes
    ----------
    errors : array of objects, shape (rows,)
        A text, or None.
    """

    def __init__(self, batch: Mapping[str, Any], count: int) -> None:
        self._batch = batch
        self._arrays: List[Array] = []
        self.errors = np.full(count, None, object)

    @property
    def good(self) -> Array:
        """Which rows can be explained."""
        result: Array = np.array([error is None for error in self.errors], bool)
        return result

    def of_each(self, role: str, names: List[Any], specs: List[Tuple[Any, Any]]) -> List[Array]:
        """The columns of a role, one for each input."""
        if len(names) != len(specs):
            raise ArgumentError(f"columns['{role}'] must name {len(specs)} columns, one for each input; got {names}.")
        return [self.of(name, dtype, shape) for name, (dtype, shape) in zip(names, specs)]

    def of(self, name: Any, dtype: Any, shape: Any) -> Any:
        """A column as an array of rows of this shape, None for what is open in it; or None in its place."""
        column = _column(self._batch, name)
        if len(column) != len(self.errors):
            raise ArgumentError(f"Columns differ in length: '{name}' has {len(column)} rows, not {len(self.errors)}.")
        array = column if isinstance(column, np.ndarray) and column.dtype.kind != 'O' else self._stacked(column, name)
        array = as_array(array, f"Column '{name}'", dtype)
        wanted = None if shape is None else tuple(shape[1:])
        if wanted is not None and array.ndim != 1 + len(wanted):
            array = self._shaped(array, name, wanted)
        array = array.copy()
        self._refuse(~rows_that_fit(array, dtype), f"'{name}' holds nan, infinite values or numbers that do not fit")
        self._arrays.append(array)
        return array

    def stand_in(self) -> None:
        """Fill rows that cannot be explained with copies of a good one.

        So that the session runs as many rows as ever, and the others get the same numbers to the last bit.
        """
        good = self.good
        for array in self._arrays:
            array[~good] = array[good.argmax()] if good.any() else 0

    def _stacked(self, column: Any, name: Any) -> Array:
        """Rows that came one by one as an array; what is missing, or of another size than most, is refused."""
        rows = [None if row is None else as_array(row, f"Column '{name}', row {i}") for i, row in enumerate(column)]
        shapes = [row.shape for row in rows if row is not None]
        if not shapes:
            raise ArgumentError(f"Column '{name}' has no row with numbers.")
        usual = max(shapes, key=shapes.count)
        dtype = np.result_type(*[row.dtype for row in rows if row is not None])
        array = np.zeros((len(rows),) + usual, dtype)
        for i, row in enumerate(rows):
            if row is None or row.shape != usual:
                came = 'is missing' if row is None else f'has shape {row.shape}, not {usual}'
                self._refuse(np.arange(len(rows)) == i, f"'{name}' {came}")
            else:
                array[i] = row
        return array

    def _shaped(self, array: Array, name: Any, wanted: Tuple[Any, ...]) -> Array:
        size, fixed = int(np.prod(array.shape[1:])), int(np.prod([d for d in wanted if d is not None]))
        if wanted.count(None) > 1 or size % fixed or (None not in wanted and size != fixed):
            raise ArgumentError(f"Column '{name}' must have rows of shape {wanted}, or flat; got {array.shape[1:]}.")
        shaped: Array = array.reshape((len(array),) + tuple(size // fixed if d is None else d for d in wanted))
        return shaped

    def _refuse(self, which: Array, why: str) -> None:
        for i in np.flatnonzero(which):
            self.errors[i] = why if self.errors[i] is None else f'{self.errors[i]}; {why}'


def _column(batch: Mapping[str, Any], name: Any) -> Any:
    if not has(batch, 'keys') or isinstance(batch, type):
        raise ArgumentTypeError(f'A batch must be a dict of columns; got {text_of(batch)}.')
    try:
        return batch[name]
    except Exception:  # whatever the batch of an engine raises
        raise ArgumentError(f'The batch has no column {name!r}; it has {_keys_of(batch)}.') from None


def _keys_of(batch: Any) -> str:
    try:
        return text_of(list(batch.keys()))
    except Exception:
        return text_of(batch)


def _listed(names: Any) -> List[Any]:
    return list(names) if isinstance(names, (list, tuple)) else [names]


def _known_of(tensor: Any) -> Tuple[Any, Any]:
    """The dtype of a tensor, and its shape as a list or None."""
    return tensor.dtype.as_numpy_dtype, None if tensor.shape.ndims is None else tensor.shape.as_list()


def _where(ids: Optional[Array]) -> str:
    if ids is None:
        return ''
    some = ', '.join(map(str, ids[:MOST_IDS].tolist()))
    return f'(In the batch of ids {some}{f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""}.)'
