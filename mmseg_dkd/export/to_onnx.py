"""A plain model as ONNX."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from mmseg.models import EncoderDecoder
from torch import Tensor, nn


class Logits(nn.Module):
    """Images ``[N, 3, H, W]`` to logits ``[N, 1 + C, H, W]``, as mmseg's whole mode does."""

    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Logits in the size of the images, which are normalised already."""
        return self.model.encode_decode(images, [dict(img_shape=images.shape[2:])])


def write_onnx(
    model: EncoderDecoder, path: Path, classes: list[str], palette: list[list[int]]
) -> Callable[[Tensor], Tensor]:
    """Write ``images`` float32 ``[N, 3, H, W]`` to ``logits`` ``[N, 1 + C, H, W]``.

    N, H and W are free. The file's metadata has, as JSON, ``classes``, ``palette`` and how images
    are to be normalised: ``mean`` and ``std`` of the channels, 0 to 255, in the order
    ``channels``.

    Args:
        model: In eval mode.
        path: The file.
        classes: Names of the 1 + C classes.
        palette: Their colours.

    Returns:
        What onnxruntime makes of the file, as a function from images to logits.

    Raises:
        ImportError: If one of the packages is not installed.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(f"{error}: ONNX needs pip install 'mmseg_dkd[export]'") from error
    free = {0: torch.export.Dim('N'), 2: torch.export.Dim('H'), 3: torch.export.Dim('W')}
    program = torch.onnx.export(
        Logits(model),
        (torch.zeros(2, 3, 128, 96),),
        dynamo=True,
        verbose=False,
        dynamic_shapes=(free,),
        input_names=['images'],
        output_names=['logits'],
    )
    prep = model.data_preprocessor
    about = dict(
        classes=classes,
        palette=palette,
        mean=prep.mean.flatten().tolist(),
        std=prep.std.flatten().tolist(),
        channels='RGB' if prep.channel_conversion else 'BGR',
    )
    program.model.metadata_props.update({key: json.dumps(value) for key, value in about.items()})
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return lambda images: torch.from_numpy(session.run(None, dict(images=images.numpy()))[0])
