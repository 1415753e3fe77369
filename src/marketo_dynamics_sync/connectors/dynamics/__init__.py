"""Dynamics through the Dataverse Web API: sign-in, change tracking, guarded writes, limits and errors."""

from .connector import DynamicsConnector
from .credentials import AccessToken, ClientCertificate, ClientSecret, FixedToken, TokenCredential, UsernamePassword

__all__ = [
    "AccessToken",
    "ClientCertificate",
    "ClientSecret",
    "DynamicsConnector",
    "FixedToken",
    "TokenCredential",
    "UsernamePassword",
]
