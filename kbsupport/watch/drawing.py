"""Which answers are audited: drawn by a keyed hash, so that nobody chooses and all can check."""

from __future__ import annotations

import hashlib
import hmac

from kbsupport.errors import ConfigError

_WHOLE = 1 << 64


def drawn(decision_id: str, share: float, key: bytes) -> bool:
    """Say whether this decision is audited; asked again it is the same, on every machine.

    Whoever does not know the key cannot foresee it. A larger share draws all that a smaller one
    draws, and others.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the share to audit is {share}; it must lie between 0 and 1, like 0.05")
    if not key:
        raise ConfigError("audits are drawn with a key, and it is empty")
    text = decision_id.encode("utf-8", "surrogatepass")
    digest = hmac.new(key, text, hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") < share * _WHOLE
