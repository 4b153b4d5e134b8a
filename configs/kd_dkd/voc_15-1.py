# The second row of Table 3: mBCE, KD and DKD, new classifiers at random.
# The auxiliary classifier is trained beside and not used: step 0 is the same in every row.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/kd_dkd/voc_15-1.py 4
_base_ = '../dkd/voc_15-1.py'
model = dict(decode_head=dict(init='random'))
