"""What sign-in needs: sessions, lock-outs and e-mail addresses belong to people, not to tenants."""

from django.db import migrations

from portal.lib.rls import grant
from portal.lib.roles import WEB

_ALL = "SELECT, INSERT, UPDATE, DELETE"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_fences"),
        ("sessions", "0001_initial"),
        ("account", "__latest__"),
        ("axes", "__latest__"),
    ]

    operations = [
        grant(_ALL, "django_session", to=[WEB]),
        grant(_ALL, "account_emailaddress, account_emailconfirmation", to=[WEB]),
        grant(_ALL, "axes_accessattempt, axes_accesslog, axes_accessfailurelog", to=[WEB]),
        grant(_ALL, "axes_accessattemptexpiration", to=[WEB]),
    ]
