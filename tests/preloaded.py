"""What children are forked with: Django set up, and every module of the day imported."""

import django

django.setup()

import config.tasks  # noqa: E402, F401
