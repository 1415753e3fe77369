"""Opportunity roles: who takes part in an opportunity, worked out for each opportunity as a whole.

A role has no row of its own. Whatever touches an opportunity (its row, a connection, a person that it names) brings all
its roles into agreement at once, so that one that has two sources is made once and removed with the last of them. A
link of a role goes by its source: the connection's row id, or the opportunity's with ``/customer`` or ``/contact``
behind it. Nothing but links is kept, so a cycle that was killed is derived again.

Marketo tells roles apart by opportunity, person and role, and changes none of these: a role that is another now is
removed, and made anew when that is done (Adobe, "Opportunity Roles").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, cast

from attrs import define, evolve, field, frozen

from ..entities import BoundEntity, EntityDefinition, ObjectInfo, Record, Ref, Side, bind
from ..entities.codecs.linked import LinkedNameCodec
from ..entities.opportunity_roles import STAKEHOLDER, ConnectionRole
from ..errors import ConfigurationError
from ..identity import Nothing
from ..plan import Step, StepKind, park, plan_new_row
from ..state import Commit, Link
from .again import pair_work
from .deletions import OnDelete
from .filters import passes
from .links import known_of
from .people import ChangedPersons
from .services import Services
from .waiting import MISSING_PARENT
from .work import Work

#: What an opportunity itself says of a contact: the end of the link's id, the column, and the role's name.
_NAMED: Final = (("customer", "customerid", "Customer"), ("contact", "parentcontactid", "Contact"))
_ROLE: Final = "opportunityRole"
#: Records handled at once.
_AT_ONCE: Final = 1000
#: Opportunity, person in Marketo, and role: what Marketo tells roles apart by.
_Key = tuple[str, str, str]


@frozen
class _Wish:
    """A role that Dynamics has.

    Attributes:
        source: What it comes from: id of its link.
        opportunity: Row id of the opportunity.
        contact: Row id of the contact.
        name: What the role is called.
        made: When its source was made.
        version: The connection's version.
    """

    source: str
    opportunity: str
    contact: str
    name: str
    made: object
    version: str | None = None


def is_role(definition: EntityDefinition) -> bool:
    """Return whether an entity lives in Marketo's opportunity roles."""
    return definition.marketo.name == _ROLE


def is_row(link_id: str) -> bool:
    """Return whether a link goes by the id of a row, and not by what an opportunity says."""
    return "/" not in link_id


def check_roles(definitions: Sequence[EntityDefinition]) -> None:
    """Make sure that roles have what they need.

    Raises:
        ConfigurationError: Opportunities or contacts are missing beside them, or they don't come from connections.
    """
    tables = {definition.dynamics for definition in definitions}
    for role in (definition for definition in definitions if is_role(definition)):
        missing = [name for name in ("opportunities", "contacts") if name not in tables]
        if missing or role.dynamics != "connections":
            raise ConfigurationError(
                f"entities: {role.cls.__name__}: roles link persons with opportunities and come from connections; give "
                "Opportunity and Contact beside OpportunityRole, and subclass it where you want another one"
            )


def open_roles(services: Services, people: ChangedPersons) -> Roles | None:
    """Return what derives roles, or ``None`` where none are synced."""
    entity = next((e for e in services.entities.values() if is_role(e.definition)), None)
    if entity is None:
        return None
    opportunity, contact = services.entity_of_table("opportunity"), services.entity_of_table("contact")
    assert opportunity is not None, "checked when the engine was made"
    assert contact is not None, "checked when the engine was made"
    definition = ConnectionRole.__entity__
    names = bind(definition, ObjectInfo("person", {}), services.dynamics.describe(definition))
    return Roles(services, people, entity, opportunity, contact, names)


