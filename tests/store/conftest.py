import pytest

from kbsupport.store.database import Database


@pytest.fixture
def database(tmp_path):
    """An empty database."""
    made = Database(tmp_path / "kbsupport.db")
    yield made
    made.close()
