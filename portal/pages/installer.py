"""The release of the agent, as installers and upgrades fetch it: files of one folder, as they are."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse

from agents.domain.release import FILES, INSTALLER
from tenants.interfaces import OpenView

PART = 1 << 18
KINDS = {".json": "application/json", ".sh": "text/x-shellscript; charset=utf-8", ".tar": "application/x-tar"}


class Installer(OpenView):
    """The script, as it was signed: the portal's address is an option of the command."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return it."""
        return _file(INSTALLER)


class ReleaseFile(OpenView):
    """One file of the release. Whether it is what was signed is for the host to see."""

    def get(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Return it."""
        if name not in FILES:
            raise Http404
        return _file(name)


def _file(name: str) -> HttpResponseBase:
    path = Path(settings.AGENT_RELEASE) / name
    if not path.is_file():
        raise Http404
    kind = KINDS.get(path.suffix, "application/octet-stream")
    length = {"Content-Length": str(path.stat().st_size)}
    return StreamingHttpResponse(_parts(path), content_type=kind, headers=length)


def _parts(path: Path) -> Iterator[bytes]:
    """Return a file's content; it is open only while somebody reads."""
    with path.open("rb") as file:
        while part := file.read(PART):
            yield part
