"""Files that say something about themselves, drawn by code: for tests, for benchmarks, and for the table of the docs.

`KINDS` gives each by a name; a file is a pair of suffix and bytes. Credentials are in `tests.draw_credentials`.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from PIL import Image, PngImagePlugin

from tests import draw_credentials as credentials

File = tuple[str, bytes]

A1111: Final = (
    "portrait of a woman, film grain\nNegative prompt: lowres\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 512x512, Model hash: abcdef, Model: v1-5"
)
COMFY: Final = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}})
COMFY_GRAPH: Final = json.dumps({"last_node_id": 9, "nodes": [{"id": 3, "type": "KSampler"}], "links": []})
NOVEL: Final = json.dumps({"prompt": "1girl", "steps": 28, "sampler": "k_euler", "uc": "lowres", "seed": 1})
INVOKE: Final = json.dumps({"generation_mode": "txt2img", "positive_prompt": "a man", "seed": 1})
FOOOCUS: Final = json.dumps({"prompt": "a man", "performance": "Speed", "base_model": "juggernaut.safetensors"})
DRAW_THINGS: Final = json.dumps({"c": "a man", "model": "sd.ckpt", "sampler": "DPM++", "seed": 1, "steps": 20})
AIGC: Final = json.dumps({"Label": "1", "ContentProducer": "Example Studio", "ProduceID": "7"})


def picture(seed: int = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A smooth picture with some grain; another one for each seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    smooth = np.asarray(small.resize(size, Image.Resampling.BICUBIC), np.float64)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(texts: Mapping[str, str], *, image: Image.Image | None = None) -> bytes:
    """A PNG with texts."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        if text.isascii():
            info.add_text(key, text)
        else:
            info.add_itxt(key, text)
    return saved(image or picture(), "PNG", pnginfo=info)


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes) -> bytes:
    """A PNG with chunks right behind its header."""
    plain = saved(picture(), "PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def exif(
    main: Mapping[int, object] = MappingProxyType({}),
    photo: Mapping[int, object] = MappingProxyType({}),
    gps: Mapping[int, object] = MappingProxyType({}),
) -> Image.Exif:
    """EXIF from numbers of tags and values."""
    found = Image.Exif()
    found.update(main)
    found.get_ifd(0x8769).update(photo)
    found.get_ifd(0x8825).update(gps)
    return found


def exif_with_thumbnail(small: Image.Image, *, make: bytes = b"Canon") -> bytes:
    """EXIF with a maker and a thumbnail, little-endian, written out by hand because Pillow writes none."""
    jpeg = saved(small, "JPEG", quality=80)
    make = make + b"\0"
    first, second = 8, 8 + 2 + 12 + 4 + len(make) + len(make) % 2
    at = second + 2 + 3 * 12 + 4
    data = b"II*\0" + struct.pack("<I", first)
    data += struct.pack("<HHHII", 1, 0x010F, 2, len(make), first + 2 + 12 + 4) + struct.pack("<I", second)
    data += make + b"\0" * (len(make) % 2)
    data += struct.pack("<H", 3) + struct.pack("<HHII", 0x0103, 3, 1, 6)
    data += struct.pack("<HHII", 0x0201, 4, 1, at) + struct.pack("<HHII", 0x0202, 4, 1, len(jpeg))
    return b"Exif\0\0" + data + struct.pack("<I", 0) + jpeg


def packet(properties: Mapping[str, str]) -> bytes:
    """XMP from properties with the usual prefixes."""
    spaces = {
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
        "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "dcterms": "http://purl.org/dc/terms/",
        "dc": "http://purl.org/dc/elements/1.1/",
    }
    names = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    body = "".join(f"<{name}>{value}</{name}>" for name, value in properties.items())
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {names}>{body}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def jpeg(**options: Any) -> File:
    """A JPEG of the drawn picture."""
    return ".jpg", saved(picture(), "JPEG", **options)


