"""Attributions written while they are computed: equal to those of run, whatever samples come in; what is refused."""

import errno
import json
import os
import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from small import dense, mlp, normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainWarning, OutputError
from deepexplain.tensorflow import DeepExplain, open_model
from deepexplain.tensorflow.streaming import journal, outputs, run_to

try:
    import zarr
except ImportError:  # before Python 3.11
    zarr = None

XS = normal(50, 4, seed=3).astype(np.float32)
YS = np.eye(3)[np.arange(50) % 3]
KINDS = ['.npy', pytest.param('.zarr', marks=pytest.mark.skipif(zarr is None, reason='needs zarr'))]
each_kind = pytest.mark.parametrize('kind', KINDS)


@pytest.fixture
def explainer(session):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4], name='x')
        return de.get_explainer('deeplift', mlp(X), X)


def chunks_of(explainer, chunk, xs=XS, ys=YS):
    """What run says of each chunk, put together."""
    parts = [slice(start, start + chunk) for start in range(0, len(xs), chunk)]
    return np.concatenate([explainer.run(xs[part], None if ys is None else ys[part]) for part in parts])


class NoIterator:
    """What says that it is one, and is not."""

    def __iter__(self):
        return 5


class Counted:
    """An explainer's run, counted: the first sample of each call."""

    def __init__(self, explainer, monkeypatch):
        self.starts, original = [], type(explainer).run

        def run(self_, xs, *args, **kwargs):
            self.starts.append(int(np.flatnonzero((np.asarray(xs)[0] == XS).all(axis=1))[0]))
            return original(self_, xs, *args, **kwargs)

        monkeypatch.setattr(type(explainer), 'run', run)


@each_kind
@pytest.mark.parametrize('chunk', [1, 7, 50, 1000])
def test_what_is_written_is_what_run_says_of_each_chunk(explainer, tmp_path, kind, chunk):
    found = explainer.run_to(tmp_path / f'out{kind}', XS, YS, chunk=chunk, progress=False)
    assert (found.shape, found.dtype) == (XS.shape, np.float32)
    np.testing.assert_array_equal(found, chunks_of(explainer, chunk))
    if kind == '.npy':
        np.testing.assert_array_equal(np.load(str(tmp_path / 'out.npy')), found)
        assert not found.flags.writeable
    else:
        assert zarr.open_array(tmp_path / 'out.zarr', mode='r').chunks == (min(chunk, 50), 4)
    names = {f'out{kind}', f'out{kind}.journal'}
    assert set(os.listdir(str(tmp_path))) == names  # neither a lock nor a list of bad rows


@pytest.mark.parametrize('target', [1, 'top', [0, 2, 1, 1, 0] * 10, np.arange(50) % 3, range(3), 'a Series'])
def test_targets_go_along_with_the_samples(explainer, tmp_path, target):
    if isinstance(target, str) and target == 'a Series':
        target = pytest.importorskip('pandas').Series([2, 0] * 25, dtype='int8')
    count = len(target) if hasattr(target, '__len__') and not isinstance(target, str) else 50
    found = explainer.run_to(tmp_path / 'out.npy', XS[:count], chunk=7, progress=False, target=target)
    np.testing.assert_allclose(found, explainer.run(XS[:count], target=target), rtol=1e-5, atol=1e-7)
    other = [1] * count if isinstance(target, str) else 'top'
    with pytest.raises(ArgumentError, match='is of another job.*: target is .* there, and .* here'):
        explainer.run_to(tmp_path / 'out.npy', XS[:count], chunk=7, progress=False, target=other)
    if isinstance(target, np.ndarray):  # the same in another form
        explainer.run_to(tmp_path / 'out.npy', XS, chunk=7, progress=False, target=target.astype(np.int32).tolist())


