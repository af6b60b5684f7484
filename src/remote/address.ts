/** Where a model can be: an address that a person types or that a list of known models holds. */
import { AppError } from '../pack/failure.ts'
import { decoded } from './names.ts'

export type Address =
  | { kind: 'hub'; repository: string; revision: string }
  /** `url` ends in `/`. */
  | { kind: 'web'; url: URL }

const REPOSITORY = /^[\w.-]+\/[\w.-]+$/

/**
 * Understands `hub:owner/name[@revision]`, a bare `owner/name[@revision]` where `bareNames` says so, a repository's
 * page on the hub, and any other `http(s)` URL of a folder or of the `pack.json` or `config.json` in it.
 * Throws `bad-usage`.
 */
export function parseAddress(text: string, { hub, bareNames }: { hub: URL; bareNames: boolean }): Address {
  const trimmed = text.trim()
  const named =
    /^hub:(.*)$/.exec(trimmed)?.[1] ?? (bareNames && !/^https?:/i.test(trimmed) ? trimmed : undefined)
  if (named !== undefined) {
    const [repository = '', revision = 'main', ...more] = named.split('@')
    if (!isRepository(repository) || revision === '' || more.length > 0)
      throw bad(text, 'a hub repository is written owner/name or owner/name@revision')
    return { kind: 'hub', repository, revision }
  }
  if (!/^https?:/i.test(trimmed) || !URL.canParse(trimmed)) throw bad(text, 'it is not a web address')
  const url = new URL(trimmed)
  if (url.username !== '' || url.password !== '')
    throw bad(text, 'a password does not belong into an address')
  return (url.host === hub.host && repositoryPage(url, hub)) || { kind: 'web', url: folderOf(url) }
}

/** The address in the form that `parseAddress` takes, pinned to what it was read at. */
export function addressText(address: Address): string {
  return address.kind === 'web' ? address.url.href : `hub:${address.repository}@${address.revision}`
}

/** `owner/name` and `owner/name/tree/revision`, as copied from the browser's address bar. */
function repositoryPage(url: URL, hub: URL): Address | undefined {
  if (!url.pathname.startsWith(hub.pathname)) return undefined
  const path = decoded(url.pathname.slice(hub.pathname.length)).replace(/\/$/, '')
  const match = /^([^/]+\/[^/]+)(?:\/tree\/(.+))?$/.exec(path)
  const repository = match?.[1]
  if (repository === undefined || !isRepository(repository)) return undefined
  return { kind: 'hub', repository, revision: match?.[2] ?? 'main' }
}

function folderOf(url: URL): URL {
  const folder = new URL(url)
  folder.hash = ''
  folder.search = ''
  if (/\/(pack|config)\.json$/.test(folder.pathname)) folder.pathname = folder.pathname.replace(/[^/]*$/, '')
  else if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  return folder
}

function isRepository(text: string): boolean {
  return REPOSITORY.test(text) && !text.split('/').some((part) => /^\.+$/.test(part))
}

function bad(text: string, why: string): AppError {
  return new AppError('bad-usage', `${JSON.stringify(text.slice(0, 200))} is no address of a model: ${why}.`)
}
