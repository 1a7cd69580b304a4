"""Captum on PyTorch: `python -m benchmarks.peers_captum FOLDER`."""

import os
import sys
import warnings

import numpy as np
import torch
from captum.attr import (
    LRP,
    DeepLift,
    FeatureAblation,
    InputXGradient,
    IntegratedGradients,
    Occlusion,
    Saliency,
    ShapleyValueSampling,
)
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn

from .peer_job import work

ROWS = [512, 128, 2048, 32]  # that one evaluation of the network may see, the best guess first


class MLP(nn.Module):
    """Linear layers with ReLU between."""

    def __init__(self, layers):
        super().__init__()
        self.linear = nn.ModuleList([linear(*layer) for layer in layers])
        self.relu = nn.ModuleList([nn.ReLU() for _ in layers[1:]])  # one each: DeepLift and LRP need it

    def forward(self, h):
        for layer, relu in zip(self.linear, self.relu):
            h = relu(layer(h))
        return self.linear[-1](h)


class CNN(nn.Module):
    """Two convolutions, max pooling, two linear layers."""

    def __init__(self, layers):
        super().__init__()
        self.conv1, self.conv2 = convolution(*layers[0]), convolution(*layers[1])
        weights, biases = layers[2]
        # TensorFlow flattens (12, 12, 64), PyTorch (64, 12, 12).
        weights = weights.reshape(12, 12, 64, -1).transpose(2, 0, 1, 3).reshape(weights.shape)
        self.linear1, self.linear2 = linear(weights, biases), linear(*layers[3])
        self.pool = nn.MaxPool2d(2)
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, h):
        h = self.pool(self.relu2(self.conv2(self.relu1(self.conv1(h)))))
        return self.linear2(self.relu3(self.linear1(torch.flatten(h, 1))))


class Genomic(nn.Module):
    """Two 1-D convolutions with max pooling, two linear layers."""

    def __init__(self, layers):
        super().__init__()
        self.conv1, self.conv2 = (convolution(*layer, padding='same') for layer in layers[:2])
        weights, biases = layers[2]
        # TensorFlow flattens (62, 64), PyTorch (64, 62).
        weights = weights.reshape(62, 64, -1).transpose(1, 0, 2).reshape(weights.shape)
        self.linear1, self.linear2 = linear(weights, biases), linear(*layers[3])
        self.pool, self.relu = nn.MaxPool1d(4), nn.ReLU()

    def forward(self, h):
        for conv in (self.conv1, self.conv2):
            h = self.pool(self.relu(conv(h)))
        return self.linear2(self.relu(self.linear1(torch.flatten(h, 1))))


def linear(weights, biases):
    """A layer with TensorFlow's weights, shape (in, out)."""
    layer = nn.Linear(*weights.shape)
    return with_weights(layer, weights.T, biases)


def convolution(weights, biases, padding='valid'):
    """A layer with TensorFlow's weights, shape (height, width, in, out) or (bases, in, out)."""
    kind = nn.Conv2d if weights.ndim == 4 else nn.Conv1d
    layer = kind(*weights.shape[-2:], weights.shape[:-2], padding=padding)
    return with_weights(layer, np.moveaxis(weights, (-1, -2), (0, 1)), biases)


def with_weights(layer, weights, biases):
    """The layer with these arrays, not to be trained."""
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(weights))
    layer.bias.data = torch.from_numpy(biases)
    return layer.requires_grad_(False)


def prepare(job, layers, xs, ys):
    """See `peer_job.work`."""
    if job['method'] not in METHODS or 'replacements' in job['arguments']:
        return None
    model = {'MLP': MLP, 'CNN': CNN, 'genomic': Genomic}[job['network']](layers).eval()
    inputs = torch.from_numpy(np.ascontiguousarray(np.moveaxis(xs, -1, 1) if xs.ndim > 2 else xs))
    target = torch.from_numpy(ys.argmax(axis=1))
    explain, settings = METHODS[job['method']](model, inputs, target, **job['arguments'])

    def convert(found):
        found = found.detach().numpy()
        found = np.moveaxis(found, 1, -1) if found.ndim > 2 else found
        if job['method'] == 'occlusion':  # ours spread over the window
            return found / np.prod(job['arguments']['window_shape'])
        return found

    return explain, settings, convert


def one_pass(method):
    """A method without settings."""

    def make(model, inputs, target):
        attribution = method(model)
        return lambda _: attribution.attribute(inputs, target=target), [None]

    return make


def elrp(model, inputs, target):
    attribution = LRP(model)
    layers = [layer for layer in model.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]

    def explain(_):
        for layer in layers:
            layer.rule = EpsilonRule(epsilon=1e-4)  # attribute() takes it away
        return attribution.attribute(inputs, target=target)

    return explain, [None]


def intgrad(model, inputs, target, steps):
    attribution = IntegratedGradients(model)

    def explain(rows):
        return attribution.attribute(
            inputs, target=target, n_steps=steps, method='riemann_right', internal_batch_size=rows
        )

    return explain, [rows for rows in ROWS if rows >= len(inputs)]


def occlusion(model, inputs, target, window_shape):
    if inputs.ndim == 2:
        attribution, windows = FeatureAblation(model), {}
    else:
        *places, channels = window_shape
        attribution, windows = Occlusion(model), {'sliding_window_shapes': (channels, *places)}

    def explain(copies):
        return attribution.attribute(inputs, target=target, perturbations_per_eval=copies, **windows)

    return explain, copies_to_try(inputs)


def shapley_sampling(model, inputs, target, samples):
    attribution = ShapleyValueSampling(model)

    def explain(copies):
        return attribution.attribute(inputs, target=target, n_samples=samples, perturbations_per_eval=copies)

    return explain, copies_to_try(inputs)


def copies_to_try(inputs):
    """Values of perturbations_per_eval, each once."""
    return list(dict.fromkeys(max(1, rows // len(inputs)) for rows in ROWS))


METHODS = {
    'saliency': one_pass(Saliency),
    'grad*input': one_pass(InputXGradient),
    'elrp': elrp,
    'deeplift': one_pass(DeepLift),
    'intgrad': intgrad,
    'occlusion': occlusion,
    'shapley_sampling': shapley_sampling,
}

if __name__ == '__main__':
    warnings.simplefilter('ignore')  # Captum tells of the hooks it sets
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count())
    work(sys.argv[1], 'captum', prepare)
