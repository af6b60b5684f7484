/** What a file is, by its first bytes: one of the formats that are read here, or what it is called instead. */
import { ascii, startsWith, u16be, u16le, u32be, u32le } from './file-bytes.ts'

export type ImageFormat = 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp' | 'ico' | 'avif'

/** `named` completes "… cannot be read here": a plural. */
export type Kind =
  | { format: ImageFormat }
  | { foreign: 'svg' }
  | { foreign: 'film' | 'picture' | 'other'; named: string }

const picture = (named: string): Kind => ({ foreign: 'picture', named })
const film = (named: string): Kind => ({ foreign: 'film', named })
const other = (named: string): Kind => ({ foreign: 'other', named })

/** Null: nothing that is known here. */
export function kindOf(bytes: Uint8Array): Kind | null {
  if (startsWith(bytes, 4, 'ftyp')) return kindOfBrands(bytes)
  if (startsWith(bytes, 0, 'RIFF')) return kindOfRiff(bytes)
  for (const [at, signature, kind] of SIGNATURES) if (startsWith(bytes, at, signature)) return kind
  if (isTiff(bytes)) return picture(rawName(bytes) ?? 'TIFF pictures')
  return kindOfBitmap(bytes) ?? kindOfText(bytes) ?? kindOfTarga(bytes)
}

/** Where which bytes stand. Longer signatures come before shorter ones that begin alike. */
const SIGNATURES: readonly (readonly [at: number, signature: string, kind: Kind])[] = [
  [0, '\x89PNG', { format: 'png' }],
  [0, '\xff\xd8\xff', { format: 'jpeg' }],
  [0, 'GIF8', { format: 'gif' }],
  [0, '\xff\x0a', picture('JPEG XL pictures')],
  [0, '\0\0\0\x0cJXL ', picture('JPEG XL pictures')],
  [0, '\0\0\0\x0cjP  ', picture('JPEG 2000 pictures')],
  [0, '\xff\x4f\xff\x51', picture('JPEG 2000 pictures')],
  [128, 'DICM', picture('DICOM pictures')],
  [0, '8BPS', picture('Photoshop pictures')],
  [0, 'gimp xcf', picture('GIMP pictures')],
  [0, 'BPG\xfb', picture('BPG pictures')],
  [0, 'FLIF', picture('FLIF pictures')],
  [0, 'qoif', picture('QOI pictures')],
  [0, 'DDS ', picture('DDS textures')],
  [0, '\xabKTX', picture('KTX textures')],
  [0, '#?RADIANCE', picture('HDR pictures')],
  [0, '#?RGBE', picture('HDR pictures')],
  [0, 'v/1\x01', picture('OpenEXR pictures')],
  [0, 'icns', picture('ICNS icons')],
  [0, '\0\0\x02\0\x01\0', picture('CUR cursors')],
  [0, '\x01\xda', picture('SGI pictures')],
  [0, '\x59\xa6\x6a\x95', picture('Sun raster pictures')],
  [0, '\xd7\xcd\xc6\x9a', picture('WMF drawings')],
  [40, ' EMF', picture('EMF drawings')],
  [0, 'AT&TFORM', picture('DjVu documents')],
  [0, '\x8aMNG', film('MNG animations')],
  [0, '\x8bJNG', picture('JNG pictures')],
  [0, 'SIMPLE  =', picture('FITS pictures')],
  [0, 'FUJIFILMCCD-RAW', picture('raw pictures of cameras (RAF)')],
  [0, 'FOVb', picture('raw pictures of cameras (X3F)')],
  [0, '\0MRM', picture('raw pictures of cameras (MRW)')],
  [6, 'HEAPCCDR', picture('raw pictures of cameras (CRW)')],
  [0, 'IIU\0', picture('raw pictures of cameras (RW2)')],
  [0, 'IIRO', picture('raw pictures of cameras (ORF)')],
  [0, 'IIRS', picture('raw pictures of cameras (ORF)')],
  [0, 'MMOR', picture('raw pictures of cameras (ORF)')],
  [0, '\x0a\x05\x01', picture('PCX pictures')],
  [0, '\xc5\xd0\xd3\xc6', picture('EPS drawings')],
  [0, '%!PS', picture('PostScript drawings')],
  [0, '%PDF', other('PDF documents')],
  [0, '\x1f\x8b', other('GZIP archives')],
  [0, 'PK\x03\x04', other('ZIP archives')],
  [0, 'Rar!', other('RAR archives')],
  [0, '7z\xbc\xaf\x27\x1c', other('7-Zip archives')],
  [0, '\0\x05\x16\x07', other('AppleDouble files (what a Mac notes beside a file)')],
  [0, '\x1aE\xdf\xa3', film('Matroska and WebM films')],
  [0, '\0\0\x01\xba', film('MPEG films')],
  [0, '\0\0\x01\xb3', film('MPEG films')],
  [0, 'OggS', film('Ogg films')],
  [0, 'FLV\x01', film('Flash films')],
  [4, 'moov', film('QuickTime films')],
  [4, 'mdat', film('QuickTime films')],
  [0, 'ID3', other('MP3 sounds')],
  [0, 'SQLite format 3', other('SQLite databases')],
  [0, '\0\0\x01\0', { format: 'ico' }],
]

