"""What a job reads and writes: parquet files, their ids, and a manifest that says which job an output is of."""

import json
import os
import re
from typing import Any, Dict, List, Mapping, Tuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.fs

from .. import __version__
from ..arguments import as_data, text_of
from ..errors import ArgumentError, ArgumentTypeError, DeepExplainError, warn

#: The most ids or files in a message.
MOST_NAMED = 5


class Place:
    """A file or folder: on this machine, or behind a URI such as s3://bucket/folder.

    Attributes
    ----------
    path : str
        Absolute, or with its scheme: as Ray takes it.
    """

    def __init__(self, path: Any, name: str) -> None:
        try:
            text = os.fsdecode(path)
        except Exception:  # whatever the __fspath__ of an object raises
            raise ArgumentTypeError(f'{name} must be a path or a URI; got {text_of(path)}.') from None
        self.path = text.rstrip('/') if '://' in text else os.path.abspath(text)
        try:
            self.files, self._within = pyarrow.fs.FileSystem.from_uri(self.path)
        except (pa.ArrowInvalid, OSError) as error:
            raise ArgumentError(f'{name} cannot be read as a place of files: {text_of(text)} ({error}).') from None

    def beside(self, ending: str) -> 'Place':
        """Another place, whose name ends with ``ending``."""
        return Place(self.path + ending, 'output')

    def parquet(self) -> Dict[str, pyarrow.fs.FileInfo]:
        """The parquet files here, below this folder too: path -> what is known of it."""
        here = self.files.get_file_info(self._within)
        if here.type == pyarrow.fs.FileType.File:
            return {here.path: here}
        selector = pyarrow.fs.FileSelector(self._within, recursive=True, allow_not_found=True)
        found = sorted(self.files.get_file_info(selector), key=lambda info: info.path)
        return {i.path: i for i in found if i.type == pyarrow.fs.FileType.File and i.path.endswith('.parquet')}

    def is_empty(self) -> bool:
        """Whether there is nothing here."""
        if self.files.get_file_info(self._within).type == pyarrow.fs.FileType.File:
            return False
        return not self.files.get_file_info(pyarrow.fs.FileSelector(self._within, allow_not_found=True))

    def read(self, name: str) -> Any:
        """The JSON of a file in this folder; None where there is none."""
        path = f'{self._within}/{name}'
        if self.files.get_file_info(path).type != pyarrow.fs.FileType.File:
            return None
        with self.files.open_input_stream(path) as file:
            return json.loads(file.read().decode())

    def write(self, name: str, value: Any) -> None:
        """Write a file of JSON in this folder, whole or not at all."""
        path = f'{self._within}/{name}'
        self.files.create_dir(self._within, recursive=True)
        with self.files.open_output_stream(f'{path}.part') as file:
            file.write(json.dumps(value, indent=1, allow_nan=False).encode())
        self.files.move(f'{path}.part', path)


class Source:
    """The parquet files to explain, and the ids in them.

    Parameters
    ----------
    paths : path, URI, or list of them
    needed : list of str
        Names of columns.
    id_column : str
    """

    def __init__(self, paths: Any, needed: List[str], id_column: str) -> None:
        places = [Place(path, 'source') for path in (paths if isinstance(paths, (list, tuple)) else [paths])]
        self.paths = [place.path for place in places]
        self.files: Dict[str, List[int]] = {}
        ids = []
        for place in places:
            found = place.parquet()
            if not found:
                raise ArgumentError(f"There is no parquet file in '{place.path}' (source).")
            self.files.update({path: [info.size, info.mtime_ns or 0] for path, info in found.items()})
            rows = pyarrow.dataset.dataset(list(found), filesystem=place.files, format='parquet')
            missing = [name for name in needed if name not in rows.schema.names]
            if missing:
                raise ArgumentError(f"'{place.path}' has no column {missing[0]!r}; it has {rows.schema.names}.")
            ids.append(_ids_of(rows, id_column))
        self.ids = pa.chunked_array([chunk for found in ids for chunk in found.chunks], ids[0].type)
        if self.ids.null_count:
            raise ArgumentError(f"id_column: '{id_column}' is null in {self.ids.null_count} of {len(self.ids)} rows.")
        twice = _named_twice(self.ids)
        if twice:
            raise ArgumentError(
                f"id_column: ids must be unique, and '{id_column}' has some twice: {twice}. Which rows are done could "
                'not be told by them.'
            )


