"""Tells how well a training goes while it runs: what it forgets, and how often it is clipped."""

import math
from statistics import mean

import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor
from torch.nn.functional import interpolate

from ...labels import UNKNOWN
from ...models.segmentor import IncrementalSegmentor, evaluating, segmentor_of

AGREEMENT = 'train/agreement'
FORGETS_AT = 'forgets_at'
# How many of the latest measurements make the one of the end: those of a quarter of the step.
LATEST = 5
# Of fewer pixels a share says little.
LEAST = 32


@HOOKS.register_module()
class ForgettingHook(Hook):
    """Measures whether the student still says what the teacher says, on images of the step.

    The agreement is the share of pixels, in percent, in which both predict the same class. Pixels
    count that are not labelled in the step, and in which the teacher sees an old class. Both are in
    eval mode, at the resolution of their maps. It is logged as ``agreement``, ten times in the
    first tenth of a step and 18 times in the rest. It costs a forward pass of both networks each
    time, and changes nothing: training goes on as without it. With several processes it is that on
    the images of the first.

    A step whose agreement falls below ``bound`` in its first tenth forgets faster than it learns,
    and is warned of, once, even if it is resumed. To change the bound, add
    ``dict(type='ForgettingHook', bound=...)`` to ``custom_hooks``.

    Args:
        bound: The least agreement, in percent, that is not warned of; 0 for no warning.
    """

    def __init__(self, bound: float = 50.0) -> None:
        self.bound = bound

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict | None = None
    ) -> None:
        """Measure on the batch that was just learned from; nothing at step 0."""
        model, iteration = segmentor_of(runner), runner.iter + 1
        tenth = max(1, runner.max_iters // 10)
        interval = max(1, tenth // 10 if iteration <= tenth else tenth // 2)
        if model.teacher is None or iteration % interval:
            return
        batch = model.data_preprocessor(data_batch, True)
        label = model.decode_head._stack_batch_gt(batch['data_samples']).squeeze(1)
        agreement = agreement_of(model, batch['inputs'], label)
        if agreement is None:
            return
        hub = runner.message_hub
        hub.update_scalar(AGREEMENT, agreement)
        if iteration <= tenth and agreement < self.bound and hub.get_info(FORGETS_AT) is None:
            hub.update_info(FORGETS_AT, iteration)
            runner.logger.warning(
                f'{runner.cfg.scenario.name}, step {runner.cfg.step}, iteration {iteration} of '
                f'{runner.max_iters}: the step forgets. In {100 - agreement:.0f} % of the pixels '
                'of old classes the model says something else than the one before the step. Lower '
                'later_steps.optim_wrapper.optimizer.lr, to a tenth for example, or raise the '
                'weight of what keeps old classes, and train the step anew by --steps '
                f'{runner.cfg.step}'
            )


@torch.no_grad()
def agreement_of(model: IncrementalSegmentor, inputs: Tensor, label: Tensor) -> float | None:
    """In how many percent of the pixels a student says what its teacher says of old classes.

    Args:
        model: The student, with its teacher.
        inputs: Images ``[N, 3, H, W]``.
        label: ``[N, H, W]``, as the step sees it.

    Returns:
        0 to 100; None if the teacher sees old classes in fewer than ``LEAST`` pixels without a
        label.
    """
    with evaluating(model):
        now, before = (
            net.decode_head(net.extract_feat(inputs)).argmax(dim=1)
            for net in (model, model.teacher)
        )
    # Nearest neighbours: labels are no quantities.
    small = interpolate(label[:, None].float(), now.shape[-2:])[:, 0]
    known = (small == UNKNOWN) & (before > 0)
    if known.sum() < LEAST:
        return None
    return 100 * (now == before)[known].float().mean().item()


def training_of(hub: MessageHub, max_norm: float | None) -> dict[str, float | None]:
    """How the training of a step went, for results.json; shares in percent.

    mmengine's checkpoints have all of the hub, so a resumed step tells the same.

    Args:
        hub: Of the step's runner, after training.
        max_norm: The norm at which gradients are clipped; None if they are not.

    Returns:
        ``clipped``: share of the updates whose gradient was clipped, those left out that mixed
        precision skipped; None without clipping. ``agreement``: at the end of the step;
        ``least_agreement``: the smallest (:class:`ForgettingHook`); None at step 0.
        ``forgets_at``: the iteration that was warned of; None without a warning.
    """
    agreement = _history(hub, AGREEMENT)
    clipped: list[bool] = []
    if max_norm is not None:
        norms = filter(math.isfinite, _history(hub, 'train/grad_norm'))
        clipped = [norm > max_norm for norm in norms]
    return dict(
        clipped=100 * mean(clipped) if clipped else None,
        agreement=mean(agreement[-LATEST:]) if agreement else None,
        least_agreement=min(agreement, default=None),
        forgets_at=hub.get_info(FORGETS_AT),
    )


def _history(hub: MessageHub, key: str) -> list[float]:
    return hub.get_scalar(key).data[0].tolist() if key in hub.log_scalars else []
