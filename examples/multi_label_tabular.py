# %% [markdown]
# # A table, and a network with 24 labels
#
# A tumour is measured in 30 ways. Six of the measurements are what the network is given; of each of the other 24 it
# says whether it lies above the median: 24 labels, each yes or no, several yes at once. This is a made-up task on
# real data (the breast cancer data of Wisconsin), chosen because everybody can judge the answers: a large radius
# should speak for a large area.
#
# **What to see:** `xs` and `ys` side by side, a row for each sample in both; the attributions of one label, of one
# sample and of many; those of all 24 labels at once (`ys='each'`), as a map in which sizes, textures and shapes each
# find their own labels; and why the sum over labels says little.

# %%
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

from deepexplain import plotting
from deepexplain.errors import DeepExplainError
from deepexplain.tensorflow import DeepExplain, open_model

keras.utils.set_random_seed(1)
data = load_breast_cancer()
all_names = data.feature_names.tolist()
features = [
    'mean radius',
    'mean texture',
    'mean smoothness',
    'mean concavity',
    'mean symmetry',
    'mean fractal dimension',
]
labels = [name for name in all_names if name not in features]
given = data.data[:, [all_names.index(name) for name in features]]
asked = data.data[:, [all_names.index(name) for name in labels]]

order = np.random.RandomState(0).permutation(len(given))
train, test = order[:400], order[400:]
middle, deviation = np.median(given[train], axis=0), given[train].std(axis=0)
cells = ((given - middle) / deviation).astype('float32')  # 0 is the median of each feature: the middling tumour
answers = (asked > np.median(asked[train], axis=0)).astype('float32')
print(f'{len(given)} tumours; features {cells.shape}, labels {answers.shape}')

# %% [markdown]
# ## The network
#
# One sigmoid for each label. Some labels can hardly be known from the six features (the error of the texture, say),
# and half of all answers are right by chance. There, attributions say what the network looks at, whether or not that
# is right.

# %%
layers = [keras.Input((6,)), keras.layers.Dense(32, 'relu'), keras.layers.Dense(24, 'sigmoid')]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.01), 'binary_crossentropy')
model.fit(cells[train], answers[train], epochs=40, batch_size=32, verbose=0)

probabilities = model.predict(cells[test], verbose=0)
right = ((probabilities > 0.5) == answers[test]).mean(axis=0)
for i in np.argsort(-right)[[0, 1, 2, 12, 21, 22, 23]]:
    print(f'{labels[i]:<26} right on {right[i]:.0%} of {len(test)} new tumours')
print(f'{"all 24 labels":<26} right on {right.mean():.0%}')
if right.mean() < 0.75:
    raise RuntimeError('The network learned too little to be worth explaining: at least 75 % was expected.')

# %% [markdown]
# ## What xs and ys are
#
# - `xs` are the samples to be explained, a row each: here (samples, 6).
# - `ys` says **which outputs** are explained: a weight for each output. It is not what the network should have said,
#   though a row of true labels is one choice of weights.
# - `ys` of shape (24,) holds for all samples alike. `ys` of shape (samples, 24) has a row for each sample, so it has
#   to be as long as `xs`: row `i` of `ys` says what is asked about row `i` of `xs`. Another length is an error.
# - The attributions have the shape of `xs`: a number for each feature of each sample.

# %%
m = open_model(model)
with DeepExplain(session=m.session) as de:
    # Of the logits, which come before the sigmoids: probabilities near 0 or 1 hardly move.
    explainer = de.get_explainer('deeplift', m.logits, m.inputs[0], rules='complete', strict=True)

xs = cells[test]
area = labels.index('mean area')
one_label = explainer.run(xs, ys=np.eye(24)[area])  # the same label of every sample
surest = probabilities.argmax(axis=1)
own_label = explainer.run(xs, ys=np.eye(24)[surest])  # of each sample the label that it is surest of
print('xs', xs.shape, ' ys', np.eye(24)[area].shape, ' attributions', one_label.shape)
print('xs', xs.shape, ' ys', np.eye(24)[surest].shape, ' attributions', own_label.shape)

try:
    explainer.run(xs, ys=np.eye(24)[surest[:-1]])  # a row is missing
except DeepExplainError as error:
    print(f'{type(error).__name__}: {error}')

# %% [markdown]
# ## One sample, one label
#
# Why does the network say of this tumour that its mean area is (or is not) above the median? A positive number raises
# the logit of the label, next to the middling tumour: it speaks for *yes*. A negative one speaks for *no*. All bars
# add up to the difference of the two logits.

# %%
number = int(np.argmin(np.abs(probabilities[:, area] - 0.5)))  # the one that it is least sure of
at_x, at_middle = explainer.outputs(np.stack([xs[number], np.zeros(6)]), ys=np.eye(24)[area])
print(f'logit of the middling tumour  {at_middle:+.2f}  (probability {1 / (1 + np.exp(-at_middle)):.2f})')
print(f'sum of the attributions       {one_label[number].sum():+.2f}')
print(f'logit of this tumour          {at_x:+.2f}  (probability {probabilities[number, area]:.2f})')
print('the label is', 'yes' if answers[test][number, area] else 'no')

