"""Errors: a sentence on standard error and an exit code; --help without TensorFlow; the process as users start it."""

import os
import subprocess
import sys

import click
import numpy as np
import pytest
from sources import XS

import deepexplain as library
from deepexplain.command.data import _reading
from deepexplain.command.options import size_of

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(library.__file__)))


def process(*arguments, code=None, **environment):
    """``python -m deepexplain``, or a program."""
    start = ['-m', 'deepexplain', *map(str, arguments)] if code is None else ['-c', code]
    environment = {**os.environ, 'PYTHONPATH': ROOT, **environment}
    environment.pop('TF_CPP_MIN_LOG_LEVEL', None)
    pipe = subprocess.PIPE
    return subprocess.run([sys.executable, *start], stdout=pipe, stderr=pipe, text=True, env=environment, cwd=ROOT)


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (['--target', '7'], 1, 'Error: target must be from 0 to 2, for outputs of shape (3,); got 7.'),
        (['--target', 'dog'], 2, "'dog' is no class name; none are known: --class-names gives them"),
        (['--target', 'fox', '--class-names', 'cat,dog,eel'], 2, "'fox' is no class name; cat, dog, eel"),
        (['--class-names', 'names.txt'], 2, "there is no file 'names.txt'"),
        (['--scale', '0,1'], 2, '--scale says nothing of data such as'),
        (['--columns', 'a,b'], 2, '--columns says nothing of data such as'),
        (['--class-names', 'cat,dog', '--target', 'dog'], 2, "are 2, and 'logits:0' has 3 outputs"),
        (['--method', 'IG'], 2, "Do you mean 'intgrad'?"),
        (['--option', 'steps=0'], 2, 'steps must be at least 1; got 0'),
        (['--option', '=5'], 2, "must be NAME=VALUE; got '=5'."),
        (['--tensor', 'nothing'], 2, 'nothing'),
        (['--baseline', 'no.npy'], 2, "'no.npy' cannot be read"),
        (['--out', 'x.txt'], 2, "it must end in .npy, .npz, .h5, .hdf5, .parquet, .zarr; got 'x.txt'."),
        (['--out', 'x.npz', '--resume'], 2, "with --resume it must end in .npy, .zarr; got 'x.npz'."),
        (['--resume'], 2, '--resume goes on with a file: give --out, .npy or .zarr.'),
        (['--out', '/no/where.npz'], 2, "there is no folder '/no'."),
        (['--plot', 'x.txt'], 2, "got 'x.txt'."),
        (['--html', 'x.txt'], 2, "it must end in .html, .htm; got 'x.txt'."),
        (['--scale', '0,2'], 2, '--scale'),
        (['--feed', 'nothing=1'], 1, 'nothing'),
        (['--first', '0'], 2, '--first'),
        (['--signature', 'serve'], 1, "open_model: 'signature' does not apply to"),
    ],
)
def test_wrong_arguments(deepexplain, classifier, samples, arguments, code, message):
    found = deepexplain('explain', classifier, samples('x.npy', XS), *arguments)
    assert (found.exit_code, found.stdout) == (code, ''), found.stderr
    assert message in found.stderr
    assert found.stderr.count('Error: ') == 1
    assert 'Traceback' not in found.stderr


def test_wrong_data_and_models(deepexplain, classifier, samples, tmp_path):
    spoilt = XS.copy()
    spoilt[1, 2] = np.nan
    for model, data, message in [
        (classifier, samples('narrow.npy', XS[:, :3]), "xs must have the shape of 'x:0'"),
        (classifier, samples('nan.npy', spoilt), 'nan'),
        (tmp_path / 'no.keras', 'x.npy', 'There is no file or directory'),
        (samples('x.npy', XS), samples('x.npy', XS), 'is not known as a model: open_model reads .keras'),
    ]:
        found = deepexplain('explain', model, data)
        assert (found.exit_code, found.stdout) == (1, '')
        assert message in found.stderr.split('Error: ')[1]


