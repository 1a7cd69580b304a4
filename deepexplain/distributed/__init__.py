"""Explanations by many processes: what each of them does with a batch, and engines that call it."""

from .workers import Worker

__all__ = ['Worker']
