"""Explanations by Ray Data: parquet in, parquet out, a pool of processes, and Ray's own checkpoints to go on from.

Ray computes, retries and remembers what is done. What is here keeps it from what goes wrong by default.
"""

import gc
import os
import re
import traceback
import warnings
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .. import errors
from ..arguments import as_count, as_flag, as_mapping, as_number, text_of
from ..errors import ArgumentError, DeepExplainError
from .workers import Worker

try:
    import pyarrow as pa
    import ray
    import ray.data
    from ray.data.checkpoint import CheckpointConfig
    from ray.data.checkpoint.checkpoint_writer import PENDING_CHECKPOINT_SUFFIX  # noqa: F401  (exactly once, since 2.55)
except ImportError as error:
    if (error.name or '').split('.')[0] not in ('ray', 'pyarrow'):
        raise  # Ray is there but broken: its own message says more
    raise ImportError(
        "deepexplain.distributed.ray needs Ray Data 2.55 or later, and found none: pip install 'deepexplain[ray]'."
    ) from error

from .job import Job, Source, as_fixed, as_lists, as_rows

#: CPUs that no worker takes: one for the filter of rows that are done, one for reading and writing. Ray waits for ever
#: where actors take all (ray #44687).
KEPT = 2
#: Bytes that a process with TensorFlow and a model takes at least: no more are started than memory has room for.
BYTES_OF_WORKER = 3 << 29


def explain(
    recipe: Any,
    source: Any,
    output: Any,
    id_column: str,
    columns: Mapping[str, Any],
    rows: int = 512,
    workers: Optional[int] = None,
    gpus: float = 0,
    resume: bool = True,
) -> None:
    """Explain the rows of parquet files in many processes: on the Ray cluster there is, else on this machine.

    The same call again goes on where the last one stopped, whatever stopped it: rows that are written are not computed
    again. In the end each id of the source is in the output once.

    Parameters
    ----------
    recipe : Recipe
    source : path, URI such as s3://bucket/folder, or list of them
        Parquet files, or folders of them, that all nodes can read.
    output : path or URI
        A folder that all nodes can write: parquet files of the ids, 'attributions' (rows are lists, flat, in C order;
        where X is a list 'attributions_' and the name of the column, for each) and 'error' (null, or why this row has
        nan: it was missing, or had nan). Beside it, in a folder whose name ends in '.job', is what Ray knows of the
        rows that are done.
    id_column : str
        Of integers or text, each once.
    columns : dict
        What is in which column, as :class:`~deepexplain.distributed.Worker` takes it, without 'id'.
    rows : int, default 512
        Samples of a batch, which is also what Ray hands to a worker, what is written in one file, and what is computed
        again where a worker dies.
    workers : int, optional
        Processes, each of which opens the model. Default: as many as there are GPUs for; or CPUs, beside the two that
        are kept for reading and writing, and memory (1.5 GiB each). More than that share CPUs.
    gpus : float, default 0
        GPUs of each worker.
    resume : bool, default True
        False: an output that is there already is an error. Nothing is ever overwritten.

    Raises
    ------
    ArgumentError
        The output is that of another recipe, source or columns; ids are missing or not unique; a column is missing;
        there are fewer CPUs or GPUs than this takes.
    DeepExplainError
        A batch could not be explained: the message has ids of it. What is finished by then stays finished.

    Warns
    -----
    DeepExplainWarning
        Rows could not be explained: see the column 'error'.

    Examples
    --------
    >>> from deepexplain.distributed.ray import explain  # doctest: +SKIP
    >>> from deepexplain.tensorflow import Recipe
    >>> recipe = Recipe('/models/mnist.keras', 'deeplift', rules='complete')
    >>> explain(recipe, 'digits', 'attributions', 'file', {'xs': 'pixels', 'ys': 'label'})  # doctest: +SKIP
    """
    columns = as_mapping(columns, 'columns')
    if columns.get('id', id_column) != id_column:
        raise ArgumentError(f"columns['id'] is {text_of(columns['id'])}; leave it out, id_column says it.")
    worker = Worker(recipe, {**columns, 'id': id_column})
    rows, resume = as_count(rows, 'rows'), as_flag(resume, 'resume')
    workers = None if workers is None else as_count(workers, 'workers')
    gpus = as_number(gpus, 'gpus', at_least=0)
    needed = names_in(worker.columns)
    read = Source(source, needed, id_column)
    job = Job(recipe, worker.columns, id_column, read, output)
    job.begin(resume)
    with _connected():
        workers, cpus, threads = shares(_of_nodes('CPU'), _of_nodes('GPU'), sum(_of_nodes('memory')), workers, gpus)
        actor = {'fn_constructor_args': (recipe, worker.columns, threads), 'num_cpus': cpus}
        actor.update({'num_gpus': gpus} if gpus else {})
        try:
            failed = _run(_data(read.paths, needed, job), rows, workers, actor, job.output.path)
        finally:
            gc.collect()  # cycles of Ray's that hold actors: see _run
        if failed is not None:
            raise failed
    job.check()


class Actor:
    """A Worker in a process of Ray: columns of Arrow in and out."""

    def __init__(self, recipe: Any, columns: Mapping[str, Any], threads: int) -> None:
        self._worker = Worker(recipe, columns, threads)

    def __call__(self, batch: Any) -> Any:
        """Explain a table of Arrow."""
        id_column, xs = self._worker.columns['id'], self._worker.columns['xs']
        given = {name: as_rows(batch[name]) for name in batch.column_names}
        found = self._worker({name: values for name, (values, _) in given.items()})
        first = xs[0] if isinstance(xs, (list, tuple)) else xs
        as_column = as_fixed if given[first][1] else as_lists
        made = {name: as_column(values) for name, values in found.items() if name not in (id_column, 'error')}
        # Without its type, 'error' would be of type null in files where all is well, and the files of two schemas.
        return pa.table({id_column: batch[id_column], **made, 'error': pa.array(found['error'], pa.string())})


