"""Share images: the PNG files, read back as pictures and as text."""

import io

import pytest
from django.contrib.staticfiles import finders
from font_source_sans_pro import SourceSansPro
from PIL import Image, ImageChops

from allies.models import Country, Status
from allies.text.bidi import isolate
from allies.web.share_images import (
    FOOT,
    HEIGHT,
    MARGIN,
    WIDTH,
    ShareImage,
    render_png,
)
from allies.web.typefaces import Typeface, drawable_text
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

#: The area of title and names.
WORDS = (MARGIN, 100, WIDTH - MARGIN, FOOT - 10)


def picture(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def ink(image, box):
    """Return the bounding box of dark pixels in a part of the image; None if it has none."""
    dark = image.crop(box).convert("L").point(lambda value: 255 if value < 128 else 0)
    return dark.getbbox()


def test_image_is_a_small_png_of_1200_by_630(client):
    for address in (
        "/en/card.png",
        "/en/lists/russia-allies-in-asia/card.png",
        "/en/countries/russia/card.png",
        "/id/countries/russia/allies/card.png",
        "/id/alliances/north-korea-russia-comprehensive-strategic-partnership/card.png",
        "/en/events/unga-es-11-1/card.png",
        "/en/sources/dw-2024-en/card.png",
        "/en/ties/china/russia/card.png",
    ):
        response = client.get(address)
        assert response["Content-Type"] == "image/png"
        assert len(response.content) < 60_000
        image = Image.open(io.BytesIO(response.content))
        assert (image.format, image.size) == ("PNG", (1200, 630))
        assert ink(picture(response.content), WORDS), address


def test_two_lists_have_different_images(client):
    factories.ally_list("RUS", "CHN", "IND", slug="another", title_en="Another list")
    one = picture(client.get("/en/lists/russia-allies-in-asia/card.png").content)
    other = picture(client.get("/en/lists/another/card.png").content)
    assert ImageChops.difference(one.crop(WORDS), other.crop(WORDS)).getbbox()


def test_list_image_has_title_promise_ranked_names_and_sources(client):
    ally_list = factories.ally_list(
        "RUS", "IRN", "DEU", title_en="Who stands with Russia", promised=3
    )
    told = body(client.get(f"/en/lists/{ally_list.slug}/card.png"))
    assert told.splitlines() == [
        "Allies of Russia",
        "Who stands with Russia",
        "The headline says three; we could verify two.",
        "1. Iran, 2. Germany",
        "2 independent sources",
    ]
    assert "1. Iran, 2. Jerman" in body(client.get(f"/id/lists/{ally_list.slug}/card.png"))


def test_list_image_counts_independent_sources(client):
    original = factories.source()
    copy = factories.source(derived_from=original)
    ally_list = factories.ally_list("RUS", "IRN", "CHN", cited=False)
    for entry, source in zip(ally_list.entries.all(), [original, copy], strict=True):
        factories.cite(entry, source)
    assert "1 independent source" in body(client.get(f"/en/lists/{ally_list.slug}/card.png"))


def test_allies_image_shows_the_requested_day(client):
    factories.alliance("TON", "FJI", in_force="1950", ended="1960")
    factories.alliance("TON", "WSM", in_force="1950", ended="1951/1960")
    told = body(client.get("/en/countries/tonga/allies/card.png?on=1955-01-01"))
    assert told.splitlines() == ["1 January 1955", "Allies of Tonga", "Fiji", "1 country"]
    now = body(client.get("/en/countries/tonga/allies/card.png"))
    assert "No countries match this filter on this date." in now


@pytest.mark.slow
def test_long_texts_do_not_overflow():
    long = ShareImage(
        title="Unaussprechlichkeitsverordnung" * 20,
        kicker="x" * 500,
        items=("Y" * 300, *["Saint Vincent and the Grenadines"] * 80),
        numbered=True,
        more=100,
        fact="z" * 500,
        note="w" * 500,
    )
    image = picture(render_png(long))
    assert ink(image, (0, 20, MARGIN - 4, HEIGHT)) is None
    assert ink(image, (WIDTH - MARGIN + 4, 20, WIDTH, HEIGHT)) is None
    assert ink(image, (MARGIN, FOOT - 8, WIDTH - MARGIN, FOOT)) is None
    assert ink(image, (MARGIN, HEIGHT - 24, WIDTH - MARGIN, HEIGHT)) is None


def test_characters_missing_in_font_are_replaced_or_dropped():
    assert (
        drawable_text("Côte d’Ivoire, Åland, Türkiye", SourceSansPro)
        == "Côte d’Ivoire, Åland, Türkiye"
    )
    assert drawable_text("Ḩamās \U0001d400llies 北京", SourceSansPro) == "Ḩamās Allies".replace(
        "Ḩ", drawable_text("Ḩ", SourceSansPro)
    )
    assert drawable_text("北京", SourceSansPro) == ""
    for country in Country.objects.all():
        for name in (country.name_en, country.name_ind):
            assert drawable_text(name, SourceSansPro) == name


def test_arabic_title_is_drawn_in_one_piece():
    plain = picture(render_png(ShareImage(title="x", kicker="DW · 20 June 2024")))
    title = "زيارة بوتين إلى الصين: ماذا بعد؟"
    card = ShareImage(title=title, kicker=f"{isolate('الجزيرة')} · 20 June 2024")
    drawn = picture(render_png(card))
    assert drawable_text(title, SourceSansPro) == title
    band = (WIDTH // 2, 118, WIDTH, 230)  # the title begins at the right margin
    assert ink(drawn, band) and not ink(plain, band)
    text = Image.open(io.BytesIO(render_png(card))).text["Description"]
    assert text.splitlines() == ["الجزيرة · 20 June 2024", title]


def test_wrapped_persian_lines_fit():
    lines = Typeface(SourceSansPro, 60).wrap("رئیس‌جمهور: توافق ۲۰ ساله (متن کامل)! " * 3, 600)
    assert len(lines) > 2
    assert all(Typeface(SourceSansPro, 60).width(line) <= 600 for line in lines)


def test_unchanged_image_gives_304(client):
    address = "/en/lists/russia-allies-in-asia/card.png"
    first = client.get(address)
    assert first["Cache-Control"] == "public, max-age=3600"
    again = client.get(address, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    entry = factories.ally_list("RUS", "CHN").entries.get()
    changed = client.get(f"/en/lists/{entry.ally_list.slug}/card.png")
    assert changed["ETag"] != first["ETag"]


def test_drafts_have_no_image(client):
    hidden = factories.ally_list("RUS", "CHN", status=Status.DRAFT)
    assert client.get(f"/en/lists/{hidden.slug}/card.png").status_code == 404
    pact = factories.alliance("RUS", "CHN", cited=False)
    assert client.get(f"/en/alliances/{pact.slug}/card.png").status_code == 404


def test_pages_link_to_their_image(client):
    page = body(client.get("/en/countries/russia/allies/?on=1990-06-30"))
    assert 'content="http://testserver/en/countries/russia/allies/card.png?on=1990-06-30"' in page
    page = body(client.get("/id/countries/"))
    assert 'content="http://testserver/id/card.png"' in page


def test_icons_have_the_declared_sizes(client):
    page = body(client.get("/en/"))
    icon = client.get("/favicon.ico")
    assert Image.open(io.BytesIO(icon.content)).info["sizes"] == {(16, 16), (32, 32), (48, 48)}
    manifest = client.get("/site.webmanifest").json()
    named = {entry["src"]: entry["sizes"] for entry in manifest["icons"]}
    touch = "/static/img/apple-touch-icon.png"
    assert f'<link rel="apple-touch-icon" href="{touch}">' in page
    for address, sizes in {**named, touch: "180x180"}.items():
        with Image.open(finders.find(address.removeprefix("/static/"))) as found:
            assert "x".join(map(str, found.size)) == sizes
