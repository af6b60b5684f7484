/**
 * XMP: what a picture shows, in a sidecar or inside a picture's file. Descriptions are language alternatives
 * (`rdf:Alt`) of which ours is `x-default` (XMP specification part 1, 8.2.2.4); alternative text and long description
 * are IPTC's `AltTextAccessibility` and `ExtDescrAccessibility` (IPTC Photo Metadata 2021.1). What else an existing
 * packet says stays in it.
 */
import { DOMParser, XMLSerializer, type Document, type Element } from '@xmldom/xmldom'
import { AppError } from '../../pack/failure.ts'

/** Left out: stays as it is. '' takes it away. */
export interface XmpTexts {
  description?: string | undefined
  altText?: string | undefined
  longDescription?: string | undefined
  /** Who wrote the description (`photoshop:CaptionWriter`): says that a machine did until a person accepted it. */
  writer?: string | undefined
}

/** What `writer` is for captions that no person has accepted. */
export const MACHINE_MADE = 'pictalk (machine-made)'

const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
const X = 'adobe:ns:meta/'
const XMLNS = 'http://www.w3.org/2000/xmlns/'
const DC = { space: 'http://purl.org/dc/elements/1.1/', prefix: 'dc' }
const IPTC = { space: 'http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/', prefix: 'Iptc4xmpCore' }
const PHOTOSHOP = { space: 'http://ns.adobe.com/photoshop/1.0/', prefix: 'photoshop' }

interface Property {
  space: string
  prefix: string
  name: string
}

const DESCRIPTION: Property = { ...DC, name: 'description' }
const ALT_TEXT: Property = { ...IPTC, name: 'AltTextAccessibility' }
const LONG_DESCRIPTION: Property = { ...IPTC, name: 'ExtDescrAccessibility' }
const WRITER: Property = { ...PHOTOSHOP, name: 'CaptionWriter' }

const EMPTY = `<x:xmpmeta xmlns:x="${X}"><rdf:RDF xmlns:rdf="${RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>`
/** Marks a packet's beginning for programs that look for one in bytes (part 1, 7.3.2). */
const PACKET_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
const PACKET_END = '<?xpacket end="w"?>'

/** The packet with these texts in it; `existing` is the one that was there. Throws `bad-file` for what is no XMP. */
export function writeXmp(texts: XmpTexts, existing?: string): string {
  const document = parse(existing ?? EMPTY)
  const rdf = rdfOf(document)
  for (const [property, text] of [
    [DESCRIPTION, texts.description],
    [ALT_TEXT, texts.altText],
    [LONG_DESCRIPTION, texts.longDescription],
  ] as const)
    if (text !== undefined) setAlternative(document, rdf, property, textInXml(text))
  if (texts.writer !== undefined) setSimple(document, rdf, WRITER, textInXml(texts.writer))
  // Those of a packet are made anew, and an XML declaration may stand nowhere but at the very beginning.
  for (const node of Array.from(document.childNodes))
    if (node.nodeType === node.PROCESSING_INSTRUCTION_NODE) document.removeChild(node)
  const body = new XMLSerializer().serializeToString(document)
  return `${PACKET_BEGIN}\n${body.trim()}\n${PACKET_END}\n`
}

/** What XML has no place for: most control characters, and halves of a character (XML 1.0, 2.2). */
const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

/** A text as it can stand in a packet. */
export function textInXml(text: string): string {
  return text.replace(NOT_IN_XML, '')
}

/** Texts of a packet, '' where it has none. Throws `bad-file`. */
export function readXmp(packet: string): Required<{ [K in keyof XmpTexts]: string }> {
  const rdf = rdfOf(parse(packet))
  const textOf = (property: Property): string => {
    for (const node of propertiesOf(rdf, property)) {
      const items = elementsIn(node, RDF, 'li')
      const chosen = items.find((item) => languageOf(item) === 'x-default') ?? items[0]
      return (chosen ?? node).textContent?.trim() ?? ''
    }
    return attributeOwner(rdf, property)?.getAttributeNS(property.space, property.name) ?? ''
  }
  return {
    description: textOf(DESCRIPTION),
    altText: textOf(ALT_TEXT),
    longDescription: textOf(LONG_DESCRIPTION),
    writer: textOf(WRITER),
  }
}

