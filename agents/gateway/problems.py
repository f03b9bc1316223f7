"""What the gateway answers when it says no: RFC 9457 problem documents with our codes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem(Exception):
    """A refusal: HTTP status, stable code, and words for a person."""

    status: int
    code: str
    detail: str

    def document(self) -> dict[str, object]:
        """Return the problem document."""
        return {"type": "about:blank", "title": self.code, "status": self.status, "code": self.code} | {
            "detail": self.detail
        }


BEARER_WRONG = Problem(401, "AGT-03", "The bearer is unknown or has expired: ask for a session.")
REVOKED = Problem(403, "AGT-02", "A person has revoked this agent.")
UNKNOWN = Problem(403, "AGT-04", "No such agent, or its signature does not hold.")
CLOCK = Problem(403, "CLK-01", "The agent's clock is more than five minutes off: set it by NTP.")
TOO_MANY = Problem(429, "AGT-05", "Too many requests: wait a second.")
TOO_LARGE = Problem(413, "AGT-06", "The request is too large.")
MALFORMED = Problem(400, "AGT-07", "The request is not what the protocol asks for.")
NOT_FOUND = Problem(404, "AGT-08", "There is nothing here.")
COMMAND_CLOSED = Problem(409, "TKT-01", "The command is not open, or not this agent's.")
DATABASE_AWAY = Problem(503, "SRV-01", "The database does not answer: try again.")
STREAM_REFUSED = Problem(403, "LIV-01", "The stream's token is not valid: reload the page.")
