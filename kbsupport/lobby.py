"""What stands between the doors and the rooms: keys, what comes in, what goes out, the work."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kbsupport.access.keys import Keys
    from kbsupport.app import App


class Lobby:
    """Builds each part when it is first touched."""

    def __init__(self, app: App) -> None:
        self._app = app

    @cached_property
    def keys(self) -> Keys:
        """Who may come in."""
        from kbsupport.access.keys import Keys
        from kbsupport.store.audit import read_key

        app = self._app
        secret = read_key(app.home / "keys.key")
        return Keys(app.database, secret, app.people.audit_key, app.people.clock)
