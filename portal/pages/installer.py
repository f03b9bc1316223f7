"""The agent's installer and its archive, which an install command fetches."""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

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
        script = (_packed() / INSTALLER).read_text().replace("@PORTAL@", settings.PORTAL_URL)
        return HttpResponse(script, content_type="text/x-shellscript; charset=utf-8")


class Package(OpenView):
    """The archive that the script fetches and checks against its digest."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return it."""
        return HttpResponse((_packed() / ARCHIVE).read_bytes(), content_type="application/gzip")


@lru_cache(maxsize=1)
def _packed() -> Path:
    """Return the folder with both, packed once per process by the agent's own program."""
    folder = Path(mkdtemp(prefix="landfall-agent-"))
    argv = [sys.executable, "-m", "agents.hostagent.packaging", str(folder)]
    subprocess.run(argv, cwd=settings.ROOT, check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)
    return folder
