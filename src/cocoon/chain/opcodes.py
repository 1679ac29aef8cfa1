"""Message operation codes: the official ones (``onchain.md`` §1.1) and those of our contracts.

A name that starts with ``EXT_`` is still an internal message: anybody may be its sender. ``OWNER_``
means that the sender must be the contract's stored owner.
"""

TEXT_COMMENT = 0x00000000
"""A text follows; one letter is a command to the proxy and to the cocoon wallet."""
RICH_BOUNCE = 0xFFFFFFFE
"""First word of a bounced message that carries the whole original body."""
PLAIN_BOUNCE = 0xFFFFFFFF
"""First word of a bounced message of the old kind: 256 bits of the original body follow."""

# Replies
EXCESSES = 0x2565934C
"""What is left of a message's value."""
PAYOUT = 0xC59A7CD3
"""Money for an owner."""
DO_NOT_PROCESS = 0x9A1247C0
"""A note to readers of the chain; contracts ignore it."""
PROXY_SAVE_STATE = 0x53109C0F
"""Inner operation of ``DO_NOT_PROCESS``; no contract handles it."""

# To the root, from its owner
ROOT_ADD_WORKER_TYPE = 0xE34B1C60
ROOT_DEL_WORKER_TYPE = 0x8D94A79A
ROOT_ADD_MODEL_TYPE = 0xC146134D
ROOT_DEL_MODEL_TYPE = 0x92B11C18
ROOT_ADD_PROXY_TYPE = 0x71860E80
ROOT_DEL_PROXY_TYPE = 0x3C41D0B2
ROOT_REGISTER_PROXY = 0x927C7CB5
ROOT_UNREGISTER_PROXY = 0x6D49EAF2
ROOT_UPDATE_PROXY = 0x9C7924BA
ROOT_CHANGE_PRICE = 0xC52ED8D4
ROOT_CHANGE_PARAMS = 0x022FA189
ROOT_CHANGE_PARAMS_FULL = 0x9F1E69DC
"""Reserved; no root handles it (exit code 1012)."""
ROOT_UPGRADE_CONTRACTS = 0xA2370F61
ROOT_UPGRADE = 0x11AEFD51
ROOT_RESET = 0x563C1D96
ROOT_UPGRADE_FULL = 0x4F7C5789
"""New data and new code, data first."""
ROOT_CHANGE_OWNER = 0xC4A1AE54
ROOT_CHANGED = 0x4FB27530
"""Log message of our root after each change."""

# From a worker or client contract to the proxy contract
WORKER_PROXY_REQUEST = 0x4D725D2C
WORKER_PROXY_PAYOUT_REQUEST = 0x08E7D036
"""Payload of ``WORKER_PROXY_REQUEST``."""
CLIENT_PROXY_REQUEST = 0x65448FF4
CLIENT_PROXY_TOP_UP = 0x5CFC6B87
"""Payload of ``CLIENT_PROXY_REQUEST``, as the next three."""
CLIENT_PROXY_REGISTER = 0xA35CB580
CLIENT_PROXY_REFUND_GRANTED = 0xC68EBC7B
CLIENT_PROXY_REFUND_FORCE = 0xF4C354C9
CLIENT_PROXY_CHARGED = 0xD8A3268C
"""Ours: what a charge took from the client's balance becomes the proxy's to pay out."""

# From the proxy contract to a client contract
PROXY_CLIENT_CREDITED = 0x13D2C66F
"""Ours: the proxy holds the money of a top-up, so the client's balance may grow."""

# To the proxy contract
EXT_PROXY_INCREASE_STAKE = 0x9713F187
EXT_PROXY_PAYOUT_REQUEST = 0x7610E6EB
OWNER_PROXY_CLOSE = 0xB51D5A01
EXT_PROXY_CLOSE_REQUEST_SIGNED = 0x636A4391
EXT_PROXY_CLOSE_COMPLETE_REQUEST_SIGNED = 0xE511ABC7
EXT_PROXY_COMMIT_SIGNED = 0x77195FE7
"""Ours: the proxy's machine key notes a state of its store on the chain."""

# To a worker contract
EXT_WORKER_PAYOUT_REQUEST_SIGNED = 0xA040AD28
EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED = 0xF5F26A36
OWNER_WORKER_REGISTER = 0x26ED7F65
EXT_WORKER_PAYOUT_LIMITED_SIGNED = 0xBAA76F36
"""Ours: take only a part of a signed payout now."""

# To a client contract
EXT_CLIENT_TOP_UP = 0xF172E6C2
EXT_CLIENT_CHARGE_SIGNED = 0xBB63FF93
EXT_CLIENT_GRANT_REFUND_SIGNED = 0xEFD711E1
OWNER_CLIENT_TOP_UP_REOPEN = 0x29111CEB
"""The official contract does not handle it (exit code 1012)."""
OWNER_CLIENT_REGISTER = 0xC45F9F3B
OWNER_CLIENT_CHANGE_SECRET_HASH = 0xA9357034
OWNER_CLIENT_CHANGE_SECRET_HASH_AND_TOP_UP = 0x8473B408
OWNER_CLIENT_REQUEST_REFUND = 0xFAFA6CC1
OWNER_CLIENT_INCREASE_STAKE = 0x6A1F6A60
OWNER_CLIENT_WITHDRAW = 0xDA068E78
EXT_CLIENT_SETTLE = 0x6B2FCB36
"""Ours: send a charge again that the proxy contract could not take."""

# To the cocoon wallet
OWNER_WALLET_SEND_MESSAGE = 0x9C69F376

# To the governor, which is ours
GOVERNOR_PROPOSE = 0x2736D1E8
GOVERNOR_APPROVE = 0x9E99DB04
GOVERNOR_WITHDRAW_APPROVAL = 0xD86185A8
GOVERNOR_EXECUTE = 0xE5A71156
GOVERNOR_SET_RULES = 0x99365D4B
GOVERNOR_SET_TARIFF = 0x5A146826
GOVERNOR_CHANGED = 0xB9373C72
"""Log message of the governor."""
