"""The pages, in a real browser: what is live is shown, and a name is only ever text."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.api.running import Running, meter, meter_status, reading, ship, status
from tests.servers import need

pytestmark = pytest.mark.asyncio(loop_scope="module")
MISCHIEF = "<img src=x onerror=document.title='owned'>"


@asynccontextmanager
async def browser_page() -> AsyncGenerator[Page]:
    """A page of Debian's Chromium; fails for anything it complains of."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=need("chromium", "chromium"), args=["--no-sandbox"]
        )
        page = await browser.new_page()
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
    assert complaints == []


async def test_the_index_shows_ships_sensors_and_gateways_live(api: Running) -> None:
    await api.send("POST", "/api/v1/gateways", {"id": "quay"}, 201)
    await api.send("POST", "/api/v1/devices", meter("meter-1", "quay", name="Công tơ 1"), 201)
    await api.report("quay", status(meter_status("meter-1", declared="api"), backlog=3))
    await api.publish_readings(reading("meter-1", power=1234.5))
    async with browser_page() as page:
        await page.goto(api.url)
        await expect(page.locator("#link")).to_have_class("up")
        await expect(page.locator("#sensors")).to_contain_text("Công tơ 1")
        await expect(page.locator("#sensors")).to_contain_text("1234.5 W")
        await expect(page.locator("#gateways")).to_contain_text("quay")
        await api.publish_ships(ship(574001230, name="HAI PHONG STAR", sog=12.3, cog=75.0))
        await expect(page.locator("#ships")).to_contain_text("HAI PHONG STAR")
        await expect(page.locator("#count-ships")).to_have_text("1")


async def test_a_ships_name_never_becomes_markup(api: Running) -> None:
    await api.publish_ships(ship(574001231, name=MISCHIEF, destination=MISCHIEF))
    async with browser_page() as page:
        await page.goto(api.url)
        await expect(page.locator("#ships")).to_contain_text(MISCHIEF)
        assert await page.locator("#ships img").count() == 0
        assert await page.title() == "Hải Đăng"


async def test_the_documentation_page_shows_every_operation_without_the_internet(api: Running) -> None:
    async with browser_page() as page:
        await page.goto(f"{api.url}/docs")
        operations = sum(len(path) for path in api.document["paths"].values())
        await expect(page.locator("details")).to_have_count(operations)


async def test_nothing_but_what_stands_in_a_page_may_run_in_it(api: Running) -> None:
    for path in ("/", "/docs"):
        policy = (await api.client.get(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
