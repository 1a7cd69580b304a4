"""The rooms of the house, read from the syntax trees: who may import whom, and how large what is in them may be."""

import ast
import collections
import os
import subprocess
import sys

import pytest

import deepexplain

ROOT = os.path.dirname(os.path.abspath(deepexplain.__file__))
#: One way down. A module may import from its own room and from those after it.
ROOMS = [
    'distributed',
    'report',
    'tensorflow',
    'tensorflow.recipe',
    'tensorflow.models',
    'tensorflow.text',
    'tensorflow.context',
    'tensorflow.legacy',
    'tensorflow.explainers',
    'tensorflow.noise',
    'tensorflow.export',
    'tensorflow.explainer',
    'tensorflow.streaming',
    'tensorflow.methods',
    'tensorflow.engine',
    'tensorflow.rules',
    'tensorflow.runtime',
    'tensorflow.compat',
    'metrics',
    'explanation',
    'arguments',
    'errors',
    'types',
]
#: The last rooms of that way, which every room may import from.
SHARED = ['explanation', 'arguments', 'errors', 'types']
#: Beside that way: they import from themselves and from the shared rooms only, and no other room imports them.
SIDE_ROOMS = ['plotting', 'sequences']
#: Above all: they import from every room, and no room imports them.
TOP_ROOMS = ['command']
#: But for these: `Explanation.plot` opens it when it is called, and a report has pictures.
DOORS = [('explanation.explanation', 'plotting')]
ROOMS_WITH_PICTURES = ['report']


def modules():
    for folder, _, files in os.walk(ROOT):
        for file in sorted(files):
            if file.endswith('.py'):
                path = os.path.join(folder, file)
                parts = os.path.relpath(path, ROOT)[:-3].split(os.sep)
                yield '.'.join(part for part in parts if part != '__init__'), parts[:-1], path


