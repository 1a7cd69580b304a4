"""randomization: what is fed, in which order, and how similarity is measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from stand_in import Explainer

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.metrics import randomization


class Weight:
    def __init__(self, name, value):
        self.name, self.value = name, value

    def feed(self, value):
        return {self.name: value}


class Layers(Explainer):
    """Attributions x * (a W_1 W_2 ...) by hand, of weights that may be fed; it records what was."""

    def __init__(self, *shapes, seed=0):
        super().__init__(None, None)
        random = np.random.RandomState(seed)
        self.values = {f'layer {i}': random.normal(size=shape) for i, shape in enumerate(shapes)}
        self.fed = []

    def weights(self):
        return [Weight(name, self.values[name]) for name in reversed(list(self.values))]

    def run(self, xs, ys=None, batch_size=None, feed_dict=None):
        self.fed.append(dict(feed_dict or {}))
        product = None
        for name in self.values:
            value = self.fed[-1].get(name, self.values[name])
            product = value if product is None else product @ value
        return np.asarray(xs) * product.sum(axis=1).reshape(np.shape(xs)[1:])


XS = np.random.RandomState(1).normal(size=(3, 6))
SHAPES = [(6, 5), (5, 4), (4, 3)]


def changed(fed, explainer):
    return [name for name in sorted(fed) if not np.array_equal(fed[name], explainer.values.get(name, 0))]


def test_a_cascade_goes_from_the_output_to_the_input():
    explainer = Layers(*SHAPES)
    found = randomization(explainer, XS)
    assert found.names == ['layer 2', 'layer 1', 'layer 0']
    assert [changed(fed, explainer) for fed in explainer.fed] == [
        [],
        ['layer 2'],
        ['layer 1', 'layer 2'],
        ['layer 0', 'layer 1', 'layer 2'],
    ]
    assert explainer.fed[1]['layer 2'] is explainer.fed[3]['layer 2']  # drawn once
    assert found.spearman.shape == found.spearman_abs.shape == (3, 3)
    assert found.ssim is None


def test_one_at_a_time():
    explainer = Layers(*SHAPES)
    randomization(explainer, XS, cascading=False)
    assert [changed(fed, explainer) for fed in explainer.fed] == [[], ['layer 2'], ['layer 1'], ['layer 0']]
    assert [sorted(fed) for fed in explainer.fed[1:]] == [['layer 0', 'layer 1', 'layer 2']] * 3  # one compiled run


def test_similarity_is_that_of_scipy():
    explainer = Layers(*SHAPES)
    found = randomization(explainer, XS)
    before = explainer.run(XS)
    for step, fed in enumerate(explainer.fed[1:4]):
        after = explainer.run(XS, feed_dict=fed)
        for i in range(3):
            np.testing.assert_allclose(found.spearman[step, i], spearmanr(before[i], after[i])[0], atol=1e-12)
            of_abs = spearmanr(np.abs(before[i]), np.abs(after[i]))[0]
            np.testing.assert_allclose(found.spearman_abs[step, i], of_abs, atol=1e-12)


def test_images_are_compared_by_ssim_too():
    xs = np.random.RandomState(2).uniform(size=(2, 8, 9, 3))
    explainer = Layers((8 * 9 * 3, 4), (4, 2))
    found = randomization(explainer, xs)
    before = explainer.run(xs).sum(axis=-1)
    after = explainer.run(xs, feed_dict=explainer.fed[2]).sum(axis=-1)
    for i in range(2):
        maps = before[i] / np.abs(before[i]).max(), after[i] / np.abs(after[i]).max()
        np.testing.assert_allclose(found.ssim[1, i], structural_similarity(*maps, data_range=2.0))
    assert randomization(Layers((6 * 9 * 3, 4)), xs[:, :6]).ssim is None  # smaller than SSIM's window


def test_weights_that_say_nothing_leave_attributions_alone():
    explainer = Layers(*SHAPES)
    explainer.values['layer 2'] = np.ones((4, 3))  # a permutation of ones
    found = randomization(explainer, XS)
    np.testing.assert_allclose(found.spearman[0], np.ones(3))
    constant = randomization(explainer, np.zeros((2, 6)))
    assert np.isnan(constant.spearman).all()  # all attributions are 0: nothing to rank


def test_permutations_keep_the_values_and_normal_ones_the_moments():
    value = np.random.RandomState(9).normal(3, 2, size=(300, 200)).astype(np.float32)
    explainer = Layers((200, 2))
    for redraw in ['permutation', 'normal']:
        explainer.values = {'layer 0': value}
        randomization(explainer, np.ones((1, 300)), redraw=redraw)
        drawn = explainer.fed[-1]['layer 0']
        assert drawn.dtype == np.float32
        assert drawn.shape == value.shape
        assert abs(np.corrcoef(drawn.ravel(), value.ravel())[0, 1]) < 0.02
        assert np.array_equal(np.sort(drawn, axis=None), np.sort(value, axis=None)) == (redraw == 'permutation')
        np.testing.assert_allclose([drawn.mean(), drawn.std()], [value.mean(), value.std()], rtol=0.01)


@given(seed=st.integers(0, 2**32 - 2))
def test_the_seed_repeats(seed):
    found, again, other = (randomization(Layers(*SHAPES), XS, seed=s) for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(found.spearman, again.spearman)
    assert (found.spearman != other.spearman).any()
    assert np.abs(found.spearman).max() <= 1


def test_the_user_s_feeds_stay():
    explainer, feed = Layers(*SHAPES), {'rate': 0.5}
    randomization(explainer, XS, feed_dict=feed)
    assert [fed['rate'] for fed in explainer.fed] == [0.5] * 4
    assert feed == {'rate': 0.5}


def test_what_does_not_fit_is_refused():
    with pytest.raises(
        ArgumentTypeError, match='randomization needs an explainer, whose weights it can feed; got <func'
    ):
        randomization(lambda xs: xs, XS)
    with pytest.raises(ArgumentError, match="redraw must be one of 'permutation', 'normal'; got 'uniform'"):
        randomization(Layers(*SHAPES), XS, redraw='uniform')
    explainer = Layers(*SHAPES)
    explainer.run = lambda xs, feed_dict=None: xs * (np.nan if feed_dict else 1)
    with pytest.raises(ArgumentError, match="With 'layer 2' drawn anew: attributions must be finite"):
        randomization(explainer, XS)
