import pytest
from fastapi.testclient import TestClient

from kbsupport.access.keys import Wish
from kbsupport.api.web import create
from kbsupport.model import Role

PASSWORD = "how do i reset the password"  # what the proven home answers alone


@pytest.fixture
def client(proven_app):
    """The API over a few articles with a certificate, in this process."""
    with TestClient(create(proven_app), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def key_for(proven_app):
    """Make a key and give the header that shows it."""

    def make(role: Role | str = Role.ADMIN, **wish) -> dict[str, str]:
        role = Role(role)
        if role is Role.CUSTOMER and not wish.get("visitors"):
            wish.setdefault("customer_id", "C-1")
        if role in {Role.SPECIALIST, Role.LEAD}:
            wish.setdefault("specialist_id", proven_app.people.rota().lead.id)
        _, text = proven_app.lobby.keys.add(Wish("test", role, **wish), "test")
        return {"Authorization": f"Bearer {text}"}

    return make
