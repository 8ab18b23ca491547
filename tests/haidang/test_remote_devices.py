"""`haidang add` and `haidang devices` tell how each device fares, on a terminal of 80 columns too."""

import io
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from rich.console import Console

from drivers.catalogue import load_catalogue
from haidang.remote.calling import CallError, Calls
from haidang.remote.devices import Fares, add, show

NO_PORT = "cannot open serial port /dev/ttyUSB0: there is no such port"
LINK = "serial:///dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10KQX?baudrate=9600"
CATALOGUE = load_catalogue()


def device(state: str, profile: str = "eastron-sdm630-of-the-quay", **more: Any) -> Fares:
    return Fares("quay-power-2", "dinh-vu", profile, LINK, 7, state, **more)


def paper(width: int = 80) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=width), text


@asynccontextmanager
async def api(answers: Mapping[str, tuple[int, Any]]) -> AsyncGenerator[Calls]:
    """Calls to an API that answers so: `METHOD path` → status and content."""

    def answer(request: httpx.Request) -> httpx.Response:
        status, content = answers[f"{request.method} {request.url.path.removeprefix('/api/v1')}"]
        return httpx.Response(status, content=json.dumps(content))

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://api") as client:
        yield Calls(client)


def as_json(fares: Fares) -> dict[str, Any]:
    names = ("id", "gateway", "profile", "link", "unit_id", "state", "detail", "last_fault")
    return {name: getattr(fares, name) for name in names}


def test_a_list_of_devices_fits_80_columns_and_tells_troubles_in_full_below() -> None:
    out, text = paper()
    show([device("ok", last_fault="an old one"), device("faulty", last_fault=NO_PORT)], out)
    lines = text.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines[:3])
    assert "eastron-sdm630-of-the-quay" in lines[1]
    assert lines[3:] == [f"quay-power-2: faulty: {NO_PORT}"]


def test_a_wide_terminal_shows_links_too() -> None:
    out, text = paper(200)
    show([device("ok")], out)
    assert LINK in text.getvalue()


async def test_a_device_that_is_well_is_not_told_with_a_fault_it_once_had() -> None:
    out, text = paper()
    fares = as_json(device("ok", "eastron-sdm630", last_fault=NO_PORT))
    answers = {"POST /devices": fares, "GET /devices/quay-power-2": fares}
    known = {name: (200, content) for name, content in answers.items()}
    known["GET /devices/quay-power-2/latest"] = (200, {"values": {"voltage_l1": 229.5}})
    async with api(known) as calls:
        await add(calls, {"gateway": "dinh-vu"}, CATALOGUE, 5, out)
    assert text.getvalue().splitlines()[-1] == "quay-power-2: ok"


async def test_values_of_a_model_that_only_the_centre_knows_are_shown_without_titles() -> None:
    out, text = paper()
    fares = as_json(device("ok", "acme-tank-7"))
    known: dict[str, tuple[int, Any]] = {
        "POST /devices": (200, fares),
        "GET /devices/quay-power-2": (200, fares),
        "GET /devices/quay-power-2/latest": (200, {"values": {"level": 3.25}}),
    }
    async with api(known) as calls:
        assert (await add(calls, {"gateway": "dinh-vu"}, CATALOGUE, 5, out)).state == "ok"
    assert "level" in text.getvalue()
    assert "3.25" in text.getvalue()


async def test_a_device_that_says_nothing_yet_stays_and_how_to_remove_it_is_told() -> None:
    out, text = paper()
    fares = as_json(device("connecting", detail=NO_PORT))
    async with api({"POST /devices": (200, fares), "GET /devices/quay-power-2": (200, fares)}) as calls:
        await add(calls, {"gateway": "dinh-vu"}, CATALOGUE, 0, out)
    assert f"quay-power-2: connecting: {NO_PORT}" in text.getvalue()
    assert "haidang remove quay-power-2" in text.getvalue()


async def test_a_refusal_names_the_word_and_not_its_place_in_json() -> None:
    out, _ = paper()
    problem = {"detail": "body/profile: there is no profile 'x'"}
    async with api({"POST /devices": (422, problem)}) as calls:
        with pytest.raises(CallError, match=r"^profile: there is no profile 'x'$"):
            await add(calls, {"gateway": "dinh-vu"}, CATALOGUE, 0, out)
