"""The page in a real browser: what a journalist does with it, with the mouse and with the keyboard.

Screenshots lie in the folder that pytest names `screenshots`, for a person to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Route,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.server import services
from tests.server.running import Served

ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE: Final = ViewportSize(width=1600, height=1000)
NARROW: Final = ViewportSize(width=360, height=800)
JUDGED_MS: Final = 90_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=services.program("chromium"), args=ARGS)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, server: Served) -> Iterator[Page]:
    """A page whose console must stay silent, and which may ask nobody but our server."""
    context = browser.new_context(viewport=WIDE, base_url=server.url)
    yield from watched(context, server)


def watched(context: BrowserContext, server: Served) -> Iterator[Page]:
    wrong: list[str] = []
    found = context.new_page()

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            wrong.append(message.text)

    def foreign(route: Route) -> None:
        if not route.request.url.startswith((server.url, "blob:")):
            wrong.append(f"asks {route.request.url}")
        route.continue_()

    found.on("console", console)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    context.route("**/*", foreign)
    yield found
    context.close()
    assert not wrong


def judged(page: Page, file: Path) -> str:
    """Upload a file by the form, and wait for its report; its address."""
    page.goto("/")
    page.get_by_label("Choose photos, videos or recordings").set_input_files(file)
    page.wait_for_url(re.compile(r"/reports/[0-9a-f]{24}$"), timeout=JUDGED_MS)
    return page.url


def test_a_picture(page: Page, uploads: Path, shots: Path) -> None:
    judged(page, uploads / "portrait.jpg")
    expect(page.get_by_role("heading", level=1)).to_have_text("portrait.jpg")
    expect(page.locator("header .pill").first).to_have_text(re.compile("Judged real|Judged fake|Uncertain"))
    expect(page.get_by_role("img", name=re.compile("regions that detectors looked at are marked"))).to_be_visible()
    for name in ("face", "texture", "traces"):
        expect(page.get_by_role("heading", name=re.compile(f"^{name}"))).to_be_visible()
    slider = page.get_by_label("Strength")
    slider.focus()
    before = page.locator(".heats-0").evaluate("one => getComputedStyle(one).opacity")
    for _ in range(30):
        slider.press("ArrowLeft")
    expect(page.locator("#opacity-said")).to_have_text("50 %")
    after = page.locator(".heats-0").evaluate("one => getComputedStyle(one).opacity")
    assert (before, after) == ("0.8", "0.5")
    expect(page.locator(".heats-0")).to_be_visible()
    page.get_by_label("traces", exact=True).check()
    expect(page.locator(".heats-0")).to_be_hidden()
    page.get_by_label("none", exact=True).check()
    assert page.locator(".heats:visible").count() == 0
    page.get_by_label("Boxes").uncheck()
    expect(page.locator(".boxes")).to_be_hidden()
    page.screenshot(path=shots / "picture.png", full_page=True)


def test_a_video_and_a_jump_on_its_timeline(page: Page, uploads: Path, shots: Path) -> None:
    judged(page, uploads / "clip.mp4")
    player = page.locator("video")
    page.wait_for_function("() => document.querySelector('video').readyState >= 1")
    assert player.evaluate("video => video.duration") == pytest.approx(3.0, abs=0.3)
    line = page.locator(".person svg.seek").first
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    assert box
    line.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.wait_for_function("() => !document.querySelector('video').seeking")
    assert player.evaluate("video => video.currentTime") == pytest.approx(1.5, abs=0.2)
    assert float(line.locator(".playhead").get_attribute("x1") or 0) == pytest.approx(50, abs=6)
    page.get_by_text("All looks at person 1").click()
    jump = page.locator(".person .jump").nth(2)
    jump.focus()
    jump.press("Enter")
    page.wait_for_function("() => !document.querySelector('video').seeking")
    wanted = float(jump.get_attribute("data-seek") or -1)
    assert player.evaluate("video => video.currentTime") == pytest.approx(wanted, abs=0.05)
    expect(page.get_by_role("heading", name="Key frames of person 1")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Spectrogram of the sound"))).to_be_visible()
    page.screenshot(path=shots / "video.png", full_page=True)


def test_a_voice(page: Page, uploads: Path, shots: Path) -> None:
    judged(page, uploads / "call.wav")
    expect(page.locator("audio")).to_be_visible()
    sights = page.get_by_role("img", name=re.compile("^Spectrogram of the sound"))
    expect(sights.first).to_be_visible()
    page.wait_for_function("() => document.querySelector('audio').readyState >= 1")
    box = sights.first.bounding_box()
    assert box
    sights.first.click(position={"x": box["width"] / 4, "y": 20})
    page.wait_for_function("() => !document.querySelector('audio').seeking")
    duration = page.locator("audio").evaluate("audio => audio.duration")
    assert page.locator("audio").evaluate("audio => audio.currentTime") == pytest.approx(duration / 4, abs=0.6)
    page.screenshot(path=shots / "voice.png", full_page=True)


def test_feedback_with_the_keyboard_alone(page: Page, uploads: Path) -> None:
    address = judged(page, uploads / "portrait.jpg")
    page.get_by_label("wrong").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("I know who took it")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#thanks")).to_have_text("Thank you, it is kept with the report.")
    page.goto(address)
    expect(page.locator(".said")).to_contain_text("Wrong, it is real: I know who took it")


def test_refused_and_unreadable_files_say_why(page: Page, uploads: Path, shots: Path, server: Served) -> None:
    judged(page, uploads / "notes.txt")
    expect(page.locator("header .pill")).to_have_text("Not supported")
    expect(page.locator("header .reason")).to_contain_text("not a picture")
    page.goto("/")
    page.locator("#upload").evaluate("form => { form.dataset.mostFiles = 1 }")
    page.get_by_label("Choose photos").set_input_files([uploads / "notes.txt", uploads / "portrait.jpg"])
    expect(page.get_by_role("alert")).to_have_text("At most 1 files at a time: deal them over several rounds.")
    page.screenshot(path=shots / "refused.png", full_page=True)


def test_a_picture_is_pasted_and_one_is_dropped(page: Page, uploads: Path) -> None:
    import base64

    data = base64.b64encode((uploads / "portrait.jpg").read_bytes() + b"pasted").decode()
    give = """([kind, name, data]) => {
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
        const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
            : new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
        document.body.dispatchEvent(event);
    }"""
    for kind in ("paste", "drop"):
        page.goto("/")
        page.evaluate(give, [kind, f"{kind}.jpg", data])
        page.wait_for_url(re.compile("/reports/"), timeout=JUDGED_MS)


def test_several_files_and_the_history(page: Page, uploads: Path, shots: Path) -> None:
    page.goto("/")
    page.get_by_label("Choose photos").set_input_files([uploads / "portrait.jpg", uploads / "notes.txt"])
    page.wait_for_url(re.compile("/jobs/"), timeout=JUDGED_MS)
    expect(page.get_by_role("link", name="portrait.jpg")).to_be_visible()
    page.goto("/")
    expect(page.locator(".history img").first).to_be_visible()
    page.wait_for_function("() => [...document.querySelectorAll('.history img')].every((one) => one.naturalWidth > 0)")
    page.screenshot(path=shots / "history.png", full_page=True)
    page.get_by_role("link", name="Judged fake").first.click()
    assert page.locator(".history .pill.real").count() == 0


def test_the_report_is_downloaded_as_a_page_that_stands_alone(page: Page, uploads: Path, tmp_path: Path) -> None:
    judged(page, uploads / "portrait.jpg")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the report").click()
    waiting.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "portrait.jpg" in text
    assert "data:image/jpeg" in text


def test_without_a_script_the_form_uploads_and_the_page_reloads_itself(
    browser: Browser, server: Served, uploads: Path, shots: Path
) -> None:
    context = browser.new_context(viewport=NARROW, base_url=server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Choose photos, videos or recordings").set_input_files(uploads / "portrait.jpg")
    page.get_by_role("button", name="Judge them").click()
    page.wait_for_url(re.compile("/reports/"), timeout=JUDGED_MS)
    expect(page.locator("header .pill").first).to_be_visible()
    expect(page.locator(".heats-0")).to_be_visible()
    page.get_by_label("right", exact=True).check()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".said")).to_contain_text("Right")
    page.screenshot(path=shots / "without-script.png", full_page=True)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_fits_and_can_be_read(
    browser: Browser, server: Served, uploads: Path, shots: Path, scheme: str, size: ViewportSize
) -> None:
    files = [uploads / name for name in ("portrait.jpg", "clip.mp4", "call.wav")]
    job = server.until_job_ended(str(server.post("/v1/jobs", *files).json()["id"]))
    reports = [f"/reports/{file['report']}" for file in job["files"]]  # type: ignore[attr-defined]
    context = browser.new_context(viewport=size, base_url=server.url, color_scheme=scheme)  # type: ignore[arg-type]
    for page in watched(context, server):
        for path in ("/", "/models", "/api", "/sign-in", f"/jobs/{job['id']}", *reports):
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is {wide} px too wide"
            assert page.evaluate(OVERHANGING) == [], path
            name = path.strip("/").replace("/", "-")[:14] or "home"
            page.screenshot(path=shots / f"{name}-{size['width']}-{scheme}.png", full_page=path != "/api")
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate(NAMELESS) == [], path


OVERHANGING: Final = """() => [...document.querySelectorAll("main header, main section")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.textContent.trim().slice(0, 30)}: ${one.scrollWidth - one.clientWidth} px`)"""

CONTRAST: Final = """() => {
    // WCAG 2.2, 1.4.3: text against the nearest ground behind it, 4.5 to 1, or 3 to 1 where it is large.
    const channel = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
    const behind = (one) => {
        for (let at = one; at; at = at.parentElement) {
            const ground = parse(getComputedStyle(at).backgroundColor);
            if (ground.length < 4 || ground[3] > 0.99) return ground;
        }
        return [255, 255, 255];
    };
    const wrong = [];
    for (const one of document.querySelectorAll("body *:not(svg *)")) {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        const style = getComputedStyle(one);
        if (!own || !one.checkVisibility() || one.closest("video, audio, .unseen, .skip")) continue;
        const [a, b] = [light(parse(style.color)), light(behind(one))].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < (large ? 3 : 4.5)) wrong.push(`${one.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return wrong;
}"""

NAMELESS: Final = """() => {
    // What a screen reader would announce without a name, headings that skip a level, ids that are there twice.
    const wrong = [];
    const spoken = "button, a[href], input:not([type=hidden]), textarea, [role=img], img";
    for (const one of document.querySelectorAll(spoken)) {
        const named = one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length
            || one.hasAttribute("alt") || one.querySelector("img[alt]");
        if (!named) wrong.push(one.outerHTML.slice(0, 80));
    }
    let last = 0;
    for (const one of document.querySelectorAll("h1, h2, h3, h4")) {
        const level = Number(one.tagName[1]);
        if (level > last + 1) wrong.push(`${one.textContent.trim()}: h${level} after h${last}`);
        last = level;
    }
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    wrong.push(...ids.filter((id, at) => ids.indexOf(id) !== at));
    for (const one of document.querySelectorAll("[aria-labelledby]")) {
        if (!document.getElementById(one.getAttribute("aria-labelledby"))) wrong.push(one.outerHTML.slice(0, 80));
    }
    return wrong;
}"""
