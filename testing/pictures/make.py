"""Makes the small picture files beside this, and `expected.json`: what Pillow reads in each (needs Pillow and numpy).

    python testing/pictures/make.py

A file is read as `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` does, or refused with a code and words of the
sentence. Lossless pixels are kept as SHA-256 of the RGB rows (`pixels`) and of the rows on white (`white`), lossy ones as
the rows themselves, in base64 (`near`). Where a file's rows were stored by hand they are compared with what was stored,
so Pillow is checked as well; the few files in which it errs say so (`unlike_pillow`).
"""

import base64
import hashlib
import io
import json
import pathlib
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

import folders

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"
W, H = 23, 17

expected = {}


def noise(shape, seed=1, top=256):
    """The same numbers everywhere: a linear congruential generator (Numerical Recipes)."""
    count = int(np.prod(shape))
    out = np.empty(count, np.uint32)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out[i] = state >> 16
    return (out % top).astype(np.uint16).reshape(shape)


def smooth(w=W, h=H):
    y, x = np.mgrid[0:h, 0:w]
    red, green = x * 255 // max(1, w - 1), y * 255 // max(1, h - 1)
    blue = (((x // 4) + (y // 4)) % 2) * 200 + 20
    return np.stack([red, green, blue], -1).astype(np.uint8)


RGB = smooth()
NOISY = noise((H, W, 3)).astype(np.uint8)
PALETTE = noise((256, 3), 7).astype(np.uint8)


def on_white(rgb, alpha):
    rgb, alpha = rgb.astype(np.int64), alpha.astype(np.int64)[..., None]
    # Rounded halves up, in whole numbers.
    return ((2 * (rgb * alpha + 255 * (255 - alpha)) + 255) // 510).astype(np.uint8)


def sha(rows):
    return hashlib.sha256(np.ascontiguousarray(rows, np.uint8).tobytes()).hexdigest()


def write(name, data):
    assert name not in expected, name
    (FILES / name).write_bytes(data)


def pillow(name, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
        except Exception as error:
            raise SystemExit(f"{name}: Pillow cannot read it: {error}")
        upright = ImageOps.exif_transpose(image)
        rgb = np.asarray(upright.convert("RGB"))
        has_alpha = image.has_transparency_data
        alpha = np.asarray(upright.convert("RGBA"))[..., 3] if has_alpha else None
    return image.format, rgb, alpha


def exact(name, data, rows=None, alpha=None, unlike_pillow=None):
    """`rows` is what was stored, where that is known; `unlike_pillow` says why it counts more than Pillow."""
    write(name, data)
    entry = {}
    if unlike_pillow is None:
        _, rgb, pillow_alpha = pillow(name, data)
        if rows is not None:
            assert rgb.shape == rows.shape and (rgb == rows).all(), f"{name}: Pillow reads something else"
        if alpha is None:
            alpha = pillow_alpha
    else:
        rgb = rows
        entry["unlike_pillow"] = unlike_pillow
    entry |= {"width": rgb.shape[1], "height": rgb.shape[0], "pixels": sha(rgb)}
    entry["white"] = sha(rgb if alpha is None else on_white(rgb, alpha))
    expected[name] = entry


def near(name, data, bound, like=None, unlike_pillow=None):
    """Lossy: decoders may differ by `bound` levels. `like` is what Pillow is asked instead of what it refuses."""
    write(name, data)
    _, rgb, _ = pillow(name, data if like is None else like)
    entry = {} if unlike_pillow is None else {"unlike_pillow": unlike_pillow}
    entry |= {"width": rgb.shape[1], "height": rgb.shape[0], "bound": bound}
    entry["near"] = base64.b64encode(np.ascontiguousarray(rgb).tobytes()).decode()
    expected[name] = entry


def refused(name, data, says, code="bad-image"):
    write(name, data)
    expected[name] = {"code": code, "says": says}


def turned(rows, orientation):
    method = {2: 0, 4: 1, 8: 2, 3: 3, 6: 4, 5: 5, 7: 6}[orientation]
    return np.asarray(Image.fromarray(rows).transpose(method))


def exif(orientation, big=False, kind=3):
    order = ">" if big else "<"
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + value
    return (b"MM\0*" if big else b"II*\0") + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def xmp(orientation):
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


# ---------------------------------------------------------------- PNG

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, body=b"", crc=None):
    right = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", right if crc is None else crc)


def pack_row(row, depth):
    """[pixels, samples] → bytes."""
    flat = row.reshape(-1)
    if depth == 16:
        return flat.astype(">u2").tobytes()
    if depth == 8:
        return flat.astype(np.uint8).tobytes()
    bits = "".join(format(int(v), f"0{depth}b") for v in flat)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, step, choose):
    before = bytes(len(rows[0])) if rows else b""
    out = b""
    for y, row in enumerate(rows):
        kind = choose(y)
        line = bytearray()
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b = before[i]
            c = before[i - step] if i >= step else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
        out += bytes([kind]) + bytes(line)
        before = row
    return out


def image_data(samples, depth, colour, interlaced=False, choose=lambda y: y % 5):
    """samples: [height, width, samples] → the filtered rows, uncompressed."""
    h, w = samples.shape[:2]
    step = max(1, depth * SAMPLES[colour] // 8)
    out = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = samples[y0::dy, x0::dx]
        if part.shape[0] and part.shape[1]:
            out += filtered([pack_row(row, depth) for row in part], step, choose)
    return out


def header(w, h, depth, colour, interlaced=False):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlaced)))


def png(samples, depth, colour, *, interlaced=False, before=b"", after=b"", palette=None, trns=None, choose=lambda y: y % 5, level=9, split=None):
    data = zlib.compress(image_data(samples, depth, colour, interlaced, choose), level)
    parts = [data] if split is None else [data[i : i + split] for i in range(0, len(data), split)]
    out = SIGNATURE + header(samples.shape[1], samples.shape[0], depth, colour, interlaced) + before
    if palette is not None:
        out += chunk(b"PLTE", palette.tobytes())
    if trns is not None:
        out += chunk(b"tRNS", trns)
    return out + b"".join(chunk(b"IDAT", part) for part in parts) + after + chunk(b"IEND")


def shown(samples, depth, colour, palette=None):
    """What a picture of these samples looks like: RGB, and alpha where the colour type has one."""
    if colour == 3:
        full = np.zeros((256, 3), np.uint8)
        full[: len(palette)] = palette
        return full[samples[..., 0]], None
    eight = samples >> 8 if depth == 16 else samples * 255 // (2**depth - 1)
    eight = eight.astype(np.uint8)
    colours = eight[..., :3] if colour in (2, 6) else np.repeat(eight[..., :1], 3, -1)
    return np.ascontiguousarray(colours), eight[..., -1] if colour >= 4 else None


CLIPS = "Pillow clips 16-bit grey to 255 instead of taking the upper byte"


def make_png():
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            samples = noise((H, W, SAMPLES[colour]), depth * 10 + colour, 2**depth)
            palette = PALETTE[: 2**depth] if colour == 3 else None
            rows, alpha = shown(samples, depth, colour, palette)
            clips = CLIPS if (colour, depth) == (0, 16) else None
            for interlaced in (False, True):
                name = f"png-type{colour}-{depth}bit{'-interlaced' if interlaced else ''}.png"
                data = png(samples, depth, colour, interlaced=interlaced, palette=palette, choose=lambda y: (y + 4) % 5)
                exact(name, data, rows, alpha, unlike_pillow=clips)
    for kind in range(5):
        exact(f"png-filter{kind}.png", png(NOISY, 8, 2, choose=lambda y: kind), NOISY)
    for w, h in ((1, 1), (1, 9), (9, 1), (2, 3), (5, 4), (8, 8)):
        part = NOISY[:h, :w]
        exact(f"png-interlaced-{w}x{h}.png", png(part, 8, 2, interlaced=True), part)
    make_png_transparency()
    make_png_orientation()
    make_png_structure()
    make_png_refused()


def make_png_transparency():
    for depth in (1, 2, 4, 8, 16):
        samples = noise((H, W, 1), depth, 2**depth)
        value = int(samples[3, 3, 0])
        rows, _ = shown(samples, depth, 0)
        alpha = np.where(samples[..., 0] == value, 0, 255)
        name, trns = f"png-grey{depth}-transparent.png", struct.pack(">H", value)
        exact(name, png(samples, depth, 0, trns=trns), rows, alpha, unlike_pillow=CLIPS if depth == 16 else None)
    for depth in (8, 16):
        samples = noise((H, W, 3), depth, 2**depth)
        samples[4:9, 4:9] = samples[0, 0]
        rows, _ = shown(samples, depth, 2)
        alpha = np.where((samples == samples[0, 0]).all(-1), 0, 255)
        exact(f"png-rgb{depth}-transparent.png", png(samples, depth, 2, trns=samples[0, 0].astype(">u2").tobytes()), rows, alpha)
    samples = noise((H, W, 1), 3, 16)
    levels = noise((16,), 5).astype(np.uint8)
    for count in (1, 5, 16):
        alpha = np.append(levels[:count], [255] * (16 - count))[samples[..., 0]]
        data = png(samples, 4, 3, palette=PALETTE[:16], trns=levels[:count].tobytes())
        exact(f"png-palette-{count}-alphas.png", data, PALETTE[samples[..., 0]], alpha)
    one = np.where(samples[..., 0] == 2, 0, 255)
    exact("png-palette-one-transparent.png", png(samples, 4, 3, palette=PALETTE[:16], trns=b"\xff\xff\0"), PALETTE[samples[..., 0]], one)
    short, _ = shown(samples, 4, 3, PALETTE[:9])
    exact("png-palette-too-short.png", png(samples, 4, 3, palette=PALETTE[:9]), short)


def make_png_orientation():
    for orientation in range(2, 9):
        data = png(RGB, 8, 2, before=chunk(b"eXIf", exif(orientation, big=orientation % 2 == 0)))
        exact(f"png-exif{orientation}.png", data, turned(RGB, orientation))
    exact("png-exif-behind-data.png", png(RGB, 8, 2, after=chunk(b"eXIf", exif(6))), turned(RGB, 6))
    exact("png-exif-long.png", png(RGB, 8, 2, before=chunk(b"eXIf", exif(8, kind=4))), turned(RGB, 8))
    exact("png-exif9.png", png(RGB, 8, 2, before=chunk(b"eXIf", exif(9))), RGB)
    profile = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n" + b"%8d\n" % 32 + (b"Exif\0\0" + exif(6)).hex().encode() + b"\n")
    exact("png-raw-profile.png", png(RGB, 8, 2, before=chunk(b"zTXt", profile)), turned(RGB, 6))
    itxt = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(3)
    exact("png-xmp3.png", png(RGB, 8, 2, before=chunk(b"iTXt", itxt)), turned(RGB, 3))
    packed = b"XML:com.adobe.xmp\0\1\0en\0x\0" + zlib.compress(xmp(8))
    exact("png-xmp8-compressed.png", png(RGB, 8, 2, before=chunk(b"iTXt", packed)), turned(RGB, 8))
    exact("png-alpha-exif6.png", png(np.dstack([NOISY, noise((H, W), 9)]), 8, 6, before=chunk(b"eXIf", exif(6))))


def frame_control(number, w=W, h=H):
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, w, h, 0, 0, 1, 10, 0, 0))


