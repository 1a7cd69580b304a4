"""The report in a real browser: silent, alone, and readable at the width of a phone and of a desk."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from browser import CHROMIUM, Browser
from matplotlib import image

from deepexplain.report import write_report
from deepexplain.tensorflow import open_model

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, such as Debian's package 'chromium'")

EVIL = '<script>console.error("run")</script><img src=x onerror=alert(1)>'
LONG = 'a_name_without_a_place_to_break_it_' * 6
#: Where screenshots are kept to be looked at; a folder of the test, where nobody says.
SHOTS = os.environ.get('REPORT_SCREENSHOTS')


def network(x):
    """Of pictures, sequences or rows."""
    h = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
    w = np.random.RandomState(0).normal(size=(h.shape[1], 3)).astype('float32')
    return tf.nn.softmax(tf.matmul(tf.nn.relu(h), w))


def samples(kind):
    rng = np.random.RandomState(1)
    return {
        'table': lambda: rng.normal(size=(3, 30)),
        'pictures': lambda: rng.uniform(size=(2, 24, 32, 3)),
        'sequences': lambda: np.eye(4)[rng.randint(0, 4, (2, 120))],
        'series': lambda: rng.normal(size=(2, 80, 6)),
    }[kind]()


@pytest.fixture(scope='module', params=['table', 'pictures', 'sequences', 'series'])
def report(request, tmp_path_factory):
    xs = samples(request.param)
    specs = [tf.TensorSpec((None,) + xs.shape[1:], tf.float32)]
    with open_model(network, inputs=specs, class_names=['cat', EVIL, LONG]) as m:
        names = [EVIL, LONG, 'c'][: len(xs)]
        return write_report(tmp_path_factory.mktemp('report') / f'{request.param}.html', m, xs, names=names, target=1)


@pytest.fixture
def browser(tmp_path):
    with Browser(tmp_path / 'profile') as browser:
        yield browser


def outside(browser, page):
    """What was asked for, but for the page and what is in it."""
    return [url for url in browser.requests if url != page and not url.startswith('data:')]


@pytest.mark.parametrize('width', [390, 1280])
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_it_is_silent_alone_and_readable(report, browser, width, scheme, tmp_path):
    browser.screen(width, scheme=scheme)
    browser.open(report.as_uri())
    assert browser.said == []
    assert outside(browser, report.as_uri()) == []
    assert browser.value('document.documentElement.scrollWidth') <= browser.value('innerWidth') == width
    # Every picture is there; what is wider than the page scrolls in itself.
    assert browser.value('[...document.images].every(one => one.complete && one.naturalWidth > 0)')
    assert browser.value('document.images.length') > 3
    assert (
        browser.value(
            "[...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll') && "
            'one.getBoundingClientRect().right > innerWidth).length'
        )
        == 0
    )
    assert browser.value("document.querySelectorAll('script, img[src=x]').length") == 0
    assert browser.value('document.querySelector("h3").textContent') == EVIL
    folder = Path(SHOTS or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    shot = folder / f'{report.stem}-{width}-{scheme}.png'
    browser.screenshot(shot)
    corner = image.imread(str(shot))[0, 0, :3]
    assert (corner.mean() < 0.2) == (scheme == 'dark')


def test_all_that_can_be_opened_is_readable_too(report, browser):
    browser.screen(390)
    browser.open(report.as_uri())
    browser.value("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert browser.value('document.documentElement.scrollWidth') <= 390


def test_the_checks_see_what_they_forbid(browser, tmp_path):
    page = tmp_path / 'bad.html'
    page.write_text(
        '<!DOCTYPE html><script>console.error("bad")</script><img src="http://127.0.0.1:9/x.png">'
        '<p style="width: 2000px">wide</p>'
    )
    browser.screen(390)
    browser.open(page.as_uri())
    assert any(said.startswith('error') and 'bad' in said for said in browser.said)
    assert outside(browser, page.as_uri()) == ['http://127.0.0.1:9/x.png']
    assert browser.value('document.documentElement.scrollWidth') > 390
