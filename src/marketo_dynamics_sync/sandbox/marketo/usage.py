"""What the instance has used of its limits (Adobe, "Usage")."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from .envelope import Answer
from .limits import Limits
from .parameters import Parameters


class Usage:
    """Answers about calls and errors; days are those of the quota, US Central.

    Args:
        limits: Counts them.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def calls(self, given: Parameters) -> Answer:
        """``GET /rest/v1/stats/usage.json``."""
        return {"result": [self._calls_of(self._limits.today())]}

    def calls_of_week(self, given: Parameters) -> Answer:
        """``GET /rest/v1/stats/usage/last7days.json``: today first; days without a call are left out."""
        return {"result": [self._calls_of(day) for day in self._week() if self._limits.total(day)]}

    def errors(self, given: Parameters) -> Answer:
        """``GET /rest/v1/stats/errors.json``: response-level errors."""
        return {"result": [self._errors_of(self._limits.today())]}

    def errors_of_week(self, given: Parameters) -> Answer:
        """``GET /rest/v1/stats/errors/last7days.json``."""
        days = {day for day, _ in self._limits.errors}
        return {"result": [self._errors_of(day) for day in self._week() if day in days]}

    def _week(self) -> list[date]:
        return [self._limits.today() - timedelta(days=back) for back in range(7)]

    def _calls_of(self, day: date) -> Answer:
        users = [{"userId": user, "count": count} for user, count in _of(self._limits.used, day)]
        return {"date": day.isoformat(), "total": self._limits.total(day), "users": users}

    def _errors_of(self, day: date) -> Answer:
        counts = _of(self._limits.errors, day)
        errors = [{"errorCode": code, "count": count} for code, count in counts]
        return {"date": day.isoformat(), "total": sum(count for _, count in counts), "errors": errors}


def _of(counter: Counter[tuple[date, str]], day: date) -> list[tuple[str, int]]:
    found = [(key, count) for (when, key), count in counter.items() if when == day]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))
