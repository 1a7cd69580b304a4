"""From a file to a result, in the lines that a user would write: each script runs as it stands, among its files."""

import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from sources import KERAS_3, keras_2

MOST_LINES = 15

BENCHMARK = """
import numpy as np
from deepexplain import metrics
from deepexplain.tensorflow import open_model

images = np.load('images.npy')
with open_model('model.ckpt.meta') as m:
    print(m)
    methods = ['saliency', 'grad*input', 'intgrad', 'deeplift', 'occlusion']
    explainers = [m.get_explainer(method) for method in methods]
    table = metrics.compare(explainers, images, target='top')
table.to_csv('methods.csv')
print(table.round(3).to_string())
"""

TABLE = """
import pandas as pd
from deepexplain import plotting
from deepexplain.tensorflow import open_model

X = pd.read_csv('patients.csv', index_col='patient')
with open_model('model.keras') as m:  # background: T(baseline) is the mean over these patients
    e = m.explain('deeplift', X, baselines=X[:100], rules='complete')
e.to_frame().to_csv('attributions.csv')
plotting.waterfall(e[0]).figure.savefig('waterfall.png')
plotting.bar(e).figure.savefig('bar.png')
plotting.beeswarm(e).figure.savefig('beeswarm.png')
print([name for name, attribution, value in e.top(3)[0]])
"""


def run(script, capsys):
    """What the script leaves behind, and what it prints."""
    lines = [line for line in script.strip().splitlines() if line]
    assert len(lines) <= MOST_LINES
    left = {}
    exec(compile(script, 'script.py', 'exec'), left)
    return left, capsys.readouterr().out


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained_on_bright_corners():
    """A checkpoint as training leaves it: labels, dropout, a loss and an optimizer are in the graph."""
    random = np.random.RandomState(0)
    images = random.uniform(size=(120, 6, 6, 1)).astype(np.float32)
    labels = (images[:, :2, :2].mean(axis=(1, 2, 3)) > 0.5).astype(int)
    with tf.Session(graph=tf.Graph()) as session, session.graph.as_default():
        x = tf.placeholder(tf.float32, [None, 6, 6, 1], name='images')
        y = tf.placeholder(tf.int32, [None], name='labels')
        rate = tf.placeholder_with_default(0.0, [], name='rate')
        kernel, w = (
            random.normal(0, scale, size).astype(np.float32) for scale, size in [(0.5, (2, 2, 1, 4)), (0.1, (144, 2))]
        )
        hidden = tf.nn.relu(tf.nn.conv2d(x, tf.Variable(kernel), [1, 1, 1, 1], 'SAME') + tf.Variable(tf.zeros(4)))
        hidden = tf.nn.dropout(tf.reshape(hidden, [-1, 144]), rate=rate)
        logits = tf.matmul(hidden, tf.Variable(w)) + tf.Variable(tf.zeros(2))
        tf.nn.softmax(logits, name='probabilities')
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        step = tf.train.AdamOptimizer(0.01).minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(150):
            session.run(step, {x: images, y: labels, rate: 0.2})
        tf.train.Saver().save(session, './model.ckpt')
    np.save('images.npy', images[:6])


def test_methods_are_benchmarked_on_a_checkpoint(here, capsys):
    pandas = pytest.importorskip('pandas')
    trained_on_bright_corners()
    left, printed = run(BENCHMARK, capsys)
    table, methods = left['table'], left['methods']
    assert 'input  images:0' in printed
    assert 'labels' not in printed
    assert list(table.index) == methods
    assert all(re.search('^' + re.escape(method) + r'\s', printed, re.MULTILINE) for method in methods)
    assert np.isfinite(table.drop(columns='completeness').to_numpy()).all()
    assert set(table.attrs['why']) == {(method, 'completeness') for method in methods[:2]}
    assert table.completeness['deeplift'] < 1e-4 < table.completeness['intgrad'] < 0.1
    assert table.infidelity['intgrad'] < 0.5 < table.infidelity['saliency']
    assert table.deletion['deeplift'] < table.insertion['deeplift']
    pandas.testing.assert_frame_equal(pandas.read_csv('methods.csv', index_col=0), pandas.DataFrame(table))


@pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')  # Keras 3 saves a variable so
def test_a_table_is_explained_as_users_of_shap_have_it(here, capsys):
    pandas = pytest.importorskip('pandas')
    random = np.random.RandomState(0)
    names = ['age', 'blood pressure', 'cholesterol', 'noise']
    X = pandas.DataFrame(random.normal(size=(200, 4)), columns=names, index=[f'p{i}' for i in range(200)])
    X.rename_axis('patient').to_csv('patients.csv')
    keras = __import__('keras') if KERAS_3 else keras_2()
    x = keras.layers.Input((4,))
    model = keras.Model(x, keras.layers.Dense(1, 'sigmoid')(keras.layers.Dense(16, 'relu')(x)))
    model.compile('adam', 'binary_crossentropy')
    sick = (X['age'] - 2 * X['cholesterol'] > 0).astype(int)
    model.fit(X.to_numpy(), sick.to_numpy(), epochs=100, verbose=0)
    file = 'model.keras' if KERAS_3 else 'model.h5'
    model.save(file)

    left, printed = run(TABLE.replace('model.keras', file), capsys)
    e = left['e']
    assert e.feature_names == [names]
    assert e.sample_names == list(X.index)
    np.testing.assert_allclose(e.base_value + e.values.sum(axis=1), e.outputs, atol=1e-5)
    w, b, v, c = (weights.astype(float) for weights in model.get_weights())
    logits = (np.maximum(X.to_numpy() @ w + b, 0) @ v + c)[:, 0]  # those of predict are rounded where it says 1
    np.testing.assert_allclose(e.outputs, logits, atol=1e-4)
    np.testing.assert_allclose(e.base_value, logits[:100].mean(), atol=1e-4)
    found = pandas.read_csv('attributions.csv', index_col=0)
    assert list(found.columns[: len(names)]) == names
    assert list(found.index) == list(X.index)
    np.testing.assert_allclose(found[names].to_numpy(), e.values, rtol=1e-5)
    assert found[names].abs().mean().nlargest(2).index.tolist() == ['cholesterol', 'age']
    assert sorted(path.name for path in here.glob('*.png')) == ['bar.png', 'beeswarm.png', 'waterfall.png']
    assert all(path.stat().st_size > 5000 for path in here.glob('*.png'))
    assert all(repr(name) in repr(names) for name in re.findall("'([^']+)'", printed))
