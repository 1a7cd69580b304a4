"""Data as text: as JSON, arrays included, and as an expression of Python. NumPy only."""

import base64
import re
from types import MappingProxyType
from typing import Any

import numpy as np


def encoded(value: Any) -> Any:
    """Data as JSON has it: what JSON does not know is a dict of one word."""
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder('<'))
        return {'array': base64.b64encode(data.tobytes()).decode(), 'dtype': data.dtype.str, 'shape': list(value.shape)}
    if isinstance(value, float) and not np.isfinite(value):
        return {'float': repr(value)}
    if isinstance(value, tuple):
        return {'tuple': [encoded(entry) for entry in value]}
    if isinstance(value, list):
        return [encoded(entry) for entry in value]
    if isinstance(value, (dict, MappingProxyType)):
        return {'dict': {key: encoded(entry) for key, entry in value.items()}}
    return value


def decoded(value: Any) -> Any:
    """Data of what :func:`encoded` made of it."""
    if isinstance(value, list):
        return [decoded(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if 'array' in value:
        array = np.frombuffer(base64.b64decode(value['array']), np.dtype(value['dtype']))
        return array.astype(array.dtype.newbyteorder('=')).reshape(value['shape'])
    if 'float' in value:
        return float(value['float'])
    if 'tuple' in value:
        return tuple(decoded(entry) for entry in value['tuple'])
    return {key: decoded(entry) for key, entry in value['dict'].items()}


def expression(value: Any) -> str:
    """Data as an expression of Python that gives it back, with NumPy as np."""
    if isinstance(value, np.ndarray):
        return re.sub(r'\b(inf|nan)\b', r'np.\1', f'np.array({value.tolist()!r}, {value.dtype.name!r})')
    if isinstance(value, float):
        return repr(value) if np.isfinite(value) else f"float('{value}')"
    if isinstance(value, (list, tuple)):
        inner = ', '.join(map(expression, value)) + (',' if isinstance(value, tuple) and len(value) == 1 else '')
        return f'[{inner}]' if isinstance(value, list) else f'({inner})'
    if isinstance(value, dict):
        return '{' + ', '.join(f'{key!r}: {expression(entry)}' for key, entry in value.items()) + '}'
    return repr(value)
