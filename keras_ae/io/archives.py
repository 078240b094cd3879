"""Archives that may come from anywhere, looked at before anything is taken out of them."""

import os
import pathlib
import zipfile

from keras_ae.io.paths import inside

_MOST_MEMBERS = 10_000
_FIRST, _LAST = b"PK\3\4", b"PK\5\6"  # how the first member begins, and the last record, of 22 bytes


def check_archive(path):
    """Makes sure that a ZIP file is whole and harmless; nothing is unpacked.

    Every member has a checksum, so a bit that fell over is found. Members must be stored as they are, which is how
    Keras and NumPy write them: a small file cannot unpack to a large one.

    Args:
        path: the file.

    Returns:
        List of the names of the members.

    Raises:
        ValueError: for a file that is no ZIP file or more than one, was cut or damaged, holds a name twice or one that
            leads out of its folder, or holds compressed members.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        first = file.read(4)
        file.seek(max(size - 22, 0))
        if first != _FIRST or file.read(4) != _LAST:
            raise ValueError("it must be a ZIP file, with nothing before it or after it.")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise ValueError(f"it must have {_MOST_MEMBERS} members at most. Received: {len(members)}")
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
        raise ValueError(f"{damaged} in it is damaged: its checksum is another.")
    return names
