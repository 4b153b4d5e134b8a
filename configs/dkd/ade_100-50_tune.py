# DKD on ADE20K, 100-50, for choosing hyper-parameters as the paper does (4.1): trained on four fifths
# of the training images, tested on the others; the validation images are not looked at.
# Needs what ade_100-50.py needs.
#   tools/dist_train.sh configs/dkd/ade_100-50_tune.py 4
_base_ = './ade_100-50.py'
train_dataloader = dict(dataset=dict(part='fit'))
test_dataloader = dict(
    dataset=dict(
        part='held',
        dataset=dict(
            data_prefix=dict(
                img_path='images/training',
                seg_map_path='annotations/training'))))
