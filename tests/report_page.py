"""A page of a report in a headless browser: on a desktop and on a phone, light and dark, and in print."""

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def show(browser, path, size, scheme, media=""):
    width, height = SIZES[size]
    phone = {"deviceScaleFactor": 2, "mobile": size == "phone"}
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, **phone)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.call("Emulation.setEmulatedMedia", media=media, features=features)
    browser.call("Log.enable")
    browser.open(path.as_uri())


def contrasts(browser):
    """The least contrast of a text and what is behind it, by WCAG, and that text."""
    return browser.evaluate("""(() => {
        const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
            .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        let least = [99, ""];
        const parts = "p, th, td, h1, h2, h3, a, li, dt, dd, figcaption, .muted, .best";
        for (const part of document.querySelectorAll(parts)) {
            const text = [...part.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
            if (!text || part.closest(".hidden, .skip")) continue;
            let back = part;
            while (getComputedStyle(back).backgroundColor === "rgba(0, 0, 0, 0)" && back.parentElement) {
                back = back.parentElement;
            }
            const both = [light(getComputedStyle(part).color), light(getComputedStyle(back).backgroundColor)];
            const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
            if (contrast < least[0]) least = [contrast, text];
        }
        return least;
    })()""")


def check(browser, path):
    """The page fits, can be read, asks for nothing and says nothing."""
    backs = {}
    for size, (width, _) in SIZES.items():
        for scheme in ("light", "dark"):
            show(browser, path, size, scheme)
            # The layout has no horizontal scroll: the document is not wider than the window.
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            assert [each for each in browser.requests() if not each.startswith("data:")] == [path.as_uri()]
            said = [e for e in browser.events if e["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]
            assert not said, said
            backs[scheme] = browser.evaluate("getComputedStyle(document.body).backgroundColor")
            least, text = contrasts(browser)
            assert least >= 4.5, (least, text, scheme)  # WCAG AA for text of this size
            cut = "[...document.querySelectorAll('.value')].filter((e) => e.scrollWidth > e.clientWidth + 1).length"
            assert browser.evaluate(cut) == 0
    assert backs["light"] != backs["dark"]
    show(browser, path, "desktop", "dark", media="print")
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert len(browser.call("Page.printToPDF")["data"]) > 1000
