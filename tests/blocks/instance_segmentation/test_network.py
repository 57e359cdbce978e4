"""The inference path against the forward pass that transformers ships."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers.models.rf_detr.configuration_rf_detr import RfDetrConfig
from transformers.models.rf_detr.modeling_rf_detr import RfDetrForInstanceSegmentation

from blocks.instance_segmentation.architecture import built
from blocks.instance_segmentation.backends.interface import mask_logits
from blocks.instance_segmentation.loading import resized_positions
from blocks.instance_segmentation.names import POSITIONS, for_inference, to_modules
from blocks.instance_segmentation.network import Network
from blocks.instance_segmentation.variants import GROUPS, Variant
from tests.blocks.instance_segmentation.tiny import MEDIUM, NANO, QUERIES, SMALL, state_dict

VARIANTS = pytest.mark.parametrize("variant", [NANO, SMALL, MEDIUM], ids=lambda variant: variant.name)


def modules(variant: Variant, *, side: int | None = None) -> Any:
    """Return the modules of a variant with deterministic weights, built without going through the loader."""
    config = variant.config(resolution=side or variant.resolution, queries=QUERIES, logits=4, groups=1)
    network: Any = RfDetrForInstanceSegmentation(RfDetrConfig.from_dict(config))
    network.load_state_dict(for_inference(to_modules(state_dict(variant, side=side)), queries=QUERIES))
    network.eval()
    return network


def pictures(side: int) -> torch.Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(5))


@VARIANTS
def test_gives_what_transformers_gives(variant: Variant) -> None:
    reference = modules(variant)
    pixels = pictures(variant.resolution)
    with torch.inference_mode():
        expected = reference(pixels)
        network = Network(reference, device="cpu")
        detected = network.detect(pixels)
        maps = network.mask_features(detected.features)
        queries = network.mask_queries(detected.queries)
        masks = [torch.from_numpy(mask_logits(q.numpy(), m.numpy())) for q, m in zip(queries, maps, strict=True)]
    torch.testing.assert_close(detected.logits, expected.logits, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(detected.boxes, expected.pred_boxes, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(torch.stack(masks), expected.pred_masks, atol=1e-4, rtol=1e-5)


@VARIANTS
def test_the_names_are_those_that_transformers_maps_upstreams_to(variant: Variant) -> None:
    """Its own loader, given the checkpoint of upstream's form, must end up with the same weights."""
    state = state_dict(variant)
    config = variant.config(resolution=variant.resolution, queries=QUERIES, logits=4, groups=GROUPS)
    theirs: Any = RfDetrForInstanceSegmentation.from_pretrained(
        None, config=RfDetrConfig.from_dict(config), state_dict=dict(state)
    )
    ours = to_modules(state)
    expected = theirs.state_dict()
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in expected.items())


def test_positions_resized_once_are_those_that_transformers_resizes_at_every_call() -> None:
    reference = modules(NANO)
    pixels = pictures(72)
    state = reference.state_dict()
    state[POSITIONS] = resized_positions(state[POSITIONS], 72 // NANO.patch)
    resized = built(NANO.config(resolution=72, queries=QUERIES, logits=4, groups=1), where="here")
    resized.load_state_dict(state, assign=True)
    with torch.inference_mode():
        expected = reference(pixels)
        detected = Network(resized, device="cpu").detect(pixels)
    torch.testing.assert_close(detected.logits, expected.logits, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(detected.boxes, expected.pred_boxes, atol=2e-5, rtol=1e-5)


def test_positions_of_the_right_size_stay_as_they_are() -> None:
    positions = state_dict(NANO)["backbone.0.encoder.encoder.embeddings.position_embeddings"]
    assert resized_positions(positions, 4) is positions


def test_only_the_first_group_and_its_first_queries_are_kept() -> None:
    state = to_modules(state_dict(NANO, queries=9))
    kept = for_inference(state, queries=QUERIES)
    assert {name for name in kept if "enc_out" in name} == {
        name for name in state if "enc_out" in name and ".0." in name[:40]
    }
    assert torch.equal(kept["model.model.query_feat.weight"], state["model.model.query_feat.weight"][:QUERIES])
    assert kept["model.model.reference_point_embed.weight"].shape == (QUERIES, 4)
