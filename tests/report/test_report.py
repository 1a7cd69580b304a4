"""The report as a reader and a browser find it: what it says, what is escaped, and that it needs nothing beside it."""

import base64
import html.parser
import io
import re
import warnings

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from matplotlib import image, rcParams
from small import normal

from deepexplain.errors import ArgumentError, ArgumentTypeError, DeepExplainError, OutputError
from deepexplain.report import pictures, write_report
from deepexplain.report.findings import Sum
from deepexplain.tensorflow import open_model

EVIL = '<script>alert("1")</script> & \'x\''
W = normal(4, 3).astype('float32')


def network(x):
    return tf.nn.softmax(tf.matmul(tf.nn.relu(x), W) + 0.5)


def model_of(function=network, shape=(4,), **options):
    return open_model(function, inputs=[tf.TensorSpec((None,) + tuple(shape), tf.float32)], **options)


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text outside of them, of a file."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding='utf-8')
        self.tags, self.texts, self.tables, self._open = [], [], {}, []
        self.feed(self.source)
        self.text = ' '.join(' '.join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if 'style' not in self._open:
            self.texts.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def between(self, begin, end):
        return self.text.split(begin, 1)[1].split(end, 1)[0]


def pixels(uri):
    head, data = uri.split(',')
    assert head == 'data:image/png;base64'
    return image.imread(io.BytesIO(base64.b64decode(data)))


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """A report of a table of 4 samples, 2 of them shown."""
    xs = normal(4, 4, seed=3)
    with model_of(class_names=['cat', EVIL, 'cow']) as m:
        path = tmp_path_factory.mktemp('report') / 'report.html'
        assert write_report(str(path), m, xs, names=['a', EVIL, 'c', 'd'], shown=2) == path
        page = Page(path)
        page.xs, page.said = xs, m.predict(xs)
        page.explanation = m.explain('intgrad', xs, steps=50, quadrature='riemann_middle', target='top')
    return page


def test_it_has_its_parts_with_headings_and_links_to_them(page):
    titles = ['In short', 'How to read this report', 'The model', 'The samples', 'Do the attributions add up?']
    titles += ['Metrics', 'The audit: what each method does in the model', 'How this was made']
    assert all(title in page.text for title in titles)
    assert [tag for tag, _ in page.tags if tag == 'h1'] == ['h1']
    ids = {attributes['id'] for _, attributes in page.tags if 'id' in attributes}
    assert {one['href'][1:] for one in page.all('a')} <= ids
    assert {one[key] for _, one in page.tags for key in one if key == 'aria-labelledby'} <= ids
    assert page.all('html') == [{'lang': 'en'}]


def test_it_says_what_the_model_is(page):
    facts = page.between('Opened from', 'The samples')
    for fact in ('a function', 'float32, shape any x 4', 'float32, shape any x 3', 'Explained tensor', 'cat'):
        assert fact in facts
    assert 'Samples 4' in facts
    assert 'Explained is the largest output of each sample' in page.text
    for name in ('deepexplain', 'tensorflow', 'numpy', 'python'):
        assert page.explanation.versions[name] in page.between('How this was made', 'Written')


def test_it_says_of_each_sample_what_the_model_says_and_what_is_explained(page):
    e, names = page.explanation, ['cat', EVIL, 'cow']
    assert 'The first 2 of 4 are shown.' in page.text
    for i in range(2):
        label = names[e.ys[i].argmax()]
        begin = f'Explained: {label} , where T is {e.outputs[i]:.4g}, and {e.base_value[i]:.4g} at the baseline'
        assert begin in page.text
        order = (-page.said[i]).argsort()
        said = ' '.join(f'{names[j]} {page.said[i][j] + 0:.4g}' for j in order)
        assert said in page.text.split(begin)[1].split('Gap of this sample')[0]


def test_it_says_how_far_attributions_are_from_adding_up(page):
    delta, e = page.explanation.delta, page.explanation
    row = page.between('largest |gap|', 'Of all 4 samples').split('intgrad')[1].split('grad*input')[0]
    assert f'T(x) - T(baseline) {np.median(abs(delta)):.4g} {abs(delta).max():.4g}' in row
    share = abs(delta).sum() / abs(e.values.sum(axis=1) - delta).sum()
    assert ('less than 0.01 %' if share < 1e-4 else f'{100 * share:.2g} %') in row
    assert 'deeplift adds up: the gap is less than 0.01 %' in page.text
    assert 'grad*input promises no sum' in page.text


def test_the_share_is_of_all_gaps_in_all_sums():
    assert Sum('', np.array([1.0, -1.0]), np.array([2.0, -6.0])).share == 0.25
    assert Sum('', np.zeros(2), np.zeros(2)).share == 0
    assert Sum('', np.ones(2), np.zeros(2)).share == np.inf


def test_it_has_the_metrics_of_all_methods_and_why_one_is_missing(page):
    table = page.between('These are means over all 4 samples', 'How far the attributions')
    for method in ('deeplift', 'intgrad', 'grad*input'):
        cells = table.split(method + ' ')[1].split(' ')[:6]
        assert all(re.match(r'-|-?\d', cell) for cell in cells)
    assert re.search(r'completeness of grad\*input: \S', page.text)


def test_it_has_the_audit_by_kind_and_by_name(page):
    audit = page.between('The audit', 'How this was made')
    assert audit.count('Its sum, T(x) - T(baseline), holds through all 3 ops.') == 2
    assert 'It promises no sum.' in audit
    assert 'Relu 1 rescale yes' in audit


def test_it_says_how_the_same_is_computed_again(page):
    assert "m.explain('intgrad', xs, target='top', steps=50, quadrature='riemann_middle')" in page.text


def test_names_are_escaped(page):
    assert not page.all('script')
    assert '<script' not in page.source
    assert page.text.count(EVIL) >= 4  # a sample, its class, the list of classes, the outputs
    alts = [one['alt'] for one in page.all('img')]
    assert any(EVIL in alt for alt in alts)


def test_every_picture_says_what_it_shows(page):
    pictures = page.all('img')
    assert len(pictures) == 2 * 3 + 3  # samples by methods, and all samples at once
    assert all(len(one['alt']) > 40 for one in pictures)
    first = pictures[1]  # intgrad, whose waterfall leads from the baseline
    top = page.explanation[0].top(1)[0][0]
    assert first['alt'].startswith(
        'Waterfall of the attributions of a by intgrad. Steps lead from the baseline to the output. '
        f'The largest: {top.name} {top.attribution:+.3g}'
    )


def test_pictures_are_there_on_a_light_and_on_a_dark_page(page):
    light, dark = page.all('img')[0]['src'], page.all('source')[0]
    assert dark['media'] == '(prefers-color-scheme: dark)'
    corner = [pixels(uri)[0, 0, :3] for uri in (light, dark['srcset'])]
    assert np.allclose(corner[0], 1)
    assert np.allclose(corner[1], np.array([0x1D, 0x20, 0x24]) / 255, atol=1e-2)


def test_nothing_is_loaded_from_outside(page):
    for tag, attributes in page.tags:
        for name in ('src', 'srcset', 'href', 'action', 'data', 'poster'):
            value = attributes.get(name, '')
            assert value[:1] in ('', '#') or value.startswith('data:'), (tag, name, value[:80])
        assert not any(name.startswith('on') for name in attributes)
    assert not {'script', 'iframe', 'object', 'embed', 'base'} & {tag for tag, _ in page.tags}
    assert not re.search(r'url\(|@import|@font-face', page.source)
    policy = next(one for one in page.all('meta') if one.get('http-equiv') == 'Content-Security-Policy')
    assert policy['content'] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_pictures_of_images_show_the_sample_and_a_map_for_each_method(tmp_path):
    xs = np.random.RandomState(0).uniform(0, 255, (1, 16, 12, 3)).astype('uint8')
    with model_of(lambda x: tf.reduce_mean(x, [1, 2]), (16, 12, 3)) as m:
        page = Page(write_report(tmp_path / 'r.html', m, xs, methods=['grad*input'], target=1))
    sample, found = page.all('img')
    assert sample['class'] == 'pixels'
    assert np.allclose(pixels(sample['src'])[..., :3], xs[0] / 255.0, atol=1 / 255)
    assert found['alt'].startswith('Map of the attributions of sample 0 by grad*input. Red speaks for')
    assert 'Explained is output 1 (' in page.text


def test_long_sequences_show_the_same_letters_by_every_method(tmp_path, monkeypatch):
    xs = np.eye(4)[np.random.RandomState(0).randint(0, 4, (1, 90))]
    w = np.zeros((90, 4), 'float32')
    w[60:82] = 1
    options, drawn = [], pictures.drawn
    monkeypatch.setattr(pictures, 'drawn', lambda *a: options.append(a[3]) or drawn(*a))

    def network(x):  # elsewhere nothing from 0 to a letter, but a large gradient there
        return tf.reduce_sum(x * w + (1 - w) * x * x * (1 - x) * 9, [1, 2])[:, None]

    with model_of(network, (90, 4)) as m:
        page = Page(write_report(tmp_path / 'r.html', m, xs, methods=['intgrad', 'saliency']))
    assert [one['alt'][:7] for one in page.all('img')] == ['Letters'] * 2
    (begin, end), other = [one['window'] for one in options]
    assert begin <= 60 < 82 <= end == begin + 50
    assert other == (begin, end)
    assert 'Explained is the only output' in page.text


def test_several_inputs_have_a_picture_each_and_what_has_none_has_a_table(tmp_path):
    def network(a, b):
        return tf.reduce_sum(a, [1, 2, 3, 4])[:, None] * tf.reduce_sum(b, 1, keepdims=True)

    specs = [tf.TensorSpec([None, 2, 3, 2, 2], tf.float32), tf.TensorSpec([None, 3], tf.float32)]
    xs = [normal(2, 2, 3, 2, 2), normal(2, 3)]
    with open_model(network, inputs=specs) as m:
        page = Page(write_report(tmp_path / 'r.html', m, xs, methods=['intgrad'], shown=1))
        e = m.explain('intgrad', xs)
    assert len(page.all('img')) == 1  # of the second input
    top = e[0].of_input(0).top(1)[0][0]
    assert f'{top.name} {top.value:.4g} {top.attribution:+.4g}' in page.text
    assert f'Gap of this sample: {e.delta[0]:+.4g}' in page.text


def test_a_break_of_the_sum_is_said(tmp_path):
    with model_of(lambda x: tf.reduce_prod(x, axis=1, keepdims=True)) as m, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the same, at the explainer
        page = Page(write_report(tmp_path / 'r.html', m, normal(2, 4), methods=['deeplift']))
    assert 'deeplift does not add up: the gap is ' in page.text
    assert re.search(r'Its sum, T\(x\) - T\(baseline\), breaks at 1 of \d ops\.', page.text)
    assert 'Prod 1 plain gradient no' in page.text


def test_tables_bring_their_names(tmp_path):
    pandas = pytest.importorskip('pandas')
    frame = pandas.DataFrame(normal(3, 4), index=['x', EVIL, 'z'], columns=['age', '<b>', '$a_b$', 'fare'])
    with model_of() as m:
        page = Page(write_report(tmp_path / 'r.html', m, frame, methods=['grad*input'], target=0))
    assert f'{EVIL} Explained: output 0' in page.text
    first = page.all('img')[0]['alt']
    assert all(f'{name} ' in first for name, _ in zip(order_of(frame), range(3)))


def order_of(frame):
    """Names of the columns by how much they count for output 0 of the first row."""
    sizes = np.abs(np.where(frame.iloc[0] > 0, frame.iloc[0] * W[:, 0], 0))
    return list(frame.columns[np.argsort(-sizes, kind='stable')])


def test_progress_is_told_step_by_step(tmp_path):
    said = []
    with model_of() as m:
        write_report(tmp_path / 'r.html', m, normal(2, 4), methods=['saliency'], progress=lambda *a: said.append(a))
    steps = ['the outputs of the model', 'saliency', 'metrics', 'pictures', 'the file', 'done']
    assert said == [(i, 5, step) for i, step in enumerate(steps)]


def test_what_users_set_for_their_own_figures_is_neither_read_nor_changed(tmp_path, monkeypatch):
    monkeypatch.setitem(rcParams, 'savefig.facecolor', 'lime')
    before = dict(rcParams)
    with model_of() as m:
        page = Page(write_report(tmp_path / 'r.html', m, normal(1, 4), methods=['saliency']))
    assert dict(rcParams) == before
    assert np.allclose(pixels(page.all('img')[0]['src'])[0, 0, :3], 1)


def test_a_report_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'report.html'
    path.write_text('before')
    with model_of() as m:
        with pytest.raises(ArgumentError, match='nan'):
            write_report(path, m, np.full((1, 4), np.nan))
        monkeypatch.setattr('deepexplain.report.write.os.replace', full)
        with pytest.raises(OutputError, match=r'report.html.* cannot be written: No space left on device\.'):
            write_report(path, m, normal(1, 4), methods=['saliency'])
        monkeypatch.undo()
        assert [one.name for one in tmp_path.iterdir()] == ['report.html']
        assert path.read_text() == 'before'
        write_report(path, m, normal(1, 4), methods=['saliency'])
    assert [one.name for one in tmp_path.iterdir()] == ['report.html']
    assert path.read_text(encoding='utf-8').startswith('<!DOCTYPE html>')


def full(*paths):
    raise OSError(28, 'No space left on device')


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        ({'methods': []}, ArgumentError, 'methods is empty'),
        ({'methods': 'intgrad'}, ArgumentTypeError, r"methods must be a list of names, \['intgrad'\]"),
        ({'methods': ['intgrat']}, ArgumentError, "Do you mean 'intgrad'"),
        ({'methods': ['saliency', 'saliency']}, ArgumentError, "methods has 'saliency' twice"),
        ({'arguments': {'occlusion': {}}}, ArgumentError, "arguments has 'occlusion', which is not among the methods"),
        ({'arguments': {'intgrad': 3}}, ArgumentTypeError, r"arguments\['intgrad'\] must be a dict; got 3"),
        ({'arguments': {'intgrad': {'stops': 3}}}, ArgumentTypeError, 'stops'),
        ({'names': ['a', 'b', 'c']}, ArgumentError, 'names must have one entry for each of the 2 samples; got 3'),
        ({'shown': 0}, ArgumentError, 'shown must be at least 1; got 0'),
        ({'target': 7}, ArgumentError, '7'),
        ({'xs': np.zeros((0, 4))}, ArgumentError, 'xs has no samples'),
        ({'xs': 3}, ArgumentError, 'xs must have samples along its first axis; got 3'),
        ({'xs': np.zeros((2, 5))}, ArgumentError, r'\(2, 5\)'),
        ({'opened_model': 'model.keras'}, ArgumentTypeError, r"what open_model\(\.\.\.\) returns; got 'model.keras'"),
        ({'path': 3}, ArgumentTypeError, 'path must be the name of a file; got 3'),
        ({'path': '.'}, ArgumentError, 'is a directory'),
        ({'path': 'nowhere/report.html'}, ArgumentError, "there is no directory 'nowhere'"),
        ({'progress': 3}, ArgumentTypeError, 'progress must be True, False or a function of done, steps, what; got 3'),
    ],
)
def test_what_is_wrong_is_said_before_a_file_is_there(options, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with model_of() as m:
        given = {'path': 'report.html', 'opened_model': m, 'xs': np.zeros((2, 4)), **options}
        with pytest.raises(error, match=message):
            write_report(given.pop('path'), given.pop('opened_model'), given.pop('xs'), **given)
    assert not list(tmp_path.iterdir())


def test_a_model_that_was_closed_is_said_to_be(tmp_path):
    m = model_of()
    m.close()
    with pytest.raises(DeepExplainError, match='This model was closed'):
        write_report(tmp_path / 'report.html', m, np.zeros((2, 4)))


def test_half_a_character_in_a_name_becomes_its_escape(tmp_path):
    with model_of() as m:
        path = write_report(tmp_path / 'r.html', m, normal(1, 4), methods=['saliency'], names=['\ud800'])
    assert '\\ud800' in path.read_text(encoding='utf-8')


def test_of_another_tensor(tmp_path):
    def two(x):
        return [tf.identity(tf.matmul(x, W), name='first'), tf.nn.tanh(x, name='second')]

    with model_of(two) as m:
        with pytest.raises(DeepExplainError, match='several outputs|2 outputs|Several outputs'):
            write_report(tmp_path / 'report.html', m, normal(2, 4))
        found = Page(write_report(tmp_path / 'report.html', m, normal(2, 4), methods=['grad*input'], T=m.outputs[1]))
    assert f'Explained tensor {m.outputs[1].name}' in found.text


def test_the_baseline_is_said(tmp_path, page):
    assert 'Baseline 0 everywhere' in page.text
    arguments = {'intgrad': {'steps': 2, 'baseline': [0.0, 1.5, 2.0, -1.0]}}
    with model_of() as m:
        path = write_report(tmp_path / 'r.html', m, normal(2, 4), methods=['intgrad'], arguments=arguments)
    assert 'Baseline values from -1 to 2' in Page(path).text


def test_what_was_done_to_the_samples_is_said(tmp_path, page):
    assert 'Samples 4 ' in page.text
    with model_of() as m:
        with pytest.raises(ArgumentTypeError, match='data must be a sentence on the samples; got 3'):
            write_report(tmp_path / 'r.html', m, normal(2, 4), data=3)
        path = write_report(tmp_path / 'r.html', m, normal(2, 4), methods=['saliency'], data=' ')
        assert 'Samples 2:' not in Page(path).text
        said = 'from <b>-1</b> to 1\ud800'
        path = write_report(tmp_path / 'r.html', m, normal(2, 4), methods=['saliency'], data=said)
    assert 'Samples 2: from <b>-1</b> to 1\\ud800' in Page(path).text
