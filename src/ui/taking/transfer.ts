/** What a paste or a drop is about, told from what lies in it: programs put in more than one thing. */

/** What people see as an address: one line, nothing else. */
const ADDRESS = /^https?:\/\/\S+$/i

/**
 * Whether pasted files are what is meant. Word and Excel put a picture of the text beside it, and the text is what people
 * copied; browsers put the address of a picture, at most.
 */
export function meansFiles(text: string, files: number): boolean {
  return files > 0 && (text.trim() === '' || ADDRESS.test(text.trim()))
}

/** The pictures that lie in the clipboard: each thing that was copied is there in several forms, the best first. */
export async function picturesOf(copied: readonly ClipboardItem[]): Promise<Blob[]> {
  const forms = copied.map((item) => ({ item, type: item.types.find((type) => type.startsWith('image/')) }))
  return Promise.all(forms.flatMap(({ item, type }) => (type === undefined ? [] : [item.getType(type)])))
}

/** The address of a picture that was dragged here from another page; null when there is none in it. */
export function draggedAddress({ html, uriList }: { html: string; uriList: string }): string | null {
  // A picture within a link comes with the link's address in the list and its own in the markup.
  const image = /<img\b[^>]*?\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(html)
  const source = image?.[1] ?? image?.[2]
  if (source !== undefined && source !== '') return source.replaceAll('&amp;', '&')
  const lines = uriList.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
  return lines[0] ?? null
}
