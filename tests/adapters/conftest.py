from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of converted models for all tests, so that each is converted once."""
    return tmp_path_factory.mktemp("models")
