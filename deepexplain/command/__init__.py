"""The command line: ``deepexplain inspect``, ``explain``, ``bench`` and ``report``.

Arguments in, a call of the library, results out. Nothing here imports TensorFlow before a model is opened, so that
``--help`` is quick.
"""

import os
import sys

__all__ = ['main']


def main() -> None:
    """Run the command line in this process; it ends with exit code 0, 1 (model or data) or 2 (usage)."""
    os.environ.setdefault('MPLBACKEND', 'Agg')  # pictures go to files
    try:
        from .cli import cli
    except ImportError as error:
        if error.name != 'click':
            raise
        sys.exit("The command line needs click, and found none: pip install 'deepexplain[cli]'.")
    cli(prog_name='deepexplain')
