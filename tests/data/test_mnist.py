from __future__ import annotations

import gzip
import struct
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision.datasets.mnist as torchvision_mnist

import mnistlab
from mnistlab.common import paths
from mnistlab.common.errors import DataError
from mnistlab.data import mnist
from mnistlab.data.mnist import Digits, load, load_mnist
from mnistlab.data.normalisation import Normalisation


def made_up(n: int) -> Digits:
    """``n`` images that differ from each other; the first pixel of image i is i modulo 256."""
    images = torch.randint(0, 256, (n, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[:, 0, 0] = torch.arange(n).to(torch.uint8)
    return Digits(images, torch.arange(n) % 10)


# --- Digits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            torch.zeros(2, 28, 28),
            torch.zeros(2, dtype=torch.int64),
            r"images must be uint8 .* not float32 \(2, 28, 28\)",
        ),
        (torch.zeros(2, 784, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), r"not uint8 \(2, 784\)"),
        (torch.zeros(2, 28, 27, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), r"not uint8 \(2, 28, 27\)"),
        (torch.zeros(28, 28, dtype=torch.uint8), torch.zeros(28, dtype=torch.int64), r"not uint8 \(28, 28\)"),
        (
            torch.zeros(2, 28, 28, dtype=torch.uint8),
            torch.zeros(2),
            r"labels must be int64 \(2,\).* not float32 \(2,\)",
        ),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), r"not int64 \(3,\)"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(2, 1, dtype=torch.int64), r"not int64 \(2, 1\)"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.tensor([0, 10]), "0 to 9; these go from 0 to 10"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.tensor([-1, 4]), "0 to 9; these go from -1 to 4"),
    ],
)
def test_digits_refuse_what_does_not_fit_and_say_what_came(images, labels, message):
    with pytest.raises(DataError, match=message):
        Digits(images, labels)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (3, [3]),
        (-1, [19]),
        (np.int64(4), [4]),
        (slice(2, 5), [2, 3, 4]),
        (slice(0, 0), []),
        ([7, 7, 1], [7, 7, 1]),
        ([], []),
        (torch.tensor([9, 0]), [9, 0]),
        (np.array([9, 0]), [9, 0]),
        (torch.arange(20) > 17, [18, 19]),
        (torch.zeros(20, dtype=torch.bool), []),
    ],
)
def test_digits_index_images_and_labels_together(index, expected):
    digits = made_up(20)
    chosen = digits[index]
    assert isinstance(chosen, Digits)
    assert chosen.images.shape == (len(expected), 28, 28)
    assert chosen.images[:, 0, 0].tolist() == expected
    assert chosen.labels.tolist() == [i % 10 for i in expected]


@pytest.mark.parametrize("index", [20, -21, [0, 20], torch.ones(19, dtype=torch.bool)])
def test_digits_index_beyond_the_end(index):
    with pytest.raises(IndexError):
        made_up(20)[index]


def test_digits_can_be_looped_over_one_by_one():
    assert [len(one) for one in made_up(3)] == [1, 1, 1]


def test_no_digits_at_all_are_allowed():
    none = made_up(5)[:0]
    assert len(none) == 0
    assert none.counts().tolist() == [0] * 10


def test_digits_repr_is_short():
    assert repr(made_up(1200)) == "Digits(1,200 images of 28 x 28)"


