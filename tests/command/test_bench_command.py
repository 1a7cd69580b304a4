"""deepexplain bench: the numbers are those of metrics.compare."""

import json

import numpy as np
import pytest
from sources import XS as DOUBLE

from deepexplain import metrics
from deepexplain.tensorflow import open_model

XS = DOUBLE.astype(np.float32)
METHODS = ['-m', 'intgrad', '-m', 'saliency', '-o', 'intgrad:steps=5']


@pytest.fixture
def path(samples):
    return samples('x.npy', XS)


def test_the_numbers_are_those_of_compare(deepexplain, classifier, path, tmp_path):
    options = ['--measure', 'completeness', '--measure', 'infidelity', '--baseline', '0.5']
    plot = tmp_path / 'bench.png'
    found = deepexplain('bench', classifier, path, *METHODS, *options, '--json', '--plot', plot)
    assert found.exit_code == 0, found.stderr
    said = json.loads(found.stdout)
    with open_model(classifier) as m:
        explainers = {
            'intgrad': m.get_explainer('intgrad', steps=5, baseline=0.5),
            'saliency': m.get_explainer('saliency'),
        }
        measures = ['completeness', 'infidelity']
        expected = metrics.compare(explainers, XS, target='top', measures=measures, baseline=0.5)
    for name in explainers:
        for measure in measures:
            value = expected[measure][name]
            assert said['methods'][name][measure] == (None if np.isnan(value) else pytest.approx(value, rel=1e-4))
        assert said['methods'][name]['seconds'] > 0
    assert list(said['without']) == ['saliency, completeness']
    assert plot.read_bytes()[:4] == b'\x89PNG'


def test_a_table(deepexplain, classifier, path):
    found = deepexplain('bench', classifier, path, *METHODS, '--measure', 'completeness', '--first', 2)
    assert found.exit_code == 0, found.stderr
    head, one, other = (line.split() for line in found.stdout.splitlines())
    assert head == ['method', 'completeness', 'seconds']
    assert (one[0], other[:2]) == ('intgrad', ['saliency', '-'])
    assert "saliency, completeness: 'saliency' has no convergence delta" in found.stderr
    assert 'the first 2 of an array' in found.stderr


def test_methods_that_do_not_apply_are_left_out_and_named(deepexplain, two_inputs, tmp_path):
    np.savez(tmp_path / 'x.npz', left=np.ones((3, 3), 'f4'), right=np.ones((3, 2), 'f4'))
    options = ['--target', 0, '--measure', 'completeness', '-m', 'occlusion']
    found = deepexplain('bench', two_inputs, tmp_path / 'x.npz', *options, '-m', 'deeplift')
    assert found.exit_code == 0, found.stderr
    assert [line.split()[0] for line in found.stdout.splitlines()] == ['method', 'deeplift']
    assert 'occlusion: Multiple inputs not yet supported' in found.stderr
    none = deepexplain('bench', two_inputs, tmp_path / 'x.npz', *options)
    assert none.exit_code == 1
    assert 'Error: There is nothing to compare: occlusion: Multiple inputs' in none.stderr


def test_wrong_use(deepexplain, classifier, path):
    for arguments, message in [
        ([*METHODS, '-o', 'deeplift:rules=complete'], 'must be METHOD:NAME=VALUE, of intgrad, saliency'),
        (['-m', 'grad_cam'], "'grad_cam' needs layer=..."),
        (['--measure', 'beauty'], "'beauty' is not one of"),
        (['--plot', 'bench.doc'], "it must end in .png, .svg, .pdf, .jpg; got 'bench.doc'."),
    ]:
        found = deepexplain('bench', classifier, path, *arguments)
        assert (found.exit_code, found.stdout) == (2, '')
        assert message in found.stderr