/** ISO base media files say what they hold in brands: one that comes first, and those that they are compatible with. */
function kindOfBrands(bytes: Uint8Array): Kind {
  const major = ascii(bytes, 8, 12)
  const brands = [major]
  for (let at = 16; at + 4 <= Math.min(u32be(bytes, 0), bytes.length, 512); at += 4)
    brands.push(ascii(bytes, at, at + 4))
  const any = (...wanted: string[]): boolean => brands.some((brand) => wanted.includes(brand))
  if (any('avif', 'avis')) return { format: 'avif' }
  if (any('heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'mif1', 'msf1')) return picture('HEIC pictures')
  if (any('crx ')) return picture('raw pictures of cameras (CR3)')
  if (any('jp2 ', 'jpx ', 'jpm ')) return picture('JPEG 2000 pictures')
  if (any('jxl ')) return picture('JPEG XL pictures')
  if (major === 'qt  ') return film('QuickTime films')
  return /^M4[AB] $/.test(major) ? other('M4A sounds') : film('MP4 films')
}

function kindOfRiff(bytes: Uint8Array): Kind | null {
  switch (ascii(bytes, 8, 12)) {
    case 'WEBP':
      return { format: 'webp' }
    case 'AVI ':
      return film('AVI films')
    case 'WAVE':
      return other('WAV sounds')
    default:
      return null
  }
}

function isTiff(bytes: Uint8Array): boolean {
  return ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((signature) => startsWith(bytes, 0, signature))
}

/** Cameras' own formats are TIFF files with more in them: what they say of themselves stands in the first directory. */
function rawName(bytes: Uint8Array): string | null {
  if (startsWith(bytes, 8, 'CR\x02')) return 'raw pictures of cameras (CR2)'
  const little = startsWith(bytes, 0, 'II')
  const u16 = little ? u16le : u16be
  const u32 = little ? u32le : u32be
  const directory = u32(bytes, 4)
  const tags = new Map<number, number>()
  for (let i = 0; i < Math.min(u16(bytes, directory), 512); i += 1) {
    const at = directory + 2 + i * 12
    tags.set(u16(bytes, at), u32(bytes, at + 8))
  }
  const DNG_VERSION = 0xc612
  const SUB_DIRECTORIES = 0x014a
  const MAKE = 0x010f
  if (tags.has(DNG_VERSION)) return 'raw pictures of cameras (DNG)'
  const make = tags.get(MAKE)
  if (make === undefined || !tags.has(SUB_DIRECTORIES)) return null
  const raw = /^(nikon|sony|pentax|samsung)/i.exec(ascii(bytes, make, make + 16))?.[1]?.toLowerCase()
  const endings: Record<string, string> = { nikon: 'NEF', sony: 'ARW', pentax: 'PEF', samsung: 'SRW' }
  return raw === undefined ? null : `raw pictures of cameras (${endings[raw] ?? ''})`
}

/** Two letters are too short a signature: the header's length must be one of a bitmap, too. */
function kindOfBitmap(bytes: Uint8Array): Kind | null {
  if (!startsWith(bytes, 0, 'BM')) return null
  return u32le(bytes, 14) >= 12 && u32le(bytes, 14) <= 256 ? { format: 'bmp' } : null
}

function kindOfText(bytes: Uint8Array): Kind | null {
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes.subarray(0, 4096)).replace(/^\ufeff/, '')
  // Declarations, comments and a document type may stand before the element, which may have a namespace's prefix.
  const markup = text.replace(
    /^(\s+|<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!doctype\s+(?:[\w-]+:)?svg[^[>]*(\[[\s\S]*?\]\s*)?>)*/i,
    '',
  )
  if (/^<(?:[\w-]+:)?svg[\s/>]/i.test(markup)) return { foreign: 'svg' }
  if (/^<(!doctype\s+html|html|head|body)[\s>]/i.test(markup)) return other('web pages')
  if (/^version https:\/\/git-lfs/.test(text)) return other('Git LFS pointers (call `git lfs pull` first)')
  if (/^\/\* XPM \*\//.test(text)) return picture('XPM pictures')
  if (/^#define \w+_width/.test(text)) return picture('XBM pictures')
  if (/^P[1-7fF][\s#]/.test(text)) return picture('PNM pictures')
  return null
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
}

/** Targa has no signature at its head, only numbers that are small; newer files have one at their end. */
function kindOfTarga(bytes: Uint8Array): Kind | null {
  const [, mapped = 9, type = 0] = bytes
  const depth = bytes[16] ?? 0
  const sized = u16le(bytes, 12) > 0 && u16le(bytes, 14) > 0 && (bytes[17] ?? 0) < 64
  const looks =
    mapped <= 1 && [1, 2, 3, 9, 10, 11].includes(type) && [8, 15, 16, 24, 32].includes(depth) && sized
  const signed = bytes.length > 18 && startsWith(bytes, bytes.length - 18, 'TRUEVISION-XFILE')
  return looks || signed ? picture('TGA pictures') : null
}
