"""What an instance allows in bulk, and how long its jobs take."""

from __future__ import annotations

from attrs import frozen

_MEGABYTE = 1_048_576


@frozen
class BulkSettings:
    """Limits and timings of the bulk calls; the limits are those of Adobe's pages "Bulk Import" and "Bulk Extract".

    Adobe publishes neither how long a job waits nor how long it runs: the times here are choices. Whether a megabyte
    is 1,000,000 or 1,048,576 bytes is not published either; here it is 1,048,576.

    Attributes:
        running: Jobs of one queue that run at the same time; imports and exports have a queue each.
        queued: Jobs in one queue, those that run among them.
        daily_bytes: Bytes of export files a day; it starts anew at midnight US Central.
        refresh: Seconds between two changes of a status that the export calls show.
        export_wait: Seconds an export waits before it may start.
        export_time: Seconds an export runs.
        import_wait: Seconds an import waits before it may start.
        import_time: Seconds an import runs.
        every_filter: Whether the subscription has the extract filters ``updatedAt``, ``smartListId`` and
            ``smartListName``; without them they are refused with 1035.
        empty_clears: An empty cell of an import file empties the field; without it the field stays as it is.
        whole_rows: Failure and warning files hold every column. Without it they are as recorded from the service:
            empty cells at the end of a row are missing, the reason follows the last cell that is not empty, and
            columns that no row reaches are missing from the header.
    """

    running: int = 2
    queued: int = 10
    daily_bytes: int = 500 * _MEGABYTE
    refresh: float = 60
    export_wait: float = 60
    export_time: float = 60
    import_wait: float = 1
    import_time: float = 2
    every_filter: bool = True
    empty_clears: bool = False
    whole_rows: bool = False

    @property
    def quota_message(self) -> str:
        """The words of the refusal when the day's bytes are used up, as recorded from the service."""
        return f"Export daily quota {self.daily_bytes // _MEGABYTE}MB exceeded."
