"""What there can be a file for, checked before anything is computed."""

import importlib
import os
from typing import Any, Mapping, Optional

import click

from ..explanation.files import FORMATS

PICTURES = ('.png', '.svg', '.pdf', '.jpg')
#: The end of a name -> what writes such a file.
NEEDS = {'.h5': 'h5py', '.hdf5': 'h5py', '.parquet': 'pyarrow', '.zarr': 'zarr'}


def check_out(given: Mapping[str, Any]) -> None:
    """Raise unless ``--out`` is a name of a file that can be written."""
    path, resume = given['out'], given['resume']
    if path is None and resume:
        raise click.UsageError('--resume goes on with a file: give --out, .npy or .zarr.')
    if path is not None:
        how = 'with --resume it must end in' if resume else 'it must end in'
        ending = _checked(path, ('.npy', '.zarr') if resume else ('.npy', *FORMATS), '--out', how)
        if ending in NEEDS:
            _needed(NEEDS[ending], ending, '--out')


def check_picture(path: Optional[str]) -> None:
    """Raise unless ``--plot`` is a name of a picture that can be written."""
    if path is not None:
        _needed('matplotlib', _checked(path, PICTURES, '--plot'), '--plot')


def check_html(path: Optional[str], option: str) -> None:
    """Raise unless it is a name of a report that can be written."""
    if path is not None:
        _needed('jinja2', _checked(path, ('.html', '.htm'), option), option)


def _checked(path: str, endings: Any, option: str, how: str = 'it must end in') -> str:
    folder = os.path.dirname(os.path.abspath(path))
    ending = os.path.splitext(path.rstrip('/'))[1].lower()
    if ending not in endings:
        raise click.BadParameter(f"{how} {', '.join(endings)}; got '{path}'.", param_hint=option)
    if not os.path.isdir(folder):
        raise click.BadParameter(f"there is no folder '{folder}'.", param_hint=option)
    return ending


def _needed(module: str, ending: str, option: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError:
        said = f"'{ending}' needs {module}, and found none: pip install {module}."
        raise click.BadParameter(said, param_hint=option) from None
