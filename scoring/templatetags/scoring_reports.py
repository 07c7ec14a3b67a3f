"""What single kinds of models show in their reports: {% load scoring_reports %}."""

from django import template

from .. import codes, report_groups, report_trees, report_value

register = template.Library()

register.simple_tag(report_trees.root_of, name="tree_root")
register.simple_tag(report_trees.drawing, name="tree_drawing")
register.simple_tag(report_trees.leaves_of, name="tree_leaves")
register.simple_tag(codes.ended_codes, name="codes_that_cease")
register.simple_tag(report_groups.groups_of, name="behaviour_groups")
register.simple_tag(report_groups.kept_groups)
register.simple_tag(report_groups.why_so_many)
register.simple_tag(report_groups.curve_chart)
register.simple_tag(report_value.indicators_of, name="value_indicators")
register.simple_tag(report_value.tiers_of, name="value_tiers")
register.simple_tag(report_value.bins_of, name="value_bins")
register.simple_tag(report_value.histogram_chart, name="value_chart")


@register.filter
def signed(value: float) -> str:
    """+0.42, −0.08."""
    return f"{value:+.2f}".replace("-", "−")
