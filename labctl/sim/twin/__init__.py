"""Simulate the optical table: one coupled physical model that every emulator shares."""

from labctl.sim.twin.table import Table, build_table

__all__ = ["Table", "build_table"]
