import json

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


class Page:
    """The page that keras_ae writes, as a test sees it."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, size="desktop", scheme="light", hash="", script=""):
        """Opens the page; `script` runs before its own scripts."""
        width, height = SIZES[size]
        phone = {"deviceScaleFactor": 1, "mobile": size == "phone"}
        self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, **phone)
        self.browser.call("Emulation.setTouchEmulationEnabled", enabled=size == "phone")
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.call("Emulation.setEmulatedMedia", features=features)
        self.browser.call("Log.enable")
        added = self.browser.call("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
        self.browser.open("about:blank")  # another address that differs only in its hash would not load again
        self.browser.open(f"{self.address}/index.html{hash}")
        self.browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=added)
        self.settle()

    def settle(self):
        self.browser.wait("document.body.ariaBusy === 'false'")

    def run(self, code):
        """The value that the body of an async function of `page` returns."""
        names = "const { page } = await import('./page.js'); const $ = (id) => document.getElementById(id);"
        value = self.browser.evaluate(f"(async () => {{ {names} {code} }})()")
        self.settle()
        return value

    def set(self, **values):
        """Sets controls by their ids, with - for _, as a user does."""
        for name, value in values.items():
            self.run(f"""
                const control = $({json.dumps(name.replace("_", "-"))});
                control.value = {json.dumps(str(value))};
                for (const name of ["input", "change"]) control.dispatchEvent(new Event(name, {{ bubbles: true }}));
            """)

    def click(self, name):
        self.run(f"$({json.dumps(name)}).click();")

    def tab(self, name):
        """Opens a tool, and waits until it has drawn."""
        self.run(f"page.openTab({json.dumps(name)}); await new Promise((done) => setTimeout(done, 150));")

    def after_a_moment(self):
        """Waits for what the page does when nothing has changed for a while."""
        self.run("await new Promise((done) => setTimeout(done, 300));")

    def place(self, point):
        """Where a point of the map is on the screen."""
        return self.run(f"""
            $("map").scrollIntoView({{ block: "center" }});
            const box = $("map").getBoundingClientRect();
            const [x, y] = page.map.toScreen({json.dumps(list(map(float, point)))});
            return [box.left + $("map").clientLeft + x, box.top + $("map").clientTop + y];
        """)

    def mouse(self, kind, place, buttons=0):
        x, y = place
        button = "left" if kind != "mouseMoved" else "none"
        self.browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=buttons, clickCount=1)
        self.settle()

    def touch(self, kind, places):
        points = [{"x": x, "y": y} for x, y in places]
        self.browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self.after_a_frame()

    def after_a_frame(self):
        """Waits for events of the pointer, which come with frames, and for what the page does then."""
        self.run("for (let i = 0; i < 2; ++i) await new Promise(requestAnimationFrame);")

    def text(self, name):
        return self.run(f"return $({json.dumps(name)}).textContent;")

    def problems(self):
        """What the console said, but for the drivers of a machine without a graphics processor."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        said = [event["params"] for event in self.browser.events if event["method"] in kinds]
        return [each for each in said if is_problem(each)]


def is_problem(params):
    if "entry" in params:
        return params["entry"]["source"] != "rendering" and params["entry"]["level"] in ("warning", "error")
    return params.get("type", "error") in ("warning", "error")
