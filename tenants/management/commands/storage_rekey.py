"""`manage.py storage_rekey`: changes the key with which second factors are stored, in three steps."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from portal.lib import atrest

SECRETS = ("secret", "seed")


class Command(BaseCommand):
    """Adds a key, encrypts all with the newest, drops the old ones.

    In steps, because every machine of a portal needs the new key before anything is stored with it.
    """

    help = "--add a new key; without an option encrypt everything with the newest; then --drop the old ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the step."""
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--add", action="store_true", help="put a new key in front of the others")
        step.add_argument("--drop", action="store_true", help="keep the newest key alone")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do one step and say so."""
        if options["add"]:
            self.stdout.write(f"{atrest.key_add()} keys: bring storage.keys to the portal's other machines")
            return
        done = _rekey()
        if options["drop"]:
            self.stdout.write(f"{done} stored with the newest key, {atrest.keys_drop()} old keys dropped")
            return
        self.stdout.write(f"{done} stored with the newest key")


def _rekey() -> int:
    ids = list(Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("id", flat=True))
    return sum(_rekey_one(id_) for id_ in ids)


@transaction.atomic
def _rekey_one(id_: int) -> int:
    """Encrypt one anew; its row is locked, as a recovery code may be spent at this moment."""
    row = Authenticator.objects.select_for_update().filter(id=id_).first()
    if row is None:
        return 0
    for name in SECRETS:
        if name in row.data:
            row.data[name] = atrest.encrypt(atrest.decrypt(row.data[name]))
    row.save(update_fields=["data"])
    return 1
