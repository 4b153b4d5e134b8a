"""Copies the photographs of animals of PASCAL VOC 2012, small enough to be sent somewhere.

    python dev/shrink_photographs.py data/VOCdevkit/VOC2012 TARGET

The images are those of the lists of ``mmseg-dkd prepare-lists animals``, at a long side of at most
256 pixels, JPEG of quality 60, with their masks, in the layout of the source.
"""

import argparse
from pathlib import Path

from PIL import Image

from mmseg_dkd.cli.prepare.lists import LISTS

LONG_SIDE = 256


def shrink(image: Image.Image, resample: Image.Resampling) -> Image.Image:
    """The image with a long side of at most 256 pixels."""
    scale = min(1, LONG_SIDE / max(image.size))
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), resample)


def main() -> None:
    """Copy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', type=Path)
    parser.add_argument('target', type=Path)
    args = parser.parse_args()
    lists, folders = 'ImageSets/Segmentation', LISTS['animals']
    for folder in {*folders.values(), 'JPEGImages', lists}:
        (args.target / folder).mkdir(parents=True)
    for name, folder in folders.items():
        path = f'{lists}/animals_{name}.txt'
        text = (args.source / path).read_text()
        (args.target / path).write_text(text)
        for image_id in text.split():
            path = f'JPEGImages/{image_id}.jpg'
            with Image.open(args.source / path) as image:
                small = shrink(image, Image.Resampling.LANCZOS)
            small.save(args.target / path, quality=60, optimize=True)
            path = f'{folder}/{image_id}.png'
            with Image.open(args.source / path) as mask:
                shrink(mask, Image.Resampling.NEAREST).save(args.target / path)


if __name__ == '__main__':
    main()
