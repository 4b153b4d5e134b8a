# Joint training on ADE20K: all 150 classes at once, with the recipe of step 0, the upper bound of
# Table 2. Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/joint/ade_all.py 4
_base_ = '../dkd/ade_100-50.py'
scenario = dict(name='joint', num_classes=150, has_background=False)
model = dict(
    decode_head=dict(
        scenario=scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
