"""Ctrl-C and timeouts at random moments spoil no graph, change no weight and are answered.

``python -m fuzz.interrupts --builds 1000 --runs 1000`` tries more; DEEPEXPLAIN_INTERRUPTS=1000 does so here.
"""

import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNT = int(os.environ.get('DEEPEXPLAIN_INTERRUPTS', '40'))


@pytest.mark.skipif(sys.platform == 'win32', reason='no alarms')
@pytest.mark.parametrize('kind', ['builds', 'runs'])
def test_interrupts(kind):
    counts = {'builds': 0, 'runs': 0, kind: COUNT}
    command = [sys.executable, '-m', 'fuzz.interrupts', *(f'--{name}={n}' for name, n in counts.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    figures = dict(re.findall(r'(\w+)=(\S+)', done.stdout))
    figures.pop('slowest_answer', None)  # one that took 10 s is a lost one
    assert figures == {
        'interrupts': str(COUNT),
        'spoilt_graphs': '0',
        'changed_weights': '0',
        'wrong_results': '0',
        'lost_signals': '0',
        'aborts': '0',
    }, done.stderr
