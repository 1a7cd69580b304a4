"""Samples as people have them: tables, FASTA files, arrays, images; and what is wrong with some of them."""

import gzip

import numpy as np
import pytest
from PIL import Image
from sources import XS as DOUBLE

from deepexplain.explanation import Explanation

XS = DOUBLE.astype(np.float32)
SCALE = ['--scale', '0,255']


def explained(deepexplain, tmp_path, *arguments):
    out = tmp_path / 'out.npz'
    found = deepexplain('explain', *arguments, '-m', 'grad*input', '--target', '0', '--out', out)
    assert found.exit_code == 0, found.stderr
    return Explanation.load(out), found.stderr


def refused(deepexplain, *arguments):
    found = deepexplain('explain', *arguments)
    assert found.exit_code == 1, found.stderr
    assert found.stderr.count('Error: ') == 1
    assert 'Traceback' not in found.stderr
    return found.stderr.split('Error: ')[1]


def table(path, rows=XS, names='age,fare,class,deck', more=''):
    lines = [names] if names else []
    path.write_text('\n'.join(lines + [','.join(map(str, row)) + more for row in rows.tolist()]))
    return str(path)


def test_tables(deepexplain, classifier, tmp_path):
    path = table(tmp_path / 'x.csv', names='age,fare,class,deck,who', more=',Ann')
    message = refused(deepexplain, classifier, path)
    assert message == (
        f"'{path}' has columns that are no numbers: who. Choose by --columns those that are the input; --id-column may "
        'be one of names.\n'
    )
    found, said = explained(deepexplain, tmp_path, classifier, path, '--id-column', 'who')
    np.testing.assert_allclose(found.data, XS, rtol=1e-6)
    assert (found.feature_names, found.sample_names) == ([['age', 'fare', 'class', 'deck']], ['Ann'] * 5)
    assert said == 'data: 5 rows of 4 columns: age, fare, class, deck\n'
    found, _ = explained(deepexplain, tmp_path, classifier, path, '--columns', 'deck,age,fare,class')
    np.testing.assert_allclose(found.data, XS[:, [3, 0, 1, 2]], rtol=1e-6)
    assert "no column 'fair'; it has age, fare" in refused(deepexplain, classifier, path, '--columns', 'fair')


def test_a_table_without_names_is_not_read_as_one_with(deepexplain, classifier, tmp_path):
    path = table(tmp_path / 'x.csv', names='')
    message = f"The first line of '{path}' is numbers, not names of columns: say --no-header, and it is a sample.\n"
    assert refused(deepexplain, classifier, path) == message
    found, _ = explained(deepexplain, tmp_path, classifier, path, '--no-header')
    np.testing.assert_allclose(found.data, XS, rtol=1e-6)
    tabs = tmp_path / 'x.tsv'
    tabs.write_text((tmp_path / 'x.csv').read_text().replace(',', '\t'))
    assert explained(deepexplain, tmp_path, classifier, tabs, '--no-header')[0].data.shape == (5, 4)


def test_parquet(deepexplain, classifier, tmp_path):
    pytest.importorskip('pyarrow')
    import pandas

    path = tmp_path / 'x.parquet'
    pandas.DataFrame(XS, columns=list('abcd')).to_parquet(path)
    np.testing.assert_array_equal(explained(deepexplain, tmp_path, classifier, path)[0].data, XS)
    path.write_bytes(b'no')
    assert "x.parquet' cannot be read: " in refused(deepexplain, classifier, path)


def test_arrays_by_name(deepexplain, classifier, two_inputs, tmp_path):
    path = tmp_path / 'x.npz'
    np.savez(path, x=XS, labels=np.arange(5))
    assert explained(deepexplain, tmp_path, classifier, path)[1] == f"data: {path}: 'x' of shape (5, 4)\n"
    np.savez(path, train=XS[:2], test=XS)
    assert "has no array for the input 'x:0'" in refused(deepexplain, classifier, path)
    assert len(explained(deepexplain, tmp_path, classifier, path, '--array', 'test')[0]) == 5
    assert "has no array 'tset'; it has train, test." in refused(deepexplain, classifier, path, '--array', 'tset')
    assert 'give --array for each; got 1' in refused(deepexplain, two_inputs, path, '--array', 'test')
    np.savez(path, any=XS)
    assert len(explained(deepexplain, tmp_path, classifier, path)[0]) == 5
    assert 'The model has 2 inputs' in refused(deepexplain, two_inputs, table(tmp_path / 'x.csv'))


def uneven(folder):
    (folder / 'x.fasta').write_text('>one\nACGT\n>two\nACG\n')
    return folder / 'x.fasta'


def test_fasta(deepexplain, images, tmp_path):
    model, path = images(None, None, 4), tmp_path / 'x.fa.gz'
    path.write_bytes(gzip.compress(b'>one first\nACGT\n>two\nNNTT\n'))
    found, said = explained(deepexplain, tmp_path, model, path)
    np.testing.assert_array_equal(found.data[0], np.eye(4))
    assert found.sample_names == ['one', 'two']
    expected = 'data: 2 sequences of 4 letters, one-hot in the order ACGT; 2 places are rows of zeros\n'
    assert said == expected
    assert 'any of ACGT' in refused(deepexplain, model, path, '--ambiguous', 'refuse')
    assert 'with length=4, shorter ones' in refused(deepexplain, model, uneven(tmp_path))
    found, _ = explained(deepexplain, tmp_path, model, uneven(tmp_path), '--alphabet', 'TGCA', '--length', '6')
    np.testing.assert_array_equal(found.data[0], [*np.eye(4)[::-1], [0] * 4, [0] * 4])


