"""Local files as file arguments: only from the folders that were named, whatever the path says."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from portico.cli.local_files import MOST_BYTES, LocalFiles, NotAllowedHere


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    allowed = tmp_path / "allowed"
    (allowed / "deep").mkdir(parents=True)
    (allowed / "notes.txt").write_text("notes")
    (allowed / "deep" / "sound.mp3").write_bytes(b"ID3")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed-not" / "x.txt").write_text("secret")
    (allowed / "link").symlink_to(tmp_path / "secret.txt")
    (allowed / "out").symlink_to(tmp_path)
    os.mkfifo(allowed / "pipe")
    return allowed


def sent(content: bytes, name: str, kind: str) -> dict[str, str]:
    return {"base64": base64.b64encode(content).decode(), "filename": name, "content_type": kind}


def test_path_becomes_the_files_content_with_its_name_and_kind(folder: Path) -> None:
    files = LocalFiles([folder])
    for path in (
        str(folder / "notes.txt"),
        "notes.txt",
        (folder / "notes.txt").as_uri(),
        f"{folder}/deep/../notes.txt",
    ):
        assert files.put_in({"file": {"path": path}}) == {"file": sent(b"notes", "notes.txt", "text/plain")}
    named = files.put_in({"file": {"path": "notes.txt", "filename": "a.jsonl", "content_type": "x/y"}})
    assert named == {"file": sent(b"notes", "a.jsonl", "x/y")}


def test_lists_and_arguments_that_discovery_hands_on_are_looked_into(folder: Path) -> None:
    files = LocalFiles([folder])
    sound = sent(b"ID3", "sound.mp3", "audio/mpeg")
    given: dict[str, Any] = {"image": [{"path": "deep/sound.mp3"}, {"text": "x"}], "n": 1}
    put: dict[str, Any] = {"image": [sound, {"text": "x"}], "n": 1}
    assert files.put_in(given) == put
    assert files.put_in({"tool_name": "t", "arguments": given}) == {"tool_name": "t", "arguments": put}


@pytest.mark.parametrize(
    "value",
    ["notes.txt", {"text": "notes.txt"}, {"path": "notes.txt", "mode": "x"}, {"path": 5}, {"a": {"path": "notes.txt"}},
     5, None, [], {}],
    ids=str,
)  # fmt: skip
def test_what_is_no_path_of_a_file_argument_passes_as_it_is(folder: Path, value: Any) -> None:
    assert LocalFiles([folder]).put_in({"argument": value}) == {"argument": value}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../secret.txt", "link", "out/secret.txt", "../allowed-not/x.txt", "file:///etc/passwd", "~/x",
     "deep/../../secret.txt", "/proc/self/environ"],
)  # fmt: skip
def test_file_outside_the_folders_is_never_sent_whatever_led_there(folder: Path, path: str) -> None:
    with pytest.raises(NotAllowedHere, match="lies outside the folders"):
        LocalFiles([folder]).put_in({"file": {"path": path}})


@pytest.mark.parametrize(
    ("path", "words"), [("nothing.txt", "cannot be read"), ("pipe", "is not a file"), ("deep", "is not a file")]
)
def test_what_cannot_be_read_says_why(folder: Path, path: str, words: str) -> None:
    with pytest.raises(NotAllowedHere, match=words):
        LocalFiles([folder]).put_in({"file": {"path": path}})


def test_file_that_is_too_large_for_a_message_says_what_to_do(folder: Path) -> None:
    with open(folder / "large", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(NotAllowedHere, match="more than 20 MB; upload it to Portico"):
        LocalFiles([folder]).put_in({"file": {"path": "large"}})


def test_without_a_folder_nothing_is_sent(folder: Path) -> None:
    with pytest.raises(NotAllowedHere, match="without --files FOLDER"):
        LocalFiles().put_in({"file": {"path": str(folder / "notes.txt")}})
