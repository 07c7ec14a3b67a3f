"""What codes are called: attributes, their values, cities, conditions; read once for a page."""

from collections.abc import Iterable
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.models import Level, Organisation
from common.naming import in_chinese
from customers.catalogue import rule_catalogue
from customers.models import Attribute, Type
from rules import Catalogue, RuleError, compile_condition

from .conditions import texts_of
from .learning.reasons import Reason
from .words import bought


class Names:
    """Names in the reader's language. What the catalogue no longer has is called by its code."""

    @cached_property
    def _attributes(self) -> dict[str, Attribute]:
        return Attribute.objects.in_bulk()

    @cached_property
    def _rules(self) -> Catalogue:
        return rule_catalogue()

    @cached_property
    def _cities(self) -> dict[str, str]:
        cities = Organisation.objects.filter(level=Level.CITY)
        return {city.code: city.name for city in cities}

    def attribute(self, code: str) -> str:
        known = self._attributes.get(code)
        return known.name if known else bought(code)

    def attributes(self, codes: Iterable[str]) -> list[str]:
        return [self.attribute(code) for code in codes]

    def value(self, attribute: str, code: str) -> str:
        """What a category's value is called."""
        known = self._attributes.get(attribute)
        language = "zh" if in_chinese() else "en"
        named: dict[str, str] = {v["code"]: v[language] for v in known.values} if known else {}
        return named.get(code, code)

    def city(self, code: str) -> str:
        return self._cities.get(code, code) if code else _("unknown")

    def condition(self, text: str) -> str:
        """A condition of the rule language as a sentence; as it is, where it no longer compiles."""
        try:
            rule = compile_condition(text, self._rules)
        except RuleError:
            return text
        return rule.explain("zh-hans" if in_chinese() else "en")

    def range(self, reason: Reason) -> str:
        """Where a customer's value lies, as a sentence."""
        known = self._attributes.get(reason.attribute)
        types = {reason.attribute: known.type if known else Type.NUMBER}
        [text] = texts_of([reason], types)
        return self.condition(text[1:])
