"""Settings from defaults, TOML files, `.env`, environment and flags; each knows its origin."""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
)

from kbsupport.errors import ConfigError

_PREFIX = "KBSUPPORT_"
_PROJECT_FILE = "kbsupport.toml"
_DOTENV = ".env"
_PARTS = frozenset(
    {"embedder", "reader", "writer", "rewriter", "crm", "tiers", "orders", "ticketing", "notifier"}
)
_LITERAL = re.compile(r"true|false|[+-]?(?:0|[1-9]\d*)(?:\.\d+)?", re.IGNORECASE)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartSettings(BaseModel):
    """Which plugin to use; every other key is that plugin's own."""

    model_config = ConfigDict(extra="allow", frozen=True)
    use: str

    def options(self) -> dict[str, Any]:
        """The plugin's own keys."""
        return dict(self.model_extra or {})


class EmbedderSettings(PartSettings):
    """Which model makes vectors."""

    use: str = "onnx"


class ReaderSettings(PartSettings):
    """Who tells language and mood of a message."""

    use: str = "plain"


class WriterSettings(PartSettings):
    """Who words an answer."""

    use: str = "quote"


class RewriterSettings(PartSettings):
    """Who may say in other words what has passed; nobody, unless said otherwise."""

    use: str = "none"


class StoreSettings(_Section):
    """Where rows are kept: an SQLite file of the home, or a PostgreSQL database by its URL."""

    url: SecretStr | None = None


class IndexSettings(_Section):
    """How articles are cut and how long Chroma may take."""

    passage_words: int = Field(default=110, ge=20, le=180)
    deadline_seconds: float = Field(default=10.0, gt=0)


class TriageSettings(_Section):
    """How a verdict is reached; who may be answered alone stands in the policy file."""

    passages: int = Field(default=8, ge=1, le=50)
    require_certificate: bool = False
    policy: Path | None = None
    prior: Path | None = None


class CrmSettings(PartSettings):
    """Who knows the customers: those imported, unless said otherwise."""

    use: str = "imported"


class TiersSettings(PartSettings):
    """Who knows what a customer pays for; `crm` asks the CRM alone."""

    use: str = "crm"


class OrderSettings(PartSettings):
    """Who knows what became of an order, and what an order number looks like."""

    use: str = "none"
    number: str = r"\b[A-Z]{2,5}-\d{5,10}\b"


class TicketingSettings(PartSettings):
    """Another help desk that is kept in step."""

    use: str = "none"


class NotifierSettings(PartSettings):
    """Who tells staff what waits for them."""

    use: str = "log"


class DeskSettings(_Section):
    """Who takes over and how they are told; None stands for what ships."""

    rota: Path | None = None
    replies: Path | None = None
    most_files: int = Field(default=5, ge=0)
    most_megabytes: float = Field(default=10.0, gt=0)
    kinds: tuple[str, ...] = (
        "application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain",
        "text/csv", "application/zip",
    )  # fmt: skip


class ReviewSettings(_Section):
    """How many of the answers that are sent are audited, drawn at random."""

    audit_share: float = Field(default=0.05, ge=0, le=1)


class ServeSettings(_Section):
    """How the doors are open: to whom, for how much, and how often."""

    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    workers: int = Field(default=2, ge=1, le=64)
    # Pages of these origins may hold the chat and call the API from a browser.
    origins: tuple[str, ...] = ()
    # What one key, customer or address may call in a minute, and at once.
    calls_a_minute: int = Field(default=600, ge=1)
    priority_calls_a_minute: int = Field(default=60_000, ge=1)
    most_kilobytes: int = Field(default=1000, ge=1)
    body_seconds: float = Field(default=10.0, gt=0)
    drain_seconds: float = Field(default=8.0, gt=0, le=8)
    token_minutes: float = Field(default=60.0, gt=0, le=1440)
    # Proxies in front of this one that say truly whom they speak for.
    proxies: tuple[str, ...] = ()
    # A line of JSON on stderr for each request.
    log_requests: bool = True
    # Spans for OpenTelemetry; where to is said by its own variables, OTEL_*.
    traces: bool = False
    # Addresses of webhooks that may be private: hosts, or networks such as 10.0.0.0/8.
    private_hosts: tuple[str, ...] = ()


class CustomerSettings(_Section):
    """The tiers there are, from the least to the most demanding; the first is the default."""

    tiers: tuple[str, ...] = Field(default=("standard", "premium", "enterprise"), min_length=1)


class Settings(BaseSettings):
    """Everything that can be set. No file is needed to start."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # type: ignore[assignment]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `load` gathered, and nothing else: other programs have variables as well."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    embedder: EmbedderSettings = EmbedderSettings()
    writer: WriterSettings = WriterSettings()
    rewriter: RewriterSettings = RewriterSettings()
    reader: ReaderSettings = ReaderSettings()
    store: StoreSettings = StoreSettings()
    index: IndexSettings = IndexSettings()
    triage: TriageSettings = TriageSettings()
    customers: CustomerSettings = CustomerSettings()
    crm: CrmSettings = CrmSettings()
    tiers: TiersSettings = TiersSettings()
    orders: OrderSettings = OrderSettings()
    ticketing: TicketingSettings = TicketingSettings()
    notifier: NotifierSettings = NotifierSettings()
    desk: DeskSettings = DeskSettings()
    review: ReviewSettings = ReviewSettings()
    serve: ServeSettings = ServeSettings()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, where the home is, and where each value came from."""

    settings: Settings
    home: Path
    origins: Mapping[str, str]

    @property
    def database(self) -> Path | str:
        """The file in the home that must survive, or the URL of the server that keeps it."""
        url = self.settings.store.url
        return self.home / "kbsupport.db" if url is None else url.get_secret_value()


