"""The page on which a model can be played with in a browser: `write.py` writes it into a folder.

data.py         arrays and numbers that the page shows
libraries.py    the JavaScript libraries, which npm brings
static/         the page: HTML, CSS and JavaScript
"""
