"""Write several names as a list in a sentence."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def list_in_words(names: Sequence[str]) -> str:
    """Return names as a list: "China", "China and Iran", "China, Iran and Russia".

    >>> list_in_words(["China", "Iran"])
    'China and Iran'
    """
    *most, last = names or [""]
    if len(most) < 2:
        return _("%(first)s and %(second)s") % {"first": most[0], "second": last} if most else last
    said = pgettext("three or more names", "%(names)s and %(last)s")
    return said % {"names": ", ".join(most), "last": last}
