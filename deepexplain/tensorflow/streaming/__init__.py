"""Explanations that are larger than memory, or longer than a process lives."""
