"""Starting processes and waiting for them. Jobs come from a server that has imported TensorFlow, and start at once."""

import multiprocessing
import os
import subprocess

import job

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(FOLDER)

#: In which the library and these tests are found.
os.environ['PYTHONPATH'] = os.pathsep.join([ROOT, FOLDER, os.environ.get('PYTHONPATH', '')])
CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload(['job'])


def start(*command):
    """A process, whose output can be read."""
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, universal_newlines=True)


def finished(process, timeout=300):
    """The exit code, standard output and errors of a process that is given so many seconds."""
    try:
        out, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, errors


def start_job(**settings):
    """A job of job.py that runs, or is about to; what it says goes to the files ``log`` + '.said'."""
    process = CONTEXT.Process(target=job.main, args=(settings,))
    process.start()
    return process


def ended(process, timeout=300):
    """The exit code of a job that is given so many seconds."""
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f'The job did not end within {timeout} seconds.')
    return process.exitcode
