"""A node is taken down while its pods are still ending: what disappears by itself meanwhile was to disappear."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devcluster import cgroups, cli, containerd, folder, kernelsettings, mounts, network, owner, teardown
from devcluster.commands import output
from devcluster.failure import FailureError
from devcluster.processes import Processes, Program
from devcluster.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Scan(contextlib.nullcontext["Scan"], Iterator["os.DirEntry[str]"]):
    """What `os.scandir` has found, all read before something of it disappears."""

    def __init__(self, found: Iterable[os.DirEntry[str]]) -> None:
        super().__init__(self)
        self.entries = iter(list(found))

    def __next__(self) -> os.DirEntry[str]:
        return next(self.entries)


@pytest.fixture
def vanishes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let a file or a folder disappear as soon as somebody has seen that it is there."""
    doomed: list[Path] = []

    def after(look: Callable[..., Any]) -> Callable[..., Any]:
        def watched(seen: Any = ".", *arguments: Any, **more: Any) -> Any:
            answer = look(seen, *arguments, **more)
            if doomed and not isinstance(seen, int) and Path(os.fsdecode(seen)) in {doomed[0], doomed[0].parent}:
                answer = Scan(answer) if look is scandir else answer
                path = doomed.pop()
                shutil.rmtree(path, ignore_errors=True)
                path.unlink(missing_ok=True)
            return answer

        return watched

    scandir = os.scandir
    for name in ("scandir", "listdir", "stat", "readlink"):
        monkeypatch.setattr(os, name, after(getattr(os, name)))
    return doomed.append


@pytest.fixture
def hierarchy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a hierarchy of control groups, as folders: our root, and in it a pod with one container."""
    table = tmp_path / "mounts"
    table.write_text(f"cgroup2 {tmp_path / 'cgroup'} cgroup2 rw 0 0\n")
    monkeypatch.setattr(cgroups, "MOUNTS", table)
    container = tmp_path / "cgroup" / cgroups.ROOT / "pod" / "container"
    container.mkdir(parents=True)
    return container


def test_a_control_group_that_goes_while_processes_are_looked_for_has_none(
    hierarchy: Path, vanishes: Callable[[Path], None]
) -> None:
    vanishes(hierarchy)
    cgroups.kill()
    assert not hierarchy.exists()


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_control_groups_that_go_while_they_are_removed_do_not_keep_the_others(
    depth: int, hierarchy: Path, vanishes: Callable[[Path], None]
) -> None:
    (hierarchy.parent.parent / "other").mkdir()
    vanishes((hierarchy, *hierarchy.parents)[depth])
    cgroups.remove()
    assert not (hierarchy.parent.parent).exists()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Have the folders that a node shares with others below one that is ours."""
    monkeypatch.setattr(containerd, "RUN", tmp_path / "run")
    monkeypatch.setattr(containerd, "CNI_RESULTS", tmp_path / "cni" / "results")
    monkeypatch.setattr(teardown, "KUBELET", tmp_path / "kubelet")
    monkeypatch.setattr(teardown, "LOG_LINKS", tmp_path / "containers")
    monkeypatch.setattr(owner, "MARK", tmp_path / "owner")
    return Settings(state=tmp_path / "state", cache=tmp_path / "cache")


