"""``deepexplain explain``."""

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

import click
import numpy as np

from ..explanation import Explanation
from .data import Samples, read_samples
from .files import check_html, check_out, check_picture
from .job import Job
from .options import (
    HELP_OF_OPTION,
    explainer_of,
    is_shown,
    of_data,
    of_model,
    of_output,
    of_run,
    opened,
    pairs,
    run_options,
    target_of,
    value_of,
)
from .reporting import write_html
from .words import note, number, print_json, table

#: Samples that are printed; that are drawn, each by itself; and all together, as those of a table are.
SHOWN, DRAWN, TOGETHER = 10, 8, 500


@click.command('explain', cls=Job)
@click.argument('model')
@click.argument('data')
@click.option('--method', '-m', default='intgrad', show_default=True, help='Such as deeplift, lrp, occlusion.')
@click.option('--option', '-o', 'options', multiple=True, metavar='NAME=VALUE', help=HELP_OF_OPTION)
@of_run
@click.option('--out', metavar='FILE', help='.npz, .h5, .parquet or .zarr: all that is known; .npy: the attributions.')
@click.option(
    '--plot', metavar='FILE', help=f'A picture of the first {DRAWN} samples, of a table {TOGETHER}: .png, .svg, .pdf.'
)
@click.option('--html', metavar='FILE', help='A report, as by deepexplain report.')
@click.option('--resume', is_flag=True, help='Write --out (.npy, .zarr) on the way; again, and it goes on from there.')
@of_data
@of_model
@of_output
def explain(**given: Any) -> None:
    """Attributions of the samples in DATA: .npy, .npz, .csv, .parquet, FASTA, an image or a folder of images.

    \b
    Examples:
      deepexplain explain model.keras x.npy --out attributions.npz
      deepexplain explain model.keras photos/ --scale -1,1 --class-names cat,dog --plot photos.png
      deepexplain explain model.h5 reads.fasta --method deeplift --option rules=complete --out reads.h5
      deepexplain explain model.keras table.csv --columns age,fare --target 1 --baseline mean.npy
      deepexplain explain model.keras large.npy --method lrp --out lrp.npy --resume
    """  # noqa: D301
    check_out(given)
    check_picture(given['plot'])
    check_html(given['html'], '--html')
    options = pairs(given['options'], '--option')
    if given['baseline'] is not None:
        options['baseline'] = value_of(given['baseline'], '--baseline')
    with opened(given) as model:
        explainer = explainer_of(model, given['method'], options, given)
        samples = read_samples(model, given)
        note(given, f'data: {samples.said}')
        target, run = target_of(given, model.class_names), run_options(given)
        if given['resume']:
            said = _resumed(explainer, samples, target, run, given)
            drawn = None if given['plot'] is None else _named(_of_first(explainer, samples, target, run), samples.names)
        else:
            found = explainer.run(samples.xs, progress=is_shown(given), target=target, explanation=True, **run)
            found = _named(found, samples.names)
            _save(found, given['out'])
            said, drawn = _described(found), found[: _drawn(found.data)]
        if given['plot'] is not None and drawn is not None:
            from .pictures import draw_explanation

            draw_explanation(drawn, _titles(drawn), given['plot'])
        if given['html'] is not None:
            write_html(given['html'], model, samples, [given['method']], {given['method']: options}, target, given)
    said['files'] = {name: given[name] for name in ('out', 'plot', 'html') if given[name] is not None}
    if given['as_json']:
        print_json({**said, 'data': samples.said})
        return
    _print(said)


def _resumed(explainer: Any, samples: Samples, target: Any, run: Dict[str, Any], given: Mapping[str, Any]) -> Any:
    if isinstance(samples.xs, list):
        raise click.UsageError('--resume writes one file, and this model has several inputs: explainer.run_to does it.')
    written = explainer.run_to(given['out'], samples.xs, target=target, progress=is_shown(given), **run)
    return {'method': explainer.name, 'target': explainer.T.name, 'samples': len(written), 'shape': written.shape}


