"""Reading and writing files of delimited values (Adobe, "Bulk Import" and "Bulk Extract").

Written: UTF-8 without a byte order mark, every line ended by a single line feed, cells quoted only where they need it,
quotes inside them doubled. The sample file of Adobe's page "Bulk Custom Object Extract" comes out with the size and
the SHA-256 checksum that the page gives. Semicolons part the cells of SSV: the pages on leads and activities say
"space-separated", the general pages, and the pages on imports, say semicolon.

Read: the same, and carriage returns with or without a line feed, a byte order mark, and lines without any cell, which
are passed over; the service's own reading of these is not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

#: What parts the cells, by format.
DELIMITERS: Final = {"CSV": ",", "TSV": "\t", "SSV": ";"}


class NotText(Exception):  # becomes a failed job
    """A file that is not encoded in UTF-8."""


def read_table(content: bytes, form: str) -> list[list[str]]:
    """Return the rows of a file, its header first.

    Args:
        content: The file.
        form: One of :data:`DELIMITERS`.

    Raises:
        NotText: It is not encoded in UTF-8.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotText from None
    return list(_rows(text, DELIMITERS[form]))


def write_table(rows: Iterable[Sequence[str]], form: str) -> bytes:
    """Return a file.

    Args:
        rows: Its rows, the header first.
        form: One of :data:`DELIMITERS`.
    """
    delimiter = DELIMITERS[form]
    special = re.compile(f'[{delimiter}"\r\n]')

    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if special.search(value) else value

    lines = [delimiter.join([cell(value) for value in row]) + "\n" for row in rows]
    return "".join(lines).encode("utf-8", "replace")


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    token = re.compile(rf'(?:"((?:[^"]++|"")*+)"|([^{delimiter}\r\n]*))({delimiter}|\r\n|\n|\r|\Z)')
    row: list[str] = []
    place = 0
    while place < len(text):
        match = token.match(text, place)
        assert match is not None
        quoted, bare, end = match.groups()
        row.append(bare if quoted is None else quoted.replace('""', '"'))
        place = match.end()
        if end != delimiter:
            if row != [""]:
                yield row
            row = []
    if row:
        yield [*row, ""]
