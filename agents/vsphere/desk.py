"""Answers the agent's questions to one vCenter, over a session that stays open between them."""

import http.client
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from msgspec import structs
from pyVmomi import vim, vmodl

from agents.domain.protocol import CreateMachine, Failed, MachinePower, Step, WatchInventory
from agents.vsphere import words
from agents.vsphere.machines import Machine, NameTaken, Nic, NotOurs, machine_ensure, machine_remove
from agents.vsphere.power import guest_shutdown, power_off, power_on
from agents.vsphere.properties import ObjectUnknown, TaskFailed
from agents.vsphere.session import (
    CertificateChanged,
    CertificateUnknown,
    CredentialsRefused,
    Endpoint,
    VCenterHung,
    VCenterUnreachable,
    session_open,
)
from agents.vsphere.watch import Emit, inventory_watch

Answer = Mapping[str, Any]

_FAILURES: tuple[tuple[tuple[type[BaseException], ...], Failed], ...] = (
    ((CertificateUnknown,), words.CERTIFICATE_UNKNOWN),
    ((CertificateChanged,), words.CERTIFICATE_CHANGED),
    ((CredentialsRefused,), words.CREDENTIALS_REFUSED),
    ((NameTaken,), words.NAME_TAKEN),
    ((ObjectUnknown, vmodl.fault.ManagedObjectNotFound), words.UNKNOWN),
    ((NotOurs,), words.NOT_OURS),
    ((TaskFailed, vmodl.MethodFault), words.REFUSED),
    ((VCenterHung, TimeoutError), words.HUNG),
    ((VCenterUnreachable, OSError, http.client.HTTPException), words.UNREACHABLE),
)


class Desk:
    """One vCenter's session, opened at the first question and again when it has ended."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._endpoint: Endpoint | None = None
        self._service: Any = None

    def answer(self, step: Step, endpoint: Endpoint, body: Any, emit: Emit) -> Answer:
        """Do one step; its result. Raises what `failed_of` knows."""
        act = _ACTIONS[step]
        try:
            return act(self._session(endpoint), body, emit, endpoint.fingerprint)
        except vim.fault.NotAuthenticated:  # it had idled too long, or the vCenter was restarted
            self.close()
            return act(self._session(endpoint), body, emit, endpoint.fingerprint)
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        """End the session."""
        self._stack.close()
        self._endpoint = self._service = None

    def _session(self, endpoint: Endpoint) -> Any:
        if self._endpoint != endpoint:
            self.close()
            self._service = self._stack.enter_context(session_open(endpoint))
            self._endpoint = endpoint
        return self._service


def failed_of(error: Exception) -> Failed | None:
    """The report of a failure, if it is one that is known."""
    for kinds, failed in _FAILURES:
        if isinstance(error, kinds):
            why = getattr(error, "msg", None) or str(error) or type(error).__name__
            return structs.replace(failed, why=why)
    return None


def _create(service: Any, body: CreateMachine, _emit: Emit, _pin: str) -> Answer:
    wanted = Machine(
        marker=body.marker,
        name=body.name,
        host=body.host,
        datastore=body.datastore,
        disks=[disk.size for disk in body.disks],
        cpus=body.cpus,
        memory_mib=body.memory_mib,
        guest_id=body.guest_id,
        firmware=body.firmware,
        nics=[Nic(nic.network, nic.mac, nic.kind) for nic in body.nics],
    )
    return {"machine": machine_ensure(service, wanted)}


def _watch(service: Any, body: WatchInventory, emit: Emit, pin: str) -> Answer:
    inventory_watch(service, resync_s=body.resync_s, emit=emit, fingerprint=pin)
    return {}


def _remove(service: Any, body: MachinePower, _emit: Emit, _pin: str) -> Answer:
    machine_remove(service, body.machine, marker=body.marker)
    return {}


def _power(act: Callable[[Any, str], None]) -> Callable[[Any, MachinePower, Emit, str], Answer]:
    def do(service: Any, body: MachinePower, _emit: Emit, _pin: str) -> Answer:
        act(service, body.machine)
        return {}

    return do


_ACTIONS: Mapping[Step, Callable[[Any, Any, Emit, str], Answer]] = {
    Step.WATCH_INVENTORY: _watch,
    Step.CREATE_MACHINE: _create,
    Step.SHUT_DOWN: _power(guest_shutdown),
    Step.POWER_OFF: _power(power_off),
    Step.POWER_ON: _power(power_on),
    Step.REMOVE_MACHINE: _remove,
}
