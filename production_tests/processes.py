"""Starting, killing and waiting for jobs."""

import json
import os
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(FOLDER)


def environment():
    """This process', in which the library and these tests are found."""
    path = os.pathsep.join([ROOT, FOLDER, os.environ.get('PYTHONPATH', '')])
    return {**os.environ, 'PYTHONPATH': path, 'TF_CPP_MIN_LOG_LEVEL': '3'}


def start(*command):
    """A process, whose output can be read."""
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=ROOT, universal_newlines=True
    )


def start_job(**settings):
    """A job that runs, or is about to."""
    return start(sys.executable, '-W', 'ignore', os.path.join(FOLDER, 'job.py'), json.dumps(settings))


def finished(process, timeout=120):
    """The exit code, standard output and errors of a process that is given so many seconds."""
    try:
        out, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, errors
