"""What people do to sites: make one, give it credentials, accept its certificate."""

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from agents.domain.sealing import seal
from agents.domain.site import SiteState
from agents.models import Site
from agents.services.room import site_room
from agents.services.watching import site_wake
from portal.lib.plain import name_fault
from portal.lib.refusal import Refusal
from tenants.domain.roles import Actor, Right

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?")
NAME_MAX = 200
PASSWORD_MAX = 1000
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class SiteInvalid(Refusal):
    """A field of a site is not what it should be."""

    code = "site_invalid"
    status = 422


class SiteNameTaken(Refusal):
    """The organisation has a site of that name."""

    code = "site_name_taken"


class ConnectorMissing(Refusal):
    """A password can only be sealed to a connector that is there."""

    code = "AGT-01"


class SiteUnconnected(Refusal):
    """The site has no vCenter yet whose certificate could be accepted."""

    code = "site_unconnected"


@transaction.atomic
def site_create(*, actor: Actor, name: str) -> Site:
    """Return a new site; its vCenter comes with its first agent.

    Raises SiteNameTaken, SiteInvalid, QuotaExceeded and TenantSuspended.
    """
    actor.require(Right.MANAGE_SITES)
    name = name.strip()
    if not name:
        raise SiteInvalid("The site was not made.", why="It has no name.", remedy="Give it a name.")
    if fault := name_fault(name, NAME_MAX):
        raise SiteInvalid("The site was not made.", why=fault, remedy="Correct the name.")
    site_room(tenant_id=actor.tenant_id, what="The site was not made.")
    try:
        with transaction.atomic():
            return Site.objects.create(tenant_id=actor.tenant_id, name=name, state=SiteState.NO_CONNECTOR)
    except IntegrityError as error:
        raise SiteNameTaken(
            "The site was not made.", why=f"There is a site called {name}.", remedy="Choose another name."
        ) from error


@transaction.atomic
def site_connect(
    *, site: Site, actor: Actor, host: str, port: int, username: str, password: str, now: datetime
) -> Site:
    """Set the site's vCenter and seal its password to the connector. Raises SiteInvalid, ConnectorMissing.

    The address is dialled by the tenant's own connector and never by the portal.
    """
    actor.require(Right.MANAGE_SITES)
    own = (
        Site.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("connector")
        .get(id=site.id)
    )
    _address_check(host, port, username)
    _sign_in_check(username, password)
    if own.connector is None:
        raise ConnectorMissing(
            "The credentials were not taken.",
            why="The site has no connector, and a password is sealed to one.",
            remedy="Install an agent with the connector's duty first.",
        )
    moved = (own.host, own.port) != (host, port)
    own.host, own.port, own.username = host, port, username
    own.sealed_password = seal(bytes(own.connector.sealing_key), password.encode())
    own.fingerprint = "" if moved else own.fingerprint
    own.save(update_fields=["host", "port", "username", "sealed_password", "fingerprint"])
    _begin_anew(own, now)
    return Site.objects.get(id=own.id)


@transaction.atomic
def site_certificate_accept(*, site: Site, actor: Actor, fingerprint: str, now: datetime) -> Site:
    """Pin the certificate that a person has compared. Raises SiteInvalid and SiteUnconnected."""
    actor.require(Right.MANAGE_SITES)
    own = Site.objects.visible_to(actor).select_for_update().get(id=site.id)
    if not own.host:
        raise SiteUnconnected(
            "The certificate was not accepted.",
            why="The site has no vCenter yet that could show it.",
            remedy="Install the connector and enter the vCenter's address first.",
        )
    pin = fingerprint.replace(":", "").strip().lower()
    if not _FINGERPRINT.fullmatch(pin):
        raise SiteInvalid(
            "The certificate was not accepted.",
            why="A SHA-256 fingerprint has 64 hexadecimal digits.",
            remedy="Copy it from the vCenter's own certificate page.",
        )
    Site.objects.filter(id=own.id).update(fingerprint=pin)
    _begin_anew(own, now)
    return Site.objects.get(id=own.id)


def _begin_anew(site: Site, now: datetime) -> None:
    Site.objects.filter(id=site.id).update(generation=F("generation") + 1, halted=False)
    site_wake(site_id=site.id, now=now)


def _address_check(host: str, port: int, username: str) -> None:
    if not _HOST.fullmatch(host) or not 0 < port < 65536 or not username.strip():
        raise SiteInvalid(
            "The vCenter's address was not taken.",
            why="It needs a host name or address, a port between 1 and 65535, and a user.",
            remedy="Enter the name alone, without https:// or a path.",
        )


def _sign_in_check(username: str, password: str) -> None:
    if name_fault(username, NAME_MAX) or len(password) > PASSWORD_MAX:
        raise SiteInvalid(
            "The vCenter's user was not taken.",
            why=f"A user has at most {NAME_MAX} characters, none of them unseen; "
            f"a password has at most {PASSWORD_MAX}.",
            remedy="Enter both as the vCenter's own sign-in takes them.",
        )
