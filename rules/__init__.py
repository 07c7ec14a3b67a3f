"""The one rule language: conditions and numbers over customer attributes.

    rule = compile_condition("arpu >= 80 and not is_campus", catalogue)
    rule.evaluate(row, business_date)   one customer: True, False or None
    rule.sql(params)                    all customers: a sqlglot expression, values bound
    rule.explain("zh-hans")             a sentence

The language itself is described in docs/rules.md.
"""

from rules.catalogue import ATTRIBUTE_TYPES, Attribute, Catalogue
from rules.errors import RuleError, Span
from rules.kinds import Kind, Language
from rules.params import Params
from rules.parse import check
from rules.rule import Rule, canonical, compile_condition, compile_number
from rules.sql import is_true

__all__ = [
    "ATTRIBUTE_TYPES",
    "Attribute",
    "Catalogue",
    "Kind",
    "Language",
    "Params",
    "Rule",
    "RuleError",
    "Span",
    "canonical",
    "check",
    "compile_condition",
    "compile_number",
    "is_true",
]
