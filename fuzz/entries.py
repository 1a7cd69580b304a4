"""The public entries, with good values for every parameter: one without a row here is an error of the fuzzer."""

import inspect
import operator
from dataclasses import fields
from fractions import Fraction

import numpy as np

from deepexplain import metrics, plotting, sequences
from deepexplain.distributed import Worker
from deepexplain.tensorflow import (
    DeepExplain,
    Explainer,
    NoiseTunnel,
    Recipe,
    embedding_outputs,
    open_model,
    per_token,
)
from deepexplain.tensorflow.methods import attribution_methods

#: Parameter -> good values, as texts in which {net} is a network. They need not fit each other.
GOOD = {
    # of the library
    'graph': ['None', 'session.graph'],
    'session': ['session'],
    'keras_learning_phase': ['None'],
    'T': ['{net}.T', '{net}.T.name'],
    'X': ['{net}.X'],
    'ids': ['counts.X'],
    'xs': ['{net}.xs', '{net}.one'],
    'ys': ['None', '{net}.ys', '{net}.row', "'each'"],
    'batch_size': ['None', '1', '2', '64'],
    'feed_dict': ['{net}.feeds'],
    'progress': ['False', 'True'],
    'return_convergence_delta': ['False', 'True'],
    'target': ['None', '0', "'top'"],
    'explanation': ['False', 'True'],
    'strict': ['False', 'True'],
    'epsilon': ['1e-4', '0.5'],
    'steps': ['1', '4', '7'],
    'baseline': ['None', '0', '0.5', '{net}.baseline', 'lambda xs: {net}.baseline'],
    'baselines': ['None', '{net}.baselines'],
    'quadrature': ["'riemann_right'", "'riemann_trapezoid'", "'gausslegendre'"],
    'tolerance': ['None', '0.5'],
    'max_steps': ['10', '50'],
    'rules': ["'original'", "'complete'"],
    'absolute': ['True', 'False'],
    'composite': ["'epsilon-plus'", "'epsilon-gamma-box'", "'flat'"],
    'gamma': ['0.25', '1'],
    'beta': ['1'],
    'low': ['-9', 'np.full(3, -9.0)'],
    'high': ['9', 'np.full((6, 6, 1), 9.0)'],
    'bias': ['True', 'False'],
    'canonize': ['True', 'False'],
    'stabilizer': ['None', '1e-3'],
    'attention': ["'attnlrp'", "'cp'"],
    'gates': ["'all'", "'half'"],
    'layer': ['{net}.layer', '{net}.layer.name'],
    'relu': ['True', 'False'],
    'resize': ['None', "'bilinear'", "'nearest'"],
    'window_shape': ['None', '1', '2', '{net}.windows'],
    'step': ['None', '1', '2', '{net}.windows'],
    'feature_mask': ['None', '{net}.mask'],
    'replacements': ['None', '[0.0, 1.0]', 'np.eye(3)'],
    'samples': ['2', '4'],
    'sampling_dims': ['None', '[1]', '(1, 2)'],
    'antithetic': ['False', 'True'],
    'return_standard_error': ['False', 'True'],
    'max_samples': ['4', '8'],
    'seed': ['None', '0', '7'],
    'kind': ["'smoothgrad'", "'smoothgrad_squared'", "'vargrad'"],
    'stdev': ['None', '0.1', '0'],
    'explainer': ["{net}.by('saliency')", "{net}.by('intgrad', steps=3)", "{net}.by('occlusion')"],
    'attributions': ['{net}.xs'],
    'source': ['lambda x: x * 2'],
    'inputs': ['[tf.TensorSpec([None, 3], tf.float32)]'],
    'outputs': ['None'],
    'signature': ['None'],
    'tags': ['None'],
    'checkpoint': ['None'],
    'allow_ops': ['()'],
    'config': ['None', 'tf.ConfigProto()'],
    'regions': ["'auto'", 'True', 'False'],
    'class_names': ['None', "['a', 'b', 'c']"],
    # of the metrics
    'model': ["{net}.by('grad*input')", "{net}.by('deeplift')", '{net}.predict'],
    'explain': ["{net}.by('grad*input')", 'np.sin'],
    'f_x': ['[1.0, 2.0]'],
    'f_baseline': ['[0.0, 0.5]', '0.5'],
    'dims': ['None', '[1]'],
    'perturbation': ["'gaussian'", "'square'", 'lambda xs, random: xs * 0.9'],
    'scale': ['0.2', '1'],
    'size': ['1', '2'],
    'draws': ['2', '3'],
    'multiply_by_inputs': ['True', 'False'],
    'normalize': ['True', 'False'],
    'radius': ['0.02', '0.5'],
    'cascading': ['True', 'False'],
    'redraw': ["'permutation'", "'normal'"],
    'n': ['None', '1', '[1, 2]'],
    'sets': ['2', '5'],
    'explainers': ["[{net}.by('grad*input'), {net}.by('saliency')]", "{'a': {net}.by('deeplift')}"],
    'measures': ['None', "['completeness', 'deletion_insertion']"],
    # of the plots
    'ax': ['axes()'],
    'axis': ['axes()'],
    'figure': ['None'],
    'deltas': ['[[0.5, -0.2], [0.1, 0.05]]'],
    'names': ["['a', 'b', 'c']", "['$', 'x_1^', '<b>&']"],
    'values': ['None', '[[1, 2, 3], [4, 5, 6]]'],
    'top': ['1', '5'],
    'style': ["'line'", "'bands'"],
    'cmap': ["'cividis'", "'RdBu_r'"],
    'colorbar': ['True', 'False'],
    'pictures': ['image.xs', 'image.xs[..., 0]'],
    'labels': ['None', "['a', '$b']"],
    'sign': ["'all'", "'positive'", "'absolute'"],
    'percentile': ['100', '99.5', 'Fraction(99)'],
    'overlay': ["'edges'", "'window'", 'None'],
    'sigma': ['3.0', '0.5'],
    'picture': ['None', 'image.xs[0]'],
    'limit': ['None', '0.5'],
    'title': ['None', "'a $b'"],
    'units': ['None', "'logits'"],
    'output': ['None'],
    'window': ['None'],
    'feature': ['None'],
    'color_by': ['None'],
    'order': ["'sum'", 'None'],
    'base': ['None'],
    'data': ['image.xs[0, ..., 0]', 'image.xs[0]'],
    'xi': ['None', 'image.xs[0, ..., 0]'],
    'dilation': ['3.0', '1'],
    'alpha': ['0.8', '1'],
    'estimates': ['np.ones((4, 3))', '[[1, 2], [3, 4]]'],
    'errors': ['None', 'np.ones((4, 3))'],
    'counts': ['None', '[1, 2, 3, 4]'],
    'letters': ["'ACG'", 'None'],
    'one_hot': ['None', 'np.eye(4)[:3]'],
    'alphabet': ["'ACGT'", "['A', 'C', 'G', 'U']"],
    'start': ['0', '-5'],
    'highlight': ['()', '[(0, 1)]'],
    'flip': ['False', 'True'],
    'colors': ['None', "{'A': 'red'}"],
    'tokens': ["['a', 'b', 'c']", "['$', '<b>', '\\u4f60']"],
    'fontsize': ['None', '8'],
    'series': ['np.ones((5, 2))', 'np.arange(5)'],
    'times': ['None', 'np.arange(5)'],
    'rate': ['None', '100'],
    'heights': ["'own'", "'shared'"],
    # of what is beyond one process, and of sequences
    'path': ['unused()', 'Path(unused())'],
    'threads': ['None', '1'],
    'text': ['recipe.to_json()'],
    'recipe': ['recipe'],
    'columns': ["{'xs': 'a', 'id': 'n'}", "{'xs': 'a'}"],
    'batch': ["{'a': dense.xs, 'n': [1, 2]}", "{'a': [[1, 2, 3], None], 'n': ['u', 'v']}"],
    'chunk': ['1', '2'],
    'resume': ['True', 'False'],
    'on_bad_rows': ["'error'", "'nan'"],
    'ambiguous': ["'zeros'", "'shares'", "'refuse'"],
    'dtype': ['np.float32', "'float64'"],
    'unknown': ['None', "'N'"],
}


