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

    @property
    def name(self) -> str:
        """Its name, at both sites."""
        return self.planned.name


def _machine(
    name: str, tier: int, host: int, sizes: list[int], runs: Runs, *, filled: int, compressible: bool = True
) -> DemoMachine:
    """A machine whose records come first on each disk, then what was installed there, then nothing."""
    planned = PlannedMachine(
        name=name,
        host=HOSTS[host],
        sizes=sizes,
        filled=filled,
        fill_from=runs.slots * RECORD,
        compressible=compressible,
    )
    return DemoMachine(planned, runs, tier)


MACHINES = (
    # written alternately, so that only a point in time that is the same on both disks makes sense
    _machine("db1", 1, 0, [384 * MIB] * 2, Runs(slots=2048, rate=300), filled=96 * MIB),
    # mostly holes
    _machine("files1", 1, 1, [2 * GIB], Runs(slots=1024, rate=50), filled=48 * MIB, compressible=False),
    # the hot writer: in a second it touches more than the cut-over may leave
    _machine("mail1", 2, 0, [512 * MIB], Runs(slots=8192, rate=600), filled=128 * MIB),
    _machine("app1", 2, 1, [512 * MIB], Runs(slots=2048, rate=100), filled=160 * MIB),
    _machine("web1", 3, 1, [256 * MIB], Runs(slots=1024, rate=100), filled=96 * MIB, compressible=False),
    # a real Linux, whose programs count on the disk
    _machine("linux1", 3, 0, [256 * MIB], Runs(slots=1024, linux=True), filled=64 * MIB),
)
TIERS = sorted({machine.tier for machine in MACHINES})
