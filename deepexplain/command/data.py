"""The samples of a file or folder, as the inputs of a model want them."""

import contextlib
import os
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

import click
import numpy as np
from click.core import ParameterSource

from ..errors import ArgumentError, DeepExplainError
from ..sequences import DNA, PROTEIN, RNA, read_fasta, to_one_hot
from .images import ENDINGS as OF_IMAGES
from .images import read_images

FASTA = re.compile(r'\.(fa|fas|fasta|fna|ffn|faa|frn)(\.b?gz)?$', re.IGNORECASE)
ALPHABETS = {'DNA': DNA, 'RNA': RNA, 'PROTEIN': PROTEIN}
#: The end of a name of a table -> what stands between values; None of parquet.
TABLES = {'.csv': ',', '.tsv': '\t', '.parquet': None}
#: Kind of data -> the options that only it has.
OPTIONS: Dict[str, Tuple[str, ...]] = {
    'table': ('columns', 'id_column', 'no_header', 'delimiter'),
    'image': ('scale', 'channels', 'size', 'resize', 'mean', 'std'),
    'FASTA': ('alphabet', 'length', 'ambiguous'),
    '.npz': ('arrays',),
}


class Samples(NamedTuple):
    """Samples, as ``run`` takes them, their names where they have any, and what was done to them, in a sentence."""

    xs: Any
    names: Optional[List[str]]
    said: str


def read_samples(model: Any, given: Mapping[str, Any]) -> Samples:
    """The samples at ``data``.

    Raises
    ------
    ArgumentError
        They cannot be read, or the file is of no known kind, or does not say which input is which.
    """
    path = given['data']
    if not os.path.exists(path):
        raise ArgumentError(f"There is no file or folder '{path}'.")
    ending = os.path.splitext(path)[1].lower()
    is_image = os.path.isdir(path) or ending in OF_IMAGES
    is_fasta = FASTA.search(path) is not None
    _check_options('image' if is_image else 'FASTA' if is_fasta else 'table' if ending in TABLES else ending)
    with _reading(path):
        if is_image:
            found = Samples(*read_images(path, _only_input(model, path), given))
        elif is_fasta:
            found = _of_fasta(path, given)
        elif ending == '.npy':
            array = np.load(path, mmap_mode='r', allow_pickle=False)
            found = Samples(array, None, f'an array of shape {array.shape}, {array.dtype}')
        elif ending == '.npz':
            found = _of_npz(path, model, given)
        elif ending in TABLES:
            found = _of_table(path, TABLES[ending], given)
        else:
            raise ArgumentError(
                f"'{path}' is of no known kind: samples are read from .npy, .npz, .csv, .tsv, .parquet and FASTA "
                f'(.fa, .fasta, .fa.gz) files, an image ({", ".join(OF_IMAGES)}) or a folder of images.'
            )
    if len(model.inputs) > 1 and not isinstance(found.xs, list):
        _only_input(model, path)
    return _first(found, given['first'])


def _check_options(kind: str) -> None:
    """Raise where an option was given that says nothing of data of this kind."""
    context = click.get_current_context(silent=True)
    if context is None:
        return
    for name in sorted(set().union(*OPTIONS.values()) - set(OPTIONS.get(kind, ()))):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = '--array' if name == 'arrays' else '--' + name.replace('_', '-')
            raise click.UsageError(f"{option} says nothing of data such as '{context.params['data']}': leave it out.")


