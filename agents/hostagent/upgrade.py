"""The step UPGRADE: fetch the release that the portal serves, prove it, put it in place, make way for it.

What counts is this host's own copy of the release key. A portal in the wrong hands can ask for an upgrade,
and gets nothing run that the key's holder has not signed, nor anything older than what runs.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from agents.domain.protocol import Failed, Failure, Upgrade, Upgraded
from agents.domain.release import (
    ARCHIVE,
    KEY,
    MANIFEST,
    MANIFEST_MAX,
    SIGNATURE,
    Manifest,
    ReleaseUnreadable,
    fingerprint,
)
from agents.hostagent.barrier import barrier
from agents.hostagent.executor import Order
from agents.hostagent.failures import StepFailed
from agents.hostagent.installed import Installed
from agents.hostagent.placing import Unplaceable, release_place, release_switch
from agents.hostagent.proof import SIGNATURE_LENGTH, ReleaseRefused, archive_prove, manifest_prove

QUIET_POLL_S = 0.05
KEY_MAX = 1000
WORDS = {
    Failure.RELEASE_UNSIGNED: (
        "The release is not signed by the key that this host trusts.",
        "Ask the provider to sign it. What nobody signed may be somebody else's, who holds the portal.",
    ),
    Failure.RELEASE_OTHER_KEY: (
        "The release is signed by another key than this host trusts.",
        "Ask the provider whether they have changed the release key. If so, a person on the host runs the "
        "installer with --release-key and --replace-key; if not, somebody else may hold the portal.",
    ),
    Failure.RELEASE_ALTERED: (
        "The release is not what was signed.",
        "Ask for the upgrade again; if it stays, something changes files at the portal or on the way.",
    ),
    Failure.RELEASE_OLDER: (
        "The release is older than what runs here.",
        "Nothing to do. Going back is for a person on the host: run the installer with --allow-downgrade.",
    ),
    Failure.RELEASE_UNFIT: (
        "The release cannot be put in place on this host.",
        "Correct what the reason names, then ask for the upgrade again; or run the installer on the host.",
    ),
    Failure.RELEASE_ROLLED_BACK: (
        "The new release did not come up, and the one before it runs again.",
        "The agent's log on the host says what the new one met; ask again when that is mended.",
    ),
    Failure.RELEASE_OUT_OF_REACH: (
        "The release cannot be fetched from the portal.",
        "Let the host reach the portal's /agent/release/, then ask for the upgrade again.",
    ),
}


@dataclass(slots=True)
class Upgrades:
    """Upgrades of this agent. `quiet` says whether a restart would interrupt anything at this moment."""

    installed: Installed | None
    portal: str
    client: httpx.AsyncClient
    quiet: Callable[[], bool]
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the agent is to end, so that what `current` leads to starts in its place."""
    _confirmed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def possible(self) -> bool:
        """Return whether the installer put this agent here: only then is there anything to exchange."""
        return self.installed is not None

    def confirm(self) -> None:
        """The portal is reached, with whatever release runs."""
        if not self._confirmed.is_set():
            barrier("upgrade.reached")
            if self.installed is not None:
                self.installed.confirm()
            self._confirmed.set()

    async def upgrade(self, order: Order) -> Upgraded:
        """Run the step; also again, after its restart and after any death in between. Raises StepFailed."""
        body: Upgrade = order.body
        try:
            installed = self._here()
            if installed.manifest.version == body.version:
                await self._confirmed.wait()
                return Upgraded(version=body.version)
            _not_rolled_back(installed, order)
            manifest = await self._take(installed, body.version)
        except ReleaseRefused as error:
            raise _failed(error.code, str(error)) from error
        except Unplaceable as error:
            raise _failed(Failure(error.code), str(error)) from error
        except httpx.HTTPError as error:
            raise _failed(Failure.RELEASE_OUT_OF_REACH, f"{error or type(error).__name__}") from error
        except OSError as error:
            raise _failed(Failure.RELEASE_UNFIT, str(error)) from error
        order.progress({"waits": True, "version": manifest.version})
        while not self.quiet():
            await asyncio.sleep(QUIET_POLL_S)
        release_switch(installed.prefix, manifest, order=str(order.command.id))
        self.leave.set()
        await asyncio.Event().wait()  # until the agent ends; the next one takes this step up again
        raise AssertionError

    def _here(self) -> Installed:
        if self.installed is None:
            raise ReleaseRefused(
                Failure.RELEASE_UNFIT, "it was not put here by the installer, so there is nothing to exchange"
            )
        return self.installed

    async def _take(self, installed: Installed, version: str) -> Manifest:
        """Fetch, prove and put in place; nothing that runs is touched."""
        folder = installed.prefix / "fetched"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            await self._fetch(KEY, folder, KEY_MAX)
            _check_key(installed, (folder / KEY).read_text())
            await self._fetch(MANIFEST, folder, MANIFEST_MAX)
            await self._fetch(SIGNATURE, folder, SIGNATURE_LENGTH, missing=Failure.RELEASE_UNSIGNED)
            read = [(folder / name).read_bytes() for name in (MANIFEST, SIGNATURE)]
            manifest = manifest_prove(read[0], read[1], key=installed.key)
            _check_wanted(installed, manifest, version)
            barrier("upgrade.proved")
            await self._fetch(ARCHIVE, folder, manifest.size)
            await asyncio.to_thread(archive_prove, folder / ARCHIVE, manifest)
            barrier("upgrade.fetched")
            await asyncio.to_thread(release_place, installed.prefix, folder, manifest)
            return manifest
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _fetch(
        self, name: str, folder: Path, most: int, *, missing: Failure = Failure.RELEASE_OUT_OF_REACH
    ) -> None:
        """Write a file of the release; no more of it than `most` bytes. Raises ReleaseRefused, HTTPError."""
        url = f"{self.portal}/agent/release/{name}"
        taken = 0
        async with self.client.stream("GET", url) as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                raise ReleaseRefused(missing, f"{url} is not there")
            if not answer.is_success:
                raise ReleaseRefused(Failure.RELEASE_OUT_OF_REACH, f"{url} answers {answer.status_code}")
            with (folder / name).open("wb") as file:
                async for part in answer.aiter_bytes():
                    taken += len(part)
                    if taken > most:
                        raise ReleaseRefused(Failure.RELEASE_ALTERED, f"{name} is longer than it should be")
                    file.write(part)


