"""What `haidang send` makes of words: values by the action's kinds, and a line to copy that is right."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from haidang.cli import cli
from haidang.remote.sending import example, parsed
from telemetry import Action, Argument, CommandError, Title, Value
from telemetry.commands import Kind
from tests.servers import free_port

TITLE = Title(en="Thing", vi="Thứ")
MOVE = Action(
    name="move",
    title=TITLE,
    arguments=(
        Argument(name="pan", title=TITLE, minimum=-1, maximum=1, default=0.0),
        Argument(name="steps", title=TITLE, kind=Kind.WHOLE, minimum=2, maximum=9),
        Argument(name="slow", title=TITLE, kind=Kind.FLAG, default=False),
        Argument(name="mode", title=TITLE, kind=Kind.CHOICE, choices=("wide area", "tele")),
        Argument(name="label", title=TITLE, kind=Kind.TEXT, default=""),
    ),
)


def test_values_are_read_by_the_kinds_of_the_action() -> None:
    words = ["pan=-0.5", "steps=3", "slow=on", "mode=tele", "label=a=b, 7"]
    given = parsed(MOVE, words)
    assert given == {"pan": -0.5, "steps": 3, "slow": True, "mode": "tele", "label": "a=b, 7"}
    assert MOVE.check(given) == given
    assert parsed(MOVE, ["slow=No", "pan=1e-1"]) == {"slow": False, "pan": 0.1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pan"], "'pan' is no argument: write its name, = and its value"),
        (["pan=1", "pan=2"], "pan is given twice"),
        (["pan=left"], "pan is a number from -1 up to 1, not 'left'"),
        (["pan=nan"], "pan is a number from -1 up to 1, not 'nan'"),
        (["steps=2.5"], "steps is a whole number from 2 up to 9, not '2.5'"),
        (["slow=maybe"], "slow is true or false, not 'maybe'"),
        (["mode=far"], "mode is one of wide area, tele, not 'far'"),
        (["tilt=1"], "move knows no tilt; it takes label, mode, pan, slow, steps"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(words: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told.replace("(", r"\(")):
        MOVE.check({"steps": 2, "mode": "tele", **parsed(MOVE, words)})


@given(st.lists(st.text(max_size=20), max_size=4))
def test_no_words_do_more_than_a_refusal(words: list[str]) -> None:
    try:
        given: dict[str, Value] = parsed(MOVE, words)
    except CommandError:
        return
    assert all(isinstance(value, bool | int | float | str) for value in given.values())


def test_the_example_can_be_copied_and_is_taken() -> None:
    words = shlex.split(example("gate-cam", MOVE))
    assert words[:4] == ["haidang", "send", "gate-cam", "move"]
    MOVE.check(parsed(MOVE, words[4:]))


def test_without_an_api_there_is_a_sentence_and_not_a_traceback() -> None:
    for words in (["pump"], ["pump", "start"]):
        result = CliRunner().invoke(cli, ["send", *words, "--api", f"http://127.0.0.1:{free_port()}"])
        assert result.exit_code == 1
        assert "no API answers at http://127.0.0.1" in result.output.replace("\n", " ")
