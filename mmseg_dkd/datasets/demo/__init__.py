"""Embedded demo material and the scenes composed from it; licences are in ``NOTICE.md``."""
