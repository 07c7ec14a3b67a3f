"""What channel profitability shows in its report: {% load scoring_channels %}."""

from django import template

from .. import report_channels

register = template.Library()

register.simple_tag(report_channels.channel_rule)
register.simple_tag(report_channels.channel_lines)
register.simple_tag(report_channels.channel_totals)
register.simple_tag(report_channels.channel_tariffs)
register.simple_tag(report_channels.channel_chart)
register.filter(report_channels.amount)
