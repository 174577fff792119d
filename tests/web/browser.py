"""Drive a headless Chromium over its pipe: no port, no further package.

The browser is a package of the system: `apt-get install chromium` (Debian) or `dnf install
chromium`. Where LABCTL_REQUIRE_CHROMIUM is set its absence fails the tests, elsewhere they are
skipped. That the page asks nobody else for anything is also tested without it, by its files and
the policy that they are served with.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from queue import Empty, SimpleQueue

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
     if (path := shutil.which(name))),
    None,
)  # fmt: skip
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--no-default-browser-check", "--hide-scrollbars",
    "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
LONGEST_S = 30.0
# the browser reads commands from descriptor 3 and answers on 4
STARTER = """
import fcntl, os, sys
theirs = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3]]
for here, one in zip((3, 4), theirs):
    os.dup2(one, here)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """Hold one browser with one page of the size of a phone."""

    def __init__(self, folder, width=390, height=844):
        their_in, self._out = os.pipe()
        self._in, their_out = os.pipe()
        with (folder / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", STARTER, str(their_in), str(their_out), CHROMIUM, *FLAGS,
                 f"--user-data-dir={folder / 'profile'}"],
                pass_fds=(their_in, their_out), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "TZ": "UTC"},
            )  # fmt: skip
        os.close(their_in)
        os.close(their_out)
        self._number = 0
        self._answers = SimpleQueue()
        self.requests = []
        self.problems = []
        self._session = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2, mobile=True,
        )  # fmt: skip

    def close(self):
        try:
            self._session = None
            self.call("Browser.close")
        except (AssertionError, OSError):
            self._process.kill()
        self._process.wait(20)
        os.close(self._out)
        self._reader.join(10)
        os.close(self._in)

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            try:
                answer = self._answers.get(timeout=LONGEST_S)
            except Empty:
                raise AssertionError(f"the browser did not answer {method}") from None
            if answer["id"] == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, url):
        self.call("Page.navigate", url=url)

    def evaluate(self, script):
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def text(self, selector):
        return self.evaluate(f"document.querySelector({selector!r})?.innerText ?? null")

    def wait(self, script, clock, longest_s=20.0):
        until_s = clock.monotonic_s() + longest_s
        while clock.monotonic_s() < until_s:
            if found := self.evaluate(script):
                return found
            clock.sleep(0.1)
        raise AssertionError(f"never true: {script}; {self.text('body')!r}; {self.problems}")

    def photograph(self, path, *, whole=False):
        options = {"captureBeyondViewport": True} if whole else {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {
                "x": 0,
                "y": 0,
                "scale": 1,
                **{k: size[k] for k in ("width", "height")},
            }
        data = self.call("Page.captureScreenshot", format="png", **options)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
        return path

    def _read(self):
        rest = b""
        while data := os.read(self._in, 1 << 20):
            *whole, rest = (rest + data).split(b"\0")
            for text in whole:
                self._take(json.loads(text))

    def _take(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if "id" in message:
            self._answers.put(message)
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(parameters["exceptionDetails"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"])