def test_counts_name_every_class_even_absent_ones():
    digits = Digits(torch.zeros(3, 28, 28, dtype=torch.uint8), torch.tensor([2, 2, 7]))
    assert digits.counts().tolist() == [0, 0, 2, 0, 0, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("n", [0, -1, 21])
def test_sample_refuses_more_than_there_is_and_less_than_one(n):
    with pytest.raises(DataError, match=f"cannot draw {n} of 20 digits; 1 to 20"):
        made_up(20).sample(n, seed=0)


def test_sample_is_without_replacement_and_fixed_by_its_seed():
    digits = made_up(200)
    drawn = digits.sample(200, seed=5)
    assert sorted(drawn.images[:, 0, 0].tolist()) == list(range(200))
    assert drawn.sha256() == digits.sample(200, seed=5).sha256()
    assert drawn.sha256() != digits.sample(200, seed=6).sha256()
    assert digits.sample(3, seed=5).images.equal(drawn.images[:3])


def test_sample_leaves_the_global_random_state_alone():
    state = torch.get_rng_state()
    made_up(20).sample(5, seed=1)
    assert torch.get_rng_state().equal(state)


def test_fingerprint_sees_pixels_labels_and_order_not_memory_layout():
    digits = made_up(20)
    assert len(digits.sha256()) == 64
    assert digits[torch.arange(19, -1, -1)].sha256() != digits.sha256()
    turned = Digits(digits.images.transpose(1, 2).contiguous().transpose(1, 2), digits.labels)
    assert not turned.images.is_contiguous()
    assert turned.sha256() == digits.sha256()
    images = digits.images.clone()
    images[7, 3, 3] ^= 1
    assert Digits(images, digits.labels).sha256() != digits.sha256()
    labels = digits.labels.clone()
    labels[7] = 0
    assert Digits(digits.images, labels).sha256() != digits.sha256()


# --- MNIST ------------------------------------------------------------------------------------------------------------


def test_mnist_has_the_sizes_the_lab_speaks_of(splits):
    assert repr(splits) == "Splits(mnist: train 55,000, validation 5,000, test 10,000)"
    for part in (splits.train, splits.validation, splits.test):
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert (part.images.min(), part.images.max()) == (0, 255)


def test_mnist_is_the_known_one(splits):
    # Class counts of the 60,000 and the 10,000, as published everywhere; ink is bright and in the middle.
    counts = (splits.train.counts() + splits.validation.counts()).tolist()
    assert counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert splits.test.counts().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert splits.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert splits.train.images[:, 0, 0].max() == 0
    assert splits.train.images[:, 14, 14].float().mean() > 80


def test_split_is_stratified(splits):
    whole = splits.train.counts() + splits.validation.counts()
    expected = whole * (5_000 / 60_000)
    assert (splits.validation.counts() - expected).abs().max() < 1


def image_keys(digits: Digits) -> set[bytes]:
    return {image.tobytes() for image in digits.images.numpy()}


def test_no_image_is_in_two_parts(splits):
    train, validation, test = (image_keys(part) for part in (splits.train, splits.validation, splits.test))
    assert (len(train), len(validation), len(test)) == (55_000, 5_000, 10_000)  # no image appears twice
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("seed", ["0", -1, 2**32, 1.5, None])
def test_a_seed_that_splits_nothing_is_refused(seed):
    with pytest.raises(DataError, match="seed is a whole number from 0 to 4,294,967,295, not"):
        load_mnist(seed=seed)


@pytest.mark.parametrize("module", [mnistlab, mnistlab.data])
def test_completion_offers_what_is_loaded_when_asked_for(module):
    assert set(module.__all__) <= set(dir(module))


def test_split_depends_on_the_seed_alone(splits):
    again, other = load_mnist(seed=0), load_mnist(seed=1)
    assert again.train.sha256() == splits.train.sha256()
    assert again.validation.sha256() == splits.validation.sha256()
    assert other.seed == 1
    assert other.validation.sha256() != splits.validation.sha256()
    assert other.test.sha256() == splits.test.sha256()


def test_split_of_seed_0_stays_what_it_was(splits):
    # Saved models name this hash; another split under the same seed would make their validation figures worthless.
    assert splits.train.sha256() == "44c3732169343dcb4a6c0011337c4e2d71aa7b55fd71259b2bf103c1e00caf0b"


def test_load_gives_the_same_as_load_mnist(splits):
    assert load("mnist").validation.sha256() == splits.validation.sha256()


@pytest.fixture
def shipped(tmp_path, monkeypatch) -> Path:
    """A copy of the package's data folder that may be spoiled."""
    folder = tmp_path / "idx"
    folder.mkdir()
    for source in (Path(mnist.__file__).parent / "idx").glob("*.gz"):
        (folder / source.name).symlink_to(source)
    monkeypatch.setattr(mnist, "files", lambda package: tmp_path)
    return folder


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_another_image_in_a_file_is_noticed(shipped):
    path = shipped / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] = (content[-1] + 1) % 10
    replace(path, gzip.compress(bytes(content)))
    with pytest.raises(
        DataError, match=r"t10k-labels-idx1-ubyte is damaged: SHA-256 .*expected ff7bcfd416de"
    ) as caught:
        load_mnist()
    assert caught.value.code == "sha256"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:1000], id="cut off"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"not gzip at all", id="no gzip"),
        pytest.param(lambda content: content[:40] + bytes(40) + content[80:], id="bad stream"),
        pytest.param(lambda content: content[:-8] + b"\0" * 8, id="bad checksum"),
    ],
)
def test_a_damaged_archive_is_one_clear_error(shipped, spoil):
    path = shipped / "t10k-labels-idx1-ubyte.gz"
    replace(path, spoil(path.read_bytes()))
    with pytest.raises(DataError, match=r"reinstall mnistlab"):
        load_mnist()


