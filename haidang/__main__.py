"""`python -m haidang` is the command `haidang`."""

from haidang.cli import main

main()
