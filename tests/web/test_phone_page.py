"""The page on a phone shows how the table is, and says so when it cannot know."""

import re
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from PIL import Image
from scripted_table import alarm, good, running

from labctl.core.clock import RealClock
from labctl.core.readings import Quality
from labctl.core.status import BeamStatus, QueueStatus, SafetyStatus, StationState
from labctl.service.api.pages import FILES

CLOCK = RealClock()
SIZE = (390, 844)


def shows(browser, word):
    browser.wait(f"document.getElementById('state')?.innerText === {word!r}", CLOCK)


def rendered(path):
    """Return a picture that was taken, checked not to be empty."""
    picture = Image.open(BytesIO(path.read_bytes()))
    assert picture.size == (2 * SIZE[0], 2 * SIZE[1])
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 200
    return picture


@pytest.fixture
def page(browser, served, scripted):
    """Return the browser with the page of somebody who may switch the laser off."""
    scripted.fields = {"state": StationState.IDLE}
    scripted.calls.clear()
    scripted.unconfirmed = []
    secret = served.make_token("operate")
    browser.requests.clear()
    browser.problems.clear()
    browser.open("about:blank")
    browser.open(f"http://127.0.0.1:{served.server.port}/#token={secret}")
    yield browser
    hosts = {urlsplit(url).netloc for url in browser.requests if not url.startswith("about:")}
    assert hosts == {f"127.0.0.1:{served.server.port}"}, "nothing is asked of anybody else"
    faults = [one for one in browser.problems if one.get("source") != "network"]
    assert faults == []


def test_11_idle_running_and_alarm_are_shown(page, scripted, shots):
    calm = running(CLOCK)
    beams = tuple(
        one.model_copy(update={"shutter": "closed", "exposing": False}) for one in calm["beams"]
    )
    quiet = QueueStatus(active=True, counts={"finished": 5})
    scripted.becomes(**{**calm, "beams": beams, "queue": quiet, "run": None, "state": "idle"})
    shows(page, "IDLE")
    page.wait("document.getElementById('beams').innerText.includes('closed')", CLOCK)
    rendered(page.photograph(shots / "phone-idle.png"))

    scripted.becomes(**calm)
    scripted.exposes(run="0127_power-series_flake-7", point=12)
    shows(page, "RUNNING")
    for step in range(6):
        scripted.becomes(cryostat=good("cryostat.temperature", 77.43 + 0.02 * step, "K", 0.3))
        CLOCK.sleep(1.05)
    page.wait("document.getElementById('spectrum-title').innerText.includes('point 12')", CLOCK)
    text = page.text("main")
    for part in (
        "0127_power-series_flake-7", "13 / 20 points", "65 %", "19 min left", "BEAM ON", "50 µW",
        "77.53 K", "320 µPa", "198.15 K", "1 running", "exposing 20 s",
    ):  # fmt: skip
        assert part in text, part
    assert re.search(r"532 nm · laser emits\s+\d+(\.\d)? s ago", text)
    for name in ("spectrum", "trend"):
        drawn = f"""(() => {{ const c = document.getElementById('{name}');
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }})()"""
        assert page.evaluate(drawn) > 2000, name
    rendered(page.photograph(shots / "phone-running.png"))

    scripted.becomes(
        state=StationState.PAUSED,
        reason="waiting for the cryostat to settle",
        alarms=(
            alarm(1, remedy="look at the cooling water"),
            alarm(2, "laser power of probe is 7 % below its set-point", level="warning"),
            alarm(3, "seen already", acknowledged_by="Ada"),
        ),
    )
    shows(page, "PAUSED")
    text = page.text("#alarms")
    assert "cryostat temperature is unstable" in text
    assert "look at the cooling water" in text
    assert text.index("ALARM") < text.index("WARNING")
    assert "seen already" not in text
    rendered(page.photograph(shots / "phone-alarm.png"))


def test_what_is_not_good_does_not_look_good(page, scripted):
    scripted.becomes(
        state=StationState.FAILED,
        reason="the table is not known to be safe",
        beams=(BeamStatus(name="probe", wavelength_nm=532.0, interlock=False),),
        cryostat=good("cryostat.temperature", 77.4, "K", 90.0, stale=True),
        pressure=good(
            "cryostat.pressure", None, "Pa", 3.0, quality=Quality.INVALID, reason="sensor off"
        ),
        safety=SafetyStatus(latched=True, reason="the door was opened"),
    )
    shows(page, "FAILED")
    text = page.text("main")
    for part in (
        "the table is not known to be safe", "UNKNOWN", "INTERLOCK OPEN", "never read", "STALE",
        "sensor off", "LATCHED, shutters stay closed: the door was opened",
    ):  # fmt: skip
        assert part in text, part


