"""Exact: new classifiers beside a model that stays as it is, bit for bit (docs/teach.md)."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn
from torch.nn import functional

from ..labels import UNKNOWN, VOID
from ..models.classifier import SoftmaxClassifier
from ..models.method_registry import register_method
from ..models.segmentor import IncrementalSegmentor, evaluating
from ..models.softmax_head import SoftmaxHead
from ..models.widened_head import NewRows, widened
from .mib import unbiased_cross_entropy

# Batches by which the statistics of a step are known: they are means over thousands of pixels.
BATCHES = 8
# Bounds of the penalty: less is none, and more learns nothing.
LEAST, MOST = 1e-3, 3.0


class ExactClassifier(SoftmaxClassifier):
    """A softmax classifier of the feature, and behind it new rows that see more.

    Args:
        in_channels: D, channels of the head's feature.
        classes_per_step: Number of classes of each step; those of step 0 with the ``taken`` ones.
        background: Whether there is a background.
        maps: Channels of the backbone's maps.
        taken: Numbers of classes that step 0 has new rows for, from an earlier teach.
    """

    def __init__(
        self,
        in_channels: int,
        classes_per_step: Sequence[int],
        background: bool,
        maps: Sequence[int],
        taken: Sequence[int],
    ) -> None:
        first, *later = classes_per_step
        super().__init__(in_channels, [first - sum(taken)], background)
        wide = in_channels + sum(maps)
        self.num_old, self.num_seen = sum(classes_per_step[:-1]), sum(classes_per_step)
        self.taken = nn.ModuleList(NewRows(wide, count) for count in taken)
        self.steps.extend(NewRows(wide, count) for count in later)

    @property
    def seen_weight(self) -> Tensor:
        """``[C_0, D, 1, 1]`` of the feature alone."""
        return self.steps[0].weight

    @property
    def seen_bias(self) -> Tensor:
        """``[C_0]`` of the feature alone."""
        return self.steps[0].bias

    @property
    def rows(self) -> list[NewRows]:
        """The new rows of all teaches and steps, in the order of learning."""
        return [*self.taken, *self.steps[1:]]

    def forward(self, feature: Tensor) -> Tensor:
        """``[N, D + M, h, w]`` to logits ``[N, 1 + C, h, w]``, background first."""
        old = super().forward(feature[:, : self.in_channels])
        return torch.cat([old, *(rows(feature) for rows in self.rows)], 1)


@register_method
class ExactHead(SoftmaxHead):
    """New rows of the classifier learn, and nothing else does.

    The logits of all old classes do not change. So a pixel changes its class only where a new class
    has the highest logit, and then from an old class to a new one.

    A new row sees the feature of the head and the maps of the backbone: the head has learned to
    tell apart the old classes alone, the backbone more. The loss is MiB's Eq. 5 over the fixed old
    logits ``s``. With one new logit z, it is the logistic regression of ``z - log sum_c exp(s_c)``
    on whether the pixel shows the new class.

    The images of a step may show hardly any old class. Then they say little of what is not new, and
    the weights w must stay small: they cost ``penalty p^2 / r |w|^2``, with the shares p of pixels
    of new classes, and r of others in which the old model sees one of its classes. Inputs are
    scaled to a variance of 1 in the mean.

    Args:
        maps: Channels of the backbone's maps; new rows do not see them if omitted.
        taken: Numbers of classes that step 0 has from earlier teaches.
        penalty: 0 for none.
    """

    LATER_ONLY = ('penalty',)
    OPTIONAL_BACKGROUND = True
    PARTLY_LABELLED = True
    cost: Tensor

    def __init__(
        self, *, maps: Sequence[int] = (), taken: Sequence[int] = (), penalty: float = 0.5, **cfg
    ) -> None:
        self.maps, self.taken = maps, taken
        super().__init__(**cfg)
        self.penalty = penalty
        if self.step > 0:
            self.register_buffer('cost', torch.zeros(()))

    def make_classifier(self, in_channels: int, sizes: list[int]) -> ExactClassifier:
        """A softmax classifier, and new rows for each later step."""
        return ExactClassifier(in_channels, sizes, self.background, self.maps, self.taken)

    def feature(self, inputs: list[Tensor]) -> Tensor:
        """``[N, D + M, h, w]``: the head's, and behind it the maps of the backbone."""
        return widened(super().feature(inputs), inputs if self.maps else [])

    def prepare(self, model: nn.Module) -> None:
        """Freeze all but the new classifiers, those of auxiliary heads included."""
        if self.step > 0:
            heads = cast(IncrementalSegmentor, model).incremental_heads
            model.learn_only([f'{name}.conv_seg.steps.{self.step}.conv' for name in heads])

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """At zero."""
        started = super().start_new_classes(state, name, fresh)
        return started | {f'{name}.cost': fresh[f'{name}.cost']}

    @torch.no_grad()
    def before_step(self, model: Any, loader: Any) -> None:
        """Measure mean and scale of what the new rows see, and what their weights cost."""
        rows: NewRows = self.conv_seg.steps[-1]
        sums, squares = torch.zeros_like(rows.mean), torch.zeros_like(rows.mean)
        # Of all pixels, of those of new classes, and of others in which an old class is seen.
        counts = torch.zeros(3, device=sums.device)
        with evaluating(model):
            for _, batch in zip(range(BATCHES), loader, strict=False):
                data = model.data_preprocessor(batch, True)
                wide = self.feature(model.extract_feat(data['inputs'])).float()
                sums += wide.sum((0, 2, 3))
                squares += wide.square().sum((0, 2, 3))
                label = self._stack_batch_gt(data['data_samples'])
                small = functional.interpolate(label.float(), wide.shape[2:])[:, 0]
                said = self.conv_seg(wide)[:, : 1 + self.conv_seg.num_old].argmax(1)
                new = (small != UNKNOWN) & (small != VOID)
                old = (small == UNKNOWN) & (said > 0)
                counts += torch.stack([torch.ones_like(new).sum(), new.sum(), old.sum()])
        for each in (sums, squares, counts):
            all_reduce(each)
        mean = sums / counts[0]
        rows.mean.copy_(mean)
        rows.scale.copy_((squares / counts[0] - mean.square()).mean().sqrt())
        share, seen = counts[1] / counts[0], counts[2] / counts[0]
        cost = self.penalty * share.square() / seen.clamp(min=1e-6)
        self.cost.copy_(cost.clamp(LEAST, MOST) if self.penalty else cost)

    def loss_by_logits(
        self, logits: Tensor, label: Tensor, teacher: Any = None
    ) -> dict[str, Tensor]:
        """Both terms; at step 0 the ordinary cross entropy.

        Args:
            logits: ``[N, 1 + C, H, W]``.
            label: ``[N, H, W]``.
            teacher: Not asked.
        """
        if self.step == 0:
            return super().loss_by_logits(logits, label)
        unbiased = unbiased_cross_entropy(logits, label, self.conv_seg.num_old, self.avg_non_ignore)
        losses = dict(loss_ce=self.loss_decode.loss_weight * unbiased)
        if self.penalty:
            losses['loss_norm'] = self.cost * self.conv_seg.steps[-1].conv.weight.square().sum()
        return losses

    @property
    def num_taken(self) -> int:
        """How many of the classes of step 0 have new rows."""
        return sum(self.taken)

    def adopt(self, state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
        """Tensors of a :class:`.WidenedHead` by the names that they have here."""
        renamed = {}
        for key, tensor in state.items():
            key = key.replace(f'{name}.head.', f'{name}.')
            renamed[key.replace(f'{name}.rows.', f'{name}.conv_seg.taken.')] = tensor
        return renamed

    def plain_head(self, head: dict) -> dict:
        """A :class:`.WidenedHead`, once there are new rows."""
        rows = [each.conv.out_channels for each in self.conv_seg.rows]
        if not rows:
            return head
        stock = dict(head, num_classes=head['num_classes'] - sum(rows))
        return dict(type='WidenedHead', head=stock, rows=rows, maps=list(self.maps))

    def plain_tensors(self) -> dict[str, Tensor]:
        """Those of the stock head, and of the new rows."""
        own = {k: v for k, v in self.state_dict().items() if not k.startswith('conv_seg.')}
        own |= super().plain_tensors()
        if not self.conv_seg.rows:
            return own
        tensors = {f'head.{key}': tensor for key, tensor in own.items()}
        for number, rows in enumerate(self.conv_seg.rows):
            tensors |= {f'rows.{number}.{k}': v for k, v in rows.state_dict().items()}
        return tensors
