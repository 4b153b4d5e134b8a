"""An ONNX file says what the checkpoint says, on any number of images of any size."""

import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.utils import digit_version
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_dkd.export import export
from mmseg_dkd.export.to_onnx import TORCH, write_onnx
from tests.tiny import REPOSITORY, shrink, write_outspoken
from tests.tools.test_export import images_of

onnxruntime = pytest.importorskip('onnxruntime', reason="needs pip install -e '.[export]'")
pytest.importorskip('onnxscript', reason="needs pip install -e '.[export]'")


@MODELS.register_module()
class TwoConvs(BaseModule):
    """A backbone that the exporter of torch is done with in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 80, 3, 2, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        return [self.layers(images)] * 4


@pytest.fixture(scope='module')
def small(scenes, tmp_path_factory):
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), scenes)
    cfg.model.backbone = dict(type='TwoConvs')
    return write_outspoken(cfg, 2, tmp_path_factory.mktemp('small'))


@pytest.mark.skipif(
    digit_version(torch.__version__) < digit_version(TORCH), reason=f'needs torch {TORCH}'
)
@pytest.mark.parametrize('kind', ['small', pytest.param('outspoken', marks=pytest.mark.slow)])
def test_onnx_says_what_the_checkpoint_says(kind, request, scenes, tmp_path):
    config, checkpoint = request.getfixturevalue(kind)
    (written,) = export(Config.fromfile(config), checkpoint, tmp_path / 'out', ['onnx'])
    assert written.path == tmp_path / 'out/outspoken_step_2.onnx'
    assert [f.name for f in (tmp_path / 'out').iterdir()] == ['outspoken_step_2.onnx']
    assert written.labels == 1 and written.difference < 1e-4
    session = onnxruntime.InferenceSession(written.path, providers=['CPUExecutionProvider'])
    model = init_model(str(config), str(checkpoint), 'cpu')
    torch.manual_seed(0)
    for shape in ((1, 3, 64, 64), (3, 3, 64, 96), (2, 3, 65, 47)):
        images = torch.randn(shape)
        with torch.no_grad():
            expected = model.encode_decode(images, [dict(img_shape=images.shape[2:])]).numpy()
        (logits,) = session.run(['logits'], dict(images=images.numpy()))
        assert logits.shape == (shape[0], 9, *shape[2:])
        np.testing.assert_allclose(logits, expected, atol=1e-4)
        np.testing.assert_array_equal(logits.argmax(1), expected.argmax(1))
    # The file alone says how an image is prepared and what the labels are.
    about = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    assert about['classes'] == list(model.dataset_meta['classes']) and about['channels'] == 'RGB'
    assert len(about['palette']) == 9
    for path in images_of(scenes):
        image = cv2.imread(path)[..., ::-1].astype(np.float32)
        image = (image - np.float32(about['mean'])) / np.float32(about['std'])
        (logits,) = session.run(None, dict(images=image.transpose(2, 0, 1)[None]))
        expected = inference_model(model, path).pred_sem_seg.data.numpy()
        np.testing.assert_array_equal(logits.argmax(1), expected)


def test_a_torch_that_cannot_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(torch, '__version__', '2.6.0')
    with pytest.raises(
        ImportError, match=r"torch 2\.6\.0: ONNX needs 2\.13\.0, pip install 'mmseg"
    ):
        write_onnx(nn.Identity(), tmp_path / 'model.onnx', {})
    assert not list(tmp_path.iterdir())
