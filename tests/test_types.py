"""What a type checker sees: right calls pass, and wrong ones are errors that name what is wrong."""

import ast
import inspect
import os
import subprocess
import sys
from dataclasses import fields

import pytest

import deepexplain
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.methods import attribution_methods

ROOT = os.path.dirname(os.path.abspath(deepexplain.__file__))

BEGIN = """
from typing import Any

import numpy as np

from deepexplain.metrics import completeness, infidelity
from deepexplain.tensorflow import DeepExplain, Explainer, NoiseTunnel
from deepexplain.tensorflow.engine.backward import Backward, BackwardPass
from deepexplain.tensorflow.engine.problem import Problem
from deepexplain.tensorflow.methods import IntegratedGradients, Method, Occlusion, at_run, register

T: Any = None
X: Any = None
xs = np.zeros((2, 3))


@register('mine')
class Mine(Method):
    scale: float = at_run(default=1.0)

    def plan(self, problem: Problem) -> Backward:
        return Backward(lambda back: [self.scale * gradient for gradient in back.gradients()])


def f(de: DeepExplain, explainer: Explainer, name: str, more: 'dict[str, Any]') -> None:
    """

RIGHT = """de.explain('intgrad', T, X, xs, steps=5)
de.explain('intgrad', T, 'X:0', [[1, 2, 3]], np.ones(3), 10, steps=5, baseline=lambda xs: xs.mean(0), strict=True)
de.explain('deeplift', T, [X, X], [xs, xs], ys='each', baseline=[0, xs], rules='complete', progress=True)
de.explain('occlusion', T, X, xs, window_shape=(2,), step=1, feature_mask=np.arange(3))
de.explain('shapley_sampling', T, X, xs, sampling_dims=[1], seed=None, tolerance=0.5)
de.get_explainer('grad*input', T, X, strict=True).run(xs, return_convergence_delta=True)
de.get_explainer('elrp', T, X, epsilon=1).describe().breaks
de.explain('mine', T, X, xs)
de.explain('intgrad', T, X, xs, target='top', explanation=True, steps=5)
de.explain(name, T, X, xs, strict=False)
de.explain(name, T, X, xs, **more)
for each in ('saliency', 'intgrad'):
    de.explain(each, T, X, xs)
de.explain(Mine(scale=2.0), T, X, xs)
de.get_explainer(IntegratedGradients(5), T, X, strict=True)
NoiseTunnel(explainer, samples=3).run(xs)
infidelity(explainer, xs, draws=3).mean()
explainer.leaks(xs).rows[0].share"""

#: A wrong line -> what is in the error that mypy has for it.
WRONG = {
    "de.explain('intgrad', T, X, xs, stepz=5)": 'Unexpected keyword argument "stepz"',
    "de.get_explainer('intgrad', T, X, stepz=5)": 'Unexpected keyword argument "stepz"',
    "de.get_explainer('intgrad', T, X, steps='many')": 'No overload variant of "get_explainer"',
    "de.get_explainer('deeplift', T, X, steps=5)": 'No overload variant of "get_explainer"',
    "de.get_explainer('saliency', T, X, 5)": 'No overload variant of "get_explainer"',
    "de.explain('mine', T, X, xs, scale=2.0)": 'Unexpected keyword argument "scale"',
    'de.explain(name, T, X, xs, stepz=5)': 'Unexpected keyword argument "stepz"',
    'de.explain(IntegratedGradients(), T, X, xs, steps=5)': 'No overload variant of "explain"',
    'IntegratedGradients(stepz=5)': 'Unexpected keyword argument "stepz" for "IntegratedGradients"',
    "IntegratedGradients(steps='many')": 'Argument "steps" to "IntegratedGradients" has incompatible type "str"',
    'IntegratedGradients().steps = 5': '"steps" defined in "IntegratedGradients" is read-only',
    "Mine('large')": 'Argument 1 to "Mine" has incompatible type "str"; expected "float"',
    'explainer.run(xs, batchsize=3)': 'Unexpected keyword argument "batchsize" for "run" of "Explainer"',
    'completeness(explainer, xs, drawz=3)': 'Unexpected keyword argument "drawz" for "completeness"',
    'NoiseTunnel(explainer, samples=1.5)': 'Argument "samples" to "NoiseTunnel" has incompatible type "float"',
}

#: An expression -> its type.
REVEALED = {
    'IntegratedGradients(steps=5)': 'IntegratedGradients',
    'IntegratedGradients(5).steps': 'int',
    'IntegratedGradients(5).tolerance': 'float | None',
    'Mine(2).scale': 'float',
    "de.get_explainer('intgrad', T, X)": 'Explainer',
    'de.get_explainer(Mine(), T, X).method': 'Method',
    'explainer.describe()': 'Audit',
    'explainer.leaks(xs)': 'Leaks',
}


