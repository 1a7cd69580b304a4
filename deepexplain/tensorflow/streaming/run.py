"""``explainer.run_to``: attributions to a file, a chunk at a time, with a journal of what is finished."""

import os
import zlib
from contextlib import ExitStack, closing
from dataclasses import fields
from typing import Any, Dict, List, Optional, Set, Tuple

import numpy as np

from ... import __version__
from ...arguments import as_count, as_flag, one_of
from ...errors import ArgumentError, warn
from ...types import ArrayLike
from ..compat import tf
from ..runtime.digest import network_digest
from ..runtime.progress import progress_bar
from .cutting import as_found, check_apart, check_method
from .journal import Journal, going_on, in_words, only_writer
from .outputs import outputs_at
from .pieces import Beside, Piece, Pieces, bad_rows_text, described


def run_to(
    self: Any,
    path: Any,
    xs: ArrayLike,
    ys: ArrayLike = None,
    chunk: Optional[int] = None,
    batch_size: Optional[int] = None,
    feed_dict: Optional[Dict[Any, Any]] = None,
    resume: bool = True,
    on_bad_rows: str = 'error',
    progress: bool = True,
    *,
    target: Any = None,
) -> Any:
    """Attributions of samples of any number, written to a file while it runs. The same call goes on after any stop.

    Each chunk is a :meth:`run`, is written, and noted in a journal beside the file (``out.npy.journal``), with a
    checksum. So after an interruption of any kind nothing is lost but the chunk that was being computed, what is
    finished is not computed again, and the result is equal, bit for bit, to that of a run without a stop (on the same
    machine and TensorFlow). What of the file is damaged is found, and computed again with a warning.

    Parameters
    ----------
    path : str or path, or a list of them where X is a list
        ``out.zarr`` (needs zarr 3: the extra ``zarr``) or ``out.npy``. It must not be there, or be of this very job.
    xs : array-like, or a list of them where X is a list; or an iterator
        As :meth:`run` takes them; memory maps, arrays of zarr and data sets of HDF5 are read a chunk at a time. Or an
        iterator of pieces (where X is a list, of lists): arrays of samples of any number each, from the first one on,
        also when the call goes on. Of an iterator, only the first chunk is compared with that of the job before.
    ys : array-like, optional
        As in :meth:`run`, but for 'each'.
    chunk : int, optional
        Samples of a chunk, and so the most that is lost. Default: what takes 64 MB, at most 1024.
    batch_size : int, optional
        As in :meth:`run`.
    feed_dict : dict, optional
        As in :meth:`run`; values with a row for each sample are cut with them.
    resume : bool, default True
        False: where there is something at the path, it is an error.
    on_bad_rows : str, default 'error'
        Samples with nan or infinite values are an error, before the first chunk is computed (of an iterator, when they
        come). With 'nan' they get nan, and a line in ``out.bad.txt``; others get what they would get beside any.
    progress : bool, default True
        Show a bar of samples, with the time left.
    target : optional
        As in :meth:`run`, in place of ys.

    Returns
    -------
    memory map (.npy) or array of zarr, or a list of them where X is a list
        To be read only. Shape and dtype are those of :meth:`run` (bfloat16 becomes float32).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument does not fit; what is at the path is of another job (the message has both sides); the method or the
        network make a sample's attributions depend on others of its call.
    OutputError
        The disk is full, the folder cannot be written to, or another process is writing there.
    ImportError
        The path ends in .zarr, and there is no zarr 3.

    Examples
    --------
    >>> from os.path import join
    >>> from tempfile import TemporaryDirectory
    >>> import tensorflow.compat.v1 as tf
    >>> from deepexplain.tensorflow import DeepExplain
    >>> with tf.Session(graph=tf.Graph()) as session, DeepExplain(session=session) as de:
    ...     X = tf.placeholder(tf.float32, [None, 2])
    ...     explainer = de.get_explainer('grad*input', tf.reduce_sum(X**2, axis=1), X)
    ...     with TemporaryDirectory() as folder:
    ...         print(explainer.run_to(join(folder, 'out.npy'), [[1.0, 2.0], [3.0, 0.0]], progress=False).tolist())
    [[2.0, 8.0], [18.0, 0.0]]
    """
    resume, progress = as_flag(resume, 'resume'), as_flag(progress, 'progress')
    on_bad_rows = one_of(on_bad_rows, 'on_bad_rows', ('error', 'nan'))
    chunk = None if chunk is None else as_count(chunk, 'chunk')
    batch_size = self.problem.batch_size(batch_size)
    outputs = outputs_at(path, len(self.X) if self.has_multiple_inputs else None)
    check_method(self.method)
    pieces = Pieces(self, xs, chunk)
    beside = Beside(self, pieces, ys, feed_dict, target)
    run = _Run(self, outputs, pieces, beside, batch_size, on_bad_rows == 'nan')
    with ExitStack() as stack:
        with in_words(outputs[0].path, 'it is not begun'):
            stack.enter_context(only_writer(outputs[0].path + '.lock', outputs[0].path))
        if not resume:
            run.check_nothing_is_there()
        pieces.scan(refuse=not run.takes_bad_rows)
        stack.callback(run.close)
        run.begin()
        run.go(progress)
    results = [output.result() for output in outputs]
    return results if self.has_multiple_inputs else results[0]


