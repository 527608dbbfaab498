"""Ask for known vulnerabilities of every package of a lock, those of other systems and Pythons too: ``make audit``.

pip-audit ends well when it could not ask about a package, or about all of them. Here that is a failure: what was not audited is
not known to be safe. Runs in the environment that has pip-audit.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
PATIENCE = 600  # seconds for one question about all packages


def pinned(lock: str) -> list[dict[str, str]]:
    """Versions by name, in as many rounds as the package with most versions needs: pip-audit takes one version of each."""
    versions: dict[str, list[str]] = {}
    for name, version in PIN.findall(lock):
        versions.setdefault(name, []).append(version)
    rounds = zip_longest(*versions.values())
    return [{name: version for name, version in zip(versions, column, strict=True) if version} for column in rounds]


def faults(answer: str, asked: dict[str, str]) -> list[str]:
    """What speaks against the packages that were asked about: vulnerabilities, and whatever was not answered."""
    try:
        told = {entry["name"]: entry for entry in json.loads(answer)["dependencies"]}
    except (ValueError, KeyError, TypeError):
        return ["pip-audit gave no answer"]
    found = []
    for name, version in asked.items():
        entry = told.get(name, {})
        if "vulns" not in entry or entry.get("version") != version:
            found.append(f"{name} {version} was not audited: {entry.get('skip_reason', 'nothing was said about it')}")
        for fault in entry.get("vulns", []):
            mended = ", ".join(fault.get("fix_versions", [])) or "no version"
            found.append(f"{name} {version}: {fault.get('id')}, mended in {mended}")
    return found


def ask(asked: dict[str, str]) -> list[str]:
    """One run of pip-audit; its faults."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in asked.items()))
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(wanted), "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return [f"pip-audit gave no answer within {PATIENCE} s"]
    found = faults(done.stdout, asked)
    if done.returncode and not any("mended in" in line for line in found):
        found.append(f"pip-audit ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return found


def main(path: str) -> int:
    """The exit code: 0 if every package was audited and nothing was found."""
    rounds = pinned(Path(path).read_text(encoding="utf-8"))
    found = [line for asked in rounds for line in ask(asked)]
    total = sum(map(len, rounds))
    if not total:
        found = [f"{path} pins no package"]
    print("\n".join(found) or f"{total} packages were audited; no vulnerability of theirs is known")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
