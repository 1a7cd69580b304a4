"""The plain loops of DeepExplain 0.3: one session.run for each evaluation, over all samples. They yield after each."""

import numpy as np
from skimage.util import view_as_windows


def intgrad(network, xs, ys, steps):
    """One gradient for each point of the path."""
    total = np.zeros(xs.shape)
    for alpha in np.linspace(1 / steps, 1, steps):
        total += network.run(network.selected_gradient, xs * alpha, ys)
        yield


def occlusion(network, xs, ys, window_shape, step=1):
    """One output for each window."""
    whole = output(network, xs, ys)
    yield
    index = np.arange(xs[0].size).reshape(xs[0].shape)
    windows = view_as_windows(index, window_shape, step)
    total, count = np.zeros((len(xs), xs[0].size)), np.zeros(xs[0].size)
    for place in np.ndindex(*windows.shape[: xs.ndim - 1]):
        window = windows[place].ravel()
        mask = np.ones(xs[0].size, xs.dtype)
        mask[window] = 0
        difference = whole - output(network, xs * mask.reshape(xs[0].shape), ys)
        total[:, window] += difference[:, None] / window.size
        count[window] += 1
        yield


def shapley_sampling(network, xs, ys, samples):
    """One output for each feature that goes, in each order."""
    total = np.zeros((len(xs), xs[0].size))
    for _ in range(samples):
        changed = xs.copy()
        flat = changed.reshape(len(xs), -1)  # a view
        before = output(network, changed, ys)
        yield
        for feature in np.random.permutation(flat.shape[1]):
            flat[:, feature] = 0
            after = output(network, changed, ys)
            total[:, feature] += before - after
            before = after
            yield


def output(network, xs, ys):
    """The selected outputs of each sample, summed."""
    return network.run(network.selected, xs, ys).reshape(len(xs), -1).sum(axis=1)


LOOPS = {'intgrad': intgrad, 'occlusion': occlusion, 'shapley_sampling': shapley_sampling}
