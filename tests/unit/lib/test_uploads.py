"""Files that people send are looked at by their declared length, before a byte of them is read."""

import io
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http.multipartparser import MultiPartParser

from portal.lib.uploads import REQUEST_MAX, BoundedUpload

BODY = (
    b"--x\r\n"
    b'Content-Disposition: form-data; name="workbook"; filename="a.xlsx"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
    b"content\r\n"
    b"--x--\r\n"
)


class Unread(io.BytesIO):
    """A body that nobody may read."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Raise."""
        raise AssertionError("it was read")


def parsed(body: io.BytesIO, length: int) -> MultiPartParser:
    """Return a parser of the body, with our handler alone."""
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(length)}
    return MultiPartParser(meta, body, [BoundedUpload()])


def sent(parser: MultiPartParser) -> Any:
    """Return the file that the form has."""
    _, files = parser.parse()
    return files["workbook"]


def test_a_file_is_on_disk_and_can_be_handed_to_another_process() -> None:
    file = sent(parsed(io.BytesIO(BODY), len(BODY)))

    assert (file.name, file.read()) == ("a.xlsx", b"content")
    assert file.file.fileno() > 2
    file.close()


@pytest.mark.parametrize("length", [REQUEST_MAX + 1, 1 << 40])
def test_a_form_that_says_it_is_larger_is_never_read(length: int) -> None:
    with pytest.raises(RequestDataTooBig, match="is larger than"):
        parsed(Unread(), length).parse()


def test_a_form_as_large_as_allowed_is_read() -> None:
    sent(parsed(io.BytesIO(BODY), REQUEST_MAX)).close()