def _of_first(explainer: Any, samples: Samples, target: Any, run: Dict[str, Any]) -> Explanation:
    """The explanation of the samples that are drawn, computed for that: the file has attributions alone."""
    xs = samples.xs[: _drawn(samples.xs)]
    count = len(xs)
    one_each = isinstance(target, (list, np.ndarray)) and np.ndim(target) > 0
    found: Explanation = explainer.run(xs, target=target[:count] if one_each else target, explanation=True, **run)
    return found


def _drawn(xs: Any) -> int:
    return TOGETHER if len(getattr(xs, 'shape', ())) == 2 else DRAWN


def _named(found: Explanation, names: Optional[List[str]]) -> Explanation:
    return found if names is None else replace(found, sample_names=names[: len(found)])


def _save(found: Explanation, path: Optional[str]) -> None:
    if path is None:
        return
    if not path.lower().endswith('.npy'):
        found.save(path)
        return
    if found.several:
        raise click.BadParameter('.npy holds one array, and there are several inputs: give .npz.', param_hint='--out')
    np.save(path, found.values, allow_pickle=False)


def _chosen(found: Explanation) -> Optional[List[str]]:
    """The output of each sample that is explained, by its name or number; None where it is not one alone."""
    if found.ys is None:
        return None
    rows = np.asarray(found.ys).reshape(len(found), -1)
    if rows.shape[1] < 2 or not ((rows != 0).sum(axis=1) == 1).all():
        return None
    names = found.class_names
    shape = np.shape(found.ys)[1:]
    if names is not None and len(names) == rows.shape[1]:
        return [names[i] for i in rows.argmax(axis=1)]
    places = zip(*np.unravel_index(rows.argmax(axis=1), shape))
    return [','.join(str(int(one)) for one in place) for place in places]


def _titles(found: Explanation) -> List[str]:
    names = found.sample_names or [f'sample {i}' for i in range(len(found))]
    chosen = _chosen(found)
    return names if chosen is None else [f'{name}: {one}' for name, one in zip(names, chosen)]


def _described(found: Explanation) -> Dict[str, Any]:
    """What there is to say of an explanation, but for the attributions."""
    values = found.values if found.several else [found.values]
    said: Dict[str, Any] = {
        'method': found.method,
        'arguments': found.arguments,
        'target': found.target,
        'quantity': found.quantity,
        'samples': len(found),
        'shape': [one.shape for one in values] if found.several else values[0].shape,
        'names': found.sample_names,
        'explained': _chosen(found),
        'outputs': found.outputs,
        'base_value': found.base_value,
        'delta': found.delta,
        'versions': found.versions,
    }
    if values[0].ndim == 2 and not found.several:  # a table
        said['top'] = [[one._asdict() for one in row] for row in found.top(3)]
    return said


def _print(said: Mapping[str, Any]) -> None:
    click.echo(
        f"{said['method']} of '{said['target']}': {said['samples']} samples, attributions of shape {said['shape']}"
    )
    if 'outputs' in said:
        columns = [('output', 'explained'), ('T(x)', 'outputs'), ('T(baseline)', 'base_value'), ('delta', 'delta')]
        columns = [(head, name) for head, name in columns if said[name] is not None]
        rows = []
        for i in range(min(SHOWN, said['samples'])):
            cells = [said[name][i] if name == 'explained' else number(said[name][i]) for _, name in columns]
            rows.append([said['names'][i] if said['names'] else str(i), *cells, _largest(said, i)])
        click.echo(table(['sample', *[head for head, _ in columns], *(['largest'] if 'top' in said else [''])], rows))
        if said['samples'] > SHOWN:
            click.echo(f'and {said["samples"] - SHOWN} more')
    for path in said['files'].values():
        click.echo(f'wrote {path}')


def _largest(said: Mapping[str, Any], i: int) -> str:
    top: Sequence[Mapping[str, Any]] = said['top'][i] if 'top' in said else []
    return ', '.join(f'{one["name"]} {one["attribution"]:+.3g}' for one in top)
