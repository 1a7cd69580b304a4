"""Keras files within limits: what they unpack to, other files, names, nesting."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from sources import keras_2, keras_network

from deepexplain.errors import ArgumentError, DeepExplainError, ModelError
from deepexplain.tensorflow import open_model
from deepexplain.tensorflow.models import keras_files
from deepexplain.tensorflow.models.keras_files import check_sizes, configurations, version_of


def archive(path, config='{}', **members):
    with zipfile.ZipFile(str(path), 'w', zipfile.ZIP_DEFLATED) as file:
        file.writestr('metadata.json', '{"keras_version": "3.0.0"}')
        file.writestr('config.json', config)
        for name, content in members.items():
            file.writestr(name, content)
    return str(path)


def hdf5(path, config='{}'):
    file = h5py.File(str(path), 'w')
    file.attrs['model_config'] = config
    return file


def test_a_zip_bomb(tmp_path):
    path = archive(tmp_path / 'model.keras', assets=b'\0' * (300 << 20))
    with pytest.raises(ModelError, match=r'of 0.3\d* MB unpacks to 315 MB, \d+ times as much: more than 20 times'):
        open_model(path)


def test_hdf5_that_unpacks_to_more(tmp_path):
    with hdf5(tmp_path / 'model.h5') as file:
        file.create_dataset('a/b/weights', (10**6, 10**6), 'f4', compression='gzip', chunks=(1000, 1000))
    with pytest.raises(ModelError, match=r'unpacks to 4e\+06 MB'):
        open_model(tmp_path / 'model.h5')
    with h5py.File(str(tmp_path / 'weights'), 'w') as file:
        file.create_dataset('x', (10**5, 10**5), 'f4', compression='gzip', chunks=(1000, 1000))
    members = {'model.weights.h5': (tmp_path / 'weights').read_bytes()}
    with pytest.raises(ModelError, match=r'unpacks to 4e\+04 MB'):
        open_model(archive(tmp_path / 'model.keras', **members))


@pytest.mark.parametrize('damage', [0, 1 << 63])
def test_a_heap_of_texts_in_which_hdf5_would_stay_for_ever(tmp_path, damage):
    with hdf5(tmp_path / 'model.h5') as file:
        for i in range(500):  # texts of several heaps
            file.attrs[f'text {i}'] = 'x' * i
        file.attrs['keras_version'] = '2.15.0'
    whole = (tmp_path / 'model.h5').read_bytes()
    assert version_of(str(tmp_path / 'model.h5')) == '2.15.0'
    starts = keras_files._places_of(keras_files.HEAP, io.BytesIO(whole))
    assert len(starts) > 5
    first_size = starts[-1] + 16 + 8
    first_text = whole[starts[-1] + 32 :]
    assert first_text.startswith(b'x')
    broken = bytearray(whole)
    broken[first_size : first_size + 8] = damage.to_bytes(8, 'little')
    broken[first_size - 8 : first_size - 6] = bytes(2)  # free
    (tmp_path / 'model.h5').write_bytes(broken)
    with pytest.raises(ModelError, match='is damaged: a heap of its texts, at byte [0-9]+, has a piece of no size'):
        open_model(tmp_path / 'model.h5')
    members = {'model.weights.h5': bytes(broken)}
    with pytest.raises(ModelError, match='is damaged: a heap of its texts'):
        open_model(archive(tmp_path / 'model.keras', **members))


def test_a_heap_that_says_it_is_larger_than_the_file(tmp_path):
    with hdf5(tmp_path / 'model.h5'):
        pass
    data = bytearray((tmp_path / 'model.h5').read_bytes())
    at = data.index(keras_files.HEAP) + 8
    data[at : at + 8] = b'\xff' * 7 + b'\x7f'
    (tmp_path / 'model.h5').write_bytes(data)
    with pytest.raises(DeepExplainError, match='model.h5'):
        open_model(tmp_path / 'model.h5')


def test_marks_are_found_across_chunks(tmp_path):
    at = [5, (1 << 22) - 3, (1 << 22) + 40, (1 << 23) - 1]
    data = bytearray((1 << 23) + 100)
    for place in at:
        data[place : place + 8] = keras_files.HEAP
    assert keras_files._places_of(keras_files.HEAP, io.BytesIO(data)) == at


def test_weights_of_another_file(tmp_path):
    with h5py.File(str(tmp_path / 'other.h5'), 'w') as file:
        file['secret'] = np.arange(3.0)
    with hdf5(tmp_path / 'link.h5') as file:
        file['kernel'] = h5py.ExternalLink('other.h5', '/secret')
    with pytest.raises(ModelError, match="'kernel' is a link to another file, 'other.h5', which is not read"):
        open_model(tmp_path / 'link.h5')
    with hdf5(tmp_path / 'external.h5') as file:
        file.create_dataset('kernel', (3,), 'f4', external=[(str(tmp_path / 'other.h5'), 0, 12)])
    with pytest.raises(ModelError, match="the data of 'kernel' are in another file"):
        open_model(tmp_path / 'external.h5')
    with hdf5(tmp_path / 'virtual.h5') as file:
        layout = h5py.VirtualLayout((3,), 'f8')
        layout[:] = h5py.VirtualSource(str(tmp_path / 'other.h5'), 'secret', (3,))
        file.create_virtual_dataset('kernel', layout)
    with pytest.raises(ModelError, match="the data of 'kernel' are in another file"):
        open_model(tmp_path / 'virtual.h5')


def test_groups_in_groups(tmp_path):
    with hdf5(tmp_path / 'deep.h5') as file:
        file['/'.join(['g'] * 100)] = 1.0
    with pytest.raises(ModelError, match='its groups are nested more than 64 deep'):
        open_model(tmp_path / 'deep.h5')
    with hdf5(tmp_path / 'circle.h5') as file:
        group = file.create_group('a')
        group['b'] = group['c'] = group
        file['soft'] = h5py.SoftLink('/nowhere')
    check_sizes(str(tmp_path / 'circle.h5'))


def named(name):
    return json.dumps(
        {'class_name': 'Sequential', 'config': {'layers': [{'class_name': 'Dense', 'config': {'name': name}}]}}
    )


def test_long_names(tmp_path):
    match = r"a name in it has 10,000,000 characters \('aaaaaaaaaaaaaaaaaaaa'...\); at most 4,096 are read"
    with pytest.raises(ModelError, match=match):
        open_model(archive(tmp_path / 'model.keras', named('a' * 10**7)))
    with hdf5(tmp_path / 'model.h5') as file:
        file.create_group('b' * 5000)
    with pytest.raises(ModelError, match='a name in it has 5,000 characters'):
        open_model(tmp_path / 'model.h5')


def test_deep_configurations(tmp_path):
    for depth in (1000, 10**6):
        with pytest.raises(ModelError, match='its configuration is nested (more than 640|too) deep'):
            open_model(archive(tmp_path / 'model.keras', '{"a":' * depth + '1' + '}' * depth))


def test_a_configuration_of_too_much_text(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_files, 'MOST_TEXT', 1 << 20)
    with pytest.raises(ModelError, match="its 'config.json' has 2 MB of text"):
        open_model(archive(tmp_path / 'model.keras', '[' + ' ' * (2 << 20) + ']'))


@pytest.mark.parametrize(
    'metadata', ['', '[]', '3', '"x"', '{}', '{"keras_version": null}', '{"keras_version": "x"}', '[' * 10**5]
)
def test_metadata_that_is_none(metadata, tmp_path):
    path = str(tmp_path / 'model.keras')
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('metadata.json', metadata)
        file.writestr('config.json', '{}')
    with pytest.raises(DeepExplainError, match='is not a (.keras )?file of Keras'):
        open_model(path)


def test_configurations_that_are_no_json(tmp_path):
    for config in ('', '{', '\ud800', 'nan?'):
        with hdf5(tmp_path / 'model.h5', config.encode('utf-8', 'surrogatepass')):
            pass
        with pytest.raises(ModelError, match='its configuration is no JSON'):
            open_model(tmp_path / 'model.h5')


def test_an_archive_cut_short(tmp_path):
    path = archive(tmp_path / 'model.keras', **{'model.weights.h5': b'nothing'})
    with pytest.raises(ArgumentError, match='is not a file of Keras'):
        open_model(path)


@pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning')
def test_an_ordinary_file(tmp_path):
    path = str(tmp_path / 'model.h5')
    keras_network(keras_2()).save(path)
    check_sizes(path)
    assert version_of(path).startswith('2')
    assert [config['class_name'] for config in configurations(path)] in (['Functional'], ['Model'])
