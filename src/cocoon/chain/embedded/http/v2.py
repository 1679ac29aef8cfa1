"""The v2 calls by name."""

from collections.abc import Callable
from typing import Any

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import (
    v2_accounts,
    v2_blocks,
    v2_config,
    v2_messages,
)
from cocoon.chain.embedded.http.arguments import Arguments

Method = Callable[[EmbeddedChain, Arguments], Any]

METHODS: dict[str, Method] = {
    "getAddressInformation": v2_accounts.address_information,
    "getExtendedAddressInformation": v2_accounts.extended_address_information,
    "getWalletInformation": v2_accounts.wallet_information,
    "getAddressBalance": v2_accounts.address_balance,
    "getAddressState": v2_accounts.address_state,
    "packAddress": v2_accounts.pack_address,
    "unpackAddress": v2_accounts.unpack_address,
    "detectAddress": v2_accounts.detect_address,
    "getMasterchainInfo": v2_blocks.masterchain_info,
    "getConsensusBlock": v2_blocks.consensus_block,
    "shards": v2_blocks.shards,
    "getShards": v2_blocks.shards,
    "lookupBlock": v2_blocks.lookup_block,
    "getBlockHeader": v2_blocks.block_header,
    "getBlockTransactions": v2_blocks.block_transactions,
    "getBlockTransactionsExt": v2_blocks.block_transactions_ext,
    "getTransactions": v2_messages.get_transactions,
    "getTransactionsStd": v2_messages.get_transactions_std,
    "tryLocateTx": v2_messages.locate_result,
    "tryLocateResultTx": v2_messages.locate_result,
    "tryLocateSourceTx": v2_messages.locate_source,
    "sendBoc": v2_messages.send_boc,
    "sendBocReturnHash": v2_messages.send_boc_return_hash,
    "sendQuery": v2_messages.send_query,
    "estimateFee": v2_messages.estimate_fee,
    "runGetMethod": v2_messages.run_get_method,
    "runGetMethodStd": v2_messages.run_get_method_std,
    "getConfigParam": v2_config.config_param,
    "getConfigAll": v2_config.config_all,
    "getLibraries": v2_messages.get_libraries,
}
