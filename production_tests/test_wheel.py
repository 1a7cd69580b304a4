"""The built wheel, alone in an empty environment, runs the README's first snippet and prints what stands there."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SNIPPET = re.compile(r'^```python\n(?P<code>.*?)^```\n```text\n(?P<output>.*?)^```\n', re.DOTALL | re.MULTILINE)


def run(*command, cwd):
    """What a command prints; nothing of this process's environment of Python is seen by it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('PYTHON')}
    environment.update(TF_CPP_MIN_LOG_LEVEL='3', PIP_DISABLE_PIP_VERSION_CHECK='1')
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tensorflow_here():
    """The requirement of the TensorFlow that these tests run on, such as 'tensorflow-cpu==2.21.0'."""
    try:
        return f'tensorflow-cpu=={version("tensorflow-cpu")}'
    except PackageNotFoundError:
        return f'tensorflow=={version("tensorflow")}'


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'  # built in place, what an earlier build left behind would come along
    shutil.copytree(ROOT / 'deepexplain', source / 'deepexplain', ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('pyproject.toml', 'setup.py', 'README.md', 'LICENSE', 'MANIFEST.in'):
        shutil.copy(ROOT / name, source)
    run(sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', folder, source, cwd=folder)
    (path,) = folder.glob('*.whl')
    return path


def test_it_holds_the_package_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if '.dist-info/' not in name}
    package = [path for path in (ROOT / 'deepexplain').rglob('*') if path.suffix in ('.py', '.pyi', '.typed', '.html')]
    assert held == {path.relative_to(ROOT).as_posix() for path in package}


def test_its_page_on_pypi_has_no_link_that_leads_nowhere(wheel):
    with zipfile.ZipFile(wheel) as held:
        (name,) = [name for name in held.namelist() if name.endswith('.dist-info/METADATA')]
        head, page = held.read(name).decode('utf-8').split('\n\n', 1)
    assert 'Description-Content-Type: text/markdown' in head.splitlines()
    assert page.startswith('# DeepExplain\n')
    assert not re.findall(r'\]\((?!https:)[^)]*\)', re.sub(r'^```.*?^```', '', page, flags=re.DOTALL | re.MULTILINE))


def test_the_first_snippet_runs_in_an_empty_environment(wheel, tmp_path):
    snippet = SNIPPET.search((ROOT / 'README.md').read_text(encoding='utf-8'))
    venv.create(tmp_path / 'venv', with_pip=True)
    python = tmp_path / 'venv' / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    run(python, '-m', 'pip', 'install', '--quiet', wheel, tensorflow_here(), cwd=tmp_path)
    where = run(python, '-I', '-c', 'import deepexplain; print(deepexplain.__file__)', cwd=tmp_path)
    assert where.startswith(str(tmp_path / 'venv'))
    (tmp_path / 'snippet.py').write_text(snippet['code'], encoding='utf-8')
    assert run(python, '-I', '-W', 'error::UserWarning', 'snippet.py', cwd=tmp_path) == snippet['output']
