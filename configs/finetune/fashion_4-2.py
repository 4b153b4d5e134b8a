# Fine-tuning (cross entropy and nothing else) on the embedded demo set: 4 classes, then 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/finetune/fashion_4-2.py
_base_ = [
    '../_base_/tasks/fashion_4-2.py', '../_base_/schedules/fashion.py',
    '../_base_/methods/softmax.py'
]
model = dict(decode_head=_base_.method)
