"""The container runtimes that the contract is run on, and what a test does to them behind the port's back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Protocol

from slipway.ports.runtime import ContainerRuntime, ReplicaSpec
from tests.fakes import FakeRuntime
from tests.fixtures.engine import EnginePart, unnamed_volumes
from tests.fixtures.waiting import eventually

MISSING = "sha256:" + "0" * 64


class RuntimeRig(Protocol):
    runtime: ContainerRuntime

    def spec(self, tenant: str = "acme", *, slot: int = 10) -> ReplicaSpec: ...

    def end(self, container_id: str) -> None:
        """Its program ends by itself, with exit code 0."""
        ...

    def declare(self, spec: ReplicaSpec, *paths: str) -> ReplicaSpec:
        """The same replica of an image that has these paths as VOLUME."""
        ...

    def declare_around_program(self, spec: ReplicaSpec, with_files: str, empty: str) -> ReplicaSpec:
        """One that has two paths as VOLUME, both in its program's folder, and files at the first alone."""
        ...

    def write(self, container_id: str, path: str, text: str) -> None:
        """As the replica's own program does."""
        ...

    def read(self, container_id: str, path: str) -> str | None:
        """None: there is no such file."""
        ...

    def unnamed_volumes(self) -> set[str]:
        """Those in containers that the runtime named by itself."""
        ...

    def exhaust(self, container_id: str) -> None:
        """A process of it, not the first, takes more memory than there is."""
        ...

    def unreachable(self) -> ContainerRuntime:
        """One whose engine does not answer."""
        ...

    def close(self) -> None: ...


class FakeRig:
    def __init__(self) -> None:
        self.fake = FakeRuntime(images={"sha256:" + "1" * 64})
        self.runtime: ContainerRuntime = self.fake

    def spec(self, tenant: str = "acme", *, slot: int = 10) -> ReplicaSpec:
        return ReplicaSpec(
            id=f"r-{tenant}-{slot}", app_id=41, app="shop", tenant_id=7, tenant=tenant, environment="production",
            process="web", release_id=3, deployment_id=12, slot=slot, digest="sha256:" + "1" * 64, argv=None,
            variables={}, memory_bytes=1 << 27, cpus=0.5, pids=64, read_only=True,
        )  # fmt: skip

    def end(self, container_id: str) -> None:
        self.fake.die(container_id, exit_code=0)

    def declare(self, spec: ReplicaSpec, *paths: str) -> ReplicaSpec:
        self.fake.declared_volumes[spec.digest] = paths
        return spec

    def declare_around_program(self, spec: ReplicaSpec, with_files: str, empty: str) -> ReplicaSpec:
        self.fake.declared_volumes[spec.digest] = (with_files, empty)
        self.fake.hiding_volumes[spec.digest] = (with_files,)
        return spec

    def write(self, container_id: str, path: str, text: str) -> None:
        files, name = self._files(container_id, path)
        files[name] = text

    def read(self, container_id: str, path: str) -> str | None:
        files, name = self._files(container_id, path)
        return files.get(name)

    def _files(self, container_id: str, path: str) -> tuple[dict[str, str], str]:
        folder, _, name = path.rpartition("/")
        mounted = self.fake.containers[container_id].spec.volumes
        return next(self.fake.volumes[each.id] for each in mounted if each.path == folder), name

    def unnamed_volumes(self) -> set[str]:
        return set()

    def exhaust(self, container_id: str) -> None:
        self.fake.exhaust(container_id)

    def unreachable(self) -> ContainerRuntime:
        away = FakeRuntime()
        away.go_away()
        return away

    def close(self) -> None:
        self.fake.go_away()


class DockerRig:
    def __init__(self, part: EnginePart) -> None:
        self.part = part
        self.docker = part.runtime()
        self.runtime: ContainerRuntime = self.docker

    def spec(self, tenant: str = "acme", *, slot: int = 10) -> ReplicaSpec:
        return self.part.spec(tenant, slot=slot)

    def end(self, container_id: str) -> None:
        eventually(lambda: list(self.runtime.logs(container_id)), what="its program begins")
        self.part.api.kill(container_id, signal="SIGUSR1")

    def declare(self, spec: ReplicaSpec, *paths: str) -> ReplicaSpec:
        return replace(spec, digest=self.part.image(f"VOLUME {json.dumps(paths)}"))

    def declare_around_program(self, spec: ReplicaSpec, with_files: str, empty: str) -> ReplicaSpec:
        paths = f"VOLUME {json.dumps([with_files, empty])}"
        return replace(spec, digest=self.part.image("WORKDIR /usr", paths))

    def write(self, container_id: str, path: str, text: str) -> None:
        code, output = self._run(container_id, f"open({path!r}, 'w').write({text!r})")
        assert code == 0, output

    def read(self, container_id: str, path: str) -> str | None:
        code, output = self._run(container_id, f"print(open({path!r}).read(), end='')")
        return output if code == 0 else None

    def _run(self, container_id: str, program: str) -> tuple[int, str]:
        began = self.part.api.exec_create(container_id, ["python", "-c", program])["Id"]
        output = self.part.api.exec_start(began).decode()
        return int(self.part.api.exec_inspect(began)["ExitCode"]), output

    def unnamed_volumes(self) -> set[str]:
        return unnamed_volumes(self.part.api, self.part.settings.instance)

    def exhaust(self, container_id: str) -> None:
        command = self.part.api.exec_create(container_id, ["python3", "-c", "bytearray(1 << 30)"])
        self.part.api.exec_start(command["Id"])

    def unreachable(self) -> ContainerRuntime:
        return self.part.runtime(docker_host="unix:///nonexistent/docker.sock")

    def close(self) -> None:
        self.docker.close()
        self.part.clean()
