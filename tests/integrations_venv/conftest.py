"""These tests run in an environment of their own: `make integrations`."""

import contextlib
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would ask a server otherwise
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LLM_LOAD_PLUGINS"] = (
    "cocoon"  # the demonstration model is a plug-in too, without its engine
)
collect_ignore_glob = [] if find_spec("litellm") else ["*.py"]


@pytest.fixture(scope="session")
def http(tmp_path_factory: pytest.TempPathFactory):
    """A connection to a network that runs in a thread of its own."""
    import cocoon
    from cocoon.client import ClientSettings
    from cocoon.sdk.portal import Portal
    from cocoon.testing.network import InMemoryNetwork, someone

    portal = Portal.open()
    folder: Path = tmp_path_factory.mktemp("network")

    async def start():
        network = InMemoryNetwork(folder)
        await network.add_proxy()
        await network.add_worker()
        return network, ClientSettings(
            wallet=someone(9, 3), root=network.root, dial=network.dial("client")
        )

    network, settings = portal.call(start)
    client = cocoon.transport(settings=settings)
    with contextlib.closing(client):
        yield client
    portal.call(network.close)
    portal.stop()


@pytest.fixture(scope="session")
def model(http) -> str:
    import cocoon

    return cocoon.Client(http_client=http).models.list().data[0].id
