"""How long pages of `pmc15m browse` take, over the generated pairs of `pairs_table` or any workspace.

python -m benchmarks.browse DIR
"""

import argparse
import http.client
import os
import resource
import threading
import time
from pathlib import Path
from urllib.parse import quote

from pmc15m.browse.index import Index
from pmc15m.browse.server import listen, serve
from pmc15m.workspace import Workspace

PAGES = (
    ("first page", "/pairs"),
    ("first page again", "/pairs"),
    ("facet: licence", "/pairs?licence=CC+BY"),
    ("two facets", "/pairs?kind=radiology&year=2020"),
    ("facet: no modality", "/pairs?modality="),
    ("facet: journal", "/pairs?journal={journal}"),
    ("worst first", "/pairs?sort=worst"),
    ("random", "/pairs?sort=random&seed=1"),
    ("page 1,000", "/pairs?page=1000"),
    ("words, first answer", "/pairs?words=histology"),
    ("condition, first answer", "/pairs?where=n_words+%3E+300"),
)


def timed(port: int, path: str) -> tuple[float, float]:
    """Wall and CPU seconds of one page."""
    wall, cpu = time.perf_counter(), time.process_time()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200, (path, answer.status)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    arguments = parser.parse_args()
    wall, cpu = time.perf_counter(), time.process_time()
    index = Index(Workspace(arguments.root))
    print("| page | wall s | CPU s |\n|---|---:|---:|")
    print(f"| start | {time.perf_counter() - wall:.0f} | {time.process_time() - cpu:.0f} |")
    [journal] = index.ask("SELECT journal::VARCHAR AS name FROM rows_pairs WHERE journal IS NOT NULL LIMIT 1")
    listening = listen(0)
    server = serve(index, listening)
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    running.start()
    for name, path in PAGES:
        took = timed(listening.getsockname()[1], path.format(journal=quote(journal["name"])))
        print(f"| {name} | {took[0]:.2f} | {took[1]:.2f} |")
    server.should_exit = True
    running.join()
    index.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    rows, load = sum(index.sizes.values()), os.getloadavg()[0]
    print(f"\n{rows:,} rows, peak {peak} MiB, load {load:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
