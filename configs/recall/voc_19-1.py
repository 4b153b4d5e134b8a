# RECALL on PASCAL VOC 2012, 19-1, overlapped: 19 classes, then 1 (two steps).
# Needs what configs/recall/voc_15-5.py needs, and images of all classes but the last in data/recall.
#   python tools/incremental_train.py configs/recall/voc_19-1.py
_base_ = './voc_15-5.py'
scenario = dict(name='19-1', num_classes=20)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=5e-6,
        begin=0,
        end=28500,
        by_epoch=False)
]
train_cfg = dict(max_iters=28500)
later_steps = dict(
    param_scheduler=[
        dict(
            type='PolyLR',
            power=0.9,
            eta_min=5e-6,
            begin=0,
            end=1500,
            by_epoch=False)
    ],
    train_cfg=dict(max_iters=1500))
