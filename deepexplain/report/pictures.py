"""The pictures of a report: each on a light page and on a dark one, as data URIs, with what they show in words."""

import base64
import io
import threading
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from matplotlib import image as files
from matplotlib import style
from matplotlib.figure import Figure

from ..errors import ArgumentError
from ..explanation import Explanation, Top
from ..plotting.bars import waterfall
from ..plotting.chosen import drawing_of
from ..plotting.explained import picture_in
from ..plotting.features import beeswarm, tabular
from ..plotting.images import as_picture, image
from ..plotting.sequences import sequence
from ..plotting.series import timeseries

#: The page and what is written on it, of the template's two colour schemes.
PAGES = {'light': ('#ffffff', '#1c1e21'), 'dark': ('#1d2024', '#e4e6e9')}
DOTS = 160  # an inch; a browser's inch has 96
#: Letters of a long sequence that can be read, and rows of a table.
MOST_LETTERS, MOST_ROWS = 50, 10
#: The longest side of a picture that is shown itself.
LARGEST_SIDE = 512
#: matplotlib has one set of options for all threads.
_options = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A picture as a page has it: data URIs, the width at which it is read, in CSS pixels, and what it shows."""

    light: str
    dark: str
    width: int
    alt: str
    is_wide: bool = False  # scrolls in itself on a small screen
    is_pixels: bool = False


@dataclass(frozen=True)
class Shown:
    """What is shown of one input of a sample: a picture, or, where none goes with it, its largest attributions."""

    input: str
    picture: Optional[Picture]
    largest: List[Top]


def pictures_of(explanation: Explanation, first: Explanation, sample: str, samples: Any) -> List[Shown]:
    """Of one sample, by one method: one for each input. ``first``: by the first method, which says where to look."""
    several = explanation.several
    parts, firsts = _parts(explanation), _parts(first)
    given = samples if several else [samples]
    return [_shown(part, other, sample, x, several) for part, other, x in zip(parts, firsts, given)]


def _parts(explanation: Explanation) -> List[Explanation]:
    if not explanation.several:
        return [explanation]
    return [explanation.of_input(i) for i in range(len(explanation.values))]


def _shown(part: Explanation, first: Explanation, sample: str, x: Any, several: bool) -> Shown:
    name = part.input_names[0] if several and part.input_names else ''
    if part.data is None:  # of a layer of the method's own, which may have the places of the samples
        x = np.asarray(x)
        part = replace(part, data=x) if x.shape[:3] == part.values.shape[:3] else part
    largest = part.top(MOST_ROWS)[0]
    try:
        draw = drawing_of(part)
    except ArgumentError:
        return Shown(name, None, largest)
    width, height, options = _size(draw, part, first)
    kind, reading = KINDS.get(draw, ('Picture', ''))
    said = ', '.join(f'{one.name} {one.attribution:+.3g}' for one in largest[:3])
    alt = f'{kind} of the attributions of {sample} by {part.method}. {reading}The largest: {said}.'
    return Shown(name, drawn(draw, part, (width, height), options, alt, width > 8 or draw is timeseries), largest)


#: What each function draws, and how it is read.
KINDS: Dict[Any, Tuple[str, str]] = {
    waterfall: ('Waterfall', 'Steps lead from the baseline to the output. '),
    tabular: ('Bars', 'Bars to the right speak for the output, to the left against it. '),
    sequence: ('Letters', 'Letters above the line speak for the output, below it against it. '),
    image: ('Map', 'Red speaks for the output, blue against it. '),
    timeseries: ('Lines', 'Red speaks for the output, blue against it. '),
    beeswarm: ('Points', 'A point for each sample, a row for each feature. '),
}


def _size(draw: Any, part: Explanation, first: Explanation) -> Tuple[float, float, Dict[str, Any]]:
    """Width and height in inches, and options of the function that draws."""
    shape = part.values.shape[1:]
    if draw is image:
        scale = 2.8 / max(shape[:2])
        return max(scale * shape[1], 1.2) + 0.9, max(scale * shape[0], 1.2), {'colorbar': True}
    if draw is sequence:
        width = max(0.2 * min(shape[0], MOST_LETTERS) + 1, 4)
        return width, 2.2, {'window': _window(first.values[0])} if shape[0] > MOST_LETTERS else {}
    if draw is timeseries:
        return 8, 1.2 + 0.9 * min(max(2, shape[1]), 40), {}
    return 4.6, 1.5 + 0.3 * min(max(2, shape[0]), MOST_ROWS + 2), {'top': MOST_ROWS}


def _window(values: Any) -> Tuple[int, int]:
    """Which letters of a long sequence are shown, the same by every method: those that count most."""
    sizes = np.nan_to_num(np.abs(values)).reshape(len(values), -1).sum(axis=1)
    sums = np.cumsum(np.concatenate([[0.0], sizes]))
    begin = int(np.argmax(sums[MOST_LETTERS:] - sums[:-MOST_LETTERS]))
    return begin, begin + MOST_LETTERS


def overview_of(explanation: Explanation) -> Optional[Picture]:
    """All samples of a table at once; None of other data, and of one sample."""
    if explanation.several or explanation.values.ndim != 2 or len(explanation) < 2:
        return None
    rows = min(max(2, explanation.values.shape[1]), MOST_ROWS + 1)
    alt = (
        f'Points of the attributions of {len(explanation)} samples by {explanation.method}: a row for each feature, '
        'those that count most at the top.'
    )
    return drawn(beeswarm, explanation, (5.2, 1.2 + 0.36 * rows), {'top': MOST_ROWS}, alt)


def drawn(
    draw: Any, part: Explanation, size: Tuple[float, float], options: Dict[str, Any], alt: str, is_wide: bool = False
) -> Picture:
    """What a function draws of an explanation, on both pages."""
    uris = {name: _uri(_drawn(draw, part, size, options, *page)) for name, page in PAGES.items()}
    return Picture(uris['light'], uris['dark'], round(96 * size[0]), alt, is_wide)


def _drawn(
    draw: Any, part: Explanation, size: Tuple[float, float], options: Dict[str, Any], page: str, ink: str
) -> bytes:
    inked = ('text.color', 'axes.labelcolor', 'axes.edgecolor', 'xtick.color', 'ytick.color')
    colours = {**dict.fromkeys(('figure.facecolor', 'axes.facecolor'), page), **dict.fromkeys(inked, ink)}
    held = io.BytesIO()
    # Whatever the user's own figures look like; no pyplot, which would keep the figure.
    with _options, style.context(['default', colours]):
        figure = Figure(size, layout='constrained')
        draw(part, ax=figure.add_subplot(), **options)
        figure.savefig(held, format='png', dpi=DOTS)
    return held.getvalue()


def sample_itself(explanation: Explanation, sample: str, samples: Any) -> List[Picture]:
    """The sample as it came, one for each input that is a picture."""
    several = explanation.several
    found = []
    for x in samples if several else [samples]:
        x = np.asarray(x)
        if x.dtype.kind not in 'biuf' or x.ndim < 3 or min(x.shape[1:3]) < 12:
            continue
        if picture_in(replace(explanation, values=x, data=x), True) is None:
            continue
        try:
            pixels = as_picture(x[0])
        except ArgumentError:  # nan
            continue
        step = -(-max(pixels.shape[:2]) // LARGEST_SIDE)
        pixels = pixels[::step, ::step]
        uri = _uri(_png(np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels))
        width = round(96 * 2.8 * pixels.shape[1] / max(pixels.shape[:2]))
        found.append(Picture(uri, uri, width, f'The sample itself: {sample}.', is_pixels=True))
    return found


def _png(pixels: Any) -> bytes:
    held = io.BytesIO()
    files.imsave(held, np.ascontiguousarray(pixels), format='png')
    return held.getvalue()


def _uri(png: bytes) -> str:
    return 'data:image/png;base64,' + base64.b64encode(png).decode('ascii')
