# %% [markdown]
# # Audio: one note of a SavedModel
#
# basic-pitch (Apache-2.0) is a network of Spotify that writes down the notes in a recording. It comes as a SavedModel
# of TensorFlow 2, which `open_model` opens as it is. We take one note that it hears in a singer's voice and ask
# *where* in the sound it heard it.
#
# **What you should see:** in the spectrogram, the attributions lie on the moment of the note and on its harmonics
# (the multiples of its frequency), and they add up to the score exactly. On the waveform, the loss is greatest where
# the sound of that moment is taken away.

# %%
import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours

import wave

import matplotlib.pyplot as plt
import numpy as np
from packages import package_file
from scipy.signal import resample_poly

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, open_model

REQUIREMENT = 'basic-pitch==0.4.0'
model = open_model(str(package_file(REQUIREMENT, 'basic_pitch/saved_models/icassp_2022/nmp')))
print(model)

# %% [markdown]
# ## The sound
#
# Two seconds of a recording of the data set vocadito, which is in the source package of basic-pitch. The network
# wants 43,844 samples at 22,050 Hz, and answers with 172 frames of 88 piano keys.

# %%
RATE, LENGTH, HOP, WINDOW = 22050, 43844, 256, 452
with wave.open(str(package_file(REQUIREMENT, 'basic_pitch-0.4.0/tests/resources/vocadito_10.wav'))) as file:
    sound = np.frombuffer(file.readframes(file.getnframes()), '<i2') / 32768
    sound = resample_poly(sound, RATE, file.getframerate())
begin = 32324  # of the second window that basic-pitch itself would cut
xs = sound[None, begin : begin + LENGTH, None].astype('float32')

notes = model.session.run(model.tensor('note'), {model.inputs[0]: xs})[0]
frame, key = np.unravel_index(notes.argmax(), notes.shape)
names = ['A', 'A#', 'B', 'C', 'C#', 'D', 'D#', 'E', 'F', 'F#', 'G', 'G#']
hertz = 27.5 * 2 ** (key / 12)
moment = frame * HOP / RATE
print(f'surest note: {names[key % 12]}, {hertz:.0f} Hz, {moment:.2f} s after the start: p = {notes.max():.2f}')

# %%
figure, axis = plt.subplots(figsize=(8, 3), layout='constrained')
seconds = LENGTH / RATE
axis.imshow(notes.T, origin='lower', aspect='auto', cmap='cividis', extent=(0, seconds, 0, 88))
axis.annotate(
    'the note', (moment, key), (moment + 0.1, key + 25), color='white', arrowprops={'color': 'white', 'width': 1}
)
axis.set(xlabel='seconds', ylabel='piano key', title='what the network hears: the probability of each note')
plt.show()

# %% [markdown]
# ## In the spectrogram
#
# Inside the model is a spectrogram of 36 bins an octave. Any tensor can be explained by any other: X is the
# spectrogram, T the score of the note before its sigmoid. `ys` selects the one frame and key. With `rules='complete'`
# and `strict=True` deeplift would raise an error if its sum did not hold.

# %%
LAYERS = 'StatefulPartitionedCall/StatefulPartitionedCall/model_1/'
T, X = model.tensor(LAYERS + 'conv2d_3/BiasAdd'), model.tensor(LAYERS + 'batch_normalization/FusedBatchNormV3')
spectrogram = model.session.run(X, {model.inputs[0]: xs})
ys = np.zeros((172, 88, 1))
ys[frame, key] = 1
with DeepExplain(session=model.session) as de:
    explainer = de.get_explainer('deeplift', T, X, rules='complete', strict=True)
attributions, delta = explainer.run(spectrogram, ys=ys, return_convergence_delta=True)
print(f'sum of attributions {attributions.sum():.4f}, off by {delta[0]:.0e} from score(x) - score(0)')

# %%
figure, axes = plt.subplots(2, 1, figsize=(8, 6), sharex=True, layout='constrained')
harmonics = {n: 3 * key + 36 * np.log2(n) for n in (1, 2, 3, 5, 7)}
window = slice(max(0, frame - 40), frame + 40)
span = (window.start * HOP / RATE, min(172, window.stop) * HOP / RATE)
bins = spectrogram.shape[2]
axes[0].imshow(spectrogram[0, window, :, 0].T, origin='lower', aspect='auto', cmap='cividis', extent=(*span, 0, bins))
axes[0].set(ylabel='bin (36 an octave)', title='the spectrogram')
shown = attributions[0, window, :, 0].T
limit = np.abs(shown).max() / 2
axes[1].imshow(shown, origin='lower', aspect='auto', cmap='RdBu_r', vmin=-limit, vmax=limit, extent=(*span, 0, bins))
axes[1].set(xlabel='seconds', ylabel='bin (36 an octave)', title='what speaks for the note (red) and against it (blue)')
for n, place in harmonics.items():
    axes[1].axhline(place, color='grey', linewidth=0.5, linestyle=':')
    axes[1].text(span[0] + 0.01, place + 2, f'{n} x {hertz:.0f} Hz', fontsize=8)
plt.show()

size = np.abs(attributions[0, :, :, 0])
near = sum(size[:, round(h) - 2 : round(h) + 3].sum() for h in harmonics.values())
share = 5 * len(harmonics) / bins
print(f'{near / size.sum():.0%} of all attribution is near these five harmonics, in {share:.0%} of the bins')

# %% [markdown]
# ## On the waveform
#
# `occlusion` silences 97 windows of a fiftieth of a second, one after the other. It needs no gradient, and works
# through the part that makes the spectrogram, too. (`intgrad` does not: that part takes logarithms, whose gradient
# near silence is so steep that no number of steps adds up.)

# %%
with DeepExplain(session=model.session) as de:
    losses = de.explain('occlusion', T, model.inputs[0], xs, ys=ys, window_shape=(WINDOW, 1), step=(WINDOW, 1))
figure, axis = plt.subplots(figsize=(8, 3), layout='constrained')
plotting.timeseries(xs[0, :, 0], losses[0, :, 0] * WINDOW, ax=axis, rate=RATE, style='bands')
axis.axvline(moment, color='black', linewidth=0.8, linestyle='--')
axis.set_title('what the score of the note loses without each window (dashed: the moment of the note)')
plt.show()

# %%
of_windows = losses[0].reshape(-1, WINDOW).sum(axis=1)
loudest = of_windows.argmax()
begin, end = loudest * WINDOW / RATE, (loudest + 1) * WINDOW / RATE
print(f'greatest loss: {of_windows[loudest]:.2f}, between {begin:.2f} and {end:.2f} s')
with DeepExplain(session=model.session) as de:
    _, delta = de.explain('intgrad', T, model.inputs[0], xs, ys=ys, steps=50, return_convergence_delta=True)
score = model.session.run(T, {model.inputs[0]: xs})[0, frame, key, 0]
print(f'intgrad on the waveform, 50 steps: its sum is off by {delta[0]:.2f}, where the score is {score:.2f}')

# %% [markdown]
# ## What it means
#
# The network hears a pitch as musicians do, by its harmonics, and at the moment it sounds: nothing far away in time
# matters. Two habits made that visible: explaining a tensor inside the model, where the rules are exact, and reading
# the delta before believing a map.
