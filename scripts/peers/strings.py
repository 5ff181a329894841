"""Halocast's reference string as EZKL reads it: both keep halo2's raw form, ours in an envelope (`prover/src/srs/sealed.rs`)."""

import hashlib
import os
import struct
from pathlib import Path

MAGIC = b"HALOCAST" + b"srs".ljust(16, b"\0")
VERSION, START, DIGEST = 1, 40, 32


def unseal(sealed: Path, out: Path) -> None:
    """Writes the payload of a sealed file: k, then the points."""
    data = sealed.read_bytes()
    if len(data) < START + DIGEST or data[:24] != MAGIC:
        raise ValueError(f"{sealed}: not a Halocast reference string")
    version, header, payload = struct.unpack_from("<IIQ", data, 24)
    if version != VERSION:
        raise ValueError(f"{sealed}: format version {version}, version {VERSION} is expected")
    if len(data) != START + header + payload + DIGEST or hashlib.sha256(data[:-DIGEST]).digest() != data[-DIGEST:]:
        raise ValueError(f"{sealed}: damaged (length or checksum)")
    part = out.with_suffix(".part")
    part.write_bytes(data[START + header:-DIGEST])
    os.replace(part, out)
