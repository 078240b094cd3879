"""Runs the scripts of the lecture in full, and puts their figures and texts into docs/lecture.md:

python docs/write_lecture.py            # all, one to three minutes each on 2 cores
python docs/write_lecture.py 03 06      # some
"""

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "lecture.md"
IMAGES = ROOT / "docs" / "images" / "lecture"
_LARGEST = 1000  # pixels


def paragraph(number: str) -> str:
    """Runs a script, writes its pictures, and returns the paragraph that it ends with."""
    (script,) = (ROOT / "examples").glob(f"{number}_*.py")
    out = ROOT / "runs" / "lecture" / number
    command = [sys.executable, str(script), "--out", str(out)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    IMAGES.mkdir(parents=True, exist_ok=True)
    page = PAGE.read_text(encoding="utf-8")
    for path in sorted(out.glob("*.png")):
        if f"{number}_{path.stem}.jpg" not in page:
            continue
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((_LARGEST, _LARGEST))
            small.save(IMAGES / f"{number}_{path.stem}.jpg", quality=75, optimize=True)
    paths = [line for line in said.splitlines() if line.startswith(str(out))]
    return "\n".join(line for line in said.splitlines() if line not in paths).strip()


def main(numbers: list[str]) -> None:
    for number in numbers or re.findall(r"<!-- (\d\d) -->", PAGE.read_text(encoding="utf-8")):
        said = paragraph(number)
        text = PAGE.read_text(encoding="utf-8")  # only now: others may have written into it
        start, end = f"<!-- {number} -->\n", f"<!-- end of {number} -->"
        before, rest = text.split(start)
        PAGE.write_text(before + start + said + "\n" + end + rest.split(end)[1], encoding="utf-8")
        print(number)


if __name__ == "__main__":
    main(sys.argv[1:])
