"""Every error this library raises, in one tree.

.. code-block:: text

    SyncError
    ├── ConfigurationError            the caller has to change something before any call can work
    │   ├── MappingError              an entity class whose mapping can't work
    │   ├── FieldMissingError         a field the user named is not there
    │   ├── FieldUnreadableError      a field the user named can't be read by the sync user
    │   ├── SchemaChangedError        a service changed a mapped field, and the caller wants no cycle then
    │   ├── NativeSyncError           Marketo's own CRM sync keeps an object to itself
    │   ├── AddressError              a URL that is not one of the service
    │   └── PolicyError               a policy that raised, or gave no resolution
    ├── ServiceError                  a service, or the way to it, said no
    │   ├── AuthenticationError       wrong secret, expired certificate, revoked token
    │   ├── PermissionDeniedError     the sync user lacks a right
    │   ├── ConnectionFailedError     nobody answered
    │   │   └── TLSError              somebody answered whom we can't trust
    │   ├── ResponseError             an answer that is not what the service sends
    │   ├── TransientError            the service says: later
    │   ├── LimitError                a limit of the service
    │   │   ├── RateLimitError        calls too fast
    │   │   ├── ConcurrencyError      too many calls at once
    │   │   └── QuotaError            the day's calls are used up
    │   ├── RequestRejectedError      the service says our request is wrong
    │   ├── OutcomeUnknownError       the answer to a write was lost
    │   └── CheckpointExpiredError    the service no longer knows where we stopped
    ├── ValueRejectedError            one value that a side can't hold
    ├── StateError                    the state store
    │   ├── StoreVersionError         written by a newer version of this library
    │   ├── StoreLockedError          another engine runs on it
    │   ├── StoreDamagedError         not a store, or a broken one
    │   ├── StoreCopyError            a copy of a store that is in use elsewhere, or an older copy put back
    │   └── IdentityMismatchError     the store was built on another instance
    │       └── RestoredError         the instance is older than the store: it was restored from a backup
    ├── PlanRefusedError              a brake stopped the cycle before its first write
    └── ClockSkewError                this machine's clock and a service's disagree

Texts name entity, field, record id, code and what to do. They never carry a value, an e-mail address or a secret.
"""

from __future__ import annotations


class SyncError(Exception):
    """Base of every error this library raises."""


class ConfigurationError(SyncError):
    """Something the caller has to change before any call can work."""


class MappingError(ConfigurationError):
    """An entity class whose mapping can't work; the text names the class and the field."""


class FieldMissingError(ConfigurationError):
    """A field that the user named is missing in Marketo or in Dynamics."""


class FieldUnreadableError(ConfigurationError):
    """A field that the user named can't be read by the sync user."""


class SchemaChangedError(ConfigurationError):
    """A service changed a mapped field, and the caller wants no cycle then; the text names what changed."""


class NativeSyncError(ConfigurationError):
    """Marketo's own CRM sync is connected and keeps an object to itself, so no record of it can be written."""


class AddressError(ConfigurationError):
    """A URL that is malformed, not encrypted, or not an address of the service."""


class PolicyError(ConfigurationError):
    """A policy raised, or gave something that is no resolution; the text names the policy and the field."""


class ServiceError(SyncError):
    """A service, or the way to it, said no.

    Args:
        message: What went wrong and what to do.
        service: ``"marketo"`` or ``"dynamics"``.
        code: The service's own code, such as ``"606"`` or ``"0x80072322"``.
        status: HTTP status, where there was an answer.
        request_id: What to quote to the service's support.
        retry_after: Seconds the service asked us to wait.
    """

    #: Whether the same request may succeed later without anybody changing anything.
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        service: str,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        parts = [f"code {code}" if code else "", f"HTTP {status}" if status else ""]
        parts.append(f"request {request_id}" if request_id else "")
        tail = ", ".join(part for part in parts if part)
        super().__init__(f"{service}: {message} ({tail})" if tail else f"{service}: {message}")
        self.service = service
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after


class AuthenticationError(ServiceError):
    """The credentials were refused."""


class PermissionDeniedError(ServiceError):
    """The sync user is known but lacks a right; the text names it where the service does."""


class ConnectionFailedError(ServiceError):
    """No answer: unknown host, refused or broken connection, time-out before a request was sent."""

    retryable = True


class TLSError(ConnectionFailedError):
    """The certificate of whoever answered can't be trusted."""

    retryable = False


class ResponseError(ServiceError):
    """An answer that is not what the service sends: HTML, a cut body, a missing member."""

    retryable = True


class TransientError(ServiceError):
    """The service is unwell for the moment."""

    retryable = True


class LimitError(ServiceError):
    """A limit of the service was reached."""

    retryable = True


class RateLimitError(LimitError):
    """Calls came faster than the service takes them."""


class ConcurrencyError(LimitError):
    """More calls at once than the service takes."""


class QuotaError(LimitError):
    """The day's calls are used up; what is left is done after the service's midnight."""

    retryable = False


class RequestRejectedError(ServiceError):
    """The service understood the request and refuses it as wrong; repeating it can't help."""


class OutcomeUnknownError(ServiceError):
    """The answer to a write was lost: it may have been done, so it is read back before anything is repeated."""


class CheckpointExpiredError(ServiceError):
    """The service no longer knows the point where the last cycle stopped; a full comparison follows."""


class ValueRejectedError(SyncError):
    """One value that a side can't hold or that can't be read as the field's type.

    Args:
        reason: What is wrong with the value, without the value.
        code: A short stable word, such as ``"too-long"`` or ``"unknown-option"``.
    """

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class StateError(SyncError):
    """The state store can't be used."""


class StoreVersionError(StateError):
    """The store was written by a newer version of this library."""


class StoreLockedError(StateError):
    """Another engine is running on the store."""


class StoreDamagedError(StateError):
    """The file is not a state store, or it is broken."""


class StoreCopyError(StateError):
    """The file is a copy of a store that is still there, or an older copy was put back in its place."""


class IdentityMismatchError(StateError):
    """The store was built on another Dynamics organization or another Marketo instance."""


class RestoredError(IdentityMismatchError):
    """A service is older than what the store remembers of it: its environment was restored from a backup."""


class PlanRefusedError(SyncError):
    """A brake stopped the cycle: what it was about to do looks like an accident. The text shows the numbers.

    Args:
        message: What looks like an accident, and the switch that lets it pass.
        brake: Which brake, as the value of a :class:`~marketo_dynamics_sync.plan.Brake`.
    """

    def __init__(self, message: str, *, brake: str = "") -> None:
        super().__init__(message)
        self.brake = brake


class ClockSkewError(SyncError):
    """This machine's clock and a service's disagree so far that reads by time can't be trusted."""
