# %% [markdown]
# # Where in a sound is a note?
#
# A network says which notes are sung, every 12 ms. **What you should see:** one note is explained, an F sharp. In the
# spectrogram, its fundamental and the harmonics above it are dark, within a tenth of a second around the moment; all
# else is white. In the waveform, silencing that tenth of a second takes the note away, and silencing the sound before
# or after it does not.
#
# The model is [basic-pitch](https://pypi.org/project/basic-pitch/) 0.4.0 of Spotify (Apache-2.0 licence), a SavedModel
# of TensorFlow 2. The recording, a voice of the data set vocadito, is in the package's source distribution.

# %%
import os
import wave

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import matplotlib.pyplot as plt
import numpy as np
from packages import package_file
from scipy.signal import resample_poly

from deepexplain import plotting
from deepexplain.tensorflow import DeepExplain, open_model

plt.rcParams['figure.dpi'] = 72
RATE = 22050  # samples per second that the network takes
LENGTH = 43844  # samples, 2 seconds
WINDOW = 1356  # samples that are covered at a time, 61 ms
HOP = 256  # samples from one time of the spectrogram to the next
BINS = 36  # of the spectrogram in an octave; the lowest is that of the lowest key of a piano, 27.5 Hz
KEY, FRAME = 33, 67  # the note: F sharp, the 34th key of a piano, after 0.78 seconds

# %% [markdown]
# ## A SavedModel
#
# `open_model` takes the folder as it is. The network makes its spectrogram itself, so that both the waveform (an input)
# and the spectrogram (a tensor inside) can be explained: any tensor on the way can be X.

# %%
model = open_model(str(package_file('basic-pitch==0.4.0', 'basic_pitch/saved_models/icassp_2022/nmp')))
print(model)
LAYERS = 'StatefulPartitionedCall/StatefulPartitionedCall/model_1/'
W = model.inputs[0]
S = model.tensor(LAYERS + 'batch_normalization/FusedBatchNormV3')  # the spectrogram, normalized
T = model.tensor(LAYERS + 'conv2d_3/BiasAdd')  # the notes' scores, before their sigmoid

# %%
path = package_file('basic-pitch==0.4.0', 'basic_pitch-0.4.0/tests/resources/vocadito_10.wav')
with wave.open(str(path)) as file:
    recording = np.frombuffer(file.readframes(file.getnframes()), '<i2') / 32768
    recording = resample_poly(recording, RATE, file.getframerate())
begin = 32324  # samples: two seconds from 1.47 s on
sound = recording[begin : begin + LENGTH, np.newaxis].astype('float32')
xs = sound[np.newaxis]

spectrogram, notes = model.session.run([S, model.tensor('note')], {W: xs})
print(f'probability of the note: {notes[0, FRAME, KEY]:.2f}')
print('other notes at that time:', f'{np.delete(notes[0, FRAME], KEY).max():.2f} at most')
if notes[0, FRAME, KEY] < 0.8:
    raise RuntimeError('The network should hear the note.')

# %% [markdown]
# ## In the spectrogram
#
# `deeplift` with `rules='complete'`, from a spectrogram that is 0 (after normalization, that is its average).

