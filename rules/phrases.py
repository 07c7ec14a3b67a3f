"""The wording of explanations: key to (English, Chinese), and how a phrase is filled in."""

import re

from rules.kinds import Language

PHRASES: dict[str, tuple[str, str]] = {
    # comparisons of numbers, texts and categories
    "=": ("{a} is {b}", "{a}为{b}"),
    "<>": ("{a} is not {b}", "{a}不为{b}"),
    "<": ("{a} is below {b}", "{a}低于{b}"),
    "<=": ("{a} is at most {b}", "{a}不高于{b}"),
    ">": ("{a} is above {b}", "{a}高于{b}"),
    ">=": ("{a} is at least {b}", "{a}不低于{b}"),
    # of dates, where the words differ
    "date <": ("{a} is before {b}", "{a}早于{b}"),
    "date <=": ("{a} is on or before {b}", "{a}不晚于{b}"),
    "date >": ("{a} is after {b}", "{a}晚于{b}"),
    "date >=": ("{a} is on or after {b}", "{a}不早于{b}"),
    # of conditions
    "same": ("{a} exactly when {b}", "{a}当且仅当{b}"),
    "differ": ("either {a} or {b} but not both", "{a}与{b}恰有一个成立"),
    # lists
    "in": ("{a} is {b}", "{a}为{b}"),
    "not in, one": ("{a} is not {b}", "{a}不为{b}"),
    "not in, two": ("{a} is neither {b} nor {c}", "{a}既不为{b}也不为{c}"),
    "not in": ("{a} is none of {b}", "{a}不为{b}中的任何一个"),
    "more": ("{n} more values", "另外 {n} 个值"),
    "comma": (", ", "、"),
    "or": (" or ", "或"),
    # other conditions
    "between": ("{a} is from {b} to {c}", "{a}在{b}至{c}之间（含两端）"),
    "not between": ("{a} is not from {b} to {c}", "{a}不在{b}至{c}之间（含两端）"),
    "like": ("{a} begins with {b}", "{a}以{b}开头"),
    "not like": ("{a} does not begin with {b}", "{a}不以{b}开头"),
    "is null": ("{a} is unknown", "{a}未知"),
    "is not null": ("{a} is known", "{a}已知"),
    "person": ("{a}", "是{a}"),
    "not person": ("not {a}", "不是{a}"),
    "flag": ("“{a}” applies", "符合“{a}”"),
    "not flag": ("“{a}” does not apply", "不符合“{a}”"),
    "true": ("always", "始终成立"),
    "false": ("never", "始终不成立"),
    "condition coalesce": ("{a}, unknown counting as {b}", "{a}，未知时视为{b}"),
    "first condition": ("the first known of {a} holds", "{a}中第一个已知者成立"),
    # joining
    "and": (" and ", "，且"),
    "either": (" or ", "，或"),
    "not": ("not {a}", "并非{a}"),
    "bracket": ("({a})", "（{a}）"),
    # what is compared
    "coalesce": ("{a} ({b} if unknown)", "{a}（未知时取{b}）"),
    "first": ("the first known of {a}", "{a}中第一个已知值"),
    "days since": ("the time since {a}", "距{a}的天数"),
    "whether": ("whether {a}", "是否{a}"),
    "quote": ("“{a}”", "“{a}”"),
    "empty": ("an empty text", "空文本"),
    "days": ("days", "天"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    # a customer's values
    "unknown": ("unknown", "未知"),
    "actual": ("{a} (actual: {b})", "{a}（实际：{b}）"),
    "value of": ("{a} {b}", "{a} {b}"),
}

_PLACE = re.compile(r"(\{[a-z]\})")
_CHINESE = r"[\u3400-\u9fff]"
_WESTERN = r"[A-Za-z0-9%)]"
_BEFORE_WESTERN = re.compile(rf"{_CHINESE}\|[A-Za-z0-9(−-]")
_AFTER_WESTERN = re.compile(rf"{_WESTERN}\|{_CHINESE}")


def say(language: Language, phrase: str, **parts: str) -> str:
    """The phrase with its parts filled in.

    Between Chinese characters and Latin letters or digits a space is set, as print does; inside
    a part nothing is touched, for it may be a customer's own text.
    """
    english, chinese = PHRASES[phrase]
    if language == "en":
        return english.format(**parts)
    text = ""
    for piece in _PLACE.split(chinese):
        text = spaced(text, parts[piece[1]] if _PLACE.fullmatch(piece) else piece)
    return text


def spaced(left: str, right: str) -> str:
    """Two pieces of a Chinese sentence put together."""
    seam = f"{left[-1:]}|{right[:1]}"
    if _BEFORE_WESTERN.fullmatch(seam) or _AFTER_WESTERN.fullmatch(seam):
        return f"{left} {right}"
    return left + right