@pytest.fixture(scope='module')
def messages(tmp_path_factory):
    """Line of a snippet -> what mypy says of it; one run for all, as TensorFlow takes its time."""
    pytest.importorskip('mypy')
    lines = [*RIGHT.split('\n'), *WRONG, *(f'reveal_type({expression})' for expression in REVEALED)]
    folder = tmp_path_factory.mktemp('types')
    path, settings = folder / 'snippets.py', folder / 'mypy.ini'
    path.write_text(BEGIN + '\n    '.join(lines) + '\n', encoding='utf-8')
    strict = 'strict = true\nignore_missing_imports = true'
    settings.write_text(f'[mypy]\n{strict}\n[mypy-deepexplain.*]\nignore_errors = true\n')
    found = subprocess.run(
        [sys.executable, '-m', 'mypy', '--config-file', str(settings), '--no-error-summary', str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=os.path.dirname(ROOT),
        env={**os.environ, 'MYPY_CACHE_DIR': str(folder / 'cache')},
    ).stdout
    said = {}
    for message in found.splitlines():
        _, _, rest = message.partition('snippets.py:')
        number, _, text = rest.partition(':')
        assert number.isdigit(), found
        said.setdefault(path.read_text(encoding='utf-8').split('\n')[int(number) - 1].strip(), []).append(text.strip())
    return said


def test_right_calls_are_no_errors(messages):
    wrong = set(messages) - set(WRONG) - {f'reveal_type({expression})' for expression in REVEALED}
    assert {line: messages[line] for line in wrong} == {}


@pytest.mark.parametrize('line', WRONG)
def test_a_wrong_call_is_an_error_that_says_what_is_wrong(messages, line):
    errors = [said for said in messages.get(line, []) if said.startswith('error: ')]
    assert any(WRONG[line] in error for error in errors), errors


@pytest.mark.parametrize('expression', REVEALED)
def test_types_are_known(messages, expression):
    (said,) = messages[f'reveal_type({expression})']
    kind = said.split('"')[1]
    assert kind.rsplit('.', 1)[-1] == REVEALED[expression]


#: Name -> class, of the methods that are ours.
OURS = {name: cls for name, (cls, _) in attribution_methods.items() if cls.__module__.startswith('deepexplain.')}


def class_of(path, name):
    """The syntax tree of a class."""
    with open(path, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    return next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name)


def stub():
    """What stands in the class of the stub."""
    return class_of(os.path.join(ROOT, 'tensorflow', 'context.pyi'), 'DeepExplain').body


def overloads(name):
    """What ``method`` is (a name, or a type) -> the arguments."""
    found = {}
    for node in stub():
        if isinstance(node, ast.FunctionDef) and node.name == name:
            method = node.args.args[1].annotation
            if isinstance(method, ast.Subscript):  # Literal['one'] or Literal['one', 'two']
                names = method.slice.elts if isinstance(method.slice, ast.Tuple) else [method.slice]
                found.update((literal.value, node.args) for literal in names)
            else:
                found[method.id] = node.args
    return found


# In Python 3.7 and 3.8 what is in brackets is an ast.Index, and literals are not ast.Constant.
new_ast = pytest.mark.skipif(sys.version_info < (3, 9), reason='the syntax tree is another one')


@new_ast
@pytest.mark.parametrize('name', ['explain', 'get_explainer'])
def test_there_is_an_overload_for_each_method_with_its_arguments_and_defaults(name):
    assert list(overloads(name)) == [*OURS, 'Method', 'str']
    for method, cls in OURS.items():
        arguments = overloads(name)[method]
        defaults = [ast.literal_eval(default) for default in arguments.kw_defaults]
        found = list(zip([argument.arg for argument in arguments.kwonlyargs], defaults))
        own = [(field.name, field.default) for field in fields(cls)]
        of_all = [('strict', False)] if 'layer' in dict(own) else [('layer', None), ('strict', False)]
        choices = [('target', None), ('explanation', False)] if name == 'explain' else []
        assert found == choices + own + of_all


@new_ast
@pytest.mark.parametrize('name', ['explain', 'get_explainer'])
def test_its_types_are_those_of_the_class(name):
    for method, cls in OURS.items():
        source = class_of(inspect.getsourcefile(cls), cls.__name__)
        types = {part.target.id: part.annotation for part in source.body if isinstance(part, ast.AnnAssign)}
        for argument in overloads(name)[method].kwonlyargs:
            if argument.arg not in types:
                continue
            assert parts(argument.annotation) == parts(types[argument.arg]), (method, argument.arg)


def parts(annotation):
    """The members of a union, however it is written."""
    text = ast.unparse(annotation).replace('Tuple[', 'tuple[')  # that of Python 3.7
    if text.startswith('Optional['):
        return {text[len('Optional[') : -1], 'None'}
    if text.startswith('Union['):
        return set(text[len('Union[') : -1].split(', '))
    return set(text.split(' | '))


@new_ast
def test_the_stub_has_what_the_class_has():
    public = {name for name in vars(DeepExplain) if not name.startswith('_')} | {'session', 'graph'}
    names = {node.name for node in stub() if isinstance(node, ast.FunctionDef)}
    names |= {node.target.id for node in stub() if isinstance(node, ast.AnnAssign)}
    assert names == public | {'__init__', '__enter__', '__exit__'}
    for name in ('explain', 'get_explainer'):
        signature = inspect.signature(getattr(DeepExplain, name))
        known = {n: p.default for n, p in signature.parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD}
        for arguments in overloads(name).values():
            defaults = [inspect.Parameter.empty] * (len(arguments.args) - len(arguments.defaults))
            defaults += [ast.literal_eval(default) for default in arguments.defaults]
            assert dict(zip([argument.arg for argument in arguments.args], defaults)) == known
    (init,) = [node.args for node in stub() if isinstance(node, ast.FunctionDef) and node.name == '__init__']
    assert [argument.arg for argument in init.args] == list(inspect.signature(DeepExplain.__init__).parameters)


def test_the_package_says_that_it_has_types():
    assert os.path.exists(os.path.join(ROOT, 'py.typed'))
