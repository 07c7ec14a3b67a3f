"""The attributes the tests of the rule language speak about."""

from datetime import date

from rules import Attribute, Catalogue

TODAY = date(2026, 1, 31)

BRANDS = (
    ("gotone", "全球通", "GoTone"),
    ("mzone", "动感地带", "M-Zone"),
    ("easyown", "神州行", "Easyown"),
)

CATALOGUE = Catalogue(
    [
        Attribute("arpu", "number", "ARPU", "ARPU", unit_zh="元", unit_en="yuan"),
        Attribute("movement_index", "number", "异动指数", "movement index"),
        Attribute("data_share", "number", "流量占比", "data share", unit_zh="%", unit_en="%"),
        Attribute("calls", "integer", "通话次数", "calls", unit_zh="次"),
        Attribute("brand", "category", "品牌", "brand", values=BRANDS),
        Attribute("brand_before", "category", "上月品牌", "last month's brand", values=BRANDS),
        Attribute("is_campus", "boolean", "校园客户", "campus customer"),
        Attribute("opted_out", "boolean", "已退订营销", "opted out of marketing"),
        Attribute("handset", "text", "终端型号", "handset"),
        Attribute("join_date", "date", "入网日期", "join date"),
        Attribute("last_order", "date", "最近订购日期", "last order date"),
    ]
)

# A customer like any other; tests replace what they are about.
ROW: dict[str, object] = {
    "arpu": 96.5,
    "movement_index": 32.0,
    "data_share": 40.0,
    "calls": 12,
    "brand": "mzone",
    "brand_before": "gotone",
    "is_campus": False,
    "opted_out": False,
    "handset": "Nokia N95",
    "join_date": date(2024, 1, 31),
    "last_order": None,
}
