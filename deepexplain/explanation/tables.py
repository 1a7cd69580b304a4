"""An explanation as a table, and the names of its values."""

from typing import Any, List

import numpy as np

from ..errors import ArgumentError


def names_of_values(explanation: Any) -> List[str]:
    """A name for each value of a sample, made flat: that of its column, or its place; several inputs one by one."""
    several = explanation.several
    found: List[str] = []
    for i, values in enumerate(explanation.values if several else [explanation.values]):
        shape = values.shape[2 if explanation.each else 1 :]
        columns = explanation.feature_names[i] if i < len(explanation.feature_names) else None
        prefix = explanation.input_names[i] if several and i < len(explanation.input_names) else ''
        prefix = prefix or (f'input {i}' if several else '')
        if columns is not None and shape == (len(columns),):
            found += [f'{prefix} {column}'.strip() for column in columns]
        else:
            found += [f'{prefix}[{", ".join(map(str, place))}]' for place in np.ndindex(*shape)]
    return found


def frame_of(explanation: Any) -> Any:
    """A DataFrame: a row for each sample, a column for each value; with each output, the outputs' rows one by one."""
    try:
        import pandas
    except ImportError:
        raise ImportError('to_frame() needs pandas: pip install pandas. The numbers are in .values.') from None
    names = names_of_values(explanation)
    samples = explanation.sample_names or list(range(len(explanation)))
    values = explanation.values if explanation.several else [explanation.values]
    if not explanation.each:
        flat = np.concatenate([one.reshape(len(one), -1) for one in values], axis=1)
        return pandas.DataFrame(flat, index=pandas.Index(samples, name='sample'), columns=names)
    flat = np.concatenate([one.reshape(one.shape[:2] + (-1,)) for one in values], axis=2)
    classes = explanation.class_names
    outputs = classes if classes is not None and len(classes) == len(flat) else list(range(len(flat)))
    rows = pandas.MultiIndex.from_product([outputs, samples], names=['output', 'sample'])
    return pandas.DataFrame(flat.reshape(-1, flat.shape[2]), index=rows, columns=names)


def check_is_one(explanation: Any, what: str) -> None:
    """Raise unless there is one input, and one target for each sample."""
    if explanation.several:
        raise ArgumentError(
            f'{what} is of one input: take .of_input(i) first, i from 0 to {len(explanation.values) - 1}.'
        )
    if explanation.each:
        raise ArgumentError(f'{what} is of one output: take .of_output(i) first.')
