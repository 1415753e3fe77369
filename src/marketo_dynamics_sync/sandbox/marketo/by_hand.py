"""What an administrator, a marketer or a salesperson does to an instance's objects by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import cast

from attrs import evolve

from .envelope import Refusal, Skip
from .objects import Link, ObjectField, Objects
from .objects.calls import ObjectCalls
from .objects.records import RecordId
from .persons import BY_HAND, People
from .push import Push
from .standard_fields import COMPANY
from .values import Value


class ObjectsByHand:
    """Ways to set up and change the objects of an instance without a call.

    They keep the same rules as the calls do and are not stopped by a native CRM sync, whose work they may stand for.
    """

    people: People
    _lock: AbstractContextManager[object]
    _objects: Objects
    _push: Push

    def create_company(self, external_id: str, /, **fields: object) -> int:
        """Make a company and return its id.

        Args:
            external_id: Its ``externalCompanyId``: what people and opportunities are linked by.
            **fields: Values by REST name.

        Raises:
            ValueError: The key is taken, a field is unknown or does not take its value.
        """
        return cast("int", self._make("companies", {"externalCompanyId": external_id, **fields}))

    def update_company(self, company: int, /, **fields: object) -> None:
        """Change a company; its people change with it.

        Raises:
            ValueError: The company or a field is unknown, or a field does not take its value.
        """
        self._change("companies", company, fields)

    def create_sales_person(self, external_id: str, /, **fields: object) -> int:
        """Make a sales person and return its id.

        Args:
            external_id: Its ``externalSalesPersonId``: what people, companies and opportunities name as their owner.
            **fields: Values by REST name.

        Raises:
            ValueError: The key is taken, a field is unknown or does not take its value.
        """
        return cast("int", self._make("salespersons", {"externalSalesPersonId": external_id, **fields}))

    def update_sales_person(self, sales_person: int, /, **fields: object) -> None:
        """Change a sales person.

        Raises:
            ValueError: The sales person or a field is unknown, or a field does not take its value.
        """
        self._change("salespersons", sales_person, fields)

    def create_opportunity(self, external_id: str, name: str, /, **fields: object) -> str:
        """Make an opportunity and return its ``marketoGUID``.

        Args:
            external_id: Its ``externalOpportunityId``.
            name: Its name, which may not be empty.
            **fields: Values by REST name.

        Raises:
            ValueError: The key is taken, the company or the sales person is unknown, or a value is not taken.
        """
        values = {"externalOpportunityId": external_id, "name": name, **fields}
        return cast("str", self._make("opportunities", values))

    def update_opportunity(self, opportunity: str, /, **fields: object) -> None:
        """Change an opportunity, named by its ``marketoGUID``.

        Raises:
            ValueError: The opportunity or a field is unknown, or a field does not take its value.
        """
        self._change("opportunities", opportunity, fields)

    def create_opportunity_role(self, opportunity: str, person: int, role: str, /, **fields: object) -> str:
        """Link a person to an opportunity and return the role's ``marketoGUID``.

        Args:
            opportunity: The opportunity's ``externalOpportunityId``.
            person: The person's id.
            role: What the person is to the opportunity.
            **fields: Values by REST name.

        Raises:
            ValueError: Either end is unknown, the role exists, or a value is not taken.
        """
        values = {"externalOpportunityId": opportunity, "leadId": person, "role": role, **fields}
        return cast("str", self._make("opportunities/roles", values))

    def create_named_account(self, name: str, /, **fields: object) -> str:
        """Make a named account and return its ``marketoGUID``.

        Raises:
            ValueError: The name is taken, a field is unknown or does not take its value.
        """
        return cast("str", self._make("namedaccounts", {"name": name, **fields}))

    def add_object_field(self, object_name: str, item: ObjectField) -> None:
        """Add a custom field to a standard object.

        Args:
            object_name: ``companies``, ``salespersons``, ``opportunities``, ``opportunities/roles`` or
                ``namedaccounts``.
            item: The field.

        Raises:
            ValueError: There is no such object, or the name is taken or not a REST name.
        """
        with self._lock:
            self._objects.standard(object_name).records.kind.add(item)

    def create_custom_object_type(
        self,
        name: str,
        fields: Iterable[ObjectField],
        *,
        label: str = "",
        description: str = "",
        link: tuple[str, str, str] | None = None,
        approve: bool = True,
    ) -> None:
        """Make a type of custom objects.

        Args:
            name: Its API name, such as ``subscription_c``.
            fields: Its fields; one to three of them have ``dedupe=True``.
            label: Its name in the user interface; the API name when empty.
            description: What it is for.
            link: A link field beside ``fields``: its name, what it links to (``"lead"``, ``"company"`` or another
                type) and that object's field, such as ``("leadId", "lead", "id")``.
            approve: Approve it at once, so that records can be made.

        Raises:
            ValueError: The name is taken, a limit is passed, or a field is not possible.
        """
        made = list(fields)
        if link is not None:
            made.append(ObjectField(link[0], link=Link(link[1], link[2])))
        with self._lock:
            types, custom = self._objects.types, self._objects.custom
            if name in custom.types:
                raise ValueError(f"custom object '{name}' exists already")
            try:
                item = types.add_type(name, label or name, {"description": description})
                types.put(item, [types.resolve(evolve(each, custom=True)) for each in made])
                if approve:
                    types.publish(item)
            except Refusal as refusal:
                custom.types.pop(name, None)
                raise ValueError(f"custom object '{name}': {refusal.message}") from None

    def create_custom_object(self, type_name: str, /, **fields: object) -> str:
        """Make a record of a custom object and return its ``marketoGUID``.

        Args:
            type_name: The API name of an approved type.
            **fields: Values by REST name.

        Raises:
            ValueError: The type is unknown, the key is taken, what it links to is unknown, or a value is not taken.
        """
        with self._lock:
            return cast("str", self._custom(type_name).writing.make(fields, BY_HAND))

    def update_custom_object(self, type_name: str, record: str, /, **fields: object) -> None:
        """Change a record of a custom object.

        Raises:
            ValueError: The type, the record or a field is unknown, or a field does not take its value.
        """
        with self._lock:
            self._custom(type_name).writing.change(record, fields, BY_HAND)

    def create_program(self, name: str) -> int:
        """Make a program that people can be pushed to, and return its id."""
        with self._lock:
            return self._push.programs.setdefault(name, 1001 + len(self._push.programs))

    def delete_object(self, object_name: str, record: RecordId) -> None:
        """Delete a record.

        Args:
            object_name: As in :meth:`add_object_field`, or the API name of a custom object.
            record: Its ``id`` or ``marketoGUID``.

        Raises:
            ValueError: It is unknown, or in use.
        """
        with self._lock:
            self._find(object_name).writing.remove(record)

    def objects(self, object_name: str) -> list[dict[str, object]]:
        """Return all records of an object, empty values left out, in the order of their making.

        Args:
            object_name: As in :meth:`delete_object`.

        Raises:
            ValueError: There is no such object.
        """
        with self._lock:
            records = self._find(object_name).records
            return [dict(records[record]) for record in records.ids()]

    def _make(self, object_name: str, values: Mapping[str, object]) -> RecordId:
        with self._lock:
            return self._objects.standard(object_name).writing.make(values, BY_HAND)

    def _change(self, object_name: str, record: RecordId, values: Mapping[str, object]) -> None:
        with self._lock:
            self._objects.standard(object_name).writing.change(record, values, BY_HAND)

    def _find(self, object_name: str) -> ObjectCalls:
        item = self._objects.custom.types.get(object_name)
        if item is not None and item.calls is not None:
            return item.calls
        return self._objects.standard(object_name)

    def _custom(self, name: str) -> ObjectCalls:
        try:
            return self._objects.custom.need(name)
        except Refusal as refusal:
            raise ValueError(refusal.message) from None

    def _settled(self, person: int | None, values: dict[str, Value | None]) -> dict[str, Value | None]:
        """Return what is to be written to a person itself; values of its company go to the company."""
        links, own = self._objects.links, dict(values)
        company = None if person is None or "externalCompanyId" in values else links.company_of(person)
        theirs = {name: own.pop(name) for name in COMPANY & values.keys()} if company is not None else {}
        try:
            settled = links.settle(person, own)
        except Skip as skip:
            raise ValueError(skip.message.split(" and value ")[0]) from None
        if company is not None and theirs:
            self._objects.companies.writing.change(company, theirs, BY_HAND)
        return settled