def test_names_of_classes_go_along_with_the_samples(tmp_path):
    with tf.Graph().as_default() as graph:
        tf.identity(mlp(tf.placeholder(tf.float32, [None, 4], name='x')), name='T')
    (tmp_path / 'mlp.pb').write_bytes(graph.as_graph_def().SerializeToString())
    with open_model(tmp_path / 'mlp.pb', outputs='T', class_names=['a', 'b', 'c']) as model:
        explainer = model.get_explainer('deeplift', model.outputs[0], model.inputs[0])
        names = ['c', 'a'] * 25
        for i, target in enumerate([names, np.array(names), np.array(names, object)]):
            found = explainer.run_to(tmp_path / f'{i}.npy', XS, chunk=9, progress=False, target=target)
            np.testing.assert_allclose(found, explainer.run(XS, target=[2, 0] * 25), rtol=1e-5, atol=1e-7)


@each_kind
def test_a_finished_run_is_read_and_not_computed_again(explainer, tmp_path, kind, monkeypatch):
    path = tmp_path / f'out{kind}'
    first = np.array(explainer.run_to(path, XS, YS, chunk=8, progress=False))
    counted = Counted(explainer, monkeypatch)
    np.testing.assert_array_equal(explainer.run_to(path, XS, YS, chunk=8, progress=False), first)
    assert counted.starts == []


@each_kind
def test_samples_may_be_on_disk_or_come_in_pieces(explainer, tmp_path, kind):
    h5py = pytest.importorskip('h5py')
    np.save(str(tmp_path / 'xs.npy'), XS)
    sources = {
        'list': XS.tolist(),
        'memory map': np.load(str(tmp_path / 'xs.npy'), mmap_mode='r'),
        'iterator': (XS[start : start + 9] for start in range(0, 50, 9)),
        'single samples': (x[None] for x in XS),
        'a whole': iter([XS]),
        'with gaps': iter([XS[:0], XS[:20], XS[20:20], XS[20:], XS[:0]]),
    }
    with h5py.File(str(tmp_path / 'xs.h5'), 'w') as file:
        sources['HDF5'] = file.create_dataset('xs', data=XS)
        if zarr is not None:
            sources['zarr'] = zarr.create_array(str(tmp_path / 'xs.zarr'), data=XS, chunks=(6, 4))
        wanted = chunks_of(explainer, 8)
        for name, xs in sources.items():
            found = explainer.run_to(tmp_path / f'{name}{kind}', xs, YS, chunk=8, progress=False)
            np.testing.assert_array_equal(found, wanted, err_msg=name)
            assert found.shape == (50, 4)


@each_kind
def test_of_an_iterator_the_length_may_be_unknown(explainer, tmp_path, kind):
    found = explainer.run_to(tmp_path / f'out{kind}', iter([XS[:30], XS[30:]]), [0, 1, 0], chunk=8, progress=False)
    wanted = chunks_of(explainer, 8, ys=np.tile([0, 1, 0], (50, 1)))
    np.testing.assert_array_equal(found, wanted)


@each_kind
def test_an_interrupted_run_goes_on_where_it_was(explainer, tmp_path, kind, monkeypatch):
    path, original = tmp_path / f'out{kind}', type(explainer).run
    for source in (lambda: XS, lambda: (XS[i : i + 11] for i in range(0, 50, 11))):
        path = tmp_path / f'{source.__code__.co_firstlineno}{len(os.listdir(str(tmp_path)))}{kind}'
        calls = []

        def interrupted(self, xs, *args, calls=calls, **kwargs):
            calls.append(len(xs))
            if len(calls) == 4:
                raise KeyboardInterrupt
            return original(self, xs, *args, **kwargs)

        monkeypatch.setattr(type(explainer), 'run', interrupted)
        with pytest.raises(
            KeyboardInterrupt, match='keeps the chunks that are finished: the same call goes on from the'
        ):
            explainer.run_to(path, source(), YS, chunk=8, progress=False)
        if kind == '.npy':
            assert len(np.load(str(path))) == 0  # until it is finished
        counted = Counted(explainer, monkeypatch)
        monkeypatch.setattr(type(explainer), 'run', original)
        counted = Counted(explainer, monkeypatch)
        found = explainer.run_to(path, source(), YS, chunk=8, progress=False)
        assert counted.starts == [24, 32, 40, 48]
        monkeypatch.setattr(type(explainer), 'run', original)
        np.testing.assert_array_equal(found, chunks_of(explainer, 8))


