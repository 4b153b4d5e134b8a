"""RECALL: a frozen encoder, helper decoders that label retrieved images, background inpainting."""

from collections.abc import Callable
from functools import partial
from itertools import accumulate

import torch
from mmengine.model import ModuleList
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from ...models.classifier import SoftmaxClassifier
from ...models.method_registry import register_method
from ...models.softmax_head import SoftmaxHead
from .labels import helper_label, helper_prediction, inpaint
from .retrieved import RETRIEVED

# Arguments that are not the base head's.
OF_METHOD = ('scenario', 'step', 'num_classes', 'loss_decode')


@register_method
class RECALLHead(SoftmaxHead):
    """Cross entropy on labels that the old model has completed (Maracani et al., ICCV 2021).

    The encoder, that is everything before the decode head, is trained at step 0 and frozen then.
    The decode head is the decoder and goes on learning. A helper decoder is a decode head for
    background and the classes of one step; it labels the images that are retrieved for these
    classes in later steps (:class:`.RetrievedReplay`). That of step 0 is the decoder at the end of
    step 0. That of a later step learns beside the step, from the step's own images and labels: on
    an encoder that is frozen this is the same as learning it by itself with the step's schedule.
    It is kept, frozen, from step to step.

    Raises:
        ValueError: If ``train_only`` is given after step 0, or an auxiliary head is of this kind.
    """

    def __init__(self, **cfg) -> None:
        super().__init__(**cfg)
        # Step 0 has none, so that it is the same as fine-tuning's.
        sizes = [len(step.bias) for step in self.conv_seg.steps] if self.step else []
        base = {key: value for key, value in cfg.items() if key not in OF_METHOD}
        kind = type(self).__bases__[1]
        self.helpers = ModuleList(_helper_decoder(kind, base, size) for size in sizes)

    def prepare(self, model: nn.Module) -> None:
        """Freeze, after step 0, the encoder and the helper decoders of earlier steps."""
        if self.step == 0:
            return
        if model.decode_head is not self:
            raise ValueError(
                'an auxiliary head cannot be a RECALLHead: it serves to train the encoder, which '
                "is frozen after step 0: write it as dict(type='SoftmaxHead', ...)"
            )
        if model.train_only is not None:
            raise ValueError(
                'RECALL trains the decode head after step 0 and freezes the rest by itself: leave '
                f'train_only={list(model.train_only)} out'
            )
        model.train_only = ['decode_head']
        decoder = {id(parameter) for parameter in self.parameters()}
        for parameter in model.parameters():
            if id(parameter) not in decoder:
                parameter.requires_grad_(False)
        self.helpers[:-1].requires_grad_(False)

    def teacher_outputs(
        self, inputs: list[Tensor], student: 'RECALLHead'
    ) -> Callable[[Tensor, list[int]], Tensor]:
        """:meth:`complete` on these maps: only the student knows which images are retrieved."""
        return partial(self.complete, inputs)

    @torch.no_grad()
    def complete(self, inputs: list[Tensor], label: Tensor, retrieved: list[int]) -> Tensor:
        """As the teacher: the labels, with what is unknown in them predicted.

        Args:
            inputs: Maps of the backbone.
            label: Integer ``[N, H, W]``: 0 unknown, 1 to C classes, 255 void.
            retrieved: Label of the class each image was retrieved for; 0 for images of the step,
                which are inpainted by the model itself.
        """
        predicted = torch.zeros_like(label)
        sizes = [len(step.bias) for step in self.conv_seg.steps]
        ends = [0, *accumulate(sizes)]
        # Step of each image's class; -1 for images of the step.
        steps = [sum(end < value for end in ends) - 1 for value in retrieved]
        for step in sorted(set(steps)):
            rows = [row for row, of in enumerate(steps) if of == step]
            decoder = self if step < 0 or self.step == 0 else self.helpers[step]
            logits = self.resize_to(decoder([maps[rows] for maps in inputs]), label)
            predicted[rows] = helper_prediction(logits, 1 + ends[max(step, 0)])
        return inpaint(label, predicted)

    def loss(
        self,
        inputs: list[Tensor],
        batch_data_samples: list,
        train_cfg: dict,
        teacher: Callable[[Tensor, list[int]], Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Cross entropy on the completed labels, and that of the step's helper decoder."""
        if teacher is None:
            return super().loss(inputs, batch_data_samples, train_cfg)
        label = self._stack_batch_gt(batch_data_samples).squeeze(1)
        retrieved = [sample.metainfo.get(RETRIEVED, 0) for sample in batch_data_samples]
        losses = self.loss_by_logits(self.resize_to(self(inputs), label), teacher(label, retrieved))
        # All images go through it, retrieved ones without labels: a BatchNorm needs a batch.
        no_label = torch.tensor(retrieved, device=label.device) > 0
        own = helper_label(label, self.new_labels, no_label)
        helper = self.helpers[-1]
        logits = self.resize_to(helper(inputs), label)
        return losses | dict(
            loss_helper=helper.loss_decode(logits, own, ignore_index=self.ignore_index)
        )

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """New classifiers and the step's helper decoder start at random; the decoder of step 0
        becomes its own helper decoder."""
        started = super().start_new_classes(state, name, fresh)
        own, helpers = f'{name}.', f'{name}.helpers.'
        if self.step == 1:
            started |= {
                f'{helpers}0.{key.removeprefix(own)}': value.clone()
                for key, value in state.items()
                if key.startswith(own)
            }
        new = f'{helpers}{self.step}.'
        return started | {key: value for key, value in fresh.items() if key.startswith(new)}


def _helper_decoder(kind: type[BaseDecodeHead], base: dict, size: int) -> BaseDecodeHead:
    """A decode head for background and ``size`` classes, with the names of a decoder of step 0."""
    loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    decoder = kind(num_classes=1 + size, loss_decode=loss, **base)
    decoder.conv_seg = SoftmaxClassifier(decoder.conv_seg.in_channels, [size])
    return decoder