def make_png_structure():
    exact("png-split-bytewise.png", png(NOISY, 8, 2, split=1)[:], NOISY)
    exact("png-stored.png", png(NOISY, 8, 2, level=0), NOISY)
    whole = png(NOISY, 8, 2)
    begin = whole.index(b"IDAT") - 4
    exact("png-empty-idat.png", whole[:begin] + chunk(b"IDAT") + whole[begin:], NOISY)
    exact("png-trailing-garbage.png", whole + b"garbage \x89PNG and more", NOISY)
    exact("png-junk-before-end.png", png(NOISY, 8, 2, after=b"\0\0\0\x04\x01\x02\x03\x04junkjunk"), NOISY)
    exact("png-gamma.png", png(NOISY, 8, 2, before=chunk(b"gAMA", struct.pack(">I", 100000))), NOISY)
    exact("png-broken-profile.png", png(NOISY, 8, 2, before=chunk(b"iCCP", b"x\0\0not zlib")), NOISY)
    exact("png-srgb-unknown-chunks.png", png(NOISY, 8, 2, before=chunk(b"sRGB", b"\0") + chunk(b"npTc", b"x") + chunk(b"prVt")), NOISY)
    data = bytearray(whole)
    crc = whole.index(b"IEND") - 8
    data[crc] ^= 1
    exact("png-idat-checksum.png", bytes(data), NOISY)
    raw = image_data(NOISY, 8, 2)
    body = zlib.compress(raw)[:-4] + b"\0\0\0\0"
    head = SIGNATURE + header(W, H, 8, 2)
    exact("png-adler.png", head + chunk(b"IDAT", body) + chunk(b"IEND"), NOISY, unlike_pillow="Pillow gives up at the data's second checksum")
    more = zlib.compress(raw + b"\0" * 200)
    exact("png-too-much-data.png", head + chunk(b"IDAT", more) + chunk(b"IEND"), NOISY)
    broken_text = chunk(b"tEXt", b"Comment\0hello", crc=0)
    exact("png-text-checksum.png", png(NOISY, 8, 2, before=broken_text), NOISY, unlike_pillow="Pillow gives up at a comment's checksum")
    other = zlib.compress(image_data(RGB, 8, 2))
    animation = chunk(b"acTL", struct.pack(">II", 1, 0))
    exact("apng-default-apart.png", png(NOISY, 8, 2, before=animation, after=frame_control(0) + chunk(b"fdAT", struct.pack(">I", 1) + other)), NOISY)
    two = chunk(b"acTL", struct.pack(">II", 2, 0)) + frame_control(0)
    exact("apng-default-first.png", png(NOISY, 8, 2, before=two, after=frame_control(1) + chunk(b"fdAT", struct.pack(">I", 2) + other)), NOISY)
    sequence = "Pillow gives up where an animation's numbers are wrong"
    exact("apng-bad-sequence.png", png(NOISY, 8, 2, before=animation + frame_control(5)), NOISY, unlike_pillow=sequence)


