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
    if not target.startswith(b"/") or b"#" in target:
        raise RequestError("the request target must be a path")
    names = [name for name, _ in headers]
    n_hosts = names.count(b"host")
    if n_hosts > 1 or (version == "1.1" and not n_hosts):
        raise RequestError("send exactly one Host header")
    if b"transfer-encoding" in names:
        _check_coding(version, headers)


def _check_coding(version: str, headers: Sequence[Header]) -> None:
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if codings != [b"chunked"] or any(name == b"content-length" for name, _ in headers):
        raise RequestError("the only transfer coding read here is 'chunked', without a Content-Length")
    if version == "1.0":
        raise RequestError("a transfer coding needs HTTP/1.1")