# %%
ys = np.zeros((172, 88, 1))
ys[FRAME, KEY] = 1
with DeepExplain(session=model.session) as de:
    deeplift = de.get_explainer('deeplift', T, S, rules='complete', strict=True)
    occlusion = de.get_explainer('occlusion', T, W, window_shape=(WINDOW, 1), step=WINDOW // 3)
    intgrad = de.get_explainer('intgrad', T, W, steps=50)

found, delta = deeplift.run(spectrogram, ys, return_convergence_delta=True)
print(f'attributions sum to {found.sum():.3f}, off by {abs(delta[0]):.0e}')
found = found[0, :, :, 0].T  # frequencies, times

harmonics = 3 * KEY + BINS * np.log2(np.arange(1, 6))  # bins of the note and of 2, 3, 4, 5 times its frequency
near = np.abs(np.arange(len(found))[:, np.newaxis] - harmonics).min(axis=1) < 2
soon = np.abs(np.arange(172) - FRAME) <= 4
shares = np.abs(found) / np.abs(found).sum()
print(f'{shares[near].sum():.0%} of the absolute attributions lie at harmonics 1 to 5 ({near.mean():.0%} of the bins),')
print(f'and {shares[:, soon].sum():.0%} within 50 ms of the time ({soon.mean():.0%} of the times)')

# %%
low, high, left, right = 55, 225, 40, 95  # the bins and times that are drawn on the right


def set_axes(ax, title, mark):
    """Seconds and Hertz, low notes below, and the numbers of the harmonics at the right."""
    ax.invert_yaxis()
    ax.set_aspect('auto')
    ax.set_xticks(np.arange(0, 2, 0.25) * RATE / HOP, [f'{second:g}' for second in np.arange(0, 2, 0.25)])
    ax.set_yticks(BINS * np.arange(9), [f'{27.5 * 2**octave:g}' for octave in range(9)])
    ax.set(title=title, xlabel='time (s)', ylabel='frequency (Hz)')
    ax.axvline(FRAME, color='black', linewidth=0.6, linestyle=':')
    for number, place in enumerate(harmonics, start=1):
        ax.axhline(place, color='black', linewidth=0.6, linestyle=':')
        ax.annotate(f' {number}', (mark, place), va='center', annotation_clip=False)


figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout='constrained')
axes[0].imshow(spectrogram[0, :, :, 0].T, cmap='gray_r')
axes[0].add_patch(plt.Rectangle((left, low), right - left, high - low, fill=False, color='#d55e00'))
set_axes(axes[0], 'spectrogram', 172)
plotting.image(found, None, axes[1], percentile=99.8)
set_axes(axes[1], 'attributions to the note, within the frame', right)
axes[1].set(xlim=(left, right), ylim=(low, high))
plt.show()

# %% [markdown]
# ## In the waveform
#
# `occlusion` needs no gradient: it covers 61 ms with silence, again every 20 ms, and watches the score. Colours are the
# mean loss of score of the windows that cover a sample.

# %%
losses = occlusion.run(xs, ys)[0, :, 0] * WINDOW  # attributions are shared among a window's samples
most = losses.argmax() / RATE
print(f'largest loss {losses.max():.2f}, from {most:.2f} s on; the note is asked for at {FRAME * HOP / RATE:.2f} s')


def without(seconds):
    copy = xs.copy()
    copy[:, int(seconds * RATE) : int((seconds + 0.1) * RATE)] = 0
    return model.session.run(model.tensor('note'), {W: copy})[0, FRAME, KEY]


for seconds in [0.53, 0.73, 0.93]:
    print(f'probability of the note without {seconds:.2f} to {seconds + 0.1:.2f} s: {without(seconds):.2f}')

# %%
figure, ax = plt.subplots(figsize=(9, 2.4), layout='constrained')
plotting.timeseries(sound[::8], losses[::8, np.newaxis], ax, rate=RATE / 8, style='bands', names=['sound'])
plt.show()

# %% [markdown]
# ## Where a method does not work
#
# `intgrad` on the waveform, from silence: the convergence delta says that it failed, and the path from silence to the
# sound says why. The network normalizes loudness, so the score has risen past its value at a ten-thousandth of the
# loudness, long before the first of the 50 points, at a fiftieth: the sum sees only how it falls from there.

# %%
found, delta = intgrad.run(xs, ys, return_convergence_delta=True)
print(f'attributions sum to {found.sum():.2f}; they should sum to {found.sum() - delta[0]:.2f}\n')
for loudness in [0, 0.0001, 0.02, 0.5, 1]:
    score = model.session.run(T, {W: loudness * xs})[0, FRAME, KEY, 0]
    print(f'score at {loudness:<6} of the loudness: {score:5.2f}')

# %% [markdown]
# ## What it means
#
# - The network hears a note by its fundamental and its harmonics together: a stack of red lines at 1, 2, 3 ... times
#   its frequency. The blue beside them speaks against the note: such sound fits a pitch a little lower or higher.
# - It listens for about a tenth of a second around the moment, though it is given two seconds.
# - Which X is explained is a choice. At the spectrogram, the network is smooth enough for exact sums; at the waveform,
#   gradients from silence mean nothing, and `occlusion` is the method that works. `return_convergence_delta=True` tells
#   the two apart.

# %%
model.close()
