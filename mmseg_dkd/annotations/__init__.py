"""Labels as annotation programs write them, and the masks that they become.

A reader gives a :class:`.Picture` for every image that its files speak of; all outlines become
run-length masks by pycocotools, whatever the format, so the same outlines give the same pixels.
"""

from .formats import read_annotations
from .images import Images
from .masks import write_masks
from .picture import Picture, Region

__all__ = ['Images', 'Picture', 'Region', 'read_annotations', 'write_masks']
