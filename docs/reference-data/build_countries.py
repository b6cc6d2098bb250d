"""Derive allies/starter/countries.csv and aliases.csv from published code lists.

    python docs/reference-data/build_countries.py CODES STATES NAMES

CODES is country-codes.csv (Open Knowledge Foundation), STATES and NAMES are COW's states2016.csv
and "COW country codes.csv"; names in English and Indonesian are CLDR's, through Babel; formal names
and ISO 3166's own are pycountry's. docs/reference-data/README.md says where each comes from. Tables
below decide the cases that the lists leave open. The script exits with an error if two countries
would have the same name. Names of alliances in aliases.csv stay as they are.
"""

import csv
import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

import pycountry
from babel import Locale

STARTER = Path(__file__).resolve().parents[2] / "allies" / "starter"
COLUMNS = [
    "alpha3",
    "alpha2",
    "m49",
    "cow_code",
    "wikidata",
    "name_en",
    "name_ind",
    "slug",
    "region",
    "subregion",
    "existed_from",
    "existed_to",
    "successor",
]

#: Names as newspapers write them, where CLDR is formal, abbreviated or undecided.
NAMES = {
    "ATG": ("Antigua and Barbuda", "Antigua dan Barbuda"),
    "BIH": ("Bosnia and Herzegovina", "Bosnia dan Herzegovina"),
    "BLM": ("Saint Barthélemy", "Saint Barthélemy"),
    "BLR": ("Belarus", "Belarus"),
    "CHN": ("China", "China"),
    "COD": ("DR Congo", "Republik Demokratik Kongo"),
    "COG": ("Republic of the Congo", "Republik Kongo"),
    "GBR": ("United Kingdom", "Inggris"),
    "HKG": ("Hong Kong", "Hong Kong"),
    "HMD": ("Heard Island and McDonald Islands", "Pulau Heard dan Kepulauan McDonald"),
    "KNA": ("Saint Kitts and Nevis", "Saint Kitts dan Nevis"),
    "LCA": ("Saint Lucia", "Saint Lucia"),
    "MAC": ("Macao", "Makau"),
    "MAF": ("Saint Martin", "Saint Martin"),
    "MMR": ("Myanmar", "Myanmar"),
    "PSE": ("Palestine", "Palestina"),
    "SGS": (
        "South Georgia and the South Sandwich Islands",
        "Georgia Selatan dan Kepulauan Sandwich Selatan",
    ),
    "SHN": ("Saint Helena", "Saint Helena"),
    "SJM": ("Svalbard and Jan Mayen", "Svalbard dan Jan Mayen"),
    "SPM": ("Saint Pierre and Miquelon", "Saint Pierre dan Miquelon"),
    "STP": ("São Tomé and Príncipe", "Sao Tome dan Principe"),
    "SWZ": ("Eswatini", "Eswatini"),
    "TCA": ("Turks and Caicos Islands", "Kepulauan Turks dan Caicos"),
    "TTO": ("Trinidad and Tobago", "Trinidad dan Tobago"),
    "TUR": ("Turkey", "Turki"),
    "UMI": ("United States Minor Outlying Islands", "Kepulauan Terluar Kecil Amerika Serikat"),
    "VCT": ("Saint Vincent and the Grenadines", "Saint Vincent dan Grenadine"),
    "VIR": ("United States Virgin Islands", "Kepulauan Virgin Amerika Serikat"),
    "WLF": ("Wallis and Futuna", "Wallis dan Futuna"),
}

#: COW code → alpha-3 where COW's name is not ISO's.
COW_IS = {
    "57": "VCT",
    "316": "CZE",
    "343": "MKD",
    "345": "SRB",
    "572": "SWZ",
    "640": "TUR",
    "860": "TLS",
    "987": "FSM",
}

