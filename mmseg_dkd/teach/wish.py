"""What is asked of a teach, and what is made of it before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config

from ..engine.amp import switch_on
from ..runs import Run
from . import folders, recipe, speed, teach
from .known import Known

# Fewer images are all trained on.
ENOUGH = 25
# Pixels of a batch: as many as 8 crops of 256 x 256 have.
PIXELS = 8 * 256**2
LARGEST_BATCH = 8


@dataclass(frozen=True)
class Wish:
    """The options of ``mmseg-dkd teach``; what is None is chosen.

    Attributes:
        classes: The classes that are taught.
        refresh: Whether they are known, and learned anew.
        data, labels: Where images and labels are (:func:`.folders.places`).
        test: A folder like ``data``, to test on.
        others: Images that no label speaks of (:func:`.write_masks`).
        keep: ``'exact'`` or ``'learned'``.
        method: Name of a head, instead of the one that ``keep`` means.
        budget: Minutes.
        crop: Height and width.
        batch: Images of a batch.
        iterations: Instead of what the budget has.
        seed: Of all that is random.
        cfg_options: Merged over the config.
    """

    classes: Sequence[str]
    refresh: bool
    data: Path
    labels: Path | None
    test: Path | None
    others: str | None
    keep: str
    method: str | None
    budget: float
    crop: Sequence[int] | None
    batch: int | None
    iterations: int | None
    seed: int
    cfg_options: dict | None


def prepare(wish: Wish, known: Known, out: Path, lasting: Path) -> list[str]:
    """Write masks and config.

    Args:
        wish: What is asked for.
        known: The model.
        out: The folder to write into.
        lasting: The folder of the run.

    Returns:
        What was chosen and why, in five lines, then what a person should know of the labels.

    Raises:
        FileNotFoundError, OSError, ValueError: If something is missing or wrong.
        RuntimeError: If the steps cannot be run; it lists why.
    """
    cuda = torch.cuda.is_available()
    teach.check_room(known, lasting)
    method = teach.method_of(known, wish.keep, wish.method, wish.refresh)
    where = folders.places(wish.data, wish.labels)
    train = folders.taught(known, wish.classes, where, out / 'labels', wish.others)
    test = None
    if wish.test is not None:
        of_test = folders.places(wish.test, None)
        test = folders.tested(known, wish.classes, of_test, out / 'test_labels', wish.others)
    held_out = test is None and train.count >= ENOUGH
    resize = recipe.resize_of(known)
    height, width = wish.crop or recipe.crop_of(known, recipe.seen_at(train.size, resize), cuda)
    fitting = min(LARGEST_BATCH, train.count, PIXELS // (height * width))
    choices = recipe.Choices(
        method=method,
        crop=(height, width),
        resize=resize,
        batch=wish.batch or max(2, fitting),
        held_out=held_out,
        # It is DKD's, and to know it takes all masks.
        gamma=recipe.gamma_of(train.share) if method == recipe.KEEPS['learned'] else 1.0,
    )
    path, options = out / teach.CONFIG, wish.cfg_options or {}
    cfg = recipe.config_of(
        known, wish.classes, train, test, choices, str(lasting.resolve()), wish.seed
    )
    if cuda:
        switch_on(cfg)
    cfg.merge_from_dict(options)
    cfg.dump(path)
    plans = Run(Config.fromfile(path), lasting).plan([0, 1])
    if missing := [text for plan in plans for text in plan.missing]:
        raise RuntimeError('nothing was trained:\n' + '\n'.join(dict.fromkeys(missing)))
    seconds = speed.seconds_of(cfg)
    iterations = wish.iterations or speed.iterations_in(wish.budget, seconds, method)
    recipe.set_length(cfg, iterations)
    cfg.merge_from_dict(options)
    cfg.dump(path)
    size = f'resized to {resize["scale"]} as in testing' if resize else 'in their own size'
    anew = ' (known, and learned anew)' * wish.refresh
    rest = ', which learns nothing but new rows of the classifier' * (wish.keep == 'exact')
    return [
        f'model:  {known}',
        f'data:   {train.count} images of {", ".join(wish.classes)}{anew} in {where[0]}, labels in '
        f'{where[1]}; {_tests(wish, held_out)}',
        f'keep:   {wish.keep}, by {method}{rest}',
        f'images: crops of {height} x {width}, {size}, batches of '
        f'{cfg.train_dataloader.batch_size}; {"GPU, half precision" if cuda else "CPU, float32"}',
        f'length: {iterations} iterations of about {seconds:.2g} s, which is '
        f'{iterations * seconds / 60:.1f} minutes of the {wish.budget:g} of --budget',
        *(f'note:   {note}' for note in [*train.notes, *(test.notes if test else [])]),
    ]


def _tests(wish: Wish, held_out: bool) -> str:
    if wish.test is not None:
        return f'tested on {wish.test}'
    if held_out:
        return 'a fifth of them is held out for testing'
    return f'tested on the same images, being fewer than {ENOUGH}: give others by --test'
