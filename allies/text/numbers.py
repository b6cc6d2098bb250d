"""Write small numbers as words, as newspapers do."""

from django.utils.translation import pgettext, pgettext_lazy

_COUNTS = (
    pgettext_lazy("count", "one"),
    pgettext_lazy("count", "two"),
    pgettext_lazy("count", "three"),
    pgettext_lazy("count", "four"),
    pgettext_lazy("count", "five"),
    pgettext_lazy("count", "six"),
    pgettext_lazy("count", "seven"),
    pgettext_lazy("count", "eight"),
    pgettext_lazy("count", "nine"),
    pgettext_lazy("count", "ten"),
)
_ORDINALS = (
    pgettext_lazy("ordinal", "first"),
    pgettext_lazy("ordinal", "second"),
    pgettext_lazy("ordinal", "third"),
    pgettext_lazy("ordinal", "fourth"),
    pgettext_lazy("ordinal", "fifth"),
    pgettext_lazy("ordinal", "sixth"),
    pgettext_lazy("ordinal", "seventh"),
    pgettext_lazy("ordinal", "eighth"),
    pgettext_lazy("ordinal", "ninth"),
    pgettext_lazy("ordinal", "tenth"),
)


def count_in_words(number: int) -> str:
    """Return a count from 1 to 10 as a word, others in digits.

    >>> count_in_words(3)
    'three'
    """
    return str(_COUNTS[number - 1] if 1 <= number <= len(_COUNTS) else number)


def ordinal_in_words(number: int) -> str:
    """Return a position from 1 to 10 as a word, others like "number 11".

    >>> ordinal_in_words(3)
    'third'
    """
    if 1 <= number <= len(_ORDINALS):
        return str(_ORDINALS[number - 1])
    return pgettext("ordinal", "number %(number)s") % {"number": number}
