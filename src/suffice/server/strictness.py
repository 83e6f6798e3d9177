"""What a request's head may not be, though it can be parsed: where proxies and servers read it differently."""

from collections.abc import Sequence

from suffice.errors import RequestError

Header = tuple[bytes, bytes]


def check_head(version: str, target: bytes, headers: Sequence[Header]) -> None:
    """Refuse heads that others may read differently.

    Args:
        version: Of HTTP, such as `1.1`.
        target: As it was sent.
        headers: Names in lower case.

    Raises:
        RequestError: Another version, not one host, a target that is no path, or a body whose end is in doubt.
    """
    if version not in {"1.0", "1.1"}:
        raise RequestError("send HTTP/1.1")
    if not target.startswith(b"/"):
        raise RequestError("the request target must be a path")
    n_hosts = 0
    codings: list[bytes] = []
    has_length = False
    for name, value in headers:
        if name == b"host":
            n_hosts += 1
        elif name == b"content-length":
            has_length = True
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
    if n_hosts != 1 and version == "1.1":
        raise RequestError("send exactly one Host header")
    if codings and version == "1.0":
        raise RequestError("a transfer coding needs HTTP/1.1")
    if codings and (codings != [b"chunked"] or has_length):
        raise RequestError("the only transfer coding read here is 'chunked', without a Content-Length")
