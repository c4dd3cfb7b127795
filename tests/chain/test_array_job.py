"""The array job of examples/, with a stand-in for SLURM that does what is queued at once, task after task."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pmc15m.demo import Server
from tests.chain.conftest import FLAGS, digests, pmc15m

ROOT = Path(__file__).parents[2]
TASKS = 3
# It runs the tasks in no order, and the first of them twice.
_SBATCH = """#!/bin/bash
export SLURM_CPUS_PER_TASK=1
for option; do
  case $option in
    --array=0) tasks=0 ;;
    --array=0-*) tasks="2 0 1 2" ;;
    -*) echo "$option" >> asked ;;
    *) break ;;
  esac
  shift
done
for task in $tasks; do SLURM_ARRAY_TASK_ID=$task bash "$@" >> log 2>&1 || true; done
echo 4711
"""


@pytest.mark.timeout(900)
def test_an_array_job_makes_what_one_run_makes(tmp_path: Path, bucket: Server, finished: Path) -> None:
    programs = {"sbatch": _SBATCH, "pmc15m": f'#!/bin/bash\nexec {sys.executable} -m pmc15m.cli "$@"\n'}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    made = subprocess.run(["make", "-n", "array", f"TASKS={TASKS}"], cwd=ROOT, capture_output=True, text=True)
    written = subprocess.run(made.stdout.rpartition(" > ")[0], shell=True, cwd=ROOT, capture_output=True, text=True)
    assert f"\nTASKS={TASKS} WORKSPACE=data\n" in written.stdout
    (tmp_path / "array.sh").write_text(written.stdout)
    data = tmp_path / "data"
    for step in ("index", "crawl"):  # from here on, the workspace knows what it is made with
        part = ("--shard", f"2/{TASKS}") if step == "crawl" else ()
        assert pmc15m(step, "--workspace", data, "--source", bucket.url, *FLAGS, *part).returncode in (0, 1)
    told = pmc15m("status", "--workspace", data, "--shares", str(TASKS)).stdout
    assert "shares   of 3, not done: crawl 1, parse 2, split 2, curate 2" in told, "00001 is of share 2"
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    queued = subprocess.run(["bash", "array.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert queued.returncode == 0, queued.stderr
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert (tmp_path / "asked").read_text().count("--dependency=afterany:4711") == 4
    assert digests(data) == digests(finished)
    told = pmc15m("status", "--workspace", data, "--shares", str(TASKS)).stdout
    assert "shares   of 3, not done: crawl -, parse -, split -, curate -" in told
