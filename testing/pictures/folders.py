"""More files for `make.py`, of kinds that lie in people's folders and behind other people's tools.

`m` is that program: its encoders, and `exact`, `near` and `refused`, which ask Pillow.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

X = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"


def make(m):
    make_orientation_types(m)
    make_jpeg(m)
    make_png(m)
    make_png_animated(m)
    make_png_attacks(m)
    make_gif(m)
    make_bmp_and_ico(m)
    make_webp(m)
    make_webp_animated(m)
    make_avif(m)


# ---------------------------------------------------------------- EXIF


def directory(order, entries, following=0):
    body = b"".join(struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return struct.pack(order + "H", len(entries)) + body + struct.pack(order + "I", following)


def tiff(order, entries, following=0, extra=b"", mark=None):
    head = (b"II*\0" if order == "<" else b"MM\0*") if mark is None else mark
    return head + struct.pack(order + "I", 8) + directory(order, entries, following) + extra


def short(value, order="<"):
    return struct.pack(order + "HH", value, 0)


def make_orientation_types(m):
    """The tag in every type of TIFF, right or wrong: Pillow takes whatever equals a whole number."""
    elsewhere = struct.pack("<I", 26)
    one = lambda kind, value, extra=b"", count=1: tiff("<", [(0x112, kind, count, value)], 0, extra)
    found = {
        "twice": tiff("<", [(0x112, 3, 1, short(6)), (0x112, 3, 1, short(3))]),
        "two-values": one(3, struct.pack("<HH", 6, 8), count=2),
        "no-values": one(3, short(6), count=0),
        "many-values": one(3, short(6), count=0x7FFFFFFF),
        "byte": one(1, b"\6\0\0\0"),
        "text": one(2, b"6\0\0\0", count=2),
        "undefined": one(7, b"\6\0\0\0"),
        "signed-byte": one(6, b"\6\0\0\0"),
        "rational": one(5, elsewhere, struct.pack("<II", 12, 2)),
        "rational-by-zero": one(5, elsewhere, struct.pack("<II", 6, 0)),
        "float": one(11, struct.pack("<f", 6.0)),
        "double": one(12, elsewhere, struct.pack("<d", 6.0)),
        "directory": one(13, struct.pack("<I", 6)),
        "long8": one(16, elsewhere, struct.pack("<Q", 6)),
        "unknown-type": one(99, struct.pack("<I", 6)),
        "signed-rational": tiff(">", [(0x112, 10, 1, struct.pack(">I", 26))], 0, struct.pack(">ii", 6, 1)),
        "thumbnail-only": tiff("<", [(0x10F, 2, 4, b"abc\0")], 26, directory("<", [(0x112, 3, 1, short(6))])),
        "of-both": tiff("<", [(0x112, 3, 1, short(3))], 26, directory("<", [(0x112, 3, 1, short(6))])),
        "below": tiff("<", [(0x8769, 4, 1, elsewhere)], 0, directory("<", [(0x112, 3, 1, short(6))])),
        "loop": tiff("<", [(0x112, 3, 1, short(6))], 8),
        "more-entries-said": b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHI", 0x112, 3, 1) + short(6),
        "big-tiff": b"II+\0" + tiff("<", [(0x112, 3, 1, short(6))])[4:],
        "mark-turned": tiff("<", [(0x112, 3, 1, short(6))], mark=b"II\0*"),
    }
    for name, exif in found.items():
        m.near(f"exif-{name}.jpg", m.behind_soi(m.jpeg(), m.segment(0xE1, X + exif)), m.JPEG)
    plain = m.jpeg()
    app1 = lambda *bodies: m.behind_soi(plain, b"".join(m.segment(0xE1, body) for body in bodies))
    m.near("exif-two-segments.jpg", app1(X + m.exif(6), X + m.exif(3)), m.JPEG)
    m.near("exif-split.jpg", app1(X + m.exif(6)[:12], X + m.exif(6)[12:]), m.JPEG)
    m.near("exif-zero-and-xmp.jpg", app1(X + m.exif(0), XMP + m.xmp(6)), m.JPEG)
    m.near("exif-lower-case.jpg", app1(b"exif\0\0" + m.exif(6)), m.JPEG)
    m.near("xmp-two-packets.jpg", app1(XMP + m.xmp(3), XMP + m.xmp(6)), m.JPEG)
    m.near("xmp-single-quotes.jpg", app1(XMP + b"<rdf:Description tiff:Orientation='6'/>"), m.JPEG)
    m.near("xmp-extension.jpg", app1(b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + m.xmp(6)), m.JPEG)


# ---------------------------------------------------------------- JPEG


def wide_tables(m, data):
    """The same file with quantisation tables of 16 bits."""
    out, at = data[:2], 2
    while data[at + 1] != 0xDA:
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        body = data[at + 4 : at + 2 + length]
        if data[at + 1] == 0xDB:
            wide = b""
            while body:
                wide += bytes([body[0] | 0x10]) + b"".join(bytes([0, value]) for value in body[1:65])
                body = body[65:]
            out += m.segment(0xDB, wide)
        else:
            out += data[at : at + 2 + length]
        at += 2 + length
    return out + data[at:]


def with_letters(data, letters):
    out = bytearray(data)
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for i, letter in enumerate(letters):
        out[frame + 10 + 3 * i] = letter
        out[scan + 5 + 2 * i] = letter
    return bytes(out)


def make_jpeg(m):
    near = lambda name, data: m.near(f"jpeg-{name}.jpg", data, m.JPEG)
    plain, full = m.jpeg(), m.jpeg(subsampling=0)
    bare = m.without(full, 0xE0)
    scan = plain.index(b"\xff\xda")
    near("motion-photo", m.behind_soi(plain, m.segment(0xE1, XMP + b'<x GCamera:MotionPhoto="1"/>')) + b"\0\0\0\x1cftypisom" + bytes(range(256)) * 4)
    near("samsung-trailer", plain + b"\0\0\0\x18ftypmp42" + b"\xff\xd8\xff\xe0" * 9 + b"SEFHm\0\0\0\1\0\0\0SEFT")
    near("gain-map", m.behind_soi(plain, m.segment(0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0")) + m.jpeg(Image.fromarray(m.RGB).convert("L")))
    near("thumbnail-jfif", plain[:2] + m.segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\4\4" + bytes(48)) + m.without(plain, 0xE0)[2:])
    near("jfif-late", (lambda q: q[: q.index(b"\xff\xc0")] + plain[2:20] + q[q.index(b"\xff\xc0") :])(m.without(plain, 0xE0)))
    for transform in (2, 3):
        near(f"adobe-{transform}", m.behind_soi(bare, m.segment(0xEE, b"Adobe\0d\0\0\0\0" + bytes([transform]))))
    near("adobe-twice", m.behind_soi(bare, m.segment(0xEE, b"Adobe\0d\0\0\0\0\0") + m.segment(0xEE, b"Adobe\0d\0\0\0\0\1")))
    near("adobe-behind-frame", (lambda q: q[: q.index(b"\xff\xda")] + m.segment(0xEE, b"Adobe\0d\0\0\0\0\0") + q[q.index(b"\xff\xda") :])(bare))
    for name, letters in {"ids-zero": [0, 1, 2], "ids-big-gamut": [0x22, 0x23, 0x24], "ids-bgr": b"BGR", "ids-same": [1, 1, 1]}.items():
        near(name, with_letters(bare, letters))
    near("ids-rgb-jfif", with_letters(full, b"RGB"))
    inks = np.ascontiguousarray(np.dstack([m.RGB, np.broadcast_to(np.arange(m.W, dtype=np.uint8) * 8, (m.H, m.W))]))
    cmyk = m.jpeg(Image.fromarray(inks, "CMYK"), subsampling=0)
    adobe = cmyk.index(b"Adobe")
    near("cmyk-adobe-1", cmyk[: adobe + 11] + b"\1" + cmyk[adobe + 12 :])
    near("cmyk-jfif", cmyk[:2] + plain[2:20] + cmyk[2:])
    near("cmyk-exif6", m.behind_soi(cmyk, m.segment(0xE1, X + m.exif(6))))
    near("cmyk-420", m.jpeg(Image.fromarray(inks, "CMYK"), subsampling=2))
    near("frame-c1", plain.replace(b"\xff\xc0", b"\xff\xc1", 1))
    near("wide-tables", wide_tables(m, plain))
    near("ends-early", plain[:-80] + b"\xff\xd9")
    near("scan-empty", plain[: scan + 14] + b"\xff\xd9")
    restarts = m.jpeg(m.NOISY, restart_marker_blocks=1)
    near("restart-wrong", restarts.replace(b"\xff\xd2", b"\xff\xd5", 1))
    near("restart-missing", restarts.replace(b"\xff\xd2", b"", 1))
    near("restart-none", plain[:scan] + m.segment(0xDD, b"\0\2") + plain[scan:])
    near("zeros-before-end", plain[:-2] + bytes(500) + b"\xff\xd9")
    frame = plain.index(b"\xff\xc0")
    near("taller-than-data", plain[: frame + 5] + struct.pack(">H", m.H + 32) + plain[frame + 7 :])
    near("lower-than-data", plain[: frame + 5] + struct.pack(">H", m.H - 8) + plain[frame + 7 :])
    progressive = m.jpeg(progressive=True)
    scans = [i for i in range(len(progressive) - 1) if progressive[i : i + 2] == b"\xff\xda"]
    near("progressive-first-scan", progressive[: scans[1]] + b"\xff\xd9")
    near("progressive-scan-twice", progressive[: scans[1]] + progressive[scans[0] :])
    m.refused("jpeg-newline-first.jpg", b"\n" + plain, "not a picture")
    m.refused("jpeg-start-twice.jpg", b"\xff\xd8" + plain, "JPEG picture is damaged")
    m.refused("jpeg-tables-elsewhere.jpg", m.jpeg(streamtype=2), "JPEG picture is damaged")
    tiff_file = io.BytesIO()
    Image.fromarray(m.RGB).save(tiff_file, "TIFF")
    m.refused("jpeg-is-tiff.jpg", tiff_file.getvalue(), "TIFF pictures")


# ---------------------------------------------------------------- PNG


def pictures_by_type(m):
    return {0: m.noise((m.H, m.W, 1), 2), 2: m.noise((m.H, m.W, 3), 3), 3: m.noise((m.H, m.W, 1), 6, 16), 4: m.noise((m.H, m.W, 2), 4), 6: m.noise((m.H, m.W, 4), 5)}


def make_png(m):
    for colour, samples in pictures_by_type(m).items():
        palette = m.PALETTE[:16] if colour == 3 else None
        made = lambda **options: m.png(samples, 8, colour, palette=palette, **options)
        count = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour]
        everything = (
            m.chunk(b"gAMA", bytes(4))
            + m.chunk(b"cHRM", struct.pack(">8I", *range(8)))
            + m.chunk(b"iCCP", b"p\0\0" + zlib.compress(b"not a profile"))
            + m.chunk(b"sBIT", bytes([5] * count))
            + m.chunk(b"cICP", bytes([9, 16, 0, 1]))
            + m.chunk(b"pHYs", struct.pack(">IIB", 1, 9, 1))
            + m.chunk(b"hIST", bytes(32))
        )
        m.exact(f"png-type{colour}-everything.png", made(before=everything, after=m.chunk(b"tIME", bytes(7))))
        m.exact(f"png-type{colour}-long-transparency.png", made(trns=bytes(range(200))))
        m.exact(f"png-type{colour}-exif6.png", made(before=m.chunk(b"eXIf", m.exif(6))))
        m.exact(f"png-type{colour}-exif-interlaced.png", made(interlaced=True, after=m.chunk(b"eXIf", m.exif(3))))
        m.exact(f"png-type{colour}-unknown-critical.png", made(before=m.chunk(b"PRVt", b"x")))
        if colour != 3:
            m.exact(f"png-type{colour}-palette.png", m.png(samples, 8, colour, palette=m.PALETTE))
    for side in (1, 2, 3, 5, 7):
        m.exact(f"png-1bit-interlaced-{side}.png", m.png(m.noise((side, side + 1, 1), side, 2), 1, 0, interlaced=True))
        palette = m.PALETTE[:2]
        m.exact(f"png-1bit-palette-interlaced-{side}.png", m.png(m.noise((side, 2 * side, 1), side, 2), 1, 3, interlaced=True, palette=palette))
    rgb = pictures_by_type(m)[2]
    made = lambda **options: m.png(rgb, 8, 2, **options)
    m.exact("png-exif-twice.png", made(before=m.chunk(b"eXIf", m.exif(6)), after=m.chunk(b"eXIf", m.exif(3))))
    m.exact("png-xmp-as-text.png", made(before=m.chunk(b"tEXt", b"XML:com.adobe.xmp\0" + m.xmp(6))))
    m.exact("png-raw-app1.png", made(before=m.chunk(b"tEXt", b"Raw profile type APP1\0\nAPP1\n 32\n" + (X + m.exif(6)).hex().encode())))
    late = m.SIGNATURE + m.chunk(b"tEXt", b"a\0b") + made()[8:]
    m.exact("png-header-late.png", late)
    m.refused("png-iphone.png", m.SIGNATURE + m.chunk(b"CgBI", b"\x50\0\x20\2") + made()[8:], "CgBI")
    m.refused("png-data-before-header.png", m.SIGNATURE + m.chunk(b"IDAT", b"x") + m.chunk(b"IEND"), "PNG picture is damaged")


def make_png_animated(m):
    head = m.SIGNATURE + m.header(m.W, m.H, 8, 6)
    data, other = (zlib.compress(m.image_data(m.noise((m.H, m.W, 4), seed), 8, 6)) for seed in (5, 6))
    control = m.chunk(b"acTL", struct.pack(">II", 2, 0))

    def frame(number, disposal=0, blend=0):
        return m.chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, m.W, m.H, 0, 0, 1, 10, disposal, blend))

    second = frame(1) + m.chunk(b"fdAT", struct.pack(">I", 2) + other) + m.chunk(b"IEND")
    for disposal in range(3):
        for blend in range(2):
            m.exact(f"apng-disposal{disposal}-blend{blend}.png", head + control + frame(0, disposal, blend) + m.chunk(b"IDAT", data) + second)
    m.exact("apng-exif6.png", head + control + m.chunk(b"eXIf", m.exif(6)) + frame(0) + m.chunk(b"IDAT", data) + second)
    m.exact("apng-no-second.png", head + control + frame(0) + m.chunk(b"IDAT", data) + m.chunk(b"IEND"))
    m.exact("apng-none.png", head + m.chunk(b"acTL", bytes(8)) + m.chunk(b"IDAT", data) + m.chunk(b"IEND"))


def make_png_attacks(m):
    """Lengths that lie, many chunks, streams of every shape."""
    raw = m.image_data(pictures_by_type(m)[2], 8, 2)
    data = zlib.compress(raw)
    head, end = m.SIGNATURE + m.header(m.W, m.H, 8, 2), m.chunk(b"IEND")
    idat = lambda body: m.chunk(b"IDAT", body)
    claimed = lambda length: head + struct.pack(">I", length) + b"IDAT" + data + struct.pack(">I", 0)
    m.exact("png-huge-idat.png", claimed(0x3FFFFFFF) + end)
    m.exact("png-huge-idat-largest.png", claimed(0xFFFFFFFF) + end)
    m.refused("png-huge-idat-cut.png", (claimed(0x3FFFFFFF))[:-40], "cut off")
    m.refused("png-huge-idat-rows-missing.png", head + b"\x3f\xff\xff\xffIDAT" + zlib.compress(raw[:-200]) + bytes(4) + end, "cut off")
    m.refused("png-huge-text.png", head + b"\x3f\xff\xff\xfftEXta\0b" + idat(data) + end, "cut off")
    m.exact("png-many-empty-idats.png", head + idat(b"") * 5000 + idat(data) + idat(b"") * 5000 + end)
    m.exact("png-empty-between.png", head + b"".join(idat(data[i : i + 1]) + idat(b"") for i in range(len(data))) + end)
    m.exact("png-second-stream.png", head + idat(data) + idat(data) + end)
    m.exact("png-checksum-missing.png", head + idat(data[:-4]) + end)
    flushing = zlib.compressobj(9)
    pieces = [flushing.compress(raw[i : i + 40]) + flushing.flush(zlib.Z_FULL_FLUSH) for i in range(0, len(raw), 40)]
    m.exact("png-flushes.png", head + idat(b"".join(pieces) + flushing.flush()) + end)
    for name, strategy, window in (("huffman-only", zlib.Z_HUFFMAN_ONLY, 15), ("fixed-codes", zlib.Z_FIXED, 15), ("small-window", 0, 9)):
        packer = zlib.compressobj(9, 8, window, 9, strategy)
        m.exact(f"png-{name}.png", head + idat(packer.compress(raw) + packer.flush()) + end)
    bomb = zlib.compress(bytes(2**21) + m.xmp(6))
    because = "a picture is not lost over what is said of it; Pillow gives up at texts above a mebibyte"
    packed = head + m.chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb) + idat(data) + end
    m.exact("png-packed-text-too-long.png", packed, pictures_by_type(m)[2].astype(np.uint8), unlike_pillow=because)
    m.exact("png-end-without-checksum.png", head + idat(data) + b"\0\0\0\0IEND")


# ---------------------------------------------------------------- GIF


def lzw(indices, bits):
    """The simplest right stream: a clear code before the table could grow."""
    clear, out, filled = 1 << bits, 0, 0
    for i, index in enumerate(indices):
        for code in ([clear] if i % (clear - 2) == 0 else []) + [index]:
            out |= code << filled
            filled += bits + 1
    out |= (clear + 1) << filled
    stream = out.to_bytes((filled + bits + 8) // 8, "little")
    return b"".join(bytes([len(stream[i : i + 255])]) + stream[i : i + 255] for i in range(0, len(stream), 255)) + b"\0"


def make_gif(m):
    indices = m.noise((m.H, m.W), 3, 256).reshape(-1).tolist()
    part = m.noise((9, 11), 5, 256).reshape(-1).tolist()
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)

    def screen(palette=m.PALETTE, w=m.W, h=m.H, background=0):
        flags = 0x70 if palette is None else 0xF0 | (len(palette).bit_length() - 2)
        return b"GIF89a" + struct.pack("<HHBBB", w, h, flags, background, 0) + (b"" if palette is None else palette.tobytes())

    def control(disposal=0, transparent=None):
        return b"\x21\xf9\4" + struct.pack("<BHB", (disposal << 2) | (transparent is not None), 10, transparent or 0) + b"\0"

    def frame(values, x=0, y=0, w=m.W, h=m.H, flags=0, palette=b"", bits=8):
        return b"\x2c" + struct.pack("<HHHHB", x, y, w, h, flags) + palette + bytes([bits]) + lzw(values, bits)

    whole, partly = frame(indices), frame(part, 4, 6, 11, 9)
    for disposal in range(4):
        for transparent in (None, 0, 7):
            first = control(disposal, transparent) + partly
            m.exact(f"gif-part-disposal{disposal}-{transparent}.gif", screen() + first + control(1) + whole + b";")
    for background in (5, 255):
        m.exact(f"gif-background{background}.gif", screen(background=background) + partly + b";")
    local = frame(part, 4, 6, 11, 9, 0x87, m.PALETTE.tobytes())
    m.exact("gif-background-local.gif", screen(None, background=5) + local + b";")
    few = [index % 4 for index in indices]
    m.exact("gif-transparent-beyond.gif", screen(m.PALETTE[:4]) + control(0, 200) + frame(few, bits=2) + b";")
    for w, h in ((0, 0), (5, 5), (60, 50)):
        m.exact(f"gif-screen-{w}x{h}.gif", screen(w=w, h=h) + whole + b";")
    m.exact("gif-frame-far.gif", screen() + frame(part, 200, 100, 11, 9) + b";")
    trailer = bytes([1, *range(255, -1, -1), 0, 0])
    m.exact("gif-xmp.gif", screen() + b"\x21\xff\x0bXMP DataXMP" + m.xmp(6) + trailer + whole + b";")
    m.exact("gif-control-off-again.gif", screen() + control(0, 7) + control() + whole + b";")
    m.exact("gif-control-behind.gif", screen() + whole + control(0, 3) + b";")
    m.exact("gif-grey.gif", screen(grey) + whole + b";")
    m.exact("gif-grey-part.gif", screen(grey, background=77) + control(2, 50) + partly + b";")
    m.exact("gif-grey-beyond.gif", screen(grey[:4]) + frame([index % 8 for index in indices], bits=3) + b";")
    m.exact("gif-interlaced-part.gif", screen() + frame(part, 4, 6, 11, 9, 0x40) + b";")
    for h in (1, 2, 4, 5, 9):
        m.exact(f"gif-interlaced-{h}-high.gif", screen(h=h) + frame(indices[: m.W * h], h=h, flags=0x40) + b";")
    m.exact("gif-too-many-pixels.gif", screen() + frame(indices + indices[:100]) + b";")
    m.exact("gif-second-cut.gif", (screen() + whole + control() + whole)[:-60])
    m.refused("gif-too-few-pixels.gif", screen() + frame(indices[:-30]) + b";", "cut off")
    m.refused("gif-no-width.gif", screen() + frame(indices, w=0) + whole + b";", "GIF picture is damaged")
    because = "Pillow takes the greys of a frame's own palette for places in the other one"
    rows = np.repeat(np.array(indices, np.uint8).reshape(m.H, m.W, 1), 3, 2)
    m.exact("gif-grey-local.gif", screen() + frame(indices, flags=0x87, palette=grey.tobytes()) + b";", rows, unlike_pillow=because)


# ---------------------------------------------------------------- BMP and ICO


def make_bmp_and_ico(m):
    def bmp(header, rows, table=b""):
        offset = 14 + len(header) + len(table)
        return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + header + table + rows

    rows24 = m.bmp_rows(m.packed_24(m.NOISY), 24)
    head24 = m.info_header(40, m.W, m.H, 24)
    for planes in (0, 7):
        m.exact(f"bmp-planes{planes}.bmp", bmp(head24[:12] + struct.pack("<H", planes) + head24[14:], rows24))
    m.exact("bmp-profile.bmp", bmp(m.info_header(124, m.W, m.H, 24), rows24) + b"profile" * 40)
    m.exact("bmp-rows-twice.bmp", bmp(head24, rows24 * 2))
    for bits in (1, 4, 8):
        count = 2**bits
        rows = m.bmp_rows(m.noise((m.H, m.W), 3, count), bits)
        header = m.info_header(40, m.W, m.H, bits)
        white_first = np.array([[255] * 3, [0] * 3] + [[9] * 3] * (count - 2), np.uint8)
        m.exact(f"bmp-{bits}bit-white-first.bmp", bmp(header, rows, m.colour_table(white_first)))
        greys = np.repeat(np.linspace(0, 255, count).astype(np.uint8)[:, None], 3, 1)
        m.exact(f"bmp-{bits}bit-greys.bmp", bmp(header, rows, m.colour_table(greys)))
        see_through = b"".join(bytes(colour[::-1]) + b"\x80" for colour in m.PALETTE[:count].tolist())
        m.exact(f"bmp-{bits}bit-alpha-in-palette.bmp", bmp(header, rows, see_through))
        few = m.info_header(40, m.W, m.H, bits, colours=2)
        m.exact(f"bmp-{bits}bit-two-colours.bmp", bmp(few, rows, m.colour_table(m.PALETTE[:2])))
    clear = m.bmp_rows(m.noise((m.H, m.W), 4, 65536).astype(np.int64) << 8, 32)
    m.exact("bmp-32bit-alpha-zero.bmp", bmp(m.info_header(40, m.W, m.H, 32), clear))
    m.refused("bmp-array.bmp", b"BA" + struct.pack("<IIHH", 40, 0, 0, 0) + bmp(head24, rows24), "not a picture")
    m.refused("bmp-inks.bmp", bmp(m.info_header(40, m.W, m.H, 32, 11), clear), "compressed in a rare way")

    palette = m.PALETTE[:16]
    places, alphas = m.noise((16, 16, 1), 3, 16), bytes(range(0, 160, 10))
    inner = m.png(places, 8, 3, palette=palette, trns=alphas)
    opacity = np.array([*alphas], np.uint8)[places[..., 0]]
    m.exact("ico-png-palette.ico", m.icon((16, 16, 32, inner)), palette[places[..., 0]], opacity)
    m.exact("ico-png-exif.ico", m.icon((16, 20, 32, m.png(m.noise((20, 16, 3), 3), 8, 2, before=m.chunk(b"eXIf", m.exif(6))))))
    m.exact("ico-wrong-bits.ico", m.icon((16, 16, 8, m.icon_bitmap(32)[3])))
    m.exact("ico-no-bits.ico", m.icon((16, 16, 0, m.icon_bitmap(8)[3])))
    m.exact("ico-no-mask.ico", m.icon((16, 16, 32, m.icon_bitmap(32)[3][:-64])))
    m.exact("ico-wide-and-tall.ico", m.icon(m.icon_bitmap(8, 48, 16), m.icon_bitmap(8, 16, 48, 3)))
    m.exact("ico-nine.ico", m.icon(*[m.icon_bitmap(bits, side, side, side) for side in (16, 24, 32) for bits in (4, 8, 32)]))
    m.refused("ico-cursor.ico", b"\0\0\2\0" + m.icon(m.icon_bitmap(32))[4:], "CUR cursors")


# ---------------------------------------------------------------- WebP


def inner_chunk(data, kind):
    at = data.index(kind)
    length = struct.unpack("<I", data[at + 4 : at + 8])[0]
    return data[at : at + 8 + length + length % 2]


def make_webp(m):
    rgba = np.ascontiguousarray(np.dstack([m.NOISY, m.noise((m.H, m.W), 9).astype(np.uint8)]))
    plain = inner_chunk(m.webp(lossless=True), b"VP8L")
    see_through = inner_chunk(m.webp(rgba, lossless=True, exact=True), b"VP8L")
    lossy = m.webp(rgba, quality=70)
    alpha, colours = inner_chunk(lossy, b"ALPH"), inner_chunk(lossy, b"VP8 ")
    for flags in (0, 0x10):
        m.exact(f"webp-flags{flags:02x}-alpha.webp", m.riff(m.extended(flags), see_through))
        m.exact(f"webp-flags{flags:02x}-alpha-apart.webp", m.riff(m.extended(flags), alpha, colours))
        m.exact(f"webp-flags{flags:02x}-opaque.webp", m.riff(m.extended(flags), plain))
    exif, xmp = m.riff_chunk(b"EXIF", m.exif(6)), m.riff_chunk(b"XMP ", m.xmp(6))
    m.exact("webp-exif-unsaid.webp", m.riff(m.extended(0), plain, exif))
    m.exact("webp-exif-simple.webp", m.riff(plain, exif))
    m.exact("webp-xmp-unsaid.webp", m.riff(m.extended(0), plain, xmp))
    m.exact("webp-xmp-said-exif-not.webp", m.riff(m.extended(4), plain, m.riff_chunk(b"EXIF", m.exif(3)), xmp))
    m.exact("webp-exif-first.webp", m.riff(m.extended(8), exif, plain))
    m.exact("webp-exif-twice.webp", m.riff(m.extended(8), plain, exif, m.riff_chunk(b"EXIF", m.exif(3))))
    m.exact("webp-exif-empty.webp", m.riff(m.extended(8), plain, m.riff_chunk(b"EXIF", b"")))
    m.exact("webp-exif1-and-xmp.webp", m.riff(m.extended(12), plain, m.riff_chunk(b"EXIF", m.exif(1)), xmp))
    for method in range(4):
        raw = m.riff_chunk(b"ALPH", bytes([method << 2]) + m.noise((m.H, m.W), 3).astype(np.uint8).tobytes())
        m.exact(f"webp-alpha-filter{method}.webp", m.riff(m.extended(0x10), raw, colours))
    m.exact("webp-few-colours.webp", m.webp(Image.fromarray(m.NOISY // 90 * 90), lossless=True))
    m.exact("webp-two-colours.webp", m.webp(Image.fromarray(np.where(m.NOISY[..., :1] > 128, 255, 0).astype(np.uint8).repeat(3, 2)), lossless=True))
    m.exact("webp-clear.webp", m.webp(Image.new("RGBA", (40, 30), (9, 200, 3, 0)), lossless=True, exact=True))
    m.exact("webp-near-lossless.webp", m.webp(m.NOISY, lossless=True, quality=30, method=6))
    m.exact("webp-fast.webp", m.webp(m.NOISY, quality=50, method=0))
    for name, length in (("too-long", 92), ("one-more", 1), ("too-short", -10)):
        file = m.webp(lossless=True)
        m.refused(f"webp-length-{name}.webp", b"RIFF" + struct.pack("<I", len(file) - 8 + length) + file[8:], "cut off")
    m.refused("webp-canvas-smaller.webp", m.riff(m.extended(0, m.W - 5, m.H - 5), plain), "WebP picture is damaged")
    m.refused("webp-no-key-frame.webp", m.riff(colours[:8] + bytes([colours[8] | 1]) + colours[9:]), "WebP picture is damaged")
    m.refused("webp-data-cut.webp", m.riff(m.riff_chunk(b"VP8L", plain[8:-30])), "WebP picture is damaged")


def make_webp_animated(m):
    rgba = np.ascontiguousarray(np.dstack([m.NOISY, m.noise((m.H, m.W), 9).astype(np.uint8)]))
    whole = inner_chunk(m.webp(rgba, lossless=True, exact=True), b"VP8L")
    part = inner_chunk(m.webp(np.ascontiguousarray(rgba[:9, :11]), lossless=True, exact=True), b"VP8L")

    def frame(data, x, y, w, h, flags):
        place = m.low24(x // 2) + m.low24(y // 2) + m.low24(w - 1) + m.low24(h - 1) + m.low24(100)
        return m.riff_chunk(b"ANMF", place + bytes([flags]) + data)

    for flags in range(4):
        for background in (b"\0\0\0\0", b"\xff\x80\x40\xff"):
            start = m.extended(0x12) + m.riff_chunk(b"ANIM", background + b"\0\0")
            name = f"webp-animated-flags{flags}-{background.hex()}"
            second = frame(whole, 0, 0, m.W, m.H, 0)
            m.exact(f"{name}.webp", m.riff(start, frame(part, 4, 6, 11, 9, flags), second))
    start = m.extended(0x12) + m.riff_chunk(b"ANIM", bytes(6))
    m.refused("webp-animated-none.webp", m.riff(start), "WebP picture is damaged")
    cut = m.riff(start, frame(whole, 0, 0, m.W, m.H, 0), frame(whole, 0, 0, m.W, m.H, 0))[:-50]
    m.refused("webp-animated-cut.webp", cut, "cut off")


# ---------------------------------------------------------------- AVIF


def box(kind, body):
    return struct.pack(">I", len(body) + 8) + kind + body


def full_box(kind, body, version=0, flags=0):
    return box(kind, bytes([version]) + flags.to_bytes(3, "big") + body)


def inner_box(data, kind):
    at = data.index(kind)
    return data[at - 4 : at - 4 + struct.unpack(">I", data[at - 4 : at])[0]]


def coded(data):
    return data[data.index(b"mdat") + 4 :]


def avif_of(items, properties, associations, refers=b"", idat=None, hidden=()):
    """`items`: number, type, bytes, and whether they lie in `idat`, whose bytes are then the same."""
    entry = lambda i, kind: full_box(b"infe", struct.pack(">HH", i, 0) + kind + b"\0" + (b"application/rdf+xml\0" if kind == b"mime" else b""), 2, int(i in hidden))

    def meta(offsets):
        iinf = full_box(b"iinf", struct.pack(">H", len(items)) + b"".join(entry(i, kind) for i, kind, _, _ in items))
        places = b"".join(struct.pack(">HHHHII", i, int(inside), 0, 1, offsets[i], len(data)) for i, _, data, inside in items)
        iloc = full_box(b"iloc", b"\x44\0" + struct.pack(">H", len(items)) + places, 1)
        rows = b"".join(struct.pack(">HB", i, len(own)) + bytes(0x80 * essential | index for index, essential in own) for i, own in associations.items())
        ipma = full_box(b"ipma", struct.pack(">I", len(associations)) + rows)
        iref = full_box(b"iref", refers) if refers else b""
        iprp = box(b"iprp", box(b"ipco", b"".join(properties)) + ipma)
        handler = full_box(b"hdlr", bytes(4) + b"pict" + bytes(13))
        return full_box(b"meta", handler + full_box(b"pitm", b"\0\1") + iloc + iinf + iref + iprp + (b"" if idat is None else box(b"idat", idat)))

    ftyp = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf")
    at = len(ftyp) + len(meta({i: 0 for i, *_ in items})) + 8
    offsets, data = {}, b""
    for i, _, body, inside in items:
        offsets[i] = 0 if inside else at + len(data)
        data += b"" if inside else body
    return ftyp + meta(offsets) + box(b"mdat", data)


def make_avif(m):
    file = m.avif(quality=80)
    size, depth, codec = full_box(b"ispe", struct.pack(">II", m.W, m.H)), full_box(b"pixi", b"\3\x08\x08\x08"), inner_box(file, b"av1C")
    base, own = [size, depth, codec], [(1, 0), (2, 0), (3, 1)]
    picture = (1, b"av01", coded(file), False)
    turned = lambda quarters: box(b"irot", bytes([quarters]))
    mirrored = lambda axis: box(b"imir", bytes([axis]))

    def crop(w, h, x=(0, 1), y=(0, 1), w_by=1, h_by=1):
        return box(b"clap", struct.pack(">IIIIiIiI", w, w_by, h, h_by, *x, *y))

    def near(name, *more, associations=None, items=(), refers=b"", idat=None):
        given = own + [(4 + i, 1) for i in range(len(more))] if associations is None else associations
        m.near(f"avif-{name}.avif", avif_of([picture, *items], base + list(more), {1: given}, refers, idat), m.AVIF)

    near("rebuilt")
    for name, clap in {
        "centre": crop(11, 9),
        "even": crop(12, 8, (-11, 2), (-9, 2)),
        "odd-offset": crop(11, 9, (1, 1), (1, 1)),
        "outside": crop(99, 99),
        "empty": crop(0, 0),
        "by-zero": crop(11, 9, w_by=0),
        "fraction": crop(23, 17, w_by=2, h_by=2),
    }.items():
        near(f"crop-{name}", clap)
    near("crop-unused", crop(11, 9, (1, 1), (1, 1)), associations=own)
    near("crop-twice", crop(11, 9), crop(12, 8))
    for quarters in range(4):
        for axis in range(2):
            near(f"turned{quarters}-mirrored{axis}", turned(quarters), mirrored(axis))
            near(f"crop-turned{quarters}-mirrored{axis}", crop(11, 9, (1, 1), (1, 1)), turned(quarters), mirrored(axis))
    near("mirrored-then-turned", mirrored(0), turned(1))
    near("turned-unused", turned(1), associations=own)
    about = lambda i: box(b"cdsc", struct.pack(">HHH", i, 1, 1))
    exif, xmp = (2, b"Exif", bytes(4) + m.exif(3), False), (2, b"mime", m.xmp(6), False)
    near("exif-against-turn", turned(1), items=[exif], refers=about(2))
    near("exif-alone", items=[exif], refers=about(2))
    near("xmp-of-nothing", items=[xmp])
    near("xmp-inside", items=[(2, b"mime", m.xmp(6), True)], refers=about(2), idat=m.xmp(6))
    lacking = avif_of([picture], [size, codec], {1: [(1, 0), (2, 1)]})
    m.near("avif-no-depth.avif", lacking, m.AVIF)
    m.near("avif-no-depth-grey.avif", (lambda grey: avif_of([(1, b"av01", coded(grey), False)], [size, inner_box(grey, b"av1C")], {1: [(1, 0), (2, 1)]}))(m.avif(quality=80, subsampling="4:0:0")), m.AVIF)
    at = lacking.index(b"mdat") - 4
    m.near("avif-no-depth-open-end.avif", lacking[:at] + bytes(4) + lacking[at + 4 :], m.AVIF)
    make_avif_grids(m, crop, turned)
    for kind, body in ((b"abcd", b"x"), (b"irot", b"\xfd"), (b"clap", bytes(8))):
        m.refused(f"avif-broken-{kind.decode()}.avif", avif_of([picture], base + [box(kind, body)], {1: own + [(4, 1)]}), "AVIF picture is damaged")


def make_avif_grids(m, crop, turned):
    """Two tiles side by side, as phones store large pictures; what lies beyond the size is cut away."""
    whole = m.smooth(128, 64)
    tiles = [m.avif(np.ascontiguousarray(whole[:, x : x + 64]), quality=90) for x in (0, 64)]
    w, h = 70, 18
    size = lambda w, h: full_box(b"ispe", struct.pack(">II", w, h))
    depth = full_box(b"pixi", b"\3\x08\x08\x08")
    layout = bytes([0, 0, 0, 1]) + struct.pack(">HH", w, h)
    items = [(1, b"grid", layout, True)] + [(2 + i, b"av01", coded(tile), False) for i, tile in enumerate(tiles)]
    refers = box(b"dimg", struct.pack(">HHHH", 1, 2, 2, 3))
    codec = inner_box(tiles[0], b"av1C")
    for name, more in {"": [], "-turned": [turned(1)], "-crop": [crop(50, 10, (1, 2), (1, 2))]}.items():
        own = {1: [(4, 0), (2, 0)] + [(5 + i, 1) for i in range(len(more))], 2: [(1, 0), (2, 0), (3, 1)], 3: [(1, 0), (2, 0), (3, 1)]}
        m.near(f"avif-grid{name}.avif", avif_of(items, [size(64, 64), depth, codec, size(w, h), *more], own, refers, layout, (2, 3)), m.AVIF)
    own = {1: [(3, 0)], 2: [(1, 0), (2, 1)], 3: [(1, 0), (2, 1)]}
    m.near("avif-grid-no-depth.avif", avif_of(items, [size(64, 64), codec, size(w, h)], own, refers, layout, (2, 3)), m.AVIF)
