"""What uplift, association, lifetime value and second SIM show: {% load scoring_kinds %}."""

from django import template

from .. import report_kinds

register = template.Library()

register.simple_tag(report_kinds.uplift_curve)
register.simple_tag(report_kinds.uplift_quadrants)
register.simple_tag(report_kinds.uplift_drivers)
register.simple_tag(report_kinds.uplift_balance)
register.simple_tag(report_kinds.association_pairs)
register.simple_tag(report_kinds.may_make_audiences)
register.simple_tag(report_kinds.cross_sell_products)
register.simple_tag(report_kinds.cross_sell_lifts)
register.simple_tag(report_kinds.cross_sell_chart)
register.simple_tag(report_kinds.lifetime_tenths)
register.simple_tag(report_kinds.lifetime_drivers)
register.simple_tag(report_kinds.second_sim_signals)
register.simple_tag(report_kinds.second_sim_chart)
