"""What one step hands to the next: its checkpoint, and nothing else."""

import copy
from pathlib import Path

import torch
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import Tensor

from ..models.fold import fold_batch_norms
from ..models.segmentor import IncrementalSegmentor
from ..scenario import Scenario
from ..utils import checkpoint_types
from .resolve import at_step

META = 'incremental'


def describe(scenario: Scenario, step: int) -> dict:
    """What a checkpoint says of itself, under ``meta['incremental']``."""
    return dict(
        scenario=scenario.name,
        setting=scenario.setting,
        fingerprint=scenario.fingerprint,
        step=step,
        seen=list(scenario.seen(step)),
    )


def check(checkpoint: dict, scenario: Scenario, step: int, path: str | Path) -> None:
    """Refuse a checkpoint that is not of this step of this scenario.

    One of a scenario that this one has grown from (:meth:`.Scenario.shares`) is as good.

    Raises:
        ValueError: If it is no checkpoint of this package, or of another scenario, class order or
            step.
    """
    meta = meta_of(checkpoint, path).get(META)
    state = checkpoint.get('state_dict')
    expected = describe(scenario, step)
    if not isinstance(meta, dict) or not expected.keys() <= meta.keys():
        raise ValueError(
            f"{path} was not written by an incremental run: it has no meta['{META}'] with "
            f'{", ".join(expected)}. tools/convert_official.py and start_from take other files'
        )
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise ValueError(f'{path} has no state_dict of tensors: train step {step} again')
    for key in ('seen', 'fingerprint', 'step'):
        grown = key == 'fingerprint' and scenario.shares(meta[key], step)
        if meta[key] != expected[key] and not grown:
            raise ValueError(
                f'{path} is of scenario {meta["scenario"]} ({meta["setting"]}), step '
                f'{meta["step"]}, classes {meta["seen"]}, but step {step} of {scenario} with '
                f'classes {expected["seen"]} is needed: {key} differs '
                f'({meta[key]} against {expected[key]}){scenario.no_growth}'
            )


def meta_of(checkpoint: object, path: str | Path) -> dict:
    """``meta`` of a checkpoint.

    Raises:
        ValueError: If what was read is none; it names the file.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, dict) else None
    if not isinstance(meta, dict):
        raise ValueError(f'{path} was not written by an incremental run: it has no meta')
    return meta


def load(path: str | Path, scenario: Scenario, step: int) -> dict:
    """Read the checkpoint of a step, on the CPU, and check whose it is.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, holds more than plain data
            (:func:`mmseg_dkd.utils.checkpoint_types.load`), or is not the step's (:func:`check`).
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'{path}: the checkpoint of step {step} is missing. Train that step first, or give '
            'its folder by --work-dir'
        )
    checkpoint = checkpoint_types.load(path)
    check(checkpoint, scenario, step, path)
    return checkpoint


def start_state(old: dict[str, Tensor], model: IncrementalSegmentor) -> dict[str, Tensor]:
    """The state dict with which a step starts; every head starts its new classes as it wants.

    Those that the step learns anew start as they are, and move to the classifier of the step.

    Args:
        old: State dict at the end of the step before.
        model: The freshly made model of the step.

    Returns:
        A state dict with exactly the keys of the model's.

    Raises:
        ValueError: If a tensor is missing, left over or of another shape; all are listed.
    """
    step, new = model.decode_head.step, model.state_dict()
    learned, state = model.decode_head.scenario, dict(old)
    for name, head in model.incremental_heads.items():
        state = head.start_new_classes(state, name, new)
        if learned.refreshed(step):
            state |= _moved(state, name, learned, step)
    refuse_misfits(state, new, f'the checkpoint of step {step - 1}', f'the model of step {step}')
    return state


def _moved(state: dict[str, Tensor], name: str, scenario: Scenario, step: int) -> dict[str, Tensor]:
    """The classifiers of a head, where what a step refreshes is in the one of the step, as it was.

    What is not there is left to :func:`refuse_misfits`.
    """
    found: dict[str, Tensor] = {}
    row_of = {class_id: row for row, class_id in enumerate(scenario.seen(step - 1))}
    for part in ('weight', 'bias'):
        *earlier, own = (f'{name}.conv_seg.steps.{t}.{part}' for t in range(step + 1))
        if not all(key in state for key in (*earlier, own)):
            continue
        taught = torch.cat([state[key] for key in earlier])
        for key, classes in zip(earlier, scenario.kept(step), strict=False):
            found[key] = taught[[row_of[class_id] for class_id in classes]]
        found[own] = state[own].clone()
        for row, class_id in enumerate(scenario.new(step)):
            if class_id in row_of:
                found[own][row] = taught[row_of[class_id]]
    return found


def refuse_misfits(state: dict[str, Tensor], fresh: dict[str, Tensor], of: str, to: str) -> None:
    """Raise a ValueError that lists what keeps a state dict from being loaded, if anything does.

    Args:
        state: The state dict.
        fresh: That of the model into which it is to be loaded.
        of, to: What the two are, in words.
    """
    wrong = [f'{key}: missing' for key in fresh if key not in state]
    wrong += [f'{key}: left over' for key in state if key not in fresh]
    wrong += [
        f'{key}: {tuple(state[key].shape)} instead of {tuple(tensor.shape)}'
        for key, tensor in fresh.items()
        if key in state and state[key].shape != tensor.shape
    ]
    if wrong:
        listed = '\n  '.join(wrong[:10])
        raise ValueError(f'{of} does not fit {to} in {len(wrong)} tensors:\n  {listed}')


def build_teacher(
    model_cfg: ConfigDict, state: dict[str, Tensor], step: int, device: torch.device
) -> IncrementalSegmentor:
    """The model at the end of step ``step``, to learn from.

    It is in eval mode and good for nothing else: its BatchNorms are folded into its convolutions
    (:func:`mmseg_dkd.models.fold.fold_batch_norms`), which changes what it says by the rounding of
    float32. That is found out at the size of the training images, the ``size`` of the
    ``data_preprocessor``; without one, nothing is folded.

    It knows nothing of the classes that the next step learns anew: these it does not teach.

    Args:
        model_cfg: ``model`` of the config of the step after it.
        state: Its state dict.
        step: Its step.
        device: Where it shall compute.
    """
    cfg = at_step(copy.deepcopy(model_cfg), step)
    # It may name modules that only the step after has.
    cfg.train_only = None
    teacher = revert_sync_batchnorm(MODELS.build(cfg))
    teacher.load_state_dict(state, strict=True)
    for head in teacher.incremental_heads.values():
        if anew := head.scenario.refreshed(step + 1):
            kept = head.scenario.kept(step)
            head.conv_seg.keep([[i for i, c in enumerate(own) if c not in anew] for own in kept])
    teacher.eval()
    size = getattr(teacher.data_preprocessor, 'size', None)
    if size is not None:
        fold_batch_norms(teacher, size)
    return teacher.to(device)
