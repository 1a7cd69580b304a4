"""deepexplain explain: what it writes is what the library computes."""

import json
import os

import numpy as np
import pytest
from sources import XS as DOUBLE

from deepexplain import command
from deepexplain.explanation import Explanation
from deepexplain.tensorflow import open_model

XS = DOUBLE.astype(np.float32)
NAMES = ['--class-names', 'cat,dog,eel']


def of_library(path, method='intgrad', xs=XS, **arguments):
    with open_model(path, class_names=['cat', 'dog', 'eel']) as m:
        return m.explain(method, xs, **arguments)


def test_all_that_is_known_goes_into_a_file(deepexplain, classifier, samples, tmp_path):
    out = tmp_path / 'out.npz'
    found = deepexplain('explain', classifier, samples('x.npy', XS), '--out', out, *NAMES)
    assert (found.exit_code, found.stderr) == (0, 'data: an array of shape (5, 4), float32\n')
    expected, loaded = of_library(classifier, target='top'), Explanation.load(out)
    for name in ('values', 'data', 'outputs', 'base_value', 'delta', 'ys'):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(expected, name))
    chosen = [expected.class_names[i] for i in expected.ys.argmax(axis=1)]
    lines = found.stdout.splitlines()
    assert lines[0] == "intgrad of 'logits:0': 5 samples, attributions of shape (5, 4)"
    assert lines[1].split() == ['sample', 'output', 'T(x)', 'T(baseline)', 'delta', 'largest']
    assert [line.split()[1] for line in lines[2:7]] == chosen
    assert lines[7] == f'wrote {out}'


@pytest.mark.parametrize(
    ('given', 'arguments'),
    [
        (['-m', 'deeplift', '-o', 'rules=complete', '--target', 'dog'], {'rules': 'complete', 'target': 'dog'}),
        (['-m', 'deeplift', '--target', '2', '--baseline', '0.5'], {'target': 2, 'baseline': 0.5}),
        (
            ['-m', 'deeplift', '--target', '[0, 2, 1, 0, 0]', '--baseline', '[1, 0, 0, 2.5]'],
            {'target': [0, 2, 1, 0, 0], 'baseline': [1, 0, 0, 2.5]},
        ),
        (['-m', 'saliency', '-o', 'absolute=false', '--batch-size', '2'], {'absolute': False, 'target': 'top'}),
        (
            ['-m', 'intgrad', '-o', 'steps=7', '-T', 'probabilities'],
            {'steps': 7, 'target': 'top', 'T': 'probabilities'},
        ),
    ],
)
def test_arguments_arrive(deepexplain, classifier, samples, tmp_path, given, arguments):
    out = tmp_path / 'out.npy'
    found = deepexplain('explain', classifier, samples('x.npy', XS), '--out', out, *given, *NAMES)
    assert found.exit_code == 0, found.stderr
    np.testing.assert_allclose(np.load(out), of_library(classifier, given[1], **arguments).values, rtol=1e-5)


def test_targets_and_baselines_of_files(deepexplain, classifier, samples, tmp_path):
    out, labels, base = tmp_path / 'out.npy', np.array([2, 0, 0, 1, 1]), XS[::-1]
    options = ['--target', samples('labels.npy', labels), '--baseline', samples('base.npy', base), '-m', 'deeplift']
    found = deepexplain('explain', classifier, samples('x.npy', XS), '--out', out, *options)
    assert found.exit_code == 0, found.stderr
    expected = of_library(classifier, 'deeplift', target=labels, baseline=base)
    np.testing.assert_array_equal(np.load(out), expected.values)


def test_json(deepexplain, classifier, samples):
    found = deepexplain('explain', classifier, samples('x.npy', XS), '--json', '--quiet', '--first', 2, *NAMES)
    assert (found.exit_code, found.stderr) == (0, '')
    said, expected = json.loads(found.stdout), of_library(classifier, xs=XS[:2], target='top')
    assert (said['method'], said['target'], said['samples'], said['shape']) == ('intgrad', 'logits:0', 2, [2, 4])
    np.testing.assert_allclose(said['outputs'], expected.outputs)
    np.testing.assert_allclose(said['delta'], expected.delta)
    assert [row[0]['attribution'] for row in said['top']] == [row[0].attribution for row in expected.top(1)]
    assert said['data'] == 'the first 2 of an array of shape (5, 4), float32'


def test_a_run_that_goes_on(deepexplain, classifier, samples, tmp_path):
    out, path = tmp_path / 'out.npy', samples('x.npy', XS)
    for _ in range(2):
        found = deepexplain('explain', classifier, path, '--out', out, '--resume', '-m', 'deeplift')
        assert found.exit_code == 0, found.stderr
        np.testing.assert_array_equal(np.load(out), of_library(classifier, 'deeplift', target='top').values)
    other = deepexplain('explain', classifier, path, '--out', out, '--resume', '-m', 'deeplift', '--target', 1)
    assert other.exit_code == 1
    assert other.stderr.endswith("is of another job, and is not overwritten: target is 'top' there, and 1 here.\n")


