"""Figures are drawn without a screen, and closed after each test."""

import matplotlib
import pytest
from matplotlib import pyplot as plt

matplotlib.use('Agg')


@pytest.fixture(autouse=True)
def closed_figures():
    plt.close('all')
    yield
    plt.close('all')


@pytest.fixture
def ax():
    return plt.figure(figsize=(6, 4)).add_subplot()
