# %% [markdown]
# # Which words make a text sad?
#
# A recurrent network reads 140 characters and says how people will react: love, wow, haha, sad or angry. **What you
# should see:** `peace` makes a text sad, `laughing` and `hard` make one funny, `Disgusting` and `jail` one to be angry
# about. And a warning to take seriously: with its default rules, `deeplift` misses its sum in the gates of this network
# by 5 to 25 times that sum, and has `hilarious` speak against haha. With `rules='complete'` the sum is exact, and the
# words are nearly those of `intgrad`.
#
# The model is [reactionrnn](https://pypi.org/project/reactionrnn/) 0.1 (MIT licence), trained on Facebook posts: an
# embedding of characters, a GRU of 256 units, and a dense layer. The texts are made up.

# %%
import json
import os
import re
import warnings

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import matplotlib.pyplot as plt
import numpy as np
import tf_keras as keras
from packages import package_file

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, embedding_outputs, open_model, per_token

plt.rcParams['figure.dpi'] = 72
REACTIONS = ['love', 'wow', 'haha', 'sad', 'angry']
TEXTS = [
    'Rest in peace, old friend. We will miss you.',
    'This is hilarious, I am laughing so hard!',
    'Disgusting. These people should be in jail.',
    'What a lovely day! I love my family so much.',
]
LENGTH = 140  # characters that the network reads; there is padding before the text

# %% [markdown]
# ## The model
#
# The package has a file of weights, so the layers are built again. The loop of the GRU need not be unrolled.

# %%
layers = [
    keras.layers.Embedding(401, 100, input_length=LENGTH, name='embedding'),
    keras.layers.GRU(256, reset_after=False, recurrent_activation='hard_sigmoid', name='rnn'),
    keras.layers.Dense(5, name='output'),
]
network = keras.Sequential(layers)
network.build((None, LENGTH))
network.load_weights(str(package_file('reactionrnn==0.1', 'reactionrnn/reactionrnn_weights.hdf5')), by_name=True)
vocabulary = json.loads(package_file('reactionrnn==0.1', 'reactionrnn/reactionrnn_vocab.json').read_text())

model = open_model(network)
ids, T = model.inputs[0], model.outputs[0]


def ids_of(text):
    return np.array([0] * (LENGTH - len(text)) + [vocabulary[character] for character in text])


all_ids = np.stack([ids_of(text) for text in TEXTS])
scores = model.session.run(T, {ids: all_ids})
reactions = scores.argmax(axis=1)
print('score of    ', *(f'{reaction:>6}' for reaction in REACTIONS))
for text, row in zip(TEXTS, scores):
    print(f'{text[:12]}', *(f'{score:6.1f}' for score in row), '  ', text)
if [REACTIONS[k] for k in reactions] != ['sad', 'haha', 'angry', 'love']:
    raise RuntimeError('The network should react to the texts as people would.')

# %% [markdown]
# ## From characters to numbers that have a gradient
#
# Ids of characters have none, so X is the output of their embedding, which `embedding_outputs` finds. The baseline is a
# text of padding only. Here is the warning:

# %%
(X,) = embedding_outputs(T, ids)
vectors = model.session.run(X, {ids: all_ids})
padding = model.session.run(X, {ids: [ids_of('')]})[0]

with DeepExplain(session=model.session) as de:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        original = de.get_explainer('deeplift', T, X, baseline=padding)
    complete = de.get_explainer('deeplift', T, X, baseline=padding, rules='complete', strict=True)
    intgrad = de.get_explainer('intgrad', T, X, baseline=padding, steps=100, quadrature='riemann_trapezoid')
print(caught[0].message)

# %% [markdown]
# What it costs is measured by the convergence delta: the sum of the attributions, minus the difference in score between
# text and padding, which it should be.