def test_feeds_and_baselines_go_along_with_the_samples(session, tmp_path):
    with DeepExplain(session=session) as de:
        X, scale = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None], name='scale')
        table, rate = tf.placeholder(tf.float32, [None, 3], name='table'), tf.placeholder(tf.float32, [], name='rate')
        T = mlp(X) * scale[:, None] * rate + tf.reduce_sum(table, axis=0)
        explainer = de.get_explainer('intgrad', T, X, steps=5, baseline=XS[::-1] / 3)
    feeds = {'scale:0': np.arange(50.0), 'rate': 2.0, 'table': normal(6, 3)}
    found = explainer.run_to(tmp_path / 'out.npy', XS, YS, chunk=8, feed_dict=feeds, progress=False)
    np.testing.assert_allclose(found, explainer.run(XS, YS, feed_dict=feeds), rtol=1e-5, atol=1e-6)
    for rows in (8, 2):  # as many as a chunk, or the last
        with pytest.raises(
            ArgumentError, match=rf"the value of 'table:0' has {rows} rows, as many as a chunk of the sam"
        ):
            explainer.run_to(
                tmp_path / 'b.npy', XS, chunk=8, feed_dict={**feeds, 'table': normal(rows, 3)}, progress=False
            )
    with pytest.raises(ArgumentError, match='baseline must have a row for each of the 10 samples of xs; got 50'):
        explainer.run_to(tmp_path / 'b.npy', XS[:10], feed_dict=feeds, progress=False)


@each_kind
def test_several_inputs_have_a_file_each(session, tmp_path, kind):
    with DeepExplain(session=session) as de:
        A, B = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32, [None, 2])
        T = tf.nn.relu(dense(A, 3)) * tf.nn.softplus(dense(B, 3))
        explainer = de.get_explainer('deeplift', T, [A, B], baseline=[XS / 2, 0.5], rules='complete')
    bs, paths = normal(50, 2), [str(tmp_path / f'{name}{kind}') for name in 'ab']
    found = explainer.run_to(paths, [XS, bs], YS, chunk=8, progress=False)
    for one, wanted in zip(found, explainer.run([XS, bs], YS)):
        np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=1e-6)
    pieces = ([XS[i : i + 9], bs[i : i + 9]] for i in range(0, 50, 9))
    again = explainer.run_to([path + f'2{kind}' for path in paths], pieces, YS, chunk=8, progress=False)
    for one, wanted in zip(again, found):
        np.testing.assert_array_equal(one, wanted)
    with pytest.raises(ArgumentTypeError, match=r"path must be a list of 2 paths, such as \['a.npy', 'b.npy'\]"):
        explainer.run_to(paths[0], [XS, bs], progress=False)
    with pytest.raises(ArgumentError, match='path must be a list of 2; got 1'):
        explainer.run_to(paths[:1], [XS, bs], progress=False)
    with pytest.raises(ArgumentError, match='path must be a list of different paths'):
        explainer.run_to(paths[:1] * 2, [XS, bs], progress=False)


@each_kind
@pytest.mark.parametrize(
    ('method', 'options', 'shape'),
    [
        ('shapley_sampling', {'samples': 2, 'seed': 5, 'sampling_dims': [1]}, (30, 6)),
        ('occlusion', {'window_shape': (2, 2, 1)}, (30, 6, 5, 1)),
        ('grad_cam', {'layer': 'z', 'resize': None}, (30, 5, 4, 1)),
        ('saliency', {'layer': 'z'}, (30, 5, 4, 2)),
    ],
)
def test_results_of_any_shape(session, tmp_path, kind, method, options, shape):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 6, 5, 1])
        z = tf.nn.relu(tf.nn.conv2d(X, tf.constant(normal(2, 2, 1, 2), tf.float32), [1, 1, 1, 1], 'VALID'), name='z')
        explainer = de.get_explainer(method, dense(tf.reshape(z, [-1, 40]), 3), X, **options)
    xs = normal(30, 6, 5, 1)
    found = explainer.run_to(tmp_path / f'out{kind}', xs, [0, 1, 0], chunk=7, progress=False)
    assert found.shape == shape
    np.testing.assert_allclose(found, explainer.run(xs, [0, 1, 0]), rtol=1e-4, atol=1e-6)


