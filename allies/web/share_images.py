"""Share images: the picture that other sites show with a link to a page.

PNG of 1200 × 630 pixels, the size recommended for Open Graph, with a small palette. The text on an
image is also in the file as metadata ("Description"), for programs that cannot read images.
"""

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256

from django.conf import settings
from django.utils.translation import gettext as _
from font_source_sans_pro import SourceSansPro, SourceSansProSemibold
from font_source_serif_pro import SourceSerifProBold
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont
from PIL.PngImagePlugin import PngInfo

WIDTH, HEIGHT, MARGIN = 1200, 630, 76

#: Light colours of palette.css: --paper, --ink, --ink-soft, --line, --accent, and the logo's red.
PAPER, INK, SOFT, LINE = "#fbf9f4", "#1d1f21", "#55595e", "#ddd6c8"
TEAL, RED = "#0b5d66", "#c0532b"
#: Palette size: the colours above, and those between them from anti-aliasing.
COLOURS = 64

#: Increment it if images are drawn differently, to invalidate cached ones.
DESIGN_VERSION = 1

#: Font sizes to try for a title, in pixels, and its maximum lines; the last one is cut to fit.
TITLE_SIZES, TITLE_LINES = (76, 68, 60, 52), 3
KICKER_SIZE, FOOT_SIZE = 30, 30

#: Maximum number of names → their font size in pixels.
ITEM_SIZES = {4: 50, 12: 44, 10_000: 38}

#: Top of the footer, and width of a line, in pixels.
FOOT, MEASURE = HEIGHT - 104, WIDTH - 2 * MARGIN


@dataclass(frozen=True)
class ShareImage:
    """Content of an image: kicker (line above the title), title, note, names and a fact.

    ``items`` are the names, ``numbered`` if they are ranked. ``more`` is the number of further
    names.
    """

    title: str
    kicker: str = ""
    items: tuple[str, ...] = ()
    numbered: bool = False
    more: int = 0
    fact: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """Return a hash of the content and design, for the cache and as ETag (without quotes)."""
        told = repr((DESIGN_VERSION, str(settings.SITE_NAME), self))
        return sha256(told.encode()).hexdigest()[:32]

    @property
    def text(self) -> str:
        items = [
            f"{n}. {item}" if self.numbered else item for n, item in enumerate(self.items, start=1)
        ]
        lines = [self.kicker, self.title, self.note, ", ".join(items), self.fact]
        return "\n".join(filter(None, lines))


@cache
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=4096)
def _drawable(char: str, path: str) -> bool:
    """Return whether the font has a glyph: missing ones are drawn like U+10FFFD."""
    font = _font(path, 40)
    return char.isspace() or bytes(font.getmask(char)) != bytes(font.getmask("\U0010fffd"))


def drawable_text(text: str, path: str) -> str:
    """Replace characters that the font lacks by their base letters (NFKD), or drop them."""
    found = []
    for char in unicodedata.normalize("NFC", text):
        if _drawable(char, path):
            found.append(char)
        else:
            plain = unicodedata.normalize("NFKD", char)
            found.extend(c for c in plain if not unicodedata.combining(c) and _drawable(c, path))
    return " ".join("".join(found).split())


def wrap_text(text: str, font: FreeTypeFont, width: float) -> list[str]:
    """Break a text into lines of this width in pixels; longer words are broken too."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        lines = lines if lines[-1] else lines[:-1]
        while font.getlength(word) > width:
            fits = next(n for n in range(len(word), 0, -1) if font.getlength(word[:n]) <= width)
            lines.append(word[:fits])
            word = word[fits:]
        lines.append(word)
    return lines


def ellipsize(text: str, font: FreeTypeFont, width: float) -> str:
    """Shorten a text with an ellipsis to this width in pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip(' ,.;:–-')}…"


def _title(text: str, lines: int) -> tuple[list[str], FreeTypeFont]:
    """Return a title's lines and the largest font in which it fits into ``lines`` lines."""
    for size in TITLE_SIZES:
        font = _font(SourceSerifProBold, size)
        found = wrap_text(text, font, MEASURE)
        if len(found) <= lines:
            return found, font
    rest = " ".join(found[lines - 1 :])
    return [*found[: lines - 1], ellipsize(rest, font, MEASURE)], font


