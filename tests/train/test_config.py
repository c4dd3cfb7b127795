"""The configuration: presets, TOML, overrides, and what is refused."""

from pathlib import Path

import pytest

from train.checkpoint import fixed_differences
from train.config import load_config, override, preset_names, read_config, to_toml
from train.errors import ConfigError


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_loads_and_survives_saving(preset: str, tmp_path: Path) -> None:
    config = load_config(preset)
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert read_config(tmp_path / "config.toml") == config


def test_biomedclip_is_the_published_recipe() -> None:
    config = load_config("biomedclip")
    assert (config.embed_dim, config.data.batch_size, config.data.context_length) == (512, 4096, 256)
    optim = config.optim
    assert (optim.lr, optim.weight_decay, optim.beta1, optim.beta2, optim.eps) == (5e-4, 0.2, 0.9, 0.98, 1e-6)
    assert (optim.warmup_steps, config.run.epochs, config.run.seed) == (2000, 32, 0)


def test_a_file_changes_the_preset_and_set_changes_both(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[optim]\nlr = 1e-4\nwarmup_steps = 7\n[data]\nmean = [0, 0.5, 1]\n")
    config = load_config("tiny", file, ["optim.lr=2e-4", "text.weights=some/folder"])
    assert (config.optim.lr, config.optim.warmup_steps, config.text.weights) == (2e-4, 7, "some/folder")
    assert config.data.mean == (0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optim.learning_rate=1", "unknown config key optim.learning_rate; known: optim.lr"),
        ("optim.warmup_step=1", "did you mean optim.warmup_steps?"),
        ("optim.lr", "--set takes section.key=value"),
        ("optim=3", "optim is a section"),
        ("optim.lr=fast", "optim.lr takes a float, not 'fast'"),
        ("data.batch_size=1.5", "data.batch_size takes an int"),
        ("data.batch_size=true", "data.batch_size takes an int"),
        ("data.batch_size=1", "at least 2"),
        ("data.crop_scale=0", "share in"),
        ("data.mean=[1, 2]", "three numbers"),
        ("image.heads=5", "no multiple of image.heads"),
        ("image.patch_size=7", "multiple of image.patch_size"),
        ("run.precision=fp8", "run.precision is one of auto, fp32, bf16"),
        ("run.steps=-1", "must not be negative"),
        ("optim.lr=inf", "must be positive"),
        ("optim.clip_norm=nan", "must not be negative"),
    ],
)
def test_a_wrong_value_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^[^\n]*$") as caught:
        load_config("tiny", None, [text])
    assert message in str(caught.value)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the config file"):
        load_config("tiny", tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("lr: 3")
    with pytest.raises(ConfigError, match=r"bad\.toml is not TOML"):
        load_config("tiny", tmp_path / "bad.toml")
    (tmp_path / "half.toml").write_text("init = ''\nembed_dim = 3")
    with pytest.raises(ConfigError, match=r"half\.toml lacks data"):
        read_config(tmp_path / "half.toml")


def test_what_enters_the_weights_is_fixed_and_how_a_run_is_fed_and_watched_is_not() -> None:
    config = load_config("tiny")
    free = ("data.workers=3", "run.threads=2", "run.log_every=1", "run.eval_every=9", "run.save_every=9", "run.keep=7")
    assert fixed_differences(config, override(config, [*free, "run.steps=2", "run.epochs=3"])) == []
    fixed = ("embed_dim=3", "data.batch_size=8", "optim.lr=1", "run.seed=1", "run.precision=bf16")
    assert fixed_differences(config, override(config, fixed)) == [text.partition("=")[0] for text in fixed]


def test_micro_batches_and_compiling_are_fixed_where_each_draws_masks_of_its_own() -> None:
    config, settings = load_config("tiny"), ["run.micro_batch=4", "run.compile=true"]
    assert fixed_differences(config, override(config, settings)) == []
    for key in ("text.hidden_dropout", "text.attention_dropout", "image.patch_dropout"):
        dropping = override(config, [f"{key}=0.1"])
        assert fixed_differences(dropping, override(dropping, settings)) == ["run.micro_batch", "run.compile"]


def test_words_of_any_kind_survive_saving(tmp_path: Path) -> None:
    config = override(load_config("tiny"), ['text.weights="a\\"b\\\\c ü\\n😀"'])
    (tmp_path / "config.toml").write_text(to_toml(config))
    assert read_config(tmp_path / "config.toml") == config
    assert config.text.weights == 'a"b\\c ü\n😀'