def _check_key(installed: Installed, shown: str) -> None:
    """Raise when the portal shows another key: told apart for a person; what is proved is the signature."""
    try:
        same = fingerprint(shown) == fingerprint(installed.key)
    except ReleaseUnreadable as error:
        raise ReleaseRefused(Failure.RELEASE_OTHER_KEY, str(error)) from error
    if not same:
        raise ReleaseRefused(
            Failure.RELEASE_OTHER_KEY,
            f"the portal shows {fingerprint(shown)}, and this host trusts {fingerprint(installed.key)}",
        )


def _check_wanted(installed: Installed, manifest: Manifest, version: str) -> None:
    if manifest.order < installed.manifest.order:
        raise ReleaseRefused(
            Failure.RELEASE_OLDER, f"{manifest.version} is older than {installed.manifest.version}"
        )
    if manifest.version != version:
        raise ReleaseRefused(
            Failure.RELEASE_OUT_OF_REACH,
            f"{version} was asked for, and the portal serves {manifest.version} by now",
        )


def _not_rolled_back(installed: Installed, order: Order) -> None:
    """Raise when this very command has brought in a release that did not come up: it is not tried again."""
    told = installed.rolled_back()
    if told is not None and told.order == str(order.command.id):
        raise ReleaseRefused(Failure.RELEASE_ROLLED_BACK, f"{told.id}: {told.why}")


def _failed(code: Failure, why: str) -> StepFailed:
    what, remedy = WORDS[code]
    return StepFailed(
        Failed(code=code, what=what, why=f"{why[:1].upper()}{why[1:]}.", remedy=remedy, retry=False)
    )
