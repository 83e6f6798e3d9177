"""Who asks: API keys, known by their hashes."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from suffice.errors import AuthenticationError
from suffice.server.config import AuthConfig, KeyConfig


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    key_id: str | None = None
    profile: str | None = None
    is_admin: bool = False


def hash_key(key: str) -> str:
    """The hash of a key, as the configuration holds it. Keys are long and random, so a fast hash will do."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Knows the callers."""

    config: AuthConfig

    def identify(self, headers: Mapping[str, str]) -> Caller:
        """Tell who sent a request; without configured keys everybody is an admin, and only loopback reaches us.

        Raises:
            AuthenticationError: No key, or an unknown one.
        """
        if not self.config.keys:
            return Caller(is_admin=True)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise AuthenticationError("no API key: send it as 'Authorization: Bearer YOUR_KEY'")
        known = self._find(hash_key(key.strip()))
        if known is None:
            raise AuthenticationError("this API key is not known here")
        return Caller(key_id=known.name, profile=known.profile, is_admin=known.admin)

    def require_admin(self, headers: Mapping[str, str]) -> Caller:
        """Tell which admin sent a request.

        Raises:
            AuthenticationError: Not an admin's key.
        """
        caller = self.identify(headers)
        if not caller.is_admin:
            raise AuthenticationError("this needs the key of an admin (auth.keys[].admin: true)")
        return caller

    def _find(self, hashed: str) -> KeyConfig | None:
        found = None
        # Every key is compared, so that the time taken does not tell which one was close.
        for key in self.config.keys:
            if hmac.compare_digest(key.hash, hashed):
                found = key
        return found
