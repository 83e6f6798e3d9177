"""Every error suffice raises on purpose.

SufficeError
├── ConfigError                      start-up and reload only; one or many mistakes in a file
├── TapeError                        a tape that cannot be read
├── BundleError                      a bundle that is corrupt, too new or none at all; the one in force stays
├── PromotionError                   a candidate that is not to replace the bundle in force
├── DatasetError                     queries and outcomes that cannot be used; the caller must change them
├── DemoError                        the demo cannot run: a server or package it needs is missing
├── LabelError                       labelling cannot go on: a tier does not answer, the disk is full
├── GatewayError                     a command finds no running gateway, or it refuses
├── RecordingError                   the store of records cannot be opened or is newer than this program
├── WorkerError                      a worker of this gateway cannot be started
├── ChannelError                503  another worker of this gateway does not answer
├── RequestError                400  the client must change the request
│   ├── AuthenticationError     401  no key, or an unknown one
│   ├── UnknownModelError       404  lists the known ones
│   ├── UnknownRequestError     404  no such request is recorded, or it came with another key
│   ├── UnknownPathError        404
│   ├── MethodNotAllowedError   405
│   ├── RequestTimeoutError     408  the request itself came too slowly
│   ├── ConflictError           409  what is asked for does not go with what is in force
│   ├── RequestTooLargeError    413  body over the limit
│   ├── MediaTypeError          415
│   ├── HeadersTooLargeError    431
│   └── NoTierError             400  no tier has the context, tools or images asked for
├── OverloadedError             429  too many requests at once; carries retry_after_s
├── ShuttingDownError           503  carries retry_after_s
└── UpstreamError               502  the client may retry
    ├── UpstreamTimeoutError    504
    ├── UpstreamBusyError       429  carries retry_after_s
    │   └── TierFullError       429  every replica is at its limit and the queue has no place, or was too slow
    ├── NoReplicaError          503  no replica is in service; carries retry_after_s
    ├── OutpacedError           502  never reaches a client: another replica answered before this one
    └── UpstreamBrokenError     502  the answer broke off, or was no answer at all
"""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus


class SufficeError(Exception):
    """The root: whatever suffice raises on purpose."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    type = "internal_error"
    code = "internal_error"
    param: str | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a configuration file."""

    path: str
    """Where in the file: `tiers[0].price.input`."""

    value: object
    """What stands there; secrets are never passed in."""

    remedy: str
    """What is wrong and the way out."""

    line: int | None = None
    """Line in the file, from 1; of what is missing, that of the section around it."""

    def __str__(self) -> str:
        """One line for a terminal."""
        where = self.path if self.line is None else f"{self.path} (line {self.line})"
        return f"{where}: {self.value!r}: {self.remedy}"


class ConfigError(SufficeError):
    """The configuration cannot be used; lists every mistake found."""

    code = "config_invalid"

    def __init__(self, mistakes: Sequence[Mistake], *, source: str = "suffice.yaml") -> None:
        self.mistakes = tuple(mistakes)
        self.source = source
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) != 1 else ''} in {source}"
        super().__init__("\n  ".join([count, *map(str, self.mistakes)]))


class TapeError(SufficeError):
    """A tape is missing or is not one."""

    code = "tape_invalid"


class BundleError(SufficeError):
    """A bundle cannot be used; says which file, what is wrong in it and the way out."""

    code = "bundle_invalid"


class PromotionError(SufficeError):
    """A candidate is not to replace the bundle in force; says every reason."""

    code = "promotion_refused"


class DatasetError(SufficeError):
    """Queries and outcomes cannot be read, or cannot be used for what was asked."""

    code = "dataset_invalid"


class DemoError(SufficeError):
    """The demo cannot run."""

    code = "demo_failed"


class LabelError(SufficeError):
    """Labelling cannot go on; what was done is kept, and the same command goes on from there."""

    code = "label_failed"


class GatewayError(SufficeError):
    """A command cannot do its work with a running gateway."""

    code = "gateway_failed"


class RecordingError(SufficeError):
    """The store of records cannot be used."""

    code = "recording_failed"


class ChannelError(SufficeError):
    """Another process of this gateway is gone, or does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "worker_unavailable"


class WorkerError(SufficeError):
    """A process that serves ends before it does."""

    code = "worker_failed"


class RequestError(SufficeError):
    """The client must change the request before sending it again."""

    status = HTTPStatus.BAD_REQUEST
    type = "invalid_request_error"
    code = "invalid_request"

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code or type(self).code


class AuthenticationError(RequestError):
    """No API key was sent, or one that is not known here."""

    status = HTTPStatus.UNAUTHORIZED
    type = "authentication_error"
    code = "invalid_api_key"


class UnknownModelError(RequestError):
    """The model named is neither a tier, nor a tier's model, nor an alias, nor `auto`."""

    status = HTTPStatus.NOT_FOUND
    code = "model_not_found"

    def __init__(self, model: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown model {model!r}; use one of {', '.join(known)}", param="model")


class UnknownRequestError(RequestError):
    """No request of this id is recorded, or it came with another API key."""

    status = HTTPStatus.NOT_FOUND
    code = "request_not_found"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"no request {request_id!r} of this key is recorded; send the x-suffice-request-id of an answer",
            param="request_id",
        )


class UnknownPathError(RequestError):
    """Nothing is served at this path."""

    status = HTTPStatus.NOT_FOUND
    code = "unknown_path"


class MethodNotAllowedError(RequestError):
    """The path is served, but not with this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"


class RequestTimeoutError(RequestError):
    """The request did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "request_timeout"


class ConflictError(RequestError):
    """What is asked for does not go with what is in force; nothing was changed."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class RequestTooLargeError(RequestError):
    """The body is larger than `server.max_body_bytes`."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "request_too_large"


class MediaTypeError(RequestError):
    """The body is compressed or is not JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"


class HeadersTooLargeError(RequestError):
    """The headers are larger or more than the limits."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    code = "headers_too_large"


class NoTierError(RequestError):
    """No tier can serve the request; says for each tier why not."""

    code = "no_tier_can_serve"


class OverloadedError(SufficeError):
    """More requests at once than `server.max_concurrent_requests`."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    type = "rate_limit_error"
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ShuttingDownError(SufficeError):
    """The gateway finishes what is running and takes nothing new."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    type = "service_unavailable"
    code = "shutting_down"

    def __init__(self, *, retry_after_s: float = 1.0) -> None:
        super().__init__("this gateway is shutting down; send the request again")
        self.retry_after_s = retry_after_s


class UpstreamError(SufficeError):
    """A tier could not answer; another try may succeed."""

    status = HTTPStatus.BAD_GATEWAY
    type = "upstream_error"
    code = "upstream_failed"
    tries: Sequence[object] = ()
    """The failed tries behind this error, as `upstream.call.FailedTry`."""
    answered: int | None = None
    """Status that the upstream itself answered with, where it did."""


class UpstreamTimeoutError(UpstreamError):
    """A tier did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "upstream_timeout"


class UpstreamBusyError(UpstreamError):
    """A tier asked us to slow down."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "upstream_busy"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TierFullError(UpstreamBusyError):
    """Every replica of a tier is at its limit, and the queue before them has no place or was too slow."""

    code = "tier_full"


class NoReplicaError(UpstreamError):
    """No replica of a tier is in service."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "no_replica"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutpacedError(UpstreamError):
    """A hedged call that lost: another replica answered first, and this one was told to stop."""

    code = "upstream_outpaced"


class UpstreamBrokenError(UpstreamError):
    """An answer broke off in the middle, or is not an answer in OpenAI's form."""

    code = "upstream_broken"
