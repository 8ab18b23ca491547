"""The profiles of docs/add-a-device-model.md are what they say: each block checks without a mistake."""

import re
from pathlib import Path

from drivers.nmea.plan import TRANSDUCER
from drivers.nmea.values import TABLE
from drivers.profile_checks import check_folder

MANUAL = (Path(__file__).parents[2] / "docs" / "add-a-device-model.md").read_text("utf-8")


def test_every_profile_of_the_manual_is_a_good_one(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)
    assert len(blocks) >= 4
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.yaml").write_text(block, "utf-8")
    assert check_folder(tmp_path) == (len(blocks), [])


def test_the_manual_names_every_sentence_that_is_read() -> None:
    (named,) = re.findall(r"Sentences that are\nread: (.*?), and of makers", MANUAL, re.DOTALL)
    makers = {formatter for formatter in TABLE if formatter.startswith("P")}
    assert set(named.split()) == {*TABLE, TRANSDUCER} - makers
