"""Files that people send: on disk, and no larger than anything here takes, before a byte of them is read."""

from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler

REQUEST_MAX = 33 << 20
"""A whole form with its file; the largest file that any page takes has 32 MiB."""


class BoundedUpload(TemporaryFileUploadHandler):
    """Keeps a file in the system's temporary folder until its request ends."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Look at the length that was declared; more than that is never read. Raises RequestDataTooBig."""
        if content_length > REQUEST_MAX:
            raise RequestDataTooBig(f"A form of {content_length} bytes is larger than {REQUEST_MAX}.")
