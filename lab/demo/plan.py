"""What the demo's tenant has: six machines in three boot tiers, on two hosts."""

from dataclasses import dataclass

from lab.sites import PlannedMachine
from lab.workloads import Runs

MIB = 1 << 20
GIB = 1 << 30
RECORD = 4096
HOSTS = ("esx1.acme.lab", "esx2.acme.lab")
FAR_HOST = "esx1.provider.lab"


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """One machine: where it is, what it runs, and when it boots."""

    planned: PlannedMachine
    runs: Runs
    tier: int
    what: str
    rounds_least: int = 1
    mostly_holes: bool = False

    @property
    def name(self) -> str:
        """Its name, at both sites."""
        return self.planned.name


def _disks(
    name: str, host: int, sizes: list[int], runs: Runs, *, filled: int, compressible: bool = True
) -> PlannedMachine:
    """A machine whose records come first on each disk, then what was installed there, then nothing."""
    return PlannedMachine(
        name=name,
        host=HOSTS[host],
        sizes=sizes,
        filled=filled,
        fill_from=runs.slots * RECORD,
        compressible=compressible,
    )


_DATABASE = Runs(slots=2048, rate=300)
_FILES = Runs(slots=1024, rate=50)
_MAIL = Runs(slots=8192, rate=600)
_APPLICATION = Runs(slots=2048, rate=100)
_WEB = Runs(slots=1024, rate=100)
_LINUX = Runs(slots=1024, linux=True, pause=0.05)
"""Without its pause, a processor that QEMU imitates keeps half of the two that everything here shares."""

MACHINES = (
    # so that only a point in time that is the same on both disks makes sense
    DemoMachine(
        _disks("db1", 0, [384 * MIB] * 2, _DATABASE, filled=96 * MIB),
        *(_DATABASE, 1, "two disks, written alternately"),
    ),
    DemoMachine(
        _disks("files1", 1, [2 * GIB], _FILES, filled=48 * MIB, compressible=False),
        *(_FILES, 1, "a disk of mostly holes"),
        mostly_holes=True,
    ),
    # in a second it touches more than the cut-over may leave
    DemoMachine(
        _disks("mail1", 0, [512 * MIB], _MAIL, filled=128 * MIB), *(_MAIL, 2, "a hot writer"), rounds_least=2
    ),
    DemoMachine(
        _disks("app1", 1, [512 * MIB], _APPLICATION, filled=160 * MIB), *(_APPLICATION, 2, "a steady writer")
    ),
    DemoMachine(
        _disks("web1", 1, [256 * MIB], _WEB, filled=96 * MIB, compressible=False),
        *(_WEB, 3, "a disk that does not compress"),
    ),
    DemoMachine(
        _disks("linux1", 0, [256 * MIB], _LINUX, filled=64 * MIB), *(_LINUX, 3, "a real Linux that counts")
    ),
)
TIERS = sorted({machine.tier for machine in MACHINES})
