"""What gateway and worker do with a connector's reports: store each, then apply it, as the worker's role."""

import socket
from base64 import b64decode
from uuid import UUID

import msgspec
from django.utils import timezone

from agents.domain.delivery import ReportKind
from agents.domain.protocol import InventoryKind
from agents.models import Command
from agents.services import report_store, reports_apply
from portal.lib.tenancy import tenant_context
from tests.bench.inventory_shapes import Told, say


def main(arguments: list[str]) -> int:
    """Serve one connector after another on the socket named first, for the tenant named second."""
    tenant = UUID(arguments[1])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(arguments[0])
        listener.listen()
        say("ready")
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    _take(tenant, msgspec.json.decode(line, type=Told))


def _take(tenant: UUID, told: Told) -> None:
    with tenant_context(tenant):
        report_store(
            command=Command.objects.get(id=told.command),
            number=told.number,
            kind=ReportKind(told.kind),
            body=told.body,
            signature=b64decode(told.signature),
            now=timezone.now(),
        )
    with tenant_context(tenant):
        reports_apply(command_id=told.command, now=timezone.now())
    if told.body.get("kind") == InventoryKind.SYNCED:
        say("applied")