# %%
ys = np.eye(5)[reactions]
of_padding = model.session.run(T, {X: padding[np.newaxis]})[0]
names = {'deeplift': original, "deeplift, rules='complete'": complete, 'intgrad': intgrad}
found = {}
print(f'{"":<28}', *(f'{REACTIONS[k]:>8}' for k in reactions))
print(f'{"score, less that of padding":<28}', *(f'{one:8.2f}' for one in ((scores - of_padding) * ys).sum(axis=1)))
for name, explainer in names.items():
    found[name], delta = explainer.run(vectors, ys, return_convergence_delta=True)
    print(f'{name + ":":<28}', *(f'{one:+8.2f}' for one in delta), '  delta')

# %% [markdown]
# ## Characters
#
# The network reads characters, so attributions are of characters. Most of what makes this text sad arises in the middle
# of `peace`, read after `Rest in p`.

# %%
characters = {name: per_token(attributions) for name, attributions in found.items()}
text = TEXTS[0]
ax = plotting.text(list(text), characters["deeplift, rules='complete'"][0][-len(text) :])
plt.show()

# %% [markdown]
# ## Words
#
# A word's attribution is the sum of those of its characters and of the space behind it.

# %%
words = [re.findall(r'\S+\s*', text) for text in TEXTS]


def per_word(of_characters, i):
    """The sums of the attributions of each word of text i."""
    ends = LENGTH - len(TEXTS[i]) + np.cumsum([len(word) for word in words[i]])
    return np.array([of_characters[i][end - len(word) : end].sum() for word, end in zip(words[i], ends)])


def draw(name):
    figure, axes = plt.subplots(len(TEXTS), 1, figsize=(7, 2.6), layout='constrained')
    figure.suptitle(name)
    for i, ax in enumerate(axes):
        plotting.text([word.strip() for word in words[i]], per_word(characters[name], i), ax)
        ax.set_ylabel(REACTIONS[reactions[i]], rotation=0, ha='right', va='center')


draw("deeplift, rules='complete'")
plt.show()

# %%
draw('intgrad')
plt.show()

# %% [markdown]
# And with the default rules. Each text has its own colour scale, so what counts is which words are dark.

# %%
draw('deeplift')
plt.show()

# %% [markdown]
# ## The test: take each word away
#
# Its characters become padding, and the score of the reaction falls, or rises. Do the attributions of the words go
# along with that?

# %%
print('correlation over words           ', *(f'{REACTIONS[k]:>6}' for k in reactions))
for name in names:
    correlations = []
    for i, k in enumerate(reactions):
        without, end = np.repeat(all_ids[i : i + 1], len(words[i]), axis=0), LENGTH - len(TEXTS[i])
        for row, word in zip(without, words[i]):
            row[end : end + len(word)] = 0
            end += len(word)
        losses = scores[i, k] - model.session.run(T, {ids: without})[:, k]
        correlations.append(np.corrcoef(losses, per_word(characters[name], i))[0, 1])
    print(f'{name:<28} loss', *(f'{one:6.2f}' for one in correlations))
pairs = [[per_word(characters[name], i) for name in list(names)[1:]] for i in range(len(TEXTS))]
print(f'{"complete":<23}and intgrad', *(f'{np.corrcoef(a, b)[0, 1]:6.2f}' for a, b in pairs))

# %% [markdown]
# ## For a page
#
# `text_html` writes the same as HTML: a number is under the mouse on each word.

# %%
plotting.text_html([word.strip() for word in words[2]], per_word(characters["deeplift, rules='complete'"], 2))

# %% [markdown]
# ## What it means
#
# - A GRU multiplies its state by gates. By default, `deeplift` has no rule for products, nor for the hard sigmoids in
#   its gates, and errors grow from character to character. The warning names these ops before any number, and the delta
#   says how much it matters.
# - With a rule for each, one forward and one backward pass give an exact sum, and words much like those from the 100
#   passes of `intgrad` (correlation about 0.9).
# - Both go along with what taking a word away does, more than the default does, though not entirely: words act
#   together.

# %%
model.close()
