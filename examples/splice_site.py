# %% [markdown]
# # Where does an exon begin and end, and why there?
#
# SpliceAI reads DNA and says at which letters a cell cuts the introns out. **What you should see:** the two letters at
# each cut, `AG` before the exon and `GT` behind it, are the highest, which is what biologists call the consensus. One
# wrong letter in `GT`, known from patients with beta-thalassemia, takes the score of the cut from 0.86 to 0.00, and its
# letter turns against the cut.
#
# The model is the first of five in [spliceai](https://pypi.org/project/spliceai/) 1.3.1, a residual network of dilated
# convolutions, 10,000 letters wide. **Licences:** the package's code is GPLv3, and its weights are CC BY-NC 4.0, so
# they are not for commercial use. Neither is part of DeepExplain: `make examples` installs the package, and this script
# reads the weights from there.
#
# The DNA: exon 2 of the human beta globin gene HBB with its neighbours, 684 letters. The 10,000 letters around them are
# **made up** (random).

# %%
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import matplotlib.pyplot as plt
import numpy as np
from packages import package_file

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, open_model

plt.rcParams['figure.dpi'] = 72

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
CONTEXT = 5000  # what the network reads on either side of a letter
POSITIONS = 276  # letters that get scores
START = 27  # the first letter of exon 2, among the positions
END = START + len(EXON_2) - 1  # its last letter
ACCEPTOR, DONOR = 1, 2  # the outputs: 0 is 'no cut'

letters = np.random.RandomState(0).choice(list('ACGT'), CONTEXT + POSITIONS + CONTEXT)
begin = CONTEXT + START - len(EXON_1 + INTRON_1)
gene = EXON_1 + INTRON_1 + EXON_2 + INTRON_2
letters[begin : begin + len(gene)] = list(gene)


def one_hot(letters):
    return (letters[:, np.newaxis] == list('ACGT')).astype('float32')


# %% [markdown]
# ## The two cuts

# %%
model = open_model(str(package_file('spliceai==1.3.1', 'spliceai/models/spliceai1.h5')))
X, T = model.inputs[0], model.logits


def probabilities(letters):
    return model.session.run(model.outputs[0], {X: one_hot(letters)[np.newaxis]})[0]


healthy = probabilities(letters)
first, last = healthy[:, ACCEPTOR].argmax(), healthy[:, DONOR].argmax()
print(f'the exon begins with letter {START} and ends with letter {END}')
print(f'most likely first letter {first}, score {healthy[first, ACCEPTOR]:.2f}')
print(f'most likely last letter {last}, score {healthy[last, DONOR]:.2f}')
if (first, last) != (START, END):
    raise RuntimeError('The network should find both ends of the exon.')

# %% [markdown]
# ## Which letters make them
#
# `deeplift` at the scores before the softmax. The baseline is 0, which is no letter at all; SpliceAI was trained with
# such letters, too, beyond the ends of a sequence. There are only convolutions, batch normalization and ReLU, so the
# sums hold without further rules (`strict=True` would object). Of the 10,276 letters, those near the cut are drawn;
# position 1 is the first letter behind the cut.

# %%
with DeepExplain(session=model.session) as de:
    explainer = de.get_explainer('deeplift', T, X, strict=True)


def attributions(letters, position, site):
    """What each letter contributes to the score of a cut."""
    ys = np.zeros((POSITIONS, 3))
    ys[position, site] = 1
    found, delta = explainer.run(one_hot(letters)[np.newaxis], ys, return_convergence_delta=True)
    if abs(delta[0]) > 1e-3:
        raise RuntimeError(f'The sum is off by {delta[0]}.')
    return found[0].sum(axis=1)


def logo(values, letters, cut, before, behind, ax, title, highlight):
    """Draw the letters around a cut; `cut` is the first letter behind it."""
    near = slice(CONTEXT + cut - before, CONTEXT + cut + behind)
    plotting.sequence(values[near], ''.join(letters[near]), ax=ax, start=1 - before, highlight=highlight)
    ax.set_title(title, fontsize='medium')


to_acceptor, to_donor = attributions(letters, START, ACCEPTOR), attributions(letters, END, DONOR)
for name, values, cut in [('acceptor', to_acceptor, START), ('donor', to_donor, END + 1)]:
    largest = sorted(np.argsort(values)[-3:] - CONTEXT - cut + 1)
    near = values[CONTEXT + cut - 50 : CONTEXT + cut + 50].sum()
    print(f'{name:<9} largest at positions {[int(one) for one in largest]};', end=' ')
    print(f'all letters sum to {values.sum():.2f}, the 100 nearest to {near:.2f}')