def names_in(columns: Mapping[str, Any]) -> List[str]:
    """The names of columns that a Worker reads, each once."""
    names: Dict[str, None] = {}
    for role, value in columns.items():
        values = value.values() if role == 'feeds' else value if isinstance(value, (list, tuple)) else [value]
        names.update({name: None for name in values if isinstance(name, str)})
    return list(names)


def shares(
    cpus: List[int], of_gpus: List[float], memory: float, workers: Optional[int], gpus: float
) -> Tuple[int, int, int]:
    """How many workers there are, the CPUs that each reserves, and the threads in which each computes.

    Parameters
    ----------
    cpus, of_gpus : list
        Of each node.
    memory : float
        In bytes, of all nodes.
    workers : int or None
    gpus : float
        Of each worker.
    """
    spare = sum(cpus) - KEPT
    if spare < 0:
        raise ArgumentError(
            f'Ray has {sum(cpus)} CPU, and needs {KEPT}, beside workers, to read what is done and to write: '
            f'ray.init(num_cpus={KEPT}) counts more than there are.'
        )
    if gpus:
        most = sum(int(of_node / gpus) for of_node in of_gpus)
        if most < (workers or 1):
            raise ArgumentError(f'gpus={gpus:g} for {workers or 1} workers: Ray has GPUs for {most}.')
        # On a node with a GPU, CPUs for all that reads must not be what a worker waits for.
        return workers or most, 0, max(1, spare // (workers or most))
    workers = workers or max(1, min(spare, int(memory / BYTES_OF_WORKER)))
    for share in range(spare // workers, 0, -1):
        if sum(of_node // share for of_node in cpus) >= workers:
            return workers, share, share
    return workers, 0, max(1, spare // workers)  # more than CPUs: they reserve none, so that nothing waits for them


def _of_nodes(resource: str) -> List[Any]:
    found = [node['Resources'].get(resource, 0) for node in ray.nodes() if node['Alive']]
    return [int(of_node) if resource == 'CPU' else of_node for of_node in found]


@contextmanager
def _connected() -> Iterator[None]:
    """With Ray: what this process is connected to, else the cluster there is, else a new one on this machine."""
    if ray.is_initialized():
        yield
        return
    _start()
    try:
        yield
    finally:
        ray.shutdown()


def _start() -> None:
    address = os.environ.get('RAY_ADDRESS')
    if address != 'local':
        try:
            ray.init(address='auto')
            return
        except ConnectionError:
            if address:
                raise
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    # What Ray counts are no threads: reading and writing takes little, so that workers may have all that there is.
    ray.init(address='local', num_cpus=cores + KEPT, include_dashboard=False)


def _data(paths: List[str], names: List[str], job: Job) -> Any:
    """The rows of the files that are not done yet."""
    data = ray.data.read_parquet(paths if len(paths) > 1 else paths[0]).select_columns(names)
    # Of this data set, not of the process. Ray would drop the rows of as many blocks as errors are allowed.
    data.context.max_errored_blocks = 0
    data.context.checkpoint_config = CheckpointConfig(
        job.id_column, job.checkpoints, delete_checkpoint_on_success=False
    )
    return data


def _run(data: Any, rows: int, workers: int, actor: Mapping[str, Any], path: str) -> Optional[DeepExplainError]:
    """Explain and write; returns what ended it, if anything did.

    What Ray raises is let go of here: in its frames live the handles of actors. As long as somebody holds it, such as
    a notebook or a log, these would keep their CPUs, and the next call would wait for them.
    """
    try:
        with warnings.catch_warnings():
            # A mere warning by Ray: then nothing would be there to go on from.
            warnings.filterwarnings('error', message='.*Checkpointing will be disabled')
            # Else files go together into one block of up to 128 MB: one worker, all of it again where that one dies.
            data.repartition(target_num_rows_per_block=rows, strict=True).map_batches(
                Actor,
                compute=ray.data.ActorPoolStrategy(size=workers),
                batch_size=rows,
                batch_format='pyarrow',
                **actor,
            ).write_parquet(path)
    except ray.exceptions.RayError as failed:
        _let_go(failed)
        return _ours(failed)
    except UserWarning as warning:
        if 'Checkpointing' not in str(warning):
            raise  # another, which the user has turned into an error
        return DeepExplainError(f'Ray would not keep checkpoints, so nothing was computed: {warning}')
    except BaseException as stopped:  # Ctrl-C
        _let_go(stopped)
        raise
    return None


def _let_go(error: Optional[BaseException]) -> None:
    """Empty the frames of an error, and of those that led to it."""
    if error is not None:
        traceback.clear_frames(error.__traceback__)
        _let_go(error.__cause__)
        _let_go(error.__context__)


def _ours(failed: Any) -> DeepExplainError:
    """What ended a job, as our error: Ray hands on the text of what a worker raised, not the exception."""
    found = re.search(r'^deepexplain\.errors\.(\w+): (.*?)(?:\n\n|\Z)', str(failed), re.DOTALL | re.MULTILINE)
    kind = getattr(errors, found.group(1), DeepExplainError) if found else DeepExplainError
    said = found.group(2) if found else str(failed)
    result: DeepExplainError = kind(f'{said}\nWhat is finished stays: the same call goes on from there.')
    return result
