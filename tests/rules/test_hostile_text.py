"""Nothing outside the language gets through, and nothing but a RuleError comes out."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from rules import Params, RuleError, check, compile_condition
from rules.precedence import admit
from tests.rules.catalogue import CATALOGUE

HOSTILE = [
    # other statements
    "select 1",
    "arpu > 80; drop table customers",
    "arpu > 80; select 1",
    ";",
    "arpu > 80 union select 1",
    "with t as (select 1) select 1",
    "update customers set arpu = 0",
    "drop table customers",
    "copy customers to '/tmp/x'",
    "attach '/tmp/x.db'",
    "install httpfs",
    "pragma database_list",
    "set memory_limit = '1GB'",
    "explain arpu > 80",
    "call pg_sleep(5)",
    # subqueries
    "(select 1) = 1",
    "arpu > (select max(arpu) from customers)",
    "arpu in (select arpu from customers)",
    "exists (select 1)",
    "not exists (select 1 from customers)",
    "arpu > all (select 1)",
    "arpu = any (select 1)",
    "arpu > some (values (1))",
    "arpu in (values (1))",
    "coalesce((select 1), 2) = 1",
    "days_since((select now())) > 1",
    "lateral (select 1)",
    # functions
    "pg_sleep(10) is null",
    "read_csv('/etc/passwd') is null",
    "read_text('/etc/passwd') = ''",
    "getenv('HOME') = ''",
    "current_setting('x') = ''",
    "count(*) > 1",
    "sum(arpu) > 1",
    "max(arpu) > 1",
    "lower(handset) = 'a'",
    "concat(handset, 'a') = 'a'",
    "if(arpu > 1, true, false)",
    "iif(arpu > 1, 1, 0) = 1",
    "nullif(arpu, 0) = 1",
    "random() > 0.5",
    "now() > join_date",
    "current_date > join_date",
    "current_user = 'root'",
    "eval('1')",
    "main.coalesce(arpu, 1) = 1",
    "coalesce (*) = 1",
    "coalesce(distinct arpu, 1) = 1",
    "coalesce(arpu, 1 order by arpu) = 1",
    "Coalesce(arpu, 1) = 1",
    "days_since(join_date) over () > 1",
    "row_number() over (order by arpu) = 1",
    "rank() over w = 1",
    "arpu > 80 filter (where true)",
    "list_transform([1], x -> x) is null",
    # casts and types
    "cast(arpu as varchar) = '1'",
    "try_cast(arpu as integer) = 1",
    "arpu::integer = 1",
    "integer '1' = arpu",
    "timestamp '2026-01-01' > join_date",
    "interval '1' day is null",
    "join_date + interval 1 day > join_date",
    "date join_date is null",
    "date('2026-01-31') = join_date",
    "array[1] is null",
    # names and access
    "customers.arpu > 80",
    "c.arpu > 80",
    "a.b.c = 1",
    "arpu[0] > 1",
    "arpu.x > 1",
    "{'a': 1} is null",
    "[1, 2] is null",
    "(arpu, calls) = (1, 2)",
    "row(1, 2) is null",
    "struct(1) is null",
    "handset->>'a' = 'b'",
    "handset->'a' is null",
    "* is null",
    "arpu = *",
    "columns(*) > 1",
    '"arpu" > 80',
    "`arpu` > 80",
    "[arpu] > 80",
    '"arpu"";--" > 80',
    "arpu as x",
    "arpu x > 1",
    # parameters and variables
    "arpu > ?",
    "arpu > $1",
    "arpu > $p1",
    "arpu > :p1",
    "arpu > @x",
    "arpu > %s",
    "arpu > %(x)s",
    "arpu > {x}",
    "arpu > {{ x }}",
    "arpu > ${x}",
    # comments
    "arpu > 80 -- comment",
    "arpu > 80 /* comment */",
    "/*+ hint */ arpu > 80",
    "arpu > 80 # comment",
    "arpu > 80 // comment",
    "arpu/**/> 80",
    # operators
    "arpu % 2 = 0",
    "arpu // 2 = 0",
    "arpu ** 2 = 4",
    "arpu ^ 2 = 4",
    "arpu & 1 = 1",
    "arpu | 1 = 1",
    "~arpu = 1",
    "arpu << 2 = 1",
    "handset || 'a' = 'a'",
    "handset ~ 'a'",
    "handset ilike 'a%'",
    "handset rlike 'a'",
    "handset regexp 'a'",
    "handset similar to 'a'",
    "handset glob 'a*'",
    "handset like 'a%' escape '%'",
    "handset like any ('a%')",
    "handset collate nocase = 'a'",
    "arpu <=> 1",
    "arpu is distinct from 1",
    "arpu is not distinct from 1",
    "is_campus is true",
    "arpu isnull",
    "arpu between symmetric 1 and 2",
    "arpu = 1 xor is_campus",
    "!is_campus",
    "is_campus && opted_out",
    "arpu := 1",
    "case when is_campus then true else false end",
    "arpu > 1 or 1=1 --",
    "arpu in (1) union all select 1",
    "arpu > 1 limit 1",
    "arpu > 1 order by arpu",
    "arpu > 1 qualify true",
    "arpu at time zone 'UTC' is null",
    "prior arpu = 1",
    "lambda x: x",
    "x -> x > 1",
    "arpu overlaps calls",
    # literals
    "arpu > 1e999",
    "arpu > 1e99999999999999999999",
    "arpu > " + "9" * 400,
    "arpu > 0x1F",
    "arpu > 0b1",
    "arpu > 1_000",
    "arpu > nan",
    "arpu > inf",
    "arpu > 'nan'",
    "arpu > 1.2.3",
    "arpu > 1e",
    "arpu > 1.",
    "handset = E'a'",
    "handset = N'a'",
    "handset = x'1F'",
    "handset = U&'\\0041'",
    "handset = r'a'",
    "handset = f'{x}'",
    "handset = $$a$$",
    "handset = $tag$a$tag$",
    "handset = 'a' 'b'",
    "handset = 'a\\' or true --'",
    "handset = 'a",
    "handset = '''",
    "handset = 'a\x00b'",
    "handset = 'a\nb'",
    "handset = '\ud800'",
    "arpu > 80\x00",
    "\x00",
    "arpu > 80\x1a",
    "join_date > date '2026-13-01'",
    "join_date > date 'today'",
    "join_date > date 'infinity'",
    "join_date > date '２０２６-01-01'",
    # letters that only look right
    "аrpu > 80",
    "arpu\u200b > 80",
    "arpu\u00a0> 80",
    "arpu ＞ 80",
    "ａｒｐｕ > 80",
    "arpu > ８０",
    "arpu > 80\u202e",
    "\ufeffarpu > 80",
    "handset = ’a’",
    "ﬁ = 1",
    "arpu > ١",
    # depth and size
    "(" * 2000 + "true" + ")" * 1990,
    "(" * 4000,
    "not " * 999 + "true",
    "- " * 1900 + "1 > 0",
    "-(" * 1000 + "1" + ")" * 1000 + " > 0",
    "coalesce(" * 400 + "1" + ",1)" * 400 + " > 0",
    "days_since(" * 100,
    "1" + "+1" * 1990 + "> 0",
    "1" + "/1" * 1990 + "> 0",
    "true=" * 790 + "true",
    "true = not " * 360 + "true",
    "1 between 1 and not " * 190 + "true",
    "1 in (1) " * 400,
    "1 is null " * 390,
    "arpu in (" + "1," * 1900 + "1)",
    "arpu in (" * 440,
    "(" + "1/" * 1000 + "1",
    "1/(" * 39 + "arpu" + ")" * 39 + " > 0",
    "true or " * 10_000 + "true",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_hostile_text_is_refused_with_a_position(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        check(text, CATALOGUE)
    error = caught.value
    assert error.line >= 1
    assert error.column >= 1
    assert error.code != "not_allowed", "should have been named by an earlier, kinder check"


PIECES = [
    *["and", "or", "not", "in", "between", "like", "is", "null", "true", "false", "date", "as"],
    *["(", ")", ",", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", ".", ";", "::"],
    *["arpu", "calls", "brand", "is_campus", "handset", "join_date", "coalesce", "days_since"],
    *["1", "0.5", "1e9", "'a'", "'a%'", "'gotone'", "'2026-01-31'", "'", '"', "--", "，", "select"],
]


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_rule_or_a_rule_error(text: str) -> None:
    refusal: RuleError | None = None
    try:
        check(text, CATALOGUE)
    except RuleError as error:
        refusal = error
    assert refusal is None or (refusal.line >= 1 and refusal.render("zh-hans"))


@pytest.mark.parametrize(
    "text",
    [
        "a between symmetric b and c",
        "a in (select b)",
        "a in unnest(b)",
        "t.a",
        "a is true",
        "a like b escape 'c'",
        "a collate b",
        "a ilike b",
        "a <=> b",
        "a % b",
        "f(a)",
        "coalesce(a, b)",
        "case when a then b end",
        "a || b",
        "a::int",
        "1",
        "'a'",
        "true",
        "?",
        "(a)",
        "a as b",
    ],
)
def test_what_sqlglot_returns_is_admitted_class_by_class(text: str) -> None:
    """The second wall: were the scanner to let it through, the tree would still be refused."""
    with pytest.raises(RuleError):
        admit_all(parse_one(text))


def admit_all(expression: exp.Expr) -> None:
    for part in expression.walk():
        admit(part)


def test_an_argument_that_is_not_known_is_refused() -> None:
    known = exp.In(this=exp.column("p0"), expressions=[exp.column("p1")])
    admit_all(known)
    known.set("is_global", True)
    with pytest.raises(RuleError, match="is_global"):
        admit(known)


def test_values_are_never_part_of_the_query() -> None:
    hostile = "x'); drop table customers; --"
    text = f"handset = '{hostile.replace(chr(39), chr(39) * 2)}' and arpu in (12345, 678)"
    params = Params()
    sql = compile_condition(text, CATALOGUE).sql(params).sql("duckdb")
    assert "drop" not in sql
    assert not any(digits in sql for digits in ("12345", "678"))
    assert hostile in params.values.values()
