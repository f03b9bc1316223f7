"""Who wrote when: the proof that never two guests wrote, and that none saw an error."""

import asyncio
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.progress import NAME, Progress, progress_read
from lab.sites import LabSite

LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a guest at one site."""

    side: str
    progress: Progress

    def overlaps(self, other: "Life") -> bool:
        """Whether both wrote within one stretch of time."""
        mine, theirs = self.progress, other.progress
        if not mine.first_at or not theirs.first_at:
            return False
        return mine.first_at <= theirs.last_at and theirs.first_at <= mine.last_at


@dataclass(slots=True)
class WritersWatch:
    """Looks at a machine's guests at both sites while it runs, since a folder goes with its machine."""

    name: str
    sides: dict[str, LabSite]
    lives: dict[tuple[str, float], Life] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look once more, and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._look()

    @property
    def two_wrote(self) -> bool:
        """Whether at any time guests at both sites wrote."""
        near = [life for life in self.lives.values() if life.side == "near"]
        far = [life for life in self.lives.values() if life.side == "far"]
        return any(mine.overlaps(theirs) for mine in near for theirs in far)

    @property
    def errors(self) -> int:
        """What guests saw of disks' errors."""
        return sum(life.progress.errors for life in self.lives.values())

    def last(self, side: str) -> Progress | None:
        """The latest life at one side."""
        there = [life.progress for life in self.lives.values() if life.side == side]
        return max(there, key=lambda progress: progress.started_at, default=None)

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        for side, site in self.sides.items():
            for path in self._files(side, site):
                with suppress(OSError, struct.error):  # it goes with its machine, or is being made
                    progress = progress_read(path)
                    self.lives[(side, progress.started_at)] = Life(side, progress)

    def _files(self, side: str, site: LabSite) -> Iterator[Path]:
        for host in site.hosts:
            for folder in site.machines_folder(host).glob("vm-*"):
                with suppress(OSError):
                    if f'"name": "{self.name}"' in (folder / "machine.json").read_text():
                        yield from folder.glob(f"{NAME}*")
