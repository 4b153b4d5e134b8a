"""Prediction by a softmax over background and the seen classes."""

from typing import Any

import torch
from mmseg.models.losses import CrossEntropyLoss
from mmseg.models.utils import resize
from torch import Tensor

from ..labels import UNKNOWN, VOID
from .classifier import NEVER, SoftmaxClassifier
from .incremental_head import IncrementalHead
from .precision import float32_at_least

VOIDS = ('ignored', 'unknown')
MEAN_OF_KNOWN = dict(type='CrossEntropyLoss', avg_non_ignore=True)


def pixels_in_mean(label: Tensor, avg_non_ignore: bool) -> Tensor:
    """Number of pixels, at least 1, that a cross entropy of labels ``[N, H, W]`` is divided by.

    Args:
        label: 255 for pixels that cost nothing.
        avg_non_ignore: Whether these are left out of the mean; mmseg's name for it.
    """
    counted = label != VOID if avg_non_ignore else torch.ones_like(label)
    return counted.sum().clamp(min=1)


class SoftmaxHead(IncrementalHead):
    """The ground of all methods with a softmax. Alone it forgets: unknown is background.

    Args:
        void: What void pixels are in training: ``'ignored'``, or ``'unknown'``, that is background
            or a class of another step, as in the released programs of MiB and SDR.
        loss_decode: mmseg's cross entropy. With ``avg_non_ignore``, as in the default, it is the
            mean over the pixels that are not ignored; without, ignored pixels cost nothing and
            count in the mean, as in the released programs of PLOP and RCIL.
        **cfg: As for :class:`.IncrementalHead`.

    Raises:
        ValueError: If ``void`` is something else, the loss has weights of classes or a sigmoid, or
            the method needs a background and the scenario has none.
    """

    TASK_LOSS = CrossEntropyLoss
    # A method's own: whether it knows what to do without a background.
    OPTIONAL_BACKGROUND = False

    def __init__(self, *, void: str = 'ignored', loss_decode: dict | None = None, **cfg) -> None:
        if void not in VOIDS:
            raise ValueError(f'void must be one of {VOIDS}, got {void!r}')
        super().__init__(loss_decode=loss_decode or MEAN_OF_KNOWN, **cfg)
        if not (self.background or self.OPTIONAL_BACKGROUND):
            raise ValueError(
                f"scenario.unlabelled='ignored', but {type(self).__name__} compares new classes "
                'with the background: leave it out, or choose MiBHead'
            )
        self.void = void
        self.avg_non_ignore = self.loss_decode.avg_non_ignore
        if self.loss_decode.class_weight is not None:
            raise ValueError(
                f'loss_decode.class_weight={self.loss_decode.class_weight}: the number of classes '
                'grows from step to step, so there are no weights of all of them: leave it out'
            )
        if self.loss_decode.use_sigmoid or self.loss_decode.use_mask:
            raise ValueError(
                'loss_decode.use_sigmoid or use_mask is True, but the classes are compared by a '
                'softmax: leave both out'
            )

    def _stack_batch_gt(self, batch_data_samples: list) -> Tensor:
        # Here, so that nothing of a method sees void that is not to.
        label = super()._stack_batch_gt(batch_data_samples)
        if self.step == 0 and not self.background:
            # There is nothing that an unlabelled pixel could be.
            return torch.where(label == UNKNOWN, VOID, label)
        return torch.where(label == VOID, UNKNOWN, label) if self.void == 'unknown' else label

    def make_classifier(self, in_channels: int, sizes: list[int]) -> SoftmaxClassifier:
        """One 1x1 convolution per step, and one of the background, where it can be predicted."""
        return SoftmaxClassifier(in_channels, sizes, self.background)

    def prediction_of(self, feature: Tensor) -> Tensor:
        """Logits of the softmax, ``[N, 1 + C, h, w]``."""
        return self.conv_seg(feature)

    def as_convolution(self) -> tuple[Tensor, Tensor]:
        """The classifiers, behind that of the background where there is one."""
        first, others = self.conv_seg.background, self.conv_seg
        weight, bias = others.seen_weight, others.seen_bias
        if first is None:
            return weight, bias
        return torch.cat([first.weight, weight]), torch.cat([first.bias, bias])

    def from_softmax(self, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
        """As they are."""
        parts = {'weight': weight, 'bias': bias}
        taken = {f'steps.0.{name}': part[self.background :] for name, part in parts.items()}
        if self.background:
            taken |= {f'background.{name}': part[:1] for name, part in parts.items()}
        return taken

    def uncertainty(self, prediction: Tensor) -> Tensor:
        """One minus the softmax."""
        return 1 - prediction.softmax(-3)

    def loss_by_feat(
        self, feature: Tensor, batch_data_samples: list, teacher: Any = None
    ) -> dict[str, Tensor]:
        """The terms from the feature ``[N, D, h, w]``, at the size of the labels."""
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        logits = self.resize_to(self.prediction_of(feature), label)
        # What nobody looked for is no candidate for any pixel of the image: it has no gradient.
        absent = [sorted({*self.new_labels} - {*n}) for n in self.looked_for(batch_data_samples)]
        if any(absent):
            mask = torch.zeros(logits.shape[:2], dtype=torch.bool)
            for row, labels in enumerate(absent):
                mask[row, labels] = True
            logits = logits.masked_fill(mask[:, :, None, None].to(logits.device), NEVER)
        return self.loss_by_logits(logits, label, teacher)

    def loss_by_logits(
        self, logits: Tensor, label: Tensor, teacher: Any = None
    ) -> dict[str, Tensor]:
        """A method's own: the terms.

        Args:
            logits: ``[N, 1 + C, H, W]``.
            label: ``[N, H, W]``.
            teacher: From the teacher's :meth:`.IncrementalHead.teacher_outputs`; None at step 0.
        """
        loss = self.loss_decode(logits, label, ignore_index=self.ignore_index)
        return {self.loss_decode.loss_name: loss}

    def resize_to(self, maps: Tensor, label: Tensor) -> Tensor:
        """Maps ``[N, C, h, w]`` at the size of the labels ``[N, H, W]``, in float32 at least."""
        size = label.shape[-2:]
        return resize(
            float32_at_least(maps), size, mode='bilinear', align_corners=self.align_corners
        )

    @classmethod
    def choices(cls, cfg: dict) -> dict:
        """The method's arguments, and ``avg_non_ignore`` of its cross entropy."""
        loss = cfg.get('loss_decode') or MEAN_OF_KNOWN
        return super().choices(cfg) | dict(avg_non_ignore=loss.get('avg_non_ignore', False))

    @classmethod
    def first_step(cls, cfg: dict) -> dict:
        """Cross entropy, as long as there is no old class: that of all methods on this ground.

        A method whose step 0 is another training overrides this.
        """
        return super().first_step(cfg) | dict(type=SoftmaxHead.__name__)