def _is_flag(value):
    return isinstance(value, (bool, np.bool_))


def _is_integer(value):
    try:
        return not _is_flag(value) and operator.index(value) is not None
    except Exception:
        return False


def _is_count(value):
    return _is_integer(value) and operator.index(value) >= 1


def _is_real(value):
    """A finite real number: of Python, NumPy or TensorFlow; not of text, and no bool."""
    try:
        if isinstance(value, (str, bytes, bytearray, complex, np.complexfloating, np.void)) or _is_flag(value):
            return False
        if hasattr(value, '__array__'):
            value = np.asarray(value)
            if value.ndim or value.dtype.kind not in 'iuf':
                return False
        return np.isfinite(float(value)) if not isinstance(value, (int, Fraction)) else abs(value) < 10**308
    except Exception:
        return False


def _is_word(value):
    return isinstance(value, str)


#: Parameter -> what it must be, told here a second time: an odd value for which this is False must not lead to a
#: result. None may be given where it is the default.
MUST_BE = {
    **dict.fromkeys(
        'progress return_convergence_delta strict antithetic return_standard_error multiply_by_inputs normalize '
        'cascading colorbar flip absolute bias canonize relu explanation resume'.split(),
        _is_flag,
    ),
    **dict.fromkeys('batch_size steps max_steps samples max_samples draws top chunk threads'.split(), _is_count),
    'seed': lambda value: value is None or _is_integer(value),
    'start': _is_integer,
    **dict.fromkeys('epsilon tolerance percentile sigma limit radius fontsize rate alpha dilation'.split(), _is_real),
    **dict.fromkeys('gamma beta stabilizer'.split(), _is_real),
    **dict.fromkeys('title units'.split(), _is_word),
    **dict.fromkeys('quadrature rules kind sign heights redraw style composite attention gates'.split(), _is_word),
}


