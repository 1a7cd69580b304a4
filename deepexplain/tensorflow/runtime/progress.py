"""A bar for long runs: rows that went through the network, their number per second, the time left."""

from typing import Any


class NoProgress:
    """Stands in for a tqdm bar that nobody wants to see."""

    total = 0

    def update(self, rows: int) -> None:
        """Count rows."""

    def close(self) -> None:
        """Nothing to close."""


def progress_bar(wanted: bool, total: int, name: str) -> Any:
    """A tqdm bar of rows, or a stand-in."""
    if not wanted:
        return NoProgress()
    from tqdm.auto import tqdm  # slow to import, and needed by few

    return tqdm(total=total, desc=name, unit=' rows', unit_scale=True)
