"""Sounds as the audio models want them, in NumPy and SciPy."""

import wave

import numpy as np
from scipy.signal import resample_poly, stft


def recording(path, rate):
    """Samples of a mono wav file of 16 bits, at another rate."""
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), '<i2') / 32768
        return resample_poly(samples, rate, file.getframerate()).astype('float32')


def log_mel(samples, rate, window, hop, bands):
    """log10(1 + 10000 * power in mel bands), shape [frames, bands]: bands as in Slaney's Auditory Toolbox."""
    frequencies, _, spectrum = stft(samples, rate, nperseg=window, noverlap=window - hop, padded=False)
    power = np.abs(spectrum * window / 2) ** 2  # stft divides by the sum of the Hann window
    # The mel scale is linear up to 1000 Hz, and logarithmic from there.
    top = 15 + 27 * np.log(rate / 2 / 1000) / np.log(6.4)
    mels = np.linspace(0, top, bands + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return np.log10(10000 * (filters @ power).T + 1).astype('float32')
