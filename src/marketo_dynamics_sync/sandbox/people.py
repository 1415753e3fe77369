"""People as untidy as real ones: accents, other scripts, missing and shared e-mails, every way to write a phone
number."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

_NAMES: Final = (
    ("Ada", "Byron"),
    ("Zoë", "Müller-Lüdenscheidt"),
    ("José", "García Íñiguez"),
    ("Łukasz", "Żółć"),
    ("Siobhán", "O'Brien"),
    ("Jürgen", "Weiß"),
    ("Anaïs", "L'Écuyer"),
    ("太郎", "山田"),
    ("小明", "王"),
    ("지훈", "김"),
    ("Αλέξανδρος", "Παπαδόπουλος"),
    ("Дмитрий", "Иванов"),
    ("ליאור", "כהן"),
    ("فاطمة", "الزهراء"),
    ("Nguyễn", "Thị Ánh"),
    ("Bjørn", "Åkesson"),
    ("Çağla", "Yıldırım"),
    ("  Mary ", "van der Berg"),
    ("Jean-Luc", "d’Arc"),
    ("Maximilian", "von und zu Hohenlohe-Langenburg"),
)
_TITLES: Final = ("CTO", "Head of Marketing", "Directeur général", "営業部長", "VP, Sales & Ops", None, None)
_CITIES: Final = (
    ("München", "Germany"),
    ("São Paulo", "Brazil"),
    ("東京", "Japan"),
    ("Kraków", "Poland"),
    ("Austin", "USA"),
)
_COMPANIES: Final = ("Acme GmbH", "Ångström AB", "株式会社サンプル", "Widgets & Sons", "O'Neill Ltd.", None)
_PHONES: Final = ("+49 (0)89 / 12345-{n}", "001-512-555-{n}", "0891{n}", "+81 3 {n} 0000 ext. 7", "call me", None)
#: Labels that Dynamics' option set has, and some that marketers made up.
_SOURCES: Final = ("Web", "Trade Show", "Other", None)
_MADE_UP: Final = ("Google Ads", "webinar 2025 (Q3)")


@frozen
class Person:
    """One made-up person.

    Attributes:
        number: Which one.
        first: First name.
        last: Last name.
        email: E-mail address, or ``None``.
        title: Job title, or ``None``.
        phone: Phone number as somebody typed it, or ``None``.
        city: City.
        country: Country.
        company: Company, or ``None``.
        opted_out: Whether the person doesn't want mails.
        source: Number of the lead source, or ``None``.
    """

    number: int
    first: str
    last: str
    email: str | None
    title: str | None
    phone: str | None
    city: str
    country: str
    company: str | None
    opted_out: bool
    source: int | None


def people(count: int, seed: int) -> Iterator[Person]:
    """Yield made-up people, the same for the same seed.

    About one in sixteen has no e-mail address, and one in forty shares the address of the one before.
    """
    chance = random.Random(seed)
    last_email: str | None = None
    for number in range(count):
        first, last = chance.choice(_NAMES)
        email: str | None = f"{_ascii(first)}.{_ascii(last)}{number}@example{number % 7}.com"
        luck = chance.random()
        if luck < 0.06:
            email = None
        elif luck < 0.085 and last_email is not None:
            email = last_email
        last_email = email or last_email
        city, country = chance.choice(_CITIES)
        phone = chance.choice(_PHONES)
        yield Person(
            number,
            first,
            last,
            email,
            chance.choice(_TITLES),
            phone.format(n=1000 + number) if phone else None,
            city,
            country,
            chance.choice(_COMPANIES),
            chance.random() < 0.08,
            chance.choice((1, 8, 10, None)),
        )


def fill(
    count: int,
    seed: int,
    make_row: Callable[..., str],
    make_person: Callable[..., int],
) -> None:
    """Put people into both services: most of them in Dynamics, some known to Marketo too, some to Marketo only.

    Args:
        count: How many.
        seed: Makes the same people again.
        make_row: Makes a Dynamics row: table and columns in, id out.
        make_person: Makes a Marketo person: fields in, id out.
    """
    chance = random.Random(seed + 1)
    for person in people(count, seed):
        place = chance.random()
        if place < 0.93:
            _row(person, "lead" if place < 0.55 else "contact", make_row)
        if place < 0.25 or place >= 0.93:
            _known_to_marketo(person, chance, make_person)


def _row(person: Person, table: str, make_row: Callable[..., str]) -> None:
    columns: dict[str, object] = {
        "firstname": person.first,
        "lastname": person.last,
        "emailaddress1": person.email,
        "jobtitle": person.title,
        "telephone1": person.phone,
        "address1_city": person.city,
        "address1_country": person.country,
        "donotbulkemail": person.opted_out,
    }
    if table == "lead":
        columns |= {
            "companyname": person.company,
            "leadsourcecode": person.source,
            "subject": f"Inquiry {person.number}",
        }
    make_row(table, **{name: value for name, value in columns.items() if value is not None})


def _known_to_marketo(person: Person, chance: random.Random, make_person: Callable[..., int]) -> None:
    if person.email is None:
        return
    source = chance.choice(_MADE_UP) if chance.random() < 0.05 else chance.choice(_SOURCES)
    fields: dict[str, object] = {
        "email": person.email.upper() if chance.random() < 0.1 else person.email,
        "firstName": person.first,
        "lastName": person.last,
        "title": person.title if chance.random() < 0.8 else "Consultant",
        "leadSource": source,
        "unsubscribed": chance.random() < 0.05,
    }
    make_person(**{name: value for name, value in fields.items() if value is not None})


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in plain if letter.isalnum()) or "p"
