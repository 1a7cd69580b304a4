"""The rules of deeplift's ``rules='complete'`` again, slow and plain, in NumPy and double precision.

Each function says what every input contributed to ``sum(weights * (f(x) - f(x0)))`` at one op. Nothing here knows
TensorFlow.
"""

from itertools import permutations

import numpy as np


def shapley(f, xs, x0s):
    """What each argument of f contributes: the mean, over all orders in which they go from x0 to x, of what f does.

    Arrays of the shape of f's value.
    """
    orders = list(permutations(range(len(xs))))
    shares = [0.0 for _ in xs]
    for order in orders:
        now = list(x0s)
        for i in order:
            before = f(*now)
            now[i] = xs[i]
            shares[i] = shares[i] + (f(*now) - before) / len(orders)
    return shares


def summed_to(shape, values):
    """Values summed over the axes along which an array of this shape was broadcast to theirs."""
    values = values.sum(axis=tuple(range(values.ndim - len(shape))))
    for axis, size in enumerate(shape):
        if size == 1:
            values = values.sum(axis=axis, keepdims=True)
    return values


def elementwise(f, xs, x0s, weights):
    """Contributions of the arguments of an elementwise function, with broadcasting."""
    return [summed_to(x.shape, weights * share) for x, share in zip(xs, shapley(f, xs, x0s))]


def bilinear(f, x, x0, y, y0, weights):
    """Contributions to a function that is linear in each of two: of each value alone, in both orders of x and y."""

    def of(delta, partner, call):
        total = np.zeros(delta.shape)
        for place in np.ndindex(*delta.shape):
            alone = np.zeros(delta.shape)
            alone[place] = delta[place]
            total[place] = (weights * call(alone, partner)).sum()
        return total

    first = (of(x - x0, y0, f) + of(x - x0, y, f)) / 2  # x goes first, or after y
    second = (of(y - y0, x0, lambda b, a: f(a, b)) + of(y - y0, x, lambda b, a: f(a, b))) / 2
    return first, second


def largest(windows, z, z0, weights, pick=np.argmax):
    """Contributions to the largest value of each window (a list of lists of places in z.ravel()); argmin: the least."""
    best = max if pick is np.argmax else min
    total, z, z0 = np.zeros(z.size), z.ravel(), z0.ravel()
    for window, weight in zip(windows, np.ravel(weights)):
        now, then = window[pick(z[window])], window[pick(z0[window])]
        y, y0 = z[now], z0[then]
        total[now] += weight * (best(y, y0) - y0)
        total[then] += weight * (y - best(y, y0))
    return total


def top_k(z, z0, weights):
    """Contributions to the k largest values of each row: the j-th is the sum of the j largest less that of j - 1."""
    total = np.zeros(z.shape)
    for row in range(len(z)):
        now, then = np.argsort(-z[row], kind='stable'), np.argsort(-z0[row], kind='stable')
        for j in range(1, weights.shape[1] + 1):
            grew = z[row][now[:j]].sum() - z0[row][then[:j]].sum()
            members = now[:j] if grew >= 0 else then[:j]
            changes = z[row][members] - z0[row][members]
            share = changes if changes.sum() == 0 else changes * grew / changes.sum()
            # The sum of j is in the j-th value, and is taken off again by the next.
            weight = weights[row][j - 1] - (weights[row][j] if j < weights.shape[1] else 0)
            for member, part in zip(members, share):
                total[row, member] += weight * part
    return total


def slope(f, derivative, z, z0):
    """``(f(z) - f(z0)) / (z - z0)``, and the derivative where both are the same."""
    return derivative(z) if z == z0 else (f(z) - f(z0)) / (z - z0)


def log_softmax(z, z0, weights):
    """Contributions to ``z_j - log(sum(exp(z)))``, of one row: exponentials and logarithm rescaled, one by one."""
    of_exp = np.array([slope(np.exp, np.exp, a, b) for a, b in zip(z, z0)])
    of_log = slope(np.log, lambda s: 1 / s, np.exp(z).sum(), np.exp(z0).sum())
    return (weights - weights.sum() * of_log * of_exp) * (z - z0)


def softmax(z, z0, weights):
    """Contributions to the exponential of that."""
    log_p, log_p0 = (t - np.log(np.exp(t).sum()) for t in (z, z0))
    return log_softmax(z, z0, weights * np.array([slope(np.exp, np.exp, a, b) for a, b in zip(log_p, log_p0)]))


def choice(condition, condition0, a, a0, b, b0, weights):
    """Contributions of both values, value by value."""
    of_a, of_b = np.zeros(weights.shape), np.zeros(weights.shape)
    for place in np.ndindex(*weights.shape):
        change_a, change_b = a[place] - a0[place], b[place] - b0[place]
        if condition[place] == condition0[place]:
            of_a[place], of_b[place] = (change_a, 0) if condition[place] else (0, change_b)
        else:
            change = (a if condition[place] else b)[place] - (a0 if condition0[place] else b0)[place]
            of_a[place], of_b[place] = (
                np.array([abs(change_a), abs(change_b)]) * change / (abs(change_a) + abs(change_b))
            )
    return weights * of_a, weights * of_b


def norm(z, z0, weight):
    """Contributions to ``sqrt(sum(z ** 2))``: the root rescaled, each square half way."""
    squares = z**2 - z0**2
    n, n0 = np.sqrt((z**2).sum()), np.sqrt((z0**2).sum())
    return weight * squares / (n + n0)
