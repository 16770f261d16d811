"""Build Segment Anything models: the small one (TinyViT image encoder) that ships, and vit_b/l/h by option.

Both are segment_anything's own ``Sam`` (Kirillov et al. 2023); only the image encoder differs. The small one is
the model of Zhang et al. 2023 ("Faster Segment Anything"), with ultralytics' implementation of TinyViT.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from preprocess.errors import WeightsError
from preprocess.torchvision_ops import ensure_torchvision_ops
from preprocess.weights import CHECKPOINTS, sha256, verified
from preprocess.yolo import ultralytics_at_bay

SMALL = "mobile-sam"
LARGE_FILES = {  # published by the segment-anything project
    "vit_b": "sam_vit_b_01ec64.pth",
    "vit_l": "sam_vit_l_0b3195.pth",
    "vit_h": "sam_vit_h_4b8939.pth",
}
SEGMENTERS = (SMALL, *LARGE_FILES)
_CLASSIFIER = ("image_encoder.head.weight", "image_encoder.head.bias")  # TinyViT's ImageNet head, never used by SAM

_IMAGE_SIDE = 1024  # pixels of SAM's input square
_GRID = 64  # cells of its embedding
_WIDTH = 256  # channels of its embedding


def build_small_sam() -> torch.nn.Module:
    """SAM's prompt encoder and mask decoder around a TinyViT, untrained; ``segment_anything.modeling.Sam``."""
    with ultralytics_at_bay():
        from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
        from ultralytics.models.sam.modules.tiny_encoder import TinyViT

    encoder = TinyViT(
        img_size=_IMAGE_SIDE,
        num_classes=0,
        embed_dims=(64, 128, 160, 320),
        depths=(2, 2, 6, 2),
        num_heads=(2, 4, 5, 10),
        window_sizes=(7, 7, 14, 7),
        drop_path_rate=0.0,
    )
    prompts = PromptEncoder(
        embed_dim=_WIDTH,
        image_embedding_size=(_GRID, _GRID),
        input_image_size=(_IMAGE_SIDE, _IMAGE_SIDE),
        mask_in_chans=16,
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(depth=2, embedding_dim=_WIDTH, mlp_dim=2048, num_heads=8),
        transformer_dim=_WIDTH,
    )
    return Sam(encoder, prompts, decoder).eval()


def load_sam(name: str = SMALL, checkpoints: Path = CHECKPOINTS, device: str = "cpu") -> torch.nn.Module:
    """A trained SAM, ready for ``SamPredictor``.

    Args:
        name: "mobile-sam" (ships with the project), or "vit_b", "vit_l", "vit_h" (download them yourself).
        checkpoints: the folder that holds ``mobile-sam/`` or ``sam/<published file>``.
        device: torch device.

    Raises:
        WeightsError: unknown name, missing or altered file.
    """
    if name == SMALL:
        from safetensors.torch import load_file

        sam = build_small_sam()
        state = load_file(verified(SMALL, checkpoints))
        sam.load_state_dict({key: v.float() if v.is_floating_point() else v for key, v in state.items()}, strict=True)
        return sam.to(device).eval()
    if name not in LARGE_FILES:
        raise WeightsError(f"There is no segmenter {name!r}: choose one of {', '.join(SEGMENTERS)}.")
    path = checkpoints / "sam" / LARGE_FILES[name]
    if not path.is_file():
        raise WeightsError(
            f"The weights of the segmenter {name!r} are not here: download {path.name} from the segment-anything "
            f"project into {checkpoints.name}/sam/, or use the segmenter {SMALL!r}."
        )
    ultralytics_at_bay()
    ensure_torchvision_ops()
    from segment_anything import sam_model_registry

    sam = sam_model_registry[name]()
    sam.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    return sam.to(device).eval()


def convert(source: Path, target: Path) -> str:
    """Write a small-SAM checkpoint (.pt) as safetensors: matrices in fp16, vectors and statistics in fp32, no
    classification head.

    Returns:
        The SHA-256 of the written file.
    """
    from safetensors.torch import save_file

    state = torch.load(source, map_location="cpu", weights_only=True)
    state = {key: value for key, value in state.items() if key not in _CLASSIFIER}
    half = {key: v.half() if v.is_floating_point() and v.dim() > 1 else v for key, v in state.items()}
    save_file({key: v.contiguous() for key, v in half.items()}, target)
    return sha256(target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Convert mobile_sam.pt into the safetensors file that ships.")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    sys.stdout.write(convert(options.source, options.target) + "\n")
