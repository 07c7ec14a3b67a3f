"""Insight: what a group of customers is like, and what distinguishes it from another."""
