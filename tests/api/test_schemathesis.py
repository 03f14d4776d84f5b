"""What the OpenAPI document says is what is done, for requests that nobody thought of."""

import pytest
from fuzzing import fuzzed
from probing import World, world_over


@pytest.fixture
def world(small_homes, small_kb, tmp_path):
    """Two customers behind the doors."""
    with world_over(small_homes["proven"], small_kb, tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("who", "phases", "examples"), [("admin", ["coverage"], 1), ("customer", ["fuzzing"], 2)]
)
def test_the_doors_do_what_their_document_says(world: World, who, phases, examples):
    found = fuzzed(world.web, world.callers[who], phases=phases, examples=examples)
    assert found.requests > 60
    assert not found.errors
    assert not found.failures, found.examples
