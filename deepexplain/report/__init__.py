"""A report: what a model is, what it says of some samples and why, and how far that can be trusted, in one HTML file.

The file needs nothing beside it: no network, no script. It takes jinja2 and matplotlib.
"""

try:
    import jinja2 as _jinja2  # noqa: F401
    import matplotlib as _matplotlib  # noqa: F401
except ImportError as error:
    if (error.name or '').split('.')[0] not in ('jinja2', 'matplotlib'):
        raise  # it is there but broken: its own message says more
    raise ImportError(
        f"deepexplain.report needs jinja2 and matplotlib, and found no {error.name}: pip install 'deepexplain[report]'."
    ) from error

from .write import write_report

__all__ = ['write_report']