class Job:
    """What is explained, how, and where to: and the manifest beside the output that says so."""

    def __init__(self, recipe: Any, columns: Mapping[str, Any], id_column: str, source: Source, output: Any) -> None:
        from ..tensorflow.runtime.data import encoded

        self.output = Place(output, 'output')
        self._beside, self.id_column, self._source = self.output.beside('.job'), id_column, source
        self.checkpoints = f'{self._beside.path}/checkpoints'
        self._said = {
            'recipe': recipe.to_json(),
            'fingerprint': recipe.fingerprint(),
            'deepexplain': __version__,
            'columns': encoded(as_data(dict(columns), 'columns')),
            'id_column': id_column,
            'source': source.paths,
            'files': source.files,
        }

    def begin(self, resume: bool) -> None:
        """Write the manifest, or compare it with the one that is there.

        Raises
        ------
        ArgumentError
            The output is another job's, or nobody knows whose; or the source is no longer what it was.
        """
        old = self._beside.read('manifest.json')
        if old is None and not self.output.is_empty():
            raise ArgumentError(
                f"output: there is something in '{self.output.path}', and no manifest in '{self._beside.path}' says "
                'what job it is of. Nothing is overwritten: name another folder.'
            )
        if old is not None:
            if not resume:
                raise ArgumentError(
                    f"output: '{self.output.path}' is there already, and with resume=False nothing is overwritten. "
                    'Name another folder, or go on with resume=True.'
                )
            self._compare(old)
            self._forget_what_is_gone()
        self._beside.write('manifest.json', self._said)

    def _compare(self, old: Mapping[str, Any]) -> None:
        of_another = f"output: '{self.output.path}' was begun by another job, and is left as it is: "
        instead = ' Name another folder.'
        for name in ('columns', 'id_column', 'source'):
            if old[name] != self._said[name]:
                was, now = text_of(old[name]), text_of(self._said[name])
                raise ArgumentError(f'{of_another}its {name} was {was}, and now is {now}.{instead}')
        if old['fingerprint'] != self._said['fingerprint']:
            if old['recipe'] != self._said['recipe']:
                was, now = text_of(old['recipe']), text_of(self._said['recipe'])
                raise ArgumentError(f'{of_another}its recipe was {was}, and now is {now}.{instead}')
            raise ArgumentError(
                f"{of_another}the recipe is the same, but the model's files have changed, or deepexplain has: its "
                f'version was {old["deepexplain"]}, and now is {__version__}.{instead}'
            )
        for path, (size, time) in old['files'].items():
            now_size, now_time = self._source.files.get(path, (None, None))
            if now_size != size:
                came = 'is gone' if now_size is None else f'had {size} bytes, and now has {now_size}'
                raise ArgumentError(f"{of_another}'{path}' of its source {came}.{instead}")
            if now_time != time:
                warn(f"'{path}' was written again since: rows of it that are explained are not explained once more.")

    def _forget_what_is_gone(self) -> None:
        """Of a file that was removed since, Ray would take the rows for done: it looks at its checkpoints only."""
        there = {_begun_by(path) for path in self.output.parquet()}
        done = Place(self.checkpoints, 'output')
        gone = [
            path for path in done.parquet() if not path.endswith('.pending.parquet') and _begun_by(path) not in there
        ]
        for path in gone:
            done.files.delete_file(path)
        if gone:
            warn(f"{len(gone)} files of '{self.output.path}' are gone since: their rows are explained again.")

    def check(self) -> None:
        """Raise if an id of the source is not in the output exactly once; warn of rows that have an error."""
        found = self.output.parquet()
        if not found and len(self._source.ids):
            raise DeepExplainError(f"Ray reports no error, but there is no file in '{self.output.path}'.")
        if not found:
            return
        rows = pyarrow.dataset.dataset(list(found), filesystem=self.output.files, format='parquet')
        try:
            table = rows.to_table(columns=[self.id_column, 'error'])
        except (pa.ArrowInvalid, OSError) as error:
            raise DeepExplainError(
                f"A file in '{self.output.path}' is damaged: {error}. Remove it, and call again: its rows come anew."
            ) from None
        ids = table[self.id_column].cast(self._source.ids.type)
        twice = _named_twice(ids)
        if twice:
            raise DeepExplainError(
                f"'{self.output.path}' has ids twice: {twice}. Did two jobs write into it at once? Name another folder."
            )
        for there, wanted, what in [(ids, self._source.ids, 'lacks'), (self._source.ids, ids, 'has more than')]:
            less = wanted.filter(pc.invert(pc.is_in(wanted, value_set=there)))
            if len(less):
                raise DeepExplainError(f"'{self.output.path}' {what} the rows of the source: {_some(less)}.")
        errors = table['error'].drop_null()
        if len(errors):
            warn(
                f"{len(errors)} of {len(table)} rows could not be explained and have nan: the column 'error' says why. "
                f'The first: {errors[0].as_py()!r}.'
            )


