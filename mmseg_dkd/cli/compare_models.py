"""Say what changed from one model to the next, as a gate before a release.

    mmseg-dkd compare-models OLD NEW --data photos --out certificate

OLD and NEW are folders with a config and its checkpoint: of a step of a run, or of any model of
mmsegmentation. In --out:

    certificate.json   hashes of both, number of images, where the pixels of each old class went
    changed_N.png      the images in which most pixels changed: image, old, new

With --masks (laid out as mmseg-dkd prepare-masks writes them, with the numbers of NEW's classes)
also the IoU of every class before and after. The command fails if a class of both models has lost
more than --allow points, and with --exact if a pixel went from one class of OLD to another one.
"""

import argparse
from pathlib import Path

from .options import load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('old', type=Path, help='a folder with one config and one checkpoint')
    parser.add_argument('new', type=Path, help='likewise')
    parser.add_argument('--data', type=Path, nargs='+', required=True, help='folders of images')
    parser.add_argument('--masks', type=Path, help='what prepare-masks wrote of these folders')
    parser.add_argument('--allow', type=float, default=1.0, help='points of IoU; default: 1')
    parser.add_argument(
        '--exact', action='store_true', help='old classes may lose to new ones alone'
    )
    parser.add_argument('--out', type=Path, required=True, help='a new folder')
    parser.add_argument('--device', default=None, help='default: CUDA where there is one')


def run(args: argparse.Namespace) -> None:
    """Compare, write, print, and fail if the new model is worse.

    Raises:
        FileExistsError: If there is something at ``out``.
        FileNotFoundError: If a folder has no config, no checkpoint, or an image has no mask.
        ValueError: If a folder has several, or an image or mask is wrong.
        SystemExit: If a class fell too far, or a pixel moved that may not.
    """
    from ..utils.atomic import refuse_existing

    refuse_existing(args.out)
    from ..annotations.images import Images
    from ..reports.certificate import certify, model_files, summary

    old, new = (model_files(folder) for folder in (args.old, args.new))
    for config, _ in (old, new):
        load_config(str(config), None)
    pair, falls = certify(args.out, old, new, Images(args.data), args.masks, args.device)
    print(f'\n{summary(pair)}')
    worse = [f'{name} lost {fall:.2f} points' for name, fall in falls.items() if fall > args.allow]
    if args.exact and not pair.exact:
        worse.append('pixels went from one class of OLD to another one')
    if worse:
        raise SystemExit(f'error: {"; ".join(worse)}: see {args.out}')
