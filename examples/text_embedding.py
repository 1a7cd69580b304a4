# %% [markdown]
# # Text: which characters do people react to?
#
# reactionrnn (MIT) is a small recurrent network, trained on the reactions of people to Facebook posts: love, wow,
# haha, sad, angry. It reads a text character by character: an embedding, a GRU of 256 units over 140 steps, a dense
# layer. Characters are ids and have no gradient, so the output of the embedding is explained, and summed for each
# character.
#
# **What you should see:** the words that people love light up. With the default rules `deeplift` warns that a GRU
# multiplies, and its sum is far off; with `rules='complete'` the sum holds.

# %%
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import json
import warnings

import matplotlib.pyplot as plt
import numpy as np
import tf_keras as keras
from packages import package_file

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, embedding_outputs, open_model, per_token

REQUIREMENT = 'reactionrnn==0.1'
REACTIONS = ['love', 'wow', 'haha', 'sad', 'angry']

# %% [markdown]
# ## The model
#
# The package has the weights, but not the model that they belong to: so it is built, and the weights are loaded by
# name. `embedding_outputs` finds the tensor to explain in place of the ids.

# %%
layers = [
    keras.layers.Embedding(401, 100, input_length=140, name='embedding'),
    keras.layers.GRU(256, reset_after=False, recurrent_activation='hard_sigmoid', name='rnn'),
    keras.layers.Dense(5, name='output'),
]
network = keras.Sequential(layers)
network.build((None, 140))
network.load_weights(package_file(REQUIREMENT, 'reactionrnn/reactionrnn_weights.hdf5'), by_name=True)
model = open_model(network)
T = model.outputs[0]
(X,) = embedding_outputs(T, model.inputs[0])
print('explained:', T.name, T.shape, 'by', X.name, X.shape)

# %%
vocabulary = json.loads(package_file(REQUIREMENT, 'reactionrnn/reactionrnn_vocab.json').read_text())


def ids(text):
    """The characters' ids, with zeros before them."""
    return [0] * (140 - len(text)) + [vocabulary[character] for character in text]


texts = [
    "Happy Mother's Day from the Chicago Cubs!",
    'He died in a car crash last night.',
    'The dog ate my homework, and then my sofa.',
]
vectors = model.session.run(X, {model.inputs[0]: [ids(text) for text in texts]})
padding = model.session.run(X, {model.inputs[0]: [ids('')]})[0]
scores = model.session.run(T, {X: vectors})
chosen = scores.argmax(axis=1)
for text, row in zip(texts, np.maximum(scores, 0)):
    said = ', '.join(f'{name} {value:.2f}' for name, value in zip(REACTIONS, row / row.sum()) if value > 0)
    print(f'{text:<45}{said}')

# %% [markdown]
# ## A warning to read
#
# The baseline is a text of padding alone: what the network says of no text at all. `ys` selects the reaction that
# each text gets. By default deeplift has the rules of DeepExplain 0.3, and says what they lack:

# %%
ys = np.eye(5)[chosen]
with DeepExplain(session=model.session) as de, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    original = de.get_explainer('deeplift', T, X, baseline=padding)
    complete = de.get_explainer('deeplift', T, X, baseline=padding, rules='complete', strict=True)
    intgrad = de.get_explainer('intgrad', T, X, baseline=padding, steps=100)
print(str(caught[0].message)[:400], '...')

# %%
found = {}
print(f'{"":<30}{"sum of attributions minus score(text) - score(padding), for each text"}')
for name, explainer in [('deeplift', original), ('deeplift, complete', complete), ('intgrad, 100 steps', intgrad)]:
    attributions, delta = explainer.run(vectors, ys=ys, return_convergence_delta=True)
    found[name] = per_token(attributions)
    print(f'{name:<30}{np.array2string(delta, precision=4, suppress_small=True)}')
to_explain = complete.outputs(vectors, ys=ys) - complete.outputs(np.broadcast_to(padding, vectors.shape), ys=ys)
print(f'{"score(text) - score(padding)":<30}{np.array2string(to_explain, precision=4)}')

# %% [markdown]
# ## Character by character

# %%
figure, axes = plt.subplots(len(texts), 1, figsize=(9, 2.4), layout='constrained')
for axis, text, attributions, reaction in zip(axes, texts, found['deeplift, complete'], chosen):
    plotting.text(list(text), attributions[-len(text) :], ax=axis, fontsize=8)
    axis.set_title(f'what speaks for "{REACTIONS[reaction]}" (red) and against it (blue)', fontsize=9, loc='left')
plt.show()

# %% [markdown]
# ## Word by word
#
# Contributions may be summed: a word's is the sum of its characters' and of the space after it.


# %%
def by_word(text, attributions):
    """The words, and the sum of the attributions of each."""
    words, begin, sums = text.split(' '), 0, []
    for word in words:
        sums.append(attributions[-len(text) :][begin : begin + len(word) + 1].sum())
        begin += len(word) + 1
    return words, np.array(sums)


figure, axes = plt.subplots(len(texts), 1, figsize=(9, 2.4), layout='constrained')
for axis, text, attributions, reaction in zip(axes, texts, found['deeplift, complete'], chosen):
    words, sums = by_word(text, attributions)
    plotting.text(words, sums, ax=axis)
    axis.set_title(REACTIONS[reaction], fontsize=9, loc='left')
plt.show()

# %%
for text, a, b in zip(texts, found['deeplift, complete'], found['intgrad, 100 steps']):
    words, of_deeplift = by_word(text, a)
    _, of_intgrad = by_word(text, b)
    agreement = np.corrcoef(of_deeplift, of_intgrad)[0, 1]
    print(f'deeplift / intgrad, correlated to {agreement:.2f}:')
    print('  ', ', '.join(f'{word} {x:+.2f} / {y:+.2f}' for word, x, y in zip(words, of_deeplift, of_intgrad)))

# %% [markdown]
# In a notebook, `text_html` shades the text itself:

# %%
words, sums = by_word(texts[0], found['deeplift, complete'][0])
plotting.text_html(words, sums)

# %% [markdown]
# ## What it means
#
# Both methods add up to the same number, and both find "Cubs!" and "sofa." most telling: a network that reads from
# left to right remembers best what it read last. How they share the rest differs, "Chicago" even in sign, because
# rules and integrals split what words do *together* in different ways. Trust what several methods agree on, and a sum
# only after its delta was read: the default rules were off by more than there was to explain.