def test_a_missing_file_is_named(shipped):
    (shipped / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz cannot be read") as caught:
        load_mnist()
    assert caught.value.code == "unreadable"


# --- normalisation ----------------------------------------------------------------------------------------------------


def test_the_normalisation_is_that_of_the_60000_training_images(splits):
    pixels = torch.cat([splits.train.images, splits.validation.images])
    assert len(pixels) == 60_000
    computed = Normalisation.of(pixels)
    assert (round(computed.mean, 4), round(computed.std, 4)) == (0.1307, 0.3081)
    assert Normalisation() == Normalisation(0.1307, 0.3081)
    grey = pixels.numpy() / np.float32(255)  # the same by another way
    assert computed.mean == pytest.approx(grey.mean(dtype=np.float64), abs=1e-6)
    assert computed.std == pytest.approx(grey.std(dtype=np.float64), abs=1e-6)


def test_normalised_images_have_mean_0_and_spread_1(small):
    applied = Normalisation.of(small.train.images).apply(small.train.images)
    assert applied.shape == (1_000, 1, 28, 28)
    assert applied.dtype == torch.float32
    assert applied.mean().item() == pytest.approx(0, abs=1e-4)
    assert applied.std().item() == pytest.approx(1, abs=1e-4)


def test_paper_and_ink_have_the_values_the_docs_give():
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[0, 0, 0] = 255
    applied = Normalisation().apply(image)
    assert applied[0, 0, 1, 1].item() == pytest.approx(-0.42, abs=0.005)
    assert applied[0, 0, 0, 0].item() == pytest.approx(2.82, abs=0.005)


def test_normalising_leaves_its_input_as_it_was(small):
    before = small.test.images.clone()
    Normalisation().apply(small.test.images)
    assert small.test.images.equal(before)


# --- sets from the network --------------------------------------------------------------------------------------------

IDX_TYPES = {np.dtype("uint8"): 0x08, np.dtype("int32"): 0x0C}


def write_idx(path: Path, array: np.ndarray) -> None:
    """An IDX file, as the sets come once unpacked: type, number of axes, sizes, big-endian values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">HBB{array.ndim}I", 0, IDX_TYPES[array.dtype], array.ndim, *array.shape)
    path.write_bytes(header + array.astype(array.dtype.newbyteorder(">")).tobytes())


def raw_digits(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels whose rows and columns cannot be exchanged unseen."""
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (n, 28, 28), dtype=np.uint8), np.arange(n, dtype=np.uint8) % 10


@pytest.fixture
def downloads(tmp_path, monkeypatch) -> Path:
    """An empty download folder, no network, and a validation part that small sets can spare."""

    def no_network(*args, **kwargs):
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setenv("MNISTLAB_DATA", str(tmp_path))
    monkeypatch.setattr(torchvision_mnist, "download_and_extract_archive", no_network)
    monkeypatch.setattr(mnist, "VALIDATION_SIZE", 20)
    assert paths.downloads() == tmp_path
    return tmp_path


def as_set(digits: Digits) -> list[tuple[bytes, int]]:
    return sorted(
        (image.tobytes(), int(label)) for image, label in zip(digits.images.numpy(), digits.labels, strict=True)
    )


def check(splits, training, test) -> None:
    """Every image of the files came through, upright, under its own label."""
    images, labels = (
        torch.cat([getattr(part, a) for part in (splits.train, splits.validation)]) for a in ("images", "labels")
    )
    assert (len(splits.train), len(splits.validation)) == (len(training[0]) - 20, 20)
    assert splits.validation.counts().tolist() == [2] * 10
    assert as_set(Digits(images, labels)) == as_set(
        Digits(*(torch.tensor(a) for a in (training[0], training[1].astype("int64"))))
    )
    assert splits.test.images.numpy().tobytes() == test[0].tobytes()
    assert splits.test.labels.tolist() == test[1].tolist()


