"""The program on a host knows nothing of Django or Celery, so its tests start neither."""

import pytest


@pytest.fixture(autouse=True)
def broker() -> None:
    """No broker: takes the place of the portal's."""
