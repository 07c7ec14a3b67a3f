"""What models of purchases and of plans show in their reports: {% load scoring_purchases %}."""

from django import template

from .. import report_purchases, report_telling

register = template.Library()

register.simple_tag(report_purchases.rfm_measures)
register.simple_tag(report_purchases.rfm_rows)
register.simple_tag(report_purchases.life_cycle_groups)
register.simple_tag(report_purchases.life_cycle_chart)
register.simple_tag(report_purchases.life_cycle_indicators)
register.simple_tag(report_telling.telling_sides)
register.simple_tag(report_telling.telling_plan)
register.simple_tag(report_telling.telling_chart)
register.simple_tag(report_purchases.purchase_tenths)
register.simple_tag(report_purchases.purchase_check)
register.filter(report_purchases.repeats_of)
