"""Share images: the picture that other sites show with a link to a page.

PNG of 1200 × 630 pixels, the size recommended for Open Graph, with a small palette. The text on an
image is also in the file as metadata ("Description"), for programs that cannot read images.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from django.conf import settings
from django.utils.translation import gettext as _
from font_source_sans_pro import SourceSansPro, SourceSansProSemibold
from font_source_serif_pro import SourceSerifProBold
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from allies.text.bidi import is_rtl, strip_isolates
from allies.web.typefaces import Typeface

WIDTH, HEIGHT, MARGIN = 1200, 630, 76

#: Light colours of palette.css: --paper, --ink, --ink-soft, --line, --accent, and the logo's red.
PAPER, INK, SOFT, LINE = "#fbf9f4", "#1d1f21", "#55595e", "#ddd6c8"
TEAL, RED = "#0b5d66", "#c0532b"
#: Palette size: the colours above, and those between them from anti-aliasing.
COLOURS = 64

#: Increment it if images are drawn differently, to invalidate cached ones.
DESIGN_VERSION = 2

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
        return strip_isolates("\n".join(filter(None, lines)))


def _title(text: str, lines: int) -> tuple[list[str], Typeface]:
    """Return a title's lines and the largest typeface in which it fits into ``lines`` lines."""
    for size in TITLE_SIZES:
        face = Typeface(SourceSerifProBold, size)
        found = face.wrap(face.clean(text), MEASURE)
        if len(found) <= lines:
            return found, face
    rest = " ".join(found[lines - 1 :])
    return [*found[: lines - 1], face.ellipsize(rest, MEASURE)], face


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
    face = Typeface(SourceSansProSemibold, KICKER_SIZE)
    if kicker := face.clean(card.kicker):
        # 760 pixels end before the rings.
        face.draw(pen, (MARGIN, y), face.ellipsize(kicker, 760), SOFT)
    y += 56
    few = card.items or card.note
    lines, title_face = _title(card.title, TITLE_LINES if few else 4)
    rtl = is_rtl(card.title)
    x, anchor = (WIDTH - MARGIN, "ra") if rtl else (MARGIN, "la")
    for line in lines:
        title_face.draw(pen, (x, y), line, INK, anchor=anchor, rtl=rtl)
        y += round(title_face.size * 1.16)
    y += 22
    if card.note:
        note_face = Typeface(SourceSansPro, KICKER_SIZE)
        note = note_face.ellipsize(note_face.clean(card.note), MEASURE)
        note_face.draw(pen, (MARGIN, y), note, SOFT)
        y += 52
    for item_x, item_y, text, item_face, colour in _items(card, y):
        item_face.draw(pen, (item_x, item_y), text, colour)
    _footer(pen, card.fact)
    return _png(picture, card.text)


def _items(card: ShareImage, top: int) -> Iterator[tuple[float, float, str, Typeface, str]]:
    """Yield (x, y, text, typeface, colour) of the names that fit, row by row.

    If some do not fit, the last text is "and 12 more".
    """
    size = next(size for most, size in ITEM_SIZES.items() if len(card.items) + card.more <= most)
    regular, bold = Typeface(SourceSansPro, size), Typeface(SourceSansProSemibold, size)
    height, gap = round(size * 1.32), size
    rows = max((FOOT - 14 - top) // height, 0)
    x, row = 0.0, 0
    names = [regular.clean(item) for item in card.items]
    for n, name in enumerate(names):
        number = f"{n + 1} " if card.numbered else ""
        name = regular.ellipsize(name, MEASURE - 260)
        width = bold.width(number) + regular.width(name)
        left = len(names) - n - 1 + card.more
        more = _("and %(n)s more") % {"n": left + 1}
        # The last row keeps space for the number of further names.
        kept = regular.width(more) + gap if left and row == rows - 1 else 0
        if x and x + width + kept > MEASURE:
            if row + 1 >= rows:
                yield MARGIN + x, top + row * height, more, regular, SOFT
                return
            x, row = 0.0, row + 1
        if row >= rows:
            return
        if number:
            yield MARGIN + x, top + row * height, number, bold, RED
        start = MARGIN + x + bold.width(number)
        yield start, top + row * height, name, regular, INK
        x += width + gap
    if card.more:
        more = _("and %(n)s more") % {"n": card.more}
        yield MARGIN + x, top + row * height, more, regular, SOFT


def _footer(pen: ImageDraw.ImageDraw, fact: str) -> None:
    face = Typeface(SourceSerifProBold, 44)
    name = face.clean(settings.SITE_NAME)
    face.draw(pen, (MARGIN + 84, FOOT + 56), name, INK, anchor="lm")
    fact_face = Typeface(SourceSansProSemibold, FOOT_SIZE)
    room = MEASURE - 84 - face.width(name) - 60
    text = fact_face.ellipsize(fact_face.clean(fact), room)
    fact_face.draw(pen, (WIDTH - MARGIN, FOOT + 57), text, TEAL, anchor="rm")


def _png(picture: Image.Image, text: str) -> bytes:
    told = PngInfo()
    told.add_itxt("Description", text)
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True, pnginfo=told)
    return file.getvalue()
