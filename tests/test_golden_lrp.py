"""The same numbers as zennit, Captum, kundajelab/deeplift, iNNvestigate, lxt and others: 390 cases on ten networks."""

import copy
import warnings

import lrp_networks
import numpy as np
import pytest

from deepexplain.tensorflow import DeepExplain

GOLDEN, ARRAYS = lrp_networks.load()
CASES = [
    case
    for case in GOLDEN['cases']
    # Captum's own LRP, which is another one; and the conductance of inputs through one unit, which nobody asked for.
    if 'definition' not in case['options'] and case['options']['method'] != 'conductance to x'
]
#: Of integrals whose peer took 10000 midpoints.
LIMIT = {'steps': 2000, 'quadrature': 'riemann_middle'}
METHODS = {'gradient': 'saliency', 'grad_cam_plus_plus': 'grad_cam++'}
#: What the same network may be written with: batch normalization, and padding.
WAYS = [('fused', 'inside'), ('raw', 'op'), ('long', 'inside'), ('fused', 'op')]


def argument_of(name, value, network, tensors):
    """A keyword of ours for an option of a case, or None where the default is meant."""
    if name == 'layer' or name == 'X':
        return 'layer', tensors[value]
    if name == 'baselines':
        return name, ARRAYS[f'{network}/baselines']
    if name == 'baseline':
        if value == 'half_of_the_next':
            return name, 0.5 * np.roll(ARRAYS[f'{network}/xs'], 1, axis=0)
        return None if isinstance(value, str) else (name, value)
    if name == 'interpolate':
        return 'resize', value
    if name == 'epsilon':
        return name, {'limit 0': 1e-9, 0: 1e-12}.get(value, value)
    if name == 'attention':
        return name, value.replace('cp_lrp', 'cp')
    return name, value


def lrp_arguments(options):
    """Composite and rules of 'lrp', taken out of the options of a case."""
    rules = []
    for name, own in options.pop('rules', {}).items():
        own = dict(own)
        rule = own.pop('rule')
        rules.append(
            (rf'(^|/){name}(/|$)', (rule, {k: max(v, 1e-12) if k == 'epsilon' else v for k, v in own.items()}))
        )
    first, bias = options.pop('first', None), options.pop('bias_of_first', True)
    if first:
        rules.append(('first', first if bias else (first, {'bias': False})))
    composite = options.pop('composite', None) or options.pop('rule', None)
    return {**({'rules': rules} if rules else {}), **({'composite': composite.replace('_', '-')} if composite else {})}


def call_of(case, tensors, T):
    """Method, target and arguments of a case."""
    options, network = copy.deepcopy(case['options']), case['network']
    method = options.pop('method')
    method, arguments = METHODS.get(method, method), {}
    if 'T' in options:
        T = tensors[options.pop('T')][(slice(None), *options.pop('unit'))]
    if options.pop('steps', None):
        arguments.update(LIMIT)
    if method == 'lrp':
        arguments.update(lrp_arguments(options))
    elif method == 'saliency':
        arguments['absolute'] = False
    elif method == 'deeplift':
        rule = options.pop('rule', 'rescale')
        plain = 'complete' if network == 'mlp_mixed' else 'original'
        arguments['rules'] = {'reveal_cancel': 'reveal-cancel', 'genomics_default': 'genomics'}.get(rule, plain)
    pairs = [argument_of(name, value, network, tensors) for name, value in options.items()]
    arguments.update(pair for pair in pairs if pair is not None)
    return method, T, arguments


def test_there_are_390_cases():
    assert len(CASES) == 390


@pytest.mark.parametrize('way', WAYS, ids='-'.join)
@pytest.mark.parametrize('network', GOLDEN['networks'])
def test_golden(session, network, way):
    cases = [case for case in CASES if case['network'] == network]
    if way != WAYS[0]:  # the rules of layers, and what else reads them
        cases = [case for case in cases if case['options']['method'] in ('lrp', 'deeplift')][::3]
    X, T, tensors = lrp_networks.build(GOLDEN, ARRAYS, network, *way)
    with DeepExplain(session=session) as de, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # some peers, too, explain what a rule does not fit

        def explain(case, network, xs, ys):
            method, target, arguments = call_of(case, tensors, T)
            return de.explain(method, target, X, xs, ys=ys if target is T else None, **arguments)

        assert lrp_networks.compare(GOLDEN, ARRAYS, explain, cases) == []