def make_png_refused():
    whole = png(NOISY, 8, 2)
    for share in (30, 50, 90):
        refused(f"png-cut{share}.png", whole[: len(whole) * share // 100], "cut off")
    refused("png-cut-in-header.png", whole[:20], "cut off")
    refused("png-signature-only.png", whole[:8], "cut off")
    refused("png-no-end.png", whole[:-12], "cut off")
    head = SIGNATURE + header(W, H, 8, 2)
    end = chunk(b"IEND")
    refused("png-no-data.png", head + end, "PNG picture is damaged")
    refused("png-rows-missing.png", head + chunk(b"IDAT", zlib.compress(image_data(NOISY[:9], 8, 2))) + end, "cut off")
    refused("png-bad-filter.png", head + chunk(b"IDAT", zlib.compress(b"\x07" + image_data(NOISY, 8, 2)[1:])) + end, "PNG picture is damaged")
    refused("png-not-deflated.png", head + chunk(b"IDAT", b"this is no zlib stream at all") + end, "PNG picture is damaged")
    damaged = bytearray(png(NOISY, 8, 2, level=0))
    damaged[damaged.index(b"IDAT") + 300] ^= 0x55
    refused("png-damaged-data.png", bytes(damaged), "PNG picture is damaged")
    refused("png-no-palette.png", png(noise((H, W, 1), 1, 16), 4, 3), "PNG picture is damaged")
    for depth, colour in ((3, 0), (4, 2), (16, 3), (2, 6), (8, 1), (8, 7)):
        data = SIGNATURE + header(W, H, depth, colour) + chunk(b"IDAT", zlib.compress(bytes(4000))) + end
        refused(f"png-depth{depth}-type{colour}.png", data, "PNG picture is damaged")
    refused("png-no-width.png", SIGNATURE + header(0, H, 8, 2) + chunk(b"IDAT", zlib.compress(b"")) + end, "no size")
    refused("png-bomb.png", SIGNATURE + header(30000, 30000, 8, 2) + chunk(b"IDAT", zlib.compress(bytes(3000))) + end, "too large (30000 × 30000", "image-too-large")
    refused("png-side-bomb.png", SIGNATURE + header(40000, 1, 1, 0) + chunk(b"IDAT", zlib.compress(bytes(5001))) + end, "too large (40000 × 1", "image-too-large")
    refused("png-newlines-changed.png", whole.replace(b"\r\n", b"\n"), "PNG picture is damaged")


# ---------------------------------------------------------------- GIF


def lzw(indices, minimum, clear_every=None):
    clear, end = 1 << minimum, (1 << minimum) + 1
    out, bits = 0, 0

    def put(code, size):
        nonlocal out, bits
        out |= code << bits
        bits += size

    def fresh():
        return {(i,): i for i in range(clear)}, end + 1, minimum + 1

    table, following, size = fresh()
    put(clear, size)
    string = ()
    for count, index in enumerate(int(i) for i in np.asarray(indices).reshape(-1)):
        longer = string + (index,)
        if longer in table:
            string = longer
            continue
        put(table[string], size)
        if following < 4096:
            table[longer] = following
            if following == 1 << size and size < 12:
                size += 1
            following += 1
        if clear_every is not None and count % clear_every == clear_every - 1:
            put(clear, size)
            table, following, size = fresh()
        string = (index,)
    put(table[string], size)
    # A decoder is one code behind: it may have grown its codes by now.
    if following == 1 << size and size < 12:
        size += 1
    put(end, size)
    data = out.to_bytes((bits + 7) // 8, "little")
    return bytes([minimum]) + blocks(data)


def blocks(data):
    return b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255)) + b"\0"


def table_flags(palette):
    return 0 if palette is None else 0x80 | (len(palette).bit_length() - 2)


def screen(w=W, h=H, palette=PALETTE[:16], background=0, version=b"89a"):
    out = b"GIF" + version + struct.pack("<HHBBB", w, h, table_flags(palette), background, 0)
    return out + (b"" if palette is None else palette.tobytes())


def frame(indices, x=0, y=0, minimum=4, palette=None, interlaced=False, data=None, **options):
    h, w = indices.shape
    order = np.concatenate([np.arange(h)[0::8], np.arange(h)[4::8], np.arange(h)[2::4], np.arange(h)[1::2]]) if interlaced else np.arange(h)
    out = b"," + struct.pack("<HHHHB", x, y, w, h, table_flags(palette) | (0x40 if interlaced else 0))
    out += b"" if palette is None else palette.tobytes()
    return out + (lzw(indices[order], minimum, **options) if data is None else data)


def control(transparent=None, disposal=0):
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\x04" + struct.pack("<BHB", flags, 10, transparent or 0) + b"\0"


def make_gif():
    for bits in range(1, 9):
        indices = noise((H, W), bits, 2**bits)
        palette = PALETTE[: 2**bits]
        exact(f"gif-{bits}bit.gif", screen(palette=palette) + frame(indices, minimum=max(2, bits)) + b";", palette[indices])
    indices = noise((H, W), 4, 16)
    plain = screen() + frame(indices) + b";"
    rows = PALETTE[:16][indices]
    exact("gif-87a.gif", screen(version=b"87a") + frame(indices) + b";", rows)
    exact("gif-interlaced.gif", screen() + frame(indices, interlaced=True) + b";", rows)
    exact("gif-interlaced-3-rows.gif", screen(h=3) + frame(indices[:3], interlaced=True) + b";", rows[:3])
    exact("gif-local-palette.gif", screen(palette=None) + frame(indices, palette=PALETTE[40:56]) + b";", PALETTE[40:56][indices])
    exact("gif-both-palettes.gif", screen() + frame(indices, palette=PALETTE[40:56]) + b";", PALETTE[40:56][indices])
    grey = np.repeat(indices[..., None], 3, -1).astype(np.uint8)
    exact("gif-no-palette.gif", screen(palette=None) + frame(indices) + b";", grey)
    exact("gif-grey-ramp.gif", screen(palette=np.repeat(np.arange(16, dtype=np.uint8)[:, None], 3, 1)) + frame(indices) + b";", grey)
    exact("gif-wide-codes.gif", screen() + frame(indices, minimum=8) + b";", rows)
    exact("gif-index-beyond-palette.gif", screen(palette=PALETTE[:4]) + frame(indices) + b";")
    exact("gif-clears.gif", screen() + frame(indices, clear_every=37) + b";", rows)
    large = noise((100, 100), 11, 256)
    exact("gif-full-table.gif", screen(100, 100, PALETTE) + frame(large, minimum=8) + b";", PALETTE[large])
    one = np.zeros((40, 60), np.int64)
    exact("gif-one-colour.gif", screen(60, 40) + frame(one) + b";", PALETTE[:16][one])
    make_gif_frames(indices, rows)
    make_gif_structure(plain, indices, rows)


def make_gif_frames(indices, rows):
    clear = np.where(indices == 3, 0, 255)
    exact("gif-transparent.gif", screen() + control(3) + frame(indices) + b";", rows, clear)
    part = indices[:9, :11]
    for name, colour in (("gif-part-transparent.gif", 5), ("gif-part-opaque.gif", None)):
        full = np.full((H, W), colour or 0)
        full[4:13, 6:17] = part
        alpha = None if colour is None else np.where(full == colour, 0, 255)
        exact(name, screen(background=9) + control(colour) + frame(part, 6, 4) + b";", PALETTE[:16][full], alpha)
    for disposal in (1, 2, 3):
        data = screen() + control(3, disposal) + frame(indices) + control(None, 1) + frame(15 - indices) + b";"
        exact(f"gif-animated-disposal{disposal}.gif", data, rows, clear)
    exact("gif-two-controls.gif", screen() + control(3) + control(None) + frame(indices) + b";", rows, clear)
    exact("gif-wider-frame.gif", screen(W - 6, H - 3) + frame(indices) + b";", rows)
    exact("gif-frame-outside.gif", screen() + frame(part, W - 2, H - 1) + b";")
    exact("gif-no-screen.gif", screen(0, 0) + frame(indices) + b";", rows)
    second = screen() + frame(indices) + b",not a frame"
    exact("gif-broken-second-frame.gif", second, rows)


def make_gif_structure(plain, indices, rows):
    exact("gif-no-trailer.gif", plain[:-1], rows)
    exact("gif-no-terminator.gif", plain[:-2], rows)
    exact("gif-trailing-garbage.gif", plain + bytes(range(200)), rows)
    exact("gif-junk-before-frame.gif", screen() + b"\0\x07\x01" + frame(indices) + b";", rows)
    notes = b"!\xfe" + blocks(b"a comment, of some length" * 20) + b"!\xff\x0bNETSCAPE2.0\x03\1\0\0\0" + b"!\x01" + blocks(b"plain text")
    exact("gif-extensions.gif", screen() + notes + frame(indices) + b";", rows)
    data = lzw(indices, 4)
    exact("gif-small-blocks.gif", screen() + frame(indices, data=data[:1] + small_blocks(data)) + b";", rows)
    for share in (40, 70, 95):
        refused(f"gif-cut{share}.gif", plain[: len(plain) * share // 100], "cut off")
    refused("gif-cut-in-palette.gif", plain[:30], "cut off")
    refused("gif-cut-in-header.gif", plain[:9], "cut off")
    refused("gif-no-frame.gif", screen() + b";", "GIF picture is damaged")
    refused("gif-only-screen.gif", screen(), "cut off")
    refused("gif-ends-early.gif", screen() + b"," + struct.pack("<HHHHB", 0, 0, W, H, 0) + lzw(indices[:5], 4) + b";", "cut off")
    refused("gif-bad-code.gif", screen() + frame(indices, data=b"\x04" + blocks(b"\xf0\xff\xff\xff\xff")) + b";", "GIF picture is damaged")
    refused("gif-bad-code-length.gif", screen() + frame(indices, data=b"\x0d" + blocks(b"\0\0\0\0")) + b";", "GIF picture is damaged")
    refused("gif-bomb.gif", screen(65535, 65535) + frame(indices) + b";", "too large (65535 × 65535", "image-too-large")
    refused("gif-version.gif", b"GIF80a" + plain[6:], "GIF picture is damaged")


def small_blocks(data):
    flat, at = b"", 1
    while data[at]:
        flat += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return b"".join(bytes([len(flat[i : i + 7])]) + flat[i : i + 7] for i in range(0, len(flat), 7)) + b"\0"


# ---------------------------------------------------------------- BMP


def bmp_rows(samples, bits, pad=4):
    """[height, width] of whole pixels → the rows, from below."""
    out = b""
    for row in samples[::-1]:
        if bits <= 8:
            line = pack_row(row, bits)
        else:
            line = b"".join(int(v).to_bytes(bits // 8, "little") for v in row)
        out += line + bytes(-len(line) % pad)
    return out


def info_header(size, w, h, bits, compression=0, colours=0, masks=(), image=0):
    if size == 12:
        return struct.pack("<IHHHH", 12, w, h, 1, bits)
    out = struct.pack("<IiiHHIIiiII", size, w, h, 1, bits, compression, image, 2835, 2835, colours, 0)
    out += b"".join(struct.pack("<I", mask) for mask in masks)
    return (out + bytes(max(0, size - len(out)))) if size > 40 else out


def bmp(head, pixels, palette=b"", offset=None, gap=b""):
    where = 14 + len(head) + len(palette) + len(gap) if offset is None else offset
    body = head + palette + gap + pixels
    return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, where) + body


def colour_table(palette, step=4):
    return b"".join(bytes(colour[::-1]) + bytes(step - 3) for colour in palette)


def packed_24(rgb):
    wide = rgb.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def make_bmp():
    for size in (12, 40, 52, 56, 64, 108, 124):
        for bits in (1, 4, 8):
            indices = noise((H, W), bits + size, 2**bits)
            table = colour_table(PALETTE[: 2**bits], 3 if size == 12 else 4)
            exact(f"bmp-header{size}-{bits}bit.bmp", bmp(info_header(size, W, H, bits), bmp_rows(indices, bits), table), PALETTE[indices])
        exact(f"bmp-header{size}-24bit.bmp", bmp(info_header(size, W, H, 24), bmp_rows(packed_24(NOISY), 24)), NOISY)
    for bits in (16, 32):
        pixels = noise((H, W), bits, 2**16).astype(np.int64) << (bits - 16) | noise((H, W), 5, 2**16)
        exact(f"bmp-{bits}bit.bmp", bmp(info_header(40, W, H, bits), bmp_rows(pixels % 2**bits, bits)))
    exact("bmp-top-down.bmp", bmp(info_header(40, W, -H, 24), bmp_rows(packed_24(NOISY[::-1]), 24)), NOISY)
    indices = noise((H, W), 8, 256)
    exact("bmp-top-down-8bit.bmp", bmp(info_header(40, W, -H, 8), bmp_rows(indices[::-1], 8), colour_table(PALETTE)), PALETTE[indices])
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    exact("bmp-grey.bmp", bmp(info_header(40, W, H, 8), bmp_rows(indices, 8), colour_table(grey)), grey[indices])
    bits = noise((H, W), 1, 2)
    black = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    exact("bmp-black-and-white.bmp", bmp(info_header(40, W, H, 1), bmp_rows(bits, 1), colour_table(black)), black[bits])
    few = noise((H, W), 2, 100)
    exact("bmp-short-palette.bmp", bmp(info_header(40, W, H, 8, colours=100), bmp_rows(few, 8), colour_table(PALETTE[:100])), PALETTE[few])
    exact("bmp-index-beyond-palette.bmp", bmp(info_header(40, W, H, 8, colours=50), bmp_rows(few, 8), colour_table(PALETTE[:50])))
    exact("bmp-gap.bmp", bmp(info_header(40, W, H, 8), bmp_rows(indices, 8), colour_table(PALETTE), gap=b"gap!" * 5), PALETTE[indices])
    uncounted = 14 + 40
    exact("bmp-offset-without-palette.bmp", bmp(info_header(40, W, H, 8), bmp_rows(indices, 8), colour_table(PALETTE), uncounted), PALETTE[indices])
    whole = bmp(info_header(40, W, H, 24), bmp_rows(packed_24(NOISY), 24))
    exact("bmp-no-offset.bmp", whole[:10] + bytes(4) + whole[14:], NOISY)
    exact("bmp-wrong-length.bmp", whole[:2] + b"\1\0\0\0" + whole[6:], NOISY)
    exact("bmp-trailing-garbage.bmp", whole + b"garbage", NOISY)
    exact("bmp-last-padding-missing.bmp", whole[: -(-W * 3 % 4)], NOISY)
    exact("bmp-1x1.bmp", bmp(info_header(40, 1, 1, 24), b"\x0a\x14\x1e\0"), np.array([[[30, 20, 10]]], np.uint8))
    make_bmp_fields()
    make_bmp_runs()
    make_bmp_refused(whole)


def make_bmp_fields():
    pixels = noise((H, W), 3, 2**16)
    for name, masks in (("565", (0xF800, 0x7E0, 0x1F)), ("555", (0x7C00, 0x3E0, 0x1F))):
        for size in (40, 56, 124):
            head = info_header(size, W, H, 16, 3, masks=masks)
            exact(f"bmp-fields-{name}-header{size}.bmp", bmp(head, bmp_rows(pixels, 16)))
    wide = noise((H, W), 3, 2**16).astype(np.int64) << 16 | noise((H, W), 4, 2**16)
    orders = {
        "bgrx": (0xFF0000, 0xFF00, 0xFF, 0),
        "xbgr": (0xFF000000, 0xFF0000, 0xFF00, 0),
        "bgxr": (0xFF000000, 0xFF00, 0xFF, 0),
        "abgr": (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        "rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        "bgra": (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        "bgar": (0xFF000000, 0xFF00, 0xFF, 0xFF0000),
        "none": (0, 0, 0, 0),
    }
    for name, masks in orders.items():
        exact(f"bmp-fields-{name}.bmp", bmp(info_header(124, W, H, 32, 3, masks=masks), bmp_rows(wide, 32)))
    exact("bmp-fields-bgrx-header40.bmp", bmp(info_header(40, W, H, 32, 3, masks=orders["bgrx"][:3]), bmp_rows(wide, 32)))
    layout = "Pillow knows the usual masks only"
    fours = np.stack([(pixels >> shift & 15) * 17 for shift in (8, 4, 0)], -1).astype(np.uint8)
    head = info_header(124, W, H, 16, 3, masks=(0xF00, 0xF0, 0xF, 0xF000))
    exact("bmp-fields-4444.bmp", bmp(head, bmp_rows(pixels, 16)), fours, (pixels >> 12) * 17, unlike_pillow=layout)


def runs_of(row, four):
    """Runs and literal stretches of a row, by turns."""
    out, x = b"", 0
    while x < len(row):
        same = 1
        while x + same < len(row) and row[x + same] == row[x] and same < 255:
            same += 1
        if same > 1 or len(row) - x < 4:
            out += bytes([same, row[x] * 17 if four else row[x]])
            x += same
            continue
        count = 4
        part = [int(v) for v in row[x : x + count]]
        body = bytes(a << 4 | b for a, b in zip(part[0::2], part[1::2])) if four else bytes(part)
        out += bytes([0, count]) + body + bytes(len(body) % 2)
        x += count
    return out


def make_bmp_runs():
    for four in (False, True):
        bits, compression = (4, 2) if four else (8, 1)
        indices = np.repeat(noise((H, 12), bits, 2**bits), 2, 1)[:, :W]
        indices[:, :6] = noise((H, 6), 2, 2**bits)
        table = colour_table(PALETTE[: 2**bits])
        data = b"".join(runs_of(row, four) + b"\0\0" for row in indices[::-1]) + b"\0\1"
        head = info_header(40, W, H, bits, compression)
        exact(f"bmp-rle{bits}.bmp", bmp(head, data, table), PALETTE[indices])
        exact(f"bmp-rle{bits}-no-end.bmp", bmp(head, data[:-2], table), PALETTE[indices])
        refused(f"bmp-rle{bits}-cut.bmp", bmp(head, data[: len(data) // 2], table), "cut off")
    table = colour_table(PALETTE)
    delta = b"\x05\x09" + b"\0\2\x03\x01" + b"\x04\x07\0\0" + b"".join(bytes([W, y, 0, 0]) for y in range(H - 2)) + b"\0\1"
    exact("bmp-rle8-delta.bmp", bmp(info_header(40, W, H, 8, 1), delta, table))
    short = b"".join(bytes([9, y, 0, 0]) for y in range(H)) + b"\0\1"
    exact("bmp-rle8-short-rows.bmp", bmp(info_header(40, W, H, 8, 1), short, table))
    early = b"".join(bytes([W, y, 0, 0]) for y in range(5)) + b"\0\1"
    rows = np.zeros((H, W), np.int64)
    rows[H - 5 :] = np.arange(5)[::-1, None]
    ends = "Pillow takes a bitmap that ends early for one that is cut off"
    exact("bmp-rle8-ends-early.bmp", bmp(info_header(40, W, H, 8, 1), early, table), PALETTE[rows], unlike_pillow=ends)
    odd = b"".join(b"\0\x05\x12\x34\x50\0" + bytes([W - 5, 0x67, 0, 0]) for _ in range(H)) + b"\0\1"
    row = np.array([1, 2, 3, 4, 5] + [6, 7] * 9)[:W]
    loses = "Pillow loses the last pixel of an odd literal run of 4 bits"
    exact("bmp-rle4-odd.bmp", bmp(info_header(40, W, H, 4, 2), odd, colour_table(PALETTE[:16])), PALETTE[np.tile(row, (H, 1))], unlike_pillow=loses)


def make_bmp_refused(whole):
    for share in (5, 50, 95):
        refused(f"bmp-cut{share}.bmp", whole[: max(20, len(whole) * share // 100)], "cut off")
    refused("bmp-bits3.bmp", bmp(info_header(40, W, H, 3), bytes(2000)), "BMP picture is damaged")
    for bits in (1, 8):
        refused(f"bmp-os2-huffman-{bits}bit.bmp", bmp(info_header(64, W, H, bits, 3), bytes(2000)), "rare way")
    refused("bmp-png-inside.bmp", bmp(info_header(40, W, H, 0, 5), bytes(2000)), "rare way")
    refused("bmp-64bit.bmp", bmp(info_header(40, W, H, 64), bytes(20000)), "64 bits a pixel")
    refused("bmp-jpeg-inside.bmp", bmp(info_header(40, W, H, 24, 4), bytes(2000)), "rare way")
    refused("bmp-negative-width.bmp", bmp(info_header(40, -W, H, 24), bytes(2000)), "too large", "image-too-large")
    refused("bmp-no-height.bmp", bmp(info_header(40, W, 0, 24), bytes(2000)), "no size")
    refused("bmp-bomb.bmp", bmp(info_header(40, 30000, 30000, 24), bytes(2000)), "too large (30000 × 30000", "image-too-large")
    refused("bmp-palette-bomb.bmp", bmp(info_header(40, W, H, 8, colours=2**31), bytes(2000)), "BMP picture is damaged")
    refused("bmp-rle4-of-8bit.bmp", bmp(info_header(40, W, H, 8, 2), bytes(2000)), "BMP picture is damaged")


# ---------------------------------------------------------------- ICO


def icon(*pictures):
    out = struct.pack("<HHH", 0, 1, len(pictures))
    at = 6 + 16 * len(pictures)
    for w, h, bits, data in pictures:
        out += struct.pack("<BBBBHHII", w % 256, h % 256, 0, 0, 1, bits, len(data), at)
        at += len(data)
    return out + b"".join(data for *_, data in pictures)


def icon_bitmap(bits, w=16, h=16, seed=1, mask=None):
    hidden = noise((h, w), seed + 50, 2) if mask is None else mask
    head = info_header(40, w, h * 2, bits)
    if bits <= 8:
        body = colour_table(PALETTE[: 2**bits]) + bmp_rows(noise((h, w), seed, 2**bits), bits)
    elif bits == 32:
        body = bmp_rows(noise((h, w), seed, 2**16).astype(np.int64) << 16 | noise((h, w), seed + 1, 2**16), 32)
    else:
        body = bmp_rows(packed_24(noise((h, w, 3), seed).astype(np.uint8)), 24)
    return w, h, bits, head + body + bmp_rows(hidden, 1)


def make_ico():
    for bits in (1, 4, 8, 24, 32):
        exact(f"ico-{bits}bit.ico", icon(icon_bitmap(bits)))
        exact(f"ico-{bits}bit-19x11.ico", icon(icon_bitmap(bits, 19, 11)))
    rgba = np.dstack([noise((20, 20, 3), 4), noise((20, 20), 5)])
    inner = png(rgba, 8, 6)
    exact("ico-png.ico", icon((20, 20, 32, inner)), rgba[..., :3].astype(np.uint8), rgba[..., 3])
    exact("ico-png-size-lies.ico", icon((64, 64, 32, inner)), rgba[..., :3].astype(np.uint8), rgba[..., 3])
    large = np.repeat(np.repeat(rgba, 13, 0), 13, 1)[:256, :256]
    exact("ico-png-256.ico", icon(icon_bitmap(8), (256, 256, 32, png(large, 8, 6, choose=lambda y: 2))), large[..., :3].astype(np.uint8), large[..., 3])
    exact("ico-largest-last.ico", icon(icon_bitmap(24, 8, 8), icon_bitmap(4, 16, 16, 3), icon_bitmap(32, 24, 24, 2)))
    exact("ico-same-size.ico", icon(icon_bitmap(32, seed=5), icon_bitmap(4, seed=6), icon_bitmap(8, seed=7)))
    exact("ico-trailing-garbage.ico", icon(icon_bitmap(24)) + b"garbage")
    whole = icon(icon_bitmap(24))
    refused("ico-cut.ico", whole[: len(whole) // 2], "cut off")
    refused("ico-cut-in-directory.ico", whole[:12], "cut off")
    refused("ico-empty.ico", struct.pack("<HHH", 0, 1, 0), "ICO picture is damaged")
    refused("ico-offset-beyond.ico", whole[:18] + struct.pack("<I", 99999) + whole[22:], "cut off")


# ---------------------------------------------------------------- JPEG

# libjpeg-turbo gives the same bits everywhere.
JPEG = 0


def jpeg(rgb=RGB, **options):
    buffer = io.BytesIO()
    image = rgb if isinstance(rgb, Image.Image) else Image.fromarray(rgb)
    image.save(buffer, "JPEG", **({"quality": 90} | options))
    return buffer.getvalue()


def segment(code, body):
    return b"\xff" + bytes([code]) + struct.pack(">H", len(body) + 2) + body


def behind_soi(data, more):
    return data[:2] + more + data[2:]


def make_jpeg():
    for name, options in {
        "444": {"subsampling": 0},
        "422": {"subsampling": 1},
        "420": {"subsampling": 2},
        "progressive": {"progressive": True},
        "progressive-444": {"progressive": True, "subsampling": 0},
        "optimised": {"optimize": True},
        "restarts": {"restart_marker_blocks": 1},
        "restart-rows": {"restart_marker_rows": 1, "subsampling": 0},
        "rgb": {"keep_rgb": True, "subsampling": 0},
        "quality10": {"quality": 10},
        "quality100": {"quality": 100, "subsampling": 0},
        "profile": {"icc_profile": b"not a profile" * 20},
        "comment": {"comment": b"hello"},
    }.items():
        near(f"jpeg-{name}.jpg", jpeg(**options), JPEG)
    near("jpeg-noisy.jpg", jpeg(NOISY, quality=95, subsampling=0), JPEG)
    near("jpeg-1x1.jpg", jpeg(RGB[:1, :1]), JPEG)
    near("jpeg-97x1.jpg", jpeg(smooth(97, 1)), JPEG)
    near("jpeg-1x65.jpg", jpeg(smooth(1, 65)), JPEG)
    grey = Image.fromarray(RGB).convert("L")
    near("jpeg-grey.jpg", jpeg(grey), JPEG)
    near("jpeg-grey-progressive.jpg", jpeg(grey, progressive=True), JPEG)
    near("jpeg-cmyk-progressive.jpg", jpeg(Image.fromarray(np.dstack([RGB, noise((H, W), 3, 90)]).astype(np.uint8), "CMYK"), progressive=True), JPEG)
    make_jpeg_inks()
    make_jpeg_orientation()
    make_jpeg_structure()
    make_jpeg_refused()


def without(data, code):
    at = data.index(bytes([0xFF, code]))
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def make_jpeg_inks():
    inks = np.dstack([RGB, np.broadcast_to(np.arange(W, dtype=np.uint8) * 8, (H, W))])
    cmyk = jpeg(Image.fromarray(np.ascontiguousarray(inks), "CMYK"), subsampling=0)
    near("jpeg-cmyk.jpg", cmyk, JPEG)
    near("jpeg-cmyk-no-adobe.jpg", without(cmyk, 0xEE), JPEG)
    adobe = cmyk.index(b"Adobe")
    near("jpeg-ycck.jpg", cmyk[: adobe + 11] + b"\2" + cmyk[adobe + 12 :], JPEG)
    near("jpeg-cmyk-profile.jpg", behind_soi(cmyk, segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(200))), JPEG)
    plain = jpeg(subsampling=0)
    near("jpeg-adobe-ycc.jpg", behind_soi(without(plain, 0xE0), segment(0xEE, b"Adobe\0d\0\0\0\0\1")), JPEG)
    near("jpeg-adobe-rgb.jpg", behind_soi(without(plain, 0xE0), segment(0xEE, b"Adobe\0d\0\0\0\0\0")), JPEG)
    near("jpeg-jfif-and-adobe-rgb.jpg", plain[:20] + segment(0xEE, b"Adobe\0d\0\0\0\0\0") + plain[20:], JPEG)
    near("jpeg-no-jfif.jpg", without(plain, 0xE0), JPEG)
    short = "Pillow gives up at metadata that are too short"
    near("jpeg-short-adobe.jpg", behind_soi(without(plain, 0xE0), segment(0xEE, b"Adobe")), JPEG, without(plain, 0xE0), short)
    letters = without(plain, 0xE0)
    sof, sos = letters.index(b"\xff\xc0"), letters.index(b"\xff\xda")
    named = bytearray(letters)
    for i, letter in enumerate(b"RGB"):
        named[sof + 10 + 3 * i] = letter
        named[sos + 5 + 2 * i] = letter
    near("jpeg-components-rgb.jpg", bytes(named), JPEG)


def make_jpeg_orientation():
    plain = jpeg()
    for orientation in range(1, 9):
        body = b"Exif\0\0" + exif(orientation, big=orientation % 2 == 0)
        near(f"jpeg-exif{orientation}.jpg", behind_soi(plain, segment(0xE1, body)), JPEG)
    app1 = lambda body: behind_soi(plain, segment(0xE1, body))
    near("jpeg-exif-long.jpg", app1(b"Exif\0\0" + exif(6, kind=4)), JPEG)
    near("jpeg-exif-twice.jpg", app1(b"Exif\0\0Exif\0\0" + exif(6)), JPEG)
    near("jpeg-exif9.jpg", app1(b"Exif\0\0" + exif(9)), JPEG)
    near("jpeg-exif0.jpg", app1(b"Exif\0\0" + exif(0)), JPEG)
    near("jpeg-exif-empty.jpg", app1(b"Exif\0\0"), JPEG)
    near("jpeg-exif-cut.jpg", app1(b"Exif\0\0" + exif(6)[:14]), JPEG)
    near("jpeg-exif-far-directory.jpg", app1(b"Exif\0\0II*\0\xff\xff\xff\x0f"), JPEG)
    near("jpeg-xmp6.jpg", app1(b"http://ns.adobe.com/xap/1.0/\0" + xmp(6)), JPEG)
    near("jpeg-xmp-element.jpg", app1(b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>8</tiff:Orientation>"), JPEG)
    both = segment(0xE1, b"Exif\0\0" + exif(3)) + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
    near("jpeg-exif-before-xmp.jpg", behind_soi(plain, both), JPEG)
    inside = jpeg(RGB[:8, :8])
    near("jpeg-exif-thumbnail.jpg", app1(b"Exif\0\0" + exif(6) + inside), JPEG)
    near("jpeg-exif6-progressive.jpg", behind_soi(jpeg(progressive=True), segment(0xE1, b"Exif\0\0" + exif(6))), JPEG)
    near("jpeg-exif6-grey.jpg", behind_soi(jpeg(Image.fromarray(RGB).convert("L")), segment(0xE1, b"Exif\0\0" + exif(6))), JPEG)


def make_jpeg_structure():
    plain = jpeg()
    tables = plain.index(b"\xff\xdb")
    near("jpeg-fill-bytes.jpg", plain[:tables] + b"\xff" * 7 + plain[tables:], JPEG)
    near("jpeg-fill-before-end.jpg", plain[:-2] + b"\xff\xff\xff\xd9", JPEG)
    near("jpeg-junk-between.jpg", plain[:tables] + b"junk!" + plain[tables:], JPEG)
    near("jpeg-junk-with-ff00.jpg", plain[:tables] + b"ju\xff\0nk" + plain[tables:], JPEG)
    near("jpeg-app1-length2.jpg", behind_soi(plain, b"\xff\xe1\0\2"), JPEG)
    near("jpeg-app1-length0.jpg", behind_soi(plain, b"\xff\xe1\0\0"), JPEG)
    near("jpeg-app13-broken.jpg", behind_soi(plain, segment(0xED, b"Photoshop 3.0\08BIM\x03\xed\0\0\0\0\xff\xffxx")), JPEG)
    bare = without(plain, 0xE0)
    short = "Pillow gives up at metadata that are too short"
    near("jpeg-app0-short.jpg", behind_soi(bare, segment(0xE0, b"JFIF")), JPEG, bare, short)
    near("jpeg-app15.jpg", behind_soi(plain, segment(0xEF, bytes(100))), JPEG)
    near("jpeg-profile-broken.jpg", behind_soi(plain, segment(0xE2, b"ICC_PROFILE\0\2\1x")), JPEG)
    near("jpeg-restart-in-header.jpg", plain[:tables] + b"\xff\xd0" + plain[tables:], JPEG)
    near("jpeg-trailing-garbage.jpg", plain + b"garbage" * 9, JPEG)
    near("jpeg-trailing-film.jpg", plain + b"\0\0\0\x18ftypmp42" + bytes(40), JPEG)
    near("jpeg-second-behind.jpg", plain + jpeg(NOISY), JPEG)
    near("jpeg-second-cut.jpg", plain + jpeg(NOISY)[:200], JPEG)
    mpo = io.BytesIO()
    Image.fromarray(RGB).save(mpo, "MPO", save_all=True, append_images=[Image.fromarray(NOISY)])
    near("jpeg-two-pictures.mpo", mpo.getvalue(), JPEG)
    progressive = jpeg(progressive=True)
    scans = [i for i in range(len(progressive) - 1) if progressive[i : i + 2] == b"\xff\xda"]
    near("jpeg-progressive-fewer-scans.jpg", progressive[: scans[-1]] + b"\xff\xd9", JPEG)
    twice = plain[:tables] + plain[tables : plain.index(b"\xff\xc0")] * 2 + plain[plain.index(b"\xff\xc0") :]
    near("jpeg-tables-twice.jpg", twice, JPEG)


def make_jpeg_refused():
    plain, progressive = jpeg(), jpeg(progressive=True)
    frame_at = plain.index(b"\xff\xc0")
    scan = plain.index(b"\xff\xda")
    for name, data in (("", plain), ("progressive-", progressive)):
        for share in (20, 60, 98):
            refused(f"jpeg-{name}cut{share}.jpg", data[: len(data) * share // 100], "cut off")
    refused("jpeg-no-end.jpg", plain[:-2], "cut off")
    refused("jpeg-first-cut-second-whole.jpg", plain[:-60] + jpeg(NOISY), "cut off")
    refused("jpeg-cut-in-exif.jpg", behind_soi(plain, segment(0xE1, b"Exif\0\0" + exif(6) + bytes(500)))[:100], "cut off")
    refused("jpeg-start-only.jpg", b"\xff\xd8\xff", "cut off")
    refused("jpeg-no-frame.jpg", plain[:2] + b"\xff\xd9", "JPEG picture is damaged")
    refused("jpeg-scan-without-frame.jpg", plain[:frame_at] + plain[scan:], "JPEG picture is damaged")
    refused("jpeg-two-frames.jpg", plain[:scan] + plain[frame_at : frame_at + 19] + plain[scan:], "JPEG picture is damaged")
    refused("jpeg-junk-before-start.jpg", b"junk" + plain, "not a picture")
    refused("jpeg-12bit.jpg", plain[: frame_at + 4] + b"\x0c" + plain[frame_at + 5 :], "12 bits")
    for code, name in ((0xC3, "lossless JPEG"), (0xC5, "hierarchical JPEG"), (0xC9, "arithmetic-coded JPEG"), (0xCA, "arithmetic-coded JPEG"), (0xF7, "JPEG-LS")):
        refused(f"jpeg-frame-{code:x}.jpg", plain[: frame_at + 1] + bytes([code]) + plain[frame_at + 2 :], name)
    two = plain[: frame_at + 9] + b"\2" + plain[frame_at + 10 :]
    refused("jpeg-two-components.jpg", two, "JPEG picture is damaged")
    refused("jpeg-no-height.jpg", plain[: frame_at + 5] + b"\0\0" + plain[frame_at + 7 :], "no size")
    refused("jpeg-bomb.jpg", plain[: frame_at + 5] + b"\x7f\xff\x7f\xff" + plain[frame_at + 9 :], "too large", "image-too-large")
    refused("jpeg-no-tables.jpg", plain[: plain.index(b"\xff\xdb")] + plain[frame_at:], "JPEG picture is damaged")
    refused("jpeg-unknown-marker.jpg", plain[:frame_at] + b"\xff\x02\0\4ab" + plain[frame_at:], "JPEG picture is damaged")


# ---------------------------------------------------------------- WebP


def webp(image=RGB, **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, "WEBP", **options)
    return buffer.getvalue()


def riff_chunk(kind, body):
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*chunks):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def low24(value):
    return struct.pack("<I", value)[:3]


def extended(flags, w=W, h=H):
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + low24(w - 1) + low24(h - 1))


def make_webp():
    rgba = np.ascontiguousarray(np.dstack([NOISY, noise((H, W), 9).astype(np.uint8)]))
    lossless = webp(lossless=True)
    exact("webp-lossy.webp", webp(quality=80))
    exact("webp-lossy-low.webp", webp(quality=5))
    exact("webp-lossless.webp", lossless, RGB)
    exact("webp-lossless-noisy.webp", webp(NOISY, lossless=True), NOISY)
    exact("webp-lossless-alpha.webp", webp(rgba, lossless=True, exact=True), NOISY, rgba[..., 3])
    exact("webp-lossy-alpha.webp", webp(rgba, quality=70))
    exact("webp-lossy-alpha-uncompressed.webp", webp(rgba, quality=70, alpha_quality=20))
    exact("webp-grey.webp", webp(Image.fromarray(RGB).convert("L"), lossless=True))
    exact("webp-1x1.webp", webp(RGB[:1, :1], lossless=True), RGB[:1, :1])
    for orientation in range(2, 9):
        exact(f"webp-exif{orientation}.webp", webp(lossless=True, exif=exif(orientation, big=orientation % 2 == 0)), turned(RGB, orientation))
    exact("webp-exif-prefixed.webp", webp(lossless=True, exif=b"Exif\0\0" + exif(6)), turned(RGB, 6))
    exact("webp-xmp6.webp", webp(lossless=True, xmp=xmp(6)), turned(RGB, 6))
    exact("webp-profile.webp", webp(lossless=True, icc_profile=b"not a profile" * 9), RGB)
    exact("webp-alpha-exif6.webp", webp(rgba, lossless=True, exact=True, exif=exif(6)), turned(NOISY, 6))
    make_webp_animated()
    exact("webp-trailing-garbage.webp", lossless + b"garbage", RGB)
    exact("webp-unknown-chunk.webp", riff(extended(0), riff_chunk(b"ABCD", b"odd"), lossless[12:]), RGB)
    for share in (25, 60, 98):
        refused(f"webp-cut{share}.webp", lossless[: len(lossless) * share // 100], "cut off")
    refused("webp-chunk-too-long.webp", riff(b"VP8L" + struct.pack("<I", 9999) + lossless[20:]), "cut off")
    refused("webp-no-picture.webp", riff(extended(0)), "WebP picture is damaged")
    broken = bytearray(webp(NOISY, lossless=True))
    broken[26:90] = b"\xff" * 64
    refused("webp-damaged.webp", bytes(broken), "WebP picture")
    frame_outside = extended(2) + riff_chunk(b"ANIM", bytes(6)) + riff_chunk(b"ANMF", low24(9) + low24(9) + low24(W - 1) + low24(H - 1) + bytes(4) + lossless[12:])
    refused("webp-frame-outside.webp", riff(frame_outside), "WebP picture is damaged")
    refused("webp-bomb.webp", riff(extended(0, 2**17, 2**17), lossless[12:]), "too large (131072 × 131072", "image-too-large")


def make_webp_animated():
    def frame_of(data, x, y, w, h):
        return riff_chunk(b"ANMF", low24(x // 2) + low24(y // 2) + low24(w - 1) + low24(h - 1) + low24(100) + b"\0" + data[12:])

    rgba = np.ascontiguousarray(np.dstack([NOISY, noise((H, W), 9).astype(np.uint8)]))
    start = extended(0x12) + riff_chunk(b"ANIM", b"\xff\x80\x40\xff\0\0")
    whole = frame_of(webp(NOISY, lossless=True), 0, 0, W, H)
    other = frame_of(webp(lossless=True), 0, 0, W, H)
    exact("webp-animated.webp", riff(start, whole, other), NOISY)
    part = frame_of(webp(np.ascontiguousarray(RGB[:9, :11]), lossless=True), 4, 6, 11, 9)
    rows = np.zeros((H, W, 3), np.uint8)
    rows[6:15, 4:15] = RGB[:9, :11]
    exact("webp-animated-part.webp", riff(start, part, other), rows)
    lossy = webp(rgba, quality=70)
    body = lossy[lossy.index(b"ALPH") :]
    exact("webp-animated-lossy-alpha.webp", riff(start, frame_of(bytes(12) + body, 0, 0, W, H), other))
    exact("webp-animated-exif6.webp", riff(extended(0x1A), riff_chunk(b"ANIM", bytes(6)), whole, other, riff_chunk(b"EXIF", exif(6))), turned(NOISY, 6))
    saved = io.BytesIO()
    Image.fromarray(NOISY).save(saved, "WEBP", save_all=True, append_images=[Image.fromarray(RGB)], lossless=True)
    exact("webp-animated-saved.webp", saved.getvalue(), NOISY)


# ---------------------------------------------------------------- AVIF

# libavif converts chroma in two ways, which differ by so much where colours are subsampled.
AVIF = 6


def avif(image=RGB, **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, "AVIF", max_threads=1, **options)
    return buffer.getvalue()


def timeless(data):
    """Without the times of making, so that the file is the same each time."""
    out = bytearray(data)
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(kind) + 4
        size = 16 if data[at] == 1 else 8
        out[at + 4 : at + 4 + size] = bytes(size)
    return bytes(out)


def make_avif():
    rgba = np.ascontiguousarray(np.dstack([RGB, noise((H, W), 9).astype(np.uint8)]))
    plain = avif(quality=80)
    near("avif-420.avif", plain, AVIF)
    near("avif-422.avif", avif(quality=80, subsampling="4:2:2"), AVIF)
    near("avif-444.avif", avif(quality=80, subsampling="4:4:4"), AVIF)
    near("avif-low.avif", avif(quality=10), 20)
    near("avif-best.avif", avif(quality=100, subsampling="4:4:4"), AVIF)
    near("avif-limited-range.avif", avif(quality=80, range="limited"), AVIF)
    near("avif-grey.avif", avif(Image.fromarray(RGB).convert("L"), quality=80), AVIF)
    near("avif-alpha.avif", avif(rgba, quality=90), AVIF)
    for orientation in range(2, 9):
        data = avif(quality=80, exif=b"Exif\0\0" + exif(orientation))
        near(f"avif-turned{orientation}.avif", data, AVIF)
        if b"imir" in data:
            axis = data.index(b"imir") + 4
            near(f"avif-turned{orientation}-other-axis.avif", data[:axis] + bytes([data[axis] ^ 1]) + data[axis + 1 :], AVIF)
    near("avif-xmp6.avif", avif(quality=80, xmp=xmp(6)), AVIF)
    saved = io.BytesIO()
    Image.fromarray(RGB).save(saved, "AVIF", save_all=True, append_images=[Image.fromarray(NOISY)], quality=80, max_threads=1)
    near("avif-sequence.avif", timeless(saved.getvalue()), AVIF)
    near("avif-mif1.avif", plain[:8] + b"mif1" + plain[12:], AVIF)
    near("avif-trailing-garbage.avif", plain + b"garbage", AVIF)
    for share in (20, 60, 95):
        refused(f"avif-cut{share}.avif", plain[: len(plain) * share // 100], "cut off")
    at = plain.index(b"ispe") + 8
    refused("avif-bomb.avif", plain[:at] + b"\0\1\0\0\0\1\0\0" + plain[at + 8 :], "too large (65536 × 65536", "image-too-large")


# ---------------------------------------------------------------- What is none of these


def brand(major, *compatible):
    body = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", len(body) + 4) + body + bytes(40)


def tiff(order, *tags):
    entries = b"".join(struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in tags)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(tags)) + entries + bytes(4)
    return head + bytes(200 - len(head)) + b"NIKON CORPORATION\0"


FOREIGN = {
    "mp4-film.jpg": (brand(b"isom", b"iso2", b"mp41"), "MP4 films"),
    "quicktime.mov": (brand(b"qt  "), "QuickTime films"),
    "quicktime-old.mov": (b"\0\0\0\x08moov" + bytes(40), "QuickTime films"),
    "m4a.m4a": (brand(b"M4A ", b"isom"), "M4A sounds"),
    "heic.heic": (brand(b"heic", b"mif1", b"heic"), "HEIC pictures"),
    "heic-mif1.heif": (brand(b"mif1", b"heic"), "HEIC pictures"),
    "heic-sequence.heics": (brand(b"msf1", b"hevc"), "HEIC pictures"),
    "cr3.cr3": (brand(b"crx ", b"isom"), "pictures of cameras (CR3)"),
    "jxl-container.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL pictures"),
    "jxl-codestream.jxl": (b"\xff\x0a" + bytes(40), "JPEG XL pictures"),
    "jp2.jp2": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "JPEG 2000 pictures"),
    "j2k.j2k": (b"\xff\x4f\xff\x51" + bytes(40), "JPEG 2000 pictures"),
    "dicom.dcm": (bytes(128) + b"DICM" + bytes(60), "DICOM pictures"),
    "tiff-little.tif": (tiff("<", (256, 1)), "TIFF pictures"),
    "tiff-big.tif": (tiff(">", (256, 1)), "TIFF pictures"),
    "tiff-bigtiff.tif": (b"II+\0\x08\0\0\0" + bytes(40), "TIFF pictures"),
    "dng.dng": (tiff("<", (0x10F, 200), (0xC612, 1)), "pictures of cameras (DNG)"),
    "nef.nef": (tiff(">", (0x10F, 200), (0x14A, 1)), "pictures of cameras (NEF)"),
    "cr2.cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "pictures of cameras (CR2)"),
    "orf.orf": (b"IIRO\x08\0\0\0" + bytes(40), "pictures of cameras (ORF)"),
    "rw2.rw2": (b"IIU\0\x18\0\0\0" + bytes(40), "pictures of cameras (RW2)"),
    "raf.raf": (b"FUJIFILMCCD-RAW 0201" + bytes(40), "pictures of cameras (RAF)"),
    "psd.psd": (b"8BPS\0\1" + bytes(40), "Photoshop pictures"),
    "xcf.xcf": (b"gimp xcf v011\0" + bytes(40), "GIMP pictures"),
    "exr.exr": (b"v/1\1\2\0\0\0" + bytes(40), "OpenEXR pictures"),
    "hdr.hdr": (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n", "HDR pictures"),
    "qoi.qoi": (b"qoif" + bytes(40), "QOI pictures"),
    "bpg.bpg": (b"BPG\xfb" + bytes(40), "BPG pictures"),
    "dds.dds": (b"DDS \x7c\0\0\0" + bytes(120), "DDS textures"),
    "pcx.pcx": (b"\x0a\5\1\x08" + bytes(124), "PCX pictures"),
    "tga.tga": (bytes(2) + b"\2" + bytes(40) + b"TRUEVISION-XFILE.\0", "TGA pictures"),
    "tga-old.tga": (bytes(2) + b"\2" + bytes(9) + b"\x10\0\x10\0\x18\x20" + bytes(768), "TGA pictures"),
    "pnm.ppm": (b"P6\n2 2\n255\n" + bytes(12), "PNM pictures"),
    "xbm.xbm": (b"#define x_width 16\n#define x_height 7\nstatic char x_bits[] = {0};\n", "XBM pictures"),
    "xpm.xpm": (b"/* XPM */\nstatic char * x[] = {};\n", "XPM pictures"),
    "icns.icns": (b"icns\0\0\0\x10" + bytes(40), "ICNS icons"),
    "cur.cur": (b"\0\0\2\0\1\0" + bytes(40), "CUR cursors"),
    "wmf.wmf": (b"\xd7\xcd\xc6\x9a" + bytes(40), "WMF drawings"),
    "emf.emf": (b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(40), "EMF drawings"),
    "eps.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript drawings"),
    "fits.fits": (b"SIMPLE  =                    T" + bytes(40), "FITS pictures"),
    "djvu.djvu": (b"AT&TFORM\0\0\0\x10DJVU" + bytes(40), "DjVu documents"),
    "pdf.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF documents"),
    "zip.png": (b"PK\3\4" + bytes(40), "ZIP archives"),
    "gzip.svgz": (b"\x1f\x8b\x08" + bytes(40), "GZIP archives"),
    "webm.webm": (b"\x1aE\xdf\xa3" + bytes(40), "Matroska and WebM films"),
    "avi.avi": (b"RIFF\x40\0\0\0AVI " + bytes(60), "AVI films"),
    "wav.wav": (b"RIFF\x40\0\0\0WAVE" + bytes(60), "WAV sounds"),
    "web-page.jpg": (b"<!DOCTYPE html>\n<html><head></head></html>", "Web pages are no pictures"),
    "lfs-pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    "apple-double.jpg": (b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(40), "AppleDouble"),
    "svg-plain.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawings"),
    "svg-prefix.svg": (b'<?xml version="1.0"?>\n<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', "SVG drawings"),
    "svg-doctype.svg": (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY a "b">]>\n<svg>', "SVG drawings"),
    "svg-utf16.svg": ("\ufeff<svg xmlns='http://www.w3.org/2000/svg'/>".encode("utf-16-le"), "SVG drawings"),
    "empty.jpg": (b"", "empty"),
    "text.png": (b"This is a text.\n", "not a picture"),
    "starts-like-bmp.txt": (b"BMW builds cars, and other things as well", "not a picture"),
    "zeros.bmp": (bytes(100), "not a picture"),
}


def main():
    FILES.mkdir(exist_ok=True)
    for old in FILES.iterdir():
        old.unlink()
    for make in (make_png, make_gif, make_bmp, make_ico, make_jpeg, make_webp, make_avif):
        make()
    folders.make(sys.modules[__name__])
    for name, (data, says) in FOREIGN.items():
        refused(f"other-{name}", data, says)
    ordered = {name: expected[name] for name in sorted(expected)}
    (HERE / "expected.json").write_text(json.dumps(ordered, indent=2, ensure_ascii=False) + "\n")
    print(len(expected), "files,", sum(f.stat().st_size for f in FILES.iterdir()), "bytes")


main()
