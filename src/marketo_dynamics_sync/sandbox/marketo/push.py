"""Pushing people with a program's name, and linking cookies to people (Adobe, "Leads")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .activities import PUSH, ActivityLog
from .envelope import Answer, Refusal, missing, skipped
from .parameters import Parameters
from .persons import People
from .sync_leads import SyncLeads
from .values import whole_number

_COOKIE = re.compile(r"(id:[^&]+&)?token:_mch-\S+")


class Push:
    """Answers ``push.json`` and ``associate.json``.

    Open in public material and chosen: an unknown program is refused with 1013; ``programStatus`` is taken and does
    nothing, since the sandbox has no memberships of programs; the activity is of type 145, its primary attribute is
    the program's name, its attributes are ``Source`` and ``Reason``; the tokens of mails (``mktToken``) are not known.

    Args:
        sync: Writes the people.
        people: The people.
        log: Where pushes are written.
    """

    def __init__(self, sync: SyncLeads, people: People, log: ActivityLog) -> None:
        self._sync = sync
        self._people = people
        self._log = log
        #: Ids of programs, by name.
        self.programs: dict[str, int] = {}

    def push(self, given: Parameters) -> Answer:
        """``POST /rest/v1/leads/push.json``: creates or updates, and writes one activity for each person.

        Raises:
            Refusal: 1002, no program or no record; 1013, an unknown program.
        """
        body = given.json_object()
        program = body.get("programName")
        if not isinstance(program, str) or not program:
            raise missing("programName")
        records = given.records(body)
        if program not in self.programs:
            raise Refusal("1013", f"Program '{program}' not found")
        job = {"lookupField": body.get("lookupField"), "partitionName": body.get("partitionName")}
        result: list[Answer] = []
        for record in records:
            cookie = record.get("cookies")
            if cookie is not None and not (isinstance(cookie, str) and _COOKIE.fullmatch(cookie)):
                result.append(skipped("1012", f"Invalid cookie value '{cookie}'"))
                continue
            person = {name: value for name, value in record.items() if name != "cookies"}
            (entry,) = self._sync.write(job, [person], given.client)
            self._follow(entry, program, body, cookie)
            result.append(entry)
        return {"result": result}

    def associate(self, given: Parameters, person: str) -> Answer:
        """``POST /rest/v1/leads/{id}/associate.json``.

        Raises:
            Refusal: 1002, no cookie; 1004, no such person; 1012, a bad cookie.
        """
        cookie = given.need("cookie")
        number = whole_number(person)
        if number is None or number not in self._people:
            raise Refusal("1004", f"Lead '{person}' not found")
        if not _COOKIE.fullmatch(cookie):
            raise Refusal("1012", f"Invalid cookie value '{cookie}'")
        self._people.associate(number, cookie)
        return {}

    def _follow(self, entry: Answer, program: str, body: Mapping[str, object], cookie: str | None) -> None:
        person = entry.get("id")
        if not isinstance(person, int):
            return
        if cookie is not None:
            self._people.associate(person, cookie)
        pairs = (("Source", body.get("source")), ("Reason", body.get("reason")))
        attributes = tuple((name, value) for name, value in pairs if value)
        self._log.write(person, PUSH, primary=program, primary_id=self.programs[program], attributes=attributes)