def picture(path, size=(6, 4), mode='RGB', value=(255, 0, 51)):
    Image.new(mode, size, value).save(path)
    return path


def test_images_are_resized_scaled_and_named(deepexplain, images, tmp_path):
    folder = tmp_path / 'photos'
    folder.mkdir()
    for name in ('b.png', 'a.PNG'):
        picture(folder / name)
    (folder / 'notes.txt').write_text('x')
    found, said = explained(deepexplain, tmp_path, images(None, 2, 3, 3), folder, '--scale', '-1,1')
    assert found.data.shape == (2, 2, 3, 3)
    np.testing.assert_allclose(found.data[0, 0, 0], [1, -1, 51 / 127.5 - 1], atol=1e-6)
    assert found.sample_names == ['a.PNG', 'b.png']
    assert said == (
        'data: 2 images (height x width), resized from 4 x 6 to 2 x 3 (bilinear, stretched); rgb, from -1 (black) to 1 '
        '(white); 1 other file left out\n'
    )


@pytest.mark.parametrize(
    ('shape', 'options', 'expected'),
    [
        ((None, 4, 6, 3), ['--scale', '0,1'], (1, 0, 0.2)),
        ((None, None, None, 3), [*SCALE, '--channels', 'bgr'], (51, 0, 255)),
        ((None, None, None, 3), [*SCALE, '--size', '8x2'], (255, 0, 51)),
        ((None, 3, 4, 6), SCALE, (255, 0, 51)),
        ((None, 4, 6, 4), SCALE, (255, 0, 51, 255)),
        ((None, 4, 6, 1), SCALE, (82,)),
        ((None, 4, 6), SCALE, 82),
        ((None, 4, 6, 3), [*SCALE, '--mean', '100,0,1', '--std', '5'], (31, 0, 10)),
    ],
)
def test_what_an_input_takes(deepexplain, images, tmp_path, shape, options, expected):
    path = picture(tmp_path / 'a.png')
    found, said = explained(deepexplain, tmp_path, images(*shape), path, *options)
    pixel = found.data[0, :, 0, 0] if shape[1] == 3 else found.data[0, 0, 0]
    np.testing.assert_allclose(pixel, expected, atol=1e-5)
    assert said.startswith('data: 1 images (height x width), ')


def test_a_photo_is_turned_as_its_camera_was(deepexplain, images, tmp_path):
    image = Image.new('L', (6, 4), 9)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / 'a.jpg', exif=exif)
    found, _ = explained(deepexplain, tmp_path, images(None, None, None, 1), tmp_path / 'a.jpg', *SCALE)
    assert found.data.shape == (1, 6, 4, 1)


def test_images_that_do_not_fit(deepexplain, images, classifier, tmp_path):
    path, model = picture(tmp_path / 'a.png'), images(None, None, None, 3)
    assert 'no file says what the model was trained on: say --scale 0,1, ' in refused(deepexplain, model, path)
    assert "'x:0' has the shape (?, 4)" in refused(deepexplain, classifier, path, *SCALE).replace('(None, 4)', '(?, 4)')
    assert 'has 3 channels, and --channels grey' in refused(deepexplain, model, path, *SCALE, '--channels', 'grey')
    assert '--mean must be one number, or 3' in refused(deepexplain, model, path, *SCALE, '--mean', '1,2')
    assert '--std must be one number, or 3, not 0' in refused(deepexplain, model, path, *SCALE, '--std', '0')
    folder = tmp_path / 'photos'
    folder.mkdir()
    assert 'There is no image in' in refused(deepexplain, model, folder, *SCALE)
    picture(folder / 'a.png')
    picture(folder / 'b.png', (3, 3))
    message = refused(deepexplain, model, folder, *SCALE)
    assert 'say --size HxW; got [(3, 3), (4, 6)]' in message
    fixed = images(None, 4, 6, 3)
    assert "'x:0' is 4 x 6; --size has 5x6" in refused(deepexplain, fixed, path, *SCALE, '--size', '5x6')
    (tmp_path / 'c.png').write_bytes(path.read_bytes()[:45])
    assert "c.png' cannot be read as an image" in refused(deepexplain, model, tmp_path / 'c.png', *SCALE)
    Image.fromarray(np.full((4, 6), 1000, np.uint16)).save(tmp_path / 'deep.png')
    assert 'more than 8 bits' in refused(deepexplain, images(None, 4, 6, 1), tmp_path / 'deep.png', *SCALE)


def test_files_that_cannot_be_read(deepexplain, classifier, tmp_path):
    assert (
        refused(deepexplain, classifier, tmp_path / 'no.npy')
        == f"There is no file or folder '{tmp_path / 'no.npy'}'.\n"
    )
    for name in ('a.npy', 'a.npz', 'a.csv'):
        (tmp_path / name).write_bytes(b'\x00\x01')
        assert f"{name}' " in refused(deepexplain, classifier, tmp_path / name)
    np.save(tmp_path / 'o.npy', np.array([{}], object))
    assert "o.npy' cannot be read: " in refused(deepexplain, classifier, tmp_path / 'o.npy')
    (tmp_path / 'a.doc').write_text('x')
    assert 'is of no known kind: samples are read from .npy' in refused(deepexplain, classifier, tmp_path / 'a.doc')
