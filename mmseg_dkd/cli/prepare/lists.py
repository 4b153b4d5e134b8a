"""Write the lists of images of the configs for photographs into a data set.

    mmseg-dkd prepare-lists animals data/VOCdevkit/VOC2012
    mmseg-dkd prepare-lists msrc data/msrc21

animals are the images of PASCAL VOC 2012 that the configs voc-animals_* train and test on, msrc
those of msrc_*. The lists are ImageSets/Segmentation/animals_*.txt and msrc_*.txt.
"""

import argparse
from importlib.resources import files
from pathlib import Path

REMEDY = 'make the folder writable, or a data set of links to its folders elsewhere'
# Each with the folder of masks that it needs.
LISTS = {
    'animals': {
        'train': 'SegmentationClass',
        'aug': 'SegmentationClassAug',
        'val': 'SegmentationClass',
    },
    'msrc': {'train': 'SegmentationClass', 'val': 'SegmentationClass'},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('images', choices=LISTS)
    parser.add_argument('root', type=Path, help='folder of the data set, with JPEGImages in it')


def run(args: argparse.Namespace) -> None:
    """Write the lists, once all that they name is there.

    Raises:
        FileNotFoundError: If an image or a mask is not; nothing is written then.
    """
    from ...utils.atomic import write_text

    texts = {}
    for name, masks in LISTS[args.images].items():
        file = f'{args.images}_{name}.txt'
        texts[file] = (files('mmseg_dkd.datasets') / 'lists' / file).read_text()
        _check(args.root, texts[file].split(), masks)
    folder = args.root / 'ImageSets/Segmentation'
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        write_text(folder / file, text, REMEDY)
        print(f'{folder / file}: {len(text.split())} images')


def _check(root: Path, ids: list[str], masks: str) -> None:
    needed = [root / 'JPEGImages' / f'{name}.jpg' for name in ids]
    needed += [root / masks / f'{name}.png' for name in ids]
    missing = [path for path in needed if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f'{missing[0]} does not exist, nor do {len(missing) - 1} more of {len(needed)} files: '
            'docs/photographs.md says which data are needed and how they are laid out'
        )
