"""The agent's installer and its archive, which an install command fetches."""

import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.interfaces import OpenView

ARCHIVE = "landfall-agent.tar.gz"
INSTALLER = "install.sh"
PATIENCE_S = 60


class Installer(OpenView):
    """The script, made for this portal."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return it."""
        script = _packed()[INSTALLER].decode().replace("@PORTAL@", settings.PORTAL_URL)
        return HttpResponse(script, content_type="text/x-shellscript; charset=utf-8")


class Package(OpenView):
    """The archive that the script fetches and checks against its digest."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return it."""
        return HttpResponse(_packed()[ARCHIVE], content_type="application/gzip")


@lru_cache(maxsize=1)
def _packed() -> Mapping[str, bytes]:
    """Return both by name, packed once per process by the agent's own program; no folder is left of it."""
    with TemporaryDirectory(prefix="landfall-agent-") as folder:
        argv = [sys.executable, "-m", "agents.hostagent.packaging", folder]
        subprocess.run(argv, cwd=settings.ROOT, check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)
        return {name: (Path(folder) / name).read_bytes() for name in (ARCHIVE, INSTALLER)}
