"""The ASPP head of the SSUL authors' network."""

from mmseg.registry import MODELS

from ...models.official_aspp_head import OfficialASPPHead


@MODELS.register_module()
class ProjectedASPPHead(OfficialASPPHead):
    """Branches, 1x1 projection and dropout.

    The 3x3 conv that :class:`.OfficialASPPHead` has behind them is each class group's own in SSUL.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.bottleneck = self.bottleneck[:2]
