"""Findings as a page of HTML. Every name is escaped by the template."""

import datetime
import os
from typing import Any, Dict, Tuple

import jinja2
import numpy as np

from ..arguments import text_of
from .findings import Explained, Findings
from .pictures import overview_of, pictures_of, sample_itself

#: Rows of an audit that are listed one by one; a large network has thousands.
MOST_OPS = 300
#: Columns of the metrics: what they are called, and what they mean.
MEANINGS: Dict[str, Tuple[str, str]] = {
    'completeness': ('gap', 'How far the attributions of a sample are from adding up, as a share. 0 is best.'),
    'infidelity': (
        'infidelity',
        'Values are changed at random: how wrong attributions are about what that does to the output. 0 is best; 1 is '
        'as good as saying nothing.',
    ),
    'deletion': (
        'deletion',
        'The mean output while values are taken away, those of the largest attributions first. Lower is better.',
    ),
    'insertion': (
        'insertion',
        'The mean output while values are put in, those of the largest attributions first. Higher is better.',
    ),
    'max_sensitivity': (
        'sensitivity',
        'How much the attributions change, as a share, where the sample hardly does. Lower is steadier.',
    ),
    'seconds': ('seconds', 'What one run of these samples took, on the machine that wrote this report.'),
}


def page_of(found: Findings) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__))),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, signed=_signed, share=_share)
    first = found.methods[0].explanation
    return environment.get_template('page.html').render(
        found=found,
        model=os.path.basename(found.facts[0][1].rstrip('/')),
        first=first,
        at_baseline=_at_baseline(found),
        samples=[_sample(found, i) for i in range(found.shown)],
        overviews=[(one.method, overview_of(one.explanation)) for one in found.methods],
        verdicts={one.method: _verdict(one) for one in found.methods},
        quantities=QUANTITIES,
        metrics=[(*MEANINGS[name], values) for name, values in found.metrics.items() if name in MEANINGS],
        audits=[(one, one.audit.rows[:MOST_OPS], len(one.audit.rows)) for one in found.methods],
        calls={one.method: _call(one, found.given_target) for one in found.methods},
        written=datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
    )


#: What the numbers are, by ``explanation.quantity``.
QUANTITIES = {
    'contribution': 'parts of the explained output, in its units',
    'sensitivity': 'how much the output changes for each unit of the input',
    None: 'scores without a unit',
}


def _sample(found: Findings, i: int) -> Dict[str, Any]:
    """What the page says of one sample."""
    one = slice(i, i + 1)
    first = found.methods[0].explanation
    x = [x[one] for x in found.samples] if first.several else found.samples[one]
    maps = [(method, pictures_of(method.explanation[one], first[one], found.names[i], x)) for method in found.methods]
    return {
        'name': found.names[i],
        'label': found.label(i),
        'outputs': found.outputs[i],
        'itself': sample_itself(first[one], found.names[i], x),
        'maps': maps,
    }


def _at_baseline(found: Findings) -> Any:
    """T at the baseline, where all methods that have one agree."""
    every = [one.explanation.base_value for one in found.methods if one.explanation.base_value is not None]
    return every[0] if every and all(np.allclose(one, every[0], equal_nan=True) for one in every) else None


def _verdict(one: Explained) -> Tuple[str, str]:
    """How far a method's attributions add up: a word for the style of the page, and a sentence."""
    total = one.sum
    if total is None:
        return 'none', 'promises no sum, so nothing can be checked this way.'
    share = total.share
    if not one.audit.promise:
        return 'none', f'promises no sum; its gap is {_share(share)} of what there is to explain.'
    if not np.isfinite(share):
        return 'bad', 'does not add up, or to something that is no finite number.'
    if share <= 0.01:
        return 'good', f'adds up: the gap is {_share(share)} of what there is to explain.'
    if share <= 0.1:
        return 'fair', f'nearly adds up: the gap is {_share(share)} of what there is to explain.'
    return 'bad', f'does not add up: the gap is {_share(share)} of what there is to explain.'


def _call(one: Explained, target: str) -> str:
    """What computes the same again."""
    given = ''.join(f', {name}={text_of(value)}' for name, value in one.given.items())
    return f'm.explain({one.method!r}, xs, target={target}{given})'


def _number(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):  # a model may return strings
        return value.decode('utf-8', 'replace') if isinstance(value, bytes) else str(value)
    return '-' if np.isnan(number) else f'{number + 0.0:.4g}'


def _signed(value: Any) -> str:
    return '-' if np.isnan(value) else f'{value + 0.0:+.4g}'


def _share(share: float) -> str:
    if not np.isfinite(share):
        return '-'
    return 'less than 0.01 %' if share < 1e-4 else f'{100 * share:.2g} %'