class _Run:
    """One call of run_to, its arguments checked."""

    def __init__(
        self, explainer: Any, outputs: List[Any], pieces: Pieces, beside: Beside, batch_size: Optional[int], nan: bool
    ) -> None:
        self.explainer, self.outputs, self.pieces, self.beside = explainer, outputs, pieces, beside
        self.batch_size, self.takes_bad_rows, self.path = batch_size, nan, outputs[0].path
        self.journal_path = self.path + '.journal'
        self.journal: Any = None  # which is read once nobody else writes it
        self.good: Set[Tuple[int, int]] = set()  # chunks that are written, and as they were
        self.bad_path, self.has_bad_rows = os.path.splitext(self.path)[0] + '.bad.txt', False

    def check_nothing_is_there(self) -> None:
        """Raise where there is an output, or a journal."""
        for there in [*(output.path for output in self.outputs), self.journal_path]:
            if os.path.exists(there):
                raise ArgumentError(f"'{there}' is there, and resume=False overwrites nothing: give another path.")

    def begin(self) -> None:
        """Check that what is there is of this job, and find out which chunks are good."""
        explainer, first = self.explainer, self.pieces.first()
        self.journal, job = Journal(self.journal_path), self._job()
        if self.journal.job is None:
            for output in self.outputs:
                if os.path.exists(output.path):
                    raise ArgumentError(
                        f"'{output.path}' is there, without the journal of a run that could go on "
                        f"('{self.journal_path}'), and is not overwritten: give another path."
                    )
        self.journal.check_is_of(job, self.path)
        made, arguments = self.beside.of(first)
        samples = self.pieces.samples(first)
        check_apart(explainer, made.request(samples, **arguments))
        with in_words(self.path, 'it is not begun'):
            self.journal.begin(job)
            self._check_what_is_there()

    def _job(self) -> Dict[str, Any]:
        """All that decides the numbers, to the last bit."""
        explainer, method, pieces = self.explainer, self.explainer.method, self.pieces
        problem = explainer.problem
        given = problem if problem.layer is None else problem.layer.problem
        options = {f.name: described(getattr(method, f.name)) for f in fields(method) if f.init}
        return {
            'deepexplain': __version__,
            'tensorflow': tf.__version__,
            'method': method.name,
            **options,
            'T': problem.target.name,
            'X': [x.name for x in given.inputs],
            'layer': [] if problem.layer is None else [z.name for z in problem.inputs],
            'network': network_digest(problem.target, given.inputs, explainer.session),
            'samples': pieces.rows,
            'xs': pieces.digest,
            **self.beside.described(),
            'chunk': pieces.chunk,
            'batch_size': self.batch_size,
        }

    def _check_what_is_there(self) -> None:
        """Compare each chunk that the journal names with its checksum."""
        journal, chunks = self.journal, dict(self.journal.chunks)
        if len(journal.outputs) < len(self.outputs):  # nothing was written
            return
        lost = False
        for i, output in enumerate(self.outputs):
            output.describe(*journal.outputs[i])
            if not output.exists():
                output.create(self.pieces.rows, self.pieces.chunk)
                lost = True
        damaged = []
        for (start, stop), sums in sorted(chunks.items()):
            rows = [None if lost else output.read(start, stop) for output in self.outputs]
            if sums == [None if array is None else _checksum(array) for array in rows]:
                self.good.add((start, stop))
            else:
                damaged.append(f'{start} to {stop}')
        if damaged:
            more = f' and {len(damaged) - 5} more' if len(damaged) > 5 else ''
            warn(
                f"'{self.path}' is damaged in the chunk{'s' * (len(damaged) > 1)} of samples {', '.join(damaged[:5])}"
                f'{more} (missing, or not what was written): computed again.'
            )

    def go(self, progress: bool) -> None:
        """Compute what is missing, and write it."""
        done = sum(stop - start for start, stop in self.good)
        stop = 0
        bar = progress_bar(progress, self.beside.rows, self.explainer.name, done, ' samples')
        with closing(bar), going_on(self.path):
            for piece in self.pieces:
                self._note_bad_rows(piece)
                stop = piece.stop
                if (piece.start, piece.stop) not in self.good:
                    self._explain(piece)
                    bar.update(piece.stop - piece.start)
            if self.beside.rows not in (None, stop):
                raise ArgumentError(
                    f'ys, target or baseline have {self.beside.rows} rows, and xs had only {stop} samples.'
                )
            with in_words(self.path, 'all chunks are written'):
                for output in self.outputs:
                    output.finish(stop)

    def close(self) -> None:
        """Close the journal."""
        if self.journal is not None:
            self.journal.close()

    def _explain(self, piece: Piece) -> None:
        """Explain a piece, write what is found, and note that it is written."""
        explainer, arguments = self.beside.of(piece)
        found = as_found(explainer, explainer.run(self.pieces.samples(piece), batch_size=self.batch_size, **arguments))
        for array in found:
            array[piece.bad] = np.nan
        with in_words(self.path, f'samples before {piece.start} are written'):
            if len(self.journal.outputs) < len(found):
                self._create(found)
            for i, (output, array) in enumerate(zip(self.outputs, found)):
                if self.journal.outputs[i] != (array.dtype.str, array.shape[1:]):
                    dtype, row = self.journal.outputs[i]
                    raise ArgumentError(
                        f'Attributions of samples {piece.start} to {piece.stop} are {array.dtype.str} '
                        f'{array.shape[1:]}, and those before {dtype} {row}: one file holds samples of one shape.'
                    )
                output.write(piece.start, array)
            self.journal.note_chunk(piece.start, piece.stop, [_checksum(array) for array in found])

    def _create(self, found: List[Any]) -> None:
        for i, (output, array) in enumerate(zip(self.outputs, found)):
            output.describe(array.dtype.str, array.shape[1:])
            output.create(self.pieces.rows, self.pieces.chunk)
            self.journal.note_output(i, array.dtype.str, array.shape[1:])

    def _note_bad_rows(self, piece: Piece) -> None:
        if not piece.bad.any():
            return
        bad = np.flatnonzero(piece.bad) + piece.start
        if not self.takes_bad_rows:  # of an iterator, or they came to be bad meanwhile
            raise ArgumentError(bad_rows_text(len(bad), int(bad[0])))
        lines = [f'{row} nan, infinite values or numbers that do not fit\n' for row in bad]
        with in_words(self.bad_path, f'samples before {piece.start} are written'):
            _write_lines(self.bad_path, lines, 'a' if self.has_bad_rows else 'w')
        self.has_bad_rows = True


def _checksum(array: Any) -> str:
    contiguous: Any = np.ascontiguousarray(array)
    return f'{zlib.crc32(contiguous):08x}'


def _write_lines(path: str, lines: List[str], mode: str) -> None:
    with open(path, mode) as file:
        file.writelines(lines)
