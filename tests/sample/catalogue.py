"""The rule catalogue of the sample, as customers.catalogue makes it of the database."""

from functools import cache

from rules import Attribute, Catalogue
from tests.sample.landing import document


@cache
def catalogue() -> Catalogue:
    attributes = [
        Attribute(
            code=a["code"],
            type=a["type"],
            name_zh=a["name"]["zh"],
            name_en=a["name"]["en"],
            values=tuple((v["code"], v["zh"], v["en"]) for v in a.get("values", [])),
            unit_zh=a.get("unit", {}).get("zh", ""),
            unit_en=a.get("unit", {}).get("en", ""),
        )
        for a in document("attributes")
        if a.get("origin") != "label"
    ]
    cities = document("organisation")["children"]
    values = tuple((c["code"], c["name"]["zh"], c["name"]["en"]) for c in cities)
    return Catalogue([*attributes, Attribute("city", "category", "地市", "city", values)])
