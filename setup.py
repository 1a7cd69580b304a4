import os
import re

from setuptools import setup

HERE = os.path.dirname(os.path.abspath(__file__))
#: Where the files of this repository are shown: 'https://github.com/<owner>/<name>/blob/HEAD/'; None: nowhere yet.
FILES = None
#: A link or a picture whose target is no address and no place on the page; or code, in which there are none.
RELATIVE = re.compile(
    r'^```.*?^```|(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!https?:|#)(?P<target>[^)]*)\)', re.DOTALL | re.MULTILINE
)


def for_pypi(readme, files=FILES):
    """The README as PyPI shows it, where paths lead nowhere: they become addresses, or, without ``files``, words."""

    def replaced(found):
        if found['target'] is None:
            return found[0]
        if files is None:
            return (
                '*In the repository, a picture: {text}.*'.format(**found.groupdict())
                if found['picture']
                else found['text']
            )
        raw = '?raw=true' if found['picture'] else ''
        return '{picture}[{text}]({files}{target}{raw})'.format(files=files, raw=raw, **found.groupdict())

    return RELATIVE.sub(replaced, readme)


if __name__ == '__main__':  # all else is in pyproject.toml
    with open(os.path.join(HERE, 'README.md'), encoding='utf-8') as file:
        setup(long_description=for_pypi(file.read()), long_description_content_type='text/markdown')