def test_pictures(deepexplain, classifier, samples, tmp_path):
    plot = tmp_path / 'out.png'
    found = deepexplain('explain', classifier, samples('x.npy', XS), '--plot', plot)
    assert found.exit_code == 0, found.stderr
    assert plot.read_bytes()[:4] == b'\x89PNG'
    one = deepexplain('explain', classifier, samples('x.npy', XS), '--first', 1, '--plot', tmp_path / 'one.svg')
    assert one.exit_code == 0, one.stderr
    assert (tmp_path / 'one.svg').stat().st_size > 1000
    long = deepexplain(
        'explain',
        classifier,
        samples('x.npy', XS),
        '--resume',
        '--out',
        tmp_path / 'o.npy',
        '--plot',
        plot,
        '--first',
        3,
    )
    assert long.exit_code == 0, long.stderr


def test_several_inputs(deepexplain, two_inputs, tmp_path):
    left, right = np.ones((4, 3), 'f4'), np.full((4, 2), 2, 'f4')
    np.savez(tmp_path / 'x.npz', right=right, left=left)
    out = tmp_path / 'out.npz'
    found = deepexplain('explain', two_inputs, tmp_path / 'x.npz', '-m', 'grad*input', '--target', 0, '--out', out)
    assert found.exit_code == 0, found.stderr
    values = Explanation.load(out).values
    np.testing.assert_allclose(values[0], 2 * left)
    np.testing.assert_allclose(values[1], 3 * right)
    for option, message in [
        (['--out', tmp_path / 'o.npy'], '.npy holds one array, and there are several inputs'),
        (['--out', tmp_path / 'o.npy', '--resume'], '--resume writes one file, and this model has several inputs'),
    ]:
        wrong = deepexplain('explain', two_inputs, tmp_path / 'x.npz', '--target', 0, *option)
        assert wrong.exit_code == 2
        assert message in wrong.stderr


def test_the_report_is_asked_for_what_was_explained(deepexplain, classifier, samples, tmp_path, monkeypatch):
    asked = {}

    def write_report(path, opened_model, xs, **arguments):
        asked.update(arguments, path=path, xs=np.asarray(xs), explained=opened_model.logits.name)

    fake = type(os)('deepexplain.report')
    fake.write_report = write_report
    monkeypatch.setitem(__import__('sys').modules, 'deepexplain.report', fake)
    html = tmp_path / 'out.html'
    found = deepexplain(
        'explain', classifier, samples('x.npy', XS), '-o', 'steps=5', '--target', 1, '--html', html, *NAMES
    )
    assert found.exit_code == 0, found.stderr
    np.testing.assert_array_equal(asked.pop('xs'), XS)
    assert asked.pop('data') == f'an array of shape {XS.shape}, {XS.dtype}'
    common = {'T': None, 'names': None, 'shown': 10, 'progress': False, 'path': str(html), 'explained': 'logits:0'}
    assert asked == {'methods': ['intgrad'], 'target': 1, 'arguments': {'intgrad': {'steps': 5}}, **common}
    asked.clear()
    options = ['-m', 'lrp', '-m', 'intgrad', '-o', 'intgrad:steps=3', '--shown', 4, '--target', 'eel', *NAMES]
    found = deepexplain('report', classifier, samples('x.npy', XS), '--out', html, *options)
    assert (found.exit_code, found.stdout) == (0, f'wrote {html}\n'), found.stderr
    assert (asked['methods'], asked['arguments']) == (['lrp', 'intgrad'], {'intgrad': {'steps': 3}})
    assert (asked['target'], asked['shown']) == ('eel', 4)
    found = deepexplain('report', classifier, samples('x.npy', XS), '--out', html, '-T', 'hidden')
    assert (found.exit_code, asked['T']) == (0, 'hidden'), found.stderr


def test_an_argument_may_be_a_file(deepexplain, classifier, samples, tmp_path):
    np.save(tmp_path / 'background.npy', XS[:3])
    options = ['-m', 'intgrad', '-o', f'baselines={tmp_path / "background.npy"}', '--target', 1]
    found = deepexplain('explain', classifier, samples('x.npy', XS), *options, '--out', tmp_path / 'e.npz')
    assert found.exit_code == 0, found.stderr
    with open_model(classifier) as m:
        expected = m.explain('intgrad', XS, target=1, baselines=XS[:3])
    np.testing.assert_allclose(Explanation.load(tmp_path / 'e.npz').values, expected.values, rtol=1e-5, atol=1e-7)


def test_the_entry_point_is_this_function(monkeypatch, capsys):
    with open(os.path.join(os.path.dirname(__file__), '..', '..', 'pyproject.toml'), encoding='utf-8') as file:
        assert 'deepexplain = "deepexplain.command:main"' in file.read()
    monkeypatch.setattr('sys.argv', ['deepexplain', '--version'])
    with pytest.raises(SystemExit):
        command.main()
    assert capsys.readouterr().out.startswith('deepexplain 1.')


def test_a_report(deepexplain, classifier, samples, tmp_path):
    options = ['--out', tmp_path / 'out.html', '--method', 'deeplift', '--first', 2, '--shown', 1, *NAMES]
    found = deepexplain('report', classifier, samples('x.npy', XS), *options)
    assert found.exit_code == 0, found.stderr
    assert (tmp_path / 'out.html').read_text(encoding='utf-8').startswith('<!DOCTYPE html>')
