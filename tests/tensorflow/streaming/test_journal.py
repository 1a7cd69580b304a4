"""The journal: what it says again of what was noted, whatever of it is whole."""

from hypothesis import given
from hypothesis import strategies as st

from deepexplain.tensorflow.streaming.journal import Journal

JOB = {'method': 'saliency', 'chunk': 8}
CHUNKS = {(0, 8): ['0123abcd'], (8, 16): ['ffffffff'], (16, 20): ['00000000']}


def written(path):
    journal = Journal(path)
    journal.begin(JOB)
    journal.note_output(0, '<f4', (28, 28, 1))
    for (start, stop), sums in CHUNKS.items():
        journal.note_chunk(start, stop, sums)
    journal.close()
    with open(path, 'rb') as file:
        return file.read()


def test_what_was_noted_is_read(tmp_path):
    path = str(tmp_path / 'journal')
    assert Journal(path).job is None
    written(path)
    found = Journal(path)
    assert (found.job, found.outputs, found.chunks) == (JOB, {0: ('<f4', (28, 28, 1))}, CHUNKS)


def test_a_line_that_is_not_whole_is_cut_off_before_the_next(tmp_path):
    path = str(tmp_path / 'journal')
    whole = written(path)
    with open(path, 'ab') as file:
        file.write(b'20 28 0123456789 and more than a line has')
    journal = Journal(path)
    assert journal.chunks == CHUNKS
    journal.begin(JOB)
    journal.note_chunk(20, 28, ['aaaaaaaa'])
    journal.close()
    with open(path, 'rb') as file:
        assert file.read() == whole + b'20 28 aaaaaaaa\n'


@given(st.integers(0, 200))
def test_cut_anywhere_it_has_the_chunks_whose_lines_are_whole(tmp_path_factory, at):
    path = str(tmp_path_factory.mktemp('journal') / 'journal')
    whole = written(path)
    first = whole.index(b'\n') + 1
    cut = min(first + at, len(whole))
    with open(path, 'r+b') as file:
        file.truncate(cut)
    lines = whole[first:cut].count(b'\n')
    assert list(Journal(path).chunks) == list(CHUNKS)[: max(0, lines - 1)]
