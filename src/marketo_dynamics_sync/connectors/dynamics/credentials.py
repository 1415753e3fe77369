"""Who the connector is towards Dataverse: what a user hands in as ``auth=``."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from attrs import field, frozen

#: Sign-in host of the public cloud; sovereign clouds have their own (Microsoft Learn, "National clouds").
PUBLIC_CLOUD: Final = "login.microsoftonline.com"


class AccessToken(Protocol):
    """A token as the Azure SDK hands it out."""

    @property
    def token(self) -> str:
        """The bearer token."""
        ...

    @property
    def expires_on(self) -> int:
        """When it expires, in seconds since 1970 (UTC)."""
        ...


@runtime_checkable
class TokenCredential(Protocol):
    """Anything that hands out tokens: every credential of ``azure-identity`` does."""

    def get_token(self, *scopes: str) -> AccessToken:
        """Return a token for the scopes."""
        ...


@frozen
class ClientSecret:
    """Signs in as an application with a secret. The application must be an application user of the environment.

    Source: Microsoft Learn, "Use OAuth authentication with Microsoft Dataverse", connect as an app.

    Attributes:
        tenant: Id or domain of the Entra tenant.
        client: Application (client) id of the app registration.
        secret: A client secret's value.
        authority: Sign-in host; other clouds have their own.
    """

    tenant: str
    client: str
    secret: str = field(repr=False)
    authority: str = field(default=PUBLIC_CLOUD, kw_only=True)


@frozen
class ClientCertificate:
    """Signs in as an application with a certificate. Give ``pfx``, or ``private_key`` with ``public_certificate``.

    Attributes:
        tenant: Id or domain of the Entra tenant.
        client: Application (client) id of the app registration.
        pfx: Path of a PKCS #12 file with certificate and key.
        private_key: The private key as PEM text.
        public_certificate: The certificate as PEM text.
        passphrase: What opens the file or the key, if they are locked.
        authority: Sign-in host; other clouds have their own.
    """

    tenant: str
    client: str
    pfx: str | None = None
    private_key: str | None = field(default=None, repr=False, kw_only=True)
    public_certificate: str | None = field(default=None, repr=False, kw_only=True)
    passphrase: str | None = field(default=None, repr=False, kw_only=True)
    authority: str = field(default=PUBLIC_CLOUD, kw_only=True)

    def __attrs_post_init__(self) -> None:
        pem = self.private_key is not None and self.public_certificate is not None
        loose = self.private_key is not None or self.public_certificate is not None
        if (self.pfx is None) == (not pem) or (self.pfx is not None and loose):
            raise ValueError("ClientCertificate takes either pfx=, or both private_key= and public_certificate=")


@frozen
class UsernamePassword:
    """Signs in as a user with a password (ROPC). An application with a secret or a certificate is the better way.

    It doesn't work for users with multi-factor authentication, guests, or most federated users (Microsoft Learn,
    "Microsoft identity platform and OAuth 2.0 Resource Owner Password Credentials").

    Attributes:
        tenant: Id or domain of the Entra tenant.
        client: Application (client) id of an app registration that has a secret or allows public client flows.
        username: The user's sign-in name.
        password: The password.
        client_secret: A client secret's value, for a registration that has one.
        authority: Sign-in host; other clouds have their own.
    """

    tenant: str
    client: str
    username: str = field(repr=False)
    password: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    authority: str = field(default=PUBLIC_CLOUD, kw_only=True)


@frozen
class FixedToken:
    """Hands out one token that somebody else got, such as a test or a host with its own sign-in.

    Attributes:
        token: The bearer token.
        expires_on: When it expires, in seconds since 1970 (UTC); far away unless told.
    """

    token: str = field(repr=False)
    expires_on: int = 253_402_300_799

    def get_token(self, *scopes: str) -> AccessToken:
        """Return the token."""
        return self


#: What ``auth=`` takes.
Credential = ClientSecret | ClientCertificate | UsernamePassword | TokenCredential
