"""fastISM on TensorFlow 2.10: `python -m benchmarks.peers_fastism FOLDER`. It goes position by position."""

import sys

import numpy as np
import tensorflow as tf
from fastism import FastISM

from .peer_job import work

#: Occlusion replaces a base by none, and in-silico mutagenesis by each letter.
NONE, LETTERS = [0], [[[float(letter == i) for i in range(4)]] for letter in range(4)]


def prepare(job, layers, xs, ys):
    """See `peer_job.work`."""
    if job['network'] != 'genomic':
        return None
    values = LETTERS if 'replacements' in job['arguments'] else NONE
    model = FastISM(network(layers), test_correctness=False)
    inputs = tf.constant(xs)

    def explain(_):
        outputs = [np.asarray(model(inputs, replace_with=value)) for value in values]
        return (np.asarray(model.model(inputs))[:, None] - outputs) @ ys[..., None]

    def convert(losses):
        if values is LETTERS:  # of a base that is there already ours is 0, as nothing changes
            return np.moveaxis(losses, 0, 1)
        return np.repeat(losses[0], 4, axis=2) / 4  # ours spread over the window

    return explain, [None], convert


def network(layers):
    """The same network in Keras, with its weights."""
    keras = tf.keras.layers
    X = tf.keras.Input((1000, 4))
    h = X
    for weights, _ in layers[:2]:
        h = keras.Conv1D(weights.shape[-1], weights.shape[0], padding='same', activation='relu')(h)
        h = keras.MaxPooling1D(4)(h)
    h = keras.Dense(64, activation='relu')(keras.Flatten()(h))
    model = tf.keras.Model(X, keras.Dense(2)(h))
    model.set_weights([array for layer in layers for array in layer])
    return model


if __name__ == '__main__':
    work(sys.argv[1], 'fastism', prepare)
