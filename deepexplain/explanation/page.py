"""An explanation as a notebook shows it."""

from html import escape
from typing import Any, List

#: How many samples a notebook shows, how many values of each, and of how many characters.
SHOWN, TOP, LONGEST = 5, 3, 60


def html_of(explanation: Any) -> str:
    """A table of the first samples: what was explained, and the largest attributions. All text is escaped."""
    title = f'<b>{_text(repr(explanation))}</b>'
    if explanation.each:
        return f'<div>{title}<br>Each output by itself: <code>.of_output(i)</code></div>'
    columns = [('T(x)', explanation.outputs), ('T(baseline)', explanation.base_value), ('delta', explanation.delta)]
    columns = [(name, values) for name, values in columns if values is not None]
    names = explanation.sample_names
    rows: List[str] = []
    for i, top in enumerate(explanation[:SHOWN].top(TOP)):
        cells = [names[i] if names else str(i), *[f'{values[i]:.4g}' for _, values in columns]]
        largest = ', '.join(f'{one.name} {one.attribution:+.4g}' for one in top)
        rows.append(''.join(f'<td>{_text(cell)}</td>' for cell in [*cells, largest]))
    head = ''.join(f'<th>{_text(name)}</th>' for name in ['sample', *[name for name, _ in columns], 'largest'])
    more = len(explanation) - len(rows)
    foot = f'<br>and {more} more' if more else ''
    body = ''.join(f'<tr>{row}</tr>' for row in rows)
    return f'<div>{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}</div>'


def _text(text: str) -> str:
    return escape(text if len(text) <= 3 * LONGEST else text[: 3 * LONGEST - 3] + '...')
