"""What a metric asks: an explainer, or a function."""

from itertools import islice
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Tuple, Union

import numpy as np

from ..arguments import as_count, as_function, text_of
from ..errors import ArgumentError
from ..types import Array, ArrayLike
from .samples import Samples, one_array, plain

#: Rows that a function gets at once where the user does not say, and their bytes.
MOST_ROWS = 1024
MOST_BYTES = 1 << 26


#: The most changed samples that one call of a metric asks of a network: more would take days.
MOST_ASKED = 10**8


#: What :func:`asked` finds.
Asked = Union['Explained', 'Predicted']


def asked(
    model: Any,
    xs: ArrayLike,
    ys: ArrayLike = None,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
) -> Tuple[Asked, Samples]:
    """The network of an explainer or a function, and its :class:`Samples`."""
    if is_explainer(model):
        samples = Samples(xs, getattr(model, 'has_multiple_inputs', False))
        return Explained(model, samples, ys, batch_size, feed_dict), samples
    as_function(model, 'The network', 'rows', or_else='an explainer (de.get_explainer(...)) or ')
    if feed_dict is not None:
        raise ArgumentError('feed_dict is for explainers; a function feeds what it needs itself.')
    samples = Samples(xs)
    return Predicted(model, samples, ys, batch_size), samples


def is_explainer(model: object) -> bool:
    """Whether it explains: what a DeepExplain context's get_explainer returns does."""
    try:
        return callable(getattr(model, 'run', None)) and callable(getattr(model, 'outputs', None))
    except Exception:  # whatever the __getattr__ of an object raises
        return False


def weights_of(model: Any, xs: ArrayLike, ys: ArrayLike, target: Any, feed_dict: Optional[Dict[Any, Any]]) -> ArrayLike:
    """The weights of the outputs: ys, or the target of these samples as such, which stay while samples are changed."""
    if target is None:
        return ys
    if ys is not None:
        raise ArgumentError('Give target or ys, not both.')
    if not callable(getattr(model, 'request', None)):
        raise ArgumentError(f'{text_of(model)} takes no target: give ys.')
    weights: Array = model.request(xs, feed_dict=feed_dict, target=target).weights[0][1]
    return weights


def check_asked(samples: Samples, argument: str, times: int) -> None:
    """Raise if what an argument asks for, each sample so many times, would not end."""
    if times * samples.count > MOST_ASKED:
        raise ArgumentError(
            f'{argument} asks {text_of(times * samples.count)} changed samples of the network, {text_of(times)} for '
            f'each of {samples.count} samples; at most {MOST_ASKED} are asked in one call.'
        )


class Explained:
    """The network of an explainer, and its attributions.

    Each run has all samples, all of them changed, so that ys, feed_dict and a fixed batch fit as they are.
    """

    def __init__(
        self,
        explainer: Any,
        samples: Samples,
        ys: ArrayLike,
        batch_size: Optional[int],
        feed_dict: Optional[Dict[Any, Any]],
    ) -> None:
        self._explainer, self._samples = explainer, samples
        # Only what is given: the run() of a method written for 0.3 may not know the others.
        given = {'ys': ys, 'batch_size': batch_size, 'feed_dict': feed_dict}
        self._arguments = {name: value for name, value in given.items() if value is not None}
        if isinstance(ys, str):
            raise ArgumentError(
                f'ys must be an array of weights: metrics judge one explanation at a time; got {text_of(ys)}.'
            )

    def each(self, copies: Iterable[Array]) -> Iterator[Array]:
        """T of changed samples, shape (samples,), of one copy after the other; ``copies`` yields rows of values."""
        for rows in copies:
            outputs = one_array(self._explainer.outputs(self._samples.shaped(rows), **self._arguments), 'T')
            yield _one_a_row(outputs, len(rows), 'outputs(...) of the explainer').astype(np.float64)

    def outputs(self, copies: Iterable[Array]) -> Array:
        """The same of all copies, shape (copies, samples)."""
        return np.stack(list(self.each(copies)))

    def attributions(self, given: ArrayLike = None, rows: Optional[Array] = None, **more: Any) -> Any:
        """Those given; or those of the samples, or of changed ones, as the explainer returns them."""
        if given is not None:
            return plain(given)
        # Their shape may happen to be that of xs, and means something else.
        if getattr(getattr(self._explainer, 'method', None), 'replacements', None) is not None:
            raise ArgumentError(
                'With replacements there is a number for each replacement and window, and metrics judge one for each '
                'value: leave them out, or give attributions.'
            )
        rows = self._samples.values if rows is None else rows
        return self._explainer.run(self._samples.shaped(rows), **{**self._arguments, **more})


