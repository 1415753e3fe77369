"""The main job, shown on the sandbox: a first copy, a day of edits on both sides, and what became of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field
from companies import TeamMember, make_custom_object, show_companies
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from marketo_dynamics_sync import DynamicsConnector, MarketoConnector, SQLiteStateStore, SyncEngine, SyncReport
from marketo_dynamics_sync.engine import Event
from marketo_dynamics_sync.entities import (
    Account,
    Contact,
    Entity,
    Lead,
    Opportunity,
    OpportunityRole,
    Side,
    Team,
    User,
)
from marketo_dynamics_sync.sandbox import Sandbox

PEOPLE = 2000
console = Console(width=120, highlight=False)


@define
class Story:
    """One thing that happened to one person, and how to look what became of it."""

    who: str
    what: str
    look: Callable[[], str]


@define
class Day:
    """The edits of a day, made by hand on both sides."""

    sandbox: Sandbox
    store: SQLiteStateStore
    stories: list[Story] = field(factory=list)
    pushed: int = 0
    _used: set[str] = field(factory=set)

    def pick(self, table: str) -> tuple[str, int]:
        """Return a linked person that no story has touched: row id and person id."""
        for link in self.store.links(table):
            row = self.sandbox.dynamics.row(table, link.dynamics_id)
            if link.dynamics_id not in self._used and row and row.get("emailaddress1") and row.get("jobtitle"):
                self._used.add(link.dynamics_id)
                return link.dynamics_id, int(link.marketo_id)
        raise LookupError(table)

    def row(self, table: str, row: str, column: str) -> object:
        found = self.sandbox.dynamics.row(table, row)
        return found.get(column) if found else None

    def person(self, person: int, name: str) -> object:
        found = self.sandbox.marketo.person(person)
        return found.get(name) if found else None

    def name(self, table: str, row: str) -> str:
        return f"{self.row(table, row, 'fullname')} ({table})"

    def happen(self) -> None:
        """Make the edits."""
        marketo, dynamics = self.sandbox.marketo, self.sandbox.dynamics

        lead, person = self.pick("lead")
        marketo.update_person(person, city="Lisbon")
        dynamics.update("lead", lead, address1_city="Porto")
        self.tell(
            self.name("lead", lead),
            "Marketing wrote the city Lisbon, sales wrote Porto. For leads Marketo wins.",
            lambda: f"Marketo: {self.person(person, 'city')}, Dynamics: {self.row('lead', lead, 'address1_city')}",
        )

        contact, member = self.pick("contact")
        marketo.update_person(member, city="Lisbon")
        dynamics.update("contact", contact, address1_city="Porto")
        self.tell(
            self.name("contact", contact),
            "The same clash on a contact. For contacts Dynamics wins.",
            lambda: (
                f"Marketo: {self.person(member, 'city')}, Dynamics: {self.row('contact', contact, 'address1_city')}"
            ),
        )

        both, twin = self.pick("lead")
        marketo.update_person(twin, title="Chief Wizard")
        dynamics.update("lead", both, telephone1="+44 20 7946 0000")
        self.tell(
            self.name("lead", both),
            "Marketing changed the job title, sales changed the phone. Both edits stay.",
            lambda: (
                f"Dynamics title: {self.row('lead', both, 'jobtitle')}, Marketo phone: {self.person(twin, 'phone')}"
            ),
        )

        quiet, reader = self.pick("contact")
        marketo.update_person(reader, unsubscribed=True, title="Left us")
        dynamics.update("contact", quiet, jobtitle="Still here")
        self.tell(
            self.name("contact", quiet),
            "Unsubscribed in Marketo, which loses clashes on contacts (it lost the job title). An opt-out always "
            "stays.",
            lambda: (
                f"Dynamics 'no bulk e-mail': {self.row('contact', quiet, 'donotbulkemail')}, "
                f"title on both sides: {self.person(reader, 'title')}"
            ),
        )

        wrong, typist = self.pick("lead")
        marketo.update_person(typist, mobilePhone="+49 151 2345 6789 (evenings only)", city="Graz")
        self.tell(
            self.name("lead", wrong),
            "A mobile number too long for Dynamics (20 characters), and a new city. The number waits, the city goes "
            "on.",
            lambda: (
                f"Dynamics city: {self.row('lead', wrong, 'address1_city')}, mobile: "
                f"{self.row('lead', wrong, 'mobilephone')}; waiting: {self.waiting(wrong)}"
            ),
        )

        gone, orphan = self.pick("lead")
        who = self.name("lead", gone)
        dynamics.delete("lead", gone)
        self.tell(
            who,
            "Deleted in Dynamics. The person stays in Marketo, marked as deleted there.",
            lambda: f"Marketo 'Microsoft is Deleted': {self.person(orphan, 'microsoftIsDeleted')}",
        )

        closed, buyer = self.pick("lead")
        who = self.name("lead", closed)
        customer = dynamics.qualify_lead(closed)
        self.tell(
            who,
            "Sales qualified the lead. The person is a contact from now on, not a second person.",
            lambda: f"person {buyer} now stands for contact {customer[:8]}…: {self.linked('contact', customer)}",
        )

        self.pushed = marketo.create_person(
            email="new.visitor@example.org", firstName="Noor", lastName="El-Amin", company="Oasis"
        )
        self.tell(
            "Noor El-Amin (Marketo only)",
            "Filled in a form. Marketing asks to create her in Dynamics now.",
            lambda: f"Dynamics lead: {self.found('new.visitor@example.org')}",
        )

    def tell(self, who: str, what: str, look: Callable[[], str]) -> None:
        self.stories.append(Story(who, what, look))

    def waiting(self, row: str) -> str:
        return ", ".join(f"{p.field} ({p.detail['reason']})" for p in self.store.parked("lead") if p.id == row)

    def linked(self, entity: str, row: str) -> str:
        return "linked" if row in self.store.links_by_dynamics(entity, [row]) else "not linked"

    def found(self, email: str) -> str:
        rows = [row for row in self.sandbox.dynamics.all_rows("lead") if row.get("emailaddress1") == email]
        return f"{len(rows)} made, {rows[0]['fullname']}" if rows else "none"


def first_copy(engine: SyncEngine, total: int) -> SyncReport:
    """Run the first copy with a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(40), MofNCompleteColumn())
    with Progress(*columns, console=console) as bar:
        read = bar.add_task("read from Dynamics", total=total)
        written = bar.add_task("written to Marketo", total=None)

        def follow(event: Event) -> None:
            if event.kind == "read" and event.side is Side.DYNAMICS:
                bar.advance(read, event.count)
            elif event.kind == "written" and event.side is Side.MARKETO:
                bar.advance(written, event.count)

        report = engine.run(on_event=follow)
        bar.update(written, total=bar.tasks[1].completed)
    return report


