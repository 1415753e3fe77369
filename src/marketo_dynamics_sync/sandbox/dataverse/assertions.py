"""Client assertions: signed claims by which an application with a certificate proves who it is.

Source: Microsoft Learn, "Microsoft identity platform application authentication certificate credentials".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Final

from attrs import frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate

#: What ``client_assertion_type`` has to be (RFC 7523).
JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@frozen
class Refusal:
    """Why an assertion isn't taken.

    Attributes:
        code: Number of the AADSTS error.
        text: Its text.
    """

    code: int
    text: str


def refusal(assertion: str, certificates: Sequence[str], client: str, audience: str, now: float) -> Refusal | None:
    """Return why an assertion isn't taken, or ``None`` for a good one.

    Args:
        assertion: The signed claims.
        certificates: Certificates that the application is registered with (PEM).
        client: The application's id.
        audience: Address of the token endpoint.
        now: The time, in seconds since 1970.
    """
    try:
        head, body, signature = assertion.split(".")
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
        signed = _decoded(signature)
    except ValueError:
        return Refusal(50027, "JWT token is invalid or malformed.")
    known = [load_pem_x509_certificate(pem.encode()) for pem in certificates]
    used = next((each for each in known if _is_named(each, header)), None)
    if used is None:
        thumbprint = header.get("x5t#S256") or header.get("x5t")
        return Refusal(
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on application. "
            f"[Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']",
        )
    if not _is_signed(used, f"{head}.{body}".encode(), signed, str(header.get("alg"))):
        return Refusal(700027, "Client assertion contains an invalid signature. [Reason - The key used is expired.]")
    if claims.get("iss") != client or claims.get("sub") != client:
        return Refusal(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    if claims.get("aud") != audience:
        return Refusal(700023, "Client assertion audience claim does not match Realm issuer.")
    if not isinstance(claims.get("exp"), (int, float)) or claims["exp"] <= now:
        return Refusal(700024, "Client assertion is not within its valid time range.")
    return None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _is_named(certificate: Certificate, header: dict[str, object]) -> bool:
    """Return whether a header names a certificate; MSAL leaves the padding of base64 in place."""
    if "x5t#S256" in header:
        return str(header["x5t#S256"]).rstrip("=") == _print(certificate.fingerprint(hashes.SHA256()))
    digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303  the older form of the header
    return str(header.get("x5t")).rstrip("=") == _print(digest)


def _print(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _is_signed(certificate: Certificate, message: bytes, signature: bytes, algorithm: str) -> bool:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or algorithm not in ("RS256", "PS256"):
        return False
    pad: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm == "PS256":
        pad = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(signature, message, pad, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
