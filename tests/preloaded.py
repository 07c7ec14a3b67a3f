"""What children are forked with: Django set up, and every module of the day imported."""

import django

django.setup()

import campaigns.publish  # noqa: E402, F401
import jobs.work  # noqa: E402, F401
