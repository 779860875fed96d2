"""Every error that Slipway raises on purpose.

    SlipwayError
    ├── SettingsError           a setting is missing or wrong (names the key, never the value)
    ├── InvalidInput            422  the request's content breaks a rule; says which and how to fix it
    ├── NotAuthenticated        401
    │   └── LoginRefused        400  the browser came back from the identity provider with what is no login of its own
    ├── NotAllowed              403
    │   └── CrossSiteRequest         another site's page sent it
    ├── QuotaExceeded           403  the tenant would use more than it may
    ├── NotFound                404
    │   └── InvitationVoid           no invitation has this link, or it is good no longer; which of the two is not said
    ├── Conflict                409  the state forbids it now (an illegal move, a name taken)
    │   ├── DomainNotProven          somebody else is at the domain; names the TXT record that shows whose it is
    │   └── BackupDamaged            a backup's file is not what was written
    ├── ConfirmationRequired    428  something would be lost for good, and the request does not name it
    ├── PayloadTooLarge         413
    ├── UnsupportedContent      415
    ├── UpgradeRequired         426  what is asked for takes a WebSocket
    ├── TooManyStreams          429  the tenant or the token follows as many as it may
    ├── TooManyFollowers        503  the host serves as many as it can
    ├── TooManyCalls            429  the tenant has as many such calls under way as it may
    ├── Overloaded              503  the host has
    ├── TooManyLogins           429  as many began within a minute as may
    ├── DependencyUnavailable   503  SQL, Redis or the container runtime does not answer; try again
    ├── IdentityRefused         503  Keycloak answers, and does not let Slipway do it
    ├── GitHubRefused           502  GitHub answers, and does not do it; says why
    ├── SignOnOff               503  nobody can sign in: no identity provider is set
    ├── HostUnready             503  the host lacks something that only its owner can give
    │   ├── SubnetTaken              a network's range is in use
    │   └── UnsafeDatabaseRole       the database's role passes row-level security by
    └── DeploymentFailed        a deployment ends; carries reason, remedy and the tail of what was printed

Each has a stable `code` (part of the API), an HTTP `status`, a sentence for the user, and a `remedy`: what to do
next. The domain raises them; one handler per Flask app turns them into RFC 9457 problem documents, and the CLI
into its exit codes. Nothing else crosses a boundary.
"""

from __future__ import annotations

from typing import Any, ClassVar


class SlipwayError(Exception):
    """Base of all. `message` says what happened and what it means; `remedy` names the next step."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, remedy: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details

    def problem(self) -> dict[str, Any]:
        """The error as an RFC 9457 problem document."""
        document: dict[str, Any] = {
            "type": f"urn:slipway:error:{self.code}",
            "title": self.code.replace("-", " "),
            "status": self.status,
            "detail": self.message,
            "code": self.code,
        }
        if self.remedy:
            document["remedy"] = self.remedy
        return document | self.details


class SettingsError(SlipwayError):
    code = "settings"


class InvalidInput(SlipwayError):
    code = "invalid-input"
    status = 422


class NotAuthenticated(SlipwayError):
    code = "not-authenticated"
    status = 401


class LoginRefused(NotAuthenticated):
    code = "login-refused"
    status = 400


class NotAllowed(SlipwayError):
    code = "not-allowed"
    status = 403


class CrossSiteRequest(NotAllowed):
    """A browser added the session's cookie to a request that a page of ours did not make."""

    code = "cross-site-request"


class QuotaExceeded(SlipwayError):
    """Its details name the quota, how much is used and how much is left."""

    code = "quota-exceeded"
    status = 403


class NotFound(SlipwayError):
    code = "not-found"
    status = 404


class InvitationVoid(NotFound):
    code = "invitation-void"


class Conflict(SlipwayError):
    code = "conflict"
    status = 409


class BackupDamaged(Conflict):
    code = "backup-damaged"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The backup is damaged: {why}. Nothing was changed.", remedy="take another: slipway services backups NAME"
        )


class DomainNotProven(Conflict):
    """`record` (`type`, `name`, `value`) is what has to be set at the DNS provider."""

    code = "domain-not-proven"


class ConfirmationRequired(SlipwayError):
    code = "confirmation-required"
    status = 428


class PayloadTooLarge(SlipwayError):
    code = "payload-too-large"
    status = 413


class UnsupportedContent(SlipwayError):
    code = "unsupported-content"
    status = 415


class UpgradeRequired(SlipwayError):
    code = "upgrade-required"
    status = 426


class TooManyStreams(SlipwayError):
    code = "too-many-streams"
    status = 429


class TooManyFollowers(SlipwayError):
    code = "too-many-followers"
    status = 503


class TooManyCalls(SlipwayError):
    code = "too-many-calls"
    status = 429


class Overloaded(SlipwayError):
    """Too many streams are open: it can be served once another one has ended."""

    code = "overloaded"
    status = 503


class TooManyLogins(SlipwayError):
    code = "too-many-logins"
    status = 429


class DependencyUnavailable(SlipwayError):
    code = "dependency-unavailable"
    status = 503


class IdentityRefused(SlipwayError):
    code = "identity-refused"
    status = 503


class GitHubRefused(SlipwayError):
    """`answered` is the status of GitHub's own answer."""

    code = "github-refused"
    status = 502


class SignOnOff(SlipwayError):
    code = "sign-on-off"
    status = 503


class HostUnready(SlipwayError):
    code = "host-unready"
    status = 503


class SubnetTaken(HostUnready):
    """A network overlaps with one that the container runtime has already: another range may do."""

    code = "subnet-taken"


class UnsafeDatabaseRole(HostUnready):
    """PostgreSQL asks row-level security of everyone but superusers and roles with BYPASSRLS."""

    code = "unsafe-database-role"


class DeploymentFailed(SlipwayError):
    """A deployment can't go on. `reason` is stable (`build-failed`, `start-probe-failed`, `clone-failed`, …) and is
    what the deployment's row keeps; `cause` completes the message; `tail` is the end of the build's or the replica's
    output, redacted."""

    code = "deployment-failed"
    status = 422

    def __init__(
        self, reason: str, message: str, *, cause: str = "", remedy: str = "", tail: str = "", **details: Any
    ) -> None:
        super().__init__(message, remedy=remedy, **details)
        self.reason = reason
        self.cause = cause
        self.tail = tail

    @property
    def sentence(self) -> str:
        """What happened, and why, where that is known."""
        return f"{self.message}: {self.cause}" if self.cause else self.message
