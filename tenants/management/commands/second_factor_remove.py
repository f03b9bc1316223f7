"""`manage.py second_factor_remove`: for somebody who has lost telephone, keys and recovery codes."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from tenants.models import Person


class Command(BaseCommand):
    """Takes a person's factors away and ends their sessions; be sure first that it is them who asks."""

    help = "Remove all second factors of a person, who then signs in by the password alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the e-mail address."""
        parser.add_argument("email")

    @transaction.atomic
    def handle(self, *_: Any, **options: Any) -> None:
        """Remove them and say how many."""
        person = Person.objects.filter(email=options["email"].strip().lower()).first()
        if person is None:
            raise CommandError("nobody signs in with that address")
        count = Authenticator.objects.filter(user=person).delete()[0]
        for session in UserSession.objects.filter(user=person):
            session.end()
        self.stdout.write(f"{count} removed, recovery codes among them; all sessions are ended")