# %%
figure, ax = plt.subplots(figsize=(6.5, 2.8), dpi=80, layout='constrained')
ax.set_title('is "mean area" above the median?', fontsize='medium')
ax = plotting.tabular(one_label[number], features, values=given[test][number], ax=ax)

# %% [markdown]
# ## Many samples, one label
#
# Each point is a tumour. Light points (a large value) at the right mean: the larger the feature, the more it speaks
# for yes.

# %%
figure, axes = plt.subplots(2, 1, figsize=(7, 5.6), dpi=80, layout='constrained')
for ax, name in zip(axes, ['mean area', 'worst texture']):
    attributions = explainer.run(xs, ys=np.eye(24)[labels.index(name)])
    plotting.distribution(attributions, features, values=xs, ax=ax)
    ax.set_title(f'is "{name}" above the median?', fontsize='medium')

# %% [markdown]
# ## All labels at once
#
# `ys='each'` explains every output by itself, as 24 runs would, in a fraction of the time. The outputs come first.

# %%
each = explainer.run(xs, ys='each')
print('attributions', each.shape, '= (labels, samples, features)')
print('the same as one by one:', np.allclose(each[area], one_label, atol=1e-5))

# %% [markdown]
# To get one number for each label and feature, the attributions of the samples in which the feature is large (above
# its median) are averaged: red means that a large value speaks for yes, blue that it speaks for no. Each row is
# divided by its largest number.

# %%
large = xs > 0
effect = np.stack([each[:, large[:, k], k].mean(axis=1) for k in range(6)], axis=1)  # (labels, features)
effect /= np.abs(effect).max(axis=1, keepdims=True)
rows = np.argsort(np.abs(effect).argmax(axis=1), kind='stable')  # labels of one feature together

figure, ax = plt.subplots(figsize=(6.5, 7.5), dpi=75, layout='constrained')
drawn = ax.imshow(effect[rows], cmap='RdBu_r', vmin=-1, vmax=1, aspect='auto')
ax.set_xticks(range(6), features, rotation=35, ha='right')
ax.set_yticks(range(24), [f'{labels[i]} ({right[i]:.0%})' for i in rows])
ax.set_title('label (how often the network is right), by feature', fontsize='medium')
bar = figure.colorbar(drawn, label='mean attribution of large values, divided by the largest of the row')

# %%
for name in [
    'worst area',
    'worst texture',
    'worst smoothness',
    'worst concavity',
    'worst symmetry',
    'worst fractal dimension',
]:
    i = labels.index(name)
    print(f'{name:<26} most of all by {features[np.abs(each[i]).mean(axis=0).argmax()]}')

# %% [markdown]
# ## The sum over labels, and why it is rarely what one wants
#
# Without `ys`, all outputs are *summed*. A feature that speaks for some labels and against others then seems not to
# matter.

# %%
summed = explainer.run(xs)
print('the sum of each:', np.allclose(summed, each.sum(axis=0), atol=1e-4))
print(f'\n{"mean |attribution|":<26}{"24 labels, added up":>20}{"of their sum":>14}{"left":>7}')
for k in np.argsort(-np.abs(each).mean(axis=1).sum(axis=0)):
    apart, together = np.abs(each[:, :, k]).mean(axis=1).sum(), np.abs(summed[:, k]).mean()
    print(f'{features[k]:<26}{apart:>20.2f}{together:>14.2f}{together / apart:>7.0%}')

# %% [markdown]
# Weights can also compare: +1 for one label and -1 for another ask what speaks for the first *rather than* the
# second.

# %%
ys = np.zeros(24)
ys[labels.index('worst area')], ys[labels.index('worst fractal dimension')] = 1, -1
compared = explainer.run(xs, ys=ys)
difference = each[labels.index('worst area')] - each[labels.index('worst fractal dimension')]
print('the difference of both:', np.allclose(compared, difference, atol=1e-5))
m.close()

# %% [markdown]
# ## What it means
#
# - **`ys` asks the question.** One row for all samples, or a row for each; weights of 0 and 1 choose, and +1 and -1
#   compare.
# - **Positive speaks for yes, negative for no,** next to the baseline, here the middling tumour. The unit is that of
#   the logit, and the sum is exact.
# - **`ys='each'` answers for every label,** with the labels as the first axis. Take means over samples after that,
#   not before.
# - **Left out, `ys` sums the outputs.** That is right for a network with one output; with many labels they cancel,
#   and what is left belongs to none of them.
# - Attributions explain the network. Where it is often wrong (the percentages in the map), they explain what is often
#   wrong.

# %%
plt.show()
