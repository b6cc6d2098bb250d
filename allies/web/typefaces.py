"""Typefaces of share images: text that fits, in Latin and Arabic letters.

A text with Arabic letters is drawn in Noto Sans Arabic, which has the Latin ones too. Pillow shapes
and orders it, if it was built with raqm, as its packages for Linux, macOS and Windows are.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from font_source_sans_pro import SourceSansPro, SourceSansProSemibold
from font_source_serif_pro import SourceSerifProBold
from fontpkg_noto_sans_arabic import ROOT
from PIL import ImageFont, features
from PIL.ImageDraw import ImageDraw
from PIL.ImageFont import FreeTypeFont

from allies.text.bidi import FSI, PDI, has_rtl, is_rtl

#: The typeface with Arabic letters, and the weight there that goes with each of the others.
ARABIC = str(next((ROOT / "files").glob("*.ttf")))
_WEIGHTS = {SourceSansPro: 400, SourceSansProSemibold: 600, SourceSerifProBold: 700}

_HAS_RAQM = features.check("raqm")


@cache
def _font(path: str, size: int, weight: int = 0) -> FreeTypeFont:
    font = ImageFont.truetype(path, size)
    if weight:
        font.set_variation_by_axes([weight, 100])  # 100 % wide
    return font


@lru_cache(maxsize=4096)
def _drawable(char: str, path: str) -> bool:
    """Return whether the font has a glyph: missing ones are drawn like U+10FFFD."""
    if char in (FSI, PDI):
        return bool(_HAS_RAQM)
    font = _font(path, 40)
    return char.isspace() or bytes(font.getmask(char)) != bytes(font.getmask("\U0010fffd"))


def drawable_text(text: str, path: str) -> str:
    """Replace characters that the font lacks by their base letters (NFKD), or drop them."""
    path = ARABIC if has_rtl(text) else path
    found = []
    for char in unicodedata.normalize("NFC", text):
        if _drawable(char, path):
            found.append(char)
        else:
            plain = unicodedata.normalize("NFKD", char)
            found.extend(c for c in plain if not unicodedata.combining(c) and _drawable(c, path))
    return " ".join("".join(found).split())


@dataclass(frozen=True)
class Typeface:
    """A font file in one size (pixels)."""

    path: str
    size: int

    def _font_for(self, text: str) -> FreeTypeFont:
        if has_rtl(text):
            return _font(ARABIC, self.size, _WEIGHTS[self.path])
        return _font(self.path, self.size)

    def clean(self, text: object) -> str:
        """Return a text without the characters that cannot be drawn."""
        return drawable_text(str(text), self.path)

    def width(self, text: str) -> float:
        """Return the width of a text in pixels."""
        return self._font_for(text).getlength(text)

    def wrap(self, text: str, width: float) -> list[str]:
        """Break a text into lines of this width in pixels; longer words are broken too."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if self.width(longer) <= width:
                lines[-1] = longer
                continue
            lines = lines if lines[-1] else lines[:-1]
            while self.width(word) > width:
                fits = next(n for n in range(len(word), 0, -1) if self.width(word[:n]) <= width)
                lines.append(word[:fits])
                word = word[fits:]
            lines.append(word)
        return lines

    def ellipsize(self, text: str, width: float) -> str:
        """Shorten a text with an ellipsis to this width in pixels."""
        if self.width(text) <= width:
            return text
        while text and self.width(f"{text}…") > width:
            text = text[:-1]
        return f"{text.rstrip(' ,.;:–-')}…"

    def draw(
        self,
        pen: ImageDraw,
        at: tuple[float, float],
        text: str,
        fill: str,
        *,
        anchor: str = "la",
        rtl: bool | None = None,
    ) -> None:
        """Draw a line of text; ``rtl`` is its direction, by default that of its first letter."""
        rtl = is_rtl(text) if rtl is None else rtl
        # Lines without Arabic letters may belong to a text that has some.
        font = _font(ARABIC, self.size, _WEIGHTS[self.path]) if rtl else self._font_for(text)
        direction = ("rtl" if rtl else "ltr") if _HAS_RAQM else None
        if anchor.endswith("a"):
            # Both fonts share a baseline, although their letters are not equally high.
            at, anchor = (
                (at[0], at[1] + _font(self.path, self.size).getmetrics()[0]),
                f"{anchor[0]}s",
            )
        pen.text(at, text, font=font, fill=fill, anchor=anchor, direction=direction)
