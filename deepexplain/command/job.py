"""What is around every command: errors in one sentence, warnings without a line of code, TensorFlow's log."""

import contextlib
import logging
import os
import tempfile
import warnings
from typing import Any, Callable, Iterator

import click

from ..errors import ArgumentError, ArgumentTypeError, DeepExplainError, DeepExplainWarning


class Job(click.Command):
    """A command whose errors are one sentence on standard error, with exit code 1; ``--debug`` shows where."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        debug = ctx.params['debug']
        try:
            with _warnings_as_sentences(debug):
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if debug:
                raise
            raise click.ClickException(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    said = ' '.join(str(error).split())
    if isinstance(error, (DeepExplainError, ImportError)):
        return said
    if isinstance(error, MemoryError):
        return f'Not enough memory. {said} Fewer samples (--first) or a smaller --batch-size take less.'
    if isinstance(error, OSError) and error.strerror:
        return f"'{error.filename}': {error.strerror}" if error.filename else error.strerror
    return f'{type(error).__name__}: {said} (Nobody foresaw this one: --debug shows where it comes from.)'


@contextlib.contextmanager
def _warnings_as_sentences(debug: bool) -> Iterator[None]:
    """Show warnings of this library in a sentence each; those of others only with ``--debug``."""

    def show(message: Any, category: Any, *where: Any, **more: Any) -> None:
        click.echo(f'Warning: {message}', err=True)

    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter('ignore')
            warnings.simplefilter('always', DeepExplainWarning)
            warnings.showwarning = show
        yield


class WrongUse(click.ClickException):
    """An argument that the library refuses: one sentence, with the exit code of usage."""

    exit_code = 2


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Let an argument that the library refuses be an error of usage, with exit code 2."""
    try:
        yield
    except (ArgumentError, ArgumentTypeError) as error:
        raise WrongUse(_sentence(error)) from error


def open_model_of_library() -> Callable[..., Any]:
    """``open_model``, and with it TensorFlow, whose log is left out unless TF_CPP_MIN_LOG_LEVEL is set."""
    if 'TF_CPP_MIN_LOG_LEVEL' in os.environ:
        return _imported()
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    logging.getLogger('tensorflow').setLevel(logging.ERROR)
    # Some lines are written before TensorFlow looks at any level, and straight to the file.
    with tempfile.TemporaryFile() as log:
        kept = os.dup(2)
        try:
            os.dup2(log.fileno(), 2)
            return _imported()
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _imported() -> Callable[..., Any]:
    from ..tensorflow.models import open_model

    return open_model
