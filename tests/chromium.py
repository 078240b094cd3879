"""A headless Chromium that is driven over a pipe, in the DevTools protocol: no port, no other package."""

import json
import os
import select
import shutil
import subprocess
import sys
import time

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless --disable-gpu --no-sandbox --disable-dev-shm-usage --no-first-run --disable-extensions --disable-sync "
    "--disable-background-networking --disable-component-update --disable-default-apps --remote-debugging-pipe"
)
# Of SwiftShader, which draws WebGL without a graphics processor: with several threads it hangs in one of ten pages on a
# busy machine. It reads this file in the folder in which it starts.
_ONE_THREAD = "[Processor]\nThreadCount=1\n"
# Chromium reads from 3 and writes to 4.
_PLUMBING = """
import os, sys
reading, writing = (os.dup(int(number)) for number in sys.argv[1:3])
os.dup2(reading, 3), os.dup2(writing, 4)
os.set_inheritable(3, True), os.set_inheritable(4, True)  # what was in its place already was not copied
os.execv(sys.argv[3], sys.argv[3:])
"""


def find():
    """The path of Chromium, or `None`."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """Starts a browser with one page.

    Args:
        profile: a new folder for what it writes.
        seconds: how long an answer may take.
        threads: whether WebGL in software may have several threads.
    """

    def __init__(self, profile, seconds=60, threads=False):
        if not threads:
            (profile / "SwiftShader.ini").write_text(_ONE_THREAD)
        reading, self.writing = os.pipe()
        self.reading, writing = os.pipe()
        command = [sys.executable, "-S", "-c", _PLUMBING, str(reading), str(writing), find(), *_FLAGS.split()]
        self.process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=[reading, writing],
            stderr=subprocess.DEVNULL,
            cwd=profile,
            env={**os.environ, "HOME": str(profile)},
        )
        os.close(reading), os.close(writing)
        self.seconds, self.number, self.received, self.session = seconds, 0, b"", None
        self.events = []
        try:
            self._attach()
        except BaseException:
            self._end()
            raise

    def _attach(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method, **params):
        """The answer to a call of the protocol; what happens meanwhile is kept in `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self.writing, content) :]
        deadline = time.monotonic() + self.seconds
        while (answer := self._read(deadline)).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _read(self, deadline):
        while b"\0" not in self.received:
            if not select.select([self.reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"Chromium did not answer in {self.seconds} s.")
            part = os.read(self.reading, 2**16)
            if not part:
                raise RuntimeError("Chromium has ended.")
            self.received += part
        message, _, self.received = self.received.partition(b"\0")
        return json.loads(message)

    def evaluate(self, expression):
        """The value of an expression of JavaScript; of a promise, what it promises."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "an exception"))
        return answer["result"].get("value")

    def wait(self, condition):
        """Waits until an expression of JavaScript is true."""
        code = f"new Promise((done) => {{ const look = () => ({condition}) ? done(1) : setTimeout(look, 5); look(); }})"
        self.evaluate(code)

    def open(self, address):
        """Goes to an address, and forgets the events of the one before."""
        self.events.clear()
        loader = self.call("Page.navigate", url=address)["loaderId"]
        self._until(lambda event: {"name": "load", "loaderId": loader}.items() <= event["params"].items())

    def _until(self, is_wanted):
        """Waits until an event that is wanted has happened."""
        deadline = time.monotonic() + self.seconds
        while not any(map(is_wanted, self.events)):
            self.events.append(self._read(deadline))

    def trace(self, do, categories):
        """The events of the browser's own trace, of some categories, while a function is called."""
        self.call("Tracing.start", traceConfig={"includedCategories": categories})
        do()
        self.call("Tracing.end")
        self._until(lambda event: event["method"] == "Tracing.tracingComplete")
        parts = [event["params"]["value"] for event in self.events if event["method"] == "Tracing.dataCollected"]
        self.events = [event for event in self.events if not event["method"].startswith("Tracing.")]
        return [event for part in parts for event in part]

    def press(self, key, code=None):
        """Presses a key where the focus is: a letter, or one that has a name, such as Tab and ArrowRight."""
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code or ord(key.upper())}
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def requests(self):
        """The addresses that the page has asked for."""
        asked = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in asked]

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(10)
        finally:
            self._end()

    def _end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.reading), os.close(self.writing)
