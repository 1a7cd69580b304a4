"""Every example is a script with the notebook that was made from it, run, and small enough to be looked at."""

import json
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, 'examples')
MOST_BYTES = 600_000
#: A line that begins a cell: `# %%` and what kind of cell it is.
CELL = re.compile(r'^# %%(?P<kind>.*)\n', re.MULTILINE)


def read(*path):
    with open(os.path.join(ROOT, *path), encoding='utf-8') as file:
        return file.read()


NAMES = [
    name[:-3]
    for name in sorted(os.listdir(FOLDER))
    if name.endswith('.py') and CELL.search(read('examples', name)) is not None
]


def cells_of_script(name):
    """The cells of a script in the "percent" format: (kind, text)."""
    before, *parts = CELL.split(read('examples', name + '.py'))
    first = [('code', before.strip())] if before.strip() else []  # what stands before the first mark is a cell, too
    return first + [cell_of_script(kind.strip(), text) for kind, text in zip(parts[::2], parts[1::2])]


def cell_of_script(kind, text):
    if kind != '[markdown]':
        assert kind == '', f'an unknown kind of cell: {kind}'
        return 'code', text.strip()
    lines = text.strip().split('\n')
    assert all(line == '#' or line.startswith('# ') for line in lines), 'a markdown cell holds more than comments'
    return 'markdown', '\n'.join(line[2:] for line in lines).strip()


def notebook(name):
    return json.loads(read('examples', name + '.ipynb'))


def source(cell):
    return ''.join(cell['source']).strip()  # a list of lines, or one text: the format allows both


def test_there_are_examples():
    assert NAMES


@pytest.mark.parametrize('name', NAMES)
def test_the_notebook_was_made_from_the_script(name):
    assert [(cell['cell_type'], source(cell)) for cell in notebook(name)['cells']] == cells_of_script(name), (
        f'examples/{name}.ipynb is not what is in {name}.py: make examples EXAMPLES={name}'
    )


@pytest.mark.parametrize('name', NAMES)
def test_the_notebook_was_run_from_first_to_last(name):
    code = [cell for cell in notebook(name)['cells'] if cell['cell_type'] == 'code']
    outputs = [output for cell in code for output in cell['outputs']]
    assert [cell['execution_count'] for cell in code] == list(range(1, len(code) + 1))
    assert any('image/png' in output.get('data', {}) for output in outputs), 'it shows no picture'
    assert not [output for output in outputs if output['output_type'] == 'error']


@pytest.mark.parametrize('name', NAMES)
def test_no_warning_is_left_in_the_notebook(name):
    """What an example is about is printed: what comes by stderr came unasked."""
    outputs = [output for cell in notebook(name)['cells'] for output in cell.get('outputs', [])]
    assert not [output['text'] for output in outputs if output.get('name') == 'stderr']


@pytest.mark.parametrize('name', NAMES)
def test_it_begins_with_what_to_see_and_ends_with_what_it_means(name):
    cells = cells_of_script(name)
    texts = [text for kind, text in cells if kind == 'markdown']
    assert cells[0] == ('markdown', texts[0])
    assert texts[0].startswith('# '), 'the first cell begins with a title'
    assert len(texts) > 1, 'there is no cell at the end that says what it means'
    assert [kind for kind, _ in cells[-2:]].count('markdown') == 1, 'nothing but plt.show() follows what it means'


@pytest.mark.parametrize('name', NAMES)
def test_the_notebook_is_small(name):
    assert os.path.getsize(os.path.join(FOLDER, name + '.ipynb')) <= MOST_BYTES


def test_the_table_of_examples_names_every_one():
    named = re.findall(
        r'^\| \[(\w+)\]\((\w+)\.ipynb\) \| \S', read(os.path.join('examples', 'README.md')), re.MULTILINE
    )
    assert sorted(named) == [(name, name) for name in sorted(NAMES)]
