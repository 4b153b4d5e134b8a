# AdamW as mmseg's SegFormer and Swin recipes have it. A schedule takes it over with
# optimizer=dict(_delete_=True, **_base_.adamw) and custom_keys=_base_.adamw_keys.
adamw = dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01)
adamw_keys = {
    # No weight decay on LayerNorm and position embeddings. mmseg's keys pos_block and
    # absolute_pos_embed are left out: neither network has such a parameter.
    'norm': dict(decay_mult=0.0),
    'relative_position_bias_table': dict(decay_mult=0.0),
    # The LayerNorm behind each stage of MiT, which has no name that 'norm' would find.
    'backbone.layers.0.2.': dict(decay_mult=0.0),
    'backbone.layers.1.2.': dict(decay_mult=0.0),
    'backbone.layers.2.2.': dict(decay_mult=0.0),
    'backbone.layers.3.2.': dict(decay_mult=0.0),
    # mmseg's SegFormer and DKD's program: ten times the lr for everything behind the backbone.
    'head': dict(lr_mult=10.0)
}
