import pytest
from real_servers import cannot_have, took_part
from servers import django_helpdesk, request_tracker


def _running(start, missing, name, tmp_path_factory):
    why = missing()
    if why:
        cannot_have(name, why)
    with start(tmp_path_factory.mktemp("server")) as server:
        took_part(name, server.version)
        yield server


@pytest.fixture(scope="session")
def request_tracker_server(tmp_path_factory):
    """One Request Tracker for all tests."""
    yield from _running(
        request_tracker.request_tracker,
        request_tracker.missing,
        "Request Tracker",
        tmp_path_factory,
    )


@pytest.fixture(scope="session")
def helpdesk_server(tmp_path_factory):
    """One django-helpdesk for all tests."""
    yield from _running(
        django_helpdesk.django_helpdesk,
        django_helpdesk.missing,
        "django-helpdesk",
        tmp_path_factory,
    )
