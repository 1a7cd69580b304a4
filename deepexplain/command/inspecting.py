"""``deepexplain inspect``."""

from collections import Counter
from typing import Any, Dict, List, Mapping, Optional

import click

from ..errors import ArgumentTypeError, DeepExplainError, GraphError
from .job import Job, usage
from .options import HELP_OF_OPTION, explainer_of, of_model, of_output, opened, pairs
from .words import print_json, shape_text, table

#: A method that needs nothing but a gradient: its audit lists the ops between X and T.
PLAIN = 'grad*input'


@click.command('inspect', cls=Job)
@click.argument('model')
@click.option('--method', '-m', help='What one method does with every op.  [default: all methods, in short]')
@click.option('--option', '-o', 'options', multiple=True, metavar='NAME=VALUE', help=HELP_OF_OPTION)
@of_model
@of_output
def inspect(**given: Any) -> None:
    """What there is to explain in MODEL: .keras, .h5, .hdf5, .pb, .meta, or the directory of a SavedModel.

    Inputs, outputs, what may be explained (--tensor), layers (--option layer=NAME), and what each method does with the
    ops on the way.

    \b
    Examples:
      deepexplain inspect model.keras
      deepexplain inspect model.keras --method deeplift --option rules=complete
      deepexplain inspect saved_model/ --json
    """  # noqa: D301
    options = pairs(given['options'], '--option')
    if options and given['method'] is None:
        raise click.UsageError('--option is of a method: give --method, too.')
    with opened(given) as model:
        targets = _targets(model)
        said: Dict[str, Any] = {
            'operations': len(model.graph.get_operations()),
            'inputs': [_tensor(one) for one in model.inputs],
            'outputs': [_tensor(one) for one in model.outputs],
            'targets': targets,
            'class_names': model.class_names,
        }
        given['tensor'] = explained = given['tensor'] or (targets[0]['name'] if targets else None)
        if explained is None:
            raise GraphError('This model has no output of floats that depends on an input: nothing can be explained.')
        with usage():
            said['explained'] = model.tensor(explained).name
        said['layers'] = _layers(model, given)
        if given['method'] is not None:
            said['methods'] = [_audit(explainer_of(model, given['method'], options, given))]
        else:
            said['methods'] = [_tried(model, method, given) for method in _methods()]
    if given['as_json']:
        print_json(said)
    else:
        _print(said, given['method'])


def _methods() -> List[str]:
    from ..tensorflow.methods.method import attribution_methods

    return [method for method in attribution_methods if method != 'zero']  # which is for tests


def _tensor(tensor: Any) -> Dict[str, Any]:
    shape = None if tensor.shape.ndims is None else tensor.shape.as_list()
    return {'name': tensor.name, 'dtype': tensor.dtype.base_dtype.name, 'shape': shape}


def _targets(model: Any) -> List[Dict[str, Any]]:
    """What may be explained, what is best first: what is before a softmax or sigmoid, then the outputs."""
    from ..tensorflow.models.ends import RESHAPING, before_squashing, producer

    logits = [before_squashing(producer(output, RESHAPING)) for output in model.outputs]
    found = [
        {**_tensor(one), 'what': f"before the softmax or sigmoid of '{output.name}'"}
        for one, output in zip(logits, model.outputs)
        if one is not None
    ]
    floats = [one for one in model.outputs if one.dtype.is_floating]
    return found + [{**_tensor(one), 'what': 'output'} for one in floats]


def _layers(model: Any, given: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The last tensor of each scope between X and T, in order: what ``layer`` may be."""
    found: Dict[str, Dict[str, Any]] = {}
    try:
        rows = explainer_of(model, PLAIN, {}, given).describe().rows
    except GraphError:  # no gradient: said of each method
        return []
    for row in rows:
        try:
            tensor = model.tensor(row.op + ':0')
        except DeepExplainError:  # of a copy of what is in a function's body
            continue
        scope = row.op.rsplit('/', 1)[0]
        found.pop(scope, None)
        if tensor.name != given['tensor']:
            found[scope] = {**_tensor(tensor), 'type': row.type}
    return list(found.values())


def _audit(explainer: Any) -> Dict[str, Any]:
    audit = explainer.describe()
    return {
        'method': audit.method,
        'quantity': explainer.quantity,
        'promise': audit.promise,
        'said': str(audit).splitlines()[0].rstrip(':') + '.',
        'ops': [row._asdict() for row in audit.rows],
        'regions': audit.regions,
        'table': str(audit),
    }


def _tried(model: Any, method: str, given: Mapping[str, Any]) -> Dict[str, Any]:
    """The audit of a method, or why there is none."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # what they say is in the audit
            return _audit(model.get_explainer(method, T=given['tensor']))
    except DeepExplainError as error:
        needs_layer = isinstance(error, ArgumentTypeError) and 'layer' in str(error)
        why = f"'{method}' needs --option layer=NAME." if needs_layer else ' '.join(str(error).split())
        said = why if method in why.split("'")[:2] else f"'{method}': {why}"
        return {'method': method, 'said': said, 'ops': None}


def _print(said: Mapping[str, Any], method: Optional[str]) -> None:
    click.echo(f'{said["operations"]} operations. Explained is {said["explained"]}, unless --tensor names another.\n')
    rows = [[what, *_cells(one), ''] for what in ('input', 'output') for one in said[what + 's']]
    rows += [['target', *_cells(one), one['what']] for one in said['targets']]
    rows += [['layer', *_cells(one), one['type']] for one in said['layers']]
    click.echo(table(['', 'name', 'dtype', 'shape', ''], rows))
    click.echo()
    for one in said['methods']:
        if method is not None:
            click.echo(one['table'])
            continue
        click.echo(one['said'])
        for treatment, types in _by_treatment(one['ops'] or ()).items():
            click.echo(f'    {treatment}: {types}')


def _cells(one: Mapping[str, Any]) -> List[str]:
    return [one['name'], one['dtype'], 'any' if one['shape'] is None else shape_text(one['shape'])]


def _by_treatment(ops: Any) -> Dict[str, str]:
    """Treatment -> types of ops, with how many there are; with a word where the sum breaks."""
    found: Dict[str, Counter] = {}  # type: ignore[type-arg]  # no Counter[str] in Python 3.7
    for op in ops:
        # Of what belongs to a layer, lrp says which: here they are counted together.
        treatment = op['treatment'].partition(" with '")[0] + (' (breaks the sum)' if op['exact'] is False else '')
        found.setdefault(treatment, Counter())[op['type']] += 1
    return {
        treatment: ', '.join(f'{count} {kind}' if count > 1 else kind for kind, count in counter.items())
        for treatment, counter in found.items()
    }
