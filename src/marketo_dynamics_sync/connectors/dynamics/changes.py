"""What changed in a table: by change tracking, or by time where the table has none.

Source: Microsoft Learn, "Use change tracking to synchronize data with external systems".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from ...entities import Record
from ...errors import CheckpointExpiredError, ClockSkewError, PermissionDeniedError, RequestRejectedError, ResponseError
from ..protocol import ChangePage
from .checkpoint import Checkpoint, loads
from .query import query
from .reading import Page, Reader
from .refusal import TRACKING_OFF
from .rows import Shape, moment

_log = logging.getLogger(__name__)

#: How far a read by time reaches back: a transaction is stamped when it starts, and seen when it ends.
OVERLAP: Final = timedelta(minutes=5)
#: Rows of the overlap that are remembered so as not to be told twice; beyond these they are.
MOST_SEEN: Final = 2000
#: How far clocks may be apart where changes are read by time.
MOST_SKEW: Final = timedelta(minutes=15)


@frozen
class Changes:
    """Reads what changed in a table.

    Attributes:
        reader: Reads rows.
        shape: What is asked of the table.
    """

    reader: Reader
    shape: Shape

    def since(self, checkpoint: str | None) -> Iterator[ChangePage]:
        """Yield what changed since a checkpoint; everything, as a listing, where there is none.

        Raises:
            CheckpointExpiredError: The service no longer knows the point, or it doesn't fit what is asked now.
        """
        if not self.shape.entity.dynamics.tracked:
            yield from self._by_time(checkpoint)
        elif checkpoint is not None:
            yield from self._delta(loads(checkpoint, self._root, self.shape, "tracked"))
        else:
            yield from self._everything()

    @property
    def _root(self) -> str:
        return self.reader.channel.environment.root

    @property
    def _size(self) -> str:
        return f"odata.maxpagesize={self.reader.page_size}"

    def _everything(self) -> Iterator[ChangePage]:
        """Read all rows, and a link to what will change."""
        url = self._url({"$select": self.shape.columns})
        pages = self.reader.pages(url, self.shape.prefer("odata.track-changes", self._size))
        try:
            yield from self._tracked(pages, listing=True)
        except PermissionDeniedError as error:
            raise PermissionDeniedError(
                f"{self.shape.entity_set}: the sync user may not read the whole table. "
                "Change tracking needs the read right at organization level.",
                service="dynamics",
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            ) from error
        except CheckpointExpiredError as error:
            if error.code not in TRACKING_OFF:
                raise
            _log.debug("%s: change tracking is off", self.shape.entity_set)
            yield from self._by_time(None)

    def _delta(self, checkpoint: Checkpoint) -> Iterator[ChangePage]:
        link = self.reader.channel.environment.follow(checkpoint.link)
        try:
            yield from self._tracked(self.reader.pages(link, self.shape.prefer(self._size)), listing=False)
        except RequestRejectedError as error:
            if error.status not in (400, 404) or error.code in _NOT_THE_LINK:
                raise
            # Which code a broken or outdated token gets isn't documented. Comparing everything is right for all of
            # them, and what is wrong with the request itself shows there.
            raise CheckpointExpiredError(
                f"{self.shape.entity_set}: the delta link was refused; everything is compared",
                service="dynamics",
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            ) from error

    def _tracked(self, pages: Iterator[Page], *, listing: bool) -> Iterator[ChangePage]:
        read_at = self.reader.channel.timing.clock()
        for page in pages:
            if (page.next is None) == (page.delta is None):
                raise ResponseError(
                    f"{self.shape.entity_set}: a page of changes needs one link, to the next page or to later changes; "
                    "is the answer cut, or change tracking off?",
                    service="dynamics",
                )
            checkpoint = None
            if page.delta is not None:
                checkpoint = self._checkpoint("tracked", read_at, link=page.delta).dumps()
            deleted = [str(row.get("id", "")).lower() for row in page.rows if _is_deletion(row)]
            records = [self.shape.record(row) for row in page.rows if not _is_deletion(row)]
            yield self._page(records, listing=listing, deleted=deleted, checkpoint=checkpoint)

    def _by_time(self, checkpoint: str | None) -> Iterator[ChangePage]:
        """Read rows by the time of their last change; deletions show as ids that a scan of all ids no longer finds."""
        before = loads(checkpoint, self._root, self.shape, "modified") if checkpoint is not None else None
        timed = "modifiedon" in self.shape.select
        options = {"$select": self.shape.columns}
        since = moment(before.read_at) if before is not None else None
        if since is not None and timed:
            at = (since - OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
            # The order must be unique, or rows may be missed between pages.
            options |= {"$filter": f"modifiedon ge {at}", "$orderby": f"modifiedon asc,{self.shape.primary_id} asc"}
        told: Mapping[str, str] = before.seen if before is not None else {}
        seen: dict[str, tuple[datetime, str]] = {}
        read_at: datetime | None = None
        for page in self.reader.pages(self._url(options), self.shape.prefer(self._size)):
            read_at = read_at or self._server_time()
            records = [self.shape.record(row) for row in page.rows]
            news = [record for record in records if told.get(record.id) != record.version]
            for record in records:
                if record.modified_at is not None and record.modified_at >= read_at - OVERLAP:
                    seen[record.id] = (record.modified_at, record.version or "")
            last = page.next is None and "$filter" not in options
            done = self._checkpoint("modified", read_at, seen=_latest(seen)).dumps() if last else None
            yield self._page(news, listing=True, present=[record.id for record in records], checkpoint=done)
        if "$filter" in options:
            assert read_at is not None, "a read has one page at least"
            yield from self._ids(self._checkpoint("modified", read_at, seen=_latest(seen)).dumps())

    def _ids(self, checkpoint: str) -> Iterator[ChangePage]:
        for page in self.reader.pages(self._url({"$select": self.shape.primary_id}), self._size):
            ids = [str(row.get(self.shape.primary_id, "")).lower() for row in page.rows]
            yield ChangePage(present=ids, listing=True, checkpoint=None if page.next else checkpoint)

    def _server_time(self) -> datetime:
        """Return the server's time, which rows are stamped with.

        Raises:
            ClockSkewError: This machine's clock is far from it.
        """
        now, skew = self.reader.channel.timing.clock(), self.reader.channel.skew
        if skew is None:
            return now
        if abs(skew) > MOST_SKEW:
            where = "ahead of" if skew > timedelta() else "behind"
            raise ClockSkewError(
                f"this machine's clock is {abs(skew).total_seconds() / 60:.0f} minutes {where} Dynamics', and "
                f"{self.shape.entity_set} is read by time. Set the clock (NTP), or switch change tracking on."
            )
        return now - skew

    def _url(self, options: Mapping[str, str]) -> str:
        return self.reader.address(f"{self.shape.entity_set}{query(options)}")

    def _checkpoint(
        self, mode: str, read_at: datetime, *, link: str = "", seen: Mapping[str, str] | None = None
    ) -> Checkpoint:
        return Checkpoint(
            mode="tracked" if mode == "tracked" else "modified",
            root=self._root,
            entity_set=self.shape.entity_set,
            select=self.shape.columns,
            read_at=read_at.astimezone(UTC).isoformat(),
            link=link,
            seen=seen or {},
        )

    def _page(
        self,
        records: list[Record],
        *,
        listing: bool,
        deleted: list[str] | None = None,
        present: list[str] | None = None,
        checkpoint: str | None = None,
    ) -> ChangePage:
        here = present if present is not None else [record.id for record in records] if listing else []
        return ChangePage(
            records=records,
            deleted=deleted or [],
            merged={record.id: record.merged_into for record in records if record.merged_into},
            present=here,
            listing=listing,
            checkpoint=checkpoint,
        )


#: Refusals of a delta link that say something else than that the link is no good.
_NOT_THE_LINK: Final = frozenset({"0x8006088a"})


def _is_deletion(row: Mapping[str, object]) -> bool:
    context = str(row.get("@odata.context", ""))
    return context.endswith("/$deletedEntity") or ("id" in row and row.get("reason") == "deleted")


def _latest(seen: Mapping[str, tuple[datetime, str]]) -> dict[str, str]:
    newest = sorted(seen.items(), key=lambda item: item[1][0], reverse=True)[:MOST_SEEN]
    return {row: version for row, (_, version) in newest}
