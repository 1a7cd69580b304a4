"""How many rows fit, and arrays that TensorFlow reads where they are."""

import pytest

from deepexplain.errors import MemoryLimitError
from deepexplain.tensorflow.runtime import memory
from deepexplain.tensorflow.runtime.memory import aligned_empty, bounded_parts, bounded_rows, check_fits, free_memory


def test_bounded_rows():
    assert [bounded_rows(size) for size in (4, 1 << 20, 1 << 30)] == [1024, 16, 1]
    assert [bounded_rows(size, backward=True) for size in (4, 1 << 20, 1 << 30)] == [1024, 8, 1]
    assert [bounded_parts(size) for size in (4, 1 << 20, 1 << 30)] == [4096, 32, 1]


@pytest.mark.parametrize('dtype', ['float32', 'float64', 'int64', 'float16'])
def test_arrays_for_tensorflow_begin_where_it_can_read_them(dtype):
    for shape in [(1,), (3, 5), (7, 1, 2)]:
        array = aligned_empty(shape, dtype)
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_what_does_not_fit_is_refused_with_its_size(monkeypatch):
    monkeypatch.setattr(memory, 'free_memory', lambda: 3 << 30)
    check_fits(3 << 30, 'This', 'less')
    with pytest.raises(
        MemoryLimitError, match='^This needs 1,024.0 GiB of memory, and 3.0 GiB are free: take less.$'
    ) as caught:
        check_fits(1 << 40, 'This', 'take less')
    assert isinstance(caught.value, MemoryError)
    monkeypatch.setattr(memory, 'free_memory', lambda: None)
    check_fits(1 << 60, 'This', 'where nobody knows')


def test_free_memory_is_between_nothing_and_a_lot():
    free = free_memory()
    assert free is None or 1 << 20 < free < 1 << 50
