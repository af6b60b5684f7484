/** Names in addresses: how they are written there, and how they are shown. */

/** As people write it. What is no UTF-8 (`%ff`) stays as it is. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The name of a file, or of a folder, as a message shows it; the host where there is none. */
export function nameOf(url: URL): string {
  return decoded(url.pathname.split('/').findLast((part) => part !== '') ?? url.host)
}

/**
 * Where `path` lies below `base`; undefined for one that no server can have there: with a part that is empty or leads
 * up, or that is no Unicode.
 */
export function below(base: URL, path: string): URL | undefined {
  const parts = path.split('/')
  if (parts.some((part) => /^\.{0,2}$/.test(part))) return undefined
  try {
    return new URL(parts.map(encodeURIComponent).join('/'), base)
  } catch {
    return undefined
  }
}
