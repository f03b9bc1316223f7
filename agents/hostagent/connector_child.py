"""One vCenter's process: `python -m agents.hostagent.connector_child`, questions on stdin, answers on stdout.

A process of its own, because a hung vCenter hangs pyVmomi past its own time limits: the agent kills it. One
JSON object per line; passwords come by the pipe and never by the command line. It ends with the agent.
"""

import ctypes
import os
import signal
import sys

import msgspec

from agents.domain.protocol import BODIES, Failed, Failure
from agents.hostagent.vcenter_question import Question
from agents.vsphere.desk import Desk, failed_of
from agents.vsphere.session import Endpoint

PR_SET_PDEATHSIG = 1


def main() -> int:
    """Answer until nobody asks any more."""
    _die_with_the_agent()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    desk = Desk()

    def say(content: object) -> None:
        out.write(msgspec.json.encode(content) + b"\n")
        out.flush()

    for line in sys.stdin.buffer:
        question = msgspec.json.decode(line, type=Question)
        try:
            body = msgspec.convert(question.body, BODIES[question.step])
            done = desk.answer(question.step, _endpoint(question), body, lambda said: say({"said": said}))
            say({"done": done})
        except Exception as error:
            say(
                {
                    "failed": failed_of(error) or _internal(error),
                    "fingerprint": getattr(error, "fingerprint", ""),
                }
            )
    desk.close()
    return 0


def _endpoint(question: Question) -> Endpoint:
    return Endpoint(
        question.host, question.port, question.user, question.password, fingerprint=question.fingerprint
    )


def _die_with_the_agent() -> None:
    # The end of stdin is seen only between questions, and a hung vCenter may keep one open for ever.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _internal(error: Exception) -> Failed:
    why = f"{type(error).__name__}: {error}"
    return Failed(
        code=Failure.INTERNAL, what="The connector met something that it was not made for.", why=why
    )


if __name__ == "__main__":
    sys.exit(main())
