"""Text: plain, e-mail, phone, URL, and the GUID that identifies a row."""

from __future__ import annotations

import re
from typing import ClassVar, Final, Self
from uuid import UUID

from attrs import evolve, frozen

from ...errors import ValueRejectedError
from ..schema import FieldInfo
from ..values import JSON
from .base import Codec

_MARKETO_TEXT = frozenset({"string", "text", "email", "phone", "url", "reference"})
#: Marketo takes ASCII in e-mail addresses only (Adobe developer documentation, "Leads").
_EMAIL = re.compile(r"[!-~]+@[!-~]+\.[!-~]+")
_NUL = "\x00"
#: Marketo's text areas take this many bytes of UTF-8, whatever the characters (Adobe developer documentation, "Field
#: Types"); its other texts are counted in characters.
_TEXT_AREA: Final = 30_000
#: Half of a surrogate pair, as left behind where a text was cut in an emoji. UTF-8 can't say it.
_HALF = re.compile("[\ud800-\udfff]")


def utf16_units(text: str) -> int:
    """Return the length of ``text`` as Dataverse counts it: in UTF-16 code units."""
    return len(text) + sum(1 for character in text if character > "\uffff")


@frozen
class TextCodec(Codec[str]):
    """Text. Both services keep an empty text as null, so the two are one value here.

    Attributes:
        marketo_length: Longest text the Marketo field takes, in characters.
        dynamics_length: Longest text the column takes, in UTF-16 units.
        marketo_bytes: Longest text the Marketo field takes, in bytes of UTF-8; ``None`` for all but text areas.
    """

    name: ClassVar[str] = "text"
    marketo_types: ClassVar[frozenset[str]] = _MARKETO_TEXT
    dynamics_types: ClassVar[frozenset[str]] = frozenset({"String", "Memo", "Uniqueidentifier"})
    samples: ClassVar[tuple[object, ...]] = ("a", "Ünï 中文 😀", "  padded ")

    marketo_length: int | None = None
    dynamics_length: int | None = None
    marketo_bytes: int | None = None

    def from_marketo(self, raw: JSON) -> str | None:
        """Return the text; numbers that a text field shows come as their text."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            return raw
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            raise ValueRejectedError("a text was expected", code="not-text")
        return str(raw)

    def from_dynamics(self, raw: JSON) -> str | None:
        """Return the text."""
        return self.from_marketo(raw)

    def to_marketo(self, value: str | None) -> JSON:
        """Return the text, refusing one that is too long for the field."""
        if not value:
            return None
        self._refuse_unsendable(value)
        if self.marketo_length is not None and len(value) > self.marketo_length:
            raise ValueRejectedError(
                f"{len(value)} characters where Marketo takes {self.marketo_length}", code="too-long"
            )
        if self.marketo_bytes is not None and (size := len(value.encode())) > self.marketo_bytes:
            raise ValueRejectedError(f"{size} bytes where Marketo takes {self.marketo_bytes}", code="too-long")
        return value

    def to_dynamics(self, value: str | None) -> JSON:
        """Return the text, refusing one that is too long for the column (error 0x80044331 otherwise)."""
        if not value:
            return None
        self._refuse_unsendable(value)
        if self.dynamics_length is not None:
            units = utf16_units(value)
            if units > self.dynamics_length:
                raise ValueRejectedError(
                    f"{units} characters where Dynamics takes {self.dynamics_length}", code="too-long"
                )
        return value

    def stored_form(self, written: str | None, read: str | None) -> bool:
        """Return whether ``read`` is ``written`` trimmed."""
        return (written or "").strip() == (read or "").strip()

    def forms(self, written: str) -> tuple[str | None, ...]:
        """Return the text trimmed."""
        return (self.form(written),)

    def form(self, read: str | None) -> str | None:
        """Return the text trimmed."""
        return (read or "").strip()

    def bind(self, marketo: FieldInfo | None, dynamics: FieldInfo | None) -> Self:
        """Return a codec that knows both lengths."""
        super().bind(marketo, dynamics)
        return evolve(
            self,
            marketo_length=marketo.max_length if marketo else None,
            dynamics_length=dynamics.max_length if dynamics else None,
            marketo_bytes=_TEXT_AREA if marketo is not None and marketo.type == "text" else None,
        )

    @staticmethod
    def _refuse_unsendable(value: str) -> None:
        if _NUL in value:
            raise ValueRejectedError("a NUL character, which neither service keeps", code="bad-character")
        if _HALF.search(value):
            raise ValueRejectedError("half of a character, which can't be sent", code="bad-value")


@frozen
class EmailCodec(TextCodec):
    """An e-mail address: compared and kept as written, refused by Marketo unless ASCII and shaped as an address."""

    name: ClassVar[str] = "e-mail address"
    samples: ClassVar[tuple[object, ...]] = ("ada@example.com", "Ada.B+x@Example.co.uk")

    def to_marketo(self, value: str | None) -> JSON:
        """Return the address, refusing what Marketo would answer with 1003."""
        if value and not _EMAIL.fullmatch(value.strip()):
            raise ValueRejectedError("not an e-mail address that Marketo takes", code="bad-email")
        return TextCodec.to_marketo(self, value.strip() if value else value)

    def stored_form(self, written: str | None, read: str | None) -> bool:
        """Return whether ``read`` is ``written`` trimmed or with another letter case."""
        return (written or "").strip().casefold() == (read or "").strip().casefold()

    def form(self, read: str | None) -> str | None:
        """Return the address trimmed, without letter case."""
        return (read or "").strip().casefold()


@frozen
class PhoneCodec(TextCodec):
    """A phone number, kept exactly as people typed it."""

    name: ClassVar[str] = "phone number"
    samples: ClassVar[tuple[object, ...]] = ("+49 (0)89 / 123-45 ext. 6",)


@frozen
class UrlCodec(TextCodec):
    """A web address, kept exactly as people typed it."""

    name: ClassVar[str] = "URL"
    samples: ClassVar[tuple[object, ...]] = ("https://example.com/?a=b#c",)


@frozen
class GuidCodec(TextCodec):
    """A row's id: a GUID in lower case, without braces. Read only in Dataverse, which fixes it when a row is made."""

    name: ClassVar[str] = "GUID"
    kept_readable: ClassVar[bool] = True
    samples: ClassVar[tuple[object, ...]] = ("6b1f8d0e-0c7a-ee11-8179-000d3a123456",)

    def from_marketo(self, raw: JSON) -> str | None:
        """Return the GUID in its one spelling."""
        text = TextCodec.from_marketo(self, raw)
        if text is None:
            return None
        try:
            return str(UUID(text.strip()))
        except ValueError:
            raise ValueRejectedError("not a GUID", code="bad-guid") from None
