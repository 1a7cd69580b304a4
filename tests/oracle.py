"""The formulas again, slow and plain, in NumPy and double precision: what the library's numbers are compared with.

A network is a list of layers between arrays whose first axis is that of the samples. Nothing here knows TensorFlow.
"""

from collections import namedtuple
from itertools import combinations, permutations, product
from math import factorial

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


#: Op type -> (f, f').
ACTIVATIONS = {
    'Relu': (lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0)),
    'Elu': (lambda z: np.where(z > 0, z, np.exp(z) - 1), lambda z: np.where(z > 0, 1, np.exp(z))),
    'Sigmoid': (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    'Tanh': (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    'Softplus': (lambda z: np.log(1 + np.exp(z)), sigmoid),
}

#: weights [in, out], or a kernel [height, width, in, out] of a convolution without padding; the activation may be None.
Layer = namedtuple('Layer', 'weights bias activation')


class Network:
    """Layers, and the shape of one sample. A convolution is written out as the matrix that it is."""

    def __init__(self, layers, shape):
        self.layers, self.shape, self._steps = layers, tuple(shape), []
        for weights, bias, activation in layers:
            if np.ndim(weights) == 4:
                weights, shape = convolution_matrix(weights, shape)
                bias = np.tile(bias, len(weights[0]) // len(bias))
            self._steps.append((weights, bias, activation))

    def forward(self, x):
        """The output, and what goes into each activation."""
        a, zs = x.reshape(len(x), -1), []
        for weights, bias, activation in self._steps:
            z = a.dot(weights) + bias
            zs.append(z)
            a = z if activation is None else ACTIVATIONS[activation][0](z)
        return a, zs

    def __call__(self, x):
        return self.forward(x)[0]

    def chain_rule(self, x, ys, slope):
        """Gradient of the sum of ys * output, with ``slope(layer, f, f', z)`` as each activation's derivative."""
        out, zs = self.forward(x)
        grad = np.broadcast_to(1.0 if ys is None else ys, out.shape)
        for i in reversed(range(len(zs))):
            weights, _, activation = self._steps[i]
            if activation is not None:
                grad = grad * slope(i, *ACTIVATIONS[activation], zs[i])
            grad = grad.dot(weights.T)
        return grad.reshape(x.shape)


def convolution_matrix(kernel, shape):
    """The matrix of a convolution of stride 1 without padding, and the shape that it gives."""
    (height, width, channels), (kh, kw, _, filters) = shape, kernel.shape
    out = (height - kh + 1, width - kw + 1, filters)
    matrix = np.zeros(tuple(shape) + out)
    for row, column, i, j, c in product(range(out[0]), range(out[1]), range(kh), range(kw), range(channels)):
        matrix[row + i, column + j, c, row, column] += kernel[i, j, c]
    return matrix.reshape(height * width * channels, -1), out


def random_network(rng, shape, widths, activations, kernel=None, bias=True):
    """Dense layers of these widths, after one convolution where ``kernel`` is (height, width, filters)."""
    layers, size = [], int(np.prod(shape))
    activations = list(activations)

    def add(weights_shape, activation):
        spread = np.sqrt(1.5 / np.prod(weights_shape[:-1]))
        b = 0.5 * rng.randn(weights_shape[-1]) if bias else np.zeros(weights_shape[-1])
        layers.append(Layer(spread * rng.randn(*weights_shape), b, activation))

    if kernel is not None:
        add((*kernel[:2], shape[-1], kernel[2]), activations.pop(0))
        size = (shape[0] - kernel[0] + 1) * (shape[1] - kernel[1] + 1) * kernel[2]
    for width, activation in zip(widths, activations):
        add((size, width), activation)
        size = width
    return Network(layers, shape)


def finite_differences(f, x, h=1e-6):
    """Gradient of f's sum over all outputs, where row i of f depends on row i of x only."""
    grad = np.zeros(x.shape)
    for place in np.ndindex(*x.shape[1:]):
        shift = np.zeros(x.shape)
        shift[(slice(None), *place)] = h
        grad[(slice(None), *place)] = (f(x + shift) - f(x - shift)).reshape(len(x), -1).sum(axis=1) / (2 * h)
    return grad


def gradient(network, x, ys=None):
    return network.chain_rule(x, ys, lambda layer, f, derivative, z: derivative(z))


def zero(network, x, ys=None):
    return network.chain_rule(x, ys, lambda layer, f, derivative, z: 0 * z)


def saliency(network, x, ys=None):
    return np.abs(gradient(network, x, ys))


def grad_input(network, x, ys=None):
    return x * gradient(network, x, ys)


def intgrad(network, x, ys=None, steps=100, baseline=0.0):
    total = 0
    for k in range(1, steps + 1):
        total = total + gradient(network, baseline + (x - baseline) * k / steps, ys)
    return (x - baseline) * total / steps


def elrp(network, x, ys=None, epsilon=1e-4):
    def slope(layer, f, derivative, z):
        return f(z) / np.where(z >= 0, z + epsilon, z - epsilon)

    return x * network.chain_rule(x, ys, slope)


def deeplift(network, x, ys=None, baseline=0.0):
    references = network.forward(np.broadcast_to(baseline, x.shape))[1]

    def slope(layer, f, derivative, z):
        z0 = references[layer]
        small = np.abs(z - z0) <= 1e-5
        return np.where(small, derivative((z + z0) / 2), (f(z) - f(z0)) / np.where(small, 1, z - z0))

    return (x - baseline) * network.chain_rule(x, ys, slope)


def reveal_cancel(network, x, ys=None, baseline=0.0, kernels=True):
    """Each share of each unit in turn, with the multiplier of its sign; where not ``kernels``, kernels get Rescale."""
    starts = np.broadcast_to(baseline, x.shape)
    grad = np.broadcast_to(1.0 if ys is None else ys, network(x).shape)
    inputs = [[v.reshape(len(v), -1)] for v in (x, starts)]
    for values in inputs:
        for z, (_, _, activation) in zip(network.forward(values[0])[1], network._steps):
            values.append(z if activation is None else ACTIVATIONS[activation][0](z))
    for i in reversed(range(len(network._steps))):
        weights, bias, activation = network._steps[i]
        result = np.zeros((len(x), len(weights)))
        f, derivative = ACTIVATIONS.get(activation, (lambda z: z, np.ones_like))
        for n, k in product(range(len(x)), range(weights.shape[1])):
            a, a0 = inputs[0][i][n], inputs[1][i][n]
            shares, z0 = (a - a0) * weights[:, k], a0.dot(weights[:, k]) + bias[k]
            above, below = shares[shares > 0].sum(), shares[shares < 0].sum()
            if not kernels and np.ndim(network.layers[i].weights) == 4:
                m_above = m_below = (f(z0 + above + below) - f(z0)) / (above + below)
            else:
                gain = f(z0 + above) - f(z0) + f(z0 + above + below) - f(z0 + below)
                loss = f(z0 + below) - f(z0) + f(z0 + above + below) - f(z0 + above)
                m_above = gain / above / 2 if above else (derivative(z0) + derivative(z0 + below)) / 2
                m_below = loss / below / 2 if below else (derivative(z0) + derivative(z0 + above)) / 2
            m = np.where(shares > 0, m_above, np.where(shares < 0, m_below, (m_above + m_below) / 2))
            result[n] += grad[n, k] * m * weights[:, k]
        grad = result
    return (x - baseline) * grad.reshape(x.shape)


def occlusion(f, x, window, step, baseline=0.0):
    """For each value the mean, over the windows that cover it, of (drop of f / size of the window); else nan."""
    total, count = np.zeros(x.shape), np.zeros(x.shape)
    starts = [range(0, d - w + 1, s) for d, w, s in zip(x.shape[1:], window, step)]
    for start in product(*starts):
        covered = (slice(None), *tuple(slice(a, a + w) for a, w in zip(start, window)))
        changed = x.copy()
        changed[covered] = np.broadcast_to(baseline, x.shape)[covered]
        drop = _sums(f(x)) - _sums(f(changed))
        total[covered] += drop.reshape((-1,) + (1,) * (x.ndim - 1)) / np.prod(window)
        count[covered] += 1
    with np.errstate(invalid='ignore'):
        return total / count


def mutagenesis(f, x, window, step, replacements):
    """What f loses as each window becomes each replacement: shape (samples, replacements, windows along each axis)."""
    starts = [range(0, d - w + 1, s) for d, w, s in zip(x.shape[1:], window, step)]
    found = np.zeros((len(x), len(replacements), *map(len, starts)))
    for k, replacement in enumerate(replacements):
        for place, start in zip(np.ndindex(*map(len, starts)), product(*starts)):
            changed = x.copy()
            changed[(slice(None), *tuple(slice(a, a + w) for a, w in zip(start, window)))] = replacement
            found[(slice(None), k, *place)] = _sums(f(x)) - _sums(f(changed))
    return found


def shapley_sampling(f, x, samples, dims):
    """Draws its orders as the library does: np.random.permutation of all features, once for each sample."""
    shape = tuple(x.shape[dim] for dim in dims)
    places = list(np.ndindex(*shape))
    result = np.zeros((len(x), *shape))
    for _ in range(samples):
        left = x.copy()
        for i in np.random.permutation(len(places)):
            before = _sums(f(left))
            left[_where(x, dims, places[i])] = 0
            result[(slice(None),) + places[i]] += (before - _sums(f(left))) / samples
    return result


def shapley_exact(f, x, dims):
    """Shapley's own definition: the weighted mean, over all sets of other features, of what a feature adds to each."""
    shape = tuple(x.shape[dim] for dim in dims)
    places = list(np.ndindex(*shape))
    result = np.zeros((len(x), *shape))

    def value(present):
        left = x.copy()
        for place in set(places) - set(present):
            left[_where(x, dims, place)] = 0
        return _sums(f(left))

    for place in places:
        others = [other for other in places if other != place]
        for size in range(len(places)):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(places))
            for present in combinations(others, size):
                result[(slice(None), *place)] += weight * (value((*present, place)) - value(present))
    return result


def without(x, groups, mask, baseline=0.0):
    """x with the values of these groups (numbers in a mask of one sample's shape) at the baseline."""
    changed, baseline = x.copy(), np.broadcast_to(baseline, x.shape)
    for place in np.ndindex(*x.shape[1:]):
        if mask[place] in groups:
            changed[(slice(None), *place)] = baseline[(slice(None), *place)]
    return changed


def by_value(of_groups, mask):
    """For each value what its group has; ``of_groups`` has a column for each number of the mask, in order."""
    numbers = sorted(set(mask.ravel()))
    result = np.zeros((len(of_groups), *mask.shape))
    for place in np.ndindex(*mask.shape):
        result[(slice(None), *place)] = of_groups[:, numbers.index(mask[place])]
    return result


def feature_ablation(f, x, mask, baseline=0.0):
    """What f loses with each group, a column for each."""
    numbers = sorted(set(mask.ravel()))
    return np.stack([_sums(f(x)) - _sums(f(without(x, [number], mask, baseline))) for number in numbers], axis=1)


def contributions(f, x, order, mask, baseline=0.0):
    """What f loses with each group as they go in this order of their numbers' places; a column for each group."""
    numbers = sorted(set(mask.ravel()))
    result = np.zeros((len(x), len(numbers)))
    for n, group in enumerate(order):
        before = without(x, [numbers[i] for i in order[:n]], mask, baseline)
        after = without(x, [numbers[i] for i in order[: n + 1]], mask, baseline)
        result[:, group] = _sums(f(before)) - _sums(f(after))
    return result


def drawn(seed, count, samples, antithetic=False):
    """The orders that the library draws with this seed, or after np.random.seed."""
    random, orders = np.random.RandomState(seed), []
    while len(orders) < samples:
        order = random.permutation(count)
        orders += [order, order[::-1]] if antithetic else [order]
    return orders


def each_alone(shape):
    """A mask in which each value is a group."""
    return np.arange(int(np.prod(shape))).reshape(shape)


def shapley_of_orders(f, x, orders, mask, baseline=0.0, pairs=False):
    """The mean contributions over these orders, or over pairs of them, and the standard error of that mean."""
    each = np.array([contributions(f, x, list(order), mask, baseline) for order in orders])
    if pairs:
        each = (each[::2] + each[1::2]) / 2
    mean = each.mean(axis=0)
    with np.errstate(invalid='ignore', divide='ignore'):
        return mean, np.sqrt(((each - mean) ** 2).sum(axis=0) / np.float64(len(each) - 1) / len(each))


def shapley_exact_of_groups(f, x, mask, baseline=0.0):
    """Over all orders."""
    return shapley_of_orders(f, x, list(permutations(range(len(set(mask.ravel()))))), mask, baseline)[0]


def _sums(outputs):
    return outputs.reshape(len(outputs), -1).sum(axis=1)


def _where(x, dims, place):
    index = [slice(None)] * x.ndim
    for dim, i in zip(dims, place):
        index[dim] = i
    return tuple(index)


def chain_gaps(network, x, ys, slope, x0=None):
    """For each layer, by how much multipliers miss a sum at its bias and at its activation: two arrays (samples,).

    With multipliers m of what goes in and g of what comes out, sum m (z - z0) - sum g (f - f0); without x0 that of the
    values themselves.
    """
    out, zs = network.forward(x)
    z0s = [0 * z for z in zs] if x0 is None else network.forward(np.broadcast_to(x0, x.shape))[1]
    g, gaps = np.broadcast_to(1.0 if ys is None else ys, out.shape), []
    for i in reversed(range(len(zs))):
        weights, bias, activation = network._steps[i]
        at_activation = np.zeros(len(x))
        if activation is not None:
            f, derivative = ACTIVATIONS[activation]
            m = g * slope(i, f, derivative, zs[i])
            f0 = 0 if x0 is None else f(z0s[i])
            at_activation = (m * (zs[i] - z0s[i]) - g * (f(zs[i]) - f0)).sum(axis=1)
            g = m
        at_bias = -(g * bias).sum(axis=1) if x0 is None else np.zeros(len(x))
        gaps.insert(0, (at_bias, at_activation))
        g = g.dot(weights.T)
    return gaps


def noise_tunnel(attribute, xs, kind, samples, stdevs, seed):
    """SmoothGrad and its like: ``attribute`` gets a list of noisy inputs and returns the list of their attributions."""
    random, found = np.random.RandomState(seed), []
    for _ in range(samples):
        noisy = []
        for x, stdev in zip(xs, stdevs):
            if stdev is None:
                stdev = [0.15 * (row.max() - row.min()) * np.ones(row.shape) for row in x]
            noisy.append(x + random.normal(size=x.shape) * stdev)
        found.append(attribute(noisy))
    results = []
    for one in zip(*found):
        mean = np.mean(one, axis=0)
        results.append(
            {
                'smoothgrad': mean,
                'smoothgrad_squared': np.mean(np.square(one), axis=0),
                'vargrad': np.mean(np.square(one - mean), axis=0),
            }[kind]
        )
    return results
