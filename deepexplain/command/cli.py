"""The commands under one name."""

import click

from .. import __version__
from .benchmarking import bench
from .explaining import explain
from .inspecting import inspect
from .reporting import report


@click.group(context_settings={'help_option_names': ['-h', '--help'], 'max_content_width': 100})
@click.version_option(__version__, prog_name='deepexplain', message='%(prog)s %(version)s')
def cli() -> None:
    """How much each value of an input contributed to an output of a TensorFlow or Keras model.

    \b
    Examples:
      deepexplain inspect model.keras
      deepexplain explain model.keras photos/ --scale 0,1 --target top --plot photos.png
      deepexplain explain model.h5 reads.fasta --method deeplift --out attributions.npz
      deepexplain bench model.keras table.csv --method intgrad --method deeplift
      deepexplain report model.keras table.csv --out report.html

    Results go to standard output; notes, progress, warnings and errors to standard error. Exit codes: 0, all went
    well; 1, something is wrong with the model or the data; 2, with the command.
    """  # noqa: D301


for command in (inspect, explain, bench, report):
    cli.add_command(command)
