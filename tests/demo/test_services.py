"""The ID converter and ESearch, in small."""

import json

import pytest
import requests
from lxml import etree

from pmc15m.demo import Bucket, DemoTruth, Server
from pmc15m.demo.services import search


def convert(server: Server, *ids: str, **query: str) -> requests.Response:
    return requests.get(
        f"{server.url}/tools/idconv/api/v1/articles/", params={"ids": ",".join(ids), **query}, timeout=5
    )


def found(bucket: Bucket, term: str, **query: str) -> list[str]:
    _, body = search(bucket, {"term": term, "retmax": "999", "retmode": "json", **query})
    ids: list[str] = json.loads(body)["esearchresult"]["idlist"]
    return ids


@pytest.fixture(scope="module")
def bucket(truth: DemoTruth) -> Bucket:
    return Bucket.open(truth.root)


def test_ids_of_all_kinds_and_one_unknown_and_one_embargoed(server: Server) -> None:
    article = {"doi": "10.9999/jdemo.2022.00000", "pmcid": "PMC70000000", "pmid": 30000000}
    ids = ("PMC70000000", "30000000", "10.9999/JDEMO.2022.00000", "10.1/none", "PMC79999999")
    answer = convert(server, *ids).json()
    assert answer["status"] == "ok"
    assert answer["records"][:3] == [{**article, "requested-id": requested} for requested in ids[:3]]
    error = {"status": "error", "errmsg": "Identifier not found in PMC"}
    assert answer["records"][3] == {"doi": "10.1/none", "requested-id": "10.1/none", **error}
    assert (answer["records"][4]["live"], answer["records"][4]["release-date"]) == (False, "2027-03-11")
    assert convert(server, "70000000", idtype="pmcid").json()["records"][0]["pmid"] == 30000000


def test_two_hundred_ids_and_no_more(server: Server) -> None:
    assert convert(server, *map(str, range(200))).status_code == 200
    assert convert(server, *map(str, range(201))).status_code == 400


def test_licences_and_flags(bucket: Bucket, truth: DemoTruth) -> None:
    for code, name in (("CC0", "cc0_license"), ("CC BY-NC-ND", "cc_by-nc-nd_license"), ("CC BY", "cc_by_license")):
        numbers = {article.pmcid[3:] for article in truth.articles if article.licence_code == code}
        expected = numbers - {a.pmcid[3:] for a in truth.articles if a.shape == "manuscript_after_publication"}
        assert set(found(bucket, f"{name}[Filter]")) == expected
    everything = found(bucket, "(open_access[Filter] OR author_manuscript[Filter])")
    assert everything == sorted(everything, key=int, reverse=True)
    assert len(found(bucket, "author_manuscript[Filter]")) == 2
    assert set(found(bucket, "open_access[Filter] NOT cc_by_license[Filter]")) < set(everything)


def test_words_and_dates(bucket: Bucket) -> None:
    (retracted,) = found(bucket, "retracted")
    assert retracted == "70000007"
    assert found(bucket, "2026/9/1:2026/9/2[pmcrdat] AND retracted") == [retracted]
    assert found(bucket, "2026/8/31[pmcrdat]") == []


def test_no_more_ids_than_the_limit(bucket: Bucket) -> None:
    query = {"term": "", "retmax": "99999", "retstart": "3"}
    answer = etree.fromstring(search(bucket, query, max_results=10)[1].encode())
    assert (answer.findtext("Count"), answer.findtext("RetMax")) == ("60", "7")
    assert len(answer.findall("IdList/Id")) == 7
    assert "<ERROR>" in search(bucket, {"term": "", "retstart": "10"}, max_results=10)[1]


def test_esearch_over_http(server: Server) -> None:
    url = f"{server.url}/entrez/eutils/esearch.fcgi?db=pmc&term=retracted"
    assert etree.fromstring(requests.get(url, timeout=5).content).findtext("IdList/Id") == "70000007"