class Entry:
    """A way to call the library.

    Parameters
    ----------
    text : str
        The call, with {arguments} and {net} in it.
    function : callable, or a list of names
        Whose parameters they are.
    weight : float, default 1
        How often it is called, next to others.
    nets : list of str, optional
        The networks it is called with. Default: all.
    usual : str, default ''
        Parameters that have defaults, but are given mostly.
    without : str, default ''
        Parameters that are not given.
    good
        Good values that differ from those in GOOD.
    """

    def __init__(self, text, function, weight=1.0, nets=None, usual='', without='', **good):
        self.text, self.weight, self.nets = text, weight, nets
        parameters = _parameters(function)
        self.required = [name for name in parameters if parameters[name] is inspect.Parameter.empty]
        self.usual = usual.split()
        self.names = [name for name in parameters if name not in without.split()]
        self.defaults = parameters
        self.good = {name: good.get(name) or GOOD[name] for name in self.names}

    def may_be(self, name, value):
        """Whether such an argument may lead to a result, as far as MUST_BE knows."""
        must = MUST_BE.get(name)
        if must is None or self.good[name] is not GOOD[name]:
            return True
        return (value is None and self.defaults[name] is None) or bool(must(value))


def _parameters(function):
    """Name -> default, inspect.Parameter.empty where there is none."""
    if isinstance(function, dict):
        return function
    every = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in every if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != 'self'}


def _nets_of(method, arguments):
    """The networks that a method may explain."""
    if 'layer' in arguments:
        return ['image'] if 'resize' in arguments else ['dense', 'image']
    if method in SINGLE:
        return ['dense', 'keep', 'double']
    return ['dense', 'image', 'keep', 'scalar', 'fixed', 'mixed', 'double', 'two']


