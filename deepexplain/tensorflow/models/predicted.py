"""What an open model says of samples: its outputs, in batches."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from ...arguments import as_count
from ...types import Array, ArrayLike
from ..compat import Session, Tensor
from ..engine.problem import first_dimension, specs_of
from ..engine.request import Request
from ..runtime.facts import Facts
from ..runtime.graph import data_sources, ops_between, row_bytes
from ..runtime.memory import bounded_rows
from ..runtime.samples import as_inputs
from ..runtime.session import Feeds, Runner


def predicted(
    session: Session,
    inputs: List[Tensor],
    outputs: Sequence[Tensor],
    xs: ArrayLike,
    batch_size: Optional[int],
    feed_dict: Optional[Dict[Any, Any]],
    facts: Facts,
) -> List[Array]:
    """Values of the outputs for the samples, a list; parameters as those of ``OpenModel.predict``."""
    specs, several = specs_of(inputs), len(inputs) > 1
    arrays = as_inputs(xs, specs, several)
    for spec, table, i in zip(specs, xs if several else [xs], range(len(specs))):
        facts.check_columns(spec.name, table, f'xs[{i}]' if several else 'xs')
        facts.keep_columns(spec.name, table)
    n = arrays[0].shape[0]
    fixed = next((rows for rows in map(first_dimension, [*inputs, *outputs]) if rows is not None), None)
    feeds = Feeds(session.graph, feed_dict, n, inputs, fixed)
    feeds.complete(data_sources(outputs, [*inputs, *feeds.tensors]))
    request = Request(Runner(session), inputs, arrays, feeds, fixed)
    rows = fixed or (None if batch_size is None else as_count(batch_size, 'batch_size'))
    if rows is None:
        between = [op for output in outputs for op in ops_between(output, inputs)]
        rows = bounded_rows(row_bytes(between, inputs, request.sample_shapes))
    parts = [request.run(outputs, part) for part in request.parts(rows)]
    return [np.concatenate(pieces) if np.ndim(pieces[0]) else np.asarray(pieces[0]) for pieces in zip(*parts)]
