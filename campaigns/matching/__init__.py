"""Adaptive matching 自适应匹配 as one query per part: customers and cells in, ranked offers out."""
