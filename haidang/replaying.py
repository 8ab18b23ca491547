"""`haidang replay`: a recorded log on a wire, with progress."""

from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from firmware_sim.replay import replay


async def replay_file(file: Path, to: str, rate: float | None, *, original_speed: bool) -> None:
    """Plays the log until its end. Raises ConfigurationError or LinkError."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(f"{file.name} → {to}", total=None)

        def report(sent: int, total: int) -> None:
            progress.update(task, completed=sent, total=total)

        await replay(file, to, rate=rate, original_speed=original_speed, progress=report)
