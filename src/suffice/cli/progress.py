"""How long work shows that it goes on: on standard error, and only where somebody looks."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from suffice.cli.terminal import open_console
from suffice.lab.trial import Note


@contextmanager
def show_steps(first: str) -> Generator[Note]:
    """A line with the step that is being done; gone when the work is.

    Yields:
        Is to be told of every further step.
    """
    console = open_console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(first, total=None)
        yield lambda step: progress.update(task, description=step)
