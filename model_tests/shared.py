"""Where the models are, and what is asked of each of them: tests of real models share this."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

#: The sum that deeplift and elrp break, and say so: not what these tests are about.
BROKEN_SUMS = pytest.mark.filterwarnings('ignore:Detected unsupported activation')

#: `make test-models` installs the packages here: files are read, nothing can be imported.
MODELS = Path(sys.prefix, 'models')


def model_file(path):
    """The path of a file or folder of an installed model."""
    assert (MODELS / path).exists(), f'{MODELS / path} is missing: make test-models installs it'
    return str(MODELS / path)


def constant(path, name):
    """What a Python file of a package says that a name is. The file is read, and not run."""
    for node in ast.walk(ast.parse(Path(model_file(path)).read_text(encoding='utf-8'))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f'{path} has no {name}')


def values(model, tensors, *xs):
    """What a session run of an open model says of the samples, one array for each of its inputs."""
    return model.session.run(tensors, dict(zip(model.inputs, xs)))


def explain(model, method, T, X, xs, **arguments):
    """Attributions, in a context of their own."""
    with DeepExplain(session=model.session) as de:
        return de.explain(method, T, X, xs, **arguments)


def sums(attributions):
    """The sum of each sample's attributions; a list is that of several inputs."""
    inputs = attributions if isinstance(attributions, list) else [attributions]
    return sum(one.reshape(len(one), -1).sum(axis=1) for one in inputs)


def assert_complete(attributions, difference, within=0.01):
    """Attributions add up to T(x) - T(baseline), within 1 % of it."""
    np.testing.assert_allclose(sums(attributions), difference, rtol=within)


def assert_complete_rules(session, T, X, xs, broken, ys=None, baseline=None, feed_dict=None, strict=True):
    """deeplift breaks at ops of these types, and says so; with rules='complete' it adds up. Returns attributions."""
    with DeepExplain(session=session) as de:
        with pytest.warns(DeepExplainWarning, match="rules='complete' has rules for"):
            original = de.get_explainer('deeplift', T, X)
        assert {row.type for row in original.describe().breaks} == broken
        complete = de.get_explainer('deeplift', T, X, rules='complete', baseline=baseline, strict=strict)
    found, delta = complete.run(xs, ys, feed_dict=feed_dict, return_convergence_delta=True)
    difference = sums(found) - delta
    assert (np.abs(difference) > 0.1).all()
    assert (np.abs(delta) <= 1e-4 * np.abs(difference) + 1e-5).all(), (delta, difference)
    return found


def assert_batch_equals_one_by_one(session, method, T, X, xs, ys=None, feed_dict=None, atol=1e-4, **arguments):
    """A sample's attributions do not depend on the others; allowed: rounding, relative to the largest."""
    several = isinstance(X, list)
    with DeepExplain(session=session) as de:
        explainer = de.get_explainer(method, T, X, **arguments)

    def run(of):
        np.random.seed(0)  # the random orders of shapley_sampling
        samples = [x[of] for x in xs] if several else xs[of]
        feeds = {tensor: value[of] for tensor, value in (feed_dict or {}).items()}
        found = explainer.run(samples, ys=None if ys is None else ys[of], feed_dict=feeds)
        return found if several else [found]

    count = len(xs[0] if several else xs)
    together = run(slice(None))
    alone = zip(*[run(slice(i, i + 1)) for i in range(count)])
    for a, b in zip(together, alone):
        b = np.concatenate(b)
        assert np.abs(b).max() > 0
        np.testing.assert_allclose(a, b, rtol=0, atol=atol * np.abs(b).max(), err_msg=method)
