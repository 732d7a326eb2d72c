"""Encoders of every family: any bands, any size, gradients, a step, and ONNX."""

import copy
import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional

from landcover.classes.class_table import ClassTable
from landcover.images.image_spec import ImageSpec
from landcover.models.encoders import Backbone
from landcover.models.folding import fold_batch_norm
from landcover.models.networks import Architecture, build

FAMILIES = {
    "VGG": ("vgg11", "vgg13_bn"),
    "ResNet": ("resnet18", "resnet26d", "resnext26ts", "resnetv2_50d", "nf_resnet26", "res2net50_14w_8s"),
    "ResNet with attention": ("seresnext26d_32x4d", "ecaresnet26t", "skresnet18", "resnest14d", "gcresnext26ts"),
    "DenseNet": ("densenet121",),
    "DLA": ("dla34",),
    "HRNet": ("hrnet_w18_small",),
    "CSPNet": ("cspresnet50", "cs3darknet_s"),
    "VoVNet": ("ese_vovnet19b_dw",),
    "MobileNet": (
        *("mobilenetv1_100", "mobilenet_v2", "mobilenet_v3_large", "mobilenetv3_small_100"),
        *("mobilenetv4_conv_small", "mobilenetv4_hybrid_medium", "mnasnet_100", "lcnet_050"),
    ),
    "EfficientNet": ("efficientnet_b0", "tf_efficientnet_lite0", "efficientnetv2_rw_t", "tf_efficientnetv2_b0"),
    "GhostNet": ("ghostnet_100", "ghostnetv2_100"),
    "RegNet": ("regnetx_002", "regnety_002", "regnetz_b16"),
    "ReXNet": ("rexnet_100",),
    "RepVGG": ("repvgg_a0", "mobileone_s0", "repvit_m0_9", "repghostnet_050"),
    "HGNet": ("hgnet_tiny", "hgnetv2_b0"),
    "NFNet": ("eca_nfnet_l0",),
    "ConvNeXt": ("convnext_atto", "convnextv2_atto", "convnext_tiny"),
    "FastViT": ("fastvit_t8",),
    "EdgeNeXt": ("edgenext_xx_small",),
    "EfficientViT": ("efficientvit_b0", "efficientvit_m0"),
    "MobileViT": ("mobilevit_xxs", "mobilevitv2_050"),
    "MetaFormer": ("poolformerv2_s12", "caformer_s18"),
    "PVT": ("pvt_v2_b0",),
    "Swin": ("swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256"),
    "ViT": ("vit_tiny_patch16_224", "deit_tiny_patch16_224", "eva02_tiny_patch14_224"),
}
QUICK = ("mobilenetv4_conv_small", "regnety_002", "convnext_atto", "efficientvit_b0", "vit_tiny_patch16_224")
ENCODERS = [
    pytest.param(name, (1, 4, 10, 13)[i % 4], marks=() if name in QUICK else pytest.mark.long)
    for i, name in enumerate(name for names in FAMILIES.values() for name in names)
]
