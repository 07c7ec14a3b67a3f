"""Every error of the rule language in English and Chinese. Codes are stable; wording is free."""

from collections.abc import Mapping
from typing import NamedTuple

from rules.kinds import Kind, Language


class Wording(NamedTuple):
    """Message and hint in both languages; a hint that names `{nearest}` is dropped without one."""

    en: str
    zh: str
    hint_en: str = ""
    hint_zh: str = ""


_KINDS_EN = {"boolean": "a condition", "number": "a number", "text": "a text", "date": "a date"}
_KINDS_ZH = {"boolean": "条件", "number": "数值", "text": "文本", "date": "日期"}

_NEAREST = ("Nearest: {nearest}.", "相近的有：{nearest}。")

MESSAGES: dict[str, Wording] = {
    # the text as a whole
    "empty": Wording(
        "The rule is empty.",
        "规则为空。",
        "Write a condition such as arpu >= 80; for every customer write true.",
        "请写一个条件，例如 arpu >= 80；若适用于所有客户，请写 true。",
    ),
    "too_long": Wording(
        "A rule has at most {limit} characters; this one has {found}.",
        "规则最多 {limit} 个字符，当前为 {found} 个。",
        "Split it into several rules, or put the list into an attribute.",
        "请拆成多条规则，或把清单做成一个属性。",
    ),
    "too_deep": Wording(
        "A rule nests at most {limit} deep; this one goes deeper.",
        "规则最多嵌套 {limit} 层，当前超出。",
        "Remove needless brackets, or split the rule.",
        "请去掉多余的括号，或拆分规则。",
    ),
    "too_many_nodes": Wording(
        "A rule has at most {limit} parts; this one has more.",
        "规则最多包含 {limit} 个部分，当前超出。",
        "Use in (...) instead of many comparisons, or split the rule.",
        "请用 in (...) 代替多个比较，或拆分规则。",
    ),
    "too_complex": Wording(
        "Divisions and coalesce are nested so often that the query would not fit.",
        "除法与 coalesce 嵌套过多，查询无法承受。",
        "Put an inner calculation into an attribute of its own.",
        "请把内层计算做成一个单独的属性。",
    ),
    "list_too_long": Wording(
        "A list has at most {limit} values; this one has {found}.",
        "清单最多 {limit} 个值，当前为 {found} 个。",
        "Put the list into an attribute.",
        "请把清单做成一个属性。",
    ),
    # characters and words
    "character": Wording(
        "The character {shown} cannot stand here.",
        "此处不能出现字符 {shown}。",
        "Outside quotes a rule has only ASCII letters, digits, brackets, commas and + - * / = < >.",
        "引号之外只能使用半角的字母、数字、括号、逗号和 + - * / = < >。",
    ),
    "full_width": Wording(
        "The full-width character {shown} cannot stand here.",
        "此处不能使用全角字符 {shown}。",
        "Write {instead} instead.",
        "请改用半角的 {instead}。",
    ),
    "comment": Wording(
        "A rule has no comments.",
        "规则中不能写注释。",
        "Remove it; for minus a negative number write a - -1 with a space.",
        "请删除；若要减去负数，请加空格写成 a - -1。",
    ),
    "quoted_name": Wording(
        "Double quotes cannot be used.",
        "不能使用双引号。",
        "Write a text in single quotes, 'like this', and a name without quotes.",
        "文本请用单引号，如 'abc'；属性名不加引号。",
    ),
    "unterminated_text": Wording(
        "This text does not end.",
        "这段文本没有结束。",
        "Close it with a single quote; a quote inside a text is written twice.",
        "请用单引号结束；文本中的单引号要写两次。",
    ),
    "control_character": Wording(
        "The character {shown} cannot stand in a text.",
        "文本中不能出现字符 {shown}。",
    ),
    "bad_number": Wording(
        "{shown} is not a number that can be used.",
        "{shown} 不是可用的数值。",
        "Write digits such as 80, 0.5 or 1e6; whole numbers go up to 9007199254740992 exactly.",
        "请写成 80、0.5 或 1e6 这样的数；整数最大可精确到 9007199254740992。",
    ),
    "bad_date": Wording(
        "{shown} is not a date.",
        "{shown} 不是日期。",
        "Write date '2026-01-31': year, month, day.",
        "请写成 date '2026-01-31'：年-月-日。",
    ),
    # structure
    "bracket": Wording(
        "The bracket {shown} has no partner.",
        "括号 {shown} 没有配对。",
    ),
    "missing_operator": Wording(
        "An operator such as and, or, = is missing before {shown}.",
        "{shown} 之前缺少运算符，例如 and、or、=。",
        "The operators are = <> < <= > >= + - * / and or not in between like is null.",
        "可用的运算符：= <> < <= > >= + - * / and or not in between like is null。",
    ),
    "missing_operand": Wording(
        "A value or attribute must stand before {shown}.",
        "{shown} 之前缺少值或属性。",
    ),
    "unfinished": Wording(
        "The rule ends too early: something must follow {shown}.",
        "规则不完整：{shown} 之后缺少内容。",
    ),
    "syntax": Wording(
        "The rule cannot be read at {shown}.",
        "规则在 {shown} 处无法解析。",
    ),
    "not_allowed": Wording(
        "{shown} is not part of the rule language.",
        "规则语言不支持 {shown}。",
    ),
    "ambiguous": Wording(
        "It is not clear which operator comes first here.",
        "此处运算先后不明确。",
        "Put the inner condition in brackets; write a < b and b < c for a chain.",
        "请给内层条件加括号；连续比较请写成 a < b and b < c。",
    ),
    "null_place": Wording(
        "null can only stand after is or is not.",
        "null 只能出现在 is 或 is not 之后。",
        "Write a is null; a comparison with null is never true.",
        "请写 a is null；与 null 比较永远不成立。",
    ),
    "is_null": Wording(
        "is must be followed by null or not null.",
        "is 之后必须是 null 或 not null。",
        "For a yes/no attribute write the attribute alone, or not before it.",
        "是/否类属性请直接写属性名，或在前面加 not。",
    ),
    "between": Wording(
        "between must be followed by two values joined by and.",
        "between 之后必须是用 and 连接的两个值。",
        "Write arpu between 80 and 120.",
        "例如 arpu between 80 and 120。",
    ),
    "unknown_function": Wording(
        "There is no function {shown}.",
        "没有函数 {shown}。",
        "The functions are coalesce(a, b, ...) and days_since(date).",
        "可用的函数：coalesce(a, b, ...) 和 days_since(日期)。",
    ),
    "function_arguments": Wording(
        "{shown} takes {expected}; {found} came.",
        "{shown} 需要{expected_zh}，当前为 {found} 个。",
    ),
    "comma": Wording(
        "A comma can only stand between function arguments or list values.",
        "逗号只能出现在函数参数或清单的值之间。",
    ),
    "list_place": Wording(
        "in must be followed by a list in brackets.",
        "in 之后必须是括号中的清单。",
        "Write brand in ('gotone', 'mzone').",
        "例如 brand in ('gotone', 'mzone')。",
    ),
    "list_value": Wording(
        "A list holds only plain numbers, texts or dates.",
        "清单中只能是数值、文本或日期常量。",
        "Compare with attributes by =, joined with or; write or a is null for null.",
        "与属性比较请用 = 并以 or 连接；空值请写 or a is null。",
    ),
    "like_pattern": Wording(
        "like takes a text that ends in its only %: 'abc%'.",
        "like 只能使用末尾带一个 % 的文本：'abc%'。",
        "Only beginnings can be compared; for a whole text use =.",
        "只支持按开头匹配；整段文本请用 =。",
    ),
    # names, values, types
    "unknown_attribute": Wording("There is no attribute {shown}.", "没有属性 {shown}。", *_NEAREST),
    "unknown_value": Wording(
        "{attribute} has no value {shown}.", "{attribute} 没有取值 {shown}。", *_NEAREST
    ),
    "needs": Wording(
        "{operator} needs {expected}; {found} came.",
        "{operator} 需要{expected}，当前为{found}。",
    ),
    "mismatch": Wording(
        "{operator} needs both sides of one type; {left} and {right} came.",
        "{operator} 两侧类型必须相同，当前为{left}和{right}。",
        "Texts stand in quotes, numbers do not, dates are written date '2026-01-31'.",
        "文本加引号，数值不加，日期写作 date '2026-01-31'。",
    ),
    "not_ordered": Wording(
        "{operator} needs numbers or dates; {found} came.",
        "{operator} 只能用于数值或日期，当前为{found}。",
        "Texts, categories and conditions compare with =, <> or in.",
        "文本、类别和条件请用 =、<> 或 in。",
    ),
    "like_needs_text": Wording(
        "like works on text attributes only.",
        "like 只能用于文本属性。",
        "For a category list its values: brand in ('gotone', 'mzone').",
        "类别属性请列出取值：brand in ('gotone', 'mzone')。",
    ),
    "not_a_condition": Wording(
        "A condition must stand here; {found} came.",
        "此处需要条件，当前为{found}。",
        "Compare it with something, for example arpu >= 80.",
        "请加上比较，例如 arpu >= 80。",
    ),
    "not_a_number": Wording(
        "A number must stand here; {found} came.",
        "此处需要数值，当前为{found}。",
    ),
    # evaluation
    "missing_attribute": Wording(
        "The row has no attribute {attribute}.",
        "该行数据缺少属性 {attribute}。",
        "Give every attribute of the rule; one that is not known as None.",
        "请提供规则用到的全部属性；未知的值请给 None。",
    ),
    "value_type": Wording(
        "Attribute {attribute} must hold {expected} or None; {found} came.",
        "属性 {attribute} 必须是{expected}或 None，当前为 {found}。",
    ),
    "business_date": Wording(
        "days_since needs the business date.",
        "days_since 需要营业日期。",
        "Give Params(business_date=...).",
        "请给出 Params(business_date=...)。",
    ),
}


def render_message(code: str, params: Mapping[str, object], language: Language) -> str:
    wording = MESSAGES[code]
    return _fill(wording.en if language == "en" else wording.zh, params, language)


def render_hint(code: str, params: Mapping[str, object], language: Language) -> str:
    wording = MESSAGES[code]
    if "{nearest}" in wording.hint_en and not params.get("nearest"):
        return ""
    return _fill(wording.hint_en if language == "en" else wording.hint_zh, params, language)


def _fill(template: str, params: Mapping[str, object], language: Language) -> str:
    return template.format(**{name: _word(value, language) for name, value in params.items()})


def _word(value: object, language: Language) -> str:
    if isinstance(value, Kind):
        return (_KINDS_EN if language == "en" else _KINDS_ZH)[value]
    if isinstance(value, tuple):
        return (", " if language == "en" else "、").join(str(item) for item in value)
    return str(value)