#: States of COW's list that ISO 3166 does not know: names, sub-region of their territory, successor.
OTHER_STATES = {
    "240": ("Hanover", "Hannover", "155", "DEU"),
    "245": ("Bavaria", "Bayern", "155", "DEU"),
    "260": ("West Germany", "Jerman Barat", "155", "DEU"),
    "265": ("East Germany", "Jerman Timur", "155", "DEU"),
    "267": ("Baden", "Baden", "155", "DEU"),
    "269": ("Saxony", "Sachsen", "155", "DEU"),
    "271": ("Württemberg", "Württemberg", "155", "DEU"),
    "273": ("Electoral Hesse", "Hessen-Kassel", "155", "DEU"),
    "275": ("Grand Ducal Hesse", "Hessen-Darmstadt", "155", "DEU"),
    "280": ("Mecklenburg-Schwerin", "Mecklenburg-Schwerin", "155", "DEU"),
    "300": ("Austria-Hungary", "Austria-Hongaria", "155", ""),
    "315": ("Czechoslovakia", "Cekoslowakia", "151", ""),
    "327": ("Papal States", "Negara Gereja", "039", "ITA"),
    "329": ("Two Sicilies", "Dua Sisilia", "039", "ITA"),
    "332": ("Modena", "Modena", "039", "ITA"),
    "335": ("Parma", "Parma", "039", "ITA"),
    "337": ("Tuscany", "Toskana", "039", "ITA"),
    "347": ("Kosovo", "Kosovo", "039", ""),
    "511": ("Zanzibar", "Zanzibar", "202", "TZA"),
    "678": ("North Yemen", "Yaman Utara", "145", "YEM"),
    "680": ("South Yemen", "Yaman Selatan", "145", "YEM"),
    "730": ("Korea", "Korea", "030", ""),
    "817": ("South Vietnam", "Vietnam Selatan", "035", "VNM"),
}
STILL_THERE = {"347"}
REGION_OF = {
    "155": "150",
    "151": "150",
    "039": "150",
    "202": "002",
    "145": "142",
    "030": "142",
    "035": "142",
}

#: Country → further names: language: names. What no code list has, or has under another country.
ALIASES = """
ARE en: UAE; id: UEA, Emirat Arab
BEL nl: België; fr: Belgique
BGD id: Banglades
BIH en: Bosnia, Bosnia-Herzegovina; id: Bosnia
BLR en: Byelorussia, Belorussia; id: Bielorusia, Belarusia
BRA en: Brasil; id: Brazil
CAF en: CAR
CHE de: Schweiz; fr: Suisse; id: Switzerland
CHN en: PRC, People's Republic of China, Mainland China, Red China; id: Tiongkok, Cina, RRT, RRC, Republik Rakyat Tiongkok, Republik Rakyat Cina, Republik Rakyat China, China Daratan; zh: 中国, 中國, Zhongguo
CIV en: Ivory Coast, Cote d'Ivoire; id: Pantai Gading
COD en: Democratic Republic of the Congo, Congo-Kinshasa, DRC, Zaire; id: RD Kongo, Kongo-Kinshasa, RDK, Zaire
COG en: Congo, Congo-Brazzaville; id: Kongo, Kongo-Brazzaville
CPV en: Cabo Verde; id: Cabo Verde, Kap Verde
CZE en: Czech Republic; id: Republik Ceko, Ceska, Cheska
DEU en: Prussia; id: Prusia; de: Deutschland
DOM en: Dominican Rep; id: Dominika Republik
EGY en: United Arab Republic; id: Republik Arab Mesir
ESP es: España; id: Sepanyol
ETH en: Abyssinia; id: Ethiopia, Abisinia
FIN fi: Suomi
FSM en: Federated States of Micronesia; id: Negara Federasi Mikronesia
GBR en: UK, Great Britain, Britain, England; id: Britania Raya, Inggris Raya, Britania
GNB id: Guinea Bissau
GRC en: Hellas
HUN id: Hongaria
IDN en: Dutch East Indies, RI; id: Republik Indonesia
IND id: Hindia; hi: Bharat
IRN en: Persia; id: Republik Islam Iran, Persia
ITA en: Sardinia; id: Italia
JPN ja: 日本, Nippon; id: Nippon
JOR en: Transjordan; id: Jordania
KGZ en: Kirghizia, Kyrgyz Republic; id: Kyrgyzstan, Kirgistan
KHM en: Kampuchea; id: Kampuchea
KOR en: ROK, Republic of Korea, Korea (South); id: Korsel, Republik Korea; ko: 대한민국, 한국
LAO en: Lao PDR; id: Republik Demokratik Rakyat Laos
LBY en: Libyan Arab Jamahiriya; id: Libia
LKA en: Ceylon; id: Srilanka, Sailan
LTU id: Lithuania
MAR id: Morocco
MDA en: Moldavia; id: Moldavia
MKD en: Macedonia, FYROM; id: Makedonia
MMR en: Burma; id: Birma
MYS en: Malaya; id: Malaya
NLD en: Holland; id: Nederland, Negeri Belanda, Holland
NZL id: Selandia Baru
PHL id: Pilipina; tl: Pilipinas
POL pl: Polska
PRK en: DPRK, Democratic People's Republic of Korea, NK, Korea (North); id: Korut, RDRK, Republik Rakyat Demokratik Korea; ko: 조선
PSE en: State of Palestine, Palestinian Authority; id: Negara Palestina, Otoritas Palestina
PNG id: Papua New Guinea
QAT id: Katar
ROU en: Rumania; id: Romania
RUS en: USSR, Soviet Union, Russian Federation, Union of Soviet Socialist Republics, Soviet Russia, Russian Empire; id: Uni Soviet, Federasi Rusia, Rusia Soviet, Kekaisaran Rusia; ru: Россия, СССР
SAU en: KSA; id: Saudi Arabia
SRB en: Yugoslavia, Serbia and Montenegro, Federal Republic of Yugoslavia; id: Yugoslavia, Serbia dan Montenegro
STP en: Sao Tome
SUR en: Dutch Guiana; id: Suriname
SWZ en: Swaziland; id: Swaziland
SYR id: Syria, Republik Arab Suriah
THA en: Siam; id: Muang Thai, Siam
TLS en: East Timor; id: Timor Timur, Timtim, Timor-Leste
TUR en: Türkiye, Ottoman Empire; id: Turkiye, Kesultanan Utsmaniyah
TWN en: Republic of China, Formosa, Chinese Taipei; id: Republik Tiongkok, Formosa; zh: 臺灣
TZA en: Tanganyika; id: Tanganyika
UKR uk: Україна; id: Ukraine
USA en: US, U.S., America, United States of America; id: AS, Amerika, Paman Sam
VAT en: Holy See; id: Takhta Suci, Kota Vatikan
VEN id: Republik Bolivar Venezuela
VNM en: Viet Nam, North Vietnam, Democratic Republic of Vietnam; id: Viet Nam, Vietnam Utara
YEM id: Yemen
ZAF en: RSA; id: Afsel
ZWE en: Rhodesia; id: Rhodesia
240 en: Kingdom of Hanover; id: Hanover
245 id: Bavaria
260 en: Federal Republic of Germany, German Federal Republic, FRG; id: Republik Federal Jerman
265 en: German Democratic Republic, GDR, DDR; id: Republik Demokratik Jerman, RDJ
269 id: Saksonia, Saxony
271 en: Wuerttemburg, Wuerttemberg, Wurttemberg
273 en: Hesse Electoral, Hesse-Kassel, Hesse-Cassel
275 en: Hesse Grand Ducal, Hesse-Darmstadt
280 en: Mecklenburg Schwerin
300 en: Austro-Hungarian Empire, Austrian Empire; id: Austria-Hungaria, Kekaisaran Austria
315 id: Cekoslovakia
329 en: Kingdom of the Two Sicilies, Naples; id: Kerajaan Dua Sisilia
337 id: Tuscany
678 en: Yemen Arab Republic; id: Republik Arab Yaman
680 en: Yemen People's Republic, People's Democratic Republic of Yemen, Democratic Yemen; id: Republik Demokratik Rakyat Yaman
730 en: Korean Empire, Joseon; id: Kekaisaran Korea
817 en: Republic of Vietnam; id: Republik Vietnam
"""

