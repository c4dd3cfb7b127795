"""A generated miniature of PMC and an imitation of the PMC Cloud Service on loopback.

    truth = generate(folder)                     # 60 articles in the bucket's layout, the truth beside them
    with serve(folder) as server:                # http://127.0.0.1:PORT, what the real bucket answers
        ...
    generate_legacy(folder)                      # oa_package tarballs, as people kept them

`make demo` runs on it, and the tests talk to it.
"""

from pmc15m.demo.faults import Fault, FaultKind, parse_faults
from pmc15m.demo.generate import generate
from pmc15m.demo.legacy import generate_legacy
from pmc15m.demo.real_articles import bucket_of_articles
from pmc15m.demo.server import Request, Server, serve
from pmc15m.demo.store import Bucket
from pmc15m.demo.truth import ArticleFate, ArticleTruth, DemoTruth, FigureTruth, GraphicFate, GraphicTruth, PanelTruth

__all__ = [
    "ArticleFate",
    "ArticleTruth",
    "Bucket",
    "DemoTruth",
    "Fault",
    "FaultKind",
    "FigureTruth",
    "GraphicFate",
    "GraphicTruth",
    "PanelTruth",
    "Request",
    "Server",
    "bucket_of_articles",
    "generate",
    "generate_legacy",
    "parse_faults",
    "serve",
]
