"""The bar, and that nothing shows where nobody asked for it."""

from deepexplain.tensorflow.runtime.progress import progress_bar


def test_a_bar_of_progress_counts_rows(capsys):
    bar = progress_bar(True, 12, 'occlusion')
    bar.update(5)
    assert (bar.n, bar.total) == (5, 12)
    bar.close()
    shown = capsys.readouterr().err
    assert 'occlusion' in shown
    assert '5.00/12.0' in shown
    assert 'rows/s' in shown
    quiet = progress_bar(False, 12, 'occlusion')
    quiet.update(5)
    quiet.close()
    assert capsys.readouterr().err == ''
