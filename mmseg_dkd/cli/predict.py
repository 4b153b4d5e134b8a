"""Predict images, as label maps or as outlines to be corrected in an annotation program.

    mmseg-dkd predict CONFIG CHECKPOINT --images photos --out predicted --format labelme

CONFIG and CHECKPOINT are those of a step, or of any model of mmsegmentation. In --out:

    png        a label map per image, and classes.txt with the names of its numbers
    labelme    a file of polygons per image, which labelme opens
    coco       annotations.json, run-length masks in COCO's format

mmseg-dkd prepare-masks reads the last two back, corrected or not (docs/own_data.md). They need the
extra "data": pip install 'mmseg_dkd[data]'
"""

import argparse
import os
from pathlib import Path

from .options import add_cfg_options, load_config

# What has no shape: pixels that show none of the classes.
NOTHING = ('background', 'unlabelled')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        'config', help='work_dirs/<run>/step_K/<config>.py, or that of another model of mmseg'
    )
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument(
        '--images', type=Path, nargs='+', required=True, help='folders, with all below them'
    )
    parser.add_argument('--out', type=Path, required=True, help='a new folder')
    parser.add_argument('--format', choices=['png', 'labelme', 'coco'], default='png')
    parser.add_argument('--device', default=None, help='default: CUDA where there is one')
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Predict all images, and write one format.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        FileExistsError: If there is something at ``out``.
        ValueError: If a folder has no image, or an image cannot be read; nothing is written then.
    """
    from ..utils.atomic import new_folder, refuse_existing

    if not args.checkpoint.is_file():
        raise FileNotFoundError(f'{args.checkpoint}: no such file')
    refuse_existing(args.out)
    cfg = load_config(args.config, args.cfg_options)
    import torch
    from mmengine.utils import track_iter_progress
    from mmseg.apis import inference_model, init_model

    from ..annotations.images import Images, size_of_image
    from ..annotations.outlines import Writer

    images = Images(args.images)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    with new_folder(args.out) as draft:
        model = init_model(cfg, str(args.checkpoint), device=device)
        writer = Writer(args.format, draft, list(model.dataset_meta['classes']), NOTHING)
        for path in track_iter_progress(list(images.folder_of)):
            # mmseg would fail without naming the file.
            size_of_image(path)
            labels = inference_model(model, str(path)).pred_sem_seg.data[0].cpu().numpy()
            name = images.name_of(path)
            writer.add(labels, name, os.path.relpath(path, (args.out / name).parent))
        writer.finish()
    print(f'\n{len(images.folder_of)} images in {args.out}')
