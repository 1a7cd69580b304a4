# %% [markdown]
# # Where in an EEG epoch does a network look?
#
# An EEGNet-like network learns to tell whether a short 12 Hz burst came from the left or from the right. The epochs are
# made up, so the true place of each burst is known: five channels, a quarter of a second, 8 % of the epoch. Blinks,
# twelve times as large as the burst, come in both classes and say nothing. **What you should see:** `lrp` with the rule
# for signals without bounds in its first layer puts 34 % of what speaks for the class there, with gamma behind it 48 %,
# and leaves the blinks alone. Saliency puts 19 % there; `grad*input` puts nearly as much into the blinks.

# %%
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import keras
import matplotlib.pyplot as plt
import numpy as np

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, open_model

plt.rcParams['figure.dpi'] = 72
RATE = 128  # samples per second
CHANNELS = ['Fp1', 'Fp2', 'F3', 'Fz', 'F4', 'T7', 'C3', 'Cz', 'C4', 'T8', 'P3', 'Pz', 'P4', 'O1', 'Oz', 'O2']
PLACES = np.array(
    [(-1, 3), (1, 3), (-1.5, 1.5), (0, 1.5), (1.5, 1.5), (-3, 0), (-1.5, 0), (0, 0), (1.5, 0), (3, 0)]
    + [(-1.5, -1.5), (0, -1.5), (1.5, -1.5), (-1, -3), (0, -3), (1, -3)]
)

# %% [markdown]
# ## Epochs with a known source
#
# Each is one second of 16 channels: noise that neighbours share, a blink in half of the epochs, and a burst of 12 Hz
# around C3 (class "left") or C4 ("right"), at a random time.


# %%
def near(place):
    """How much of a source at a place each channel sees."""
    return np.exp(-((PLACES - place) ** 2).sum(axis=1) / 2)


def make_epochs(count, seed):
    """Epochs (count, channels, times, 1), whether they are "right", where the burst is, and where the blink."""
    random = np.random.default_rng(seed)
    times = np.arange(RATE) / RATE
    mixing = np.stack([near(place) for place in PLACES], axis=1)
    noise = random.normal(size=(count, 16, RATE)).cumsum(axis=2)  # slow waves are the largest, as in EEG
    noise = 0.3 * (noise - noise.mean(axis=2, keepdims=True)) + random.normal(size=noise.shape)
    epochs = np.einsum('ij,njt->nit', mixing, noise)
    right = random.integers(2, size=count)
    sources = np.stack([near((-1.5, 0)), near((1.5, 0))])[right]
    centres, phases = random.uniform(0.25, 0.75, (count, 1)), random.uniform(0, 2 * np.pi, (count, 1))
    envelopes = np.exp(-(((times - centres) / 0.08) ** 2) / 2)
    bursts = 2.5 * envelopes * np.sin(2 * np.pi * 12 * times + phases)
    blinks = np.exp(-(((times - random.uniform(0.1, 0.9, (count, 1))) / 0.06) ** 2) / 2) * (
        random.random((count, 1)) < 0.5
    )
    epochs += sources[:, :, None] * bursts[:, None] + 30 * (near((-1, 3)) + near((1, 3)))[:, None] * blinks[:, None]
    where = (sources > 0.3)[:, :, None] & (envelopes > 0.3)[:, None]
    blinking = (near((-1, 3)) + near((1, 3)) > 0.3)[:, None] & (blinks > 0.3)[:, None]
    return (epochs / 4).astype('float32')[..., None], right, where, blinking


xs, labels, _, _ = make_epochs(1500, seed=0)
new_xs, new_labels, where, blinking = make_epochs(200, seed=1)
print('epochs', xs.shape, '  the source has', f'{where.mean():.1%} of the values of an epoch')

# %% [markdown]
# ## The network
#
# As in [EEGNet](https://doi.org/10.1088/1741-2552/aace8c): filters over time, then for each of them filters over
# channels, then a separable convolution, each with batch normalization.

# %%
keras.utils.set_random_seed(0)
layers = keras.layers
network = keras.Sequential(
    [
        keras.Input((16, RATE, 1)),
        layers.Conv2D(8, (1, 32), padding='same', use_bias=False, name='temporal'),
        layers.BatchNormalization(momentum=0.9),
        layers.DepthwiseConv2D((16, 1), depth_multiplier=2, use_bias=False, name='spatial'),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation('elu'),
        layers.AveragePooling2D((1, 4)),
        layers.SeparableConv2D(16, (1, 16), padding='same', use_bias=False, name='separable'),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation('elu'),
        layers.AveragePooling2D((1, 8)),
        layers.Flatten(),
        layers.Dense(2, name='scores'),
    ]
)
network.compile(
    keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy']
)
network.fit(xs, labels, batch_size=64, epochs=8, verbose=0)
print('accuracy on new epochs:', round(network.evaluate(new_xs, new_labels, verbose=0)[1], 3))

# %% [markdown]
# ## Which rules
#
# An EEG has no lowest and no highest value, and 0 is not "nothing": in the first layer, `wsquare` asks how large the
# weights are, not the values. Behind it stand the rules of a composite: `epsilon-plus`, or `gamma` for all layers.
# `describe()` lists what each op gets; batch normalization belongs to the layer before it, and is left out here.

