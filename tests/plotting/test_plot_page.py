"""docs/plotting.md: its code runs, prints what it says, and draws the pictures that stand there."""

import importlib.util
import os
import re

import pytest
from matplotlib import pyplot as plt
from test_readme import BLOCK, ROOT, read

DOCS = os.path.join(ROOT, 'docs')
PAGE = read(os.path.join('docs', 'plotting.md'))


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location('draw_pictures', os.path.join(DOCS, 'draw_pictures.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_draws_its_pictures_and_prints_what_it_says(script, tmp_path, capsys):
    names = script.draw(str(tmp_path))
    assert sorted(names) == sorted(set(re.findall(r'\(pictures/([^)]+)\)', PAGE)))
    assert sorted(os.listdir(str(tmp_path))) == sorted(names)
    assert not plt.get_fignums()
    printed = ''.join(block.group('output') or '' for block in BLOCK.finditer(PAGE))
    assert capsys.readouterr().out == printed != ''
    for name in names:
        height, width = plt.imread(str(tmp_path / name)).shape[:2]
        committed = plt.imread(os.path.join(DOCS, 'pictures', name)).shape[:2]
        assert abs(height - committed[0]) <= 2
        assert abs(width - committed[1]) <= 2


def test_the_pictures_are_those_of_the_pages_and_small():
    committed = os.listdir(os.path.join(DOCS, 'pictures'))
    pages = ''.join(read(os.path.join('docs', name)) for name in os.listdir(DOCS) if name.endswith('.md'))
    assert sorted(committed) == sorted(re.findall(r'\(pictures/([^)]+)\)', pages))
    assert max(os.path.getsize(os.path.join(DOCS, 'pictures', name)) for name in committed) < 60000


def test_links_lead_somewhere():
    targets = re.findall(r'\]\((?!https?:)([^)]+)\)', PAGE)
    headings = {
        re.sub(r'[^\w -]', '', line.lower()).replace(' ', '-') for line in re.findall(r'^#+ (.*)$', PAGE, re.MULTILINE)
    }
    for target in targets:
        assert target[1:] in headings if target.startswith('#') else os.path.exists(os.path.join(DOCS, target)), target
    assert len(targets) > 20


def test_a_picture_without_a_figure_is_an_error(script, tmp_path, monkeypatch):
    page = tmp_path / 'page.md'
    page.write_text('![none](pictures/none.png)\n')
    monkeypatch.setattr(script, 'PAGE', str(page))
    with pytest.raises(RuntimeError, match=r'0 figures were drawn for none.png, not one'):
        script.draw(str(tmp_path))
