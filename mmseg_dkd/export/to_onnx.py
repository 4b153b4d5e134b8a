"""A plain model as ONNX."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.utils import digit_version
from mmseg.models import EncoderDecoder
from torch import Tensor, nn

# Of 2.4 and 2.6 it is known that their exporters cannot leave H and W free.
TORCH = '2.13.0'


class Logits(nn.Module):
    """Images ``[N, 3, H, W]`` to logits ``[N, 1 + C, H, W]``, as mmseg's whole mode does."""

    def __init__(self, model: EncoderDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Logits in the size of the images, which are normalised already."""
        return self.model.encode_decode(images, [dict(img_shape=images.shape[2:])])


def write_onnx(model: EncoderDecoder, path: Path, about: dict) -> Callable[[Tensor], Tensor]:
    """Write a file of ``images`` ``[N, 3, H, W]`` to ``logits`` ``[N, 1 + C, H, W]``, float32.

    N, H and W are free.

    Args:
        model: On the CPU, in eval mode.
        path: The file.
        about: Plain data for the metadata of the file, each value as JSON.

    Returns:
        What onnxruntime makes of the file, as a function from images to logits.

    Raises:
        ImportError: If one of the packages is not installed, or torch is older than 2.13.
    """
    if digit_version(torch.__version__) < digit_version(TORCH):
        raise ImportError(
            f"torch {torch.__version__}: ONNX needs {TORCH}, pip install 'mmseg_dkd[export]'"
        )
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(f"{error}: ONNX needs pip install 'mmseg_dkd[export]'") from error
    free = {0: torch.export.Dim('N'), 2: torch.export.Dim('H'), 3: torch.export.Dim('W')}
    program = torch.onnx.export(
        Logits(model).eval(),
        (torch.zeros(2, 3, 128, 96),),
        dynamo=True,
        verbose=False,
        dynamic_shapes=(free,),
        input_names=['images'],
        output_names=['logits'],
    )
    program.model.metadata_props.update({key: json.dumps(value) for key, value in about.items()})
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return lambda images: torch.from_numpy(session.run(None, dict(images=images.numpy()))[0])
