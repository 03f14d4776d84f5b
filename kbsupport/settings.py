"""Settings from defaults, TOML files, `.env`, environment and flags; each knows its origin."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

from kbsupport.errors import ConfigError

_PREFIX = "KBSUPPORT_"
_PROJECT_FILE = "kbsupport.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PartSettings(BaseModel):
    """Which plugin to use; every other key is that plugin's own."""

    model_config = ConfigDict(extra="allow", frozen=True)
    use: str

    def options(self) -> dict[str, Any]:
        """The plugin's own keys."""
        return dict(self.model_extra or {})


class IndexSettings(_Section):
    """How articles are cut and how long Chroma may take."""

    passage_words: int = Field(default=110, ge=20, le=180)
    deadline_seconds: float = Field(default=10.0, gt=0)


class TriageSettings(_Section):
    """What the rule looks at; the judge and its certificate are not built yet."""

    passages: int = Field(default=8, ge=1, le=50)
    coverage: float = Field(default=0.5, ge=0, le=1)


class CustomerSettings(_Section):
    """The tiers there are, from the least to the most demanding; the first is the default."""

    tiers: tuple[str, ...] = ("standard", "premium", "enterprise")


class Settings(BaseSettings):
    """Everything that can be set. No file is needed to start."""

    model_config = ConfigDict(extra="forbid", frozen=True)  # type: ignore[assignment]
    embedder: PartSettings = PartSettings(use="onnx")
    writer: PartSettings = PartSettings(use="quote")
    index: IndexSettings = IndexSettings()
    triage: TriageSettings = TriageSettings()
    customers: CustomerSettings = CustomerSettings()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, where the home is, and where each value came from."""

    settings: Settings
    home: Path
    origins: Mapping[str, str]


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
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "kbsupport", {"home": "default"}


def _layers(config: Path | None, flags: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every layer with its name, the weakest first."""
    user = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    user_file = Path(user).expanduser() / "kbsupport" / "config.toml"
    project = config or Path(_PROJECT_FILE)
    if config is not None and not config.is_file():
        raise ConfigError(f"there is no configuration file {config}")
    spelling = {"env_prefix": _PREFIX, "env_nested_delimiter": "__", "case_sensitive": False}
    dotenv = DotEnvSettingsSource(Settings, env_file=".env", **spelling)  # type: ignore[arg-type]
    environment = EnvSettingsSource(Settings, **spelling)  # type: ignore[arg-type]
    _refuse_unknown_sections()
    return [
        (str(user_file), _toml(user_file)),
        (str(project), _toml(project)),
        (".env", _known(dotenv())),
        ("environment", _known(environment())),
        ("flag", dict(flags)),
    ]


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    # `.env` is shared with other programs; a wrong key inside a section of ours is still refused.
    return {key: value for key, value in found.items() if key in Settings.model_fields}


def _refuse_unknown_sections() -> None:
    for name in os.environ:
        section, nested, _ = name.removeprefix(_PREFIX).partition("__")
        if name.startswith(_PREFIX) and nested and section.lower() not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise ConfigError(
                f"environment {name}: no section {section.lower()!r}; there are {known}"
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


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    origin = origins.get(key, "the configuration")
    if first["type"] == "extra_forbidden":
        return f"{origin}: there is no setting {key!r}; see: kbsupport config show"
    return f"{origin}: {key}: {first['msg']}"