def in_words(report: SyncReport) -> None:
    """Say what a cycle did."""
    made = report.total("to Marketo", "created")
    matched = report.total("links", "linked") - made
    console.print(f"  {made} people were new to Marketo and were created there.")
    console.print(f"  {matched} people were known to Marketo already and were linked, not made a second time.")
    console.print(f"  {report.total('to Dynamics', 'updated')} rows in Dynamics learned something from Marketo.")
    console.print(
        f"  {sum(n for (_, way, _), n in report.counts.items() if way == 'clashes')} fields differed; the rules "
        "decided each."
    )
    console.print(
        f"  {report.total('waiting', 'parked')} rows wait for a human: several people could be meant (a shared "
        "e-mail address). "
        "Nobody guesses."
    )
    console.print(
        f"  {report.total('waiting', 'field held')} values wait: the other side can't hold them (a lead source it "
        "doesn't know). "
        "The rest of those people went on."
    )
    calls = report.marketo_calls.total, report.dynamics_calls.total
    console.print(f"  Calls used: {calls[0]} to Marketo, {calls[1]} to Dynamics.")


def main() -> None:
    """Show everything."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(start=datetime.now(UTC)) as sandbox:
        console.rule("A Marketo instance and a Dynamics environment, on this machine")
        sandbox.seed(PEOPLE)
        leads, contacts = len(sandbox.dynamics.all_rows("lead")), len(sandbox.dynamics.all_rows("contact"))
        console.print(
            f"{leads} leads and {contacts} contacts in Dynamics, {len(sandbox.marketo.persons())} people in "
            "Marketo: accents, "
            "other scripts,\nmissing and shared e-mail addresses, all kinds of phone numbers, opt-outs.\n"
        )
        store = SQLiteStateStore(Path(folder) / "sync.db")
        # The sandbox's clock moves only when told to, so that the pauses between cycles take no time here.
        clock = sandbox.clock
        marketo = MarketoConnector(
            sandbox.marketo_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            clock=clock.now,
            monotonic=clock.monotonic,
            sleep=clock.sleep,
        )
        dynamics = DynamicsConnector(
            sandbox.dynamics_url,
            auth=sandbox.credential,
            clock=clock.now,
            monotonic=clock.monotonic,
            sleep=clock.sleep,
        )

        def engine_for(*entities: type[Entity]) -> SyncEngine:
            return SyncEngine(marketo=marketo, dynamics=dynamics, store=store, entities=entities, now=clock.now)

        try:
            show(sandbox, store, engine_for(Lead, Contact), leads + contacts)
            make_custom_object(sandbox)
            everything = (User, Team, Account, Lead, Contact, Opportunity, OpportunityRole, TeamMember)
            show_companies(console, sandbox, engine_for(*everything))
        finally:
            marketo.close()
            dynamics.close()
            store.close()


def show(sandbox: Sandbox, store: SQLiteStateStore, engine: SyncEngine, total: int) -> None:
    """Run the first copy, a day of edits, and an idle cycle."""
    console.rule("1. Before anything is written: is everything in place?")
    preflight = engine.check()
    console.print(f"{sum(check.passed for check in preflight.checks)} of {len(preflight.checks)} checks passed.")
    plan = engine.plan()
    console.print(
        f"The plan, so far only looked at: {len(plan.steps)} people to create, link or park, in {plan.price.marketo} "
        f"write calls to Marketo and {plan.price.dynamics} to Dynamics.\n"
    )

    console.rule("2. The first copy")
    in_words(first_copy(engine, total))
    sandbox.clock.advance(minutes=10)
    engine.run()
    sandbox.clock.advance(minutes=10)
    console.print("  Then one more cycle read back what Marketo had stored, and found everything in place.\n")

    console.rule("3. A day at work: people edit both sides")
    day = Day(sandbox, store)
    day.happen()
    engine.push_persons([day.pushed])
    engine.run()
    for _ in range(6):
        sandbox.clock.advance(minutes=10)
        engine.run()
    table = Table(show_lines=True, box=None, padding=(0, 2, 1, 0))
    table.add_column("who", width=30)
    table.add_column("what happened, and the rule", width=46)
    table.add_column("now", width=38)
    for story in day.stories:
        table.add_row(story.who, story.what, story.look())
    console.print(table)

    console.rule("4. Nothing new")
    idle = engine.run()
    used = idle.marketo_calls.total + idle.dynamics_calls.total
    console.print(f"A cycle with nothing new wrote {idle.wrote} records and used {used} calls in all.")
    clash = next(entry for entry in store.journal() if entry.kind == "conflict" and entry.field == "city")
    console.print(
        f"And every decision can be looked up: person {clash.marketo_id}, {clash.field}: Marketo said "
        f"{clash.detail['marketo']!r}, Dynamics said {clash.detail['dynamics']!r}, before it was "
        f"{clash.detail['base']!r}; "
        f"{clash.detail['rule']}."
    )
    if idle.wrote:
        raise SystemExit("the idle cycle wrote something: that is a defect")


if __name__ == "__main__":
    main()
