import pytest

from kbsupport.quality.personal import PersonalData


@pytest.fixture(scope="session")
def personal():
    """Presidio, loaded once; it knows numbers of orders and tickets for ours."""
    found = PersonalData([r"\b[A-Z]{2,5}-\d{5,10}\b", r"\bt-\d+\b"])
    found.warm()
    return found
