"""Options that several commands have, and what their texts mean."""

import ast
import contextlib
import json
import os
import sys
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import click
import numpy as np

from .job import open_model_of_library, usage

Decorator = Callable[[Any], Any]


def several(*options: Decorator) -> Decorator:
    """All of these options, in their order."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


of_model = several(
    click.option('-T', '--tensor', metavar='NAME', help='What is explained. Default: the logits, or the only output.'),
    click.option('--class-names', metavar='A,B,...|FILE', help='Names of the outputs; a file has one on each line.'),
    click.option('--input', 'inputs', multiple=True, metavar='NAME', help='Of .pb and .meta files: the inputs.'),
    click.option('--output', 'outputs', multiple=True, metavar='NAME', help='The tensors that are the outputs.'),
    click.option('--signature', metavar='NAME', help='Of a SavedModel with several.'),
    click.option('--tag', 'tags', multiple=True, help='Of a SavedModel with several graphs.'),
    click.option('--checkpoint', metavar='PATH', help='Of a .meta file, if it is not the one beside it.'),
    click.option(
        '--allow-op', 'allow_ops', multiple=True, metavar='TYPE', help='Allow ops that touch files, and such.'
    ),
    click.option('--unsafe', is_flag=True, help='Run code that a Keras file holds: only if you trust who made it.'),
)

of_data = several(
    click.option('--first', type=click.IntRange(min=1), metavar='N', help='Only the first N samples.'),
    click.option('--array', 'arrays', multiple=True, metavar='NAME', help='.npz: which array, one for each input.'),
    click.option('--columns', metavar='A,B,...', help='Tables: the columns that are the input, in its order.'),
    click.option('--id-column', metavar='NAME', help='Tables: the column that has the names of the samples.'),
    click.option('--no-header', is_flag=True, help='.csv: the first line is a sample, too.'),
    click.option('--delimiter', metavar='TEXT', help='.csv: what stands between values.  [default: , or tab in .tsv]'),
    click.option('--alphabet', default='DNA', show_default=True, help='FASTA: DNA, RNA, PROTEIN, or the letters.'),
    click.option('--length', type=click.IntRange(min=1), help='FASTA: fill shorter sequences up, with zeros.'),
    click.option(
        '--ambiguous',
        type=click.Choice(['zeros', 'shares', 'refuse']),
        default='zeros',
        show_default=True,
        help='FASTA: what N and the like become.',
    ),
    click.option(
        '--scale',
        type=click.Choice(['0,1', '-1,1', '0,255']),
        help='Images: from black to white. No file says what a model wants, so there is no default.',
    ),
    click.option(
        '--channels',
        type=click.Choice(['grey', 'rgb', 'bgr', 'rgba']),
        help='Images.  [default: grey, rgb or rgba, by the input]',
    ),
    click.option('--size', metavar='HxW', help='Images: where the input leaves it open.'),
    click.option(
        '--resize',
        type=click.Choice(['bilinear', 'bicubic', 'lanczos', 'nearest']),
        default='bilinear',
        show_default=True,
        help='Images: how.',
    ),
    click.option('--mean', metavar='M,...', help='Images: subtracted after scaling, one number, or one a channel.'),
    click.option('--std', metavar='S,...', help='Images: divided by after that.'),
)

of_run = several(
    click.option(
        '--target',
        default='top',
        show_default=True,
        help="Which output: 'top', each sample's largest; a number; a class name; I,J; [one, for, each]; a .npy file.",
    ),
    click.option('--baseline', metavar='VALUE|FILE', help='Of the methods: a number, a list, or a .npy file.'),
    click.option('--batch-size', type=click.IntRange(min=1), metavar='N', help='The most rows of a session run.'),
    click.option('--feed', multiple=True, metavar='NAME=VALUE', help='Values of further placeholders.'),
)

of_output = several(
    click.option('--json', 'as_json', is_flag=True, help='Print the result as JSON.'),
    click.option('--quiet', '-q', is_flag=True, help='No notes and no progress: results, warnings and errors.'),
    click.option('--debug', is_flag=True, help='Errors with their traceback, and the warnings of all libraries.'),
)

HELP_OF_OPTION = 'An argument of the method: a Python or JSON literal, a word, or a .npy file: steps=50.'


def literal(text: str) -> Any:
    """The value of a Python or JSON literal; any other text is itself."""
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return ast.literal_eval(text.strip())
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)  # true, false, null
    return text


def pairs(texts: Sequence[str], option: str) -> Dict[str, Any]:
    """NAME=VALUE, each; the values as :func:`value_of` has them."""
    found = {}
    for text in texts:
        name, sign, value = text.partition('=')
        if not sign or not name.strip():
            raise click.BadParameter(f"must be NAME=VALUE; got '{text}'.", param_hint=option)
        found[name.strip()] = value_of(value, option)
    return found


def by_method(texts: Sequence[str], methods: Sequence[str]) -> Dict[str, Dict[str, Any]]:
    """METHOD:NAME=VALUE, each: the arguments of each method."""
    found: Dict[str, Dict[str, Any]] = {method: {} for method in methods}
    for text in texts:
        method, _, rest = text.partition(':')
        if method not in found:
            names = ', '.join(methods)
            raise click.BadParameter(f"must be METHOD:NAME=VALUE, of {names}; got '{text}'.", param_hint='--option')
        found[method].update(pairs([rest], '--option'))
    return found


def value_of(text: Optional[str], option: str) -> Any:
    """A literal, or the array of a .npy file."""
    if text is not None and text.lower().endswith('.npy'):
        try:
            return np.load(text, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise click.BadParameter(f"'{text}' cannot be read: {error}", param_hint=option) from None
    return None if text is None else literal(text)


def target_of(given: Mapping[str, Any], class_names: Optional[Sequence[str]]) -> Any:
    """The target, as ``run`` takes it."""
    text = given['target']
    found = text if text in (class_names or ()) else value_of(text, '--target')
    if isinstance(found, str) and found != 'top' and found not in (class_names or ()):
        names = 'none are known: --class-names gives them' if class_names is None else ', '.join(class_names)
        raise click.BadParameter(f"'{found}' is no class name; {names}.", param_hint='--target')
    return found


def numbers(text: Optional[str], option: str) -> Optional[List[float]]:
    """Numbers with commas between them."""
    if text is None:
        return None
    try:
        return [float(one) for one in text.split(',')]
    except ValueError:
        raise click.BadParameter(
            f"must be numbers with commas between them; got '{text}'.", param_hint=option
        ) from None


def run_options(given: Mapping[str, Any]) -> Dict[str, Any]:
    """What each run gets: feeds, and the size of a batch."""
    return {'batch_size': given['batch_size'], 'feed_dict': pairs(given['feed'], '--feed') or None}


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Any]:
    """The model, open."""
    names = ('inputs', 'outputs', 'signature', 'tags', 'checkpoint', 'allow_ops')
    options = {name: list(given[name]) if isinstance(given[name], tuple) else given[name] for name in names}
    options = {name: value for name, value in options.items() if value}
    if given['unsafe']:
        options['safe_mode'] = False
    with open_model_of_library()(given['model'], class_names=_class_names(given['class_names']), **options) as model:
        yield model


def _class_names(text: Optional[str]) -> Optional[List[str]]:
    if text is None or not os.path.isfile(text):
        if text is not None and ',' not in text and (os.path.splitext(text)[1] or os.sep in text):
            raise click.BadParameter(f"there is no file '{text}'.", param_hint='--class-names')
        return None if text is None else text.split(',')
    with open(text, encoding='utf-8') as file:
        return [line.rstrip('\r\n') for line in file if line.strip()]


def explainer_of(model: Any, method: str, arguments: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """An explainer; arguments that the method does not take are an error of usage."""
    with usage():
        explainer = model.get_explainer(method, T=given['tensor'], **arguments)
    names: Any = model.class_names
    sides: Any = explainer.T.shape.as_list() if explainer.T.shape.ndims else [None]
    outputs = None if None in sides[1:] else int(np.prod(sides[1:]))
    if given['class_names'] is not None and outputs is not None and len(names) != outputs:
        raise click.BadParameter(
            f"are {len(names)}, and '{explainer.T.name}' has {outputs} outputs.", param_hint='--class-names'
        )
    return explainer


def is_shown(given: Mapping[str, Any]) -> bool:
    """Whether somebody looks at standard error, and wants a bar there."""
    return not given['quiet'] and sys.stderr.isatty()


def size_of(text: Optional[str]) -> Optional[Tuple[int, int]]:
    """Height and width: 224x224."""
    if text is None:
        return None
    height, _, width = text.lower().partition('x')
    if not (height.isdigit() and width.isdigit() and int(height) and int(width)):
        raise click.BadParameter(f"must be HEIGHTxWIDTH, such as 224x224; got '{text}'.", param_hint='--size')
    return int(height), int(width)
