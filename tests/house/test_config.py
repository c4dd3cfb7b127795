import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmc15m.config import Config, load_config, public_address, shareable, to_toml
from pmc15m.errors import ConfigError
from pmc15m.saved import save_config, saved_config
from pmc15m.workspace import Workspace


def test_defaults_are_the_pmc_service() -> None:
    assert load_config() == Config()
    assert load_config().source == "https://pmc-oa-opendata.s3.amazonaws.com"


def test_a_file_changes_defaults_and_set_changes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('source = "folder"\n[select]\nlimit = 10\nsample = 1\n')
    config = load_config(file, ["select.limit=20", "select.where=year >= 2015"])
    assert (config.source, config.select.limit, config.select.where) == ("folder", 20, "year >= 2015")
    assert config.select.sample == 1.0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("select.limt=3", "unknown config key select.limt; did you mean select.limit?"),
        ("selct.limit=3", "did you mean select?"),
        ("select.limit=many", "select.limit takes an int, not 'many'"),
        ("crawl.table_images=1", "crawl.table_images takes a bool"),
        ("select.limit=true", "select.limit takes an int"),
        ("select=3", "select is a section"),
        ("network.connections=0", "network.connections is at least 1, not 0"),
        ("curate.near_distance=70", "curate.near_distance is at most 8, not 70"),
        ("network.read_timeout_s=0", "network.read_timeout_s is above 0"),
        ("select.sample=1.5", "select.sample is a share between 0 and 1, not 1.5"),
        ("split.separator=magic", "split.separator is network or gutters, not 'magic'"),
        ("network.connections=100000", "network.connections is at most 1000"),
        ("crawl.max_removed_share=2", "crawl.max_removed_share is a share between 0 and 1"),
        ("network.contact=me\r\nX-Evil: 1", "network.contact is one line of text"),
        ("source=http://host/a\r\nX-Evil: 1", "source is one line of text"),
        ("select.limit", "--set takes section.key=value"),
    ],
)
def test_wrong_overrides_say_what_to_do(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(None, [override])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("limit: 3")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_config(tmp_path / "bad.toml")
    with pytest.raises(ConfigError, match="cannot read the config file"):
        load_config(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://host.example.org", "https://host.example.org"),
        ("http://me:pass@host:8080/a@b", "http://host:8080/a@b"),
        ("http://me:p@ss@host/a", "http://host/a"),
        ("http://me:pa/ss@host/a", "http://host/a"),
        ("http://me:pa?ss#@host/a", "http://host/a"),
        ("HTTPS://token@host/a/", "HTTPS://host/a/"),
        ("https://host/a?sig=secret&x=1#y", "https://host/a"),
        ("http://[::1]:80/a?secret", "http://[::1]:80/a"),
        ("s3://me:pass@bucket", "s3://bucket"),
        ("/data/what? a #1 folder@home", "/data/what? a #1 folder@home"),
    ],
)
def test_what_is_kept_of_an_address_is_no_secret(given: str, kept: str) -> None:
    assert public_address(given) == kept
    config = load_config(None, [f"source={given}", f"select.pmc_ids={given}"])
    assert shareable(config) == load_config(None, [f"source={kept}", f"select.pmc_ids={kept}"])


@given(where=st.text(), limit=st.integers(0, 2**40), sample=st.floats(0, 1, exclude_min=True))
def test_what_is_saved_reads_back(
    tmp_path_factory: pytest.TempPathFactory, where: str, limit: int, sample: float
) -> None:
    select = dataclasses.replace(Config().select, where=where, limit=limit, sample=sample)
    config = dataclasses.replace(Config(), select=select)
    file = tmp_path_factory.mktemp("config") / "config.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    assert load_config(file) == config


@pytest.mark.parametrize("kept", [b"", b"source = ", None])
def test_a_configuration_that_was_cut_is_refused(tmp_path: Path, kept: bytes | None) -> None:
    save_config(Workspace(tmp_path), Config())
    path = tmp_path / "config.toml"
    path.write_bytes(path.read_bytes()[:-90] if kept is None else kept)
    with pytest.raises(ConfigError, match="damaged or was edited"):
        saved_config(Workspace(tmp_path))


def test_a_damaged_configuration_is_written_anew(tmp_path: Path) -> None:
    save_config(Workspace(tmp_path), Config())
    whole = (tmp_path / "config.toml").read_bytes()
    (tmp_path / "config.toml").write_bytes(b"\xff" + whole[1:])
    save_config(Workspace(tmp_path), Config())
    assert (tmp_path / "config.toml").read_bytes() == whole
