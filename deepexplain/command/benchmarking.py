"""``deepexplain bench``."""

from contextlib import closing
from dataclasses import fields
from typing import Any, Dict, List, Mapping, Tuple

import click

from ..errors import DeepExplainError
from ..metrics import compare
from ..metrics.comparison import MEASURES
from .data import Samples, read_samples
from .files import check_picture
from .job import Job
from .options import (
    by_method,
    explainer_of,
    is_shown,
    of_data,
    of_model,
    of_output,
    of_run,
    opened,
    run_options,
    target_of,
    value_of,
)
from .words import note, number, print_json, table

#: Compared where nobody chooses: what takes a gradient, or a path of them.
USUAL = ('saliency', 'grad*input', 'intgrad', 'deeplift', 'lrp')
#: Samples, where nobody says: sensitivity-n asks the network for hundreds of changed copies of each.
FIRST = 20


@click.command('bench', cls=Job)
@click.argument('model')
@click.argument('data')
@click.option('--method', '-m', 'methods', multiple=True, help=f'Once for each method.  [default: {", ".join(USUAL)}]')
@click.option('--option', '-o', 'options', multiple=True, metavar='METHOD:NAME=VALUE', help='intgrad:steps=50')
@click.option('--measure', 'measures', multiple=True, type=click.Choice(list(MEASURES)), help='Default: all.')
@of_run
@click.option('--plot', metavar='FILE', help='The table as bars: .png, .svg or .pdf.')
@of_data
@of_model
@of_output
def bench(**given: Any) -> None:
    """Methods compared by metrics, each a mean over the samples; and the seconds of one run.

    completeness, infidelity, deletion and max_sensitivity are better small, sensitivity_n and insertion large. Without
    --first, the first 20 samples are taken.

    \b
    Examples:
      deepexplain bench model.keras x.npy
      deepexplain bench model.h5 table.csv -m intgrad -m deeplift -o intgrad:steps=20 --plot bench.png
      deepexplain bench model.keras x.npy --measure completeness --json > bench.json
    """  # noqa: D301
    check_picture(given['plot'])
    given['first'] = given['first'] or FIRST
    methods = given['methods'] or USUAL
    options = by_method(given['options'], methods)
    baseline = value_of(given['baseline'], '--baseline')
    with opened(given) as model:
        samples = read_samples(model, given)
        note(given, f'data: {samples.said}')
        target = target_of(given, model.class_names)
        common = {'target': target, 'measures': list(given['measures']) or None, **run_options(given)}
        common['baseline'] = 0 if baseline is None else baseline
        rows, why = _compared(model, methods, options, samples, common, given)
    if not rows:
        raise click.ClickException('There is nothing to compare: ' + '; '.join(f'{one}: {why[one]}' for one in why))
    for one, reason in why.items():
        note(given, f'{one}: {reason}')
    if given['plot'] is not None:
        from .pictures import draw_comparison

        draw_comparison(rows, given['plot'])
    if given['as_json']:
        print_json({'methods': rows, 'without': why, 'data': samples.said})
        return
    head = list(next(iter(rows.values())))
    click.echo(table(['method', *head], [[name, *map(number, row.values())] for name, row in rows.items()]))
    if given['plot'] is not None:
        click.echo(f'wrote {given["plot"]}')


def _compared(
    model: Any,
    methods: Any,
    options: Mapping[str, Dict[str, Any]],
    samples: Samples,
    common: Dict[str, Any],
    given: Mapping[str, Any],
) -> Tuple[Dict[str, Dict[str, float]], Dict[str, str]]:
    """A row of numbers for each method; and why there are none, for those that this model has none of."""
    rows: Dict[str, Dict[str, float]] = {}
    why: Dict[str, str] = {}
    from ..tensorflow.runtime.progress import progress_bar

    with closing(progress_bar(is_shown(given), len(methods), 'bench', unit=' methods')) as bar:
        for method in methods:
            arguments = dict(options[method])
            if given['baseline'] is not None and 'baseline' not in arguments and _takes_baseline(method):
                arguments['baseline'] = common['baseline']
            try:
                explainer = explainer_of(model, method, arguments, given)
                explainer.run(samples.xs, target=common['target'], **run_options(given))  # the first run takes longer
                found = compare({method: explainer}, samples.xs, **common)
            except DeepExplainError as error:
                why[method] = ' '.join(str(error).split())
            else:
                rows[method], reasons = _row(found)
                why.update({f'{method}, {measure}': reason for (_, measure), reason in reasons.items()})
            bar.update(1)
    return rows, why


def _takes_baseline(method: str) -> bool:
    from ..tensorflow.methods.method import method_named

    return any(one.name == 'baseline' for one in fields(method_named(method)))


def _row(found: Any) -> Tuple[Dict[str, float], Mapping[Any, str]]:
    """What ``compare`` gave, of pandas or not."""
    if hasattr(found, 'to_numpy'):
        names: List[str] = list(found.columns)
        return {name: float(found[name].iloc[0]) for name in names}, found.attrs['why']
    return {name: float(values[0]) for name, values in found.columns.items()}, found.why
