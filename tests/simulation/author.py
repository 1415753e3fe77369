"""Writes a story from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from .fields import TWO_WAY
from .story import Act, Assign, Delete, Edit, Expire, Fault, Make, Merge, Qualify, Run, Setting, Step, Story, Wait
from .trouble import KINDS

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_WAITS: Final = (30, 120, 400, 2 * _HOUR, 13 * _HOUR, 3 * _DAY, 8 * _DAY, 15 * _DAY)
_TEXTS: Final = ("first_name", "job_title", "phone", "city", "notes")
_FLAGS: Final = tuple(f.name for f in TWO_WAY.values() if f.opt_out)
#: Effects of a usual cycle.
_EFFECTS: Final = 44


class Author:
    """Makes up one story.

    Args:
        seed: The same seed gives the same story.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = random.Random(f"story {seed}")
        self._names: dict[str, list[str]] = {}
        self._count = 0
        self._words = 0

    def story(self) -> Story:
        """Return the story."""
        chance = self._chance
        setting = self._setting()
        steps: list[Step] = []
        self._objects = setting.objects
        if setting.objects:
            steps += [self._make(kind) for kind in ("account", "user")]
        steps += [self._make(self._person_kind()) for _ in range(chance.randint(1, 4))]
        if chance.random() < 0.9:
            steps.append(self._run(calm=0.7))
        for _ in range(chance.randint(2, 8)):
            steps += [self._act() for _ in range(chance.choice((1, 1, 2, 2, 3, 4)))]
            if chance.random() < 0.25:
                steps.append(Wait(chance.choice(_WAITS[:4] * 3 + _WAITS)))
            if chance.random() < 0.06:
                steps.append(Expire(chance.choice(("lead", "contact"))))
            steps.append(self._run())
        return Story(self._seed, setting, tuple(steps))

    def _setting(self) -> Setting:
        chance = self._chance
        return Setting(
            digests=self._seed % 10 == 9,
            objects=chance.random() < 0.4,
            crm_id=chance.random() < 0.85,
            delay=chance.choice((0, 0, 0, 0, 30, 200)),
            deletes=chance.random() < 0.15,
            policy=chance.choice(("native",) * 8 + ("swapped", "hold")),
            pages=chance.choice((1000, 1000, 1000, 2)),
            quota=200 if chance.random() < 0.04 else None,
            rate=chance.choice((100,) * 9 + (12,)),
            push_rule=chance.random() < 0.1,
            merge_deletes=chance.random() < 0.7,
            # Drawn by itself: what else a seed tells stays what it was.
            reread=random.Random(f"reread {self._seed}").random() < 0.5,
        )

    def _person_kind(self) -> str:
        return self._chance.choice(("lead", "lead", "contact", "person"))

    def _make(self, kind: str) -> Make:
        chance = self._chance
        self._count += 1
        name = f"{kind[0].upper()}{self._count}"
        email: str | None = None
        values: list[tuple[str, object]] = []
        if kind in ("lead", "contact", "person", "user"):
            luck = chance.random()
            email = f"{name.lower()}@x.com" if luck < 0.7 or kind == "user" else None
            others = [n for k in ("lead", "contact", "person") for n in self._names.get(k, [])]
            if kind != "user" and luck > 0.88 and others:
                email = f"{chance.choice(others).lower()}@x.com"
            if kind != "user":
                values = [(f, self._value(f)) for f in chance.sample(_TEXTS, chance.randint(0, 2))]
                if chance.random() < 0.15:
                    values.append((chance.choice(_FLAGS), True))
        account = self._one("account") if kind in ("contact", "opportunity") and chance.random() < 0.6 else None
        owner = self._one("user") if kind not in ("user", "person") and chance.random() < 0.3 else None
        self._names.setdefault(kind, []).append(name)
        return Make(kind, name, email, tuple(values), account, owner)

    def _one(self, *kinds: str) -> str | None:
        known = [name for kind in kinds for name in self._names.get(kind, [])]
        return self._chance.choice(known) if known else None

    def _value(self, field: str) -> object:
        chance = self._chance
        self._words += 1
        luck = chance.random()
        if field == "rating":
            return chance.choice(("Hot", "Warm", "Cold", None))
        if field in _FLAGS:
            return luck < 0.6
        if luck < 0.08:
            return chance.choice((None, None, ""))
        if field == "email":
            return f"w{self._words}@x.com"
        if luck < 0.12:
            return f" w{self._words} "
        if luck < 0.15:
            return f"Ünï {self._words}"
        if luck < 0.17 and field in ("job_title", "city"):
            return f"w{self._words}-" + "x" * 120
        return f"w{self._words}"

    def _act(self) -> Act:
        chance = self._chance
        kinds: list[tuple[int, Callable[[], Act | None]]] = [
            (40, self._edit),
            (8, lambda: self._make(self._person_kind())),
            (4, lambda: self._make(chance.choice(("account", "opportunity", "user"))) if self._objects else None),
            (6, self._delete),
            (6, self._merge),
            (6, self._qualify),
            (4, self._assign),
        ]
        while True:
            (chosen,) = chance.choices([make for _, make in kinds], [weight for weight, _ in kinds])
            act = chosen()
            if act is not None:
                return act

    def _side(self) -> str:
        return self._chance.choice(("marketing", "sales"))

    def _edit(self) -> Act | None:
        name = self._one("lead", "lead", "contact", "person")
        if name is None:
            return None
        luck = self._chance.random()
        field = self._chance.choice(_TEXTS[:3] if luck < 0.7 else _TEXTS)
        if luck > 0.96:
            field = "email"
        elif luck > 0.78:
            field = self._chance.choice((*_FLAGS, "unsubscribed"))
        elif luck > 0.74:
            field = "rating"
        return Edit(self._side(), name, field, self._value(field))

    def _delete(self) -> Act | None:
        if self._objects and self._chance.random() < 0.2:
            name = self._one("account", "opportunity")
            return Delete("sales", name) if name else None
        name = self._one("lead", "contact", "person")
        return Delete(self._side(), name) if name else None

    def _merge(self) -> Act | None:
        side = self._side()
        kinds = ("lead", "contact", "person") if side == "marketing" else (self._chance.choice(("lead", "contact")),)
        one, other = self._one(*kinds), self._one(*kinds)
        return Merge(side, one, other) if one and other and one != other else None

    def _qualify(self) -> Act | None:
        name = self._one("lead")
        if name is None:
            return None
        into = self._one("contact") if self._chance.random() < 0.25 else None
        return Qualify(name, self._objects and self._chance.random() < 0.5, into)

    def _assign(self) -> Act | None:
        name, to = self._one("lead", "contact"), self._one("account", "user")
        return Assign(name, to) if name and to else None

    def _run(self, calm: float = 0.25) -> Run:
        chance = self._chance
        what, names, entity = "cycle", (), "lead"
        luck = chance.random()
        if luck < 0.14 and self._names.get("person"):
            what = "push"
            names = tuple(chance.sample(self._names["person"], min(len(self._names["person"]), chance.randint(1, 3))))
            # Always the same for a person: a host doesn't ask for somebody as a lead and then as a contact.
            people = [name for name in names if (int(name[1:]) % 3 == 0) == (int(names[0][1:]) % 3 == 0)]
            names, entity = tuple(people), "contact" if int(names[0][1:]) % 3 == 0 else "lead"
        elif luck < 0.18 and self._names.get("lead"):
            what, names = "sync", (chance.choice(self._names["lead"]),)
        elif luck < 0.21:
            what = "plan"
        if chance.random() < calm:
            return Run(what, names, entity)
        meanwhile: list[tuple[int, Act]] = []
        if chance.random() < 0.55:
            meanwhile = sorted(
                ((chance.randint(1, _EFFECTS), self._act()) for _ in range(chance.choice((1, 1, 2, 3)))),
                key=lambda pair: pair[0],
            )
        kill = chance.randint(1, _EFFECTS) if chance.random() < 0.3 else None
        if what == "push" and chance.random() < 0.5:
            kill = chance.randint(4, 26)  # a push has fewer effects than a cycle
        faults = ()
        if chance.random() < 0.45:
            faults = tuple(self._fault() for _ in range(chance.choice((1, 1, 1, 2))))
        return Run(what, names, entity, tuple(meanwhile), kill, faults)

    def _fault(self) -> Fault:
        chance = self._chance
        kind = chance.choice(sorted(KINDS))
        services = KINDS[kind].services
        return Fault(
            kind, chance.choice(services), chance.choice((0, 0, 0, 1, 2, 4)), chance.choice((1, 1, 1, 1, 2, 9))
        )


def story_of(seed: int) -> Story:
    """Return the story of a seed."""
    return Author(seed).story()
