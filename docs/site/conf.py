"""The site: Sphinx over the Markdown, the notebooks and the docstrings as they are. ``make docs`` builds it.

The root of the sources is the repository, so that links between pages are the same on GitHub and here. The README is
the first page, that of a folder stands for the folder, and ``nav.md`` lists all pages: one that it lacks is an error.
"""

import shutil
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes

from deepexplain import __version__ as release

SITE = Path(__file__).resolve().parent
ROOT = SITE.parent.parent

project = 'DeepExplain'
copyright = 'DeepExplain contributors'  # noqa: A001 - Sphinx calls it so

extensions = ['myst_nb', 'numpydoc', 'sphinx.ext.autodoc', 'sphinx_copybutton']
root_doc = 'README'
include_patterns = ['*.md', 'docs/**', 'examples/*']
exclude_patterns = ['.*', 'build', 'dist', 'docs/site', '**/*.py']
nitpicky = True
nitpick_ignore_regex = [('py:.*', r'deepexplain\.tensorflow\.(engine|rules|runtime)\..*')]  # to be read in the code

html_theme = 'furo'
html_title = f'DeepExplain {release}'
html_static_path = ['static']
html_css_files = ['site.css']
html_copy_source = False
html_show_sphinx = False
html_math_renderer = 'mathml'  # browsers draw it themselves: no script, no fonts, no network
pygments_style, pygments_dark_style = 'a11y-light', 'a11y-dark'

myst_heading_anchors = 4
myst_fence_as_directive = ['math']
nb_execution_mode = 'off'  # they are committed with their outputs
nb_merge_streams = True

autodoc_mock_imports = ['tensorflow']
autodoc_typehints = 'none'  # the docstrings say what comes, in words
numpydoc_show_class_members = False


def append_navigation(app, docname, source):
    """To the README, which GitHub shows too and so cannot have it."""
    if docname == app.config.root_doc:
        source[0] += '\n' + (SITE / 'nav.md').read_text(encoding='utf-8')


def link_folders(app, doctree):
    """To their README; to no page, where they have none."""
    here = ROOT / app.env.docname
    for link in list(doctree.findall(addnodes.pending_xref)):
        folder = (here.parent / link.get('reftarget', '')).resolve()
        if link.get('reftype') != 'myst' or link.get('refdomain') or not folder.is_dir():
            continue
        readme = folder.relative_to(ROOT).joinpath('README').as_posix()
        if readme in app.env.found_docs:
            link.attributes.update(refdomain='doc', reftarget=readme, reftargetid=None)
        else:
            link.replace_self(link.children)


def make_index_pages(app, exception):
    """A browser that opens a folder looks for ``index.html``."""
    if exception is None:
        for page in Path(app.outdir).rglob('README.html'):
            shutil.copyfile(page, page.with_name('index.html'))


def write_inline_math(self, node):
    """Inline, as MathML."""
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def write_math(self, node):
    """On lines of its own, as MathML."""
    self.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """What Sphinx is told beyond its options."""
    app.add_html_math_renderer('mathml', (write_inline_math, None), (write_math, None))
    app.connect('source-read', append_navigation)
    app.connect('doctree-read', link_folders)
    app.connect('build-finished', make_index_pages)
