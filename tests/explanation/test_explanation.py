"""A result that knows itself: parts of it, its names, its files, its table and its page. NumPy only."""

import json
import os
import zipfile
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.explanation import Explanation, Top
from deepexplain.explanation.files import ARRAYS


def normal(*shape, seed=0):
    return np.random.RandomState(seed).normal(size=shape)


def table(n=5, **more):
    values = normal(n, 3)
    given = {
        'data': normal(n, 3, seed=1),
        'outputs': values.sum(axis=1) + 1,
        'base_value': np.ones(n),
        'delta': np.zeros(n),
        'baseline': np.zeros(3),
        'baseline_kind': 'one',
        'ys': np.eye(2)[np.arange(n) % 2],
        'input_names': ['x:0'],
        'feature_names': [['age', 'fare', 'deck']],
        'class_names': ['cat', 'dog'],
        'sample_names': list('abcdefghij'[:n]),
        'target': 'logits:0',
        'method': 'intgrad',
        'arguments': {'steps': 100, 'baseline': None},
        'quantity': 'contribution',
        'versions': {'numpy': '1'},
    }
    return Explanation(values, **{**given, **more})


def of_each():
    """Of two outputs and two inputs, each sample with a set of baselines of its own."""
    return Explanation(
        [normal(2, 4, 3), normal(2, 4, 2, 2, seed=1)],
        data=[normal(4, 3, seed=2), normal(4, 2, 2, seed=3)],
        baseline=[normal(4, 5, 3), normal(4, 5, 2, 2)],
        baseline_kind='sets',
        outputs=normal(2, 4),
        base_value=normal(2, 4, seed=4),
        delta=normal(2, 4, seed=5),
        each=True,
        input_names=['a:0', 'b:0'],
        feature_names=[['p', 'q', 'r'], None],
        class_names=['cat', 'dog'],
    )


def assert_same(a, b):
    for one in fields(Explanation):
        x, y = getattr(a, one.name), getattr(b, one.name)
        if one.name not in ARRAYS or x is None or y is None:
            assert x == y, one.name
            continue
        assert isinstance(x, list) == isinstance(y, list), one.name
        for v, w in zip(x, y) if isinstance(x, list) else [(x, y)]:
            np.testing.assert_array_equal(v, w, err_msg=one.name)
            assert np.asarray(v).dtype == np.asarray(w).dtype, one.name


# parts


@given(st.data())
def test_parts_are_what_numpy_takes(data):
    e, n = table(), 5
    index = data.draw(
        st.one_of(
            st.integers(-n, n - 1), st.slices(n), st.lists(st.integers(-n, n - 1), max_size=7), hnp.arrays(bool, n)
        )
    )
    which = np.atleast_1d(np.arange(n)[np.array(index, int) if isinstance(index, list) else index])
    part = e[index]
    assert len(part) == len(which)
    for name in ('values', 'data', 'outputs', 'base_value', 'delta', 'ys'):
        np.testing.assert_array_equal(getattr(part, name), getattr(e, name)[which])
    np.testing.assert_array_equal(part.baseline, e.baseline)
    assert part.sample_names == [e.sample_names[i] for i in which]
    assert part.method == e.method


def test_parts_of_every_output_have_the_outputs_first():
    e = of_each()
    part = e[[3, 1]]
    assert len(e) == 4
    for i in (0, 1):
        np.testing.assert_array_equal(part.values[i], e.values[i][:, [3, 1]])
        np.testing.assert_array_equal(part.data[i], e.data[i][[3, 1]])
        np.testing.assert_array_equal(part.baseline[i], e.baseline[i][[3, 1]])
    np.testing.assert_array_equal(part.delta, e.delta[:, [3, 1]])
    second = part.of_output(1).of_input(0)
    np.testing.assert_array_equal(second, e.values[0][1][[3, 1]])
    np.testing.assert_array_equal(second.outputs, e.outputs[1, [3, 1]])
    assert second.feature_names == [['p', 'q', 'r']]
    assert second.input_names == ['a:0']
    assert second.delta is None  # that of one input alone is none


def test_parts_that_are_not_there():
    with pytest.raises(IndexError, match='There are 5 samples; got 5'):
        table()[5]
    for index in ('a', 1.5, None, [[0, 1]], [True]):
        with pytest.raises(ArgumentTypeError, match='Samples are chosen by an int, a slice, a list of ints, or a bool'):
            table()[index]
    with pytest.raises(ArgumentError, match='There are 2 outputs, from 0 to 1; got 2'):
        of_each().of_output(2)
    with pytest.raises(ArgumentError, match="ys='each' explains every output"):
        table().of_output(0)
    with pytest.raises(ArgumentError, match='This explanation has one input'):
        table().of_input(0)


def test_iteration_ends():
    assert [one.sample_names for one in table(2)] == [['a'], ['b']]


def test_it_is_an_array_where_it_has_one_input():
    np.testing.assert_array_equal(np.asarray(table()), table().values)
    assert np.asarray(table(), np.float32).dtype == np.float32
    with pytest.raises(ArgumentTypeError, match=r'has 2 inputs, so it is no array: take .of_input\(i\)'):
        np.asarray(of_each())


# names


def test_top_is_by_size():
    e = table(2)
    for row, found in zip(range(2), e.top(2)):
        order = np.argsort(-np.abs(e.values[row]))[:2]
        assert found == [Top(['age', 'fare', 'deck'][j], e.values[row, j], e.data[row, j]) for j in order]
    assert [len(found) for found in e.top()] == [3, 3]
    nan = Explanation(np.array([[np.nan, 0.0, -1.0]]))
    assert [one.name for one in nan.top()[0]] == ['[2]', '[1]', '[0]']
    with pytest.raises(ArgumentError, match=r'top is of one output: take .of_output\(i\) first'):
        of_each().top()
    with pytest.raises(ArgumentError, match='n must be at least 1'):
        e.top(0)