@pytest.mark.parametrize(("name", "folder"), [("fashion-mnist", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_sets_in_the_layout_of_mnist(downloads, name, folder):
    training, test = raw_digits(100, 1), raw_digits(30, 2)
    for prefix, (images, labels) in (("train", training), ("t10k", test)):
        write_idx(downloads / folder / "raw" / f"{prefix}-images-idx3-ubyte", images)
        write_idx(downloads / folder / "raw" / f"{prefix}-labels-idx1-ubyte", labels)
    splits = load(name, seed=3)
    assert (splits.name, splits.seed) == (name, 3)
    check(splits, training, test)


def test_emnist_digits_are_turned_upright(downloads):
    training, test = raw_digits(100, 1), raw_digits(30, 2)
    for part, (images, labels) in (("train", training), ("test", test)):
        stored = downloads / "EMNIST" / "raw" / f"emnist-digits-{part}"
        write_idx(stored.with_name(f"{stored.name}-images-idx3-ubyte"), np.ascontiguousarray(images.transpose(0, 2, 1)))
        write_idx(stored.with_name(f"{stored.name}-labels-idx1-ubyte"), labels)
    check(load("emnist-digits"), training, test)


def test_qmnist_takes_the_label_from_the_first_column_and_skips_mnist_s_own_test_digits(downloads):
    training = raw_digits(100, 1)
    known, test = raw_digits(10_000, 2), raw_digits(30, 3)
    files = {"train": training, "test": tuple(np.concatenate(pair) for pair in zip(known, test, strict=True))}
    for part, (images, labels) in files.items():
        about = np.full((len(labels), 8), 77, dtype=np.int32)  # writer, form, ...: none of them a label
        about[:, 0] = labels
        write_idx(downloads / "QMNIST" / "raw" / f"qmnist-{part}-images-idx3-ubyte", images)
        write_idx(downloads / "QMNIST" / "raw" / f"qmnist-{part}-labels-idx2-int", about)
    check(load("qmnist"), training, test)


@pytest.mark.parametrize("name", list(mnist.DOWNLOADS))
def test_without_a_network_the_message_says_so_and_what_works_without(downloads, name):
    with pytest.raises(
        DataError, match=rf"{name} could be neither downloaded to .*It needs a network once.*MNIST itself"
    ) as caught:
        load(name)
    assert caught.value.code == "download"
    assert "name resolution" in str(caught.value)


def test_a_damaged_download_says_what_to_delete(downloads):
    for prefix in ("train", "t10k"):
        images, labels = raw_digits(100, 1)
        write_idx(downloads / "KMNIST" / "raw" / f"{prefix}-images-idx3-ubyte", images)
        write_idx(downloads / "KMNIST" / "raw" / f"{prefix}-labels-idx1-ubyte", labels)
    half = downloads / "KMNIST" / "raw" / "train-images-idx3-ubyte"
    half.write_bytes(half.read_bytes()[:5_000])
    with pytest.raises(DataError, match=r"if .*KMNIST is damaged, delete it"):
        load("kmnist")


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x0a\x03" + bytes(12), b"<html>Not found</html>"])
def test_a_download_that_is_no_idx_file_is_one_clear_error(downloads, content):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        path = downloads / "FashionMNIST" / "raw" / f"{name}-ubyte"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged, delete it"):
        load("fashion-mnist")


def test_too_few_images_to_set_some_aside(downloads):
    for prefix in ("train", "t10k"):
        images, labels = raw_digits(20, 1)
        write_idx(downloads / "KMNIST" / "raw" / f"{prefix}-images-idx3-ubyte", images)
        write_idx(downloads / "KMNIST" / "raw" / f"{prefix}-labels-idx1-ubyte", labels)
    with pytest.raises(DataError, match="kmnist has 20 training images; more than 20 are needed"):
        load("kmnist")


def test_an_unknown_set_is_answered_with_the_known_ones():
    with pytest.raises(
        DataError, match="no data set 'minst'; choose from mnist, fashion-mnist, kmnist, qmnist, emnist-digits"
    ):
        load("minst")
