"""A value that is remembered without being kept: enough to tell whether another value is the same, and nothing more."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import Final, Self, cast

from .codecs import Codec
from .values import JSON, UNREADABLE

#: Characters of a digest's salt: 24 bits, so that one value looks different in every record and field.
_SALT: Final = 4
#: Characters of one code: 128 bits.
_CODE: Final = 22
#: What a digest is filed under in the store's JSON form, which no codec of this library writes.
_MARK: Final = "#"


class Digest:
    """Stands for a remembered value. It equals the value it was made of, and shows nothing of it.

    It is HMAC-SHA256, cut to 128 bits, of a salt and the value's form in the state store (RFC 2104, section 5, on cut
    codes). Beside the value's own code it may have those of the forms that a service may give a written value. Empty
    values, ``None`` and ``""``, are never made into digests.

    Args:
        key: The store's key.
        text: Salt and codes, as they are kept.
        codec: Brings values that it is compared with into the form that was kept; without one they are in it already.

    Examples:
        >>> kept = Digest.of(b"the store's key", "lead 1 email", "ada@example.com")
        >>> kept == "ada@example.com", kept == "eve@example.com", kept
        (True, False, Digest())
    """

    __slots__ = ("_codec", "_key", "_met", "text")

    def __init__(self, key: bytes, text: str, codec: Codec[object] | None = None) -> None:
        self._key = key
        self._codec = codec
        #: The last value that it was found to equal: mostly both sides are compared with one digest.
        self._met: object = None
        self.text = text

    @classmethod
    def of(cls, key: bytes, place: str, raw: JSON, forms: Iterable[JSON] = ()) -> Self:
        """Return the digest of a value.

        Args:
            key: The store's key.
            place: Where the value is, such as a row's id and a field's name: one value has another digest elsewhere.
            raw: The value in the store's JSON form.
            forms: What services may make of it, likewise.
        """
        salt = _code(key, b"", place)[:_SALT]
        codes = dict.fromkeys(_code(key, salt.encode(), each) for each in (raw, *forms))
        return cls(key, salt + "".join(codes))

    @classmethod
    def read(cls, key: bytes, raw: object) -> Self | None:
        """Return the digest that :meth:`stored` wrote; ``None`` for any other value."""
        if not isinstance(raw, dict) or len(cast("dict[str, object]", raw)) != 1:
            return None
        text = cast("dict[str, object]", raw).get(_MARK)
        return cls(key, text) if isinstance(text, str) else None

    def stored(self) -> dict[str, object]:
        """Return the store's JSON form."""
        return {_MARK: self.text}

    def with_codec(self, codec: Codec[object] | None) -> Digest:
        """Return the digest as one of a field's values; without a codec, of values in the store's JSON form."""
        return Digest(self._key, self.text, codec)

    def became(self, read: object) -> bool:
        """Return whether a value that was read is this one, or what a service makes of it by trimming or rounding, as
        far as that was foreseen (:meth:`Codec.forms`)."""
        if self == read:
            return True
        try:
            code = self._of(self._codec.form(read) if self._codec is not None else read)
        except Exception:  # a user's codec may raise anything
            return False
        return code in (self.text[i : i + _CODE] for i in range(_SALT, len(self.text), _CODE))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, Digest):
            return self.text[: _SALT + _CODE] == other.text[: _SALT + _CODE]
        # None and "" are kept as they are; a bare object is a mark for something that is no value.
        if other is None or other == "" or other is UNREADABLE or type(other) is object:
            return False
        if type(other) is type(self._met) and other == self._met:
            return True
        # To Python False is 0 and True is 1.
        twin = (
            int(other) if isinstance(other, bool) else bool(other) if type(other) is int and other in (0, 1) else None
        )
        if self.exactly(other) or (twin is not None and self.exactly(twin)):
            self._met = other
            return True
        return False

    def exactly(self, value: object) -> bool:
        """Return whether it was made of this value, and not of one that only counts as equal: 0 is not ``False``."""
        try:
            return self._of(value) == self.text[_SALT : _SALT + _CODE]
        except Exception:  # a user's codec may raise anything of what isn't of its type
            return False

    def __bool__(self) -> bool:
        return self != 0

    def __repr__(self) -> str:
        return "Digest()"

    def _of(self, value: object) -> str:
        raw = self._codec.dump(value) if self._codec is not None and value is not None else value
        return _code(self._key, self.text[:_SALT].encode(), cast("JSON", raw))


def _code(key: bytes, salt: bytes, raw: JSON) -> str:
    return urlsafe_b64encode(hmac.digest(key, salt + _bytes(raw), "sha256")[:16])[:_CODE].decode()


def _bytes(raw: JSON) -> bytes:
    """Return a JSON value as bytes, equal values as equal ones: 1 and 1.0 are one number."""
    if isinstance(raw, str):
        return b"s" + raw.encode("utf-8", "surrogatepass")
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    return b"j" + json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
