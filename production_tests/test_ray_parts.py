"""What can be told without starting Ray: how CPUs are shared, what columns become, what an error says."""

import numpy as np
import pytest

from deepexplain.errors import ArgumentError, DeepExplainError

pytest.importorskip('ray', '2.55')
pa = pytest.importorskip('pyarrow')

from deepexplain.distributed import ray as ours  # noqa: E402
from deepexplain.distributed.job import Place, as_fixed, as_lists, as_rows  # noqa: E402

GB = 1 << 30


@pytest.mark.parametrize(
    ('cpus', 'workers', 'expected'),
    [
        ([4], None, (2, 1, 1)),
        ([4], 2, (2, 1, 1)),
        ([4], 1, (1, 2, 2)),
        ([4], 4, (4, 0, 1)),  # all CPUs: none is reserved, else Ray waits for ever
        ([2], None, (1, 0, 1)),
        ([16, 16], 2, (2, 15, 15)),
        ([16, 16], 3, (3, 8, 8)),  # 10 each would leave the third nowhere to go
        ([2, 2, 2], 1, (1, 2, 2)),
        ([64], None, (13, 4, 4)),  # there is memory for no more
    ],
)
def test_shares_of_cpus(cpus, workers, expected):
    found = ours.shares(cpus, [0], 20 * GB, workers, 0)
    assert found == expected
    assert sum(cpus) - found[0] * found[1] >= ours.KEPT


def test_shares_of_gpus():
    assert ours.shares([8, 8], [2, 1], 64 * GB, None, 1) == (3, 0, 4)
    assert ours.shares([8], [1], 64 * GB, None, 0.5) == (2, 0, 3)
    assert ours.shares([8], [1], 64 * GB, 1, 0.5) == (1, 0, 6)
    with pytest.raises(ArgumentError, match='gpus=0.6 for 2 workers: Ray has GPUs for 1'):
        ours.shares([8], [1], 64 * GB, 2, 0.6)


def test_too_few_cpus():
    with pytest.raises(ArgumentError, match=r'Ray has 1 CPU, and needs 2.*ray.init\(num_cpus=2\) counts more'):
        ours.shares([1], [0], 64 * GB, None, 0)


SHAPED = np.arange(12, dtype=np.float32).reshape(2, 2, 3)


@pytest.mark.parametrize(
    ('column', 'expected', 'fixed'),
    [
        (pa.array([1.5, 2.5]), [1.5, 2.5], True),
        (pa.FixedSizeListArray.from_arrays(pa.array(SHAPED.ravel()), 6), SHAPED.reshape(2, 6).tolist(), True),
        (pa.array(SHAPED.reshape(2, 6).tolist()), SHAPED.reshape(2, 6).tolist(), False),
        (pa.array(SHAPED.tolist()), SHAPED.tolist(), False),
        (pa.array([[1, 2], [3]]), [[1, 2], [3]], False),
        (pa.array([[1, 2], None]), [[1, 2], None], False),
        (pa.array([[1, None], [3, 4]]), [[1.0, np.nan], [3.0, 4.0]], False),
    ],
)
def test_columns_as_rows(column, expected, fixed):
    half = len(column) // 2
    for chunked in (pa.chunked_array([column]), pa.chunked_array([column[:half], column[half:]])):
        values, is_fixed = as_rows(chunked)
        assert str([v if v is None else np.asarray(v).tolist() for v in values]) == str(expected)
        assert is_fixed == fixed


def test_attributions_as_columns():
    values = SHAPED.reshape(2, 6)
    assert as_fixed(values).type == pa.list_(pa.float32(), 6)
    assert as_lists(values).type == pa.list_(pa.float32())
    assert as_fixed(values).to_pylist() == as_lists(values).to_pylist() == values.tolist()
    assert as_fixed(values.astype('float64')).type == pa.list_(pa.float64(), 6)


def test_columns_that_are_read():
    columns = {'xs': ['a', 'b'], 'ys': [0, 1], 'baseline': 'c', 'feeds': {'rate': 0.5, 'scale:0': 'd'}, 'id': 'a'}
    assert ours.names_in(columns) == ['a', 'b', 'c', 'd']


def test_errors_of_workers():
    text = (
        'ray::MapWorker.submit() (pid=1)\n  File "x.py", line 5\n    raise ArgumentError(...)\n'
        'deepexplain.errors.ArgumentError: Two lines\nof ours. (In the batch of ids 1, 2.)\n\n'
        'The above exception was the direct cause of the following exception:\n\nray.exceptions.UserCodeException: UDF'
    )
    found = ours._ours(text)
    assert type(found) is ArgumentError
    assert str(found).startswith('Two lines\nof ours. (In the batch of ids 1, 2.)\nWhat is finished stays')
    found = ours._ours('OutOfMemoryError: gone')
    assert type(found) is DeepExplainError
    assert str(found).startswith('OutOfMemoryError: gone\n')


def test_places(tmp_path):
    assert Place(tmp_path, 'x').path == str(tmp_path)
    assert Place(f'file://{tmp_path}/', 'x').beside('.job').path == f'file://{tmp_path}.job'
    with pytest.raises(ArgumentError, match="source cannot be read as a place of files: 'nowhere://x'"):
        Place('nowhere://x', 'source')
    with pytest.raises(DeepExplainError, match='output must be a path or a URI; got 3'):
        Place(3, 'output')