def test_words_of_strangers_stay_words(page, scripted):
    evil = "<img src=x onerror=\"document.title='hit'\"><script>alert(1)</script>"
    scripted.becomes(
        reason=evil, state=StationState.PAUSED, alarms=(alarm(1, evil, source=evil, remedy=evil),)
    )
    shows(page, "PAUSED")
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert evil in page.text("#alarms")


def test_the_laser_is_switched_off_and_the_page_says_whether_that_is_known(page, scripted):
    shows(page, "IDLE")
    page.wait("!document.getElementById('dock').hidden", CLOCK)
    page.evaluate("document.getElementById('off').click()")
    page.wait("document.getElementById('off-result').innerText.includes('confirmed')", CLOCK)
    assert [call[0] for call in scripted.calls] == ["safe"]
    assert "a operate (token" in scripted.calls[0][1]
    scripted.unconfirmed = ["shutter of probe: no reply"]
    page.evaluate("document.getElementById('off').click()")
    page.wait("document.getElementById('off-result').className === 'bad'", CLOCK)
    text = page.text("#off-result")
    assert "NOT CONFIRMED: shutter of probe: no reply" in text
    assert "hardware switch" in text


def test_the_token_does_not_stay_in_the_address(page):
    shows(page, "IDLE")
    assert page.evaluate("location.href").endswith("/")
    assert "token" not in page.evaluate("location.href")
    assert all("token" not in url.split("#")[0] for url in page.requests)


def test_who_may_only_look_gets_no_button(browser, served, scripted):
    scripted.fields = {"state": StationState.IDLE}
    secret = served.make_token("view")
    browser.open("about:blank")
    browser.open(f"http://127.0.0.1:{served.server.port}/#token={secret}")
    shows(browser, "IDLE")
    browser.wait("document.getElementById('who').innerText.includes('view')", CLOCK)
    assert browser.evaluate("document.getElementById('dock').hidden") is True


def test_without_a_valid_token_the_page_asks_for_one(browser, served):
    browser.open("about:blank")
    browser.open(f"http://127.0.0.1:{served.server.port}/#token=wrong")
    browser.wait("document.getElementById('login')?.hidden === false", CLOCK)
    assert browser.evaluate("document.getElementById('main').hidden") is True
    browser.wait("document.getElementById('why').innerText.includes('revoked or expired')", CLOCK)


def test_everything_fits_and_can_be_touched_and_read(page, scripted):
    scripted.becomes(**running(CLOCK), alarms=(alarm(1), alarm(2, "x" * 300)))
    shows(page, "RUNNING")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZE[0]
    heights = page.evaluate(
        "[...document.querySelectorAll('button')].filter(b => b.offsetParent !== null)"
        ".map(b => b.offsetHeight)"
    )
    assert min(heights) >= 44
    ratios = page.evaluate(CONTRAST)
    assert ratios
    assert min(ratio for _, ratio in ratios) >= 4.5, sorted(ratios, key=lambda one: one[1])[:3]


CONTRAST = """(() => {
  const parse = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = (rgb) => { const [r, g, b] = rgb.slice(0, 3).map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (node) => { for (let at = node; at; at = at.parentElement) {
    const found = parse(getComputedStyle(at).backgroundColor);
    if (found.length === 3 || found[3] > 0.99) return found; } return [13, 17, 23]; };
  const found = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || node.offsetParent === null) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    found.push([node.textContent.slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return found;
})()"""


def test_11_the_files_hold_no_address_of_anybody_else(served):
    for path in FILES:
        answer = served("GET", path, door="loopback")
        assert answer.status == 200, path
        text = answer.body.decode()
        addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s'\"]*", text)
        assert [one for one in addresses if "www.w3.org/2000/svg" not in one] == []
        assert "eval(" not in text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_11_silence_is_told_and_ends_by_itself(browser, scripted, served, shots):
    from labctl.service.api.server import ApiServer, ApiSettings

    with ApiServer(scripted, ApiSettings(port=0)) as other:
        secret = served.make_token("operate")
        scripted.fields = running(CLOCK)
        browser.open("about:blank")
        browser.open(f"http://127.0.0.1:{other.port}/#token={secret}")
        shows(browser, "RUNNING")
        port = other.port
    shows(browser, "DISCONNECTED")
    browser.wait("document.getElementById('reason').innerText.includes('It was running')", CLOCK)
    assert browser.text("#safety") == "Safety not known: no contact"
    age_s = "parseFloat(document.querySelector('#values .age').innerText)"
    before = browser.evaluate(age_s)
    CLOCK.sleep(2.0)
    assert browser.evaluate(age_s) > before + 1.0, "values grow older while nothing is heard"
    rendered(browser.photograph(shots / "phone-disconnected.png"))
    browser.evaluate("document.getElementById('off').click()")
    browser.wait("document.getElementById('off-result').innerText.includes('NOT CONFIRMED')", CLOCK)
    with ApiServer(scripted, ApiSettings(port=port)):
        shows(browser, "RUNNING")
