"""Model identity through a whole network: proven at start, listed, pinned by request."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain.root_config import model_hash
from cocoon.cli.config.load import load_worker
from cocoon.cli.config.trust import Trust
from cocoon.cli.config.worker_settings import worker_settings
from cocoon.client import Client, ClientRequest
from cocoon.devnet.options import DEMONSTRATION_MODEL
from cocoon.engine.llama import LlamaEngine, LlamaSettings, find_model
from cocoon.errors import (
    BadRequestError,
    ConfigError,
    EngineError,
    EvidenceError,
    PolicyError,
    RequestError,
    UnknownModelError,
)
from cocoon.model.archive import scan, single_file
from cocoon.model.build import Built, build, root_of
from cocoon.model.name import ModelName
from cocoon.model.proof import FilesProof, LoadedFileProof
from cocoon.testing.engine_standin import MODEL
from cocoon.testing.network import InMemoryNetwork

pytestmark = pytest.mark.anyio

ONE = f"{MODEL}@c1:" + "1" * 64
TWO = f"{MODEL}@c2:" + "2" * 64
BODY = b'{"model":"%s","messages":[{"role":"user","content":"x"}],"max_tokens":50}'


def request(model: str, body_model: str | None = None) -> ClientRequest:
    body = BODY % (body_model or model).encode()
    return ClientRequest(model, "/v1/chat/completions", body, max_tokens=50, timeout=20.0)


async def ask(client: Client, model: str, body_model: str | None = None) -> bytes:
    async with await client.run(request(model, body_model)) as response:
        return await response.read()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  many small conditions, none with an event
            await asyncio.sleep(0.005)


# --- pinned requests ---


async def test_a_pinned_request_runs_on_exactly_this_model(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=(ONE, TWO)) as network:
        await network.add_proxy()
        one = await network.add_worker(model=ONE)
        two = await network.add_worker(model=TWO)
        client = await network.add_client()
        for _ in range(3):
            answer = await ask(client, TWO)
            assert b'"model":"%s"' % MODEL.encode() in answer  # the engine knows the base name
        assert (one.statistics.succeeded, two.statistics.succeeded) == (0, 3)
        await ask(client, ONE)
        assert one.statistics.succeeded == 1
        await ask(client, MODEL)
        models = await client.models()
        assert [(model.name, len(model.workers)) for model in models] == [(MODEL, 2)]


async def test_what_the_root_does_not_list_is_not_asked_for(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=(ONE,)) as network:
        proxy = await network.add_proxy()
        await network.add_worker(model=ONE)
        client = await network.add_client()
        for model in (TWO, f"{MODEL}@c1", f"{MODEL}@", ONE + "1"):
            with pytest.raises(UnknownModelError, match="does not list"):
                await ask(client, model)
        assert proxy.statistics.queries == 0


async def test_a_listed_model_that_nobody_serves(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=(ONE, TWO)) as network:
        await network.add_proxy()
        worker = await network.add_worker(model=ONE)
        client = await network.add_client()
        with pytest.raises(UnknownModelError, match=r"exactly the pinned model.*official"):
            await ask(client, TWO)
        assert worker.statistics.queries == 0


async def test_the_worker_checks_the_pin_itself(tmp_path: Path) -> None:
    """A proxy that routes by base name, as official ones could, changes nothing."""
    async with InMemoryNetwork(tmp_path, models=(ONE, TWO)) as network:
        await network.add_proxy()
        worker = await network.add_worker(model=ONE)
        client = await network.add_client()
        with pytest.raises(BadRequestError, match="another model"):
            await ask(client, MODEL, body_model=TWO)
        assert b"Hello" in await ask(client, MODEL, body_model=ONE)
        assert worker.statistics.failed == 1


async def test_a_worker_without_a_full_name_serves_no_pinned_request(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path) as network:
        await network.add_proxy()
        await network.add_worker()
        client = await network.add_client()
        with pytest.raises(RequestError, match="another model"):
            await ask(client, MODEL, body_model=ONE)


# --- the list of the root contract ---


async def test_an_unlisted_worker_does_not_start(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=(ONE,)) as network:
        await network.add_proxy()
        with pytest.raises(PolicyError, match="does not list model"):
            await network.add_worker(model=TWO)


async def test_a_proxy_does_not_take_its_word(tmp_path: Path) -> None:
    """Whatever a worker thinks of the list, a proxy looks itself."""
    async with InMemoryNetwork(tmp_path, models=(ONE,)) as network:
        proxy = await network.add_proxy()
        listing = replace(network.root, model_hashes=frozenset({model_hash(TWO)}))
        await network.add_worker(model=TWO, wait=False, root=listing)
        await asyncio.sleep(0.3)
        assert list(proxy.registry) == []


async def test_a_model_that_leaves_the_list_gets_no_more_requests(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=(ONE, TWO)) as network:
        proxy = await network.add_proxy()
        worker = await network.add_worker(model=ONE)
        other = await network.add_worker(model=TWO)
        client = await network.add_client()
        fewer = replace(
            network.root,
            version=network.root.version + 1,
            model_hashes=frozenset({model_hash(TWO)}),
        )
        proxy._root_changed(network.root, fewer)
        await until(lambda: worker.connections == 0)
        await ask(client, MODEL)
        assert (worker.statistics.succeeded, other.statistics.succeeded) == (0, 1)


async def test_a_worker_whose_model_leaves_the_list_stops_offering_it(tmp_path: Path) -> None:
    async with InMemoryNetwork(tmp_path, models=(ONE,)) as network:
        await network.add_proxy()
        worker = await network.add_worker(model=ONE)
        fewer = replace(network.root, version=network.root.version + 1, model_hashes=frozenset())
        worker._root_changed(network.root, fewer)
        assert not worker.ready
        assert not worker.model.listed
        worker._root_changed(fewer, network.root)
        await worker.wait_ready(10)


# --- files ---


@pytest.fixture
def model_files(tmp_path: Path) -> Built:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "images").mkdir()
    return build(scan(folder), MODEL, "c1", tmp_path / "images")


async def test_a_worker_serves_what_it_has_proven(tmp_path: Path, model_files: Built) -> None:
    proof = FilesProof(model_files.files.archive, model_files.files.verity, tmp_path / "model")
    name = str(model_files.name)
    async with InMemoryNetwork(tmp_path, models=(name,)) as network:
        await network.add_proxy()
        worker = await network.add_worker(model=name, proof=proof)
        assert [one.form for one in worker.model.proven] == ["archive", "directory"]
        assert b"Hello" in await ask(await network.add_client(), name)


async def test_a_worker_refuses_altered_files(tmp_path: Path, model_files: Built) -> None:
    proof = FilesProof(None, model_files.files.verity, tmp_path / "model")
    (tmp_path / "model" / "weights").write_bytes(bytes(25_600))
    name = str(model_files.name)
    async with InMemoryNetwork(tmp_path, models=(name,)) as network:
        await network.add_proxy()
        with pytest.raises(EvidenceError, match="weights"):
            await network.add_worker(model=name, proof=proof)
        assert not network.workers[0].model.proven


def gguf(tmp_path: Path, *, altered: bool = False) -> Path:
    """The packaged demonstration model, or one that differs in a single bit."""
    copy = tmp_path / find_model().name
    data = bytearray(find_model().read_bytes())
    if altered:
        data[50_000_000] ^= 1
    copy.write_bytes(data)
    return copy


def embedded(engine: LlamaEngine) -> dict[str, Any]:
    return {"engine": engine, "proof": LoadedFileProof(engine.model_file, engine.pin_model)}


async def test_the_embedded_engine_refuses_an_altered_file(tmp_path: Path) -> None:
    engine = LlamaEngine(LlamaSettings(model_path=gguf(tmp_path, altered=True)))
    async with InMemoryNetwork(tmp_path, models=(DEMONSTRATION_MODEL,)) as network:
        await network.add_proxy()
        with pytest.raises(EvidenceError, match="its root is"):
            await network.add_worker(model=DEMONSTRATION_MODEL, **embedded(engine))
    assert engine.pid is None


async def test_the_embedded_engine_loads_what_was_proven(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    file = gguf(tmp_path)
    engine = LlamaEngine(LlamaSettings(model_path=file, context=256, slots=1))
    async with InMemoryNetwork(tmp_path, models=(DEMONSTRATION_MODEL,)) as network:
        await network.add_proxy()
        worker = await network.add_worker(model=DEMONSTRATION_MODEL, **embedded(engine))
        (proven,) = worker.model.proven
        assert str(proven.name) == DEMONSTRATION_MODEL
        # Whatever happens to the file now, the copy that was checked is what runs.
        file.write_bytes(bytes(1000))
        answer = await ask(await network.add_client(), DEMONSTRATION_MODEL)
        assert b'"completion_tokens"' in answer


async def test_a_file_that_is_swapped_after_the_proof_is_not_loaded(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    file = gguf(tmp_path)
    engine = LlamaEngine(LlamaSettings(model_path=file))
    LoadedFileProof(engine.model_file, engine.pin_model).prove(
        DEMONSTRATION_MODEL, lambda _done, _total: None
    )
    file.write_bytes(file.read_bytes()[:-7] + b"altered")
    with pytest.raises(EngineError, match="SHA-256"):
        await engine.start()
    with pytest.raises(EngineError, match="SHA-256"):
        engine.pin_model("0" * 64)


# --- from a configuration file ---

OWNER = "0QAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACkT"


def configured(tmp_path: Path, model: str, tables: str = "") -> Any:
    file = tmp_path / "worker.toml"
    file.write_text(
        f'owner = "{OWNER}"\nmodel = "{model}"\nroot_config = "root.json"\n'
        f'[dial.policy]\nkind = "unsafe-accept-anything"\n{tables}'
    )
    (tmp_path / "root.json").write_text("{}")
    loaded = load_worker(file)
    return worker_settings(loaded, Trust(loaded.identity))


def test_the_embedded_engine_proves_every_full_name(tmp_path: Path) -> None:
    llama = '[engine]\nkind = "llama"\n'
    assert isinstance(configured(tmp_path, ONE, llama).proof, LoadedFileProof)
    assert configured(tmp_path, MODEL, llama).proof is None
    with pytest.raises(ConfigError, match="full model name"):
        configured(tmp_path, f"{MODEL}@c1", llama)
    with pytest.raises(ConfigError, match="leave `archive`"):
        configured(tmp_path, ONE, llama + '[model_proof]\narchive = "x.tar"\n')


def test_another_engine_proves_what_is_configured(tmp_path: Path) -> None:
    assert configured(tmp_path, ONE).proof is None
    proof = configured(tmp_path, ONE, '[model_proof]\narchive = "x.tar"\nverity = "v"\n').proof
    assert isinstance(proof, FilesProof)
    assert proof.archive == tmp_path / "x.tar"
    assert proof.directory is None
    with pytest.raises(ConfigError, match="full model name"):
        configured(tmp_path, MODEL, '[model_proof]\ndirectory = "."\n')
    with pytest.raises(ConfigError, match="`verity` belongs"):
        configured(tmp_path, ONE, '[model_proof]\nverity = "v"\n')


def test_the_devnet_s_model_is_the_packaged_file() -> None:
    name = ModelName.parse(DEMONSTRATION_MODEL)
    assert root_of(single_file(find_model())) == name.root
