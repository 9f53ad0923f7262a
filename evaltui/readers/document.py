"""The text of a file: decoded whole, or in pieces where it is too long to be held.

Both ways refuse the same bytes with the same words: what is no UTF-8, holds NUL bytes or is empty.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator

from evaltui.errors import ReportSyntaxError, ReportTooLargeError
from evaltui.late_dataclass import dataclass

MAX_BYTES = 4 * 1024**3
"""Largest file that is read unless told otherwise, in bytes."""

MAX_WHOLE = 64 * 1024 * 1024
"""Largest document, or value in one, that is held as objects all at once, in characters."""

MORE_MEMORY = "raise max_report_mb if there is memory for it, or split it"
"""What to do about what is too large to be held."""

BLANKS = " \t\n\r"
_MARK = "\ufeff"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


@dataclass(frozen=True, slots=True)
class Chunked:
    """The bytes of a file that is not held.

    Attributes:
        head: The first bytes.
        size: Number of bytes in all.
        chunks: Reads it from its start, as often as it is called. What the chunks raise when the
            file cannot be read is passed on.
    """

    head: bytes
    size: int
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Pieces:
    """The text of a document in pieces, which were checked already.

    Attributes:
        size: Number of bytes.
        chunks: Reads the bytes from the start, as often as it is called.
        most: Longest value in it, in characters, that is read.
        keeps_texts: Whether the outputs and details of a case, given its id, are wanted. The rest
            of every case always is.
        lean: Whether what is read of it is kept as small as can be.
        only: Items of its long list are passed over unless their JSON holds one of these texts;
            all are read when there are none.
    """

    size: int
    chunks: Callable[[], Iterator[bytes]]
    most: int = MAX_WHOLE
    keeps_texts: Callable[[str], bool] = lambda _: True
    lean: bool = False
    only: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        return decoded(self.chunks())


Text = str | Pieces
"""A document that readers read."""


def is_lean(text: Text) -> bool:
    """Return whether what is read of a document is to be kept as small as can be."""
    return isinstance(text, Pieces) and text.lean


def keeps_texts(text: Text, case_id: str) -> bool:
    """Return whether outputs and details of a case are wanted."""
    return not isinstance(text, Pieces) or text.keeps_texts(case_id)


def begins_with(text: Text, mark: str) -> bool:
    """Return whether the first character that is no blank is `mark`."""
    for piece in (text,) if isinstance(text, str) else text:
        begin = piece.lstrip()
        if begin:
            return begin.startswith(mark)
    return False


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> str:
    """Return the text of a document, without a byte order mark.

    Args:
        data: The whole file.
        max_bytes: Largest file that is accepted.

    Raises:
        ReportTooLargeError: The file is larger than `max_bytes`.
        ReportSyntaxError: It is empty, holds NUL bytes or is not UTF-8.
    """
    return "".join(decoded(iter(checked(lambda: iter((data,)), len(data), max_bytes)())))


def checked(
    chunks: Callable[[], Iterator[bytes]], size: int, max_bytes: int
) -> Callable[[], Iterator[bytes]]:
    """Return the chunks of a file after a look at all of them.

    Raises:
        ReportTooLargeError: It has more than `max_bytes` bytes.
        ReportSyntaxError: It is empty, holds NUL bytes or is not UTF-8.
    """
    if size > max_bytes:
        raise too_large(size, max_bytes, "split it")
    check = _Check()
    for chunk in chunks():
        check.add(chunk)
    check.end()
    return chunks


def decoded(chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield the text of chunks of UTF-8, without a byte order mark; characters are never cut.

    Raises:
        UnicodeDecodeError: They are not UTF-8.
    """
    rest, first = b"", True
    for chunk in chunks:
        data = rest + chunk if rest else chunk
        text, used = codecs.utf_8_decode(data, "strict", False)
        rest = data[used:]
        if text:
            yield text.removeprefix(_MARK) if first else text
            first = False
    if rest:
        yield rest.decode()


def too_large(size: int, limit: int, hint: str, *, what: str = "the file") -> ReportTooLargeError:
    """Return the error for a file, or a value in one, over a limit; both in bytes."""
    told = f"{what} has {_megabytes(size)}, the limit is {_megabytes(limit)}"
    return ReportTooLargeError(told, hint=hint)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"


class _Check:
    """Looks at the bytes of a file, chunk by chunk, and says at the end what is wrong.

    NUL bytes are told first, wherever they are: they explain what else there is.
    """

    def __init__(self) -> None:
        self._begin = b""
        self._size = 0
        self._nul_at = -1
        self._only_nul = True
        """Whether nothing but NUL bytes followed the first of them."""
        self._rest = b""
        self._blank = True
        self._wrong: tuple[int, bool] | None = None
        """Where it is not UTF-8, and whether that is just a character cut at the end."""

    def add(self, chunk: bytes) -> None:
        if len(self._begin) < _LONGEST_MARK:
            self._begin += chunk[:_LONGEST_MARK]
        self._look_for_nul(chunk)
        if self._nul_at < 0 and self._wrong is None:
            self._decode(chunk, final=False)
        self._size += len(chunk)

    def end(self) -> None:
        if self._begin.startswith(_OTHER_MARKS):
            raise ReportSyntaxError(
                "not UTF-8 at byte 0: the text is UTF-16 or UTF-32", hint=_AS_UTF8
            )
        if self._nul_at >= 0:
            raise self._nul()
        if self._wrong is None:
            self._decode(b"", final=True)
        if self._wrong is not None:
            at, cut = self._wrong
            raise ReportSyntaxError(
                f"not UTF-8 at byte {at}", hint=None if cut else _AS_UTF8, incomplete=cut
            )
        if self._blank:
            raise ReportSyntaxError("the file is empty", incomplete=True)

    def _look_for_nul(self, chunk: bytes) -> None:
        begin = 0
        if self._nul_at < 0:
            begin = chunk.find(b"\x00")
            if begin < 0:
                return
            self._nul_at = self._size + begin
        if self._only_nul and chunk[begin:].strip(b"\x00"):
            self._only_nul = False

    def _nul(self) -> ReportSyntaxError:
        at = self._nul_at
        if at == 1 or (at == 0 and not self._only_nul):
            return ReportSyntaxError(
                f"not UTF-8 at byte {at}: a NUL byte, as in UTF-16 or UTF-32", hint=_AS_UTF8
            )
        return ReportSyntaxError(
            f"a NUL byte at byte {at}: its writer did not finish",
            hint="write the report again",
            incomplete=self._only_nul,
        )

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        data = self._rest + chunk if self._rest else chunk
        begin = self._size - len(self._rest)
        try:
            text, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError as error:
            self._wrong = (begin + error.start, final)
            return
        self._rest = data[used:]
        if self._blank and text:
            told = text.removeprefix(_MARK) if begin == 0 else text
            self._blank = not told.strip(BLANKS)


_AS_UTF8 = "write the report as UTF-8"
_LONGEST_MARK = 4
