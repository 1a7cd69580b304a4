"""Run the examples: `make examples`, or `python examples/run.py mnist_tensorflow` for one of them.

Each script is run as it is. Then a notebook is made from it (its cells begin with `# %%`), run from its first cell to
its last, and saved beside it with what it printed and drew.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent
MOST_SECONDS = 600  # not a goal (that is two minutes), but an end for what hangs
#: What TensorFlow's C++ parts log before anybody can tell them not to.
LOG_LINES = re.compile(r'^(WARNING: All log messages before absl|[IWE]0000 ).*\n?', re.MULTILINE)


def scripts(names):
    """Paths of the scripts of these names, or of all of them."""
    found = {path.stem: path for path in sorted(FOLDER.glob('*.py')) if '\n# %%' in path.read_text(encoding='utf-8')}
    unknown = set(names) - set(found)
    if unknown:
        sys.exit(f'There is no example {", ".join(sorted(unknown))}; there are {", ".join(found)}.')
    return [found[name] for name in names or found]


def run_script(path):
    """Run a script in a process of its own; whether it succeeded. What it says is shown if it did not."""
    command = [sys.executable, '-W', 'ignore:FigureCanvasAgg is non-interactive', path.name]
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=dict(os.environ, MPLBACKEND='Agg'),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:], sep='\n')
    return done.returncode == 0


def run_notebook(path):
    """Make the notebook of a script, run it and save it; whether it succeeded."""
    notebook = jupytext.read(path, fmt='py:percent')
    notebook.metadata = {'kernelspec': {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}}
    client = NotebookClient(
        notebook,
        timeout=MOST_SECONDS,
        kernel_name='python3',
        coalesce_streams=True,  # else what is printed comes in parts, cut where chance has it
        resources={'metadata': {'path': FOLDER}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print(str(error)[-3000:])
        return False
    for number, cell in enumerate(notebook.cells):
        cell['id'] = f'cell-{number}'  # else they are drawn at random, and every run is a change
        cell.metadata = {}
        if cell.cell_type == 'code':
            cell.outputs = [output for output in map(without_logs, cell.outputs) if output is not None]
    jupytext.write(notebook, path.with_suffix('.ipynb'))
    return True


def without_logs(output):
    """An output of a cell, without TensorFlow's own log; None if nothing is left."""
    if output.output_type == 'stream':
        output.text = LOG_LINES.sub('', output.text)
    return None if output.output_type == 'stream' and not output.text.strip() else output


def main():
    parser = argparse.ArgumentParser(description='Run examples, as scripts and as notebooks.')
    parser.add_argument('names', nargs='*', metavar='NAME', help='which of them (default: all)')
    failed = []
    for path in scripts(parser.parse_args().names):
        seconds = []
        for run in (run_script, run_notebook):
            start = time.perf_counter()
            if not run(path):
                failed.append(f'{path.stem} ({run.__name__})')
            seconds.append(time.perf_counter() - start)
        print(f'{path.stem:<24} script {seconds[0]:5.1f} s   notebook {seconds[1]:5.1f} s', flush=True)
    if failed:
        sys.exit(f'failed: {", ".join(failed)}')


if __name__ == '__main__':
    main()