def _entries():
    run = {**_parameters(Explainer.run)}
    explain = {**_parameters(DeepExplain.explain)}
    context = 'T X'.split()
    for name, (cls, _) in attribution_methods.items():
        arguments = {f.name: f.default for f in fields(cls) if f.init}
        strict = {'strict': False}
        good = {'method': [repr(name)]}
        made = f'methods.{cls.__name__}({{arguments}})'
        good.update(OF_LRP if name == 'lrp' else {})
        small = _nets_of(name, arguments)
        first = dict.fromkeys(['method', *context], inspect.Parameter.empty)
        quick = {'usual': 'samples steps feed_dict max_steps layer', 'nets': small, **good}
        of = f'{{net}}.by({name!r}' + (', layer={net}.layer)' if 'layer' in arguments else ')')
        yield Entry('de.explain({arguments})', {**explain, **arguments, **strict}, 3, **quick)
        yield Entry('de.get_explainer({arguments})', {**first, **arguments, **strict}, 1, **quick)
        yield Entry(f'{of}.run({{arguments}})', run, 5, small, 'feed_dict')
        yield Entry(f'{of}.outputs({{arguments}})', Explainer.outputs, 1, small, 'feed_dict')
        by = f'{of}.with_arguments({{arguments}}).run({{net}}.xs, feed_dict={{net}}.feeds)'
        yield Entry(by, {**arguments, **strict}, 5, small, 'samples steps max_steps layer', **good)
        yield Entry(f'repr({made}), hash({made}), {made} == {made}', arguments, 0.5, small, **good)
        yield Entry(
            f'de.explain({made}, {{net}}.T, {{net}}.X, {{net}}.xs, feed_dict={{net}}.feeds)', arguments, 1, **quick
        )
        if 'layer' in arguments:  # it came after the form of 0.3
            continue
        old = {**dict.fromkeys(['T', 'X', 'session'], inspect.Parameter.empty), 'keras_learning_phase': None}
        yield Entry(f'{made}.run(dense.xs)', {**old, **arguments}, 0.3, ['dense'], 'samples steps layer', **good)
    for name in ('deeplift', 'elrp'):
        yield Entry(f'str({{net}}.by({name!r}).leaks({{arguments}}))', Explainer.leaks, 0.5, usual='feed_dict')
    yield Entry('DeepExplain({arguments}).__enter__().__exit__(None, None, None)', DeepExplain, 1, usual='session')
    tunnel = {'nets': [net for net in NETS if net != 'scalar'], 'usual': 'samples'}
    yield Entry('NoiseTunnel({arguments}).run({net}.xs, feed_dict={net}.feeds)', NoiseTunnel, 5, **tunnel)
    tunnelled = "NoiseTunnel({net}.by('saliency'), samples=2).run({arguments})"
    yield Entry(tunnelled, NoiseTunnel.run, 3, usual='feed_dict', nets=tunnel['nets'])
    yield Entry('embedding_outputs({arguments})', embedding_outputs, 2, ['counts'])
    yield Entry('per_token({arguments})', per_token, 2, attributions=['two.xs', 'double.xs', 'np.ones((2, 3, 4))'])
    yield Entry('open_model({arguments}).close()', open_model, 0.3, usual='inputs')
    yield from _beyond_one_process()
    yield from _sequences()
    yield from _metrics()
    yield from _plots()


def _beyond_one_process():
    good = {'method': ["'saliency'", "'intgrad'", 'methods.Occlusion()'], 'T': ["'T'", "'logits'"], 'X': ["'inputs'"]}
    good.update(path=['model_file', 'Path(model_file)'], model=['None', '{}', "{'tags': None}"])
    yield Entry('round_trip(Recipe({arguments}))', Recipe, 1.5, **good)
    yield Entry('opened(Recipe({arguments}))', Recipe, 0.5, usual='T model', **good)
    yield Entry('opened(recipe, {arguments})', Recipe.open, 0.3)
    yield Entry('Recipe.from_json({arguments})', Recipe.from_json, 1)
    yield Entry('round_trip(Worker({arguments}))', Worker, 1)
    yield Entry(
        "closing(Worker(recipe, {arguments}))({'a': dense.xs, 'n': [1, 2]})", {'columns': inspect.Parameter.empty}
    )
    yield Entry('worker({arguments})', Worker.__call__, 3)
    usual = 'chunk progress feed_dict'
    yield Entry("{net}.by('saliency').run_to({arguments})", Explainer.run_to, 3, usual=usual, ys=RUN_TO_YS)
    yield Entry("{net}.by('deeplift').run_to({arguments})", Explainer.run_to, 1, usual=usual, ys=RUN_TO_YS)


def _sequences():
    of = {'sequences': ["'ACGT'", "['ACGT', 'TTNA']"], 'length': ['None', '6'], 'seed': ['None', '3']}
    yield Entry('sequences.to_one_hot({arguments})', sequences.to_one_hot, 2, **of)
    good = {'one_hot': ['np.eye(4)', '[np.eye(4)]']}
    yield Entry('sequences.to_letters({arguments})', sequences.to_letters, 2, **good)
    shuffled = {'sequences': ["'ACGTACGT'", 'np.eye(4)'], 'count': ['1', '3'], 'seed': ['None', '3']}
    yield Entry('sequences.dinucleotide_shuffles({arguments})', sequences.dinucleotide_shuffles, 2, **shuffled)
    hypothetical = {'multipliers': ['np.ones((3, 4))', 'np.ones((2, 3, 4))'], 'references': ['0', 'np.ones((3, 4))']}
    yield Entry(
        'sequences.hypothetical_contributions({arguments})', sequences.hypothetical_contributions, 2, **hypothetical
    )
    yield Entry('sequences.read_fasta({arguments})', sequences.read_fasta, 1, path=['fasta', 'Path(fasta)'])