def source(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def imports(package, path):
    """Full names of what a module imports, those of this library without 'deepexplain.'."""
    for node in ast.walk(ast.parse(source(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.module
                continue
            base = package[: len(package) - node.level + 1] + (node.module.split('.') if node.module else [])
            for alias in node.names:
                full = '.'.join([*base, alias.name])
                yield full if is_module(full) else '.'.join(base)


def is_module(name):
    path = os.path.join(ROOT, *name.split('.'))
    return os.path.isdir(path) or os.path.exists(path + '.py')


def room(name):
    return max((i for i, r in enumerate(ROOMS) if name == r or name.startswith(r + '.')), default=None)


def side_room(name):
    return next((room for room in SIDE_ROOMS if name.split('.')[0] == room), None)


def is_on_top(name):
    return name.split('.')[0] in TOP_ROOMS


def is_shared(name):
    return name.split('.')[0] in SHARED


def wrong_imports(name, imported):
    for other in imported:
        if other.split('.')[0] == 'deepexplain':
            yield f'{name} imports {other} by its absolute name'
        elif is_on_top(other) and not (is_on_top(name) or name == '__main__'):
            yield f'{name} imports {other}, the room on top'
        elif is_on_top(name) and is_module(other) and other != 'tensorflow':
            continue
        elif side_room(name) != side_room(other) and is_module(other) and not is_shared(other):
            if (name, other) in DOORS or (side_room(other) == 'plotting' and name.split('.')[0] in ROOMS_WITH_PICTURES):
                continue
            yield f'{name} imports {other}, across the house'
        elif is_module(other) and other != 'tensorflow' and room(other) is not None:
            if room(name) is not None and room(other) < room(name):
                yield f'{name} imports {other} upward'
        elif other.split('.')[0] in ('tensorflow', 'keras', 'tf_keras') and room(name) != room('tensorflow.compat'):
            yield f'{name} imports {other}; only compat may'


@pytest.mark.parametrize(
    ('name', 'package', 'path'), list(modules()), ids=lambda value: value if isinstance(value, str) else ''
)
def test_imports_go_down_and_only_compat_imports_tensorflow(name, package, path):
    assert list(wrong_imports(name, imports(package, path))) == []


def test_the_check_sees_what_it_forbids(tmp_path):
    path = tmp_path / 'graph.py'
    path.write_text(
        'def f():\n    import tensorflow as tf\n    from ..methods import method\n'
        '    from ..context import DeepExplain\n'
    )
    found = list(wrong_imports('tensorflow.runtime.graph', imports(['tensorflow', 'runtime'], str(path))))
    assert found == [
        'tensorflow.runtime.graph imports tensorflow; only compat may',
        'tensorflow.runtime.graph imports tensorflow.methods.method upward',
        'tensorflow.runtime.graph imports tensorflow.context upward',
    ]
    path.write_text('import tensorflow as tf\nfrom ..runtime import graph\n')
    found = list(wrong_imports('tensorflow.compat.ops', imports(['tensorflow', 'compat'], str(path))))
    assert found == ['tensorflow.compat.ops imports tensorflow.runtime.graph upward']


def test_the_check_sees_imports_into_and_out_of_a_side_room(tmp_path):
    path = tmp_path / 'images.py'
    path.write_text(
        'from ..arguments import as_count\nfrom ..errors import warn\nfrom .axes import note\n'
        'from ..tensorflow.text import per_token\n'
    )
    found = list(wrong_imports('plotting.images', imports(['plotting'], str(path))))
    assert found == ['plotting.images imports tensorflow.text, across the house']
    path.write_text('from ..errors import warn\nfrom ..plotting import image\nimport tensorflow\n')
    found = list(wrong_imports('tensorflow.text', imports(['tensorflow'], str(path))))
    assert found == [
        'tensorflow.text imports plotting, across the house',
        'tensorflow.text imports tensorflow; only compat may',
    ]


def test_the_check_sees_imports_of_the_room_on_top(tmp_path):
    path = tmp_path / 'job.py'
    path.write_text('from ..plotting import image\nfrom ..tensorflow.models import open_model\nimport tensorflow\n')
    found = list(wrong_imports('command.job', imports(['command'], str(path))))
    assert found == ['command.job imports tensorflow; only compat may']
    path.write_text('from ..command.data import read_samples\n')
    found = list(wrong_imports('plotting.images', imports(['plotting'], str(path))))
    assert found == ['plotting.images imports command.data, the room on top']


def test_the_check_sees_imports_out_of_the_shared_rooms(tmp_path):
    path = tmp_path / 'arguments.py'
    path.write_text(
        'import numpy as np\nfrom .errors import warn\nfrom .metrics.samples import Samples\n'
        'from .tensorflow.runtime import samples\nfrom .plotting import image\n'
    )
    found = list(wrong_imports('arguments', imports([], str(path))))
    assert found == [
        'arguments imports metrics.samples upward',
        'arguments imports tensorflow.runtime.samples upward',
        'arguments imports plotting, across the house',
    ]
    path.write_text('from .arguments import as_count\n')
    assert list(wrong_imports('errors', imports([], str(path)))) == ['errors imports arguments upward']


def test_arguments_are_checked_with_numpy_and_errors_alone():
    path = os.path.join(ROOT, 'arguments.py')
    assert set(imports([], path)) == {*'errors inspect math numpy numpy.typing operator reprlib sys typing'.split()}


def test_consumers_are_asked_for_under_the_lock_of_their_graph():
    """TensorFlow's own ``consumers()`` fails while another thread adds an op: ``runtime.building`` has ours."""
    asking = [
        name
        for name, _, path in modules()
        if any(
            isinstance(node, ast.Attribute) and node.attr == 'consumers' for node in ast.walk(ast.parse(source(path)))
        )
    ]
    assert asking == ['tensorflow.runtime.building']


#: What the house holds: lines of a file in tensorflow/, methods of a class, classes of ours in a chain, and classes in
#: which one name is overridden.
MOST_LINES, MOST_METHODS, MOST_IN_CHAIN, MOST_OVERRIDING = 300, 15, 2, 3


def classes(paths):
    """Name of each class -> the names of its bases, its methods, and all names that it defines."""
    found = {}
    for path in paths:
        for node in ast.walk(ast.parse(source(path))):
            if isinstance(node, ast.ClassDef):
                bases = [
                    base.attr if isinstance(base, ast.Attribute) else getattr(base, 'id', '') for base in node.bases
                ]
                methods = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
                targets = [t for part in node.body if isinstance(part, ast.Assign) for t in part.targets]
                targets += [part.target for part in node.body if isinstance(part, ast.AnnAssign) and part.value]
                found[node.name] = bases, methods, {*methods, *[t.id for t in targets if isinstance(t, ast.Name)]}
    return found


def ancestors(name, known):
    """The classes of ours that a class derives from, however far."""
    bases = [base for base in known[name][0] if base in known and base != name]
    return bases + [ancestor for base in bases for ancestor in ancestors(base, known)]


def too_large(known):
    for name, (bases, methods, _) in known.items():
        if len(methods) > MOST_METHODS:
            yield f'{name} has {len(methods)} methods'
        chain = 1 + max([1 + len(ancestors(base, known)) for base in bases if base in known], default=0)
        if chain > MOST_IN_CHAIN:
            yield f'{name} ends a chain of {chain} classes'
    overriding = collections.Counter(
        own for name in known for own in known[name][2] if any(own in known[a][2] for a in ancestors(name, known))
    )
    yield from (f'{own} is overridden in {n} classes' for own, n in overriding.items() if n > MOST_OVERRIDING)


def library(*without):
    return [path for name, _, path in modules() if not name.startswith(without)]


def test_no_file_is_too_long():
    paths = {name: path for name, _, path in modules() if name.startswith('tensorflow')}
    paths['tensorflow.context, its types'] = paths['tensorflow.context'] + 'i'
    lines = {name: source(path).count('\n') for name, path in paths.items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_class_is_too_large_no_chain_too_long_and_no_name_overridden_all_over():
    # Errors are a tree by their nature: who catches one catches all below it.
    assert list(too_large(classes(library('errors')))) == []


def test_the_check_sees_what_is_too_large(tmp_path):
    path = tmp_path / 'house.py'
    methods = '\n'.join(f'    def m{i}(self): pass' for i in range(16))
    path.write_text(
        f'class Large:\n{methods}\n'
        'class A:\n    x = 1\n    def run(self): pass\n'
        + ''.join(f'class B{i}(A):\n    def run(self): pass\n' for i in range(4))
        + 'class C(house.B0):\n    x = 2\n'
    )
    assert list(too_large(classes([str(path)]))) == [
        'Large has 16 methods',
        'C ends a chain of 3 classes',
        'run is overridden in 4 classes',
    ]


def run(code):
    return subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def test_the_top_imports_no_tensorflow():
    code = "import deepexplain, deepexplain.errors, deepexplain.metrics, sys; print('tensorflow' in sys.modules)"
    assert run(code).strip() == 'False'


def test_without_tensorflow_the_import_says_which_extra_to_install():
    # None in sys.modules is what Python itself uses to say that a module cannot be imported.
    found = run("import sys; sys.modules['tensorflow'] = None; import deepexplain.tensorflow")
    assert 'ImportError: deepexplain.tensorflow needs TensorFlow 1.15 or 2.x, and found none' in found
    assert "pip install 'deepexplain[tensorflow]'" in found


def test_the_report_imports_no_tensorflow():
    assert run("import deepexplain.report, sys; print('tensorflow' in sys.modules)").strip() == 'False'


def test_plotting_imports_no_tensorflow():
    found = run("import deepexplain.plotting, sys; print('tensorflow' in sys.modules, 'matplotlib' in sys.modules)")
    assert found.strip() == 'False True'


@pytest.mark.parametrize('library', ['matplotlib', 'skimage'])
def test_without_what_plotting_needs_the_import_says_which_extra_to_install(library):
    found = run(f"import sys; sys.modules['{library}'] = None; import deepexplain.plotting")
    assert 'ImportError: deepexplain.plotting needs matplotlib 3.5 or later and scikit-image, and found no' in found
    assert f'found no {library}: ' in found
    assert "pip install 'deepexplain[plot]'" in found


@pytest.mark.parametrize('missing', ['jinja2', 'matplotlib'])
def test_without_jinja2_or_matplotlib_the_import_says_which_extra_to_install(missing):
    found = run(f"import sys; sys.modules['{missing}'] = None; import deepexplain.report")
    assert f'ImportError: deepexplain.report needs jinja2 and matplotlib, and found no {missing}' in found
    assert "pip install 'deepexplain[report]'" in found


def test_scikit_image_is_needed_for_pictures_only():
    code = """
import sys
sys.modules['skimage'] = None
import deepexplain.distributed, deepexplain.metrics, deepexplain.sequences, deepexplain.tensorflow
from deepexplain.metrics.randomization import _ssim
_ssim([], [])
"""
    assert run(code).strip().splitlines()[-1] == (
        'ImportError: The similarity of images, ssim, needs scikit-image, and found none: pip install scikit-image.'
    )


def test_without_ray_the_import_says_which_extra_to_install():
    found = run("import sys; sys.modules['ray'] = None; import deepexplain.distributed.ray")
    assert 'ImportError: deepexplain.distributed.ray needs Ray Data 2.55 or later, and found none' in found
    assert "pip install 'deepexplain[ray]'" in found


def test_a_broken_tensorflow_says_what_is_broken():
    code = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == 'tensorflow':
            raise ImportError('libcudart.so.11.0: cannot open shared object file', name='libcudart')
sys.meta_path.insert(0, Broken())
import deepexplain.tensorflow
"""
    assert run(code).strip().endswith('ImportError: libcudart.so.11.0: cannot open shared object file')
