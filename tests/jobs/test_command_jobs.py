"""Two jobs from file to result, each in one command: DNA scored by an .h5 network, and a folder of JPEGs."""

import importlib

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sources import keras_2, needs_keras_3

from deepexplain.command.cli import cli
from deepexplain.explanation import Explanation
from deepexplain.sequences import to_one_hot
from deepexplain.tensorflow import open_model

pytestmark = [
    pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning'),  # tf-keras does
    pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning'),  # Keras 3 saves a variable so
]


def command(line, *more):
    return CliRunner().invoke(cli, [*line.split(), *map(str, more)])


def size(path):
    with Image.open(path) as picture:
        return picture.size


def test_dna_in_a_fasta_file_scored_by_an_h5_network(tmp_path, monkeypatch):
    """The motif that the network scores is what counts, in the letters and places of the file."""
    monkeypatch.chdir(tmp_path)
    motif, place = 'TGAC', {'first': 3, 'second': 10}
    letters = {name: 'C' * start + motif + 'C' * (16 - start) for name, start in place.items()}
    (tmp_path / 'reads.fa').write_text(''.join(f'>{name} made up\n{text}\n' for name, text in letters.items()))
    keras = keras_2()
    x = keras.layers.Input((20, 4))
    h = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(1, 4, activation='relu')(x))
    model = keras.Model(x, keras.layers.Dense(1, activation='sigmoid')(h))
    model.set_weights([to_one_hot(motif)[..., None], *map(np.array, ([-2.5], [[4.0]], [-1.0]))])
    model.save('scores.h5')

    found = command('explain scores.h5 reads.fa -m deeplift -o rules=complete --out reads.npz --plot reads.png')

    assert found.exit_code == 0, found.output
    e = Explanation.load('reads.npz')
    assert e.sample_names == list(place)
    np.testing.assert_allclose(e.outputs, [5, 5], rtol=1e-5)  # 4 (4 - 2.5) - 1, before the sigmoid
    np.testing.assert_allclose(e.delta, 0, atol=1e-5)
    for values, start in zip(e.values, place.values()):
        at = values.sum(axis=1)
        np.testing.assert_allclose(at[start : start + 4], 1.5, rtol=1e-4)  # T(x) - T(0) = 6, each letter a fourth
        assert abs(at.sum() - at[start : start + 4].sum()) < 1e-4
    assert size('reads.png')[0] > 1000


@needs_keras_3
def test_the_top_class_of_a_keras_file_for_a_folder_of_jpegs(tmp_path, monkeypatch):
    """A network that tells where an image is bright; the photos are of another size, and in colours."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'photos').mkdir()
    for name, rows in [('dusk', slice(0, 60)), ('noon', slice(60, 120))]:
        pixels = np.zeros((120, 160, 3), np.uint8)
        pixels[rows] = 200
        Image.fromarray(pixels).save(f'photos/{name}.jpg', quality=95)
    keras = importlib.import_module('keras')
    weights = np.zeros((24, 32, 3, 2), 'f4')
    weights[:12, ..., 0], weights[12:, ..., 1] = 0.01, 0.01
    layers = [keras.Input((24, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(2, 'softmax')]
    model = keras.Sequential(layers)
    model.layers[-1].set_weights([weights.reshape(-1, 2), np.zeros(2)])
    model.save('where.keras')

    line = 'explain where.keras photos --scale 0,1 --class-names above,below --target top --plot photos.png'
    found = command(line, '--out', 'photos.npz', '--json')

    assert found.exit_code == 0, found.output
    assert '"explained": ["above", "below"]' in found.output
    e = Explanation.load('photos.npz')
    assert e.sample_names == ['dusk.jpg', 'noon.jpg']
    assert abs(e.values[0][13:]).max() < 0.01 * abs(e.values[0][:11]).min()  # JPEG blurs the edge between
    assert abs(e.values[1][:11]).max() < 0.01 * abs(e.values[1][13:]).min()
    with open_model('where.keras') as m:
        again = m.explain('intgrad', e.data, target='top')
    np.testing.assert_allclose(e.values, again.values)
    assert size('photos.png')[1] > 300
