"""Saving: what a session has written is brought to where a power cut leaves it, beside its frames."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agents.hostagent.applied import AppliedBlocks
from agents.hostagent.digest_file import OpenDigests
from agents.hostagent.handles import HandlePool

SAVE_EVERY_S = 1.0
SAVE_SHARE = 8
"""Saving may take one part in so many of the time."""
WRITE_BACK_S, WRITE_BACK_MAX_S = 0.05, 0.4
"""The disk works while the frames arrive, and the flush at a round's end finds little left to do."""


class Saver:
    """Flushes the disk and then saves what of the round is applied, now and then and when asked."""

    def __init__(
        self,
        *,
        handles: HandlePool,
        digests: OpenDigests,
        applied: AppliedBlocks,
        rested: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """`rested` is called when nothing was written for a while, `failed` when saving raised."""
        self._handles = handles
        self._digests = digests
        self._applied = applied
        self._rested = rested
        self._failed = failed
        self._ended = threading.Event()
        self._saving = threading.Lock()
        self._flushing = threading.Lock()
        self._lost: Exception | None = None
        self._unsaved = False
        self._behind = False

    def written(self) -> None:
        """A frame is on the disk.

        To be said not when it was queued: a save may come in between, and sees none of it.
        """
        self._unsaved = self._behind = True

    @contextmanager
    def running(self) -> Iterator[None]:
        """Save now and then: a flush takes its time, and nobody need wait for it. At the end all is saved."""
        thread = threading.Thread(target=self._run, name="landing-save")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            self.save()

    def flush(self) -> None:
        """Have what has been written durable, with its digests. Raises what flushing raised.

        What of the round is applied can be saved later: nobody resumes a round that is answered, and who
        did not hear the answer sends again what is not saved.

        After one that failed all fail. The system tells of a write that was lost once, and calls the pages
        clean: to ask it again would be to hear that all is well.
        """
        with self._flushing:
            if self._lost is not None:
                raise self._lost
            try:
                with self._handles.borrow() as handle:
                    handle.flush()
            except Exception as error:
                self._lost = error
                raise
        self._digests.flush()

    def save(self) -> None:
        """Save what has been written. Raises what flushing raised."""
        with self._saving:  # one after another, or what is saved first could be the newer
            if not self._unsaved:
                return
            self._unsaved = False
            try:
                self._save()
            except BaseException:
                self._unsaved = True  # whoever is next must not take it for saved
                raise

    def _save(self) -> None:
        snapshot = self._applied.snapshot()
        self.flush()
        self._applied.save(snapshot)

    def _run(self) -> None:
        pause, saved_at, wait = SAVE_EVERY_S, time.monotonic(), WRITE_BACK_S
        while not self._ended.wait(min(wait, pause)):
            wait = min(wait * 2, WRITE_BACK_MAX_S)
            started = time.monotonic()
            try:
                if started < saved_at + pause:
                    self._write_back()
                    continue
                if not self._unsaved:
                    self._rested()
                self.save()
            except Exception as error:
                self._failed(error)
                return
            saved_at = time.monotonic()
            pause = max(SAVE_EVERY_S, (saved_at - started) * SAVE_SHARE)

    def _write_back(self) -> None:
        if self._behind:
            self._behind = False
            with self._handles.borrow() as handle:
                handle.write_back()
