"""The report as a file: whole, or not there."""

import os
import pathlib
import tempfile
from typing import Any, Callable, Mapping, Optional, Sequence

from ..arguments import as_count, as_function, as_mapping, as_names, has, text_of
from ..errors import ArgumentError, ArgumentTypeError, OutputError
from ..types import ArrayLike
from .findings import DEFAULTS, findings_of
from .page import page_of


def write_report(
    path: Any,
    opened_model: Any,
    xs: ArrayLike,
    *,
    methods: Optional[Sequence[str]] = None,
    target: Any = 'top',
    T: Any = None,
    names: Optional[Sequence[str]] = None,
    data: Optional[str] = None,
    shown: int = 10,
    arguments: Optional[Mapping[str, Mapping[str, Any]]] = None,
    progress: Any = None,
) -> pathlib.Path:
    """Explain samples by several methods, and write what was found as one HTML file, for readers who know neither.

    It has the model, pictures of the samples and of their attributions, the model's outputs, whether attributions add
    up, metrics, what each method does with each op, and how to read all that. Nothing is loaded from anywhere, it has
    no script, it is light or dark as the reader's screen is, and it is written when all is computed: after an error
    there is no new file, and one that was there before is as it was.

    Parameters
    ----------
    path : str or path
        Of the file, such as 'report.html'; one that is there is replaced.
    opened_model : OpenModel
        What :func:`~deepexplain.tensorflow.open_model` returns.
    xs : array-like, shape (samples, ...), or a list of them where the model has several inputs
    methods : list of str, optional
        Default: 'deeplift' with ``rules='complete'``, 'intgrad' with 50 steps and ``quadrature='riemann_middle'``, and
        'grad*input'. A method that is named has its own defaults.
    target : default 'top'
        As in ``run``: an int, 'top', a tuple, the name of a class, or a list of one for each sample; None where T has
        one output, or for the sum of all.
    T : tf.Tensor or str, optional
        What is explained. Default: the logits, where there are, else the model's only output.
    names : list of str, optional
        One for each sample, such as the names of files. Default: the index of a table, or 'sample 0', ...
    data : str, optional
        What the samples are and what was done to them, in a sentence: a model that learned from images from 0 to 1 says
        something else of images from -1 to 1, and readers cannot see which these are.
    shown : int, default 10
        How many samples are pictured, the first ones. Numbers of all samples are in the tables; the metrics, which take
        far longer than the attributions, are of the first 5 at most.
    arguments : dict, optional
        Method -> a dict of its arguments: ``{'intgrad': {'steps': 200}}``.
    progress : bool or function, optional
        True: a bar. A function is called with the number of steps that are done, of all steps, and the name of the
        next: 'intgrad', 'metrics', 'pictures', ...; and at the end, 'done'.

    Returns
    -------
    pathlib.Path
        Of the file.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit, there are no samples, or no such method.
    GraphError
        A method does not apply to the model, or the model has several outputs, and no T says which.
    OutputError
        The file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.report import write_report
    >>> from deepexplain.tensorflow import open_model
    >>> m = open_model(lambda x: tf.nn.relu(tf.matmul(x, [[1.], [2.]])), inputs=[tf.TensorSpec([None, 2], tf.float32)])
    >>> with m, tempfile.TemporaryDirectory() as folder:
    ...     path = write_report(os.path.join(folder, 'report.html'), m, [[1, 2], [3, 4]], methods=['deeplift'])
    ...     path.read_text(encoding='utf-8')[:15]
    '<!DOCTYPE html>'
    """
    file = _as_path(path)
    if not has(opened_model, 'get_explainer') or not has(opened_model, 'predict'):
        raise ArgumentTypeError(f'opened_model must be what open_model(...) returns; got {text_of(opened_model)}.')
    wanted = _methods(methods, arguments)
    shown = as_count(shown, 'shown')
    if data is not None and not isinstance(data, str):
        raise ArgumentTypeError(f'data must be a sentence on the samples; got {text_of(data)}.')
    with _Steps(progress, len(wanted) + 4) as next_is:
        options = {'target': target, 'T': T, 'names': names, 'data': data, 'shown': shown, 'next_is': next_is}
        found = findings_of(opened_model, xs, wanted, **options)
        next_is('pictures')
        page = page_of(found)
        next_is('the file')
        _write(file, page)
    return file


def _as_path(path: Any) -> pathlib.Path:
    try:
        found = pathlib.Path(os.fsdecode(path))
    except Exception:  # whatever the __fspath__ of an object raises
        raise ArgumentTypeError(f'path must be the name of a file; got {text_of(path)}.') from None
    # Before all is computed: nobody wants to hear that after an hour.
    if found.is_dir():
        raise ArgumentError(f"path must be the name of a file, such as 'report.html'; '{found}' is a directory.")
    if not found.parent.is_dir():
        raise ArgumentError(f"'{found}' cannot be written: there is no directory '{found.parent}'.")
    return found


def _methods(methods: Any, arguments: Any) -> Any:
    """Name of a method -> its arguments."""
    if isinstance(methods, str):
        raise ArgumentTypeError(f"methods must be a list of names, ['{methods}']; got {text_of(methods)}.")
    chosen = list(DEFAULTS) if methods is None else as_names(methods, 'methods')
    if not chosen:
        raise ArgumentError('methods is empty: name one at least, or leave it out.')
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        raise ArgumentError(f'methods has {text_of(twice[0])} twice.')
    given = {} if arguments is None else as_mapping(arguments, 'arguments')
    unknown = [name for name in given if name not in chosen]
    if unknown:
        raise ArgumentError(
            f'arguments has {text_of(unknown[0])}, which is not among the methods: {", ".join(map(repr, chosen))}.'
        )
    default = DEFAULTS if methods is None else {}
    return {
        name: {**default.get(name, {}), **as_mapping(given.get(name, {}), f'arguments[{name!r}]')} for name in chosen
    }


class _Steps:
    """Says what is done next: ``with _Steps(progress, steps) as next_is: next_is('metrics')``."""

    def __init__(self, progress: Any, steps: int) -> None:
        self._bar: Any = None
        self._tell: Any = None
        if progress is True:
            from tqdm import tqdm

            self._bar = tqdm(total=steps, unit='step')
        elif progress is not None and progress is not False:
            self._tell = as_function(progress, 'progress', 'done, steps, what', or_else='True, False or ')
        self._done, self._steps = -1, steps

    def __enter__(self) -> 'Callable[[str], None]':
        return self._next

    def __exit__(self, kind: Any, *exception: Any) -> None:
        if kind is None:
            self._next('done')
        if self._bar is not None:
            self._bar.close()

    def _next(self, what: str) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.set_description(what, refresh=False)
            self._bar.update(self._done - self._bar.n)
        elif self._tell is not None:
            self._tell(self._done, self._steps, what)


def _write(path: pathlib.Path, text: str) -> None:
    try:
        with tempfile.TemporaryDirectory(dir=str(path.parent), prefix='.report-') as beside:
            made = os.path.join(beside, 'report.html')
            with open(made, 'wb') as file:
                file.write(text.encode('utf-8', 'backslashreplace'))  # a name may hold half a character
            os.replace(made, str(path))
    except OSError as error:
        raise OutputError(f"'{path}' cannot be written: {error.strerror or error}.") from error
