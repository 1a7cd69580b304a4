"""Runs that write what they explain while they go, and go on where they were stopped."""

from .run import run_to

__all__ = ['run_to']
