"""The report: all metrics that apply, in one call, one table, one file and one page.

report.py        the call
baselines.py     raw pixels and principal components, to compare with
measuring.py     measures metric by metric, and goes on after an error
fingerprints.py  hashes of models and data
results.py       what was found; means over seeds
store.py         metrics.json
rows.py          measurements side by side, as text
table.py         the table in a terminal, and in Markdown
figures.py       pictures of the details of measurements
details.py       which picture suits a measurement
page.py          index.html, from page.html and page.css
html.py          pages of one layout: layout.html, layout.css and facts.html
"""

from keras_ae.evaluate.report.report import evaluate, report
from keras_ae.evaluate.report.results import Evaluation, Outcome, Report, over_seeds

__all__ = ["Evaluation", "Outcome", "Report", "evaluate", "over_seeds", "report"]
