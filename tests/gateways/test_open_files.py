"""The limit of open files, in a process of its own."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
soft, hard, links = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from gateways.open_files import allow_open_files
print(allow_open_files(links), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def after(soft: int, hard: int, links: int) -> str:
    command = [sys.executable, "-c", SCRIPT, str(soft), str(hard), str(links)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("links", [10, 250])
def test_the_limit_is_raised_as_far_as_it_may_go(links: int) -> None:
    assert after(256, 1024, links) == "True 1024\n"


def test_a_limit_that_is_too_low_is_told_with_what_to_do() -> None:
    said = after(256, 512, 1000)
    assert "gateway.too_few_open_files" in said
    assert "allow 1200: LimitNOFILE= of the service" in said
    assert said.endswith("False 512\n")
