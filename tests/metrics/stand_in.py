"""Networks in closed form, and explainers of them without TensorFlow."""

import numpy as np


def flat(xs):
    return xs.reshape(len(xs), -1)


class Linear:
    """f(x) = x W + b: outputs (rows, outputs) of rows of any shape."""

    def __init__(self, *shape, outputs=3, seed=0):
        random = np.random.RandomState(seed)
        self.shape = shape
        self.W, self.b = random.normal(size=(int(np.prod(shape)), outputs)), random.normal(size=outputs)

    def __call__(self, xs):
        return flat(xs) @ self.W + self.b

    def gradients(self, xs, ys):
        ys = np.ones(self.W.shape[1]) if ys is None else np.asarray(ys)
        return np.broadcast_to(ys @ self.W.T, (len(xs), len(self.W))).reshape(xs.shape)

    def contributions(self, xs, ys=None):
        return xs * self.gradients(xs, ys)

    def xs(self, n=4, seed=1):
        return np.random.RandomState(seed).normal(size=(n,) + self.shape)


class Explainer:
    """What metrics ask of an explainer: a network and a function of xs and ys that returns attributions.

    It records the rows of each call of ``outputs``, and refuses what does not fit as the library's do.
    """

    def __init__(self, network, attribute, several=False):
        self.network, self.attribute, self.has_multiple_inputs = network, attribute, several
        self.rows, self.batch_sizes = [], set()

    def run(self, xs, ys=None, batch_size=None, feed_dict=None, progress=False, return_convergence_delta=False):
        found = self.attribute(xs, ys)
        if not return_convergence_delta:
            return found
        parts = found if self.has_multiple_inputs else [found]
        at_zero = self.outputs([0 * x for x in xs] if self.has_multiple_inputs else 0 * xs, ys)
        return found, sum(flat(part).sum(axis=1) for part in parts) - (self.outputs(xs, ys) - at_zero)

    def outputs(self, xs, ys=None, batch_size=None, feed_dict=None):
        outputs = self.network(xs)
        self.rows.append(len(outputs))
        self.batch_sizes.add(batch_size)
        ys = np.ones(outputs.shape[1:]) if ys is None else np.asarray(ys)
        assert ys.shape in (outputs.shape, outputs.shape[1:])
        return (outputs * ys).reshape(len(outputs), -1).sum(axis=1)


def linear_explainer(network):
    return Explainer(network, network.contributions)


class Recorder:
    """A function that keeps the rows it was called with."""

    def __init__(self, function):
        self.function, self.calls = function, []

    def __call__(self, rows):
        self.calls.append(rows.copy())
        return self.function(rows)

    @property
    def rows(self):
        return np.concatenate(self.calls)