def test_bfloat16_is_written_as_float32(session, tmp_path):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.bfloat16, [None, 4])
        explainer = de.get_explainer('grad*input', tf.reduce_sum(X * X, axis=1), X)
    found = explainer.run_to(tmp_path / 'out.npy', XS, chunk=8, progress=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, explainer.run(XS).astype(np.float32))


def test_a_network_with_a_fixed_batch_has_chunks_of_whole_batches(session, tmp_path):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [6, 4])
        explainer = de.get_explainer('grad*input', mlp(X), X)
    found = explainer.run_to(tmp_path / 'out.npy', XS, progress=False)
    np.testing.assert_array_equal(found, explainer.run(XS))
    job = json.loads(open_text(tmp_path / 'out.npy.journal').splitlines()[0])
    assert job['chunk'] == 1020


def open_text(path):
    with open(str(path)) as file:
        return file.read()


# Rows that cannot be explained


@each_kind
def test_bad_rows_are_found_before_anything_is_computed(explainer, tmp_path, kind, monkeypatch):
    xs = XS.copy()
    xs[49, 2], xs[20, 0] = np.nan, np.inf
    counted = Counted(explainer, monkeypatch)
    with pytest.raises(ArgumentError, match=r"in 2 samples: the first is at index 20.*on_bad_rows='nan'"):
        explainer.run_to(tmp_path / f'out{kind}', xs, YS, chunk=8, progress=False)
    assert counted.starts == []
    assert os.listdir(str(tmp_path)) == []


@each_kind
@pytest.mark.parametrize('is_iterator', [False, True])
def test_bad_rows_get_nan_and_their_neighbours_what_they_would_get(explainer, tmp_path, kind, is_iterator):
    wanted = chunks_of(explainer, 8)
    xs, bad = XS.copy(), [0, 3, *range(16, 24), 49]  # one chunk is bad altogether
    xs[bad, 1] = np.nan
    source = iter([xs[:10], xs[10:]]) if is_iterator else xs
    path = tmp_path / f'out{kind}'
    found = explainer.run_to(path, source, YS, chunk=8, on_bad_rows='nan', progress=False)
    good = np.setdiff1d(np.arange(50), bad)
    np.testing.assert_array_equal(found[:][good], wanted[good])
    assert np.isnan(found[:][bad]).all()
    lines = open_text(tmp_path / 'out.bad.txt').splitlines()
    assert [int(line.split()[0]) for line in lines] == bad
    assert lines[0] == '0 nan, infinite values or numbers that do not fit'
    source = iter([xs[:10], xs[10:]]) if is_iterator else xs
    again = explainer.run_to(path, source, YS, chunk=8, on_bad_rows='nan', progress=False)  # reads, finds it whole
    np.testing.assert_array_equal(again, found)


def test_of_an_iterator_they_are_found_when_they_come(explainer, tmp_path):
    xs = XS.copy()
    xs[20] = np.nan
    with pytest.raises(ArgumentError, match='in 1 sample: the first is at index 20'):
        explainer.run_to(tmp_path / 'out.npy', iter([xs]), YS, chunk=8, progress=False)
    found = explainer.run_to(tmp_path / 'out.npy', iter([XS]), YS, chunk=8, progress=False)  # goes on, with better data
    np.testing.assert_array_equal(found, chunks_of(explainer, 8))


# Damage