def test_names_of_values_of_any_shape():
    names = [one.name for one in of_each().of_output(0)[:1].top(7)[0]]
    assert sorted(names) == ['a:0 p', 'a:0 q', 'a:0 r', 'b:0[0, 0]', 'b:0[0, 1]', 'b:0[1, 0]', 'b:0[1, 1]']


# files


def endings():
    modules = {'.npz': 'numpy', '.h5': 'h5py', '.hdf5': 'h5py', '.parquet': 'pyarrow', '.zarr': 'zarr'}
    return pytest.mark.parametrize(('ending', 'module'), list(modules.items()))


@endings()
@pytest.mark.parametrize('make', [table, of_each, lambda: Explanation(np.ones((2, 3, 4), np.float32))])
def test_a_file_has_all_of_it(tmp_path, ending, module, make):
    pytest.importorskip(module)
    path = tmp_path / f'x{ending}'
    for e in (make(), make()[:1]):  # the second replaces the first
        e.save(path)
        assert_same(Explanation.load(path), e)
        assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize('ending', ['.npz', '.h5'])
def test_odd_names_and_arguments(tmp_path, ending):
    e = table(1, feature_names=[['<b>', 'ä', '']], arguments={'baseline': [0.5, None], 'function': '<lambda>'})
    e.save(tmp_path / f'x{ending}')
    assert_same(Explanation.load(str(tmp_path / f'x{ending}')), e)


def test_no_pickle_is_read_or_written(tmp_path):
    path = tmp_path / 'x.npz'
    table().save(path)
    for name in zipfile.ZipFile(str(path)).namelist():
        assert b'|O' not in zipfile.ZipFile(str(path)).read(name)[:200]
    evil = np.empty(1, object)
    evil[0] = {'a': 1}
    np.savez(str(path), meta=evil, values_0=evil)
    with pytest.raises(ArgumentError, match=r"x.npz' cannot be read as an explanation: .*allow_pickle"):
        Explanation.load(path)


def test_files_that_are_none(tmp_path):
    with pytest.raises(ArgumentError, match="There is no file '.*x.npz'"):
        Explanation.load(tmp_path / 'x.npz')
    with pytest.raises(ArgumentError, match='path must end in .npz, .h5, .hdf5, .parquet, .zarr; got'):
        table().save(tmp_path / 'x.pickle')
    with pytest.raises(ArgumentTypeError, match='path must be the name of a file; got 3'):
        Explanation.load(3)
    (tmp_path / 'x.npz').write_text('no')
    with pytest.raises(ArgumentError, match='cannot be read as an explanation'):
        Explanation.load(tmp_path / 'x.npz')
    np.savez(str(tmp_path / 'y.npz'), a=np.ones(2))
    with pytest.raises(ArgumentError, match='it holds a, and no explanation'):
        Explanation.load(tmp_path / 'y.npz')
    meta = {'format': 2, 'lists': [], 'rest': {}}
    np.savez(str(tmp_path / 'z.npz'), meta=np.frombuffer(json.dumps(meta).encode(), np.uint8))
    with pytest.raises(ArgumentError, match='format 2; this version of deepexplain reads 1'):
        Explanation.load(tmp_path / 'z.npz')
    meta['format'] = 1
    np.savez(str(tmp_path / 'z.npz'), meta=np.frombuffer(json.dumps(meta).encode(), np.uint8))
    with pytest.raises(ArgumentError, match='holds no explanation'):
        Explanation.load(tmp_path / 'z.npz')


def test_a_directory_that_is_no_explanation_is_left_alone(tmp_path):
    pytest.importorskip('zarr')
    (tmp_path / 'x.zarr').mkdir()
    (tmp_path / 'x.zarr' / 'thesis.txt').write_text('years')
    with pytest.raises(ArgumentError, match='is a directory, and no zarr group: nothing in it is replaced'):
        table().save(tmp_path / 'x.zarr')
    assert (tmp_path / 'x.zarr' / 'thesis.txt').read_text() == 'years'


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'x.npz'
    table().save(path)
    monkeypatch.setattr(np, 'savez_compressed', lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        table(2).save(path)
    assert os.listdir(tmp_path) == ['x.npz']
    assert_same(Explanation.load(path), table())


# a table


def test_a_frame_has_a_row_for_each_sample():
    pytest.importorskip('pandas')
    e = table()
    frame = e.to_frame()
    np.testing.assert_array_equal(frame.to_numpy(), e.values)
    assert list(frame.columns) == ['age', 'fare', 'deck']
    assert list(frame.index) == list('abcde')
    both = of_each().to_frame()
    assert both.shape == (8, 7)
    assert both.loc[('dog', 3), 'b:0[1, 0]'] == of_each().values[1][1, 3, 1, 0]


# a page


def test_the_page_escapes_what_is_in_it():
    e = table(7, feature_names=[['<script>alert(1)</script>', 'b&c', 'd']], sample_names=['<i>'] * 7, method='"><img>')
    page = e._repr_html_()
    assert '<script' not in page
    assert '<i>' not in page
    assert '<img' not in page
    assert '&lt;script&gt;' in page
    assert page.count('<tr>') == 1 + 5
    assert 'and 2 more' in page
    assert 'T(baseline)' in page
    assert 'of_output(i)' in of_each()._repr_html_()


def test_it_is_shown():
    assert repr(table()) == "Explanation by 'intgrad' of 'logits:0': 5 samples, values of shape (5, 3)"
