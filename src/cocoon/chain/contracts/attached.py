"""How much value to attach to messages, in nanoTON (``onchain.md`` §6, §11).

Contracts check a lower limit and return what is left to the receiver of excesses.
"""

TON = 10**9

VALUE_OPERATION = 7 * TON // 10
"""For every operation of a client contract and payouts; a top-up adds its amount."""
VALUE_REGISTER = TON
"""Registration of a client at a proxy."""
VALUE_OWN_PAYOUT = TON // 2
"""A payout that the worker submits itself."""
VALUE_PROXY_PAYOUT = 2 * TON // 10
"""Withdrawal of the proxy's commission."""
VALUE_CLOSING = TON
"""Each step of closing a proxy: close, grants, last payouts."""
VALUE_COMMIT = 5 * TON // 100
"""A signed commit; what is not used comes back."""
VALUE_STAKE = 2 * TON // 10
"""On top of the stake that the proxy adds."""
VALUE_NOTE = 1
"""``save_state``: the contract does not run."""

DEPLOY_PROXY = 3 * TON // 10
DEPLOY_CLIENT = 8 * TON // 10
DEPLOY_WORKER = 3 * TON // 10

WALLET_LOW_BALANCE = 2 * TON
"""The cocoon wallet sends nothing with less (exit code 1035)."""
