"""A devnet of real processes, each of which a test may kill and start again; TON is simulated.

::

    async with ProcessNetwork(DevnetOptions(state=tmp_path, port=0, engine_url=url)) as network:
        await network.start()
        await network.kill("proxy-1")
        await network.start("proxy-1")
"""

import asyncio
import os
import signal
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from cocoon.devnet.http import call, get_json
from cocoon.devnet.options import DevnetOptions
from cocoon.devnet.plan import ProcessSpec, make_plan
from cocoon.devnet.ports import free_ports
from cocoon.devnet.processes import Supervisor
from cocoon.devnet.state import StateDirectory
from cocoon.errors import UnavailableError

HTTP_TIMEOUT = 10.0


class ProcessNetwork:
    """Processes of one devnet on free ports; those that still run are stopped at the end.

    Args:
        options: what it shall be. The state directory keeps configuration, logs and stores, so
            a process that is started again goes on where it was. ``model`` is needed together with
            ``engine_url``.

    Attributes:
        plan: its processes and files.
    """

    def __init__(self, options: DevnetOptions) -> None:
        self._state = StateDirectory(options.state.absolute())
        options = self.options = replace(options, simulated_ton=True)
        self.ports = free_ports(options.proxies, options.workers)
        self.plan = make_plan(self._state, options, self.ports)
        self._supervisor = Supervisor(lambda *_: None)

    async def start(self, *names: str) -> None:
        """Start processes by name and wait until they are ready; without names all, in order.

        Raises:
            UnavailableError: one did not start; says which and why.
        """
        if names:
            await self._supervisor.start([self.spec(name) for name in names])
            return
        await self._supervisor.start(self.plan.proxies)
        await self._supervisor.start((*self.plan.workers, self.plan.client))

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and everything that it started, and wait for its end."""
        child = next(
            child for child in self._supervisor.children if child.spec.name == name and child.alive
        )
        os.killpg(child.pid, number)
        async with asyncio.timeout(HTTP_TIMEOUT):
            await child.wait()

    def spec(self, name: str) -> ProcessSpec:
        """How a process is started.

        Raises:
            UnavailableError: there is none of this name.
        """
        for spec in self.plan.processes():
            if spec.name == name:
                return spec
        raise UnavailableError(f"no process {name} in this network")

    def pid(self, name: str) -> int:
        """The id of a process that runs.

        Raises:
            UnavailableError: it does not run.
        """
        for child in self._supervisor.children:
            if child.spec.name == name and child.alive:
                return child.pid
        raise UnavailableError(f"{name} does not run")

    async def status(self, name: str) -> Any:
        """The ``/jsonstats`` page of a process.

        Raises:
            UnavailableError: it does not answer.
        """
        return await get_json(f"{self.spec(name).http}/jsonstats", HTTP_TIMEOUT)

    async def page(self, name: str, path: str) -> bytes:
        """The body of any page of a process; raises as :meth:`status`."""
        return (await call("GET", self.spec(name).http + path, HTTP_TIMEOUT)).body

    async def post(self, name: str, path: str) -> int:
        """HTTP status of a POST without a body; raises as :meth:`status`."""
        return (await call("POST", self.spec(name).http + path, HTTP_TIMEOUT)).status

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop what still runs; the state stays."""
        await self._supervisor.stop()
        self._supervisor.close()
        self._state.release()
