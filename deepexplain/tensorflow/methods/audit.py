"""What every op between X and T gets from a method, and whether the sum that the method promises holds through it."""

from collections import namedtuple

from ...errors import GraphError, warn

#: One op: its name and type, its treatment in words, and whether the promised sum holds through it: True, False, or
#: None where the method promises none or nobody can tell.
Row = namedtuple('Row', 'op type treatment exact')

_SHOWN = {True: 'yes', False: 'NO', None: '-'}


class Audit:
    """What :meth:`describe` returns. Printed, it is a table.

    Attributes
    ----------
    method : str
    promise : str or None
        What a sample's attributions add up to where every op is exact, in words.
    rows : list of Row
        ``(op, type, treatment, exact)`` for each op between X and T, in order.
    """

    def __init__(self, method, promise, rows):
        self.method, self.promise, self.rows = method, promise, rows

    @property
    def breaks(self):
        """The rows of ops through which the promised sum does not hold."""
        return [row for row in self.rows if row.exact is False]

    def __str__(self):
        count = f'{len(self.rows)} ops between X and T'
        if not self.promise:
            lines = [f"'{self.method}' promises no sum. {count}:"]
        elif self.breaks:
            lines = [f"'{self.method}' breaks its sum, {self.promise}, at {len(self.breaks)} of {count}:"]
        else:
            lines = [f"'{self.method}' keeps its sum, {self.promise}, through all {count}:"]
        cells = [('op', 'type', 'treatment', 'exact')]
        cells += [(row.op, row.type, row.treatment, _SHOWN[row.exact]) for row in self.rows]
        widths = [max(len(cell[i]) for cell in cells) for i in range(3)]
        for op, kind, treatment, exact in cells:
            lines.append(f'  {op:<{widths[0]}}  {kind:<{widths[1]}}  {treatment:<{widths[2]}}  {exact}')
        return '\n'.join(lines)

    __repr__ = __str__

    def say(self, reason, advice, strict):
        """Warn of the ops that break the promise, if any, or raise a GraphError where ``strict`` is True.

        ``reason`` says what the method does there (``{}`` stands for the ops), ``advice`` what mends it.
        """
        if not self.promise or not self.breaks:
            return
        message = (
            f'{reason.format(named(self.breaks))}, so attributions may not add up to {self.promise}. {advice} '
            'explainer.describe() lists what every op gets.'
        )
        if strict:
            raise GraphError(message)
        warn(message)


def named(rows, most=5):
    """The first ops of a list by name and type, and how many more there are."""
    names = [f"'{row.op}' ({row.type})" for row in rows[:most]]
    return ', '.join(names) + (f' and {len(rows) - most} more' if len(rows) > most else '')
