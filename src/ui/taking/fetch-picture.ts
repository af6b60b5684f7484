/** A picture from an address, where its server lets other pages read it. */
import { LIMITS } from '../../conversation/limits.ts'
import type { Note } from '../../messages/note.ts'
import type { NamedImage } from '../../state/turns.ts'

export type FetchedPicture = { picture: NamedImage } | { refused: Note }

/** Rejects only when `signal` fires. */
export async function fetchPicture(text: string, signal: AbortSignal): Promise<FetchedPicture> {
  const address = URL.canParse(text.trim()) ? new URL(text.trim()) : null
  if (address === null || !/^https?:$/.test(address.protocol)) return refusal('noAddress')
  const { host } = address
  try {
    // No cookies and no word of where it is asked from: the picture is all that is wanted.
    const response = await fetch(address, { signal, credentials: 'omit', referrerPolicy: 'no-referrer' })
    const early = refusalOf(response, host)
    if (early !== null) {
      // What is not wanted need not arrive.
      void response.body?.cancel()
      return early
    }
    const image = await response.blob()
    // Servers need not say beforehand how much they send.
    if (image.size > LIMITS.pictureBytes) return TOO_LARGE
    return { picture: { image, name: nameIn(address) } }
  } catch (error) {
    if (signal.aborted) throw error
    // Browsers do not say whether a server forbids or cannot be reached.
    return refusal('refused', { host })
  }
}

/** What the head of an answer already says against it; null where nothing. */
function refusalOf({ ok, status, headers }: Response, host: string): FetchedPicture | null {
  if (!ok) return refusal('answered', { host, status })
  if (Number(headers.get('content-length') ?? 0) > LIMITS.pictureBytes) return TOO_LARGE
  return /^text\/html/i.test(headers.get('content-type') ?? '') ? refusal('noPicture') : null
}

const TOO_LARGE = refusal('tooLarge', { size: LIMITS.pictureBytes })

function refusal(
  why: 'noAddress' | 'answered' | 'tooLarge' | 'noPicture' | 'refused',
  values: Record<string, string | number> = {},
): FetchedPicture {
  return { refused: { key: `talk:address.${why}`, values } }
}

function nameIn({ pathname, host }: URL): string {
  const last = pathname.split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last) || host
  } catch {
    return last || host
  }
}
