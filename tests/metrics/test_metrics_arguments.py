"""What no metric takes, whichever argument it is: refused in words that name the argument, at once."""

import inspect
import sys

import numpy as np
import pytest
from stand_in import Linear

from deepexplain import metrics
from deepexplain.errors import ArgumentError, DeepExplainError
from deepexplain.metrics import network

NETWORK = Linear(4, outputs=1)
XS = NETWORK.xs(2)


class Raises:
    """Whatever is asked of it, it raises."""

    def _raise(self, *_, **__):
        raise KeyError('of its own')

    __eq__ = __bool__ = __repr__ = __iter__ = __len__ = __getitem__ = __array__ = __float__ = __index__ = _raise
    __hash__ = object.__hash__

    def __getattr__(self, name):
        raise KeyError(name)


RECURSIVE = []
RECURSIVE.append(RECURSIVE)
NONSENSE = [
    Raises(),
    object(),
    1j,
    XS * 1j,
    np.datetime64('2020-01-01'),
    {1, 2},
    {'a': 1},
    '8',
    '\ud800',
    b'8',
    RECURSIVE,
    [[1, 2], [1]],
    np.array('a'),
    np.array(None),
    np.ones((2, 0)),
    np.array(['gaussian', 'square']),
    np.zeros(2, 'f4,i4'),
    10**400,
    [],
    range(10**9),
    np.broadcast_to(1.0, (10**6, 10**6)),
]
CALLS = {
    'completeness': (metrics.completeness, {'model': NETWORK, 'xs': XS, 'attributions': XS}),
    'completeness_of': (metrics.completeness_of, {'attributions': XS, 'f_x': [1, 2], 'f_baseline': 0}),
    'sensitivity_n': (metrics.sensitivity_n, {'model': NETWORK, 'xs': XS, 'attributions': XS}),
    'deletion_insertion': (metrics.deletion_insertion, {'model': NETWORK, 'xs': XS, 'attributions': XS}),
    'infidelity': (metrics.infidelity, {'model': NETWORK, 'xs': XS, 'attributions': XS}),
    'max_sensitivity': (metrics.max_sensitivity, {'explain': np.sin, 'xs': XS}),
}


@pytest.mark.parametrize(
    ('name', 'argument'),
    [(name, argument) for name in sorted(CALLS) for argument in inspect.signature(CALLS[name][0]).parameters],
)
def test_nonsense_is_refused_in_words_that_name_the_argument(name, argument):
    function, arguments = CALLS[name]
    for value in NONSENSE:
        if value is NONSENSE[17] and argument in ('batch_size', 'size'):
            continue  # the most rows, however many; and no square is asked for
        with pytest.raises(DeepExplainError) as caught:
            function(**{**arguments, argument: value})
        said = {'model': 'The network', 'explain': 'explain'}.get(argument, argument)
        assert said in str(caught.value)


@pytest.mark.parametrize('value', ['no', 1, 0, None, np.array(True)])
@pytest.mark.parametrize('flag', ['multiply_by_inputs', 'normalize'])
def test_flags_are_bools(flag, value):
    if value is None and flag == 'multiply_by_inputs':
        return  # as the method says
    with pytest.raises(DeepExplainError, match=f'{flag} must be True or False'):
        metrics.infidelity(NETWORK, XS, XS, **{flag: value})


def test_a_bool_is_no_baseline():
    with pytest.raises(DeepExplainError, match='baseline must be a number or an array; got True'):
        metrics.completeness(NETWORK, XS, XS, baseline=True)


@pytest.mark.parametrize('many', [10**9, 2**63, 10**400])
@pytest.mark.parametrize(
    'call',
    [
        lambda many: metrics.infidelity(NETWORK, XS, XS, draws=many),
        lambda many: metrics.max_sensitivity(np.sin, XS, draws=many),
        lambda many: metrics.sensitivity_n(NETWORK, XS, XS, sets=many),
        lambda many: metrics.sensitivity_n(NETWORK, XS, XS, n=range(10**9)),
    ],
)
def test_what_would_not_end_is_refused_with_its_size(call, many):
    with pytest.raises(
        ArgumentError,
        match=r'(asks .* changed samples of the network, .* at most 100000000|must be at most 9223372036854775807)',
    ):
        call(many)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (
            lambda: metrics.infidelity(NETWORK, XS, XS, scale=1e-300),
            'No perturbation .scale 1e-300. changes xs',
        ),
        (lambda: metrics.infidelity(NETWORK, XS.astype('f4'), XS, scale=1e300), 'values beyond those of float32'),
        (lambda: metrics.max_sensitivity(np.sin, XS, radius=1e-300), 'radius=1e-300 changes nothing in xs'),
        (lambda: metrics.max_sensitivity(np.sin, XS, radius=1e308), 'radius=1e.308 changes xs to values beyond'),
        (lambda: metrics.completeness(NETWORK, XS.astype('f4'), XS, baseline=1e300), 'baseline has values beyond'),
    ],
)
def test_changes_that_change_nothing_or_leave_the_numbers_are_refused(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_sets_drawn_in_parts_are_the_same(monkeypatch):
    xs = Linear(4, outputs=1).xs()
    curved = lambda rows: np.sin(rows).sum(axis=1)  # noqa: E731
    expected = metrics.sensitivity_n(curved, xs, xs, n=[1, 2])
    monkeypatch.setattr(sys.modules['deepexplain.metrics.sensitivity_n'], 'MOST_BYTES', 40)
    np.testing.assert_allclose(metrics.sensitivity_n(curved, xs, xs, n=[1, 2]).per_sample, expected.per_sample)


def test_the_scaled_error_is_that_of_a_least_squares_fit():
    random = np.random.RandomState(0)
    expected, changes = random.normal(size=(2, 50, 3))
    changes[:, 0], expected[:, 2] = 7 * expected[:, 0], 0  # one fits exactly, and one expects nothing
    error = metrics.infidelity.__globals__['_ScaledError'](3)
    for row in zip(expected, changes):
        error.add(*row)
    by_hand = [np.linalg.lstsq(e[:, None], c, rcond=None)[0][0] for e, c in zip(expected.T, changes.T)]
    np.testing.assert_allclose(error.sum, ((by_hand * expected - changes) ** 2).sum(axis=0), atol=1e-25)
    assert network.MOST_ASKED == 10**8