@pytest.fixture
def left(machine: Settings, tmp_path: Path) -> dict[str, Path]:
    """Have what a pod leaves in them."""
    task = tmp_path / "run" / "containerd" / "io.containerd.runtime.v2.task" / "k8s.io" / "abc"
    task.mkdir(parents=True)
    socket = tmp_path / "socket"
    socket.touch()
    (task / "address").write_text(f"unix://{socket}")
    files = {
        "result": tmp_path / "cni" / "results" / "net-abc-eth0",
        "plugin": tmp_path / "kubelet" / "device-plugins" / "kubelet.sock",
        "record": machine.state / "sysctl.json",
    }
    for path in (*files.values(), machine.logs / "pods" / "0.log"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    link = tmp_path / "containers" / "app.log"
    link.parent.mkdir()
    link.symlink_to(machine.logs / "pods" / "0.log")
    folders = {"namespace": task.parent, "task": task, "pids": machine.state / "pids"}
    folders["pids"].mkdir()
    return files | folders | {"address": task / "address", "socket": socket, "link": link}


@pytest.mark.parametrize(
    "gone", ["namespace", "task", "address", "socket", "result", "plugin", "link", "record", "pids", ""]
)
def test_files_of_a_pod_that_go_while_they_are_removed_do_not_keep_the_others(
    gone: str, machine: Settings, left: dict[str, Path], vanishes: Callable[[Path], None]
) -> None:
    if gone:
        vanishes(left[gone])
    containerd.remove_traces()
    teardown._remove_files(machine)
    pod = {"result", "socket"} - ({"result", "socket"} if gone in {"namespace", "task", "address"} else set())
    assert not [name for name in (*pod, "plugin", "link", "record", "pids") if os.path.lexists(left[name])]
    assert machine.logs.exists()


def test_an_address_of_a_shim_that_was_not_written_to_the_end_leads_nowhere(left: dict[str, Path]) -> None:
    left["address"].write_text("")
    containerd.remove_traces()
    assert not left["result"].exists()


def test_links_to_the_logs_of_another_kubelet_stay(machine: Settings, left: dict[str, Path], tmp_path: Path) -> None:
    other = left["link"].with_name("other.log")
    other.symlink_to(tmp_path / "elsewhere" / "0.log")
    teardown._remove_files(machine)
    assert other.is_symlink()


def test_a_folder_that_is_not_there_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert folder.entries(tmp_path / "none") == folder.entries(tmp_path / "file") == []
    assert folder.entries(tmp_path, "*.log") == []
    assert folder.entries(tmp_path) == [tmp_path / "file"]


@pytest.mark.parametrize("still_there", [False, True])
def test_a_bridge_that_somebody_else_has_just_deleted_is_deleted(
    monkeypatch: pytest.MonkeyPatch, still_there: bool
) -> None:
    answers = iter([True, still_there])
    monkeypatch.setattr(network, "is_up", lambda: next(answers))
    monkeypatch.setattr(network, "output", lambda _: output(["sh", "-c", "echo Cannot find device >&2; exit 1"]))
    monkeypatch.setattr(network, "succeeds", lambda _: False)
    if still_there:
        with pytest.raises(FailureError, match="Cannot find device"):
            network.down()
    else:
        network.down()


def test_a_mount_that_goes_by_itself_is_not_named_in_an_empty_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([[str(tmp_path / "mounted")], []])
    monkeypatch.setattr(mounts, "under", lambda _: next(answers))
    with pytest.raises(FailureError, match=r"is mounted there: .*/mounted"):
        mounts.delete(tmp_path)


@pytest.mark.parametrize("name", ["jörg", "a b", "back\\slash", "tab\tin", "caf\udce9"])
def test_a_mount_is_found_below_a_folder_of_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    escaped = "".join(f"\\{ord(letter):03o}" if letter in " \t\n\\" else letter for letter in name)
    table.write_bytes(os.fsencode(f"1 2 0:3 / /home/{escaped}/state/m rw - tmpfs tmpfs rw\n"))
    monkeypatch.setattr(mounts, "MOUNTINFO", table)
    assert mounts.under(Path("/home", name)) == [f"/home/{name}/state/m"]


def test_a_setting_whose_kernel_module_is_gone_is_not_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernelsettings, "SYSCTL", tmp_path)
    (tmp_path / "there").touch()
    record = tmp_path / "record"
    record.write_text(json.dumps({"gone/with/its/module": "1", "there": "2"}))
    kernelsettings.restore(record)
    assert (tmp_path / "there").read_text() == "2\n"
    assert not record.exists()


def test_a_mark_that_goes_with_the_node_of_another_is_no_obstacle(
    tmp_path: Path, machine: Settings, vanishes: Callable[[Path], None]
) -> None:
    mark = tmp_path / "owner"
    mark.write_text(str(tmp_path / "other"))
    vanishes(mark)
    owner.demand(machine, mark)


@pytest.mark.parametrize("record", ["{}", "[]", '{"pid": 1}', "\x00", '"a"'])
def test_a_record_of_another_form_counts_as_none(tmp_path: Path, record: str) -> None:
    processes = Processes(tmp_path / "pids", tmp_path / "logs")
    processes.pids.mkdir()
    (processes.pids / "sleeper.json").write_text(record)
    assert not processes.is_running("sleeper")
    processes.stop("sleeper")
    assert processes.names() == []


def test_a_record_with_more_in_it_is_read_all_the_same(tmp_path: Path) -> None:
    processes = Processes(tmp_path / "pids", tmp_path / "logs")
    processes.ensure(Program("sleeper", ("sleep", "60")))
    record = processes.pids / "sleeper.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"since": "a newer version"}))
    assert processes.is_running("sleeper")
    processes.stop("sleeper", grace=0)


@pytest.mark.parametrize(
    ("trouble", "code", "said"),
    [
        (OSError(28, "No space left on device", "/state/pids"), 1, "No space left on device: '/state/pids'"),
        (KeyboardInterrupt(), 130, "stopped by you; the same command goes on from there"),
    ],
)
def test_a_command_ends_in_a_sentence(
    trouble: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails() -> None:
        raise trouble

    monkeypatch.setattr(cli, "_cluster", fails)
    assert cli.main(["down"]) == code
    assert said in capsys.readouterr().err
