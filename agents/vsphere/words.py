"""What a person reads when a vCenter did not do what it was asked. No pyVmomi in here."""

from agents.domain.protocol import Failed, Failure

UNREACHABLE = Failed(
    code=Failure.VCENTER_UNREACHABLE,
    what="The vCenter does not answer at its address.",
    remedy="See that the address is right and that this connector's host can reach it.",
)
HUNG = Failed(
    code=Failure.VCENTER_HUNG,
    what="The vCenter accepts connections but does not answer.",
    remedy="See whether the vCenter is overloaded or stopped. Landfall tries again by itself.",
)
REFUSED = Failed(
    code=Failure.VCENTER_REFUSED,
    what="The vCenter refused.",
    remedy="The reason is the vCenter's own; see the user's rights and the machine's state there.",
)
CERTIFICATE_UNKNOWN = Failed(
    code=Failure.CERTIFICATE_UNKNOWN,
    what="Nobody has accepted this vCenter's certificate yet.",
    remedy="Compare its fingerprint with the vCenter's own and accept it.",
    retry=False,
)
CERTIFICATE_CHANGED = Failed(
    code=Failure.CERTIFICATE_CHANGED,
    what="The vCenter shows another certificate than the one that was accepted.",
    remedy="If it was renewed, compare and accept it; if not, somebody is in between.",
    retry=False,
)
CREDENTIALS_REFUSED = Failed(
    code=Failure.CREDENTIALS_REFUSED,
    what="The vCenter refuses the user or the password.",
    remedy="Enter them again. Landfall does not try these a second time, as accounts get locked.",
    retry=False,
)
NAME_TAKEN = Failed(
    code=Failure.NAME_TAKEN,
    what="There is already a machine of that name at the destination.",
    remedy="Rename that one, or choose another name.",
    retry=False,
)
UNKNOWN = Failed(
    code=Failure.MACHINE_UNKNOWN,
    what="The vCenter does not know the machine, host, datastore or network that was named.",
    remedy="See whether it was removed; the inventory shows what is there.",
)
NOT_OURS = Failed(
    code=Failure.VCENTER_REFUSED,
    what="The machine is not one that this migration created, so it was not removed.",
    remedy="Remove it by hand if it should go.",
    retry=False,
)
