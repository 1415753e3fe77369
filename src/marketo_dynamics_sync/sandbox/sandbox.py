"""Both services together, with one clock, ready to be reached over loopback or in process."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from attrs import frozen

from .calls import Call, Cost
from .clock import SandboxClock
from .dataverse import DataverseService
from .faults import Faults, Service
from .http import App
from .marketo import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, MarketoService, ObjectField, PersonField
from .people import fill
from .seeding import load
from .server import LoopbackServer

if TYPE_CHECKING:
    import httpx

    from .transport import SandboxTransport

#: Hosts under which :meth:`Sandbox.client` reaches the services in process.
MARKETO_HOST: Final = "123-abc-456.mktorest.com"
DYNAMICS_HOST: Final = "contoso.crm.dynamics.com"
LOGIN_HOST: Final = "login.microsoftonline.com"

#: Custom person fields that hold what the native sync keeps, under camel-case names of their labels.
CRM_FIELDS: Final = (
    PersonField("dynamicsId", "string", 36, searchable=True, label="Dynamics Id"),
    PersonField("microsoftCreatedDate", "datetime", label="Microsoft Created Date"),
    PersonField("microsoftType", "string", label="Microsoft Type"),
    PersonField("microsoftIsDeleted", "boolean", label="Microsoft is Deleted"),
    PersonField("microsoftAddress2", "string", label="Microsoft Address 2"),
    PersonField("microsoftAddress3", "string", label="Microsoft Address 3"),
    PersonField("microsoftStatusReason", "string", label="Microsoft Status Reason"),
    PersonField("microsoftDoNotEmail", "boolean", label="Microsoft Do Not Email"),
    PersonField("microsoftDoNotFax", "boolean", label="Microsoft Do Not Fax"),
    PersonField("microsoftDoNotSendMarketingMaterial", "boolean", label="Microsoft Do Not Send Marketing Material"),
    PersonField("microsoftHomePhone", "phone", label="Microsoft Home Phone"),
    PersonField("microsoftPreferredMethodOfContact", "string", label="Microsoft Preferred Method Of Contact"),
    PersonField("microsoftTopic", "string", label="Microsoft Topic"),
    PersonField("personNotes", "text", label="Person Notes"),
)
#: Custom company fields of the same kind.
CRM_COMPANY_FIELDS: Final = (
    ObjectField("microsoftBillingAddress2", label="Microsoft Billing Address 2"),
    ObjectField("microsoftBillingAddress3", label="Microsoft Billing Address 3"),
    ObjectField("microsoftAccountNumber", label="Microsoft Account Number"),
    ObjectField("microsoftCompanyStatus", label="Microsoft Company Status"),
    ObjectField("businessType", label="Business Type"),
)


@frozen
class Token:
    """A token as a credential object gives it.

    Attributes:
        token: The text.
        expires_on: Seconds since 1970.
    """

    token: str
    expires_on: int


class SandboxCredential:
    """Fits where a credential object of the Azure kind does: it gives tokens that the sandbox takes."""

    def __init__(self, service: DataverseService) -> None:
        self._service = service

    def get_token(self, *scopes: str, **options: object) -> Token:
        """Return a token."""
        life = self._service.entra.lifetime
        return Token(self._service.issue_token(), int(self._service.clock.now().timestamp() + life))


class Sandbox:
    """A Marketo instance and a Dynamics environment on this machine.

    As a context manager it serves both over loopback; without, :meth:`client` reaches them in process.

    Args:
        start: First moment of the sandbox's clock; it then moves only when told to. ``None`` follows the machine.
        crm_fields: Give Marketo the custom fields that hold the CRM id and what the native sync keeps.
        marketo: A Marketo service made by hand, in place of the usual one.
        dynamics: A Dataverse service made by hand.
        tls: Serve https with this context.

    Examples:
        >>> sandbox = Sandbox()
        >>> lead = sandbox.dynamics.create("lead", lastname="Byron")
        >>> sandbox.client().get("https://contoso.crm.dynamics.com/api/data/v9.2/WhoAmI").status_code
        401
    """

    def __init__(
        self,
        *,
        start: datetime | None = None,
        crm_fields: bool = True,
        marketo: MarketoService | None = None,
        dynamics: DataverseService | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        given = marketo or dynamics
        self.clock = given.clock if given is not None else SandboxClock(start)
        self.marketo = marketo or MarketoService(self.clock, custom_fields=CRM_FIELDS if crm_fields else ())
        for item in CRM_COMPANY_FIELDS if crm_fields and marketo is None else ():
            self.marketo.add_object_field("companies", item)
        self.dynamics = dynamics or DataverseService(self.clock)
        self.client_id = DEFAULT_CLIENT_ID
        self.client_secret = DEFAULT_CLIENT_SECRET
        self._tls = tls
        self._stack = ExitStack()
        #: Lets go wrong what it is told to.
        self.faults = Faults()
        self._marketo_app = self.faults.around("marketo", self.marketo)
        self._dynamics_app = self.faults.around("dynamics", self.dynamics)
        self._marketo_server = LoopbackServer(self._marketo_app, tls=tls)
        self._dynamics_server = LoopbackServer(self._dynamics_app, tls=tls)

    @property
    def marketo_url(self) -> str:
        """Where Marketo is served."""
        return self._marketo_server.url

    @property
    def dynamics_url(self) -> str:
        """Where Dynamics is served."""
        return self._dynamics_server.url

    @property
    def credential(self) -> SandboxCredential:
        """A credential for Dynamics."""
        return SandboxCredential(self.dynamics)

    @property
    def timing(self) -> dict[str, Callable[..., Any]]:
        """Arguments that make a connector live by the sandbox's clock: ``MarketoConnector(url, ..., **timing)``.

        The values are ``clock``, ``monotonic`` and ``sleep``; ``Any`` because they go to parameters of three types.
        """
        return {"clock": self.clock.now, "monotonic": self.clock.monotonic, "sleep": self.clock.sleep}

    def transport(self) -> SandboxTransport:
        """Return a transport for HTTP clients of your own that reaches both services in process.

        They answer as ``123-abc-456.mktorest.com`` and ``contoso.crm.dynamics.com``, and the token endpoint of Dynamics
        as ``login.microsoftonline.com``.
        """
        from .transport import SandboxTransport  # not above: a program that only serves needn't wait for httpx

        routes: dict[str, App] = {
            MARKETO_HOST: self._marketo_app,
            DYNAMICS_HOST: self._dynamics_app,
            LOGIN_HOST: self._dynamics_app,
        }
        return SandboxTransport(routes)

    def client(self) -> httpx.Client:
        """Return an HTTP client on :meth:`transport`."""
        import httpx  # as above

        return httpx.Client(transport=self.transport())

    @property
    def calls(self) -> list[Call]:
        """Calls to both services since :meth:`reset_calls`, in the order of their answers, each with its cost."""
        return sorted([*self.marketo.calls, *self.dynamics.calls], key=lambda call: call.at)

    @property
    def cost(self) -> dict[Service, Cost]:
        """What the calls to each service cost since :meth:`reset_calls`."""
        return {"marketo": Cost.of(self.marketo.calls), "dynamics": Cost.of(self.dynamics.calls)}

    def reset_calls(self) -> None:
        """Forget the log of calls of both services; limits keep what they counted."""
        self.marketo.reset_calls()
        self.dynamics.reset_calls()

    def seed(self, count: int, seed: int = 7) -> None:
        """Put made-up people into both services.

        Args:
            count: How many.
            seed: Makes the same people again.
        """
        fill(count, seed, self.dynamics.create, self.marketo.create_person)

    def load(self, data: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:  # Any: what json.load gives
        """Put records into both services, in the form they have there, as if made by hand.

        Args:
            data: What ``json.load`` gives: records by service and kind. Under ``"dynamics"``, rows by table; a row may
                bring its own id, and bind lookups with ``@odata.bind``. Under ``"marketo"``, any of
                ``"customobjecttypes"`` (``name``, ``fields`` and ``link`` as in
                :meth:`~marketo_dynamics_sync.sandbox.marketo.MarketoService.create_custom_object_type`),
                ``"salespersons"``, ``"companies"``, ``"persons"``, ``"opportunities"``, ``"opportunities/roles"``
                (whose ``leadId`` may be an e-mail address), ``"namedaccounts"``, and ``"customobjects"``, by type.

        Returns:
            The new ids, in order, by kind; of custom objects by their type.

        Raises:
            ValueError: A service or a kind is unknown, a member is missing, or a value isn't taken.
        """
        return load(self.marketo, self.dynamics, data)

    def __enter__(self) -> Self:
        self._stack.enter_context(self._marketo_server)
        self._stack.enter_context(self._dynamics_server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
