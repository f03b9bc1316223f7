"""The gateway as an ASGI application: `uvicorn portal.asgi:application`."""

import portal.celery  # noqa: F401  hints go to our broker
from agents.gateway.app import gateway_from_environment

application = gateway_from_environment()
