"""Step 0 from an ordinary softmax model, as any mmseg config trains it."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor

from ..models.segmentor import IncrementalSegmentor
from ..utils import checkpoint_types
from .hand_over import META, refuse_misfits


def load(path: str | Path) -> tuple[dict[str, Tensor], dict[str, list]]:
    """State dict of a checkpoint of mmseg on the CPU, and ``classes`` and ``palette`` where the
    file has them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, is none of mmseg's, or of an incremental run.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'start_from={path}: no such file: give the checkpoint of a trained softmax model, '
            'such as tools/train.py leaves'
        )
    try:
        checkpoint = checkpoint_types.load(path)
    except ValueError as error:
        raise ValueError(f'start_from={error}') from error
    state = checkpoint.get('state_dict') if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict):
        raise ValueError(
            f'start_from={path} has no state_dict: give a checkpoint of a whole mmseg model; '
            'weights of a backbone go into init_cfg'
        )
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, dict) else {}
    if META in meta:
        raise ValueError(
            f'start_from={path} is of an incremental run ({meta[META]}), not a softmax model: go '
            'on with it in its own --work-dir, by --resume or --steps'
        )
    described = meta.get('dataset_meta')
    described = described if isinstance(described, dict) else {}
    # Files of mmseg before 1.0 have CLASSES and PALETTE.
    found = {key: described.get(key, meta.get(key.upper())) for key in ('classes', 'palette')}
    return state, {key: list(v) for key, v in found.items() if isinstance(v, list | tuple)}


def convert(
    path: str | Path, model: IncrementalSegmentor, classes: Sequence[str]
) -> dict[str, Tensor]:
    """State dict of step 0 from the checkpoint of a softmax model.

    The classifiers of decode head and, where the model has them, auxiliary heads are converted by
    :meth:`.IncrementalHead.from_softmax`, with the classes, found by name, in the order of
    learning. Auxiliary heads that the model does not have are left out.

    Args:
        path: The checkpoint.
        model: Model of step 0.
        classes: Background and the classes of step 0, in the order of learning; of a head without
            background, its place is there, too.

    Raises:
        TypeError: If the method cannot take over the classifiers of a softmax model.
        FileNotFoundError, ValueError: As :func:`load`; or if its classes are others, it lacks a
            background that the head has, or its tensors do not fit the model; all are listed.
    """
    state, described = load(path)
    names = tuple(described['classes']) if 'classes' in described else None
    fresh, heads = model.state_dict(), model.incremental_heads
    if list(heads) == ['decode_head']:
        dropped = [key for key in state if key.startswith('auxiliary_head.')]
        state = {key: tensor for key, tensor in state.items() if key not in dropped}
        if dropped:
            print_log(
                f'{path}: its auxiliary_head, {len(dropped)} tensors, is left out: the model of '
                'step 0 has none',
                logger='current',
            )
    for name, head in heads.items():
        state = head.adopt(state, name)
        weight, bias = (state.pop(f'{name}.conv_seg.{part}', None) for part in ('weight', 'bias'))
        if weight is None or bias is None:
            raise ValueError(
                f'start_from={path} has no {name}.conv_seg: the head must end in a 1x1 convolution '
                'of this name to be converted'
            )
        # Those that the classifier does not have come last.
        few = classes[not head.background : len(classes) - head.num_taken]
        known = names and names[: len(names) - head.num_taken]
        rows = _rows(path, len(bias), known, few, head.background)
        converted = head.from_softmax(weight[rows], bias[rows])
        own = f'{name}.conv_seg.'
        state = {key: tensor for key, tensor in fresh.items() if key.startswith(own)} | state
        state |= {f'{own}{key}': tensor for key, tensor in converted.items()}
    refuse_misfits(state, fresh, f'start_from={path}', 'the backbone and heads of step 0')
    return state


def take_over(runner: Runner, path: Path) -> None:
    """Write the checkpoint of a step 0 that has nothing to train: the converted model as it is.

    Args:
        runner: Of step 0, with its hooks; instead of its ``train``.
        path: The checkpoint that the step ends with.
    """
    runner.call_hook('before_run')
    runner.call_hook('before_train')
    runner.save_checkpoint(
        str(path.parent), path.name, save_optimizer=False, save_param_scheduler=False
    )
    runner.call_hook('after_train')


def _rows(
    path: str | Path,
    channels: int,
    names: tuple[str, ...] | None,
    classes: Sequence[str],
    background: bool,
) -> list[int]:
    """Channel of the checkpoint's classifier for each class, background first where it is one."""
    if names is None:
        without_background = background and channels == len(classes) - 1
        names = tuple(classes[1:] if without_background else classes)
        print_log(f'{path} names no classes; taken to be: {", ".join(names)}', logger='current')
    if len(names) != channels:
        raise ValueError(
            f'start_from={path} has a classifier of {channels} channels, but the classes are '
            f'{list(names)}: only a softmax with a channel for each can be converted'
        )
    missing = [name for name in classes if name not in names]
    surplus = [name for name in names if name not in classes]
    if background and missing == [classes[0]] and not surplus:
        raise ValueError(
            f'start_from={path} has {channels} classes and no {classes[0]!r}: without that channel '
            'a softmax cannot say that a pixel shows none of them, as Eq. 12 does; train it with '
            f'{classes[0]!r} as a class, or choose MiBHead and a scenario with '
            "has_background=False, unlabelled='ignored'"
        )
    if missing or surplus:
        raise ValueError(
            f'start_from={path} has other classes than step 0: missing {missing}, surplus '
            f'{surplus}; let the first step of the scenario learn the classes of the file'
        )
    return [names.index(name) for name in classes]
