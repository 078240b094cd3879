import browser_fixtures

browser = browser_fixtures.browser