def test_a_table_without_rows_and_a_size_that_is_none(deepexplain, classifier, tmp_path):
    (tmp_path / 'x.csv').write_text('a,b,c,d\n')
    found = deepexplain('explain', classifier, tmp_path / 'x.csv')
    assert (found.exit_code, 'has no rows below the names of its 4 columns' in found.stderr) == (1, True)
    with pytest.raises(click.BadParameter, match='must be HEIGHTxWIDTH'), _reading('photos'):  # an option, not the file
        size_of('64')


def test_what_reads_the_output_may_stop_early(classifier, samples):
    code = (
        'import os, sys; from deepexplain.command import main; sys.argv[0] = "deepexplain"; '
        'read, write = os.pipe(); os.close(read); os.dup2(write, 1); main()'
    )
    pipe = subprocess.PIPE
    done = subprocess.run(
        [sys.executable, '-c', code, 'inspect', str(classifier)],
        stderr=pipe,
        text=True,
        env={**os.environ, 'PYTHONPATH': ROOT},
    )
    assert 'Error' not in done.stderr


def test_what_nobody_foresaw_is_one_sentence_too_and_debug_shows_where(deepexplain, classifier, samples, monkeypatch):
    from deepexplain.tensorflow import Explainer

    def broken(*_, **__):
        raise KeyError('deep inside')

    monkeypatch.setattr(Explainer, 'run', broken)
    path = samples('x.npy', XS)
    found = deepexplain('explain', classifier, path)
    assert found.exit_code == 1
    assert found.stderr.endswith(
        "Error: KeyError: 'deep inside' (Nobody foresaw this one: --debug shows where it comes from.)\n"
    )
    assert isinstance(deepexplain('explain', classifier, path, '--debug').exception, KeyError)

    def without_memory(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Explainer, 'run', without_memory)
    assert 'Fewer samples (--first) or a smaller --batch-size' in deepexplain('explain', classifier, path).stderr


def test_warnings_are_sentences(deepexplain, classifier, samples):
    options = ['-m', 'deeplift', '-T', 'probabilities', '--quiet']
    found = deepexplain('explain', classifier, samples('x.npy', XS), *options)
    assert found.exit_code == 0
    assert found.stderr.startswith(
        "Warning: Detected unsupported activation: 'deeplift' has no rule for 'probabilities'"
    )
    strict = deepexplain('explain', classifier, samples('x.npy', XS), *options, '-o', 'strict=True')
    assert (strict.exit_code, strict.stderr.count('\n')) == (1, 1)


def test_help_has_examples(deepexplain):
    assert '\n    deepexplain report model.keras table.csv --out report.html\n' in deepexplain('--help').stdout
    for command in ('inspect', 'explain', 'bench', 'report'):
        text = deepexplain(command, '--help').stdout
        assert f'\n    deepexplain {command} model.keras' in text
        assert '--debug' in text
    assert deepexplain('--version').stdout == f'deepexplain {library.__version__}\n'
    assert deepexplain('explian').exit_code == 2


def test_help_imports_no_tensorflow():
    code = (
        'import sys\nfrom deepexplain.command.cli import cli\n'
        "try:\n    cli(['explain', '--help'])\nexcept SystemExit:\n    pass\n"
        "print({'tensorflow', 'matplotlib', 'pandas', 'scipy'} & set(sys.modules))"
    )
    assert process(code=code).stdout.splitlines()[-1] == 'set()'


def test_without_click_one_sentence_says_what_to_install():
    found = process(code="import sys; sys.modules['click'] = None; from deepexplain.command import main; main()")
    message = "The command line needs click, and found none: pip install 'deepexplain[cli]'.\n"
    assert (found.returncode, found.stderr, found.stdout) == (1, message, '')


def test_the_process(classifier, samples, tmp_path):
    out = tmp_path / 'out.npy'
    found = process('explain', classifier, samples('x.npy', XS), '-m', 'grad*input', '--out', out)
    assert found.returncode == 0, found.stderr
    assert found.stderr == 'data: an array of shape (5, 4), float64\n'  # and nothing of TensorFlow's own log
    assert found.stdout.startswith("grad*input of 'logits:0': 5 samples")
    assert np.load(out).shape == (5, 4)
    wrong = process('explain', classifier, samples('x.npy', XS[:, :2]))
    assert (wrong.returncode, wrong.stderr.count('\n'), wrong.stdout) == (1, 2, '')
