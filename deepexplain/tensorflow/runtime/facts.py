"""What is known of a model beside its graph: the names of its classes and of its columns, and what was said of it."""

from typing import Any, Dict, List, Optional, Set

from ...arguments import has, text_of
from ...errors import ArgumentError


class Facts:
    """Shared by all explainers of one context, or of one opened model. NumPy only.

    Parameters
    ----------
    class_names : list of str, optional
        One for each output of a sample.
    says_sums : bool, default False
        Whether to say, once, that the sum of several outputs is explained where nothing was chosen. Of code written for
        0.3, which chooses by ``T * ys``, that would be a false alarm.

    Attributes
    ----------
    columns : dict
        Name of an input -> the names of the columns of the first table that was given for it.
    said : set of str
    """

    def __init__(self, class_names: Optional[List[str]] = None, says_sums: bool = False) -> None:
        self.class_names, self.says_sums = class_names, says_sums
        self.columns: Dict[str, List[Any]] = {}
        self.said: Set[str] = set()

    def check_columns(self, name: str, value: Any, what: str, of_row: bool = False) -> None:
        """Raise where a table for this input has a column that stood at another place in the first one.

        Other names at the same places pass: nobody can tell whether they mean something else.
        ``of_row``: the value may be one row, a Series.
        """
        names, known = names_of(value, of_row), self.columns.get(name)
        if names is None or known is None:
            return
        places = {label: place for place, label in enumerate(known) if known.count(label) == 1}
        for place, label in enumerate(names):
            if places.get(label, place) != place and names.count(label) == 1:
                raise ArgumentError(
                    f"{what} has its columns in another order than the table that was given first for '{name}': "
                    f'{text_of(label)} is column {place}, and was column {places[label]}. Bring them into the order in '
                    f'which the network was trained, {what}[columns], with columns={text_of(known)}.'
                )

    def keep_columns(self, name: str, value: Any, of_row: bool = False) -> None:
        """Remember the columns of a table for this input, if it is the first."""
        names = names_of(value, of_row)
        if names is not None:
            self.columns.setdefault(name, names)

    def feature_names(self, name: str) -> Optional[List[str]]:
        """The names of an input's columns, if somebody gave them names."""
        names = self.columns.get(name)
        return None if names is None or names == list(range(len(names))) else [str(label) for label in names]


def names_of(value: Any, of_row: bool = False) -> Optional[List[Any]]:
    """The names of the columns of a table (pandas, polars); those of a row, with ``of_row``; None of anything else."""
    for attribute in ('columns', 'index') if of_row else ('columns',):
        if has(value, 'to_numpy') and has(value, attribute):
            try:
                return list(getattr(value, attribute))
            except Exception:  # whatever it is, it is no list of names
                return None
    return None


def check_same_rows(xs: Any, ys: Any) -> None:
    """Raise where two tables have the same rows in another order, by their index: as after a shuffle of one of them."""
    if not all(has(value, 'to_numpy') and has(value, 'index') and not callable(value.index) for value in (xs, ys)):
        return
    a, b = list(xs.index), list(ys.index)
    if a != b and len(a) == len(b) == len(set(a)) and set(a) == set(b):
        place = next(i for i, (one, other) in enumerate(zip(a, b)) if one != other)
        raise ArgumentError(
            f'ys and xs have the same rows in another order: row {place} of ys is {text_of(b[place])}, and of xs '
            f'{text_of(a[place])}. Rows are taken as they stand, not by their index: pass ys.loc[xs.index].'
        )
