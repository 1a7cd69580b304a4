"""cutkum 2.4 (MIT): Thai words by three layers of GRU; a frozen graph with while loops of TensorFlow 1.

X: one-hot characters, the time first, T: for each character whether it begins, continues or ends a word or is one.
"""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from shared import assert_complete, assert_complete_rules, constant, model_file

from deepexplain.errors import DeepExplainWarning
from deepexplain.tensorflow import DeepExplain, open_model

TEXT = 'สารานุกรมไทยสำหรับเยาวชนฯ'
WORDS = ['สารานุกรม', 'ไทย', 'สำหรับ', 'เยาวชน', 'ฯ']  # what cutkum's README says
LOOK_AHEAD = 2  # the network says what a character is when it has seen two more
BEGIN, SINGLE = 1, 4


@pytest.fixture(scope='module')
def xs():
    """The text and two spaces; ids 0 and 1 are none of the letters, and a space comes two after them."""
    letters = constant('cutkum/char_dictionary.py', 'thai_chars')
    ids = [2 + letters.index(letter) for letter in TEXT] + [len(letters) + 3] * LOOK_AHEAD
    return np.eye(80)[ids][:, None]


@pytest.fixture(scope='module')
def model():
    with open_model(model_file('cutkum/frozen_model.pb')) as model:
        yield model


def test_the_words_of_the_readme(model, xs):
    scores = model.session.run(
        'probs:0',
        {
            'placeholder/inputs:0': xs,
            'placeholder/seq_lengths:0': [len(xs)],
            'placeholder/fw_state:0': np.zeros((1, 1, 896)),
            'placeholder/keep_prob:0': 1.0,
        },
    )[:, 0]
    labels = scores.argmax(axis=1)[LOOK_AHEAD:]
    begins = np.cumsum([0] + [len(word) for word in WORDS[:-1]])
    assert np.isin(labels, [BEGIN, SINGLE]).nonzero()[0].tolist() == begins.tolist()


@pytest.fixture(scope='module')
def samples_first(model, xs):
    """X, T and a session. In cutkum's graph the time comes first; here the same is imported behind a transposition."""
    time = len(xs)
    with tf.Graph().as_default() as graph:
        X = tf.placeholder(tf.float32, [None, time, 80])
        inputs = {
            'placeholder/inputs': tf.transpose(X, [1, 0, 2]),
            'placeholder/seq_lengths': tf.fill([tf.shape(X)[0]], time),
            'placeholder/fw_state': tf.zeros([1, tf.shape(X)[0], 896]),
            'placeholder/keep_prob': tf.constant(1.0),
        }
        (probs,) = tf.import_graph_def(model.graph.as_graph_def(), inputs, return_elements=['probs:0'])
        T = tf.transpose(probs, [1, 0, 2])
    with tf.Session(graph=graph) as session:
        yield X, T, session


SECOND = len(WORDS[0])  # the second word begins with this character


@pytest.fixture(scope='module')
def ys(xs):
    weights = np.zeros((len(xs), 5))
    weights[SECOND + LOOK_AHEAD, BEGIN] = 1
    return weights


@pytest.mark.parametrize(
    ('method', 'arguments'),
    [('intgrad', {'steps': 200}), ('occlusion', {'window_shape': (1, 80), 'step': (1, 80)})],
)
def test_the_characters_of_the_boundary_decide(samples_first, xs, ys, method, arguments):
    X, T, session = samples_first
    one = xs.transpose(1, 0, 2)
    with DeepExplain(session=session) as de:
        found = de.explain(method, T, X, one, ys=ys, **arguments)
        two = de.explain(method, T, X, np.concatenate([one, one[:, ::-1]]), ys=ys, **arguments)
    np.testing.assert_allclose(two[:1], found, rtol=0, atol=1e-3 * np.abs(found).max())
    of_characters = found[0].sum(axis=-1)
    assert abs(int(of_characters.argmax()) - SECOND) <= LOOK_AHEAD, of_characters
    assert np.abs(of_characters[SECOND + LOOK_AHEAD + 1 :]).max() == 0  # it has not seen those yet
    if method == 'intgrad':
        begins = session.run(T, {X: np.concatenate([one, 0 * one])})[:, SECOND + LOOK_AHEAD, BEGIN]
        assert_complete(found, begins[:1] - begins[1:])


@pytest.mark.parametrize('method', ['elrp', 'deeplift'])
def test_rules_in_frozen_loops_warn_of_what_they_do_not_know(samples_first, method):
    # The gates, and the softmax. Dropout, which keep_prob switches off in a run, is linear.
    X, T, session = samples_first
    with DeepExplain(session=session) as de, pytest.warns(DeepExplainWarning, match=r'no rule for .*\(Mul\)'):
        explainer = de.get_explainer(method, T, X)
    assert {row.type for row in explainer.describe().breaks} == {'Mul', 'Softmax'}


def test_deeplift_with_complete_rules_adds_up_in_frozen_loops(samples_first, xs, ys):
    X, T, session = samples_first
    assert_complete_rules(session, T, X, xs.transpose(1, 0, 2), {'Mul', 'Softmax'}, ys=ys[None])