def _first(found: Samples, count: Optional[int]) -> Samples:
    if count is None:
        return found
    xs = [one[:count] for one in found.xs] if isinstance(found.xs, list) else found.xs[:count]
    names = None if found.names is None else found.names[:count]
    return Samples(xs, names, f'the first {count} of {found.said}')


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Say of whatever a reader raises, for a file that is damaged or another thing, which file it is."""
    try:
        yield
    except (DeepExplainError, MemoryError, click.ClickException):
        raise
    except ImportError as error:
        raise ImportError(f"'{path}' needs {error.name or error}: pip install 'deepexplain[cli]'.") from error
    except Exception as error:
        said = ' '.join(str(error).split()) or type(error).__name__
        raise ArgumentError(f"'{path}' cannot be read: {said}") from error


def _only_input(model: Any, path: str) -> Any:
    if len(model.inputs) > 1:
        names = ', '.join(repr(tensor.name) for tensor in model.inputs)
        raise ArgumentError(
            f"The model has {len(model.inputs)} inputs, {names}, and '{path}' has one: give an .npz file with an "
            'array for each of them, by their names.'
        )
    return model.inputs[0]


def _of_npz(path: str, model: Any, given: Mapping[str, Any]) -> Samples:
    with np.load(path, allow_pickle=False) as file:
        names = list(given['arrays']) or _by_name(file.files, model, path)
        missing = [name for name in names if name not in file.files]
        if missing:
            raise ArgumentError(f"'{path}' has no array '{missing[0]}'; it has {', '.join(file.files)}.")
        if len(names) != len(model.inputs):
            raise ArgumentError(f'The model has {len(model.inputs)} inputs: give --array for each; got {len(names)}.')
        arrays = [file[name] for name in names]
    said = ', '.join(f"'{name}' of shape {array.shape}" for name, array in zip(names, arrays))
    return Samples(arrays if len(arrays) > 1 else arrays[0], None, f'{path}: {said}')


def _by_name(there: List[str], model: Any, path: str) -> List[str]:
    """The array of each input: that of its name; the only one of an only input, whatever its name."""
    if len(model.inputs) == len(there) == 1:
        return there
    places: Dict[str, str] = {}
    for name in there:
        with contextlib.suppress(DeepExplainError):
            places.setdefault(model.tensor(name).name, name)
    missing = [tensor.name for tensor in model.inputs if tensor.name not in places]
    if missing:
        raise ArgumentError(
            f"'{path}' has no array for the input '{missing[0]}': name arrays as the inputs are named, or say by "
            f'--array which is which; it has {", ".join(there)}.'
        )
    return [places[tensor.name] for tensor in model.inputs]


def _of_table(path: str, delimiter: Optional[str], given: Mapping[str, Any]) -> Samples:
    import pandas

    if delimiter is None:
        frame = pandas.read_parquet(path)
    else:
        header = None if given['no_header'] else 0
        frame = pandas.read_csv(path, sep=given['delimiter'] or delimiter, header=header)
        if header == 0 and len(frame.columns) and all(_is_number(name) for name in frame.columns):
            raise ArgumentError(
                f"The first line of '{path}' is numbers, not names of columns: say --no-header, and it is a sample."
            )
    if not len(frame):
        raise ArgumentError(f"'{path}' has no rows below the names of its {len(frame.columns)} columns.")
    names = None
    if given['id_column'] is not None:
        frame = frame.set_index(_column(frame, given['id_column'], path))
        names = [str(name) for name in frame.index]
    if given['columns'] is not None:
        frame = frame[[_column(frame, name, path) for name in given['columns'].split(',')]]
    texts = [str(name) for name in frame.columns if frame[name].dtype.kind not in 'biuf']
    if texts:
        raise ArgumentError(
            f"'{path}' has columns that are no numbers: {', '.join(texts[:5])}. Choose by --columns those that are the "
            'input; --id-column may be one of names.'
        )
    shown = ', '.join(map(str, frame.columns[:5])) + (', ...' if len(frame.columns) > 5 else '')
    return Samples(frame, names, f'{len(frame)} rows of {len(frame.columns)} columns: {shown}')


def _column(frame: Any, name: str, path: str) -> Any:
    for column in frame.columns:
        if str(column) == name.strip():
            return column
    raise ArgumentError(f"'{path}' has no column '{name}'; it has {', '.join(map(str, frame.columns[:20]))}.")


def _is_number(name: Any) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _of_fasta(path: str, given: Mapping[str, Any]) -> Samples:
    fasta = read_fasta(path)
    alphabet = ALPHABETS.get(given['alphabet'].upper(), given['alphabet'])
    xs = to_one_hot(fasta.sequences, alphabet, length=given['length'], ambiguous=given['ambiguous'])
    unknown = int((xs.sum(axis=2) == 0).sum())
    said = f'{len(xs)} sequences of {xs.shape[1]} letters, one-hot in the order {alphabet}'
    return Samples(xs, fasta.names, said + (f'; {unknown} places are rows of zeros' if unknown else ''))
