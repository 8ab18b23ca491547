"""Secrets among settings: never shown, never lost when what was shown comes back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.secrets import HIDDEN, shown_settings, unhidden_settings

NAMES = st.sampled_from(["password", "api_key", "Token", "client_secret", "timeout", "monkey", "word"])
SETTINGS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(NAMES, st.one_of(st.integers(), st.text(max_size=5).filter(lambda text: text != HIDDEN))),
    lambda inner: st.dictionaries(NAMES, st.one_of(inner, st.lists(inner, max_size=3))),
    max_leaves=4,
)


def test_secrets_are_hidden_wherever_they_stand_and_nothing_else_is() -> None:
    given = {"password": "sesame", "login": {"user": "an", "token": "abc"}, "api_key": "k", "monkey": "m"}
    assert shown_settings({**given, "list": [{"psk": "x"}], "secret": ""}) == {
        "password": HIDDEN,
        "login": {"user": "an", "token": HIDDEN},
        "api_key": HIDDEN,
        "monkey": "m",
        "list": [{"psk": HIDDEN}],
        "secret": "",
    }


@given(SETTINGS)
@settings(max_examples=50)
def test_what_was_shown_and_comes_back_is_what_it_was(known: dict[str, Any]) -> None:
    assert unhidden_settings(shown_settings(known), known) == known


def test_a_new_secret_replaces_the_old() -> None:
    assert unhidden_settings({"password": "new"}, {"password": "old", "timeout": 1}) == {"password": "new"}
