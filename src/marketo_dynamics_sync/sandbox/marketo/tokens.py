"""Opaque paging tokens: a place in a result, in a form that says nothing to the client."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct


class BadToken(Exception):  # becomes an error envelope
    """A paging token that this service never gave for this purpose."""


class Tokens:
    """Makes and reads tokens that look as Marketo's do: base32, upper case, padded with ``=``.

    Args:
        seed: Tokens of services with the same seed are the same.
    """

    def __init__(self, seed: int) -> None:
        self._key = hashlib.blake2s(str(seed).encode()).digest()

    def make(self, purpose: str, place: int, scope: int = 0) -> str:
        """Return the token of a place.

        Args:
            purpose: What kind of list it belongs to.
            place: Number of the place.
            scope: Which list of that kind; a token is refused in another.
        """
        plain = struct.pack(">QQ", place, scope)
        stamp = self._stamp(purpose, plain)
        return base64.b32encode(stamp + self._veil(stamp, plain)).decode()

    def read(self, purpose: str, token: str, scope: int = 0) -> int:
        """Return the place of a token.

        Raises:
            BadToken: It was not given for this purpose and scope.
        """
        try:
            raw = base64.b32decode(token)
        except (binascii.Error, ValueError):
            raise BadToken from None
        stamp, plain = raw[:8], self._veil(raw[:8], raw[8:])
        if len(plain) != 16 or self._stamp(purpose, plain) != stamp:
            raise BadToken
        place, given = struct.unpack(">QQ", plain)
        if given != scope:
            raise BadToken
        return int(place)

    def _stamp(self, purpose: str, plain: bytes) -> bytes:
        return hashlib.blake2s(purpose.encode() + plain, key=self._key, digest_size=8).digest()

    def _veil(self, stamp: bytes, data: bytes) -> bytes:
        mask = hashlib.blake2s(stamp, key=self._key).digest()
        return bytes(left ^ right for left, right in zip(data, mask, strict=False))


def scope_of(*parts: object) -> int:
    """Return a number that stands for a request, so that a token of one list is refused in another."""
    return int.from_bytes(hashlib.blake2s(repr(parts).encode(), digest_size=8).digest())