@cache
def _background() -> Image.Image:
    """Return an empty image: paper, two faint rings, a line above the footer, the logo."""
    scale = 4  # circles are drawn larger and scaled down for smooth edges
    rings = Image.new("RGB", (WIDTH * scale // 2, HEIGHT * scale // 2), PAPER)
    pen = ImageDraw.Draw(rings)
    for x, colour in ((460, "#dfe8e5"), (600, "#f3e3d8")):
        box = [(x - 150) * scale, -190 * scale, (x + 150) * scale, 110 * scale]
        pen.ellipse(box, outline=colour, width=44 * scale)
    card = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    card.paste(rings.resize((WIDTH // 2, HEIGHT // 2), Image.Resampling.LANCZOS), (WIDTH // 2, 0))
    pen = ImageDraw.Draw(card)
    pen.rectangle([0, 0, WIDTH, 11], fill=TEAL)
    pen.line([MARGIN, FOOT, WIDTH - MARGIN, FOOT], fill=LINE, width=2)
    card.paste(_site_mark(46, scale), (MARGIN, FOOT + 34))
    return card


def _site_mark(height: int, scale: int) -> Image.Image:
    """Return the logo (two rings) on paper, of this height in pixels."""
    unit = height * scale / 20  # the logo is 28 units wide and 20 high
    rings = Image.new("RGB", (round(28 * unit), round(20 * unit)), PAPER)
    pen = ImageDraw.Draw(rings)
    for x, colour in ((0, TEAL), (8, RED)):
        box = [x * unit, 0, (x + 20) * unit, 20 * unit]
        pen.ellipse(box, outline=colour, width=round(4 * unit))
    size = (round(28 * unit / scale), round(20 * unit / scale))
    return rings.resize(size, Image.Resampling.LANCZOS)


def render_png(card: ShareImage) -> bytes:
    """Return the image as a PNG file."""
    picture = _background().copy()
    pen = ImageDraw.Draw(picture)
    y = 62
    kicker_font = _font(SourceSansProSemibold, KICKER_SIZE)
    if kicker := drawable_text(card.kicker, SourceSansProSemibold):
        # 760 pixels end before the rings.
        pen.text((MARGIN, y), ellipsize(kicker, kicker_font, 760), font=kicker_font, fill=SOFT)
    y += 56
    few = card.items or card.note
    lines, font = _title(drawable_text(card.title, SourceSerifProBold), TITLE_LINES if few else 4)
    for line in lines:
        pen.text((MARGIN, y), line, font=font, fill=INK)
        y += round(font.size * 1.16)
    y += 22
    if card.note:
        note_font = _font(SourceSansPro, KICKER_SIZE)
        note = ellipsize(drawable_text(card.note, SourceSansPro), note_font, MEASURE)
        pen.text((MARGIN, y), note, font=note_font, fill=SOFT)
        y += 52
    for x, line_y, text, item_font, colour in _items(card, y):
        pen.text((x, line_y), text, font=item_font, fill=colour)
    _footer(pen, card.fact)
    return _png(picture, card.text)


def _items(card: ShareImage, top: int) -> Iterator[tuple[float, float, str, FreeTypeFont, str]]:
    """Yield (x, y, text, font, colour) of the names that fit, row by row.

    If some do not fit, the last text is "and 12 more".
    """
    size = next(size for most, size in ITEM_SIZES.items() if len(card.items) + card.more <= most)
    regular, bold = _font(SourceSansPro, size), _font(SourceSansProSemibold, size)
    height, gap = round(size * 1.32), size
    rows = max((FOOT - 14 - top) // height, 0)
    x, row = 0.0, 0
    names = [drawable_text(item, SourceSansPro) for item in card.items]
    for n, name in enumerate(names):
        number = f"{n + 1} " if card.numbered else ""
        name = ellipsize(name, regular, MEASURE - 260)
        width = bold.getlength(number) + regular.getlength(name)
        left = len(names) - n - 1 + card.more
        more = _("and %(n)s more") % {"n": left + 1}
        # The last row keeps space for the number of further names.
        kept = regular.getlength(more) + gap if left and row == rows - 1 else 0
        if x and x + width + kept > MEASURE:
            if row + 1 >= rows:
                yield MARGIN + x, top + row * height, more, regular, SOFT
                return
            x, row = 0.0, row + 1
        if row >= rows:
            return
        if number:
            yield MARGIN + x, top + row * height, number, bold, RED
        start = MARGIN + x + bold.getlength(number)
        yield start, top + row * height, name, regular, INK
        x += width + gap
    if card.more:
        more = _("and %(n)s more") % {"n": card.more}
        yield MARGIN + x, top + row * height, more, regular, SOFT


def _footer(pen: ImageDraw.ImageDraw, fact: str) -> None:
    name_font = _font(SourceSerifProBold, 44)
    name = drawable_text(str(settings.SITE_NAME), SourceSerifProBold)
    left = MARGIN + 84
    pen.text((left, FOOT + 56), name, font=name_font, fill=INK, anchor="lm")
    font = _font(SourceSansProSemibold, FOOT_SIZE)
    room = MEASURE - 84 - name_font.getlength(name) - 60
    text = ellipsize(drawable_text(fact, SourceSansProSemibold), font, room)
    pen.text((WIDTH - MARGIN, FOOT + 57), text, font=font, fill=TEAL, anchor="rm")


def _png(picture: Image.Image, text: str) -> bytes:
    told = PngInfo()
    told.add_itxt("Description", text)
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True, pnginfo=told)
    return file.getvalue()
