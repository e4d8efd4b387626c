"""The files of trials: by path, in folders, within limits."""

import os

import pytest

from apps.artifacts import artifacts, outputs, paths
from apps.artifacts.models import Artifact
from apps.artifacts.paths import BadPath
from apps.tuning import trials


@pytest.fixture
def trial(make_experiment, actor_ada):
    return trials.queue(actor_ada, make_experiment(), {"x": 0.5})


def keep_outputs(trial, work):
    found = outputs.read(work, ["outputs"])
    outputs.keep(trial, found)
    return found


def read(row):
    with artifacts.open(row) as file:
        return file.read()


def test_a_file_is_added_and_found_by_its_path(trial):
    row = artifacts.add(trial.experiment, trial, "plots/loss.png", b"picture")

    found = artifacts.find(trial.experiment, trial, "plots/loss.png")
    assert found == row
    assert (found.size, found.content_type, found.name) == (7, "image/png", "loss.png")
    assert read(found) == b"picture"


def test_a_file_added_again_replaces_the_one_before(trial):
    artifacts.add(trial.experiment, trial, "a.txt", b"old")

    artifacts.add(trial.experiment, trial, "a.txt", b"newer")

    assert read(artifacts.find(trial.experiment, trial, "a.txt")) == b"newer"
    assert Artifact.objects.count() == 1


def test_files_of_a_trial_and_of_its_experiment_do_not_meet(trial):
    artifacts.add(trial.experiment, trial, "a.txt", b"trial's")
    artifacts.add(trial.experiment, None, "a.txt", b"experiment's")

    assert read(artifacts.find(trial.experiment, trial, "a.txt")) == b"trial's"
    assert read(artifacts.find(trial.experiment, None, "a.txt")) == b"experiment's"


def test_a_listing_shows_folders_before_files_with_their_sizes(trial):
    for path in ("b.txt", "model/MLmodel", "model/data/weights", "a.txt"):
        artifacts.add(trial.experiment, trial, path, b"12345")

    found = artifacts.listing(trial.experiment, trial)
    below = artifacts.listing(trial.experiment, trial, "model")

    assert [(one.path, one.size, one.is_folder) for one in found] == [
        ("model", 10, True),
        ("a.txt", 5, False),
        ("b.txt", 5, False),
    ]
    assert [one.path for one in below] == ["model/data", "model/MLmodel"]
    assert artifacts.listing(trial.experiment, trial, "nothing") == []


@pytest.mark.parametrize(("there", "new"), [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_a_file_cannot_take_a_folders_place(trial, there, new):
    artifacts.add(trial.experiment, trial, there, b"")

    with pytest.raises(BadPath, match="cannot be beside"):
        artifacts.add(trial.experiment, trial, new, b"")


def test_removing_a_folder_removes_what_is_below_it_and_nothing_beside(trial):
    for path in ("a/b", "a/c/d", "ab"):
        artifacts.add(trial.experiment, trial, path, b"")

    assert artifacts.remove(trial.experiment, trial, "a") == 2
    assert [one.path for one in artifacts.listing(trial.experiment, trial)] == ["ab"]


def test_names_that_differ_in_case_are_different(trial):
    for path in ("model/a", "Model/b", "MODEL"):
        artifacts.add(trial.experiment, trial, path, path.encode())

    assert [one.path for one in artifacts.listing(trial.experiment, trial, "Model")] == ["Model/b"]
    assert artifacts.remove(trial.experiment, trial, "Model") == 1
    assert {one.path for one in artifacts.listing(trial.experiment, trial)} == {"model", "MODEL"}


def test_a_trial_keeps_only_so_many_files_and_bytes(trial, monkeypatch):
    monkeypatch.setattr(artifacts, "MOST_FILES", 2)
    monkeypatch.setattr(artifacts, "MOST_BYTES", 10)
    artifacts.add(trial.experiment, trial, "a", b"12345")

    with pytest.raises(artifacts.Full, match="at most 10 bytes"):
        artifacts.add(trial.experiment, trial, "b", b"123456")
    artifacts.add(trial.experiment, trial, "b", b"12345")
    with pytest.raises(artifacts.Full, match="at most 2 files"):
        artifacts.add(trial.experiment, trial, "c", b"")
    artifacts.add(trial.experiment, trial, "b", b"54321")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../a",
        "a/../../b",
        "a//b",
        "a/",
        "./a",
        "a\0b",
        "a\nb",
        "a\\b",
        "C:/a",
        "x" * 256,
        "/".join("x" * 200 for _ in range(6)),
        "/".join("x" for _ in range(17)),
        "\ud800",
    ],
)
def test_paths_that_lead_elsewhere_or_nowhere_are_refused(path):
    with pytest.raises(BadPath):
        paths.checked(path)


@pytest.mark.parametrize("path", ["a", "a b/c.d", "häßlich/文件.txt", "x" * 255, "..a/b.."])
def test_usual_paths_are_kept(path):
    assert paths.checked(path) == path


def test_two_ways_to_write_one_letter_are_one_path():
    assert paths.checked("u\u0308.txt") == "\u00fc.txt"


def test_outputs_are_kept_under_their_paths(trial, tmp_path):
    (tmp_path / "outputs/deep").mkdir(parents=True)
    (tmp_path / "outputs/a.txt").write_text("a")
    (tmp_path / "outputs/deep/b.txt").write_text("bb")
    (tmp_path / "scratch.txt").write_text("not an output")

    kept = keep_outputs(trial, tmp_path)

    assert (len(kept.files), kept.size, kept.words()) == (2, 3, "")
    assert sorted(Artifact.objects.values_list("path", flat=True)) == ["outputs/a.txt", "outputs/deep/b.txt"]


def test_links_in_outputs_lead_nowhere(trial, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("key")
    folder = tmp_path / "work" / "outputs"
    folder.mkdir(parents=True)
    (folder / "file").symlink_to(secret / "key")
    (folder / "folder").symlink_to(secret)

    keep_outputs(trial, tmp_path / "work")

    assert not Artifact.objects.exists()


def test_an_outputs_folder_that_is_a_link_is_not_followed(trial, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("x")
    (tmp_path / "outputs").symlink_to(tmp_path / "elsewhere")

    keep_outputs(trial, tmp_path)

    assert not Artifact.objects.exists()


def test_a_pipe_among_the_outputs_keeps_nobody_waiting(trial, tmp_path):
    (tmp_path / "outputs").mkdir()
    os.mkfifo(tmp_path / "outputs" / "pipe")

    assert keep_outputs(trial, tmp_path).files == {}


def test_outputs_that_cannot_be_kept_are_named(trial, tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "MOST_FILE_BYTES", 3)
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "big").write_text("12345")
    (tmp_path / "outputs" / "new\nline").write_text("1")
    (tmp_path / "outputs" / "small").write_text("1")

    kept = keep_outputs(trial, tmp_path)

    assert list(kept.files) == ["outputs/small"]
    assert "outputs/big" in kept.words() and "control characters" in kept.words()
