import pytest
from real_servers import cannot_have, took_part
from servers import django_helpdesk, request_tracker


def _set_up(server, name, built_once):
    """A folder for a server; what is in it takes seconds, and is made once for all tests."""
    why = server.missing()
    if why:
        cannot_have(name, why)
    # No space in it: a shell script lies there.
    return built_once(name.replace(" ", "-"), server.set_up)


@pytest.fixture(scope="session")
def request_tracker_server(built_once):
    """One Request Tracker for all tests."""
    folder = _set_up(request_tracker, "Request Tracker", built_once)
    with request_tracker.request_tracker(folder) as server:
        took_part("Request Tracker", server.version)
        yield server


@pytest.fixture
def request_tracker_folder(built_once):
    """What a Request Tracker of one test begins with."""
    return _set_up(request_tracker, "Request Tracker", built_once)


@pytest.fixture
def helpdesk_folder(built_once):
    """What a django-helpdesk of one test begins with."""
    return _set_up(django_helpdesk, "django-helpdesk", built_once)


@pytest.fixture(scope="session")
def helpdesk_server(built_once):
    """One django-helpdesk for all tests."""
    folder = _set_up(django_helpdesk, "django-helpdesk", built_once)
    with django_helpdesk.django_helpdesk(folder) as server:
        took_part("django-helpdesk", server.version)
        yield server
