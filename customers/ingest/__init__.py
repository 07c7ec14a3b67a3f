"""Ingest: a source's files of one business date → a snapshot partition and its rejected rows.

    rows in = loaded + rejected

is asserted every time. A row is loaded if each of its values is sound and, among the sound rows of
its key, it is the first in the order of files and rows; otherwise it is in the reject file with its
reasons. Equal files, mapping and catalogue make one partition, so ingesting twice does nothing.
"""

from .run import ingest

__all__ = ["ingest"]
