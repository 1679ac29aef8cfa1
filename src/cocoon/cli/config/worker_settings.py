"""From a worker's configuration file to what the worker role is started with."""

from urllib.parse import urlsplit

import structlog

from cocoon.cli.config import tables
from cocoon.cli.config.attestation_page import attestation_page
from cocoon.cli.config.chain import chain_settings
from cocoon.cli.config.common import dial_settings, http_port, root_config, same_fields
from cocoon.cli.config.load import read_text
from cocoon.cli.config.trust import Trust
from cocoon.engine.base import Engine
from cocoon.engine.llama import LlamaEngine, LlamaSettings
from cocoon.engine.openai_http import OpenAIHttpEngine
from cocoon.engine.options import EngineOptions
from cocoon.errors import ConfigError
from cocoon.model.name import ModelName, base_name, is_pinned
from cocoon.model.proof import FilesProof, LoadedFileProof, ModelProof
from cocoon.net.page_guard import is_loopback
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.settings import WorkerSettings

_log = structlog.get_logger(__name__)


def worker_settings(file: tables.WorkerFile, trust: Trust) -> WorkerSettings:
    """Settings of the worker role, with its engine.

    Raises:
        ConfigError: as for :func:`client_settings`.
    """
    engine = _engine(file.engine, base_name(file.model))
    trust.notes += engine_notes(file.engine)
    return WorkerSettings(
        owner=file.owner,
        model=file.model,
        root=root_config(file),
        engine=engine,
        dial=dial_settings(file.dial, trust),
        coefficient=file.coefficient,
        max_active_requests=file.max_active_requests,
        proxy_connections=file.proxy_connections,
        is_test=file.is_test,
        is_testnet=file.is_testnet,
        check_proxy_hashes=file.check_proxy_hashes,
        state_path=file.state,
        attestation=attestation_page(file, trust),
        http_host=file.http.host,
        http_port=http_port(file.http, tables.WORKER_HTTP_PORT),
        chain=chain_settings(file, None if file.state is None else file.state.parent),
        payouts=PayoutRules(**same_fields(file.payouts)),
        proof=_proof(file, engine),
        on_proven=trust.identity.state_model,
    )


def engine_notes(table: tables.EngineTable) -> list[str]:
    """One sentence if prompts leave the machine whose evidence clients rely on."""
    if table.kind != "openai" or table.url.startswith("unix:"):
        return []
    try:
        host = urlsplit(table.url).hostname or ""
    except ValueError:
        return []  # the engine's own client refuses it
    if is_loopback(host):
        return []
    return [f"the engine at {host} is not this machine: no evidence of ours covers it"]


def _engine(table: tables.EngineTable, alias: str) -> Engine:
    if table.kind == "llama":
        settings = LlamaSettings(
            model_path=table.model_file,
            alias=alias,
            slots=table.slots,
            context=table.context,
            threads=table.threads,
        )
        return LlamaEngine(settings, on_progress=_engine_progress)
    api_key = None
    if table.api_key_file is not None:
        api_key = read_text(table.api_key_file, "engine key file").strip()
    options = EngineOptions(
        dialect="" if table.dialect == "auto" else table.dialect,
        features=table.features,
        without=table.without,
        context_length=table.context_length,
        allow_shared_cache=table.allow_shared_cache,
    )
    return OpenAIHttpEngine(table.url, api_key=api_key, options=options)


def _proof(file: tables.WorkerFile, engine: Engine) -> ModelProof | None:
    """How the model is proven; None if it is not, which production.py allows or refuses."""
    table = file.model_proof
    if isinstance(engine, LlamaEngine):
        if table.has_files:
            raise ConfigError(
                "model_proof: the embedded engine proves the file that it loads; leave `archive`, "
                "`verity` and `directory` out"
            )
        if not is_pinned(file.model):
            return None
        ModelName.parse(file.model)  # a malformed name is a matter of the file, not of the model
        return LoadedFileProof(engine.model_file, engine.pin_model)
    if not table.has_files:
        return None
    ModelName.parse(file.model)
    return FilesProof(table.archive, table.verity, table.directory)


def _engine_progress(stage: str) -> None:
    _log.info("engine", stage=stage)
