"""docs/command-line.md: its commands, run in a shell's place, print what stands there."""

import os
import re
import shlex

import pytest
from click.testing import CliRunner
from sources import needs_keras_3

import deepexplain
from deepexplain.command.cli import cli

PAGE = os.path.join(os.path.dirname(os.path.dirname(deepexplain.__file__)), 'docs', 'command-line.md')
CODE = re.compile(r'^```python\n(.*?)^```$', re.DOTALL | re.MULTILINE)
CONSOLE = re.compile(r'^```console\n\$ deepexplain ([^\n]*)\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def steady(text):
    """A text without what differs between runs: seconds, in the last column, and rests of rounding."""
    text = re.sub(r'  +[\d.e-]+$', '  SECONDS', text, flags=re.MULTILINE) if ' seconds' in text else text
    return re.sub(r'\d(\.\d+)?e-(0[6-9]|\d\d)', '0', re.sub(' +', ' ', text))


@needs_keras_3
@pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')  # Keras 3 saves a variable so
def test_the_page_shows_what_commands_print(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open(PAGE, encoding='utf-8') as file:
        text = file.read()
    for code in CODE.findall(text):
        exec(compile(code, PAGE, 'exec'), {})
    found = CONSOLE.findall(text)
    assert len(found) == text.count('$ deepexplain ') > 3
    for line, expected in found:
        assert steady(CliRunner().invoke(cli, shlex.split(line), prog_name='deepexplain').output) == steady(expected)
