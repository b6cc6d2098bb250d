"""Words and patterns of dates in English and Indonesian, for ``date_parser``.

They match texts without capitals.
"""

import re

MONTH_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "january januari jan",
            "february februari feb pebruari",
            "march maret mar",
            "april apr",
            "may mei",
            "june juni jun",
            "july juli jul",
            "august agustus aug agu agt",
            "september sept sep",
            "october oktober oct okt",
            "november nopember nov nop",
            "december desember dec des",
        ),
        start=1,
    )
    for name in names.split()
}
ORDINALS = {
    name: number
    for number, names in enumerate(
        (
            "1 i first 1st pertama ke-1 kesatu",
            "2 ii second 2nd kedua ke-2",
            "3 iii third 3rd ketiga ke-3",
            "4 iv fourth 4th keempat ke-4",
        ),
        start=1,
    )
    for name in names.split()
}
ROMAN = (("x", 10), ("ix", 9), ("v", 5), ("iv", 4), ("i", 1))

MONTH = "|".join(sorted(MONTH_NAMES, key=len, reverse=True))
ORDINAL = "|".join(sorted(ORDINALS, key=len, reverse=True))
NTH = r"(?:st|nd|rd|th)?"
#: Words without a meaning of their own before a date.
FILLER = re.compile(r"\A(?:(?:the|in|on|at|year|month of|pada|di|tanggal|tgl\.?|bulan|tahun) )+")

LEVEL_1 = re.compile(r"(\d{4})(?:-(\d{2}|XX)(?:-(\d{2}|XX))?)?([?~%]?)", re.ASCII)
_DAY = rf"(?P<day>\d{{1,2}}){NTH}"
_MONTH, _YEAR = rf"(?P<month>{MONTH})", r"(?P<year>\d{4})"
DAY_FIRST = re.compile(rf"{_DAY}\.?(?: of)?[ /-]{_MONTH}\.?,?[ /-]{_YEAR}", re.ASCII)
MONTH_FIRST = re.compile(rf"{_MONTH}\.? {_DAY},? {_YEAR}", re.ASCII)
MONTH_AND_YEAR = re.compile(rf"{_MONTH}\.?,?(?: of)?[ /-]{_YEAR}", re.ASCII)
NUMERIC = re.compile(r"(\d{1,4})([-/.–])(\d{1,2})\2(\d{1,4})", re.ASCII)
NUMERIC_MONTH = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
DECADE = re.compile(
    r"(?P<word>(?:decade|dekade|dasawarsa) (?:of )?(?:the |tahun )?)?(?P<digits>\d{3})0"
    r"(?P<ending>['’]?s|-?an)?",
    re.ASCII,
)
CENTURY = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)[ -]century|abad (?:ke[ -]?)?(\d{1,2}|[xvi]+))", re.ASCII
)
SOME_TIME = re.compile(r"(?:some ?time in|suatu waktu pada) (\d{4}) ?[-–] ?(\d{4})", re.ASCII)
#: Parts of a year: (pattern, months in one part).
PARTS = tuple(
    (re.compile(pattern, re.ASCII), months)
    for letter, words, english, months in (
        ("q", "kuartal|triwulan", "quarter", 3),
        ("h", "semester|paruh", "half", 6),
    )
    for pattern in (
        rf"{letter}(?P<part>[1-4])[ /-]?(?P<year>\d{{4}})",
        rf"(?P<year>\d{{4}})[ /-]?{letter}(?P<part>[1-4])",
        rf"(?P<part>{ORDINAL}) {english}(?: of)? (?P<year>\d{{4}})",
        rf"(?:{words}|{english}) (?P<part>{ORDINAL})(?: tahun)? (?P<year>\d{{4}})",
    )
)
THIRDS = tuple(
    re.compile(rf"(?:{words})(?:[ –-](?:of )?|(?=\d))(?P<rest>.+)")
    for words in (
        "early|beginning|start|awal",
        "mid|middle|pertengahan|medio",
        "late|end|akhir",
    )
)

ABOUT = re.compile(
    r"(?:(?:about|around|approximately|roughly|circa|sekitar|kira-kira|kurang lebih) "
    r"|approx\.? |ca?\.? ?|[~±] ?)(.+)"
)
UNCERTAIN = re.compile(r"(?:possibly|perhaps|maybe|probably|mungkin|barangkali) (.+)")
UNCERTAIN_AFTER = re.compile(r"(.+?) ?(?:\?|\((?:uncertain|tidak pasti)\))")


def _limit(before: str, after: str = "(?!)") -> re.Pattern[str]:
    return re.compile(rf"(?:{before}) (.+?)(?: (?:{after}))?|(.+) (?:{after})")


BEFORE = _limit("before|prior to|earlier than|sebelum")
UNTIL = _limit(
    "by|until|till|up to|no later than|not later than|not after|on or before|hingga|sampai dengan"
    r"|sampai|s\.?d\.?|s/d|paling lambat|selambat-lambatnya|selambatnya|tidak setelah",
    "or earlier|or before|at the latest|atau sebelumnya|paling lambat",
)
AFTER = _limit("after|later than|setelah|sesudah|selepas|pasca")
SINCE = _limit(
    "since|from|starting|on or after|no earlier than|not earlier than|not before|sejak|dari|mulai"
    "|paling cepat|paling awal|tidak sebelum",
    "or later|or after|onwards?|on|atau sesudahnya|atau setelahnya",
)

RANGE = re.compile(r"(?:(?P<both>between|antara)|from|since|dari|sejak|mulai) (?P<dates>.+)")
SEPARATOR = re.compile(
    r" ?[-–] ?| (?:to|until|till|through|sampai dengan|sampai|hingga|s\.?d\.?|s/d) "
)
AND = re.compile(r" (?:and|dan) ")
MONTH_WITH_DAYS = re.compile(
    rf"({MONTH})\.? (\d{{1,2}}){NTH}( ?[-–] ?| [a-z]+ )(\d{{1,2}}){NTH},? (\d{{4}})", re.ASCII
)
#: The first date of a range that has its year from the last.
WITHOUT_YEAR = re.compile(
    rf"(?:.+ )?(?:{MONTH})\.?(?: .+)?|[qh][1-4]|early|mid|late|awal|pertengahan|akhir"
    rf"|(?:kuartal|triwulan|quarter|semester|paruh) (?:{ORDINAL})"
)

#: Dashes that people, word processors and web pages use.
DASHES = str.maketrans({"‐": "-", "‑": "-", "−": "-", "‒": "–", "—": "–", "―": "–"})