# %%
model = open_model(network)
X, T = model.inputs[0], model.outputs[0]
ys = np.eye(2)[new_labels]  # of each epoch: the score of its class
FIRST = [('first', 'wsquare')]
EXPLAINED = {
    'saliency': ('saliency', {}),
    'grad*input': ('grad*input', {}),
    'epsilon': ('lrp', {'composite': 'epsilon'}),
    'epsilon-plus': ('lrp', {}),
    'wsquare, epsilon-plus': ('lrp', {'rules': FIRST, 'strict': True}),
    'wsquare, gamma': ('lrp', {'rules': FIRST, 'composite': 'gamma', 'strict': True}),
}
with DeepExplain(session=model.session) as de:
    explainers = {name: de.get_explainer(method, T, X, **options) for name, (method, options) in EXPLAINED.items()}
maps = {name: explainer.run(new_xs, ys)[..., 0] for name, explainer in explainers.items()}

for row in explainers['wsquare, epsilon-plus'].describe().rows:
    if ' with ' not in row.treatment:
        print(f'{row.op.split("/", 1)[-1]:<40} {row.type:<22} {row.treatment}')

# %% [markdown]
# ## One epoch
#
# The burst, between the dashed lines, came from the right (C4), and there is a blink (Fp1, Fp2). Red speaks for
# "right"; saliency has no sign. Lines are dotted where attributions are negative, however small.

# %%
shown = [CHANNELS.index(name) for name in ['Fp1', 'Fp2', 'C3', 'Cz', 'C4', 'T8', 'P3', 'P4']]
k = np.flatnonzero((new_labels == 1) & blinking.any(axis=(1, 2)))[0]
when = np.flatnonzero(where[k].any(axis=0)) / RATE
figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout='constrained')
for ax, name in zip(axes, ['wsquare, epsilon-plus', 'saliency']):
    names = [CHANNELS[i] for i in shown]
    plotting.timeseries(new_xs[k, shown, :, 0].T, maps[name][k, shown].T, ax, names=names, rate=RATE, style='bands')
    ax.axvline(when[0], color='k', linestyle='--')
    ax.axvline(when[-1], color='k', linestyle='--')
    ax.set_title(name)
plt.show()

# %% [markdown]
# ## All epochs of "right", put on top of each other
#
# Each is moved so that its burst is in the middle, and positive values are averaged: channels from top to bottom, a
# second from left to right. The source is framed: F4, Cz, C4, T8 and P4, a quarter of a second.

# %%
right = np.flatnonzero(new_labels == 1)
middles = [int(np.flatnonzero(where[k].any(axis=0)).mean()) for k in right]
source = np.mean([np.roll(where[k], RATE // 2 - middle, axis=1) for k, middle in zip(right, middles)], axis=0) > 0.5
figure, axes = plt.subplots(2, 3, figsize=(11, 5), layout='constrained')
for ax, (name, found) in zip(axes.flat, maps.items()):
    moved = [np.roll(np.maximum(found[k], 0), RATE // 2 - middle, axis=1) for k, middle in zip(right, middles)]
    plotting.image(np.repeat(np.mean(moved, axis=0), 5, axis=0), None, ax, percentile=100)
    ax.contour(np.repeat(source, 5, axis=0), [0.5], colors='k', linewidths=0.8)
    ax.set_yticks(np.arange(16) * 5 + 2, CHANNELS, fontsize=8)
    ax.set_title(name)
plt.show()

# %% [markdown]
# ## How much of it is in the source?
#
# Of what is above 0 in an epoch, the share in the channels and the time of the burst; in its channels, at any time; and
# in the channels and the time of the blink, for epochs that have one. Chance is the part of the epoch that they are.


# %%
def share(found, mask):
    """Mean over epochs of the part of what is above 0 that lies in the mask."""
    positive, some = np.maximum(found, 0), mask.any(axis=(1, 2))
    return ((positive * mask).sum(axis=(1, 2)) / positive.sum(axis=(1, 2)))[some].mean()


in_channels = np.broadcast_to(where.any(axis=2, keepdims=True), where.shape)
shares = {name: [share(found, mask) for mask in (where, in_channels, blinking)] for name, found in maps.items()}
shares['chance'] = [share(np.ones(where.shape), mask) for mask in (where, in_channels, blinking)]
print(f'{"":<22} {"source":>8} {"channels":>9} {"blink":>8}')
for name, (at_source, at_channels, at_blink) in shares.items():
    print(f'{name:<22} {at_source:8.1%} {at_channels:9.1%} {at_blink:8.1%}')
chance, saliency, lrp = (shares[name] for name in ['chance', 'saliency', 'wsquare, gamma'])
if not lrp[0] > max(3 * chance[0], 1.5 * saliency[0]) or not lrp[2] < 2 * chance[2]:
    raise RuntimeError('The source should have three times its chance, more than by saliency, and blinks should not.')

# %% [markdown]
# ## What it means
#
# - Relevance is where the source is: about six times its chance with `wsquare` and `gamma`, four times with
#   `epsilon-plus`. Much of the rest is right beside it: filters are a quarter of a second long, and blur.
# - What multiplies by the input (`grad*input`, `epsilon`) marks what is large: blinks get three to four times their
#   chance, though they say nothing. `wsquare` asks for weights only. So does saliency, which is spread more widely.
# - No composite is best by itself. On your own data the source is not known: make some up as here, or take away what is
#   marked and see whether the score falls.

# %%
model.close()
