"""Files of the user's own: what they give, and that errors name the file."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from keras_ae import datasets
from keras_ae.datasets.sources import array_source


def test_folder_of_classes(class_folder):
    x, y = datasets.load(class_folder)
    assert x.shape == (5, 6, 4, 1)
    np.testing.assert_allclose(x[:, 0, 0, 0], np.arange(5) * 10 / 255, rtol=1e-6)
    np.testing.assert_array_equal(y, [0, 0, 0, 1, 1])
    info = datasets.info(class_folder)
    assert info.class_names == ("cat", "dog") and info.num_classes == 2 and info.splits == {"train": 5}
    assert datasets.load(str(class_folder), "all")[0].shape == x.shape


def test_folder_without_classes_has_no_labels(tmp_path):
    Image.new("RGB", (3, 2), (255, 0, 0)).save(tmp_path / "a.bmp")
    Image.new("L", (3, 2), 255).save(tmp_path / "b.png")
    x, y = datasets.load(tmp_path)
    assert y is None and x.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(x[:, 0, 0], [[1, 0, 0], [1, 1, 1]])
    assert datasets.load(tmp_path, channels=1)[0].shape == (2, 2, 3, 1)


def test_folder_with_train_and_test(class_folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("parted")
    for split in ("train", "test"):
        (root / split).mkdir()
        for label in ("cat", "dog"):
            (class_folder / label).rename(root / split / label) if split == "train" else (root / split / label).mkdir()
            Image.new("L", (4, 6), 99).save(root / split / label / "last.png")
    assert datasets.info(root).splits == {"train": 7, "test": 2}
    np.testing.assert_array_equal(datasets.load(root, "test")[1], [0, 1])


def test_sixteen_bit_gray_keeps_its_range(tmp_path):
    Image.fromarray(np.array([[0, 32768, 65535]], np.uint16)).save(tmp_path / "a.png")
    x, _ = datasets.load(tmp_path)
    np.testing.assert_allclose(x[0, 0, :, 0], [0.0, 0.5, 1.0], atol=0.003)


def test_folder_sizes_must_agree_or_be_given(class_folder):
    Image.new("L", (9, 9), 255).save(class_folder / "dog" / "odd.png")
    with pytest.raises(ValueError, match=r"odd\.png.*must be 4x6 pixels.*Received: 9x9.*image_size"):
        datasets.load(class_folder)
    x, _ = datasets.load(class_folder, image_size=(5, 5))
    assert x.shape == (6, 5, 5, 1) and x[-1].min() == 1.0


def test_unreadable_images_are_named(class_folder):
    good = (class_folder / "cat" / "0.png").read_bytes()
    (class_folder / "dog" / "bad.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"bad\.png` could not be read as an image"):
        datasets.load(class_folder)
    noise = np.random.RandomState(0).randint(0, 256, (6, 4), np.uint8)
    Image.fromarray(noise).save(class_folder / "dog" / "bad.png")
    whole = (class_folder / "dog" / "bad.png").read_bytes()
    (class_folder / "dog" / "bad.png").write_bytes(whole[: len(good) - 10])
    with pytest.raises(ValueError, match=r"bad\.png` could not be read as an image"):
        datasets.load(class_folder)
    (class_folder / "dog" / "bad.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"bad\.png` could not be read as an image"):
        datasets.load(class_folder)


@pytest.mark.parametrize("limit", [11, 20])  # pixels: an error where an image has more than twice as many, or a warning
def test_an_image_that_is_too_large_is_named(class_folder, monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=r"0\.png` could not be read as an image: Image size \(24 pixels\)"):
        datasets.load(class_folder)


def test_folders_without_images_are_named(tmp_path, class_folder):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match=r"empty` must hold images"):
        datasets.load(empty)
    with pytest.raises(ValueError, match=r"empty` must hold images"):
        datasets.load(class_folder)  # the same folder, now with an empty class
    (empty / "inner").mkdir()
    with pytest.raises(ValueError, match="none in"):
        datasets.load(empty)


def test_images_beside_class_folders_are_refused(class_folder):
    Image.new("L", (4, 6)).save(class_folder / "loose.png")
    with pytest.raises(ValueError, match=r"not both.*loose\.png"):
        datasets.load(class_folder)


def test_wrong_channels_are_named(class_folder):
    with pytest.raises(ValueError, match="`channels` must be None, 1 or 3"):
        datasets.load(class_folder, channels=2)


@pytest.mark.parametrize("image_size", [8, "88", (8.5, 8), (0, 3), (8,), (8, 8, 1), (10**9, 10**9), (True, 8), "", {}])
def test_wrong_image_size_is_named(class_folder, image_size):
    with pytest.raises(ValueError, match=r"`image_size` must be None or \(H, W\).*Received: image_size="):
        datasets.load(class_folder, image_size=image_size)


@pytest.mark.parametrize(
    ("shape", "expected"), [((7, 5, 5, 3), (7, 5, 5, 3)), ((7, 5, 4), (7, 5, 4, 1)), ((7, 9), (7, 9))]
)
def test_npy_shapes(tmp_path, shape, expected):
    array = np.random.RandomState(0).rand(*shape).astype(np.float32)
    np.save(tmp_path / "a.npy", array)
    x, y = datasets.load(tmp_path / "a.npy")
    assert y is None and x.shape == expected and x.dtype == np.float32
    np.testing.assert_array_equal(x.ravel(), array.ravel())
    np.testing.assert_array_equal(datasets.load(tmp_path / "a.npy", "train[2:4]")[0], x[2:4])


def test_npy_of_bytes_is_scaled(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 3, 3), 255, np.uint8))
    np.testing.assert_array_equal(datasets.load(tmp_path / "a.npy")[0], np.ones((2, 3, 3, 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_npz_of_sequences(tmp_path, dtype):
    """Numbers as they are: they are not scaled, and the last axis has the channels."""
    x = np.random.default_rng(0).integers(0, 100, [9, 6, 2]).astype(dtype)
    np.savez(tmp_path / "windows.npz", sequences=x, y=np.arange(9) % 3)
    found, labels = datasets.load(tmp_path / "windows.npz")
    assert found.dtype == np.float32 and datasets.info(tmp_path / "windows.npz").image_shape == (6, 2)
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(labels, np.arange(9) % 3)
    first = next(iter(datasets.stream(tmp_path / "windows.npz", batch_size=9, labels=False)))
    assert first.shape == (9, 6, 2)


def test_sequences_that_are_none_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", sequences=np.zeros([4, 3]))
    with pytest.raises(ValueError, match=r"`sequences` of `.*a.npz` must have shape \[N, T, C\]. Received: \[4, 3\]"):
        datasets.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", sequences=np.full([4, 3, 2], np.nan))
    with pytest.raises(ValueError, match="must be finite"):
        datasets.load(tmp_path / "b.npz")
    np.save(tmp_path / "c.npy", np.full([4, 3, 2], 7.0))
    with pytest.raises(ValueError, match=r"save sequences \[N, T, C\] with np.savez\(file, sequences=x\). Received: 7"):
        datasets.load(tmp_path / "c.npy")


def test_npz_of_volumes(tmp_path):
    x = np.random.default_rng(0).random([2, 3, 4, 5, 1], np.float32)
    np.savez(tmp_path / "a.npz", x)
    np.testing.assert_array_equal(datasets.load(tmp_path / "a.npz")[0], x)


def test_npz_with_labels_and_properties(tmp_path):
    x = np.zeros((3, 4, 4), np.uint8)
    np.savez(tmp_path / "a.npz", images=x, labels=np.array([2, 0, 1]))
    np.testing.assert_array_equal(datasets.load(tmp_path / "a.npz")[1], [2, 0, 1])
    np.savez(tmp_path / "b.npz", x=x, angle=np.array([0.5, 1.5, 2.5]), kind=np.array([0, 1, 1]))
    y = datasets.load(tmp_path / "b.npz")[1]
    np.testing.assert_array_equal(y["angle"], [0.5, 1.5, 2.5])
    assert datasets.info(tmp_path / "b.npz").properties == ("angle", "kind")
    np.savez(tmp_path / "c.npz", whatever=x)
    assert datasets.load(tmp_path / "c.npz")[0].shape == (3, 4, 4, 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros((2, 2)), "b": np.zeros((2, 2))}, "must hold an array `x`"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(2)}, "one entry for each of 3 examples"),
        ({"x": np.zeros((3, 2)), "y": np.array([0, -2, 1])}, "Received: -2 at index 1"),
        ({"x": np.zeros((3, 2)), "y": np.array([0.0, 0.5, 1.0])}, r"Received: 0\.5 at index 1"),
        ({"x": np.array([{}, {}], dtype=object)}, "Save it again without objects"),
        ({"x": np.zeros((2, 3)), "slant": [0.0, np.nan]}, r"slant'\]` must be finite. Received: nan at index \(1,\)"),
        ({"x": np.array([[0.0, -1e39]])}, r"within 3\.4e38.*Received: -1e\+39 at index \(0, 1\)"),
        ({"x": np.zeros(3)}, r"must (have shape|hold an array)"),
        ({"x": np.zeros((0, 3))}, r"must (have shape|hold an array)"),
        ({"x": np.array([["a", "b"]])}, "must be floats"),
        ({"x": np.zeros((2, 3), np.int64)}, "must be floats"),
        ({"x": np.array([[0.0, 1.0], [np.nan, 0.0]])}, r"Received: nan at index \(1, 0\)"),
        ({"x": np.array([[[0.0, 1.0]], [[0.0, 2.0]]])}, r"must be in \[0, 1\].*Received: 2 at index \(1, 0, 1\)"),
    ],
)
def test_wrong_npz_is_named(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(tmp_path / "bad.npz")
    assert "bad.npz" in str(caught.value)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_large_arrays_in_an_archive_stay_on_the_disk_unless_they_are_compressed(tmp_path, monkeypatch, save, order):
    rng = np.random.default_rng(0)
    x, y = np.asarray(rng.random((20, 4, 3), "float32"), order=order), rng.integers(5, size=20)
    save(tmp_path / "a.npz", y=y, x=x)
    monkeypatch.setattr(array_source, "_LARGE", x.nbytes)  # y is smaller
    source = array_source.open_file(tmp_path / "a.npz")
    assert isinstance(source.x, np.memmap) == (save is np.savez) and not isinstance(source.y, np.memmap)
    for found in (source.load("train"), datasets.load(tmp_path / "a.npz")):
        np.testing.assert_array_equal(found[0], x[..., np.newaxis])
        np.testing.assert_array_equal(found[1], y)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
@pytest.mark.parametrize("content", [b"", b"this is no data \xff\x00", b"PK\x03\x04 broken"])
def test_broken_files_are_named(tmp_path, suffix, content):
    (tmp_path / f"bad{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\{suffix}") as caught:
        datasets.load(tmp_path / f"bad{suffix}")
    assert "pickle" not in str(caught.value)


def test_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("x.txt", "no array")
    with pytest.raises(ValueError, match=r"bad\.npz` must hold only arrays\. Received: x\.txt"):
        datasets.load(tmp_path / "bad.npz")
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npz` could not be read as \.npz: it is not an archive"):
        datasets.load(tmp_path / "a.npz")


def test_unknown_suffix_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("1,2")
    with pytest.raises(ValueError, match=r"`name` must be a folder or a file that ends in.*a\.txt"):
        datasets.load(tmp_path / "a.txt")


def test_error_of_a_part_gives_the_index_in_the_whole_file(tmp_path):
    array = np.zeros((6, 2, 2), np.float32)
    array[4, 1, 0] = np.inf
    np.save(tmp_path / "a.npy", array)
    assert len(datasets.load(tmp_path / "a.npy", "train[:4]")[0]) == 4
    with pytest.raises(ValueError, match=r"a\.npy.*Received: inf at index \(4, 1, 0\)"):
        datasets.load(tmp_path / "a.npy", "train[3:]")


def test_csv_with_and_without_header(tmp_path):
    (tmp_path / "a.csv").write_text("1.5,-2\n3e2,4\n")
    x, y = datasets.load(tmp_path / "a.csv")
    np.testing.assert_array_equal(x, [[1.5, -2], [300, 4]])
    assert y is None and x.dtype == np.float32
    (tmp_path / "b.csv").write_text("\ufeffheight,label,width\n1.5,2,-2\n3e2,0,4\n", encoding="utf-8")
    x, y = datasets.load(tmp_path / "b.csv")
    np.testing.assert_array_equal(x, [[1.5, -2], [300, 4]])
    np.testing.assert_array_equal(y, [2, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "no rows"),
        ("1,2\n3\n", "must be numbers separated by commas"),
        ("1,2\n3,x\n", r"must be numbers separated by commas.*row 1, column 2"),
        ("1,2\n3,nan\n", r"must be finite.*nan at index \(1, 1\)"),
        ("a,b,c\n1,2\n", "a name for each column"),
        ("a,label\n1,2.5\n", r"Received: 2\.5 at index 0"),
        ("\n\n", "no rows"),
        (" \n", "no rows"),
        ("a,b\n\n", "no rows"),
        ("1,2\n3,1e39\n", r"within 3\.4e38.*1e\+39 at index \(1, 1\)"),
        ("x,1\n2,3\n", r"line 1 of .*bad\.csv` must hold only numbers, or only names\. Received: 'x' and '1'"),
        ("\n1,,3\n2,3,4\n", r"line 2 of .* must hold only numbers, or only names\. Received: '' and '1'"),
        ("label,label\n1,2\n", "must name at most one column `label`. Received: 2"),
        ("Label,a,label\n1,2,3\n", "must name at most one column `label`. Received: 2"),
        ("\0,1\n", "must"),
        ('"' + "1" * 200_000 + '"\n', "must"),
    ],
)
def test_wrong_csv_is_named(tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(tmp_path / "bad.csv")
    assert "bad.csv" in str(caught.value)


def test_label_is_found_in_any_case_and_beside_numbers(tmp_path):
    for header in ("Label,0,1", "LABEL,a,b", " label ,0,b"):
        (tmp_path / "a.csv").write_text(f"\n{header}\n\n2,0.5,1\n0,3,4\n\n")
        x, y = datasets.load(tmp_path / "a.csv")
        np.testing.assert_array_equal(x, np.float32([[0.5, 1], [3, 4]]))
        np.testing.assert_array_equal(y, [2, 0])


def test_quoted_csv_is_read(tmp_path):
    (tmp_path / "quoted.csv").write_text('"a","label"\n"1","0"\n"2.5","1"\n')
    x, y = datasets.load(tmp_path / "quoted.csv")
    np.testing.assert_array_equal(x, [[1.0], [2.5]])
    np.testing.assert_array_equal(y, [0, 1])


def test_photograph_on_its_side_is_turned(tmp_path):
    image = Image.fromarray(np.add.outer(2 * np.arange(32), 3 * np.arange(48)).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the picture is at the right of what is stored
    image.save(tmp_path / "side.jpg", exif=exif, quality=95)
    x, _ = datasets.load(tmp_path)
    assert x.shape == (1, 48, 32, 1)
    np.testing.assert_allclose(x[0, :, :, 0] * 255, np.rot90(np.asarray(image), -1), atol=8)  # JPEG


def test_gray_palette_gives_one_channel(tmp_path):
    Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4)).convert("P").save(tmp_path / "gray.png")
    assert datasets.load(tmp_path)[0].shape == (1, 4, 4, 1)


def test_property_that_holds_text_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 3)), pen=np.array(["fine", "broad"]), digit=np.arange(2))
    with pytest.raises(ValueError, match=r"\['pen'\]` must hold numbers"):
        datasets.load(tmp_path / "a.npz")


TABLE = "height,label,width\n1.5,dog,-2\n3e2,cat,4\n2,,5\n"


@pytest.mark.parametrize("opened", [open, gzip.open, bz2.open, lzma.open], ids=["csv", "gz", "bz2", "xz"])
def test_csv_may_be_compressed_and_its_labels_names(tmp_path, opened):
    path = tmp_path / f"a.csv{ {open: '', gzip.open: '.gz', bz2.open: '.bz2', lzma.open: '.xz'}[opened] }"
    with opened(path, "wt") as file:
        file.write(TABLE)
    x, y = datasets.load(path)
    np.testing.assert_array_equal(x, [[1.5, -2], [300, 4], [2, 5]])
    np.testing.assert_array_equal(y, [1, 0, -1])
    info = datasets.info(path)
    assert info.class_names == ("cat", "dog") and info.num_classes == 2


@pytest.mark.parametrize("header", [",a,b", "Unnamed: 0,a,b", '"",0,1'])
def test_the_index_of_a_table_is_no_feature(tmp_path, header):
    (tmp_path / "a.csv").write_text(f"{header}\n0,5,6\n1,7,8\n")
    np.testing.assert_array_equal(datasets.load(tmp_path / "a.csv")[0], [[5, 6], [7, 8]])
    (tmp_path / "b.csv").write_text(f"{header},label\n0,5,6,1\n1,7,8,0\n")
    x, y = datasets.load(tmp_path / "b.csv")
    np.testing.assert_array_equal(x, [[5, 6], [7, 8]])
    np.testing.assert_array_equal(y, [1, 0])
    (tmp_path / "c.csv").write_text(f"{header}\n3,5,6\n1,7,8\n")
    with pytest.raises(ValueError, match=r"write it with df.to_csv\(path, index=False\). Received: .* begins with 3"):
        datasets.load(tmp_path / "c.csv")


def test_compressed_rubbish_is_named(tmp_path):
    for suffix in (".gz", ".bz2", ".xz"):
        (tmp_path / f"a.csv{suffix}").write_bytes(b"not compressed")
        with pytest.raises(ValueError, match=rf"a\.csv\{suffix}` must be numbers separated by commas"):
            datasets.load(tmp_path / f"a.csv{suffix}")


def write_parquet(path, **columns):
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_parquet_is_read(tmp_path):
    columns = {"a": np.array([1.5, 3.0], "float32"), "b": np.array([1, 2]), "c": [True, False]}
    path = write_parquet(tmp_path / "a.parquet", **columns, label=["dog", "cat"], __index_level_0__=[7, 9])
    x, y = datasets.load(path)
    np.testing.assert_array_equal(x, [[1.5, 1, 1], [3, 2, 0]])
    np.testing.assert_array_equal(y, [1, 0])
    assert datasets.info(path).class_names == ("cat", "dog")
    names = pyarrow.array(["b", None, "a"]).dictionary_encode()
    x, y = datasets.load(write_parquet(tmp_path / "b.pq", a=[1, 2, 3], Label=names))
    np.testing.assert_array_equal(y, [1, -1, 0])
    for labels in (pyarrow.array([3, 0]), pyarrow.array([3, 0]).dictionary_encode()):
        x, y = datasets.load(write_parquet(tmp_path / "c.parquet", a=[1, 2], label=labels))
        np.testing.assert_array_equal(y, [3, 0])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x"]}, "columns of numbers, .* Received: column 'a' of string"),
        ({"a": [None, 1.0]}, "no missing values. Received: 1 in column 'a'"),
        ({"a": [[1, 2]]}, "column 'a' of list"),
        ({"label": [1]}, "must hold data"),
        ({"a": pyarrow.array([], pyarrow.int32())}, "must hold data"),
        ({"a": [float("nan")]}, "must be finite"),
    ],
)
def test_wrong_parquet_is_named(tmp_path, columns, message):
    with pytest.raises(ValueError, match=rf"wrong\.parquet`.*{message}"):
        datasets.load(write_parquet(tmp_path / "wrong.parquet", **columns))


def test_what_is_no_parquet_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"rubbish")
    with pytest.raises(ValueError, match=r"a\.parquet` could not be read as Parquet"):
        datasets.load(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff", "bmp", "gif", "webp", "jpg", "jp2", "ppm", "tga", "pgm"])
def test_pictures_of_all_formats_are_read(tmp_path, suffix):
    Image.new("L", (4, 6), 0).save(tmp_path / "a.png")
    Image.new("L", (4, 6), 255).save(tmp_path / f"b.{suffix}")
    x, _ = datasets.load(tmp_path)
    assert x.shape[:3] == (2, 6, 4)
    np.testing.assert_allclose(x.mean(axis=(1, 2, 3)), [0, 1], atol=0.01)


def test_files_that_are_left_out_are_said(class_folder):
    (class_folder / "cat" / "notes.txt").write_text("a cat")
    with pytest.warns(UserWarning, match="has 1 files that are ignored, such as notes.txt"):
        assert len(datasets.load(class_folder)[0]) == 5


def test_pictures_that_would_be_read_in_part_or_in_another_scale_are_named(tmp_path):
    first, path = Image.new("L", (4, 6), 9), tmp_path / "a.tif"
    first.save(path, save_all=True, append_images=[first])
    with pytest.raises(
        ValueError, match=r"a\.tif` could not be read as an image: it must be a single image. Received: 2"
    ):
        datasets.load(tmp_path)
    Image.fromarray(np.ones([6, 4], "float32")).save(path)
    with pytest.raises(ValueError, match=r"integers of 8 or 16 bits. Received: floats"):
        datasets.load(tmp_path)
    Image.fromarray(np.full([6, 4], 70_000, "int32")).save(path)
    with pytest.raises(ValueError, match=r"integers of 8 or 16 bits. Received: 70000 to 70000"):
        datasets.load(tmp_path)
