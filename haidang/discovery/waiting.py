"""How a long scan shows that it goes on: a bar with the time left, on a terminal only."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress(out: Console, err: Console) -> Progress:
    """A bar that vanishes when it is done; nothing where there is no terminal.

    out: where results are printed meanwhile. On a terminal it draws the bar too, for two consoles that write
    to one screen overwrite each other.
    """
    screen = out if out.is_terminal else err
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)