@define
class Roles:
    """Derives works for the roles of opportunities.

    Attributes:
        services: Both sides and the store.
        people: What Marketo's change streams said.
        entity: The roles.
        opportunity: The opportunities.
        contact: The contacts.
        names: The connection roles, to be read.
        unchanged: Roles that were looked at and needed nothing.
    """

    services: Services
    people: ChangedPersons
    entity: BoundEntity
    opportunity: BoundEntity
    contact: BoundEntity
    names: BoundEntity
    unchanged: int = 0
    #: Name of each connection role that was met; ``None`` for one that isn't a stakeholder's.
    _called: dict[str, str | None] = field(factory=dict, init=False)
    #: Roles that were made in this cycle, by their source.
    _fresh: dict[str, _Key] = field(factory=dict, init=False)

    def of_opportunities(self, rows: Iterable[Record]) -> Iterator[list[Work]]:
        """Yield works for the roles of opportunities that were just read."""
        yield from self._agree({row.id: row for row in rows})

    def of_connections(self, rows: Iterable[Record], *, forced: bool = False) -> Iterator[list[Work]]:
        """Yield works for the roles that connections have to do with.

        Args:
            rows: Connections as just read.
            forced: Look at them even where nothing says that they changed.
        """
        found = {row.id: row for row in rows}
        links = self._links(found)
        digest = self.services.digests[self.entity.name]
        touched: dict[str, None] = {}
        for row in found.values():
            link, ends = links.get(row.id), self._ends(row)
            if link is not None and not forced and link.version == row.version and link.fingerprint == digest:
                self.unchanged += 1
                continue
            touched |= dict.fromkeys([*([self._key(link)[0]] if link else []), *([ends[0]] if ends else [])])
        yield from self._touched(touched)

    def of_gone(self, *, connections: Iterable[str] = (), opportunities: Iterable[str] = ()) -> Iterator[list[Work]]:
        """Yield works for the roles of rows that were deleted in Dynamics."""
        gone = list(connections)
        touched = dict.fromkeys([*(self._key(link)[0] for link in self._links(gone).values()), *opportunities])
        yield from self._touched(touched, gone)

    def of_lost_persons(self) -> Iterator[list[Work]]:
        """Yield works for roles of persons that no contact is linked with any more: merged, moved or deleted."""
        links = self.services.store.links(self.entity.name)
        while some := [self._key(link) for link in islice(links, _AT_ONCE)]:
            alive = (
                self.services.links_of_persons([person for _, person, _ in some]).keys() - self.people.deleted.keys()
            )
            yield from self._touched({key[0]: None for key in some if key[1] not in alive})

    def news(self, rows: Iterable[Record]) -> tuple[set[str], set[str]]:
        """Return connections that are roles and have no link yet, and linked ones that are another role now, or none.

        Of several connections that stand for one role only one is ever linked.
        """
        found = {row.id: row for row in rows}
        self._learn(found.values())
        links, column = self._links(found), self._name("record2roleid")
        taking_part = {row.id: ends for row in found.values() if row.active and (ends := self._ends(row)) is not None}
        contacts = self.services.store.links_by_dynamics(
            self.contact.name, sorted({contact for _, contact in taking_part.values()})
        )
        new, other = set[str](), links.keys() - taking_part.keys()
        for row_id, (opportunity, contact) in taking_part.items():
            ref, link = found[row_id].values.get(column), links.get(row_id)
            name = self._called.get(ref.id) if isinstance(ref, Ref) else None
            if link is None and name:
                new.add(row_id)
            elif link is not None:
                person = contacts[contact].marketo_id if contact in contacts else ""
                if self._key(link) != (opportunity, person, (name or "").casefold()):
                    other.add(row_id)
        return new, set(other)

    def waiting(self) -> list[str]:
        """Return opportunities of roles that waited for a record which Marketo has by now."""
        waits = [p.detail for p in self.services.store.parked(self.entity.name) if p.reason == MISSING_PARENT]
        parents = sorted({str(detail.get("reason")) for detail in waits})
        there: set[str] = set()
        for parent in (self.contact, self.opportunity) if parents else ():
            links = self.services.store.links_by_dynamics(parent.name, parents)
            there.update(i for i, link in links.items() if parent is not self.contact or self._lives(link))
        return sorted({str(detail.get("opportunity")) for detail in waits if detail.get("reason") in there})

    def again(self, sources: Sequence[str], opportunities: Sequence[str]) -> Iterator[list[Work]]:
        """Yield works for roles that were refused, and for those of opportunities that waited."""
        rows = [source for source in sources if is_row(source)]
        found = {row.id: row for row in self.services.dynamics.fetch(self.entity, rows)} if rows else {}
        touched = dict.fromkeys([*opportunities, *(s.partition("/")[0] for s in sources if not is_row(s))])
        touched |= {self._key(link)[0]: None for link in self._links(sources).values()}
        touched |= {ends[0]: None for row in found.values() if (ends := self._ends(row)) is not None}
        done: set[str] = set()
        for works in self._touched(touched, [row for row in rows if row not in found]):
            done.update(str(work.step.dynamics_id) for work in works)
            yield works
        idle = [(self.entity.name, Side.MARKETO.value, source) for source in sources if source not in done]
        if idle:
            self.services.store.commit(Commit(unreject=idle))

    def of_opportunity(self, opportunities: Iterable[str]) -> dict[str, list[str]]:
        """Return which roles of deleted opportunities are still linked, since Marketo refused to let go of them."""
        wanted = set(opportunities)
        refused = [item.id for item in self.services.store.rejected(self.entity.name)]
        left: dict[str, list[str]] = {}
        for source, link in self._links([*(s for o in wanted for s in _named(o)), *refused]).items():
            if (opportunity := self._key(link)[0]) in wanted:
                left.setdefault(opportunity, []).append(source)
        return left

    def _touched(self, opportunities: Iterable[str], gone: Sequence[str] = ()) -> Iterator[list[Work]]:
        ids = list(dict.fromkeys(opportunities))
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            rows = {row.id: row for row in self.services.dynamics.fetch(self.opportunity, some)}
            yield from self._agree({i: rows.get(i) for i in some}, gone)

    def _agree(self, rows: Mapping[str, Record | None], gone: Sequence[str] = ()) -> Iterator[list[Work]]:
        """Yield works that bring all roles of opportunities into agreement; ``None`` stands for one that is gone."""
        everything, rows = rows, self._kept(rows)
        if not rows:
            self._forget(everything, ())
            return
        connections = self.services.dynamics.find(
            self.entity, self._name("record1id"), [Ref("opportunity", row) for row in rows]
        )
        wishes = self._wishes([row for row in rows.values() if row is not None], connections)
        sources = list(dict.fromkeys([*(s for o in rows for s in _named(o)), *(row.id for row in connections), *gone]))
        wanted, waits, stale = self._resolved(wishes)
        held: dict[_Key, Link] = {}
        surplus: list[Link] = []
        for link in self._links(sources).values():
            key = self._key(link)
            if link.dynamics_id in stale or (key[0] not in rows and link.dynamics_id not in gone):
                continue
            if key in wanted and key not in held:
                held[key] = link
            else:
                surplus.append(link)
        going = {wish.source for wish in wishes}
        removals = [self._removal(link, rows, moved=link.dynamics_id in going) for link in surplus]
        ending = {link.dynamics_id for link in surplus}
        first = {key: row for key, row in wanted.items() if row.id not in ending}
        yield list(self._made(first, held))
        yield removals
        # Only when an old role is gone is the new one of its source made: one link can't lead back to both.
        kept = self._links(ending)
        then = {key: row for key, row in wanted.items() if row.id in ending and row.id not in kept}
        yield [*self._made(then, held), *waits]
        self._forget(everything, {str(work.step.dynamics_id) for work in waits})

    def _kept(self, rows: Mapping[str, Record | None]) -> dict[str, Record | None]:
        """Return the opportunities that are synced, and those that are gone."""
        filters = self.services.settings.filters
        return {i: row for i, row in rows.items() if row is None or passes(filters, self.opportunity, row)}

    def _wishes(self, rows: Sequence[Record], connections: Sequence[Record]) -> list[_Wish]:
        """Return the roles that Dynamics has, each person's stakeholder roles first."""
        by_id = {row.id: row for row in rows}
        self._learn(connections)
        role, made = self._name("record2roleid"), self._name("createdon")
        wishes = []
        for row in sorted(connections, key=lambda row: row.id):
            ends, ref = self._ends(row), row.values.get(role)
            name = self._called.get(ref.id) if isinstance(ref, Ref) else None
            if ends is not None and ends[0] in by_id and name and row.active:
                wishes.append(_Wish(row.id, *ends, name, row.values.get(made), row.version))
        taking_part = {(wish.opportunity, wish.contact) for wish in wishes}
        for row in rows:
            for source, (_, column, name) in zip(_named(row.id), _NAMED, strict=True):
                ref = self._value(self.opportunity, row, column)
                if isinstance(ref, Ref) and ref.table == "contact" and (row.id, ref.id) not in taking_part:
                    taking_part.add((row.id, ref.id))
                    wishes.append(_Wish(source, row.id, ref.id, name, self._value(self.opportunity, row, "createdon")))
        return wishes

    def _resolved(self, wishes: Sequence[_Wish]) -> tuple[dict[_Key, Record], list[Work], set[str]]:
        """Return roles by what Marketo tells them apart by, works for those that wait, and sources outside a filter."""
        store = self.services.store
        deals = store.links_by_dynamics(self.opportunity.name, sorted({wish.opportunity for wish in wishes}))
        contacts = store.links_by_dynamics(self.contact.name, sorted({wish.contact for wish in wishes}))
        wanted: dict[_Key, Record] = {}
        waits: list[Work] = []
        stale: set[str] = set()
        for wish in wishes:
            link = contacts.get(wish.contact)
            parent = wish.opportunity if wish.opportunity not in deals else wish.contact
            if parent == wish.opportunity or link is None or not self._lives(link):
                about = {"marketo_id": None, "dynamics_id": wish.source, "opportunity": wish.opportunity}
                step = park(self.entity, MISSING_PARENT, **about)
                waits.append(Work(evolve(step, detail={**step.detail, "reason": parent})))
                continue
            row = self._record(wish, link.marketo_id)
            if passes(self.services.settings.filters, self.entity, row):
                wanted.setdefault((wish.opportunity, link.marketo_id, wish.name.casefold()), row)
            else:
                stale.add(wish.source)
        return wanted, waits, stale

    def _record(self, wish: _Wish, person: str) -> Record:
        values = {
            "record1id": Ref("opportunity", wish.opportunity),
            "record2id": person,
            "record2roleid": wish.name,
            "createdon": wish.made,
        }
        names = {bound.dynamics: name for name, bound in self.entity.fields.items()}
        mapped = {names[column]: value for column, value in values.items() if column in names}
        moment = wish.made if isinstance(wish.made, datetime) else None
        return Record(wish.source, mapped, version=wish.version, modified_at=moment)

    def _removal(self, link: Link, rows: Mapping[str, Record | None], *, moved: bool) -> Work:
        """Return the work that ends a link, and with it the role, unless the user wants what is removed to stay."""
        decisions, opportunity = self.services.settings.deletions, self._key(link)[0]
        going = opportunity in rows and rows[opportunity] is None
        with_it = going and decisions.after(self.opportunity, Side.DYNAMICS) is OnDelete.DELETE
        delete = moved or with_it or decisions.after(self.entity, Side.DYNAMICS) is OnDelete.DELETE
        reason = "another role now" if moved else "no role any more"
        end = Side.MARKETO if delete else None
        step = Step(StepKind.UNLINK, self.entity, link.marketo_id, link.dynamics_id, reason=reason, deletes=end)
        if moved:
            # Until it is made anew, only what waits leads back to it.
            step = evolve(step, detail={"waits": {"reason": opportunity, "opportunity": opportunity}})
        return Work(step)

    def _made(self, wanted: Mapping[_Key, Record], held: Mapping[_Key, Link]) -> Iterator[Work]:
        """Yield works for roles that are to be there."""
        fresh = {key for key, link in held.items() if self._fresh.get(link.dynamics_id) == key}
        ids = [link.marketo_id for key, link in held.items() if key in wanted and key not in fresh]
        found = {role.id: role for role in self.services.marketo.fetch(self.entity, ids)} if ids else {}
        digest, policy = self.services.digests[self.entity.name], self.services.policy(self.entity)
        for key, row in wanted.items():
            link = held.get(key)
            if key in fresh and link is not None and link.dynamics_id == row.id:
                continue
            if link is not None and link.marketo_id in found:
                known = evolve(known_of(link, self.entity, digest=digest), dynamics_id=row.id)
                before = (self.entity.name, link.dynamics_id) if link.dynamics_id != row.id else None
                work = pair_work(self.services, known, found[link.marketo_id], row, moved_from=before)
                if work.step.idle and not work.step.decisions and link.version == row.version and known.current:
                    self.unchanged += 1
                else:
                    yield work
                continue
            if link is not None:
                gone = (link.marketo_id, link.dynamics_id)
                yield Work(Step(StepKind.UNLINK, self.entity, *gone, reason="deleted in Marketo"))
            self._fresh[row.id] = key
            yield Work(plan_new_row(self.entity, row, Nothing(self._name("record2roleid")), policy=policy), None, row)

    def _learn(self, connections: Iterable[Record]) -> None:
        """Read the connection roles that were not met yet."""
        column = self._name("record2roleid")
        refs = {ref.id for row in connections if isinstance(ref := row.values.get(column), Ref)}
        codec = cast("LinkedNameCodec", self.entity.fields[column].codec)
        if new := sorted(refs - self._called.keys()):
            self._called |= dict.fromkeys(new)
            for row in self.services.dynamics.fetch(self.names, new):
                if row.values.get("category") == STAKEHOLDER:
                    self._called[row.id] = codec.cut(str(row.values.get("name") or ""))

    def _forget(self, opportunities: Collection[str], waiting: Collection[str]) -> None:
        """Let go of roles of opportunities that waited and have nothing to wait for any more."""
        parked = [p for p in self.services.store.parked(self.entity.name) if p.reason == MISSING_PARENT]
        over = [p.id for p in parked if p.detail.get("opportunity") in opportunities and p.id not in waiting]
        if over:
            self.services.store.commit(Commit(unpark=[(self.entity.name, Side.DYNAMICS.value, i, "*") for i in over]))

    def _ends(self, row: Record) -> tuple[str, str] | None:
        """Return the opportunity and the contact of a connection. Of the two rows that Dynamics keeps for each, the one
        that stands on the opportunity counts, whichever end it was made from."""
        first, second = row.values.get(self._name("record1id")), row.values.get(self._name("record2id"))
        if isinstance(first, Ref) and isinstance(second, Ref) and (first.table, second.table) == _ENDS:
            return first.id, second.id
        return None

    def _key(self, link: Link) -> _Key:
        """Return what Marketo tells a linked role apart by."""
        base = self.entity.load(link.base)
        deal, person, name = (base.get(self._name(c)) for c in ("record1id", "record2id", "record2roleid"))
        return deal.id if isinstance(deal, Ref) else "", str(person), str(name).casefold()

    def _lives(self, link: Link) -> bool:
        return link.marketo_id not in self.people.deleted

    def _links(self, sources: Iterable[str]) -> dict[str, Link]:
        return self.services.store.links_by_dynamics(self.entity.name, list(sources))

    def _name(self, column: str) -> str:
        return next((name for name, bound in self.entity.fields.items() if bound.dynamics == column), "")

    @staticmethod
    def _value(entity: BoundEntity, row: Record, column: str) -> object:
        name = next((name for name, bound in entity.fields.items() if bound.dynamics == column), "")
        return row.values.get(name)


_ENDS: Final = ("opportunity", "contact")


def _named(opportunity: str) -> list[str]:
    return [f"{opportunity}/{end}" for end, _, _ in _NAMED]
