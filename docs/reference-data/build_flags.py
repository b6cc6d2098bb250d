"""Put the flags of today's countries into one file: static/img/flags.svg.

    python docs/reference-data/build_flags.py FOLDER

FOLDER is the unpacked package circle-flags 2.8.3 (npm), which is under the MIT licence; the file
repeats the licence. Only countries with an ISO alpha-2 code have a flag, so former states have none.
Each flag is a symbol of 512 × 512 units with the code as its id. The package masks it with a
circle; the site's style sheet does that instead.
"""

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTRIES = ROOT / "allies" / "starter" / "countries.csv"
TARGET = ROOT / "static" / "img" / "flags.svg"

_FLAG = re.compile(r'<g mask="url\(#a\)">(.*)</g></svg>', re.DOTALL)


def main(folder):
    licence = (Path(folder) / "LICENSE.md").read_text().removeprefix("# ").strip()
    with COUNTRIES.open(encoding="utf-8", newline="") as file:
        codes = sorted(row["alpha2"].lower() for row in csv.DictReader(file) if row["alpha2"])
    symbols = []
    for code in codes:
        text = (Path(folder) / "flags" / f"{code}.svg").read_text()
        shapes = _FLAG.search(text)[1]
        assert "url(" not in shapes, code
        symbols.append(f'<symbol id="{code}" viewBox="0 0 512 512">{shapes}</symbol>')
    head = '<svg xmlns="http://www.w3.org/2000/svg">'
    TARGET.write_text(
        "\n".join([f"<!--\nFlags: circle-flags\n\n{licence}\n-->", head, *symbols, "</svg>\n"])
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
