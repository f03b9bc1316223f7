"""Migration groups, their boot tiers and units, and the history of both."""

from migrations_app.models.group import BootTier, MigrationGroup
from migrations_app.models.unit import MigrationUnit, Transition, UnitRound

__all__ = ["BootTier", "MigrationGroup", "MigrationUnit", "Transition", "UnitRound"]
