"""Text files are read in the encoding that they have."""

from __future__ import annotations

import pytest

from builder.sources.text_encoding import PLAIN, encoding_of, text_of

TEXT = "flask==3.1.3\n# für alle\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_in_its_encoding(codec: str, end: str) -> None:
    content = TEXT.replace("\n", end).encode(codec)
    assert text_of(content) == TEXT
    assert content.decode(encoding_of(content) or "utf-8") == TEXT.replace("\n", end)


@pytest.mark.parametrize("content", [b"", TEXT.encode(), TEXT.replace("\n", "\r\n").encode(), b"a"])
def test_what_every_tool_reads_is_plain(content: bytes) -> None:
    assert encoding_of(content) == PLAIN


@pytest.mark.parametrize("content", [b"\x00", b"\xff", b"\xff\xfe\x00", b"\xef\xbb\xbf\xff", b"\x00\xd8\x00\xd8"])
def test_what_is_no_text_is_read_all_the_same(content: bytes) -> None:
    assert isinstance(text_of(content), str)