def _half(path):
    with open(path, 'r+b') as file:
        file.truncate(os.path.getsize(path) // 2)


def _flip(path, at=-3):
    with open(path, 'r+b') as file:
        file.seek(at, 2 if at < 0 else 0)
        byte = file.read(1)
        file.seek(at, 2 if at < 0 else 0)
        file.write(bytes([byte[0] ^ 4]))


def _cut_journal(path):
    size = os.path.getsize(path)
    with open(path, 'r+b') as file:
        file.truncate(size - 5)


def _append_half_a_line(path):
    with open(path, 'ab') as file:
        file.write(b'48 50 0123')


def _chunk_file(i):
    return os.path.join('out.zarr', 'c', str(i), '0')


#: What is done to which file, and which chunks are computed again: samples they begin with. With a warning of the same.
DAMAGES = {
    'npy, cut in half': ('.npy', 'out.npy', _half, [16, 24, 32, 40, 48], True),
    'npy, a bit': ('.npy', 'out.npy', _flip, [48], True),
    'npy, the first row': ('.npy', 'out.npy', lambda path: _flip(path, 260), [0], True),
    'npy, its header': ('.npy', 'out.npy', lambda path: _flip(path, 40), [], False),
    'npy, deleted': ('.npy', 'out.npy', os.remove, [0, 8, 16, 24, 32, 40, 48], True),
    'npy, a line of the journal cut': ('.npy', 'out.npy.journal', _cut_journal, [48], False),
    'npy, half a line more': ('.npy', 'out.npy.journal', _append_half_a_line, [], False),
    'zarr, a chunk cut in half': ('.zarr', _chunk_file(2), _half, [16], True),
    'zarr, a bit': ('.zarr', _chunk_file(6), _flip, [48], True),
    'zarr, a chunk deleted': ('.zarr', _chunk_file(0), os.remove, [0], True),
    'zarr, its description cut': ('.zarr', os.path.join('out.zarr', 'zarr.json'), _half, [*range(0, 50, 8)], True),
    'zarr, a line of the journal cut': ('.zarr', 'out.zarr.journal', _cut_journal, [48], False),
    'zarr, half a line more': ('.zarr', 'out.zarr.journal', _append_half_a_line, [], False),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_what_is_damaged_and_only_that_is_computed_again(explainer, tmp_path, damage, monkeypatch):
    kind, name, do, starts, warns = DAMAGES[damage]
    if kind == '.zarr' and zarr is None:
        pytest.skip('needs zarr')
    path = tmp_path / f'out{kind}'
    wanted = np.array(explainer.run_to(path, XS, YS, chunk=8, progress=False))
    do(str(tmp_path / name))
    counted = Counted(explainer, monkeypatch)
    if warns:
        told = ', '.join(f'{start} to {min(start + 8, 50)}' for start in starts[:5])
        with pytest.warns(
            DeepExplainWarning, match=rf'is damaged in the chunks? of samples {re.escape(told)}.*computed ag'
        ):
            found = explainer.run_to(path, XS, YS, chunk=8, progress=False)
    else:
        found = explainer.run_to(path, XS, YS, chunk=8, progress=False)
    assert counted.starts == starts
    np.testing.assert_array_equal(found, wanted)
    counted.starts.clear()
    np.testing.assert_array_equal(explainer.run_to(path, XS, YS, chunk=8, progress=False), wanted)
    assert counted.starts == []


# Other jobs


@each_kind
def test_another_job_is_refused_with_both_sides_and_nothing_is_written(session, tmp_path, kind):
    path = str(tmp_path / f'out{kind}')
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4], name='x')
        weights = tf.Variable(normal(4, 3).astype(np.float32))
        T = tf.nn.relu(tf.matmul(X, weights))
        session.run(tf.global_variables_initializer())
        explainer = de.get_explainer('intgrad', T, X, steps=5)
        others = {
            'method is .intgrad. there, and .grad.input. here': de.get_explainer('grad*input', T, X),
            'steps is 5 there, and 6 here': explainer.with_arguments(steps=6),
            "baseline is None there, and '0.5' here": explainer.with_arguments(steps=5, baseline=0.5),
            "T is 'Relu:0' there, and 'MatMul:0' here": de.get_explainer('intgrad', T.op.inputs[0], X, steps=5),
        }
    wanted = np.array(explainer.run_to(path, XS, YS, chunk=8, progress=False))
    before = snapshot(tmp_path)

    def refused(match, explainer=explainer, xs=XS, ys=YS, chunk=8, **more):
        with pytest.raises(ArgumentError, match=f'is of another job, and is not overwritten: .*{match}'):
            explainer.run_to(path, xs, ys, chunk=chunk, progress=False, **more)
        assert snapshot(tmp_path) == before

    for match, other in others.items():
        refused(match, other)
    refused('chunk is 8 there, and 9 here', chunk=9)
    refused('batch_size is None there, and 4 here', batch_size=4)
    refused('samples is 50 there, and 40 here', xs=XS[:40], ys=YS[:40])
    refused('ys is .float64.* there, and None here', ys=None)
    for row in (0, 30):  # in the first chunk, and further on
        changed = XS.copy()
        changed[row, 1] = np.nextafter(changed[row, 1], np.float32(9))
        refused(r"xs is \['float32 \(4,\) sha256.* there, and \['float32.* here", xs=changed)
    value = session.run(weights)
    changed = value.copy()
    changed[3, 2] = np.nextafter(changed[3, 2], np.float32(9))
    weights.load(changed, session)
    refused("network is '.*' there, and '.*' here")
    weights.load(value, session)
    np.testing.assert_array_equal(explainer.run_to(path, XS, YS, chunk=8, progress=False), wanted)


