"""Carries requests to the sandbox and spoils chosen answers on their way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import httpx
from attrs import define, evolve, field, frozen

#: Where spoiled answers try to lead the token.
ELSEWHERE = "evil.example"


@frozen
class Reply:
    """An answer on its way back."""

    status: int
    headers: dict[str, str]
    body: bytes


Spoil = Callable[[Reply, Random], Reply]


@define
class HostileTransport(httpx.BaseTransport):
    """Spoils some answers, chosen by a seed, and notes every host that was asked.

    Attributes:
        inner: Who answers truly.
        spoils: What may happen to an answer.
        random: Chooses.
        share: Share of the answers that are spoiled.
    """

    inner: httpx.BaseTransport
    spoils: Sequence[Spoil]
    random: Random
    share: float = 1.0
    asked: list[httpx.Request] = field(factory=list)
    spoiled: list[str] = field(factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host == ELSEWHERE:
            return httpx.Response(200, json={"value": []}, request=request)
        response = self.inner.handle_request(request)
        body = response.read()
        if self.random.random() >= self.share:
            return httpx.Response(response.status_code, headers=response.headers, content=body, request=request)
        spoil = self.random.choice(self.spoils)
        reply = spoil(Reply(response.status_code, dict(response.headers), body), self.random)
        self.spoiled.append(f"{getattr(spoil, '__name__', spoil)} of {request.method} {request.url.path}")
        headers = [
            (name.encode(), value.encode("latin-1"))
            for name, value in reply.headers.items()
            if name.lower() != "content-length"
        ]
        return httpx.Response(
            reply.status, headers=headers, stream=httpx.ByteStream(reply.body), request=request, extensions={}
        )


#: Values that stand in the place of others.
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1e308, "", " ", "x", "\u0000", "\ud800", "💥" * 1000, [], {}, [[]], [None],
    {"": None}, [{"id": None}], "2026-99-99T99:99:99Z", "/Date(9e99)/", "https://evil.example/api", "-1e999",
    "٣", "null",
)  # fmt: skip


def cut(reply: Reply, random: Random) -> Reply:
    """Break the body off."""
    return evolve(reply, body=reply.body[: random.randrange(len(reply.body) + 1)])


def garbage(reply: Reply, random: Random) -> Reply:
    """Put bytes in the place of the body."""
    choices = (
        b"", b"\xff\xfe\x00", b"<html><body>Sign in</body></html>", random.randbytes(200), b"[" * 200_000, b"{}", b"[]",
        b"null", b"1", b'"text"', b'{"a":' * 100_000, b'{"value": ' + b"9" * 10_000 + b"}", b"NaN", b'{"value": NaN}',
        reply.body.decode("latin-1").encode("utf-16"), reply.body[::-1], reply.body * 2,
    )  # fmt: skip
    return evolve(reply, body=random.choice(choices))


def status(reply: Reply, random: Random) -> Reply:
    """Give another status."""
    codes = (200, 201, 204, 206, 299, 304, 400, 401, 403, 404, 405, 410, 412, 413, 429, 500, 502, 503, 504, 599, 999)
    return evolve(reply, status=random.choice(codes))


def redirect(reply: Reply, random: Random) -> Reply:
    """Lead elsewhere."""
    location = random.choice((f"https://{ELSEWHERE}/", f"//{ELSEWHERE}", "/elsewhere", "", "http://[", "ftp://x"))
    code = random.choice((301, 302, 303, 307, 308))
    return evolve(reply, status=code, headers={**reply.headers, "Location": location})


def headers(reply: Reply, random: Random) -> Reply:
    """Give strange headers."""
    strange = random.choice(
        (
            {"Retry-After": "9" * 400}, {"Retry-After": "-5"}, {"Retry-After": "nan"}, {"Retry-After": "²"},
            {"Date": "yesterday"}, {"Date": "Fri, 31 Feb 9999 25:61:61 GMT"}, {"Content-Type": "text/html"},
            {"Content-Type": 'multipart/mixed; boundary=""'}, {"Content-Type": "application/json; charset=utf-7"},
            {"Content-Encoding": "gzip"}, {"x-ms-dop-hint": "-3"}, {"x-ms-dop-hint": "9" * 5000},
            {"OData-EntityId": f"https://{ELSEWHERE}/leads(1)"}, {"Set-Cookie": "a=b; Domain=evil.example"},
            {"Content-Type": ""}, {"ETag": "\t"},
        )
    )  # fmt: skip
    code = random.choice((reply.status, reply.status, 429, 503))
    changed = {name.lower(): text for name, text in strange.items()}
    return evolve(reply, status=code, headers={**reply.headers, **changed})


def member(reply: Reply, random: Random) -> Reply:
    """Change one place of the JSON: put a strange value there, take it away, swap it, double or turn a list."""
    try:
        data = json.loads(reply.body)
    except ValueError:
        return _text(reply, random)
    places = list(_places(data))
    if not places:
        return evolve(reply, body=b"[]")
    for _ in range(random.choice((1, 1, 1, 3, 10))):
        owner, key = random.choice(places)
        kind = random.choice(("strange", "strange", "gone", "swap", "list", "wrap"))
        try:
            if kind == "strange":
                owner[key] = random.choice(STRANGE)
            elif kind == "gone":
                del owner[key]
            elif kind == "swap":
                other, place = random.choice(places)
                owner[key], other[place] = other[place], owner[key]
            elif kind == "wrap":
                owner[key] = random.choice(([owner[key]], {"value": owner[key]}, str(owner[key])))
            elif isinstance(owner[key], list):
                owner[key] = random.choice((owner[key] * 2, owner[key][::-1], owner[key][:1], [*owner[key], None]))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        text = json.dumps(data)
    except (ValueError, RecursionError):
        return evolve(reply, body=b"{}")  # a swap made a ring
    return evolve(reply, body=text.encode("utf-8", "surrogatepass"))


def lure(reply: Reply, random: Random) -> Reply:
    """Let every link of the body lead to another host, or to one that only looks right."""
    hosts = (
        ELSEWHERE.encode(),
        b"contoso.crm.dynamics.com." + ELSEWHERE.encode(),
        b"contoso.crm.dynamics.com@" + ELSEWHERE.encode(),
        b"contoso.crm.dynamics.com:8443",
        b"127.0.0.1",
    )
    return evolve(reply, body=reply.body.replace(b"contoso.crm.dynamics.com", random.choice(hosts)))


def _text(reply: Reply, random: Random) -> Reply:
    """Change some bytes of a body that is no JSON, such as a batch's."""
    body = bytearray(reply.body)
    for _ in range(random.choice((1, 3, 20))):
        if not body:
            break
        at = random.randrange(len(body))
        change = random.randrange(4)
        if change == 0:
            del body[at : at + random.randrange(1, 40)]
        elif change == 1:
            body[at:at] = random.choice((b"\r\n", b"--", b"\r\n\r\n", b"HTTP/1.1 99999 x", b"\x00", b'"', b"}"))
        elif change == 2:
            body[at] = random.randrange(256)
        else:
            there = random.randrange(len(body))
            body[at : at + 20], body[there : there + 20] = body[there : there + 20], body[at : at + 20]
    return evolve(reply, body=bytes(body))


def _places(data: Any) -> Any:
    todo = [data]
    while todo:
        here = todo.pop()
        for key in list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ():
            yield here, key
            if isinstance(here[key], (dict, list)):
                todo.append(here[key])


EVERYTHING: tuple[Spoil, ...] = (cut, garbage, status, redirect, headers, member, member, member, lure)
