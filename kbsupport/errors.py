"""Everything we raise on purpose: each message says what happened and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence


class KbSupportError(Exception):
    """Base of all errors that a user can act on."""


class ConfigError(KbSupportError):
    """A setting, a flag or a file that was asked for is wrong."""


class UnknownPart(ConfigError):
    """No plugin of that name is installed for this port."""

    def __init__(self, port: str, name: str, installed: list[str]) -> None:
        known = ", ".join(sorted(installed)) or "none"
        super().__init__(f"no {port} is called {name!r}; installed: {known}")


class MissingExtra(ConfigError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'kbsupport[{extra}]'")


class UnknownTier(ConfigError):
    """A customer cannot be of a tier that is not set."""

    def __init__(self, tier: str, known: Sequence[str]) -> None:
        super().__init__(f"no tier {tier!r}; there are {', '.join(known)}")


class ArticleError(KbSupportError):
    """One article cannot be read; the others go on."""

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        where = path if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {reason}")
        self.path, self.reason, self.line = path, reason, line


class NothingToIndex(KbSupportError):
    """Not one readable article was found, so nothing was published."""


class NotIndexed(KbSupportError):
    """There is no index to ask yet."""


class IndexOutdated(KbSupportError):
    """The index was built by another model or splitter than the one set now."""


class ModelError(KbSupportError):
    """The embedding model's files are missing, altered or cannot be converted."""


class StoreError(KbSupportError):
    """The database cannot be opened, read or written."""


class CertificateError(KbSupportError):
    """A certificate that cannot be trusted; without one nothing is resolved as certified."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} cannot be trusted: {reason}; run `kbsupport calibrate` again")


class JudgeError(KbSupportError):
    """A judge that cannot be read; nothing is resolved by it."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} cannot be used: {reason}; run `kbsupport calibrate` again")


class NotProven(KbSupportError):
    """The labels there are do not prove what was asked for."""


class NotFound(KbSupportError):
    """What was asked for by id does not exist."""


class Conflict(KbSupportError):
    """Somebody else was faster, or what was asked for does not fit where a ticket stands."""


class NotAllowed(KbSupportError):
    """Whoever asked may not do this."""


class NotFit(KbSupportError):
    """What a person wrote should not be sent as it is."""

    def __init__(self, said: str) -> None:
        super().__init__(f"not sent: {said}; revise it, or send it as it is with --anyway")


class UpstreamError(KbSupportError):
    """A system outside this machine is unreachable: the only kind anyone retries."""

    def __init__(self, system: str, message: str = "") -> None:
        super().__init__(f"{system} is unreachable{': ' + message if message else ''}")
        self.system = system
