"""Take the screenshots of the README: `python -m tests.browser.readme_screenshots [URL]`.

The site must be running at the URL, by default http://127.0.0.1:8000. The screenshots in the
repository show the starter content with the alliances of COW and the votes of the UN.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "screenshots"

#: Name of a screenshot → page, width and height of the window, colour scheme, scroll position.
SHOTS = {
    "front": ("en/", 1280, 1150, "light", 0),
    "allies": ("en/countries/russia/allies/", 1280, 960, "light", 0),
    "pair": ("en/ties/north-korea/russia/", 1280, 1100, "light", 0),
    "list": ("en/lists/russia-allies-in-asia/", 1280, 1100, "light", 560),
    **{
        f"phone-{number}": (page, 390, 844, scheme, down)
        for number, (page, scheme, down) in enumerate(
            [
                ("id/", "light", 0),
                ("id/countries/russia/allies/?on=1989-11-09", "dark", 330),
                ("id/ties/china/russia/", "light", 0),
            ]
        )
    },
}


def main(site: str) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    shots = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (path, width, height, scheme, down) in SHOTS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(f"{site}/{path}")
            page.evaluate("top => scrollTo({top, behavior: 'instant'})", down)
            shots[name] = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            page.close()
        browser.close()
    phones = [shots.pop(name) for name in list(shots) if name.startswith("phone-")]
    beside = Image.new("RGB", (1280, phones[0].height), "#8a8f92")
    for place, phone in enumerate(phones):
        beside.paste(phone, (place * 445, 0))
    for name, picture in {**shots, "phone": beside}.items():
        few = picture.quantize(256, dither=Image.Dither.NONE)
        few.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