def load(
    home: Path | None = None, config: Path | None = None, flags: Mapping[str, Any] | None = None
) -> Loaded:
    """Merge all layers; a wrong key or value is a ConfigError that names it and its origin."""
    where, origins = _home(home)
    values: dict[str, Any] = {}
    for name, layer in _layers(config, flags or {}):
        _merge(values, layer, name, origins)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, origins)) from error
    for key in _keys(settings.model_dump()):
        origins.setdefault(key, "default")
    return Loaded(settings, where, origins)


def _home(flag: Path | None) -> tuple[Path, dict[str, str]]:
    if flag is not None:
        return flag.expanduser(), {"home": "flag --home"}
    if named := os.environ.get(f"{_PREFIX}HOME"):
        return Path(named).expanduser(), {"home": f"environment {_PREFIX}HOME"}
    with contextlib.suppress(UnicodeDecodeError):  # said when the other settings are read
        variables = DotEnvSettingsSource(Settings, env_file=_DOTENV).env_vars
        if named := variables.get(f"{_PREFIX}HOME".lower()):
            return Path(named).expanduser(), {"home": _DOTENV}
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "kbsupport", {"home": "default"}


def _layers(config: Path | None, flags: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every layer with its name, the weakest first."""
    user = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    user_file = Path(user).expanduser() / "kbsupport" / "config.toml"
    project = config or Path(_PROJECT_FILE)
    if config is not None and not config.is_file():
        raise ConfigError(f"there is no configuration file {config}")
    return [
        (str(user_file), _toml(user_file)),
        (str(project), _toml(project)),
        (_DOTENV, _variables(_DOTENV, DotEnvSettingsSource, env_file=_DOTENV)),
        ("environment", _variables("environment", EnvSettingsSource)),
        ("flag", dict(flags)),
    ]


def _variables(
    origin: str, source: type[EnvSettingsSource], **options: Any
) -> dict[str, dict[str, Any]]:
    """What the variables of one source set; other programs' variables are none of our business."""
    try:
        opened = source(Settings, env_prefix=_PREFIX, env_nested_delimiter="__", **options)
        _refuse_unknown_sections(origin, opened.env_vars)
        found = opened()
    except (SettingsError, UnicodeDecodeError) as error:
        cure = f"write {_PREFIX}SECTION__KEY=value in UTF-8, lists as JSON"
        raise ConfigError(f"{origin}: {error}; {cure}") from error
    known = {key: value for key, value in found.items() if key in Settings.model_fields}
    for part in _PARTS & known.keys():
        if isinstance(known[part], Mapping):
            known[part] = {key: _literal(value) for key, value in known[part].items()}
    return known


def _literal(value: Any) -> Any:
    """A plugin's own options have no types we know: here `2` and `true` mean what they say."""
    if not isinstance(value, str) or not _LITERAL.fullmatch(value):
        return value
    return tomllib.loads(f"value = {value.lower()}")["value"]


def _refuse_unknown_sections(origin: str, names: Iterable[str]) -> None:
    for name in names:
        section, nested, _ = name.upper().removeprefix(_PREFIX).partition("__")
        ours = name.upper().startswith(_PREFIX) and nested
        if ours and section.lower() not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise ConfigError(
                f"{origin} {name.upper()}: no section {section.lower()!r}; there are {known}"
            )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _merge(
    into: dict[str, Any], layer: Mapping[str, Any], name: str, origins: dict[str, str], at: str = ""
) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping):
            held = into.get(key)
            inner = held if isinstance(held, dict) else {}
            into[key] = inner
            _merge(inner, value, name, origins, f"{at}{key}.")
        else:
            into[key] = value
            origins[f"{at}{key}"] = name


def _keys(values: Mapping[str, Any], at: str = "") -> list[str]:
    found: list[str] = []
    for key, value in values.items():
        nested = isinstance(value, Mapping)
        found += _keys(value, f"{at}{key}.") if nested else [f"{at}{key}"]
    return found


def _beside(parts: Sequence[str]) -> Iterable[str]:
    """The settings there are where this one was looked for."""
    section = Settings.model_fields.get(parts[0])
    if section is None or section.annotation is None:
        return Settings.model_fields
    return [f"{parts[0]}.{key}" for key in section.annotation.model_fields]


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"]]
    key = ".".join(parts)
    # What is wrong may lie deeper than what was set: one of a list, or a whole section.
    above = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    below = [name for name in origins if name.startswith(f"{key}.")]
    origin = next((origins[name] for name in above + below if name in origins), "the settings")
    if first["type"] == "extra_forbidden":
        return f"{origin}: there is no setting {key!r}; there are {', '.join(_beside(parts))}"
    return f"{origin}: {key}: {first['msg']}"
