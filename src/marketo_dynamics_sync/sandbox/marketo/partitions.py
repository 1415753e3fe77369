"""Lead partitions: which there are, and who may use them."""

from __future__ import annotations

from collections.abc import Iterable

from .envelope import Answer
from .identity import Client


class Partitions:
    """The lead partitions of one instance; the first is where people go when none is named.

    Args:
        names: Their names, in the order of their ids from 1.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        if not self.names:
            raise ValueError("a Marketo instance has at least one lead partition")

    def of_client(self, client: Client) -> list[str]:
        """Return the names that a client may use."""
        return [name for name in self.names if client.partitions is None or name in client.partitions]

    def number(self, name: str) -> int:
        """Return the id of a partition."""
        return self.names.index(name) + 1

    def name(self, number: int) -> str:
        """Return the name of a partition."""
        return self.names[number - 1]

    def show(self, client: Client) -> list[Answer]:
        """Return the partitions a client may use, as the API shows them."""
        allowed = self.of_client(client)
        return [{"id": self.number(name), "name": name, "description": ""} for name in allowed]
