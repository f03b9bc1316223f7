"""A small real HTTP server that answers as a test says, and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    body: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class ScriptedPortal:
    """`answers` by `METHOD path`: a list is used up one by one, its last answer stays."""

    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    def on(self, call: str, *answers: Any, status: int = 200) -> None:
        """Answer a call with these bodies, one after another."""
        self.answers[call] = [(status, answer) for answer in answers]

    def requests(self, call: str) -> list[Asked]:
        """What came for a call."""
        return [one for one in self.asked if f"{one.method} {one.path}" == call]

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        left = self.answers.get(f"{asked.method} {asked.path}", [(404, {"title": "Not found"})])
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def scripted_portal() -> Iterator[ScriptedPortal]:
    """It listens on loopback until the end of the block."""
    portal = ScriptedPortal()

    class Answers(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            asked = Asked(self.command, self.path, body, dict(self.headers))
            status, said = portal.answer(asked)
            content = said.encode() if isinstance(said, str) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(said, str) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Set-Cookie", "csrftoken=a-token; Path=/")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    portal.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
