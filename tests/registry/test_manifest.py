"""The schema of a manifest: what is wrong is named, first fault first, and shares must be those of their counts."""

from __future__ import annotations

import json

import pytest
from made import MANIFEST_FIELDS

from mnistlab.common.errors import CheckpointError
from mnistlab.registry.manifest import parse_manifest


def parse(**changes: object) -> None:
    parse_manifest(json.dumps({**MANIFEST_FIELDS, **changes}).encode())


@pytest.mark.parametrize("field", ["value", "low", "high"])
@pytest.mark.parametrize("away", [-1e-5, 1e-5])
def test_each_share_of_a_metric_must_be_that_of_its_counts(field, away):
    metric = dict(MANIFEST_FIELDS["metrics"]["validation"])
    parse(metrics={"validation": {**metric, field: metric[field] + away / 100}})
    with pytest.raises(CheckpointError, match="value, low and high are not those of 4900 right of 5000"):
        parse(metrics={"validation": {**metric, field: metric[field] + away}})


def test_the_first_fault_is_named_and_cut():
    with pytest.raises(CheckpointError) as caught:
        parse(version="x", parameters=0)
    assert str(caught.value).startswith("the manifest is not valid at version: ")
    with pytest.raises(CheckpointError) as caught:
        parse(**{"k" * 500: 1})
    assert len(str(caught.value)) < 400
    with pytest.raises(CheckpointError, match="not valid at the top level: metrics lacks validation"):
        parse(metrics={})
