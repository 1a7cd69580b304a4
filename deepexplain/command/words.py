"""What is printed: notes, tables, JSON."""

import json
import math
from typing import Any, List, Mapping, Sequence

import click
import numpy as np


def note(given: Mapping[str, Any], text: str) -> None:
    """Say what was done, on standard error, unless ``--quiet``."""
    if not given['quiet']:
        click.echo(text, err=True)


def print_json(said: Mapping[str, Any]) -> None:
    """Print as JSON, an entry on each line; nan and infinity are null."""
    lines = [f'  {json.dumps(name)}: {json.dumps(_plain(one), ensure_ascii=False)}' for name, one in said.items()]
    click.echo('{\n' + ',\n'.join(lines) + '\n}')


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns below each other; those of numbers to the right."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in cells:
        padded = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right)]
        lines.append('  '.join(padded).rstrip())
    return '\n'.join(lines)


def number(value: Any) -> str:
    """Four digits; '-' where there is none."""
    return '-' if value is None or math.isnan(value) else f'{value:.4g}'


def _is_number(text: str) -> bool:
    return text == '-' or text.lstrip('+-')[:1].isdigit()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def shape_text(shape: Sequence[Any]) -> str:
    """A shape; None is any number."""
    sizes: List[str] = ['any' if size is None else str(size) for size in shape]
    return f'({", ".join(sizes)}{"," if len(sizes) == 1 else ""})'
