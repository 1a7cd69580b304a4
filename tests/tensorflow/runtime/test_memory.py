"""How many rows fit, and arrays that TensorFlow reads where they are."""

import pytest

from deepexplain.tensorflow.runtime.memory import aligned_empty, bounded_rows


def test_bounded_rows():
    assert [bounded_rows(size) for size in (4, 1 << 20, 1 << 30)] == [1024, 16, 1]
    assert [bounded_rows(size, backward=True) for size in (4, 1 << 20, 1 << 30)] == [1024, 8, 1]


@pytest.mark.parametrize('dtype', ['float32', 'float64', 'int64', 'float16'])
def test_arrays_for_tensorflow_begin_where_it_can_read_them(dtype):
    for shape in [(1,), (3, 5), (7, 1, 2)]:
        array = aligned_empty(shape, dtype)
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable
