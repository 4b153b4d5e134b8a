# Joint training on PASCAL VOC 2012: all 20 classes at once, with the recipe of step 0, the upper bound
# of Table 1. Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/joint/voc_all.py 4
_base_ = '../dkd/voc_15-5.py'
scenario = dict(name='joint', num_classes=20)
model = dict(
    decode_head=dict(
        scenario=scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
