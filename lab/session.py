"""A person at the portal: signs in as a browser would and uses the API with that session."""

from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

SIGN_IN = "/accounts/login/"
API = "/api/v1"
TIMEOUT_S = 30.0
SHOWN = 600


class PortalSaidNo(Exception):
    """The portal refused, with its problem document."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(
            f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:SHOWN]}"
        )
        self.status = answer.status_code
        self.body: dict[str, Any] = {}
        if "json" in answer.headers.get("content-type", ""):
            self.body = answer.json()


class PortalAway(OSError):
    """The portal does not answer: it is being started again."""


class Session:
    """One signed-in person."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._client = httpx.AsyncClient(base_url=address, timeout=TIMEOUT_S, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def sign_in(self, email: str, password: str) -> None:
        """Fill in the form. Raises PortalSaidNo."""
        await self._client.get(SIGN_IN)
        form = {"login": email, "password": password, "csrfmiddlewaretoken": self._token()}
        answer = await self._client.post(SIGN_IN, data=form, headers={"Referer": self.address + SIGN_IN})
        if answer.status_code != HTTPStatus.FOUND:
            raise PortalSaidNo(answer)

    async def get(self, path: str, **query: str) -> Any:
        """What the API answers to a GET below its root. Raises PortalSaidNo and PortalAway, as all do."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Any = None) -> Any:
        """What the API answers to a POST."""
        return await self._call("POST", path, json=body if body is not None else {})

    async def patch(self, path: str, body: Any) -> Any:
        """What the API answers to a PATCH."""
        return await self._call("PATCH", path, json=body)

    async def listed(self, path: str, **query: str) -> list[Any]:
        """All of a list, page after page."""
        found: list[Any] = []
        said = await self.get(path, **query)
        while isinstance(said, dict):
            found += said["results"]
            if not said.get("next"):
                return found
            said = await self._call("GET", said["next"].removeprefix(self.address).removeprefix(API))
        return [*found, *said]

    async def _call(self, method: str, path: str, **given: Any) -> Any:
        headers = {"X-CSRFToken": self._token(), "Referer": self.address, "Accept": "application/json"}
        try:
            answer = await self._client.request(method, f"{API}{path}", headers=headers, **given)
        except httpx.TransportError as error:
            raise PortalAway(f"{method} {path}: {error!r}") from error
        if answer.is_error or answer.is_redirect:
            raise PortalSaidNo(answer)
        return answer.json() if answer.content else None

    def _token(self) -> str:
        """Django's token against forged requests, as it stands in the cookie."""
        return next((value for name, value in self._client.cookies.items() if "csrf" in name), "")
