"""FASTA files: what is read of good ones, and which line of bad ones the message names."""

import gzip
import io

import pytest

from deepexplain.errors import ArgumentError, ArgumentTypeError
from deepexplain.sequences import read_fasta

TEXT = '>chr1:10-20 a peak\nACGT\nacgn\n\n>two\t\nGG-A*\n'


def packed(content):
    """Compressed, without the time, so that the names of tests are the same in every process."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode='wb', mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize('end', ['\n', '\r\n'])
@pytest.mark.parametrize('name', ['a.fa', 'a.fa.gz'])
@pytest.mark.parametrize('pack', [bytes, gzip.compress], ids=['plain', 'gz'])
def test_names_sequences_and_descriptions(tmp_path, end, name, pack):
    path = write(tmp_path / name, pack(TEXT.replace('\n', end).encode()))
    for given in (path, str(path), bytes(path)):
        found = read_fasta(given)
        assert found == (['chr1:10-20', 'two'], ['ACGTacgn', 'GG-A*'], ['a peak', ''])
    assert found.names == found[0]


def test_files_of_several_gzip_members_a_byte_order_mark_comments_and_tabs(tmp_path):
    content = gzip.compress('\ufeff; an old comment\n>a\tof é\nAC\n'.encode()) + gzip.compress(b'GT')
    assert read_fasta(write(tmp_path / 'a.gz', content)) == (['a'], ['ACGT'], ['of é'])


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', "'.*a.fa' has no sequence: no line begins with '>'"),
        (b'\nACGT\n', "'.*a.fa', line 2: '>' and a name must come first; got 'ACGT'"),
        (b'>a\nAC\n> \nGT', "'.*a.fa', line 3: a name must follow '>'"),
        (b'>a\n\n>b\nAC', "'.*a.fa', line 1: no letters follow this name"),
        (b'>a\nAC\n>b\n', "'.*a.fa', line 3: no letters follow this name"),
        (b'>a\nAC\nAC GT', "line 3: a sequence has letters, '\\*', '-' and '.' only; got ' ' at column 3"),
        (b'>a\nAC\n1 ACGT', "line 3: .* got '1' at column 1"),
        (b'>a\nAC\xff', "'.*a.fa', line 2: it is no text in UTF-8, as FASTA files are"),
        (packed(b'>a\nAC\n' * 9)[:-9], r"'.*a.fa' cannot be read after line \d+: "),
        (packed(b'>a\nAC\n')[:12] + b'\xff' * 30, r"'.*a.fa' cannot be read after line \d+: "),
    ],
)
def test_bad_files(tmp_path, content, message):
    with pytest.raises(ArgumentError, match=message):
        read_fasta(write(tmp_path / 'a.fa', content))


def test_bad_paths(tmp_path):
    with pytest.raises(ArgumentError, match="path must be that of a FASTA file; there is none: '.*none.fa'"):
        read_fasta(tmp_path / 'none.fa')
    with pytest.raises(ArgumentError, match='path must be that of a FASTA file; it is a directory: '):
        read_fasta(tmp_path)
    with pytest.raises(ArgumentError, match="there is none: 'a\\\\x00b'"):
        read_fasta('a\0b')
    for wrong in (3, None, ['a'], object()):
        with pytest.raises(ArgumentTypeError, match='path must be the path of a FASTA file; got '):
            read_fasta(wrong)
