"""A backup that differs in any byte from what was written is refused."""

from __future__ import annotations

import io

import pytest

from slipway.host.backup.archive import sealed_file
from slipway.host.backup.archive.sealed_file import BackupRefused, OpeningReader, SealingWriter

SECRET = b"correct horse battery staple"
HEADER_BYTES = 82
CHEAP = 10
"""As scrypt's cost: hundreds of files are opened here."""


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Chunks of 8 bytes, which make 24 in the file."""
    monkeypatch.setattr(sealed_file, "CHUNK_BYTES", 8)
    monkeypatch.setattr(sealed_file, "_SEALED_BYTES", 24)
    return 24


def sealed(plain: bytes, secret: bytes = SECRET) -> bytes:
    sink = io.BytesIO()
    writer = SealingWriter(sink, secret, log_n=CHEAP)
    writer.write(plain)
    writer.close()
    return sink.getvalue()


def opened(content: bytes, secret: bytes = SECRET) -> bytes:
    return OpeningReader(io.BytesIO(content), secret).read()


def chunks_of(content: bytes, size: int) -> list[bytes]:
    body = content[HEADER_BYTES:]
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 16, 17, 800])
def test_what_was_written_is_read(length: int, small_chunks: int) -> None:
    plain = bytes(range(256)) * 4
    assert opened(sealed(plain[:length])) == plain[:length]


def test_it_is_read_in_pieces_of_any_size(small_chunks: int) -> None:
    reader = OpeningReader(io.BytesIO(sealed(b"one two three four")), SECRET)
    assert [reader.read(3), reader.read(11), reader.read(100), reader.read(1)] == [b"one", b" two three ", b"four", b""]


def test_pieces_of_any_size_are_written_as_one(small_chunks: int) -> None:
    sink = io.BytesIO()
    writer = SealingWriter(sink, SECRET, log_n=CHEAP)
    for piece in (b"", b"one ", b"two three", b" ", b"four"):
        writer.write(piece)
    writer.close()
    assert opened(sink.getvalue()) == b"one two three four"


def test_a_file_cut_at_any_byte_is_refused(small_chunks: int) -> None:
    whole = sealed(b"a" * 24)
    for length in range(len(whole)):
        with pytest.raises(BackupRefused, match=r"cut off|no backup"):
            opened(whole[:length])


def test_a_file_cut_between_chunks_is_called_cut_off(small_chunks: int) -> None:
    with pytest.raises(BackupRefused, match="cut off: it ends in chunk 2"):
        opened(sealed(b"a" * 24)[: HEADER_BYTES + 2 * small_chunks])


def test_a_flipped_bit_anywhere_is_refused(small_chunks: int) -> None:
    whole = sealed(b"a" * 20)
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        with pytest.raises(BackupRefused):
            opened(bytes(changed))


def test_chunks_in_another_order_are_refused(small_chunks: int) -> None:
    whole = sealed(b"aaaaaaaa" * 3 + b"end")
    first, second, *others = chunks_of(whole, small_chunks)
    with pytest.raises(BackupRefused, match="in chunk 1"):
        opened(whole[:HEADER_BYTES] + b"".join([second, first, *others]))


def test_a_chunk_left_out_or_twice_is_refused(small_chunks: int) -> None:
    whole = sealed(b"aaaaaaaa" * 3 + b"end")
    chunks = chunks_of(whole, small_chunks)
    for changed in (chunks[:1] + chunks[2:], [*chunks[:2], chunks[1], *chunks[2:]]):
        with pytest.raises(BackupRefused):
            opened(whole[:HEADER_BYTES] + b"".join(changed))


@pytest.mark.parametrize("more", [b"x", b"x" * 24, b"x" * 60])
@pytest.mark.parametrize("length", [3, 8, 16])
def test_what_follows_the_last_chunk_is_refused(length: int, more: bytes, small_chunks: int) -> None:
    with pytest.raises(BackupRefused):
        opened(sealed(b"a" * length) + more)


def test_a_chunk_of_another_backup_is_refused(small_chunks: int) -> None:
    one, other = sealed(b"aaaaaaaaend"), sealed(b"aaaaaaaaend")
    with pytest.raises(BackupRefused):
        opened(one[: HEADER_BYTES + small_chunks] + other[HEADER_BYTES + small_chunks :])


def test_another_secret_is_called_that() -> None:
    with pytest.raises(BackupRefused, match="another passphrase or key") as refused:
        opened(sealed(b"plain"), b"wrong")
    assert "KEY=" in refused.value.remedy


def test_another_file_is_no_backup() -> None:
    for content in (b"", b"PK\x03\x04", b"x" * 500):
        with pytest.raises(BackupRefused, match="no backup"):
            opened(content)


def test_a_header_can_not_ask_for_unbounded_memory() -> None:
    whole = bytearray(sealed(b"plain"))
    whole[17] = 40
    with pytest.raises(BackupRefused, match=r"format 1\.40"):
        opened(bytes(whole))


def test_nothing_is_in_it_in_clear() -> None:
    assert b"plain text" not in sealed(b"plain text " * 100)


def test_two_of_the_same_content_differ() -> None:
    assert sealed(b"plain")[HEADER_BYTES:] != sealed(b"plain")[HEADER_BYTES:]


def test_what_is_left_is_checked_too(small_chunks: int) -> None:
    reader = OpeningReader(io.BytesIO(sealed(b"a" * 30)[:-1]), SECRET)
    assert reader.read(4) == b"aaaa"
    with pytest.raises(BackupRefused):
        reader.read_to_end()
