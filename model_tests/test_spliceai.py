"""spliceai 1.3.1, model 1 of 5: a dilated ResNet that finds splice sites in 10,000 bases of context, a Keras 2 file.

Its weights are licensed CC BY-NC: they are read by this test, and neither shipped nor used elsewhere.
X: one-hot DNA of any length, T: for each of the middle positions the scores of none, acceptor and donor.
"""

import numpy as np
import pytest
from shared import assert_complete, explain, model_file, values

from deepexplain.tensorflow import DeepExplain, open_model

# The human beta globin gene HBB, from exon 1 into intron 2. The bases around it are made up (random).
EXON_1 = (
    'ACATTTGCTTCTGACACAACTGTGTTCACTAGCAACCTCAAACAGACACCATGGTGCATCTGACTCCTGAGGAGAAGTCTGCCGTTACTGCCCTGTGGGGCAAGGTGAA'
    'CGTGGATGAAGTTGGTGGTGAGGCCCTGGGCAG'
)
INTRON_1 = (
    'GTTGGTATCAAGGTTACAAGACAGGTTTAAGGAGACCAATAGAAACTGGGCATGTGGAGACAGAGAAGACTCTTGGGTTTCTGATAGGCACTGACTCTCTCTGCCTATT'
    'GGTCTATTTTCCCACCCTTAG'
)
EXON_2 = (
    'GCTGCTGGTGGTCTACCCTTGGACCCAGAGGTTCTTTGAGTCCTTTGGGGATCTGTCCACTCCTGATGCTGTTATGGGCAACCCTAAGGTGAAGGCTCATGGCAAGAAA'
    'GTGCTCGGTGCCTTTAGTGATGGCCTGGCTCACCTGGACAACCTCAAGGGCACCTTTGCCACACTGAGTGAGCTGCACTGTGACAAGCTGCACGTGGATCCTGAGAACT'
    'TCAGG'
)
INTRON_2 = (
    'GTGAGTCTATGGGACGCTTGATGTTTTCTTTCCCCTTCTTTTCTATGGTTAAGTTCATGTCATAGGAAGGGGATAAGTAACAGGGTACAGTTTAGAATGGGAAACAGA'
)

POSITIONS = 276
CONTEXT = 5000  # on either side of the positions
START, END = 27, 27 + len(EXON_2) - 1  # of exon 2, among the positions
ACCEPTOR, DONOR = 1, 2


def sequence(gene=EXON_1 + INTRON_1 + EXON_2 + INTRON_2):
    bases = np.random.RandomState(0).choice(list('ACGT'), POSITIONS + 2 * CONTEXT)
    begin = CONTEXT + START - len(EXON_1 + INTRON_1)
    bases[begin : begin + len(gene)] = list(gene)
    return (bases[:, None] == list('ACGT')).astype('float32')


def selected(position, site):
    ys = np.zeros((POSITIONS, 3))
    ys[position, site] = 1
    return ys


@pytest.fixture(scope='module')
def model():
    with open_model(model_file('spliceai/models/spliceai1.h5')) as model:
        yield model


@pytest.fixture(scope='module')
def xs():
    """The gene, and the same without the AG that ends intron 1."""
    return np.stack([sequence(), sequence(EXON_1 + INTRON_1[:-2] + 'AC' + EXON_2 + INTRON_2)])


def test_the_ends_of_the_exon_are_found(model, xs):
    assert model.inputs[0].shape.as_list() == [None, None, 4]
    sites, without = values(model, model.outputs[0], xs)
    assert sites[:, ACCEPTOR].argmax() == START
    assert sites[:, DONOR].argmax() == END
    assert sites[START, ACCEPTOR] > 0.75
    assert sites[END, DONOR] > 0.75
    assert without[START, ACCEPTOR] < 0.01


@pytest.fixture(scope='module')
def deeplift(model):
    with DeepExplain(session=model.session) as de:
        return de.get_explainer('deeplift', model.logits, model.inputs[0])


@pytest.mark.parametrize(
    ('position', 'site', 'dinucleotide'), [(START, ACCEPTOR, [-2, -1]), (END, DONOR, [1, 2])], ids=['AG', 'GT']
)
def test_deeplift_finds_the_dinucleotide_and_adds_up(model, deeplift, xs, position, site, dinucleotide):
    # Nothing but convolutions, batch normalization and ReLU: the sum is exact.
    gene = xs[:1]
    found = deeplift.run(gene, selected(position, site))
    score = [values(model, model.logits, x)[:, position, site] for x in (gene, 0 * gene)]
    assert_complete(found, score[0] - score[1], within=1e-4)
    of_bases = found[0].sum(axis=-1)
    largest = of_bases.argsort()[::-1] - CONTEXT - position
    assert set(dinucleotide) <= set(largest[:3].tolist()), largest[:10]


def test_sequences_of_another_length(model, deeplift, xs):
    # The dimension of the length is open: one explainer takes all, and the baseline 0 follows.
    short = xs[:1, : 2 * CONTEXT + START + 1]
    found = deeplift.run(short, selected(START, ACCEPTOR)[: START + 1])
    score = [values(model, model.logits, x)[:, START, ACCEPTOR] for x in (short, 0 * short)]
    assert found.shape == short.shape
    assert_complete(found, score[0] - score[1], within=1e-4)


def test_a_batch_equals_one_by_one(deeplift, xs):
    ys = np.stack([selected(START, ACCEPTOR), selected(END, DONOR)])
    together = deeplift.run(xs, ys)
    for i in range(2):
        alone = deeplift.run(xs[i : i + 1], ys[i])
        np.testing.assert_allclose(together[i : i + 1], alone, rtol=0, atol=1e-3 * np.abs(alone).max())


def test_elrp_names_the_same_bases(model, xs):
    # Biases keep a share for themselves, so the sum is none of the score; the order of the bases is still telling.
    found = explain(model, 'elrp', model.logits, model.inputs[0], xs[:1], ys=selected(END, DONOR))[0].sum(axis=-1)
    assert found.argmax() == CONTEXT + END + 2
    assert found.argsort()[-3:].min() > CONTEXT + END


def test_intgrad_of_one_mutation(model, xs):
    # From AC to AG. The path crosses kinks: 20 to 40 steps are off by 1 to 2 %, 100 by 0.1 %.
    sites, without = xs[:, : 2 * CONTEXT + START + 1]
    ys = selected(START, ACCEPTOR)[: START + 1]
    found = explain(model, 'intgrad', model.logits, model.inputs[0], sites[None], ys=ys, steps=100, baseline=without)
    score = values(model, model.logits, np.stack([sites, without]))[:, START, ACCEPTOR]
    assert found[0].any(axis=-1).nonzero()[0].tolist() == [CONTEXT + START - 1]
    assert_complete(found, score[:1] - score[1:])
