"""Draw the pictures of docs/plotting.md with the code of the page: ``python docs/draw_pictures.py [folder]``."""

import io
import os
import re
import sys

import matplotlib
from matplotlib import pyplot as plt
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, 'plotting.md')
PART = re.compile(
    r'^```python\n(?P<code>.*?)^```$|^!\[[^]]+\]\(pictures/(?P<picture>[\w-]+\.png)\)$', re.DOTALL | re.MULTILINE
)


def write(figure, path):
    """Write a PNG, of 256 colours if it were large: that takes a third of the bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100)
    image = Image.open(buffer).convert('RGB')
    image.save(path, optimize=True)
    if os.path.getsize(path) > 60000:
        image.quantize(256).save(path, optimize=True)


def draw(folder):
    """Run the page as one program, and write the figure before each picture in its place; return the names."""
    with open(PAGE, encoding='utf-8') as file:
        text = file.read()
    namespace, names = {'__name__': '__main__'}, []
    for part in PART.finditer(text):
        if part.group('code') is not None:
            # Empty lines before the code, so that a traceback names the line of the page.
            exec(compile('\n' * text.count('\n', 0, part.start('code')) + part.group('code'), PAGE, 'exec'), namespace)
            continue
        if len(plt.get_fignums()) != 1:
            raise RuntimeError(f'{len(plt.get_fignums())} figures were drawn for {part.group("picture")}, not one.')
        write(plt.gcf(), os.path.join(folder, part.group('picture')))
        plt.close()
        names.append(part.group('picture'))
    return names


if __name__ == '__main__':
    matplotlib.use('Agg')
    draw(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'pictures'))
