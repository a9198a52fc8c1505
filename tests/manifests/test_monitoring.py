"""Alert rules and the dashboard's queries, judged by Prometheus' own tool."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

MONITORING = Path("deploy/monitoring")
PROMTOOL = shutil.which("promtool")


@pytest.fixture(autouse=True)
def _tool() -> None:
    if PROMTOOL is None and "CI" in os.environ:
        pytest.fail("promtool is missing: .ci/run installs it")
    if PROMTOOL is None:
        pytest.skip("needs promtool (Debian: apt-get install prometheus)")


def promtool(*arguments: str, folder: Path) -> str:
    """Run it; give what it printed when it found nothing wrong."""
    command = [PROMTOOL or "", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_each_alert_fires_when_it_should_and_none_when_all_is_well() -> None:
    tests = yaml.safe_load((MONITORING / "alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    fired = {
        sample["labels"]
        for test in tests
        for expression in test.get("promql_expr_test", [])
        for sample in expression["exp_samples"]
    }

    assert "13 rules found" in promtool("check", "rules", "--lint=all", "alerts.yaml", folder=MONITORING)
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yaml", folder=MONITORING)
    assert fired == {f'{{alertname="{rule["alert"]}"}}' for group in rules for rule in group["rules"]}


def test_every_query_of_the_dashboard_is_one_that_prometheus_reads(tmp_path: Path) -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    groups = {"groups": [{"name": "dashboard", "rules": rules}]}
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump(groups), encoding="utf-8")

    assert f"{len(queries)} rules found" in promtool("check", "rules", "queries.yaml", folder=tmp_path)
