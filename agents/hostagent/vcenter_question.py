"""What the agent asks of a vCenter's process; apart from it, since that one imports pyVmomi."""

from typing import Any

import msgspec

from agents.domain.protocol import Step


class Question(msgspec.Struct, frozen=True):
    """One step with its body, and how to reach the vCenter."""

    step: Step
    host: str
    port: int
    user: str
    password: str
    fingerprint: str
    body: dict[str, Any]
