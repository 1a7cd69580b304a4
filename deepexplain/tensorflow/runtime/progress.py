"""A bar for long runs: rows that went through the network, their number per second, the time left."""

from typing import Any, Optional


class NoProgress:
    """Stands in for a tqdm bar that nobody wants to see."""

    total = 0

    def update(self, rows: int) -> None:
        """Count rows."""

    def close(self) -> None:
        """Nothing to close."""


def progress_bar(wanted: bool, total: Optional[int], name: str, done: int = 0, unit: str = ' rows') -> Any:
    """A tqdm bar of rows, or a stand-in; ``done`` of them were so before, and count for no time."""
    if not wanted:
        return NoProgress()
    from tqdm.auto import tqdm  # slow to import, and needed by few

    return tqdm(total=total, desc=name, unit=unit, unit_scale=True, initial=done)
