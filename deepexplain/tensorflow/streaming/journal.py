"""What of an output is finished, in a file beside it; and a lock, so that only one process writes."""

import errno
import json
import os
import re
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Optional, Tuple

from ...errors import ArgumentError, DeepExplainError, OutputError

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

#: What of a value of another job an error shows.
MOST_SHOWN = 60

_OUTPUT = re.compile(r'output (\d+) (\S+)((?: \d+)*)')
_CHUNK = re.compile(r'(\d+) (\d+)((?: [0-9a-f]{8})+)')


class Journal:
    """The file: the job on its first line, then what is written, and a line ``start stop crc32`` for each chunk.

    Each line is on the disk before the next chunk begins. A line that is not whole is none.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    job : dict or None
        What it is the journal of; None where there is none yet.
    outputs : dict, number of an output -> (dtype, shape of a row)
    chunks : dict, (start, stop) -> crc32 of each output
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.job: Optional[Dict[str, Any]] = None
        self._file: Any = None
        self.outputs: Dict[int, Tuple[str, Tuple[int, ...]]] = {}
        self.chunks: Dict[Tuple[int, int], List[str]] = {}
        if os.path.exists(path):
            self._read()

    def _read(self) -> None:
        with open(self.path, 'rb') as file:
            first, *lines = file.read().split(b'\n')
        try:
            self.job = dict(json.loads(first.decode()))
        except ValueError:
            raise ArgumentError(
                f"'{self.path}' is not a journal of run_to, or its first line is damaged: which job it is of, nobody "
                'can tell. Move it and its output away.'
            ) from None
        for line in lines[:-1]:  # after the last end of line comes nothing, or what is not whole
            text = line.decode('ascii', 'replace')
            output, chunk = _OUTPUT.fullmatch(text), _CHUNK.fullmatch(text)
            if output:
                self.outputs[int(output.group(1))] = output.group(2), tuple(map(int, output.group(3).split()))
            elif chunk:
                self.chunks[int(chunk.group(1)), int(chunk.group(2))] = chunk.group(3).split()

    def check_is_of(self, job: Dict[str, Any], path: str) -> None:
        """Raise where it is the journal of another job."""
        if self.job is not None and self.job != job:
            raise ArgumentError(f"'{path}' is of another job, and is not overwritten: {_differences(self.job, job)}.")

    def begin(self, job: Dict[str, Any]) -> None:
        """Begin the journal of a job, or go on with it."""
        if self.job is None:
            self.job = job
            with open(self.path + '.new', 'wb') as file:
                file.write(json.dumps(job).encode() + b'\n')
                file.flush()
                os.fsync(file.fileno())
            os.replace(self.path + '.new', self.path)
        self._file = open(self.path, 'r+b', buffering=0)  # noqa: SIM115 - close() does
        whole = self._file.read()
        self._file.seek(whole.rfind(b'\n') + 1)
        self._file.truncate()

    def note_output(self, number: int, dtype: str, row_shape: Tuple[int, ...]) -> None:
        """Note what is written to an output."""
        self.outputs[number] = dtype, row_shape
        self._add(' '.join(map(str, ['output', number, dtype, *row_shape])))

    def note_chunk(self, start: int, stop: int, sums: List[str]) -> None:
        """Note that the rows of a chunk are written."""
        self.chunks[start, stop] = sums
        self._add(' '.join(map(str, [start, stop, *sums])))

    def _add(self, line: str) -> None:
        self._file.write(line.encode() + b'\n')
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


@contextmanager
def only_writer(path: str, of: str) -> Iterator[None]:
    """A context that one process at a time can enter; ``path`` is its lock file, with its pid in it.

    The system takes the lock from a process that ends, however it ends: a file that is left behind stops nobody.
    """
    file = _locked(path, of)
    try:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
    finally:
        with suppress(FileNotFoundError):
            os.remove(path)
        file.close()


def _locked(path: str, of: str) -> Any:
    while True:
        if fcntl is None and os.path.exists(path):
            raise OutputError(f"'{of}' is being written by another process. If none does, remove '{path}'.")
        file = open(path, 'a+')  # noqa: SIM115 - only_writer closes it
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, path):
                return file
            file.close()  # somebody else removed it meanwhile, and it locks nothing
        except BlockingIOError:
            file.seek(0)
            pid = file.read()[:20] or 'unknown'
            file.close()
            raise OutputError(
                f"'{of}' is being written by another process, of pid {pid}: wait for it, or give another path."
            ) from None
        except BaseException:
            file.close()
            raise


def _is_at(file: Any, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def in_words(path: str, so_far: str) -> Iterator[None]:
    """Within it, an error of the file system says what to do."""
    try:
        yield
    except DeepExplainError:
        raise
    except OSError as error:
        advice = 'make room' if error.errno in (errno.ENOSPC, errno.EDQUOT) else 'see to that'
        raise OutputError(
            f"'{path}' cannot be written: {error.strerror or error} ({error.filename or path}). {so_far[0].upper()}"
            f'{so_far[1:]}: {advice}, and the same call goes on from there.'
        ) from error


@contextmanager
def going_on(path: str) -> Iterator[None]:
    """Within it, Ctrl-C says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"'{path}' keeps the chunks that are finished: the same call goes on from there."
        ) from None


def _differences(there: Dict[str, Any], here: Dict[str, Any]) -> str:
    keys = [key for key in here if there.get(key) != here[key]] + [key for key in there if key not in here]
    return '; '.join(f'{key} is {_shown(there.get(key))} there, and {_shown(here.get(key))} here' for key in keys)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f'{text[:25]}...{text[-25:]}'
