"""The report: which rows of a data set are outliers, and why, as a table, a summary and one page.

report.py          the call: scores everything, then explains the rows that are reported
findings.py        what was found: scores, threshold, drift; which rows are shown
reasons.py         the most unusual features of a row
shown_examples.py  how an example is shown: images with maps, bars, curves
page.py            outliers.html, from page.html and page.css
"""

from keras_ae.outliers.report.findings import Findings
from keras_ae.outliers.report.report import report

__all__ = ["Findings", "report"]
