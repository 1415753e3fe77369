"""Reads rows by address, by id and by value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from ...entities import Record
from ...errors import RequestRejectedError, ResponseError, SyncError
from .answer import Answer
from .batch import Part, batch_call, decode
from .call import Kind
from .channel import Channel
from .gate import Gate
from .query import LONGEST_PART, LONGEST_URL, is_in, query, slices
from .refusal import refusal
from .rows import Shape

#: Pieces of one batch of reads, so that an answer stays about as long as one page.
PIECES: Final = 10
#: Rounds of a batch some of whose parts met a limit.
ROUNDS: Final = 8


@frozen
class Page:
    """One page of a collection.

    Attributes:
        rows: Its rows.
        next: Address of the next page.
        delta: Address to ask for what changed since, on the last page of a tracked read.
    """

    rows: list[dict[str, object]]
    next: str | None
    delta: str | None


@frozen
class Reader:
    """Reads rows through a channel.

    Attributes:
        channel: The way to the Web API.
        page_size: Rows of a page.
    """

    channel: Channel
    page_size: int

    @property
    def _gate(self) -> Gate:
        return self.channel.gate

    def address(self, path: str) -> str:
        """Return the address of a path below the Web API."""
        return f"{self.channel.environment.api}/{path}"

    def pages(self, url: str, prefer: str) -> Iterator[Page]:
        """Yield pages to the end.

        Raises:
            ResponseError: A link leads elsewhere, or in a circle.
            SyncError: A page can't be read.
        """
        seen = {url}
        at: str | None = url
        while at is not None:
            page = self._page(self.channel.get(at, prefer=prefer))
            if page.next in seen:
                raise ResponseError("the pages of an answer lead in a circle", service="dynamics")
            yield page
            at = page.next
            seen.add(at or "")

    def _page(self, answer: Answer) -> Page:
        body, follow = answer.json(), self.channel.environment.follow
        following, delta = body.get("@odata.nextLink"), body.get("@odata.deltaLink")
        return Page(
            answer.rows(),
            follow(following) if following is not None else None,
            follow(delta) if delta is not None else None,
        )

    def fetch(self, shape: Shape, ids: Sequence[str]) -> list[Record]:
        """Return the rows with these ids.

        One filter finds hundreds of ids in a single request, where GETs by id take one each; what doesn't fit one
        address goes as several filters in one batch. So up to 5,000 ids cost one call.
        """
        return self.matching(shape, shape.primary_id, list(dict.fromkeys(row.lower() for row in ids)))

    def matching(self, shape: Shape, column: str, values: Sequence[str]) -> list[Record]:
        """Return the rows whose column holds one of some values, each row once."""
        found: dict[str, Record] = {}
        for row in self._matching(shape, column, values):
            record = shape.record(row)
            found[record.id] = record
        return list(found.values())

    def _matching(self, shape: Shape, column: str, values: Sequence[str]) -> Iterator[dict[str, object]]:
        room = len(self._filter(self.address(""), shape, column, []))
        whole = list(slices(values, LONGEST_URL - room))
        prefer = shape.prefer(f"odata.maxpagesize={self.page_size}")
        if len(whole) <= 1:
            for piece in whole:
                for page in self.pages(self._filter(self.address(""), shape, column, piece), prefer):
                    yield from page.rows
            return
        pieces = list(slices(values, LONGEST_PART - room))
        for start in range(0, len(pieces), PIECES):
            parts = [
                Part("GET", self._filter(f"{self.channel.environment.path}/", shape, column, piece), {"Prefer": prefer})
                for piece in pieces[start : start + PIECES]
            ]
            for answer in self.together(parts):
                page = self._page(answer)
                yield from page.rows
                if page.next is not None:
                    for further in self.pages(page.next, prefer):
                        yield from further.rows

    def _filter(self, base: str, shape: Shape, column: str, values: Sequence[str]) -> str:
        return f"{base}{shape.entity_set}{query({'$select': shape.columns, **is_in(column, values)})}"

    def together(self, parts: Sequence[Part], *, metadata: bool = False) -> list[Answer]:
        """Send reads in one batch and return their answers in order; parts that met a limit are sent again.

        Raises:
            SyncError: A part was refused.
            ResponseError: The answer is cut.
        """
        answers: dict[int, Answer] = {}
        kind: Kind = "metadata" if metadata else "reads"
        error: SyncError | None = None
        for round_number in range(ROUNDS):
            waiting = [index for index in range(len(parts)) if index not in answers]
            if not waiting:
                break
            if round_number:
                self.channel.count_retry()
            call = batch_call(self.channel.environment, [parts[i] for i in waiting], kind, repeat=True)
            got = decode(self.channel.send(call))
            if len(got) < len(waiting):
                error = ResponseError("the answer to a batch is cut", service="dynamics")
            for index, answer in zip(waiting, got, strict=False):
                if answer.ok:
                    answers[index] = answer
                    continue
                said = refusal(answer, self.channel.timing.clock())
                error = said.error()
                if not said.later:
                    raise error
                self._gate.hold(said.retry_after or 1.0)
        if error is not None and len(answers) < len(parts):
            raise error
        return [answers[index] for index in range(len(parts))]

    def one(self, path: str) -> Answer:
        """Return the answer to a small request that is no reading of rows."""
        return self.channel.get(self.address(path), kind="metadata")


def complains_about_column(error: SyncError) -> bool:
    """Return whether a request was refused because the schema isn't what we think."""
    return isinstance(error, RequestRejectedError) and error.status in (400, 404) and error.code in _SCHEMA


_SCHEMA: Final = (None, "0x80060888", "0x80048d19", "0x8006088a")


def texts(values: Iterable[object]) -> list[str]:
    """Return values as the texts that ``In`` compares with, each once."""
    words = ("true" if v is True else "false" if v is False else str(v) for v in values if v is not None and v != "")
    return list(dict.fromkeys(words))
