import browser_fixtures

browser, node_modules = browser_fixtures.browser, browser_fixtures.node_modules