def snapshot(folder):
    found = {}
    for place, _, names in os.walk(str(folder)):
        for name in names:
            with open(os.path.join(place, name), 'rb') as file:
                found[os.path.join(place, name)] = file.read()
    return found


@each_kind
def test_what_is_there_is_never_overwritten(explainer, tmp_path, kind):
    path = tmp_path / f'out{kind}'
    path.write_text('mine')
    with pytest.raises(ArgumentError, match='is there, without the journal of a run that could go on'):
        explainer.run_to(path, XS, progress=False)
    with pytest.raises(ArgumentError, match='is there, and resume=False overwrites nothing: give another path'):
        explainer.run_to(path, XS, resume=False, progress=False)
    assert path.read_text() == 'mine'
    path = tmp_path / f'new{kind}'
    explainer.run_to(path, XS, resume=False, progress=False)
    with pytest.raises(ArgumentError, match='is there, and resume=False overwrites nothing'):
        explainer.run_to(path, XS, resume=False, progress=False)
    (tmp_path / f'odd{kind}.journal').write_text('no journal\n')
    with pytest.raises(ArgumentError, match='is not a journal of run_to, or its first line is damaged'):
        explainer.run_to(tmp_path / f'odd{kind}', XS, progress=False)


# Disks and other processes


@each_kind
def test_a_full_disk_is_told_in_words_and_the_run_goes_on_once_there_is_room(explainer, tmp_path, kind, monkeypatch):
    path = tmp_path / f'out{kind}'
    for what in (outputs.NpyOutput if kind == '.npy' else outputs.ZarrOutput, journal.Journal):
        name = 'write' if what is not journal.Journal else 'note_chunk'
        original, calls = getattr(what, name), []

        def full(self, *args, original=original, calls=calls):
            calls.append(args)
            if len(calls) == 3:
                raise OSError(errno.ENOSPC, 'No space left on device')
            return original(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(what, name, full)
            with pytest.raises(
                OutputError, match=r'cannot be written: No space left on device.*make room, and the same c'
            ):
                explainer.run_to(path, XS, YS, chunk=5, progress=False)
    with monkeypatch.context() as patch:
        counted = Counted(explainer, patch)
        found = explainer.run_to(path, XS, YS, chunk=5, progress=False)
    assert counted.starts == [20, 25, 30, 35, 40, 45]
    np.testing.assert_array_equal(found, chunks_of(explainer, 5))


def test_two_writers_of_one_path_are_one_too_many(explainer, tmp_path):
    path = str(tmp_path / 'out.npy')
    message = rf"'{path}' is being written by another process, of pid {os.getpid()}"
    with journal.only_writer(path + '.lock', path), pytest.raises(OutputError, match=message):
        explainer.run_to(path, XS, progress=False)
    assert not os.path.exists(path + '.lock')
    with open(path + '.lock', 'w') as file:
        file.write('99999')  # left behind by a process that was killed
    explainer.run_to(path, XS, progress=False)
    assert not os.path.exists(path + '.lock')


# What is refused


def test_paths_that_cannot_be_written_to(explainer, tmp_path):
    with pytest.raises(
        ArgumentError, match='HDF5 keeps its index in place.*Give a path that ends in .zarr or .npy; xs m'
    ):
        explainer.run_to(tmp_path / 'out.h5', XS)
    with pytest.raises(ArgumentError, match=r"path must end in .zarr or .npy; got 'out.csv'"):
        explainer.run_to('out.csv', XS)
    with pytest.raises(ArgumentError, match=r"There is no folder '.*nowhere' to write 'out.npy' to"):
        explainer.run_to(tmp_path / 'nowhere' / 'out.npy', XS)
    with pytest.raises(ArgumentTypeError, match=r'path must be a path that ends in .zarr or .npy; got 3'):
        explainer.run_to(3, XS)
    with pytest.raises(ArgumentTypeError, match=r'path must be a path that ends in'):
        explainer.run_to([tmp_path / 'out.npy'], XS)


@pytest.mark.skipif(zarr is not None, reason='there is zarr')
def test_without_zarr_the_error_says_what_to_install(explainer, tmp_path):
    with pytest.raises(ImportError, match=r"needs zarr 3.*pip install 'deepexplain\[zarr\]'.*ends in .npy"):
        explainer.run_to(tmp_path / 'out.zarr', XS)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        (
            {'ys': 'each'},
            ArgumentError,
            "ys must be an array of weights here; got 'each'. Of several outputs write each",
        ),
        ({'ys': np.zeros((49, 3))}, ArgumentError, 'ys must have a row for each of the 50 samples of xs; got 49'),
        ({'ys': [0, 1]}, ArgumentError, r'ys must have the shape of T: \(50, 3\)'),
        ({'ys': YS * np.nan}, ArgumentError, 'ys must be finite'),
        ({'target': 1}, ArgumentError, r'Give target .* or ys .*, not both'),
        ({'ys': None, 'target': [0] * 49}, ArgumentError, 'target must have a row for each of the 50 samples'),
        ({'ys': None, 'target': [0] * 49 + [3]}, ArgumentError, 'target must be from 0 to 2.*; got 3'),
        ({'ys': None, 'target': [0.0] * 50}, ArgumentTypeError, 'target must be an int.*got float64 numbers'),
        ({'ys': None, 'target': ['a', 1] * 25}, ArgumentTypeError, 'target must be an int.*got 1 among names'),
        ({'ys': None, 'target': ['a'] * 50}, ArgumentError, "got 'a', and no class names are known"),
        ({'ys': None, 'target': 'best'}, ArgumentError, "got 'best', and no class names are known"),
        (
            {'explanation': True},
            ArgumentError,
            r'leave explanation out here; .* run\(xs\[:100\], explanation=True\)',
        ),
        ({'explanation': 1}, ArgumentTypeError, 'explanation must be True or False; got 1'),
        ({'chunk': 0}, ArgumentError, 'chunk must be at least 1; got 0'),
        ({'chunk': 2.0}, ArgumentTypeError, 'chunk must be an integer; got 2.0'),
        ({'batch_size': 0}, ArgumentError, 'batch_size must be at least 1'),
        ({'on_bad_rows': 'skip'}, ArgumentError, "on_bad_rows must be one of 'error', 'nan'; got 'skip'"),
        ({'resume': 1}, ArgumentTypeError, 'resume must be True or False; got 1'),
        ({'progress': None}, ArgumentTypeError, 'progress must be True or False'),
        ({'feed_dict': [1]}, ArgumentTypeError, 'feed_dict must be a dict'),
        ({'feed_dict': {'x:0': XS}}, ArgumentError, "feed_dict must not hold 'x:0'"),
        ({'xs': XS[:, :3]}, ArgumentError, r"xs must have the shape of 'x:0', \(None, 4\)"),
        ({'xs': XS[:0]}, ArgumentError, 'xs is empty'),
        ({'xs': iter([])}, ArgumentError, 'xs is an iterator of nothing'),
        (
            {'xs': iter([(XS, YS)])},
            ArgumentTypeError,
            'pieces of an iterator must be arrays of samples; got a tuple.*labe',
        ),
        ({'xs': iter([XS, XS[:, :2]])}, ArgumentError, r"xs must have the shape of 'x:0'"),
        ({'xs': NoIterator()}, ArgumentTypeError, 'xs is no iterator of samples: '),
        ({'xs': {'x': XS}}, ArgumentTypeError, 'xs must be an array of samples; got a dict'),
        (
            {'xs': iter([XS]), 'ys': YS[:40]},
            ArgumentError,
            'xs has more samples than ys, target or baseline have rows, which are 40',
        ),
        (
            {'xs': iter([XS[:40]]), 'ys': YS},
            ArgumentError,
            'ys, target or baseline have 50 rows, and xs had only 40 samples',
        ),
    ],
)
def test_arguments_that_do_not_fit(explainer, tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        explainer.run_to(tmp_path / 'out.npy', **{'xs': XS, 'ys': YS, 'progress': False, **arguments})
    if isinstance(arguments.get('xs', XS), np.ndarray):  # an iterator tells too late
        assert not (tmp_path / 'out.npy').exists()


@pytest.mark.filterwarnings('ignore:T .* is random')
def test_explainers_that_depend_on_the_cut(session, tmp_path):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, 4])
        refused = [
            ('draws at random', de.get_explainer('shapley_sampling', mlp(X), X)),
            ('baseline is a function of xs', de.get_explainer('deeplift', mlp(X), X, baseline=lambda xs: xs.mean(0))),
            ('mixes samples', de.get_explainer('saliency', mlp(X - tf.reduce_mean(X, axis=0)), X)),
            ('is random, so no two runs', de.get_explainer('saliency', mlp(X + tf.random_normal([4])), X)),
            ('needs one value of T for each sample', de.get_explainer('saliency', tf.reduce_sum(mlp(X)), X)),
            (
                'returns more than attributions',
                de.get_explainer('shapley_sampling', mlp(X), X, samples=2, seed=0, return_standard_error=True),
            ),
        ]
    for message, explainer in refused:
        for ys in (None, 1.0) if 'one value of T' in message else (None,):
            with pytest.raises(ArgumentError, match=message):
                explainer.run_to(tmp_path / 'out.npy', XS, ys, progress=False)
        assert not (tmp_path / 'out.npy').exists()


def test_samples_that_become_larger_do_not_fit_one_file(session, tmp_path):
    with DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float32, [None, None])
        explainer = de.get_explainer('grad*input', tf.reduce_sum(X**2, axis=1), X)
    with pytest.raises(ArgumentError, match=r'samples 8 to 16 are <f4 \(3,\), and those before <f4 \(4,\)'):
        explainer.run_to(tmp_path / 'out.npy', iter([XS[:8], XS[:8, :3]]), chunk=8, progress=False)


def test_there_is_a_bar_of_samples_with_the_time_left(explainer, tmp_path, capsys):
    explainer.run_to(tmp_path / 'out.npy', XS, YS, chunk=10)
    assert re.search(r'deeplift: 100%.*50.0/50.0 \[.*samples/s\]', capsys.readouterr().err)


def test_it_is_a_method_with_a_text(explainer):
    assert type(explainer).run_to is run_to
    assert 'out.npy' in type(explainer).run_to.__doc__