def iptc(sets: Iterable[tuple[int, bytes]]) -> bytes:
    """A JPEG with IPTC's older form."""
    record = b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in sets)
    resource = b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0" + struct.pack(">I", len(record)) + record
    body = b"Photoshop 3.0\0" + resource + b"\0" * (len(resource) % 2)
    plain = saved(picture(), "JPEG")
    return plain[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def film(tags: Mapping[str, str], kind: str = "mp4", codec: str = "mpeg4") -> bytes:
    """Five frames of noise with tags."""
    import av

    file, rng = io.BytesIO(), np.random.default_rng(0)
    with av.open(
        file, "w", format=kind, options={"movflags": "use_metadata_tags"} if kind in ("mp4", "mov") else {}
    ) as out:
        out.metadata.update(tags)
        stream = out.add_stream(codec, rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def sound(tags: Mapping[str, str], kind: str = "mp3", codec: str = "libmp3lame") -> bytes:
    """A second of noise with tags."""
    import av

    file, rng = io.BytesIO(), np.random.default_rng(0)
    form = {"libmp3lame": "s16p", "pcm_s16le": "s16", "flac": "s16", "aac": "fltp"}[codec]
    with av.open(file, "w", format=kind) as out:
        out.metadata.update(tags)
        stream = out.add_stream(codec, rate=16_000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        samples = rng.integers(-200, 200, (1, 16_000), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.rate = 16_000
        for one in av.AudioResampler(form, "mono", 16_000, 1024).resample(frame):
            out.mux(stream.encode(one))
        out.mux(stream.encode(None))
    return file.getvalue()


@cache
def known_signer() -> credentials.Signer:
    """The signer whom tests trust."""
    return credentials.signer()


def signed(source_type: str = "trainedAlgorithmicMedia") -> bytes:
    """A JPEG signed by a signer whom tests trust."""
    return credentials.sign(jpeg()[1], "image/jpeg", known_signer(), credentials.created(source_type))


def tampered() -> bytes:
    """The same with one byte of its pixels changed."""
    data = bytearray(signed())
    data[-200] ^= 0x10
    return bytes(data)


def opened_from_generated() -> bytes:
    """A JPEG that was cropped from a generated one, as its credentials say."""
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
    said = credentials.manifest(opened, {"action": "c2pa.cropped"})
    parent = {"title": "generated.jpg", "relationship": "parentOf", "label": "parent"}
    return credentials.sign(jpeg()[1], "image/jpeg", known_signer(), said, ((parent, "image/jpeg", signed()),))


def camera(**more: Any) -> Image.Exif:
    """EXIF as a camera writes it."""
    photo = {0x9003: "2023:05:06 10:11:12", 0x9004: "2023:05:06 10:11:12", 0x829A: 0.01, 0xA434: "RF50mm F1.2 L USM"}
    return exif(
        {0x010F: "Canon", 0x0110: "Canon EOS R5", 0x0132: "2023:05:06 10:11:12", **more.get("main", {})},
        {**photo, **more.get("photo", {})},
        more.get("gps", {}),
    )


NORTH: Final = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}

KINDS: Final[Mapping[str, Callable[[], File]]] = MappingProxyType(
    {
        "photo, metadata stripped": jpeg,
        "photo of a camera": lambda: jpeg(exif=camera(gps=NORTH)),
        "photo saved by an editor": lambda: jpeg(exif=camera(main={0x0131: "Adobe Photoshop 25.1 (Windows)"})),
        "photo from FaceApp": lambda: jpeg(exif=exif({0x0131: "FaceApp"})),
        "photo with times that cannot be": lambda: jpeg(exif=camera(main={0x0132: "2019:01:01 00:00:00"})),
        "photo from nowhere on earth": lambda: jpeg(exif=camera(gps={**NORTH, 2: (91.0, 0.0, 0.0)})),
        "photo with notes of another maker": lambda: jpeg(exif=camera(photo={0x927C: b"Apple iOS\0\0\1MM"})),
        "photo with another one's thumbnail": lambda: jpeg(exif=exif_with_thumbnail(picture(7))),
        "photo with its own thumbnail": lambda: jpeg(exif=exif_with_thumbnail(picture().resize((80, 60)))),
        "photo with IPTC credit": lambda: (".jpg", iptc([(80, b"A. Photographer"), (110, b"Example Agency")])),
        "AUTOMATIC1111, PNG": lambda: (".png", png({"parameters": A1111})),
        "AUTOMATIC1111, JPEG": lambda: jpeg(exif=exif({}, {0x9286: b"UNICODE\0" + A1111.encode("utf-16-be")})),
        "ComfyUI, PNG": lambda: (".png", png({"prompt": COMFY, "workflow": COMFY_GRAPH})),
        "ComfyUI, WebP": lambda: (".webp", saved(picture(), "WEBP", exif=exif({0x010F: f"workflow:{COMFY_GRAPH}"}))),
        "InvokeAI, PNG": lambda: (".png", png({"invokeai_metadata": INVOKE})),
        "NovelAI, PNG": lambda: (".png", png({"Title": "AI generated image", "Software": "NovelAI", "Comment": NOVEL})),
        "Fooocus, PNG": lambda: (".png", png({"parameters": FOOOCUS, "fooocus_scheme": "fooocus"})),
        "Draw Things, PNG": lambda: (
            ".png",
            png({"XML:com.adobe.xmp": packet({"exif:UserComment": DRAW_THINGS}).decode()}),
        ),
        "Midjourney, PNG": lambda: (
            ".png",
            png({"Description": "a fox --v 6.0 --ar 3:2 Job ID: 01234567-89ab-cdef-0123-456789abcdef", "Author": "u"}),
        ),
        "IPTC source type in XMP: made by a model": lambda: jpeg(
            xmp=packet({"Iptc4xmpExt:DigitalSourceType": credentials.SOURCE_TYPES + "trainedAlgorithmicMedia"})
        ),
        "IPTC source type in XMP: changed with a model": lambda: jpeg(
            xmp=packet(
                {"Iptc4xmpExt:DigitalSourceType": credentials.SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"}
            )
        ),
        "Made with Google AI": lambda: jpeg(xmp=packet({"photoshop:Credit": "Made with Google AI"})),
        "AIGC label (GB 45438-2025), PNG": lambda: (".png", png({"AIGC": AIGC})),
        "generator named in EXIF, TIFF": lambda: (
            ".tif",
            saved(picture(), "TIFF", tiffinfo={0x0131: "Stable Diffusion"}),
        ),
        "generator named in XMP, AVIF": lambda: (
            ".avif",
            saved(picture(), "AVIF", xmp=packet({"xmp:CreatorTool": "Adobe Firefly"})),
        ),
        "comment of an editor, JPEG": lambda: jpeg(comment="Created with GIMP"),
        "comment, GIF": lambda: (".gif", saved(picture(), "GIF", comment=b"drawn by hand")),
        "Content Credentials, intact": lambda: (".jpg", signed()),
        "Content Credentials of a camera": lambda: (".jpg", signed("digitalCapture")),
        "Content Credentials, opened from a generated one": lambda: (".jpg", opened_from_generated()),
        "Content Credentials, file changed": lambda: (".jpg", tampered()),
        "Content Credentials at an address": lambda: jpeg(xmp=packet({"dcterms:provenance": "https://example.org/m"})),
        "video of a phone": lambda: (
            ".mp4",
            film(
                {
                    "com.apple.quicktime.make": "Apple",
                    "com.apple.quicktime.model": "iPhone 15",
                    "com.apple.quicktime.software": "17.4",
                    "creation_time": "2024-03-02T10:00:00Z",
                }
            ),
        ),
        "video with ComfyUI's graph": lambda: (
            ".mp4",
            film({"comment": json.dumps({"prompt": COMFY, "workflow": COMFY_GRAPH})}),
        ),
        "video, encoded by FFmpeg": lambda: (".mkv", film({}, "matroska")),
        "recording of a speech generator": lambda: (".mp3", sound({"encoded_by": "ElevenLabs", "title": "a voice"})),
        "recording saved by an editor": lambda: (
            ".wav",
            sound({"encoded_by": "Audacity"}, "wav", "pcm_s16le"),
        ),
    }
)
"""What each file is, and how it is drawn."""
