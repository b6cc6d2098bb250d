"""Derive the icons of static/img from the site's mark: two rings, as icon.svg has them.

    python docs/reference-data/build_icons.py

favicon.ico contains icons of 16, 32 and 48 pixels. The others have a paper-coloured background.
Phones may crop them, so the mark is within the middle 60 per cent.
"""

from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parents[2] / "static" / "img"
PAPER = "#fbf9f4"
#: The mark in a square of 32 units: middles, colours; radius 8 and stroke 4.
RINGS = (((12, 16), "#0b5d66"), ((20, 16), "#c0532b"))
SMOOTH = 8  # drawn so many times larger, then made small: so edges are smooth


def mark(size, share=1.0, paper=None):
    """Return the mark in a square of this many pixels, taking up a share of it."""
    large = size * SMOOTH
    picture = Image.new("RGBA", (large, large), paper or (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    unit = large * share / 32
    rim = (large - 32 * unit) / 2
    for (x, y), colour in RINGS:
        left, top = rim + (x - 10) * unit, rim + (y - 10) * unit
        box = [left, top, left + 20 * unit, top + 20 * unit]
        pen.ellipse(box, outline=colour, width=round(4 * unit))
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def main():
    small = [mark(size) for size in (16, 32, 48)]
    small[-1].save(HERE / "favicon.ico", sizes=[p.size for p in small], append_images=small[:-1])
    for name, size, share in (
        ("apple-touch-icon.png", 180, 0.8),
        ("icon-192.png", 192, 0.7),
        ("icon-512.png", 512, 0.7),
    ):
        mark(size, share, PAPER).convert("P", palette=Image.Palette.ADAPTIVE, colors=32).save(
            HERE / name, optimize=True
        )


if __name__ == "__main__":
    main()