def _metrics():
    nets = ['dense', 'two', 'double', 'image']
    usual = {
        'completeness': '', 'deletion_insertion': '', 'sensitivity_n': 'sets', 'infidelity': 'draws',
        'max_sensitivity': 'draws', 'randomization': '',
    }  # fmt: skip
    for name, more in usual.items():
        good = {'attributions': ['None', '{net}.xs'], 'ys': ['None', '{net}.ys']}
        if name == 'completeness':  # of what has one
            good['model'] = ["{net}.by('deeplift')", "{net}.by('occlusion')", '{net}.predict']
        if name == 'randomization':
            good['explainer'] = ["{net}.by('grad*input')", "{net}.by('deeplift')"]
        function = getattr(metrics, name)
        good = {key: value for key, value in good.items() if key in _parameters(function)}
        yield Entry(f'metrics.{name}({{arguments}})', function, 6, nets, 'ys attributions ' + more, **good)
    good = {'ys': ['None', '{net}.ys'], 'measures': ["['completeness', 'infidelity']"]}
    yield Entry('metrics.compare({arguments})', metrics.compare, 1, nets, 'measures', **good)
    of = {'attributions': ['dense.xs', 'double.xs', 'two.xs']}
    usual = {'usual': 'f_x f_baseline', **of}
    yield Entry('metrics.completeness_of({arguments})', metrics.completeness_of, 3, **usual)


def _plots():
    image = {'attributions': ['image.xs[0]', 'image.xs[0, ..., 0]']}
    good = {
        'bar': {'attributions': ['dense.xs', 'np.ones((4, 3))']},
        'beeswarm': {'attributions': ['dense.xs', 'np.ones((4, 3))']},
        'convergence': {'steps': ['[5, 10]', '[1, 2]']},
        'distribution': {'attributions': ['dense.xs', 'np.ones((4, 3))'], 'style': ["'points'", "'violin'"]},
        'grid': {
            'attributions': ["{'a': image.xs}", "{'a': image.xs, '$': -image.xs}"],
            'scale': ["'own'", "'shared'"],
        },
        'heatmap': {
            'attributions': ['dense.xs', 'np.ones((4, 3))'],
            'labels': ['None'],
        },
        'image': image,
        'picture_of': {'explanation': ["dense.by('saliency').run(dense.xs, explanation=True)"]},
        'plot': {'percentile': ['100', '90'], 'cmap': ["'RdBu_r'"]},
        'running': {},
        'scatter': {
            'attributions': ['np.ones((4, 3))'],
            'values': ['np.ones((4, 3))', 'np.eye(4)[:, :3]'],
            'feature': ['None', '1', '-1'],
            'color_by': ['None', '0'],
        },
        'sequence': {'attributions': ['[1, -1, 0.5]', 'np.eye(4)[:3]'], 'window': ['None', '2', '(1, 2)']},
        'tabular': {'attributions': ['[1, -2, 3]', 'dense.xs[0]'], 'values': ['None', '[1, 2, 3]']},
        'text': {'attributions': ['[1, -2, 3]']},
        'text_html': {'attributions': ['[1, -2, 3]']},
        'timeseries': {'attributions': ['np.ones((5, 2))', 'np.arange(5)'], 'names': ['None', "['a', '$b']"]},
        'waterfall': {
            'attributions': ['[1, -2, 3]', 'dense.xs[0]'],
            'values': ['None', '[1, 2, 3]'],
            'base': ['None', '1.5'],
        },
    }
    for name in plotting.__all__:
        function = getattr(plotting, name)
        yield Entry(f'drawn(plotting.{name}({{arguments}}))', function, 3, usual='ax axis letters', **good[name])


#: The networks.
NETS = ['dense', 'image', 'two', 'keep', 'scalar', 'fixed', 'mixed', 'double']
#: Methods that explain one input at a time.
SINGLE = ['occlusion', 'shapley_sampling']
GOOD['method'] = ["'saliency'"]
#: Weights of a run to a file.
RUN_TO_YS = ['None', '{net}.ys', '{net}.row']
#: Values of arguments that other methods understand otherwise.
OF_LRP = {'rules': ['()', "[('first', 'flat')]", "[('dense', ('gamma', {'gamma': 0.5}))]"], 'alpha': ['2']}

ENTRIES = [entry for entry in _entries() if entry.names]