#: Codes ISO has withdrawn (ISO 3166-3), for the country they are counted under here.
WITHDRAWN = {
    "RUS": "SU SUN",
    "SRB": "YU YUG SCG",
    "315": "CS CSK",
    "265": "DD",
    "680": "YD YMD",
    "817": "VD VDR",
    "MMR": "BU BUR",
    "TLS": "TP TMP",
    "COD": "ZR ZAR",
    "347": "XK XKX",
}


def fold(text):
    """Fold as the site does, so that no name here means two countries there."""
    text = re.sub(r"[.'’ʼ‘`´]", "", text)
    decomposed = unicodedata.normalize("NFKD", text.replace("&", " and "))
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return re.sub(r"[\W_]+", " ", letters.casefold()).strip()


def slug(text):
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[\s_-]+", "-", re.sub(r"[^\w\s-]", "", ascii_text).strip().lower())


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def main(codes_path, states_path, names_path):
    codes = read(codes_path)
    english, indonesian = Locale("en").territories, Locale("id").territories
    cow_names = {row["CCode"]: row["StateNme"] for row in read(names_path)}
    spells = defaultdict(list)
    for row in read(states_path):
        spells[row["ccode"]].append(row)

    known = defaultdict(set)
    for row in codes:
        alpha3, alpha2 = row["ISO3166-1-Alpha-3"], row["ISO3166-1-Alpha-2"]
        for name in (
            english[alpha2],
            row["UNTERM English Short"],
            row["CLDR display name"],
            row["official_name_en"],
            row["UNTERM English Formal"],
        ):
            known[fold(name)].add(alpha3)
    cow_of = {}
    for code, name in cow_names.items():
        if code in OTHER_STATES:
            continue
        found = {COW_IS[code]} if code in COW_IS else known[fold(name)]
        if len(found) != 1:
            sys.exit(f"COW {code} {name}: {found or 'unknown'}")
        cow_of[found.pop()] = code

    countries = []
    for row in codes:
        alpha3, alpha2 = row["ISO3166-1-Alpha-3"], row["ISO3166-1-Alpha-2"]
        name_en, name_ind = NAMES.get(alpha3, (english[alpha2], indonesian[alpha2]))
        countries.append(
            {
                "alpha3": alpha3,
                "alpha2": alpha2,
                "m49": f"{int(row['M49']):03}",
                "cow_code": cow_of.get(alpha3, ""),
                "wikidata": row["wikidata_id"].rpartition("/")[2],
                "name_en": name_en,
                "name_ind": name_ind,
                "slug": slug(name_en),
                "region": f"{int(row['Region Code']):03}" if row["Region Code"] else "",
                "subregion": f"{int(row['Sub-region Code']):03}" if row["Sub-region Code"] else "",
                "existed_from": "",
                "existed_to": "",
                "successor": "",
            }
        )
    for code, (name_en, name_ind, subregion, successor) in OTHER_STATES.items():
        first, last = spells[code][0], spells[code][-1]
        start = f"{first['styear']}-{int(first['stmonth']):02}-{int(first['stday']):02}"
        end = f"{last['endyear']}-{int(last['endmonth']):02}-{int(last['endday']):02}"
        countries.append(
            {
                "alpha3": "",
                "alpha2": "",
                "m49": "",
                "cow_code": code,
                "wikidata": "",
                "name_en": name_en,
                "name_ind": name_ind,
                "slug": slug(name_en),
                "region": REGION_OF[subregion],
                "subregion": subregion,
                # The list begins in 1816: a state that is there by then is older.
                "existed_from": ""
                if code in STILL_THERE
                else f"../{start}"
                if start == "1816-01-01"
                else start,
                "existed_to": "" if code in STILL_THERE else end,
                "successor": successor,
            }
        )
    countries.sort(key=lambda country: country["slug"])

    meant = defaultdict(set)
    own = {}
    for country in countries:
        key = country["alpha3"] or country["cow_code"]
        own[key] = {fold(country["name_en"]), fold(country["name_ind"])}
        for name in own[key]:
            meant[name].add(key)
    taken = {country[code] for country in countries for code in ("alpha3", "alpha2", "cow_code")}

    aliases = []
    given = defaultdict(set)

    def add(key, name, language, *, insist):
        folded = fold(name)
        if folded in own[key] or folded in given[key]:
            return
        others = meant[folded] - {key}
        if others or name.upper() in taken:
            if insist:
                sys.exit(f"{key}: {name} means {others or 'a code'} too")
            return
        given[key].add(folded)
        meant[folded].add(key)
        aliases.append({"country": key, "name": name, "language": language})

    for line in ALIASES.strip().splitlines():
        key, _space, rest = line.partition(" ")
        for part in rest.split("; "):
            language, _colon, names = part.partition(": ")
            for name in names.split(", "):
                add(key, name, language, insist=False)
    for key, names in WITHDRAWN.items():
        for name in names.split():
            add(key, name, "", insist=True)
    for row in codes:
        key, alpha2 = row["ISO3166-1-Alpha-3"], row["ISO3166-1-Alpha-2"]
        iso = pycountry.countries.get(alpha_3=key)
        for name in (
            english[alpha2],
            row["UNTERM English Short"],
            row["official_name_en"],
            row["UNTERM English Formal"],
            iso.name,
            getattr(iso, "common_name", ""),
            getattr(iso, "official_name", ""),
        ):
            if name and name.isprintable():
                add(key, re.sub(r"^the | \(the\)$", "", name).strip(), "en", insist=False)
        add(key, indonesian[alpha2], "id", insist=False)
    alpha3_of = {code: alpha3 for alpha3, code in cow_of.items()}
    for code, name in cow_names.items():
        add(alpha3_of.get(code, code), name, "en", insist=False)

    slug_of = {c["alpha3"] or c["cow_code"]: c["slug"] for c in countries}
    aliases.sort(key=lambda alias: (slug_of[alias["country"]], alias["name"]))
    of_alliances = [row for row in read(STARTER / "aliases.csv") if row["alliance"]]
    for name, columns, rows in (
        ("countries", COLUMNS, countries),
        ("aliases", ["country", "alliance", "name", "language"], [*of_alliances, *aliases]),
    ):
        with open(STARTER / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{name}: {len(rows)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
