"""What the documentation shows is true: its code runs, prints what it says, and links to what exists."""

import ast
import contextlib
import dataclasses
import doctest
import importlib
import importlib.util
import io
import os
import pkgutil
import re
import sys

import pytest
from sources import KERAS_3, keras_2

import deepexplain
from deepexplain.tensorflow.methods import attribution_methods

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = ['README.md', 'CONTRIBUTING.md'] + [
    os.path.join('docs', name)
    for name in (
        'command-line.md',
        'coming-from-shap.md',
        'trust.md',
        'lrp.md',
        'layers.md',
        'sequences.md',
        'coming-from-other-libraries.md',
        'metrics.md',
        'report.md',
        'beyond-one-process.md',
        'models.md',
        'using.md',
        'coming-from-0.3.md',
        'performance.md',
        'security.md',
    )
]
METHODS = sorted(os.listdir(os.path.join(ROOT, 'docs', 'methods')))
PAGES += [os.path.join('docs', 'methods', name) for name in METHODS if name.endswith('.md')]
MODULES = ['deepexplain'] + [module.name for module in pkgutil.walk_packages(deepexplain.__path__, 'deepexplain.')]
#: Those that need Ray and pyarrow, an extra.
OF_RAY = ['deepexplain.distributed.job', 'deepexplain.distributed.ray']

BLOCK = re.compile(r'^```python\n(?P<code>.*?)^```\n(?:```text\n(?P<output>.*?)^```\n)?', re.DOTALL | re.MULTILINE)


def read(page):
    with open(os.path.join(ROOT, page), encoding='utf-8') as file:
        return file.read()


def run_blocks(page, text):
    """Run the python blocks of a page in order, as one program; yield what each printed and what the page says."""
    namespace = {'__name__': '__main__'}
    for block in BLOCK.finditer(text):
        # Empty lines before the code, so that a traceback names the line of the page.
        code = '\n' * text.count('\n', 0, block.start('code')) + block.group('code')
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page, 'exec'), namespace)
        yield printed.getvalue(), block.group('output') or ''


@pytest.mark.filterwarnings('ignore:You are saving your model as an HDF5 file:UserWarning')  # tf-keras does
@pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')  # Keras 3 saves a variable so
@pytest.mark.parametrize('page', PAGES)
def test_code_blocks_print_what_the_page_says(page, monkeypatch, tmp_path):
    if ('models' in page or 'command' in page) and not KERAS_3:
        pytest.skip('needs Keras 3, which came with TensorFlow 2.16; tests/tensorflow/models opens what there is')
    monkeypatch.chdir(tmp_path)  # some pages write files
    if not KERAS_3:
        for name in ('keras', 'tf_keras'):
            monkeypatch.setitem(sys.modules, name, keras_2())  # as the comment beside the import says
    text = read(page)
    found = list(run_blocks(page, text))
    assert len(found) == text.count('```python')
    for printed, expected in found:
        assert printed == expected


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_somewhere(page):
    targets = re.findall(r'\]\((?!https?:)([^)#]+)\)', read(page))
    assert targets
    missing = [t for t in targets if not os.path.exists(os.path.join(ROOT, os.path.dirname(page), t))]
    assert not missing


def on_pypi(*files):
    """What PyPI shows of the README, without its code, and its links: (whether it is a picture, text, target)."""
    spec = importlib.util.spec_from_file_location('setup_of_deepexplain', os.path.join(ROOT, 'setup.py'))
    setup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(setup)
    text = setup.for_pypi(read('README.md'), *files)
    assert BLOCK.findall(text) == BLOCK.findall(read('README.md'))
    text = BLOCK.sub('', text)
    return text, re.findall(r'(!?)\[([^\]]*)\]\(([^)]*)\)', text)


def test_the_readme_on_pypi_has_links_that_lead_somewhere_or_none():
    (text, links), (here, of_here) = on_pypi(), (BLOCK.sub('', read('README.md')), on_pypi('')[1])
    assert not [target for _, _, target in links if not target.startswith('https://')]
    words = {name for _, name, _ in of_here}
    assert len(of_here) > 30
    assert not [name for name in words if name not in text]
    assert 'a picture: Four digits, and for each the maps of four methods' in text

    base = 'https://example.org/blob/HEAD/'
    _, links = on_pypi(base)
    assert {target[: len(base)] for _, _, target in links} == {base}
    pictures = [target for picture, _, target in links if picture]
    assert pictures == [base + name for name in ('demo/attributions.png?raw=true', 'docs/readme/digits.png?raw=true')]
    paths = {target[len(base) :].split('?')[0].split('#')[0] for _, _, target in links}
    assert not [path for path in paths if not os.path.exists(os.path.join(ROOT, path))]
    assert all(path in here for path in paths)


def test_the_table_of_methods_has_every_argument_and_default():
    section = read(os.path.join('docs', 'methods', 'README.md')).split('\n## Arguments\n')[1].split('\n## ')[0]
    rows = re.findall(r'^\| `([^`]+)` \|([^|]*)\|', section, re.MULTILINE)
    documented = {
        method: {name: ast.literal_eval(value) for name, value in re.findall(r'`(\w+)=([^`]+)`', arguments)}
        for method, arguments in rows
    }
    found = {
        method: {field.name: field.default for field in dataclasses.fields(cls)}
        for method, (cls, _) in attribution_methods.items()
        if method != 'zero'
    }
    assert documented == found


def test_each_method_has_a_page_with_its_arguments_and_a_picture():
    text = read(os.path.join('docs', 'methods', 'README.md'))
    pages = dict(re.findall(r'^\| \[`([^`]+)`\]\(([^)]+)\) \|', text, re.MULTILINE))
    assert list(pages) == [method for method in attribution_methods if method != 'zero']
    for method, page in pages.items():
        text = read(os.path.join('docs', 'methods', page))
        assert f'.. autoclass:: deepexplain.tensorflow.methods.{attribution_methods[method][0].__name__}\n' in text
        assert f'](pictures/{page[:-3]}.png)' in text
        assert f"'{method}'" in text.split('```python')[1]
    pictures = os.listdir(os.path.join(ROOT, 'docs', 'methods', 'pictures'))
    assert sorted(pictures) == sorted(page[:-3] + '.png' for page in pages.values())


def imported(name):
    """A module; a skip where it needs Ray and pyarrow, which are not there."""
    if name in OF_RAY:
        pytest.importorskip('ray')
    return importlib.import_module(name)


@pytest.mark.parametrize('name', MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(imported(name)).failed == 0


def test_there_are_docstring_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = [name for name in MODULES if name not in OF_RAY]
    assert any(test.examples for name in names for test in finder.find(importlib.import_module(name)))
