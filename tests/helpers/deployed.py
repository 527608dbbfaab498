"""What stands in ``deploy/``, for tests: its programs as modules, and which of its tools this machine has."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

from made import ROOT

DEPLOY = ROOT / "deploy"


def program(name: str) -> ModuleType:
    """A Python program without a suffix, as a module."""
    loader = SourceFileLoader(f"deploy_{name}", str(DEPLOY / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def tool(name: str) -> str | None:
    """Path of a program of the system; Debian keeps some where only root looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