class Predicted:
    """A function of rows, whose attributions are given."""

    def __init__(
        self, predict: Callable[[Any], Any], samples: Samples, ys: ArrayLike, batch_size: Optional[int]
    ) -> None:
        self._predict, self._samples = predict, samples
        self._ys = None if ys is None else one_array(ys, 'ys').astype(np.float64)
        bytes_of_a_row = samples.values[0].nbytes
        self._batch_size = int(np.clip(MOST_BYTES // bytes_of_a_row, 1, MOST_ROWS))
        if batch_size is not None:
            self._batch_size = min(as_count(batch_size, 'batch_size'), MOST_ASKED)

    def each(self, copies: Iterable[Array]) -> Iterator[Array]:
        """As that of an explainer; as many copies are taken at once as fit into a batch."""
        count, copies = self._samples.count, iter(copies)
        for chunk in iter(lambda: list(islice(copies, max(1, self._batch_size // count))), []):
            rows = np.concatenate(chunk)
            parts = [rows[start : start + self._batch_size] for start in range(0, len(rows), self._batch_size)]
            outputs = np.concatenate([self._rows_of_outputs(part) for part in parts]).astype(np.float64)
            yield from self._weighted(outputs.reshape((len(chunk), count) + outputs.shape[1:]))

    def outputs(self, copies: Iterable[Array]) -> Array:
        """As that of an explainer."""
        return np.stack(list(self.each(copies)))

    def attributions(self, given: ArrayLike = None) -> Any:
        """Those given."""
        if given is None:
            raise ArgumentError('A function has no attributions: give them, or an explainer instead of the function.')
        return plain(given)

    def _rows_of_outputs(self, rows: Array) -> Array:
        outputs = one_array(self._predict(self._samples.shaped(rows)), 'What the function returns')
        if outputs.shape[:1] != (len(rows),):
            raise ArgumentError(
                f'The function must return one row of outputs for each of the {len(rows)} rows it is given; it '
                f'returned shape {outputs.shape}.'
            )
        return outputs

    def _weighted(self, outputs: Array) -> Array:
        """Outputs of shape (copies, samples, ...), weighted by ys and summed, as T is by an explainer."""
        of_row, ys = outputs.shape[2:], self._ys
        if ys is None:
            if int(np.prod(of_row)) != 1:
                raise ArgumentError(
                    f'The function returns outputs of shape {of_row} for each row: say by ys which are explained, '
                    'such as ys=np.eye(10)[labels].'
                )
            return outputs.reshape(outputs.shape[:2])
        if ys.shape not in (of_row, (self._samples.count,) + of_row):
            raise ArgumentError(
                f'ys must have the shape of the outputs, {(self._samples.count,) + of_row} or, for all samples '
                f'alike, {of_row}; got {ys.shape}.'
            )
        result: Array = (outputs * ys).sum(axis=tuple(range(2, outputs.ndim)))
        return result


def _one_a_row(outputs: Array, rows: int, what: str) -> Array:
    if outputs.shape != (rows,):
        raise ArgumentError(f'{what} must have shape ({rows},); got {outputs.shape}.')
    return outputs
