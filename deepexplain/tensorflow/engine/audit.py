"""What every op between X and T gets from a method, and whether the sum that the method promises holds through it."""

from typing import TYPE_CHECKING, Any, Iterable, List, NamedTuple, Optional, Sequence

from ...errors import GraphError, warn
from ..compat import Operation

if TYPE_CHECKING:
    from ..rules.book import Decision


class Row(NamedTuple):
    """One op: its name and type, its treatment in words, and whether the promised sum holds through it.

    ``exact`` is True, False, or None where the method promises none or nobody can tell.
    """

    op: str
    type: str
    treatment: str
    exact: Optional[bool]


_SHOWN = {True: 'yes', False: 'NO', None: '-'}


class Audit:
    """What :meth:`~deepexplain.tensorflow.Explainer.describe` returns. Printed, it is a table.

    Parameters
    ----------
    method : str
    promise : str or None
    decisions : list of :class:`~deepexplain.tensorflow.rules.book.Decision`
    regions : str, optional

    Attributes
    ----------
    method : str
    promise : str or None
        What a sample's attributions add up to where every op is exact, in words.
    rows : list of Row
        ``(op, type, treatment, exact)`` for each op between X and T, in order.
    regions : str or None
        How much of a row a part of a sample costs where only what it reaches is computed, and how far that goes.
    """

    def __init__(
        self,
        method: str,
        promise: Optional[str],
        decisions: 'Sequence[Decision]',
        regions: Optional[str] = None,
    ) -> None:
        self.method, self.promise, self._decisions, self.regions = method, promise, decisions, regions
        self.rows = [Row(step.op.name, step.op.type, rule.name, rule.exact) for step, rule in decisions]

    @property
    def breaks(self) -> List[Row]:
        """The rows of ops through which the promised sum does not hold."""
        return [row for row in self.rows if row.exact is False]

    def __str__(self) -> str:
        count = f'{len(self.rows)} ops between X and T'
        if not self.promise:
            lines = [f"'{self.method}' promises no sum. {count}:"]
        elif self.rows and all(row.exact is None for row in self.rows):
            lines = [f"'{self.method}' promises {self.promise}; whether its sum holds through {count} is not known:"]
        elif self.breaks:
            lines = [f"'{self.method}' breaks its sum, {self.promise}, at {len(self.breaks)} of {count}:"]
        else:
            # A layer's bias is a part of T that no input has made.
            but = ' but for what biases take' if self.promise == 'T(x)' else ''
            lines = [f"'{self.method}' keeps its sum, {self.promise}{but}, through all {count}:"]
        cells = [('op', 'type', 'treatment', 'exact')]
        cells += [(row.op, row.type, row.treatment, _SHOWN[row.exact]) for row in self.rows]
        widths = [max(len(cell[i]) for cell in cells) for i in range(3)]
        for op, kind, treatment, exact in cells:
            lines.append(f'  {op:<{widths[0]}}  {kind:<{widths[1]}}  {treatment:<{widths[2]}}  {exact}')
        return '\n'.join(lines + ([self.regions] if self.regions else []))

    __repr__ = __str__

    def say(self, plan: Any, strict: bool) -> None:
        """Warn of the ops that break the promise, if any, or raise a GraphError where ``strict`` is True.

        ``plan.at_breaks`` says what the method does there, ``plan.advice`` what mends it.
        """
        if not self.promise or not self.breaks:
            return
        advice = plan.advice([decision for decision in self._decisions if decision.rule.exact is False])
        message = (
            f'{plan.at_breaks.format(named(self.breaks))}, so attributions may not add up to {self.promise}. {advice} '
            'explainer.describe() lists what every op gets.'
        )
        if strict:
            raise GraphError(message)
        warn(message)


def named(rows: Sequence[Row], most: int = 5) -> str:
    """The first rows of a list by name and type of their op, and how many more there are."""
    names = [f"'{row.op}' ({row.type})" for row in rows[:most]]
    return ', '.join(names) + (f' and {len(rows) - most} more' if len(rows) > most else '')


def named_ops(ops: Iterable[Operation]) -> str:
    """The first of these ops, likewise."""
    return named([Row(op.name, op.type, '', None) for op in ops])