def _begun_by(path: str) -> str:
    """What a file of output and its checkpoint have in common: the name of a checkpoint, without '-0' and ending."""
    return re.sub(r'(-\d+)?\.parquet$', '', os.path.basename(path))


def _ids_of(rows: Any, id_column: str) -> Any:
    ids = rows.to_table(columns=[id_column])[id_column]
    if not any(is_one(ids.type) for is_one in (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string)):
        raise ArgumentError(f"id_column: ids must be integers or text; '{id_column}' holds {ids.type}.")
    return ids


def _named_twice(ids: Any) -> str:
    """Some of the ids that are there more than once, as text."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return ''
    counts = pc.value_counts(ids)
    return _some(counts.field('values').filter(pc.greater(counts.field('counts'), 1)))


def _some(ids: Any) -> str:
    shown = ', '.join(repr(one.as_py()) for one in ids[:MOST_NAMED])
    return shown + (f' and {len(ids) - MOST_NAMED} more' if len(ids) > MOST_NAMED else '')


def as_fixed(values: Any) -> Any:
    """An array of shape (rows, values) as a column of Arrow, each row a list of the same length."""
    numbers = values if values.dtype.kind in 'fiu' else values.astype('float32')  # bfloat16, which Arrow does not know
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers.reshape(-1)), values.shape[1])


def as_lists(values: Any) -> Any:
    """As :func:`as_fixed`, but other batches may have rows of another length."""
    column = as_fixed(values)
    return column.cast(pa.list_(column.type.value_type))


def as_rows(column: Any) -> Tuple[Any, bool]:
    """A column of Arrow as what a Worker takes, and whether its rows must be of one length."""
    values, shape = column.combine_chunks(), [len(column)]
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0)
    kind = values.type
    while hasattr(values, 'flatten') and _is_list(values.type) and len(values) and not values.null_count:
        flat = values.flatten()
        size, rest = divmod(len(flat), len(values))
        if rest or not pc.all(pc.equal(pc.list_value_length(values), size)).as_py():
            break
        values, shape = flat, shape + [size]
    if _is_list(values.type):
        return column.to_pylist(), pa.types.is_fixed_size_list(kind)
    numbers = values.to_numpy(zero_copy_only=False)
    numbers = numbers.reshape(shape) if len(shape) > 1 else numbers  # a tensor of Ray's has its shape already
    return numbers, not _is_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_list(kind: Any) -> bool:
    return any(is_one(kind) for is_one in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))
