"""The dashboard and the alert rules name what the program measures, and Prometheus takes them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authority.test_metrics import Counted
from tests.contract.wirings import wired

DOCS = Path(__file__).parents[2] / "docs"
RULES, DASHBOARD, PAGE = DOCS / "alerts.yml", DOCS / "grafana-dashboard.json", DOCS / "estate.md"
NAME = re.compile(r"\bkiosk_[a-z0-9_]+")


@pytest.fixture
def counted(folder: Path) -> Iterator[Counted]:
    with wired(folder, "socket") as world:
        made = Counted(world)
        world.insert(world.registered_card())
        yield made


def names(text: str) -> set[str]:
    return set(NAME.findall(text))


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [each["expr"] for panel in panels for each in panel.get("targets", ())]


def promtool(*words: str, given: str | None = None) -> None:
    program = shutil.which("promtool")
    assert program is not None
    done = subprocess.run(
        [program, *words], input=given, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_metric_of_rules_and_dashboard_is_measured(counted: Counted) -> None:
    measured = {sample.partition("{")[0] for sample in counted.read()}
    assert names(RULES.read_text()) <= measured
    assert names("\n".join(expressions())) <= measured


def test_labels_that_rules_and_dashboard_choose_by_are_measured(counted: Counted) -> None:
    chosen = re.findall(
        r'(kiosk_\w+)\{[^}]*?(\w+)="([a-z-]+)"', RULES.read_text() + "\n".join(expressions())
    )
    measured = counted.read()
    for metric, label, value in chosen:
        found = [
            each for each in measured if each.startswith(metric) and f"{label}={value}" in each
        ]
        assert found, (metric, label, value)


def test_what_is_measured_is_on_the_page(counted: Counted) -> None:
    measured = {
        re.sub(r"_(total|count|sum|bucket|created|info)$", "", sample.partition("{")[0])
        for sample in counted.read()
        if sample.startswith("kiosk_")
    }
    on_the_page = {re.sub(r"_(total|info)$", "", name) for name in names(PAGE.read_text())}
    assert on_the_page >= measured


def test_prometheus_takes_the_rules_and_the_metrics(counted: Counted) -> None:
    promtool("check", "rules", str(RULES))
    text = counted.metrics.text().decode()
    promtool("check", "metrics", given=text)


def test_prometheus_takes_each_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:number:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "panels.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(file))
