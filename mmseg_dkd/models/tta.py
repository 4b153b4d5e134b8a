"""Test-time augmentation, whatever the method."""

from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample


@MODELS.register_module()
class IncrementalTTAModel(SegTTAModel):
    """The class of the highest probability, in the mean over the augmentations.

    For a :class:`.SigmoidHead` that is Eq. 12: background where no class's mean sigmoid exceeds
    tau. mmseg's ``SegTTAModel`` averages a softmax over the channels instead, in which the classes
    compete, and tau with them.

    Args:
        module: The :class:`.IncrementalSegmentor`, or its config.
    """

    def merge_preds(self, data_samples_list: list[list[SegDataSample]]) -> list[SegDataSample]:
        """One sample per image, from the samples of its augmentations.

        ``seg_logits`` of each is ``[1 + C, H, W]``. The merged sample has ``pred_sem_seg``
        ``[1, H, W]`` and no logits.
        """
        merged = []
        for samples in data_samples_list:
            against = sum(self.module.decode_head.uncertainty(s.seg_logits.data) for s in samples)
            sample = samples[0]
            del sample.seg_logits
            sample.pred_sem_seg = PixelData(data=against.argmin(dim=0, keepdim=True))
            merged.append(sample)
        return merged
