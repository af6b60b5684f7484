import { resolve } from 'node:path'

/** Paths are meant from where the person stands; `npm run` itself stands in the project. */
export function fromHere(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), path)
}
