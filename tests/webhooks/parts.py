"""What the doors need of webhooks, where an app of a test has a help desk of its own."""

import socket
import threading
from contextlib import contextmanager

import uvicorn
from api.serving import _wait

from kbsupport.adapters.fenced import FencedPost
from kbsupport.api import serving
from kbsupport.api.doors import all_routers
from kbsupport.api.routes import events, hooks, webhooks
from kbsupport.api.web import create
from kbsupport.inbound import Inbound
from kbsupport.mirror import Mirror
from kbsupport.outbox import Outbox
from kbsupport.store.audit import read_key
from kbsupport.webhooks.bells import Bells
from kbsupport.webhooks.dispatching import Dispatcher
from kbsupport.webhooks.spreading import Spreader
from kbsupport.webhooks.webhooks import Webhooks


def given(app, help_desk=None):
    """The app with webhooks that may call this machine, and this help desk."""
    people, lobby = app.people, app.lobby
    key = read_key(app.home / "keys.key")
    post = FencedPost(allowed=["127.0.0.1"], seconds=2.0)
    parts = (app.database, lambda: post)
    lobby.webhooks = Webhooks(*parts, key, people.audit_key, people.clock)
    lobby.dispatcher = Dispatcher(*parts, lobby.webhooks, people.audit_key, people.clock)
    lobby.bells = Bells(app.database, key, people.audit_key, people.clock)
    lobby.inbound = Inbound(
        app.database, lambda: help_desk, lobby.intake.receive, people.desk.close, key, people.clock
    )
    listeners = {"webhooks": Spreader(app.database, people.clock)}
    if help_desk is not None:
        people.ticketing = help_desk
        listeners["ticketing"] = Mirror(app.database, help_desk, people.clock, "test")
    people.outbox = Outbox(app.database, listeners, people.clock)
    return app


def web_of(app):
    """The whole API over an app."""
    made = create(app)
    for router in (events.router, hooks.router, webhooks.router):
        if router not in all_routers():
            made.include_router(router)
    return made


@contextmanager
def open_doors(app, port=0):
    """The API on a real socket, over an app of this process; its port."""
    set_up = serving._set_up(1, 2)
    set_up.app, set_up.factory = web_of(app), False
    server = uvicorn.Server(set_up)
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [held]})
        thread.start()
        try:
            _wait(lambda: server.started)
            yield held.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
