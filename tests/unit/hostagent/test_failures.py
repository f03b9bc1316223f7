"""Failures: a stable code, and words for a person."""

import pytest

from agents.domain.protocol import Failed, Failure
from agents.domain.sealing import SealBroken
from agents.hostagent.engine import EngineGone, EngineRefused, ResyncNeeded, ViewUnproved
from agents.hostagent.failures import StepFailed, deadline_passed, failed_from
from agents.hostagent.freeze import GuestReturned, GuestStillRunning
from agents.hostagent.lock import DiskBusy, LockLost
from agents.hostagent.mover import TransferFailed
from agents.hostagent.portal import PortalUnreachable
from agents.hostagent.wire import TransferRefused


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineGone("x"), Failure.ENGINE_GONE),
        (EngineRefused("x"), Failure.ENGINE_REFUSED),
        (ResyncNeeded("x"), Failure.RESYNC_NEEDED),
        (ViewUnproved("x"), Failure.VIEW_UNPROVED),
        (GuestStillRunning("x"), Failure.GUEST_STILL_RUNNING),
        (GuestReturned("x"), Failure.GUEST_RETURNED),
        (DiskBusy("x"), Failure.DISK_BUSY),
        (LockLost("x"), Failure.DISK_BUSY),
        (TransferFailed("x"), Failure.TRANSFER_FAILED),
        (TransferRefused("x"), Failure.TRANSFER_REFUSED),
        (PortalUnreachable("x"), Failure.TRANSFER_REFUSED),
        (SealBroken("x"), Failure.CREDENTIALS_REFUSED),
    ],
)
def test_each_failure_has_its_code_its_reason_and_its_remedy(error: Exception, code: Failure) -> None:
    failed = failed_from(error)
    assert (failed.code, failed.why) == (code, "x")
    assert failed.what
    assert failed.remedy


def test_a_step_may_bring_its_own_words() -> None:
    own = Failed(code=Failure.DISKS_DIFFER, what="They differ.")
    assert failed_from(StepFailed(own)) is own


def test_what_nobody_thought_of_is_internal_and_names_itself() -> None:
    failed = failed_from(ZeroDivisionError("division by zero"))
    assert failed.code is Failure.INTERNAL
    assert failed.why == "ZeroDivisionError: division by zero"


def test_a_passed_deadline_names_the_step() -> None:
    assert "sync" in deadline_passed("sync", Failure.TRANSFER_FAILED).what


def test_a_written_destination_is_not_to_be_tried_again() -> None:
    assert not failed_from(ViewUnproved("x")).retry
