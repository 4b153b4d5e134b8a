"""Teach a model that you have a new class, from a folder of labelled images.

    mmseg-dkd teach forklift --model CONFIG CHECKPOINT --data photos --out taught

CONFIG and CHECKPOINT are of any model of mmsegmentation with a softmax, or --model is the --out of
an earlier teach. Labels lie among the images (labelme, COCO, CVAT, YOLO), in photos/masks beside
photos/images, or where --labels says. In --out:

    teach.py       the whole config, which mmseg-dkd train runs and you may edit
    run            the training: checkpoints, results.json, report.html
    model          the new model for mmsegmentation, without this package; with --onnx also ONNX
    certificate    which pixels changed, per class, and pictures of the largest changes

docs/teach.md has the rest.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_cfg_options, load_config
from .prepare.masks import OTHERS, require_reader

if TYPE_CHECKING:
    from ..teach.teach import Taught

# IoU of a new class below which a person is told what to do.
WEAK = 10.0
ADVICE = dict(
    exact='--keep learned',
    learned='twice the learning rate (later_steps.optim_wrapper.optimizer.lr in teach.py)',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('classes', nargs='+', metavar='CLASS', help='names of the new classes')
    parser.add_argument(
        '--refresh',
        action='store_true',
        help='the model has these classes, and learns them anew; with --keep learned',
    )
    parser.add_argument(
        '--model',
        nargs='+',
        required=True,
        type=Path,
        metavar='FILE',
        help='CONFIG CHECKPOINT, or the --out of an earlier teach',
    )
    parser.add_argument('--data', type=Path, required=True, help='a folder of images')
    parser.add_argument('--labels', type=Path, help='a file or folder; default: in --data')
    parser.add_argument(
        '--others',
        choices=OTHERS,
        help='images that no label speaks of: none of the classes is in them, or nobody looked',
    )
    parser.add_argument('--out', type=Path, required=True, help='a new folder')
    parser.add_argument(
        '--keep',
        choices=['exact', 'learned'],
        default='exact',
        help='exact (the default): nothing old changes, bit for bit; learned: all learns (DKD)',
    )
    parser.add_argument('--method', help='a head of docs/methods.md, instead of the one of --keep')
    parser.add_argument('--budget', type=float, default=10.0, metavar='MINUTES', help='default: 10')
    parser.add_argument('--test', type=Path, help='a folder like --data, to test on')
    parser.add_argument('--crop', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'))
    parser.add_argument('--batch', type=int, help='images of a batch')
    parser.add_argument('--iterations', type=int, help='instead of what --budget has')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--onnx', action='store_true', help='write ONNX, too')
    parser.add_argument('--resume', action='store_true', help='go on where --out was interrupted')
    parser.add_argument('--dry-run', action='store_true', help='say all that, and train nothing')
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Choose, say what was chosen, train, and say what came of it.

    Raises:
        FileExistsError: If there is something at ``out``.
        FileNotFoundError, OSError, RuntimeError, ValueError: If something is missing or wrong; then
            nothing is left of ``out``.
        SystemExit: If an old class changed though it should not.
    """
    from ..utils.atomic import refuse_existing

    require_reader()
    if not args.resume:
        refuse_existing(args.out)
    from ..teach import folders, teach
    from ..teach.known import look_at
    from ..teach.wish import Wish, prepare

    wish = Wish(**{field: getattr(args, field) for field in Wish.__dataclass_fields__})
    config, checkpoint = _files(args.model)
    known = look_at(config, checkpoint, load_config(str(config), None))
    teach.check_classes(known, wish.classes, wish.refresh)
    if args.dry_run:
        with tempfile.TemporaryDirectory() as draft:
            print(*prepare(wish, known, Path(draft), args.out / teach.RUN), sep='\n')
        return
    if not args.resume:
        args.out.mkdir(parents=True)
        try:
            said = prepare(wish, known, args.out, args.out / teach.RUN)
        except BaseException:
            shutil.rmtree(args.out)
            raise
        print(*said, sep='\n', flush=True)
    compared, _ = folders.places(wish.test or wish.data, None)
    found = teach.run(args.out, known, args.onnx, compared, args.resume)
    print(f'\n{_summary(found, args.out, ADVICE[wish.keep])}')
    if wish.keep == 'exact' and not found.exact:
        raise SystemExit(
            f'error: pixels went from one old class to another: see {args.out / teach.CERTIFICATE}'
        )


def _files(given: list[Path]) -> tuple[Path, Path]:
    """Config and checkpoint of ``--model``."""
    from ..reports.certificate import model_files
    from ..teach.teach import MODEL

    if len(given) == 1:
        folder = given[0] / MODEL
        return model_files(folder if folder.is_dir() else given[0])
    if len(given) != 2:
        raise ValueError(f'--model has {len(given)} files: give CONFIG CHECKPOINT')
    return given[0], given[1]


def _summary(found: 'Taught', out: Path, advice: str) -> str:
    """The scores that are known, how many pixels changed, and where everything is."""
    before, after = (entry['per_class_iou'] for entry in found.results)
    lines = []
    for name, iou in after.items():
        was = before.get(name)
        if iou is not None:
            lines.append(f'{name}: IoU {iou:.1f}' + (f', was {was:.1f}' if was is not None else ''))
        if iou is not None and name not in before and iou < WEAK:
            lines.append(f'{name} was hardly learned: try {advice}, or more images')
    moved = sum(sum(change['went_to'].values()) for change in found.changes.values())
    total = sum(change['pixels'] for change in found.changes.values())
    kind = 'all of them to new classes' if found.exact else 'some of them between old classes'
    return '\n'.join(
        [
            *lines,
            f'{moved:,} of {total:,} pixels changed their class, {kind}',
            f'model: {out / "model"}, page: {out / "run/report.html"}, certificate: '
            f'{out / "certificate/certificate.json"}',
        ]
    )