# %%
figure, axes = plt.subplots(2, 1, figsize=(9, 4.6), layout='constrained')
logo(to_acceptor, letters, START, 30, 15, axes[0], 'acceptor: intron 1 | exon 2', [(-1, 1)])
logo(to_donor, letters, END + 1, 20, 25, axes[1], 'donor: exon 2 | intron 2', [(1, 3)])
plt.show()

# %% [markdown]
# ## One letter wrong
#
# `GT` becomes `AT`. This is a known cause of beta-thalassemia (IVS-II-1 G>A, in [the review of
# Thein](https://doi.org/10.1101/cshperspect.a011700)): without the cut, no working beta globin is made. What does the
# network say of it?

# %%
mutated = letters.copy()
mutated[CONTEXT + END + 1] = 'A'
ill = probabilities(mutated)
print('score      healthy  mutated')
print(f'acceptor {healthy[START, ACCEPTOR]:9.2f} {ill[START, ACCEPTOR]:8.2f}')
print(f'donor    {healthy[END, DONOR]:9.2f} {ill[END, DONOR]:8.2f}')
if ill[END, DONOR] > 0.1:
    raise RuntimeError('The mutation should destroy the donor.')

# %%
figure, axes = plt.subplots(2, 1, figsize=(7, 3.2), sharex=True, layout='constrained')
for ax, scores, title in zip(axes, [healthy, ill], ['healthy', 'mutated']):
    ax.plot(scores[:, ACCEPTOR], color='#0072b2', label='acceptor')
    ax.plot(scores[:, DONOR], color='#d55e00', linestyle='--', label='donor')
    ax.axvspan(START, END, color='0.9', zorder=0, label='exon 2')
    ax.set(ylim=(-0.03, 1), ylabel='score', title=title)
axes[0].legend(loc='upper center', ncols=3)
axes[1].set_xlabel('letter')
plt.show()

# %%
to_mutated = attributions(mutated, END, DONOR)
print('contribution to the donor   healthy  mutated')
for position in [1, 2, 5]:
    i = CONTEXT + END + position
    print(f'position {position}: {letters[i]} -> {mutated[i]} {to_donor[i]:19.2f} {to_mutated[i]:8.2f}')
print(f'all letters {to_donor.sum():23.2f} {to_mutated.sum():8.2f}')

# %%
figure, axes = plt.subplots(2, 1, figsize=(9, 4.6), layout='constrained')
logo(to_donor, letters, END + 1, 20, 25, axes[0], 'healthy', [(1, 3)])
logo(to_mutated, mutated, END + 1, 20, 25, axes[1], 'mutated', [(1, 2)])
for ax in axes:
    ax.set_ylim(-1.8, 3.5)
plt.show()

# %% [markdown]
# ## The test: change every letter
#
# Attributions are a prediction. Here 20 letters around the cut are changed, one at a time, into each of the three
# others; what the score loses on average is drawn below what `deeplift` had said from one forward and one backward
# pass.

# %%
near = np.arange(CONTEXT + END - 7, CONTEXT + END + 13)
variants = []
for i in near:
    for other in set('ACGT') - {letters[i]}:
        variant = letters.copy()
        variant[i] = other
        variants.append(one_hot(variant))


def scores(xs):
    return np.concatenate(
        [model.session.run(T, {X: np.stack(xs[i : i + 6])})[:, END, DONOR] for i in range(0, len(xs), 6)]
    )


losses = (scores([one_hot(letters)])[0] - scores(variants)).reshape(-1, 3).mean(axis=1)
print(f'correlation with deeplift over {len(near)} letters: {np.corrcoef(losses, to_donor[near])[0, 1]:.2f}')

# %%
figure, axes = plt.subplots(2, 1, figsize=(6, 4.2), layout='constrained')
for ax, values, title in zip(axes, [to_donor[near], losses], ['deeplift', f'mean loss of {len(variants)} mutations']):
    plotting.sequence(values, ''.join(letters[near]), ax=ax, start=-7, highlight=[(1, 3)])
    ax.set_title(title, fontsize='medium')
plt.show()

# %% [markdown]
# ## What it means
#
# - The network has learned the consensus: `AG | G` at the beginning of an exon, a tract of `T` and `C` before it, and
#   `G | GTGAGT` at its end. The letters that matter lie within some 20 of the cut, though it reads 10,000.
# - `A` in the place of `G` speaks against the cut (its attribution is negative), and the letters that agreed with the
#   `G` lose their worth, too: a letter's contribution depends on the others.
# - The acceptor 223 letters before the mutation loses most of its score as well: an exon without an end has no good
#   beginning either.
# - One backward pass ranks the letters much as 60 mutations do (their scales differ: `deeplift` compares with no
#   letter, a mutation with another).

# %%
model.close()
