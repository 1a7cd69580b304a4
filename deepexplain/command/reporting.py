"""``deepexplain report``, and ``--html`` of other commands."""

from typing import Any, Dict, Mapping, Sequence

import click

from .data import Samples, read_samples
from .files import check_html
from .job import Job
from .options import (
    by_method,
    explainer_of,
    is_shown,
    of_data,
    of_model,
    of_output,
    opened,
    target_of,
)
from .words import note, print_json


@click.command('report', cls=Job)
@click.argument('model')
@click.argument('data')
@click.option('--out', metavar='FILE', required=True, help='The report: one .html file.')
@click.option('--method', '-m', 'methods', multiple=True, help='Once for each method.  [default: some that suit]')
@click.option('--option', '-o', 'options', multiple=True, metavar='METHOD:NAME=VALUE', help='intgrad:steps=50')
@click.option('--target', default='top', show_default=True, help='Which output, as in deepexplain explain.')
@click.option('--shown', type=click.IntRange(min=1), default=10, show_default=True, help='Samples with a picture.')
@of_data
@of_model
@of_output
def report(**given: Any) -> None:
    """One HTML file of a model and some samples: what each method says of them, and how far to trust it.

    \b
    Examples:
      deepexplain report model.keras table.csv --out report.html
      deepexplain report model.keras photos/ --scale 0,1 --method intgrad --method lrp --out report.html
    """  # noqa: D301
    check_html(given['out'], '--out')
    options = by_method(given['options'], given['methods'])
    with opened(given) as model:
        for method, arguments in options.items():
            explainer_of(model, method, arguments, given)  # what is wrong with an option is said at once
        samples = read_samples(model, given)
        note(given, f'data: {samples.said}')
        target = target_of(given, model.class_names)
        write_html(given['out'], model, samples, list(given['methods']), options, target, given)
    if given['as_json']:
        print_json({'files': {'out': given['out']}, 'data': samples.said})
    else:
        click.echo(f'wrote {given["out"]}')


def write_html(
    path: str,
    model: Any,
    samples: Samples,
    methods: Sequence[str],
    arguments: Dict[str, Dict[str, Any]],
    target: Any,
    given: Mapping[str, Any],
) -> None:
    """Write the report of these samples."""
    from ..report import write_report

    write_report(
        path,
        model,
        samples.xs,
        methods=list(methods) or None,
        target=target,
        T=given['tensor'],
        names=samples.names,
        data=samples.said,
        shown=given.get('shown', 10),
        arguments={method: one for method, one in arguments.items() if one} or None,
        progress=is_shown(given),
    )
