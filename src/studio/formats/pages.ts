/** Captions for the web: figures with alternative text, as HTML and as Markdown. */

export interface Figure {
  path: string
  /** '' where the picture only decorates. */
  altText: string
  caption: string
}

export function writeHtml(figures: readonly Figure[]): string {
  return figures
    .map(({ path, altText, caption }) => {
      const below = caption === '' ? '' : `\n  <figcaption>${inHtml(caption)}</figcaption>`
      return `<figure>\n  <img src="${inHtml(addressOf(path))}" alt="${inHtml(altText)}">${below}\n</figure>\n`
    })
    .join('\n')
}

/** CommonMark: a picture and, below it, its caption. */
export function writeMarkdown(figures: readonly Figure[]): string {
  return figures
    .map(({ path, altText, caption }) => {
      const below = caption === '' ? '' : `\n\n${inMarkdown(caption)}`
      return `![${inMarkdown(altText)}](${addressOf(path)})${below}\n`
    })
    .join('\n')
}

/** A path as an address: signs that mean something there are escaped, folders stay apart. */
function addressOf(path: string): string {
  return path
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[()']/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`),
    )
    .join('/')
}

function inHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (sign) => entities[sign] ?? sign)
}

/** Every sign that CommonMark might take for an order (2.4) is escaped, lines are one. */
function inMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>()#+!|~&$-]/g, '\\$&')
}
