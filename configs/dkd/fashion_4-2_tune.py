# DKD on the embedded demo set, for choosing hyper-parameters: trained on four fifths of the training
# scenes, tested on the others, whose products occur nowhere else; the validation scenes are not
# looked at.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_tune.py
_base_ = './fashion_4-2.py'
train_dataloader = dict(
    dataset=dict(
        dataset=dict(ann_file='ImageSets/Segmentation/train_fit.txt')))
test_dataloader = dict(
    dataset=dict(
        dataset=dict(ann_file='ImageSets/Segmentation/train_held.txt')))
