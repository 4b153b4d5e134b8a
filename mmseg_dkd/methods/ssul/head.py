"""SSUL and, with a replay memory, SSUL-M."""

import torch
from torch import Tensor
from torch.nn import functional

from ...models.incremental_head import IncrementalHead
from ...models.losses import MultiBCELoss
from ...models.method_registry import register_method
from ...models.precision import float32_at_least
from .classifier import UnknownClassifiers
from .labels import with_pseudo_labels, with_unknown

KINDS = ('salient', 'unlabelled')
RESIZED = ('scores', 'logits')


def log_scores(logits: Tensor) -> Tensor:
    """Logarithms of the scores of background and classes.

    A class scores sigma of its logit, the background that of its own logit plus that of the
    unknown.

    Args:
        logits: ``[N, 2 + C, H, W]``: unknown, background, classes.

    Returns:
        ``[N, 1 + C, H, W]``, in float32 at least: half precision is too coarse for scores near 1.
    """
    logits = float32_at_least(logits)
    scores = functional.logsigmoid(logits)
    background = scores[:, :2].logsumexp(1, keepdim=True)
    return torch.cat([background, scores[:, 2:]], dim=1)


@register_method
class SSULHead(IncrementalHead):
    """Binary cross entropy of unknown, background and all classes; pseudo labels of old classes.

    What is frozen in later steps is up to the config: ``train_only`` of the segmentor.

    Args:
        unknown: Which pixels without a label are unknown: ``'salient'``, the ones that
            :class:`.LoadSaliency` has marked, while the others are background; ``'unlabelled'``,
            all of them, the authors' rule for ADE20K, which needs no maps.
        pseudo_threshold: Sigmoid from which on the old model labels a pixel, in (0, 1].
        resized: What a prediction resizes to the size of the image: ``'scores'``, in logarithms, as
            every head of mmseg would, or ``'logits'``, of which the scores are taken then, as in
            the released program. They differ between the centres of the feature's pixels.
        loss_decode: Sum over the channels, mean over the pixels that are not void.

    Raises:
        ValueError: If ``unknown`` or ``resized`` is neither of its two, or the threshold is no
            probability.
    """

    TASK_LOSS = MultiBCELoss
    # Step 0 has no pseudo labels.
    LATER_ONLY = ('pseudo_threshold',)

    def __init__(
        self,
        *,
        unknown: str = 'salient',
        pseudo_threshold: float = 0.7,
        resized: str = 'scores',
        loss_decode: dict | None = None,
        **cfg,
    ) -> None:
        if unknown not in KINDS:
            raise ValueError(f'unknown must be one of {KINDS}, got {unknown!r}')
        if not 0 < pseudo_threshold <= 1:
            raise ValueError(f'pseudo_threshold must be in (0, 1], got {pseudo_threshold}')
        if resized not in RESIZED:
            raise ValueError(f'resized must be one of {RESIZED}, got {resized!r}')
        loss_decode = loss_decode or dict(type='MultiBCELoss', void='ignored')
        super().__init__(loss_decode=loss_decode, **cfg)
        self.unknown = unknown
        self.pseudo_threshold = pseudo_threshold
        self.resized = resized

    def make_classifier(self, in_channels: int, sizes: list[int]) -> UnknownClassifiers:
        """A small network for each step, the unknown and the background."""
        return UnknownClassifiers(in_channels, sizes, self.norm_cfg)

    def prediction_of(self, feature: Tensor) -> Tensor:
        """Logarithms of the scores, ``[N, 1 + C, h, w]``."""
        return log_scores(self.conv_seg(feature))

    def predict(self, inputs: list[Tensor], batch_img_metas: list[dict], test_cfg: dict) -> Tensor:
        """Logarithms of the scores at the size of the images, ``[N, 1 + C, H, W]``."""
        if self.resized == 'scores':
            return super().predict(inputs, batch_img_metas, test_cfg)
        logits = self.conv_seg(self.feature(inputs))
        return log_scores(self.predict_by_feat(logits, batch_img_metas))

    def uncertainty(self, prediction: Tensor) -> Tensor:
        """One minus the score; of the background, whose score is a sum of two, at least -1."""
        return -prediction.expm1()

    def teacher_outputs(self, inputs: list[Tensor], student: 'SSULHead') -> Tensor:
        """The logits ``[N, 2 + C_old, h, w]``."""
        return float32_at_least(self.conv_seg(self.feature(inputs)))

    def loss_by_feat(
        self, feature: Tensor, batch_data_samples: list, teacher: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The cross entropy from the feature ``[N, D, h, w]``, at the size of the labels."""
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        target = with_unknown(label, self.unknown == 'unlabelled')
        if teacher is not None:
            target = with_pseudo_labels(target, teacher, self.pseudo_threshold)
        logits = self.conv_seg(feature)
        channels = range(1, 1 + logits.shape[1])
        return {self.loss_decode.loss_name: self.loss_decode(logits, target, channels)}

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """The new group starts as the unknown's, its statistics included; its last conv has the
        unknown's row for every new class."""
        started = super().start_new_classes(state, name, fresh)
        new, unknown = f'{name}.conv_seg.steps.{self.step}.', f'{name}.conv_seg.unknown.'
        for key, value in fresh.items():
            # Where it is missing, the hand-over lists it among what does not fit.
            taught = state.get(key.replace(new, unknown))
            if key.startswith(new) and taught is not None:
                started[key] = taught.expand_as(value).clone()
        return started
