/** Where a model came from, for people: whose it is, on which server, at which revision. */
import { printable } from '../pack/printable.ts'
import type { ModelPlace } from '../protocol/keeper-calls.ts'
import type { Origin } from '../store/records.ts'

/** Null for files of this computer, and for a record whose address cannot be read. */
export function placeOf({ address, base }: Pick<Origin, 'address' | 'base'>): ModelPlace | null {
  if (address === null || base === null || !/^https?:/.test(base) || !URL.canParse(base)) return null
  const files = new URL(base)
  const server = files.host
  const repository = /^hub:([^/]+)\/([^@]+)@(.+)$/.exec(address)
  if (repository === null) return { server, url: files.href, owner: null, revision: null }
  const [, owner = '', name = '', revision = ''] = repository
  // The files' addresses with `tree` in place of `resolve` are the page that shows them.
  const repositoryPath = `/${owner}/${name}/`
  const url = files.href.replace(`${repositoryPath}resolve/`, `${repositoryPath}tree/`).replace(/\/$/, '')
  return { server, url, owner: printable(owner), revision: printable(revision) }
}
