"""What the gateway answers when it says no: RFC 9457 problem documents with our codes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no: HTTP status, stable code, and words for a person."""

    status: int
    code: str
    detail: str

    def document(self) -> dict[str, object]:
        """Return the problem document."""
        return {"type": "about:blank", "title": self.code, "status": self.status, "code": self.code} | {
            "detail": self.detail
        }


class Problem(Exception):
    """Raised with a refusal. A new one each time: one that is raised again keeps all frames it has passed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


BEARER_WRONG = Refusal(401, "AGT-03", "The bearer is unknown or has expired: ask for a session.")
REVOKED = Refusal(403, "AGT-02", "A person has revoked this agent.")
UNKNOWN = Refusal(403, "AGT-04", "No such agent, or its signature does not hold.")
CLOCK = Refusal(403, "CLK-01", "The agent's clock is more than five minutes off: set it by NTP.")
TOO_MANY = Refusal(429, "AGT-05", "Too many requests: wait a second.")
TOO_LARGE = Refusal(413, "AGT-06", "The request is too large.")
TOO_SLOW = Refusal(408, "AGT-09", "The request did not come in time.")
MALFORMED = Refusal(400, "AGT-07", "The request is not what the protocol asks for.")
NOT_FOUND = Refusal(404, "AGT-08", "There is nothing here.")
COMMAND_CLOSED = Refusal(409, "TKT-01", "The command is not open, or not this agent's.")
DATABASE_AWAY = Refusal(503, "SRV-01", "The database does not answer: try again.")
STREAM_REFUSED = Refusal(403, "LIV-01", "The stream's token is not valid: reload the page.")
