"""Validation of untrusted ZIP files before they are read."""

import os
import pathlib
import zipfile

from keras_ae.io.paths import inside

_MAX_MEMBERS = 10_000
_FIRST, _LAST = b"PK\3\4", b"PK\5\6"  # signatures of the first member and of the last record, which has 22 bytes


def check_archive(path: str | os.PathLike) -> list[str]:
    """Checks that a ZIP file is complete and harmless, without unpacking it.

    The checksums of the members reveal damage. Members must not be compressed, as in files of Keras and NumPy, so a
    small file cannot unpack to a large one.

    Args:
        path: the file.

    Returns:
        The names of the members.

    Raises:
        ValueError: for a file that is not exactly one ZIP file, is truncated or damaged, or has duplicate names, names
            that lead out of its folder, or compressed members.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        first = file.read(4)
        file.seek(max(size - 22, 0))
        if first != _FIRST or file.read(4) != _LAST:
            raise ValueError("it must be a ZIP file, with nothing before it or after it.")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise ValueError(f"it must have at most {_MAX_MEMBERS} members. Received: {len(members)}")
        names = [member.orig_filename for member in members]
        for member, name in zip(members, names, strict=True):
            inside(pathlib.Path(path).parent, name)
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise ValueError(f"its members must not be compressed. Received: {name}")
        if len(set(names)) < len(names):
            raise ValueError(f"its members must have different names. Received: {sorted(names)}")
        if sum(member.file_size for member in members) > size:
            raise ValueError("its members must not overlap.")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its member {damaged} is damaged: the checksum differs.")
    return names
