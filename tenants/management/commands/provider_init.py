"""`manage.py provider_init`: makes the provider and its first person, once."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tenants.services import provider_create


class Command(BaseCommand):
    """Makes the provider; the password comes by environment, as arguments are for everybody to see."""

    help = "Make the provider and its first administrator. Does nothing where there is a provider."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a name and an e-mail address."""
        parser.add_argument("--name", required=True)
        parser.add_argument("--email", required=True)

    def handle(self, *_: Any, **options: Any) -> None:
        """Make it, or say that it is there."""
        password = os.environ.get("LANDFALL_ADMIN_PASSWORD", "")
        made = provider_create(name=options["name"], email=options["email"], password=password)
        self.stdout.write("made" if made else "there is a provider")
