"""The interactive page of a model in a browser: `write.py` writes it into a folder.

data.py         arrays and numbers that the page shows
libraries.py    the JavaScript libraries: from the wheel, or downloaded by npm
static/         the page: HTML, CSS and JavaScript
"""
