"""Write masks from what an annotation program exports: COCO, labelme, CVAT, YOLO.

    mmseg-dkd prepare-masks labels.json --images photos --classes forklift pallet --out masks

The file is known by what is in it: COCO's JSON (polygons, run-length masks, crowds), a folder of
labelme's JSON files, CVAT's XML for images 1.1, or a YOLO folder with data.yaml and text files in
labels. masks/datasets.py has the data sets for a config (docs/own_data.md).

It needs the extra "data": pip install 'mmseg_dkd[data]'
"""

import argparse
from pathlib import Path

OTHERS = ('empty', 'skip')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('annotations', type=Path, help='a file or a folder')
    parser.add_argument(
        '--images', type=Path, nargs='+', required=True, help='folders, with all below them'
    )
    parser.add_argument('--classes', nargs='+', required=True, help='their names in the file')
    parser.add_argument('--out', type=Path, required=True, help='a new folder')
    parser.add_argument(
        '--others',
        choices=OTHERS,
        help='images that no annotation speaks of: nothing is in them, or nobody looked',
    )


def run(args: argparse.Namespace) -> None:
    """Write the masks, and print what a person should know.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: As
            :func:`mmseg_dkd.annotations.masks.write_masks`, or if the reader is not installed.
    """
    require_reader()
    from ...annotations import Images, write_masks

    images = Images(args.images)
    print(*write_masks(args.annotations, images, args.out, args.classes, args.others), sep='\n')


def require_reader() -> None:
    """Say which extra reads labels, if it is not there.

    Raises:
        ValueError: If it is not.
    """
    try:
        import pycocotools  # noqa: F401
    except ImportError as error:
        raise ValueError(f"{error}: pip install 'mmseg_dkd[data]'") from error
