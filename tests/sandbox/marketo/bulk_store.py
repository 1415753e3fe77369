"""A store of one custom object type, the car of Adobe's pages, for tests of the bulk calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marketo_dynamics_sync.sandbox.clock import SandboxClock
from marketo_dynamics_sync.sandbox.marketo.bulk import ObjectType, RowRefused
from marketo_dynamics_sync.sandbox.marketo.values import second

_SYSTEM = ("createdAt", "marketoGUID", "updatedAt")


class CarStore:
    """Keeps cars by VIN."""

    def __init__(self, clock: SandboxClock, link: str | None = "leadID") -> None:
        self._clock = clock
        self.type = ObjectType("car_c", (*_SYSTEM, "color", "leadID", "make", "model", "vIN"), ("vIN",), link)
        self.cars: dict[str, dict[str, object]] = {}

    def describe(self, name: str) -> ObjectType | None:
        return self.type if name == self.type.name else None

    def query(self, name: str) -> Iterable[Mapping[str, object]]:
        return list(self.cars.values())

    def upsert(self, name: str, record: Mapping[str, str | None]) -> None:
        vin, now = str(record["vIN"]), second(self._clock.now())
        if not (record.get("leadID") or "0").isdecimal():
            raise RowRefused("Invalid data type in field Lead ID")
        car = self.cars.setdefault(vin, {"createdAt": now, "marketoGUID": f"guid-{len(self.cars)}"})
        car |= {**record, "updatedAt": now}
