"""Classifiers and losses of DKD against the number of learned classes, and of steps."""

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from .measure import Part, timed
from .plain_losses import make_plain
from .step import DEVICE, random_samples

METHOD = Path(__file__).resolve().parents[1] / 'configs/_base_/methods/dkd.py'
CHANNELS, NEW = 256, 5
CLASSES = (15, 30, 60, 100, 150)
STEPS = (2, 3, 6, 11, 30)
# N, and height and width of the images, in pixels.
IMAGES, SIZE = (2, 256) if DEVICE.type == 'cpu' else (6, 512)
SIDES = {'ours': False, 'plain': True}


def part(quick: bool) -> Part:
    """150 classes in 11 steps, the last of five; features of 256 channels at a sixteenth of the
    size. N=2, 256 x 256; with a GPU N=6, 512 x 512."""
    sizes = share(CLASSES[-1], 11)
    return Part(
        f'classifiers and losses, C={CLASSES[-1]}, {len(sizes)} steps, N={IMAGES}, {SIZE} x {SIZE}',
        partial(make, sizes, IMAGES, SIZE, plain=False),
        partial(make, sizes, IMAGES, SIZE, plain=True),
        repeats=3 if quick else 7,
        further=partial(_further, quick),
    )


def share(classes: int, steps: int) -> list[int]:
    """Classes of each step: the last learns five, the others share the rest as evenly as can be."""
    old = classes - NEW
    ends = [old * step // (steps - 1) for step in range(steps)]
    return [end - start for start, end in zip(ends, ends[1:], strict=False)] + [NEW]


def make(sizes: Sequence[int], images: int, size: int, plain: bool) -> Callable[[], dict]:
    """The last step's losses of a random feature, from the feature and back to its gradient.

    Args:
        sizes: Classes of each step.
        images: N.
        size: Height and width of the images, in pixels.
        plain: With the losses of ``plain_losses``.

    Returns:
        A function that computes the losses and all gradients. It returns the losses.
    """
    init_default_scope('mmseg')
    torch.manual_seed(0)
    method = Config.fromfile(METHOD).method
    method.pop('loss_decode')  # the head's own will do
    ends = [0, *accumulate(sizes)]
    steps = [list(range(a + 1, b + 1)) for a, b in zip(ends, ends[1:], strict=False)]
    cfg = dict(
        # A head without any layer in front of the classifiers.
        base_type='FCNHead',
        num_convs=0,
        concat_input=False,
        in_channels=CHANNELS,
        channels=CHANNELS,
        dropout_ratio=0.0,
        num_classes=1 + ends[-1],
        scenario=dict(name=steps, num_classes=ends[-1]),
        **method,
    )
    old, head = (MODELS.build(dict(cfg, step=len(steps) - n)).to(DEVICE) for n in (2, 1))
    if plain:
        make_plain(head)
    feature = torch.randn(images, CHANNELS, size // 16, size // 16).relu().to(DEVICE)
    feature.requires_grad_()
    samples = random_samples(images, (size, size), head.new_labels)

    def run() -> dict:
        feature.grad = None
        head.zero_grad()
        with torch.no_grad():
            teacher = old.teacher_outputs([feature], student=head)
        losses = head.loss([feature], samples, {}, teacher)
        sum(losses.values()).backward()
        return losses

    return run


def _further(quick: bool, found: dict) -> dict[str, dict[int, float]]:
    """Milliseconds of an iteration, by the clock with a GPU, else of processors."""
    curves = dict(
        classes={count: share(count, 2) for count in CLASSES},
        steps={count: share(CLASSES[-1], count) for count in STEPS},
    )
    figures, clock = {}, int(DEVICE.type == 'cpu')
    for by, points in curves.items():
        figures |= {f'{side}_ms_by_{by}': {} for side in SIDES}
        for count, sizes in points.items():
            runs = {side: make(sizes, IMAGES, SIZE, plain) for side, plain in SIDES.items()}
            laps = {side: [] for side in SIDES}
            for _ in range(4 if quick else 12):
                for side, run in runs.items():
                    laps[side].append(timed(run)[clock])
            for side, seconds in laps.items():
                # The first run loads what it needs.
                figures[f'{side}_ms_by_{by}'][count] = 1e3 * statistics.median(seconds[1:])
    return figures


def plot(further: dict, path: Path) -> None:
    """Draw what :func:`part` found further."""
    figure = Figure(figsize=(9, 3.4), layout='constrained')
    panels = figure.subplots(1, 2, sharey=True)
    titles = dict(
        classes='learned classes (two steps)', steps=f'steps ({CLASSES[-1]} learned classes)'
    )
    for axes, (by, title) in zip(panels, titles.items(), strict=True):
        for side, marker in (('plain', 's'), ('ours', 'o')):
            curve = further[f'{side}_ms_by_{by}']
            axes.plot(list(curve), list(curve.values()), marker=marker, label=side)
        axes.set_xlabel(title)
        axes.grid(alpha=0.3)
    unit = 'ms an iteration' if DEVICE.type == 'cuda' else 'ms of processor time an iteration'
    panels[0].set_ylabel(unit)
    panels[0].set_ylim(bottom=0)
    panels[0].legend()
    figure.suptitle(
        f'classifiers and losses, N={IMAGES}, {SIZE} x {SIZE}, the last step of {NEW} classes',
        fontsize='medium',
    )
    figure.savefig(path, dpi=120)
