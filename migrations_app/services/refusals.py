"""Every expected no of the migrations, with its stable code."""

from portal.lib.refusal import Refusal


class PlanInvalid(Refusal):
    """A plan named something that is not there, or not the tenant's."""

    code = "plan_invalid"
    status = 422


class NameTaken(Refusal):
    """Another group of the organisation has this name."""

    code = "group_name_taken"


class GroupStarted(Refusal):
    """A group can be started, and its plan be changed, before it has started."""

    code = "group_started"


class GroupNotStarted(Refusal):
    """A group that has not started cannot be cut over, committed or rolled back."""

    code = "group_not_started"


class GroupClosed(Refusal):
    """Every machine of the group is committed, rolled back or cancelled: nothing goes on in it."""

    code = "group_closed"


class PreflightFailed(Refusal):
    """The checks before the start found what would fail."""

    code = "preflight_failed"


class CutoverNotReady(Refusal):
    """A cut-over was asked for while machines were not ready for it."""

    code = "cutover_not_ready"


class CommitNotReady(Refusal):
    """A commit was asked for while machines were not waiting for it."""

    code = "commit_not_ready"


class RollbackRefused(Refusal):
    """A rollback was asked for where there is nothing to undo or no way back."""

    code = "rollback_refused"


class RetryRefused(Refusal):
    """A retry was asked for a machine that has not failed."""

    code = "retry_refused"


class NothingToAccept(Refusal):
    """A person's word was given where nobody waits for it."""

    code = "nothing_to_accept"


class ConfirmationWrong(Refusal):
    """What was typed to confirm is not what was asked for."""

    code = "confirmation_wrong"
    status = 422
