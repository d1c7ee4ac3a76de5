"""Say under which conditions was measured."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from devcluster import gomodule, settings


def load_average() -> float:
    """Return how many programs wanted a processor during the last minute."""
    return os.getloadavg()[0]


def machine(load_before: float) -> str:
    """Return the machine and how busy others kept it, as the beginning of a sentence."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    model = found.group(1) if found else platform.machine()
    return (
        f"{os.cpu_count()} processors ({model}), load average {load_before:.1f} before and {load_average():.1f} after"
    )


def sentence(load_before: float) -> str:
    """Return the machine, the versions and how busy others kept the machine."""
    module = gomodule.kubernetes(settings.from_environment(os.environ).kubernetes)
    programs = f"Kubernetes {module.version(gomodule.KUBERNETES_MODULE).removeprefix('v')}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("kopf", "kubernetes", "pydantic", "aiohttp"))
    return f"{machine(load_before)}; {programs}, Python {platform.python_version()}, {libraries}."
