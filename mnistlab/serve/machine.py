"""How much memory and how many cores this process may use: what its container allows, else what the machine has."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
NO_LIMIT = 2**60  # bytes; version 1 writes a number near 2**63 for none


def memory(root: Path = CGROUP) -> float:
    """Bytes; not a number where neither is told, as on Windows."""
    limits = [_number(root / name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    allowed = [limit for limit in limits if limit is not None and limit < NO_LIMIT]
    try:
        installed = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return min(allowed, default=float("nan"))
    return min(*allowed, installed) if allowed else installed


def cores(root: Path = CGROUP) -> float:
    """May be a fraction: a container's share of the time."""
    cpus = getattr(os, "sched_getaffinity", None)
    there = float(len(cpus(0)) if cpus else os.cpu_count() or 1)
    quota = _words(root / "cpu.max")  # version 2: quota and period, "max" for no limit; version 1 has a file for each
    quota = quota or [*_words(root / "cpu/cpu.cfs_quota_us"), *_words(root / "cpu/cpu.cfs_period_us")]
    try:
        share = float(quota[0]) / float(quota[1])
    except (IndexError, ValueError, ZeroDivisionError):
        return there
    return min(there, share) if share > 0 else there  # version 1 writes -1 for no limit


def _number(path: Path) -> float | None:
    try:
        return float(_words(path)[0])
    except (IndexError, ValueError):
        return None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except (OSError, UnicodeDecodeError):
        return []