function parse(packet: string): Document {
  try {
    const strict = new DOMParser({
      onError: (level, message) => {
        if (level !== 'warning') throw new Error(message)
      },
    })
    return strict.parseFromString(packet.replace(/^\ufeff/, '').replace(/\0+$/, ''), 'text/xml')
  } catch (cause) {
    throw noXmp(cause)
  }
}

function rdfOf(document: Document): Element {
  const rdf = document.getElementsByTagNameNS(RDF, 'RDF').item(0)
  if (rdf === null) throw noXmp()
  return rdf
}

function noXmp(cause?: unknown): AppError {
  return new AppError('bad-file', 'The XMP that is there is damaged; mend it, or move it away.', { cause })
}

/** The descriptions of the picture itself: properties may be spread over several. */
function descriptionsOf(rdf: Element): Element[] {
  return elementsIn(rdf, RDF, 'Description').filter((element) => element.parentNode === rdf)
}

function propertiesOf(rdf: Element, { space, name }: Property): Element[] {
  return descriptionsOf(rdf).flatMap((description) =>
    elementsIn(description, space, name).filter((element) => element.parentNode === description),
  )
}

/** The description that has a property in its short form, as an attribute. */
function attributeOwner(rdf: Element, { space, name }: Property): Element | undefined {
  return descriptionsOf(rdf).find((description) => description.hasAttributeNS(space, name))
}

function elementsIn(element: Element, space: string, name: string): Element[] {
  return Array.from(element.getElementsByTagNameNS(space, name))
}

function languageOf(item: Element): string {
  return item.getAttribute('xml:lang') ?? ''
}

/** Sets the default of a language alternative; other languages stay, until there is no default any more. */
function setAlternative(document: Document, rdf: Element, property: Property, text: string): void {
  attributeOwner(rdf, property)?.removeAttributeNS(property.space, property.name)
  const [first, ...others] = propertiesOf(rdf, property)
  for (const other of text === '' && first !== undefined ? [first, ...others] : others)
    other.parentNode?.removeChild(other)
  if (text === '') return
  const element = first ?? appended(document, rdf, property)
  const alternatives = elementsIn(element, RDF, 'Alt')[0]
  const inDefault = elementsIn(element, RDF, 'li').find((item) => languageOf(item) === 'x-default')
  if (alternatives !== undefined && inDefault !== undefined) {
    inDefault.textContent = text
    return
  }
  const item = document.createElementNS(RDF, 'rdf:li')
  item.setAttribute('xml:lang', 'x-default')
  item.textContent = text
  if (alternatives !== undefined) {
    // The default stands first.
    alternatives.insertBefore(item, alternatives.firstChild)
    return
  }
  element.textContent = ''
  element.appendChild(document.createElementNS(RDF, 'rdf:Alt')).appendChild(item)
}

function setSimple(document: Document, rdf: Element, property: Property, text: string): void {
  attributeOwner(rdf, property)?.removeAttributeNS(property.space, property.name)
  for (const element of propertiesOf(rdf, property)) element.parentNode?.removeChild(element)
  if (text !== '') appended(document, rdf, property).textContent = text
}

function appended(document: Document, rdf: Element, { space, prefix, name }: Property): Element {
  let [description] = descriptionsOf(rdf)
  if (description === undefined) {
    description = document.createElementNS(RDF, 'rdf:Description')
    description.setAttributeNS(RDF, 'rdf:about', '')
    rdf.appendChild(description)
  }
  const known = description.lookupPrefix(space)
  const own = known ?? freePrefix(description, prefix)
  if (known === null) description.setAttributeNS(XMLNS, `xmlns:${own}`, space)
  const element = document.createElementNS(space, `${own}:${name}`)
  description.appendChild(element)
  return element
}

/** `prefix`, or that with a number where it stands for another space there. */
function freePrefix(element: Element, prefix: string): string {
  let free = prefix
  for (let i = 2; element.lookupNamespaceURI(free) !== null; i += 1) free = `${prefix}${i}`
  return free
}
