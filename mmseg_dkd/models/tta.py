"""Test-time augmentation for heads that answer with one sigmoid a class."""

from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample


@MODELS.register_module()
class IncrementalTTAModel(SegTTAModel):
    """Eq. 12 with the mean of every class's sigmoid over the augmentations.

    Background where no class's mean exceeds tau. mmseg's ``SegTTAModel`` averages a softmax over
    the channels instead, in which the classes compete, and tau with them.

    Args:
        module: The :class:`mmseg_dkd.models.IncrementalSegmentor`, or its config.
    """

    def merge_preds(self, data_samples_list: list[list[SegDataSample]]) -> list[SegDataSample]:
        """One sample an image, of the samples of its augmentations.

        ``seg_logits`` ``[1 + C, H, W]`` of each start with ``logit(tau)``, whose sigmoid is tau.
        The merged sample has ``pred_sem_seg`` ``[1, H, W]`` and no logits.
        """
        merged = []
        for samples in data_samples_list:
            # 1 - p: float32 still tells it apart where p itself is rounded to 1.
            against = sum((-sample.seg_logits.data).sigmoid() for sample in samples)
            sample = samples[0]
            del sample.seg_logits
            sample.pred_sem_seg = PixelData(data=against.argmin(dim=0, keepdim=True))
            merged.append(sample)
        return merged
