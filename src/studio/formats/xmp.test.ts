import { describe, expect, it } from 'vitest'
import { MACHINE_MADE, readXmp, writeXmp } from './xmp.ts'

const TEXTS = {
  description: 'a "red" circle & <b> 🎈',
  altText: 'A red circle.',
  longDescription: 'Much more.',
  writer: MACHINE_MADE,
}

/** As Lightroom writes it: properties as attributes, a rating, a description in two languages, edits. */
const LIGHTROOM = `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:purl="http://purl.org/dc/elements/1.1/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmp:Rating="4" crs:Exposure2012="+0.35">
   <purl:description><rdf:Alt><rdf:li xml:lang="x-default">old</rdf:li><rdf:li xml:lang="de-DE">alt</rdf:li></rdf:Alt></purl:description>
   <purl:subject><rdf:Bag><rdf:li>holiday</rdf:li></rdf:Bag></purl:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>`

describe('XMP', () => {
  it('gives back what was written', () => {
    expect(readXmp(writeXmp(TEXTS))).toEqual(TEXTS)
  })

  it('may have been a file of XML with its declaration, as darktable writes it', () => {
    const rdf = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
    const own = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${rdf}"><rdf:Description rdf:about="" xmlns:darktable="http://darktable.sf.net/" darktable:auto_presets_applied="1"/></rdf:RDF></x:xmpmeta>`
    const packet = writeXmp(TEXTS, `<?xml version="1.0" encoding="UTF-8"?>\n${own}`)
    expect(packet).not.toContain('<?xml ')
    expect(packet).toContain('darktable:auto_presets_applied="1"')
    expect(readXmp(packet)).toEqual(TEXTS)
  })

  it('may call another space by the name that ours has mostly', () => {
    const other = writeXmp({}).replace(
      '<rdf:Description',
      '<rdf:Description xmlns:dc="http://example.com/" dc:kept="1"',
    )
    const packet = writeXmp(TEXTS, other)
    expect(packet).toContain('xmlns:dc="http://example.com/"')
    expect(readXmp(packet)).toEqual(TEXTS)
  })

  it('is XML whatever the text: what that has no place for is left out', () => {
    const packet = writeXmp({ description: 'a\0\u0001 \ud800b\ufffe\t\u{1f388}' })
    expect(readXmp(packet).description).toBe('a b\t\u{1f388}')
  })

  it('has descriptions as language alternatives with a default', () => {
    const packet = writeXmp(TEXTS)
    expect(packet).toMatch(/^<\?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"\?>\n/)
    for (const name of [
      'dc:description',
      'Iptc4xmpCore:AltTextAccessibility',
      'Iptc4xmpCore:ExtDescrAccessibility',
    ])
      expect(packet).toMatch(
        new RegExp(`<${name}><rdf:Alt><rdf:li xml:lang="x-default">[^<]+</rdf:li></rdf:Alt></${name}>`),
      )
  })

  it('is merged: what else was there stays, other languages too', () => {
    const merged = writeXmp({ description: 'new' }, LIGHTROOM)
    expect(merged).toContain('xmp:Rating="4"')
    expect(merged).toContain('crs:Exposure2012="+0.35"')
    expect(merged).toContain('<rdf:li>holiday</rdf:li>')
    expect(merged).toContain('<rdf:li xml:lang="de-DE">alt</rdf:li>')
    expect(merged).toContain('<purl:description><rdf:Alt><rdf:li xml:lang="x-default">new</rdf:li>')
    expect(merged.match(/xpacket begin/g)).toHaveLength(1)
    expect(readXmp(merged)).toEqual({ description: 'new', altText: '', longDescription: '', writer: '' })
  })

  it('loses a text that is taken away, and none that was not spoken of', () => {
    const without = writeXmp({ altText: '', writer: '' }, writeXmp(TEXTS))
    expect(readXmp(without)).toEqual({ ...TEXTS, altText: '', writer: '' })
  })

  it('reads a description that stands there as an attribute, and replaces it', () => {
    const short = writeXmp({}).replace(
      'rdf:about=""',
      'rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:description="old"',
    )
    expect(readXmp(short).description).toBe('old')
    const replaced = writeXmp({ description: 'new' }, short)
    expect(replaced).not.toContain('old')
    expect(readXmp(replaced).description).toBe('new')
  })

  it.each(['', 'text', '<a/>', '<x:xmpmeta xmlns:x="adobe:ns:meta/">', `${LIGHTROOM}<b>`])(
    '%j is refused, never replaced',
    (packet) => {
      expect(() => writeXmp(TEXTS, packet)).toThrow(expect.objectContaining({ code: 'bad-file' }))
    },
  )
})
