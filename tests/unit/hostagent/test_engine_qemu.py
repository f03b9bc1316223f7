"""What is told of a guest's own QEMU without asking it: its nodes, and how it was started."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agents.hostagent.bitmaps import bitmap_action, bitmap_add, bitmap_lineage, bitmap_name, bitmap_number
from agents.hostagent.engine import EngineRefused
from agents.hostagent.engine_qemu import _arguments, _keeps_shut_down, _node_of

DISK = Path("/vmfs/mail.raw")
DEVICE = "/machine/peripheral/disk0/virtio-backend"


def node(file: str = str(DISK), *bitmaps: str) -> dict[str, Any]:
    return {"file": file, "dirty-bitmaps": [{"name": name} for name in bitmaps]}


def test_the_node_is_the_one_that_the_guest_s_device_has() -> None:
    nodes = {"file-0": node(), "drive-0": node(), "drive-1": node("/vmfs/other.raw")}
    assert _node_of(DISK, nodes, {"drive-0": DEVICE, "drive-1": DEVICE}) == "drive-0"


def test_once_the_device_has_let_go_the_bitmap_tells_the_node() -> None:
    nodes = {"file-0": node(), "drive-0": node(str(DISK), "landfall-x-0")}
    assert _node_of(DISK, nodes, {"landfall-empty-0": DEVICE}) == "drive-0"


def test_another_s_bitmap_tells_nothing() -> None:
    nodes = {"drive-0": node(str(DISK), "backup-0")}
    with pytest.raises(EngineRefused, match="no device"):
        _node_of(DISK, nodes, {})


def test_a_file_that_no_node_has_is_refused() -> None:
    with pytest.raises(EngineRefused, match=r"mail\.raw"):
        _node_of(DISK, {"drive-1": node("/vmfs/other.raw")}, {"drive-1": DEVICE})


def test_a_node_that_would_go_with_its_device_is_refused() -> None:
    with pytest.raises(EngineRefused, match="-blockdev"):
        _node_of(DISK, {"#block123": node()}, {"#block123": DEVICE})


@pytest.mark.parametrize(
    ("argv", "stays"),
    [
        (["qemu", "-no-shutdown"], True),
        (["qemu", "-action", "shutdown=pause"], True),
        (["qemu", "-action", "reboot=shutdown,shutdown=pause,panic=none"], True),
        (["qemu", "-action", "shutdown=poweroff"], False),
        (["qemu", "-name", "shutdown=pause"], False),
        (["qemu", "-no-reboot"], False),
        (["qemu", "-action"], False),
        ([], False),
    ],
)
def test_how_it_was_started_says_whether_it_stays(argv: list[str], stays: bool) -> None:
    assert _keeps_shut_down(argv) is stays


def test_a_process_that_is_no_qemu_tells_nothing_of_one() -> None:
    assert _arguments(os.getpid()) == []


def test_a_process_that_has_ended_has_no_arguments() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert _arguments(ended.pid) == []


def test_a_process_that_waits_to_be_reaped_has_none_either() -> None:
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert _arguments(zombie.pid) == []
    zombie.wait()


def test_a_bitmap_s_name_says_its_lineage_and_its_number() -> None:
    lineage = bitmap_lineage("landfall-00000000-0000-0000-0000-000000000007-12")
    assert lineage.int == 7
    assert bitmap_name(lineage, 12) == "landfall-00000000-0000-0000-0000-000000000007-12"
    assert bitmap_number(bitmap_name(lineage, 12)) == 12


def test_an_action_names_the_node_it_is_on() -> None:
    assert bitmap_action("merge", "drive-0", target="a", bitmaps=["b"]) == {
        "type": "block-dirty-bitmap-merge",
        "data": {"node": "drive-0", "target": "a", "bitmaps": ["b"]},
    }
    assert bitmap_add("drive-0", "a")["data"]["granularity"] == 65536
