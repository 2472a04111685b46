import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SettingsError
from retrieval.web.origins import Origins, check_origins

SITE = "https://www.gemeente.example"


@pytest.mark.parametrize(
    "origin",
    ["*", "elders.example", "https://a.example/", "https://a.example; script-src *", "null", "", "ftp://a.example",
     "https://a.example:99999", "https://a.example:0", "https://a.example:080", "https://...", "http://[::::]",
     "https://-a.example", "https://a..example"],
)  # fmt: skip
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match="expected https://host"):
        check_origins((origin,))


def test_origins_with_a_port_or_an_address_are_taken() -> None:
    origins = ("http://localhost:3000", "https://[::1]:8443", SITE)
    assert check_origins(origins) == Origins(origins)


def test_origins_are_written_as_browsers_write_them() -> None:
    written = ("https://WWW.Gemeente.example:443", "http://a.example:80", "http://b.example:443")
    assert check_origins(written).named == (SITE, "http://a.example", "http://b.example:443")


@given(
    st.sampled_from(["http", "https"]),
    st.sampled_from(["localhost", "127.0.0.1", "[::1]"]),
    st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}")),
)
def test_without_names_one_s_own_machine_is_let_in_and_with_names_it_is_not(
    scheme: str, host: str, port: str
) -> None:
    origin = f"{scheme}://{host}{port}"
    assert Origins().lets_in(origin)
    assert not Origins((SITE,)).lets_in(origin)
    assert check_origins((SITE, origin)).lets_in(check_origins((origin,)).named[0])


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        SITE,
        "https://localhost.example",
        "https://localhost@evil.example",
        "https://xlocalhost",
        "https://127.0.0.1.example",
        "https://127.0.0.10",
        "https://127x0x0x1",
        "http://localhost:3000/",
        "http://localhost\n",
        "http://LOCALHOST",
        "file://localhost",
    ],
)
def test_what_only_looks_like_one_s_own_machine_is_not_let_in(origin: str) -> None:
    assert not Origins().lets_in(origin)


def test_a_site_is_itself_and_no_other() -> None:
    origins = Origins((SITE,))
    assert origins.lets_in(SITE)
    for other in (
        f"{SITE}:8443",
        SITE.replace("https", "http"),
        f"{SITE}.evil.example",
        "https://gemeente.example",
    ):
        assert not origins.lets_in(other)


def test_frames_are_those_of_the_list_that_a_policy_can_name() -> None:
    assert Origins().frame_ancestors == "'self' http://localhost:* http://127.0.0.1:*"
    assert Origins((SITE, "https://[::1]:8443")).frame_ancestors == f"'self' {SITE}"
