import hashlib
from collections.abc import Mapping

import pytest

from suffice.errors import AuthenticationError
from suffice.server.auth import Authenticator, Caller, hash_key
from suffice.server.config import AuthConfig, KeyConfig

KEYS = (
    KeyConfig(name="team", hash=hash_key("sk-team"), profile="support"),
    KeyConfig(name="root", hash=hash_key("sk-root"), admin=True),
)
AUTHENTICATOR = Authenticator(AuthConfig(keys=KEYS))


def bearer(key: str) -> Mapping[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_key_is_held_as_its_sha_256() -> None:
    assert hash_key("sk-ü") == "sha256:" + hashlib.sha256("sk-ü".encode()).hexdigest()


@pytest.mark.parametrize(
    ("authorization", "caller"),
    [
        ("Bearer sk-team", Caller(key_id="team", profile="support")),
        ("bearer sk-team", Caller(key_id="team", profile="support")),
        ("Bearer   sk-root ", Caller(key_id="root", is_admin=True)),
    ],
)
def test_a_known_key_names_its_caller(authorization: str, caller: Caller) -> None:
    assert AUTHENTICATOR.identify({"authorization": authorization}) == caller


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": "sk-team"}]
)
def test_no_key_is_told_how_to_send_one(headers: Mapping[str, str]) -> None:
    with pytest.raises(AuthenticationError, match="Authorization: Bearer YOUR_KEY"):
        AUTHENTICATOR.identify(headers)


@pytest.mark.parametrize("key", ["sk-other", "sk-tea", "sk-team2", "SK-TEAM", hash_key("sk-team"), "\xff"])
def test_any_other_key_is_unknown_and_not_repeated(key: str) -> None:
    with pytest.raises(AuthenticationError, match="not known here") as caught:
        AUTHENTICATOR.identify(bearer(key))

    assert key not in str(caught.value)


def test_another_scheme_is_no_key() -> None:
    with pytest.raises(AuthenticationError, match="no API key"):
        AUTHENTICATOR.identify({"authorization": "Basic sk-team"})


def test_without_configured_keys_everybody_is_an_admin() -> None:
    authenticator = Authenticator(AuthConfig())

    assert authenticator.identify({}) == Caller(is_admin=True)
    assert authenticator.require_admin({}) == Caller(is_admin=True)


def test_only_an_admins_key_opens_what_is_for_admins() -> None:
    assert AUTHENTICATOR.require_admin(bearer("sk-root")).key_id == "root"

    with pytest.raises(AuthenticationError, match="needs the key of an admin"):
        AUTHENTICATOR.require_admin(bearer("sk-team"))
