"""Attributions by SHAP and Captum, which tests/tensorflow/methods/test_peers.py compares with ours.

They were made once, in two environments of their own (the libraries are no dependencies of the tests):

    pip install captum==0.9.0 torch==2.13.0 && python make.py captum
    pip install shap==0.51.* tensorflow-cpu==2.21.* && python make.py shap

The networks have the weights of `parameters()`: one with tanh and ReLU; one with a convolution, ReLU and max pooling;
one with a product of tanh and sigmoid; and one with ReLU and a softmax.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def parameters():
    """Weights, samples and a baseline by NumPy, the same in every version."""
    rng = np.random.RandomState(7)
    shapes = {
        'w1': (6, 8),
        'b1': (8,),
        'w2': (8, 5),
        'b2': (5,),
        'w3': (5, 1),
        'kernel': (3, 3, 1, 4),
        'b4': (4,),
        'w5': (36, 1),
    }
    values = {name: rng.normal(size=shape).astype('float32') * 0.6 for name, shape in shapes.items()}
    values['rows'] = rng.normal(size=(5, 6)).astype('float32')
    values['row'] = rng.normal(size=(1, 6)).astype('float32')
    values['images'] = rng.normal(size=(4, 8, 8, 1)).astype('float32')
    values['image'] = rng.normal(size=(1, 8, 8, 1)).astype('float32')
    values['w6'] = rng.normal(size=(6, 8)).astype('float32') * 0.6
    values['w7'] = rng.normal(size=(8, 3)).astype('float32') * 0.6
    return values


def by_captum(p):
    import torch
    from captum.attr import DeepLift
    from torch import nn

    def layer(made, weights, bias=None):
        with torch.no_grad():
            made.weight.copy_(torch.tensor(weights))
            if bias is None:
                made.bias.zero_()
            else:
                made.bias.copy_(torch.tensor(bias))
        return made

    dense = nn.Sequential(
        layer(nn.Linear(6, 8), p['w1'].T, p['b1']), nn.Tanh(), layer(nn.Linear(8, 5), p['w2'].T, p['b2']), nn.ReLU(),
        layer(nn.Linear(5, 1), p['w3'].T),
    )  # fmt: skip
    # Channels last, as TensorFlow flattens them.
    order = p['w5'].reshape(3, 3, 4).transpose(2, 0, 1).reshape(1, 36)
    pooled = nn.Sequential(
        layer(nn.Conv2d(1, 4, 3), p['kernel'].transpose(3, 2, 0, 1), p['b4']), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        layer(nn.Linear(36, 1), order),
    )  # fmt: skip
    to_torch = lambda x: torch.tensor(x.transpose(0, 3, 1, 2).copy())  # noqa: E731
    softmax = nn.Sequential(
        layer(nn.Linear(6, 8), p['w1'].T, p['b1']), nn.ReLU(), layer(nn.Linear(8, 3), p['w7'].T), nn.Softmax(1),
    )  # fmt: skip
    rows, row = torch.tensor(p['rows']), torch.tensor(p['row'])
    images = DeepLift(pooled).attribute(to_torch(p['images']), baselines=to_torch(p['image']))
    return {
        'dense': DeepLift(dense).attribute(rows, baselines=row).detach().numpy(),
        'pooled': images.detach().numpy().transpose(0, 2, 3, 1),
        'softmax': DeepLift(softmax).attribute(rows, baselines=row, target=0).detach().numpy(),
    }


def by_shap(p):
    import keras
    import shap

    layers = keras.layers
    dense = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, 'tanh'), layers.Dense(5, 'relu'), layers.Dense(1, use_bias=False)]
    )
    dense.set_weights([p['w1'], p['b1'], p['w2'], p['b2'], p['w3']])
    pooled = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(4, 3, activation='relu'), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(1, use_bias=False),
    ])  # fmt: skip
    pooled.set_weights([p['kernel'], p['b4'], p['w5']])
    x = keras.Input((6,))
    gates = layers.Multiply()([layers.Dense(8, 'tanh')(x), layers.Dense(8, 'sigmoid', use_bias=False)(x)])
    gated = keras.Model(x, layers.Dense(1, use_bias=False)(gates))
    gated.set_weights([p['w1'], p['b1'], p['w6'], p['w7'][:, :1]])
    logits = [layers.Dense(8, 'relu'), layers.Dense(3, use_bias=False)]
    softmax = keras.Sequential([keras.Input((6,)), *logits, layers.Softmax()])
    softmax.set_weights([p['w1'], p['b1'], p['w7']])
    return {
        'gated': shap.DeepExplainer(gated, p['row']).shap_values(p['rows'])[..., 0],
        'softmax': shap.DeepExplainer(softmax, p['row']).shap_values(p['rows'])[..., 0],
        'dense': shap.DeepExplainer(dense, p['row']).shap_values(p['rows'])[..., 0],
        'pooled': shap.DeepExplainer(pooled, p['image']).shap_values(p['images'])[..., 0],
    }


if __name__ == '__main__':
    which = sys.argv[1]
    found = {'captum': by_captum, 'shap': by_shap}[which](parameters())
    np.savez(HERE / f'{which}.npz', **found)
    print({name: (value.shape, value.ravel()[:3]) for name, value in found.items()})
