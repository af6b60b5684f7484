import { readFileSync } from 'node:fs'
import { format, type OxfmtConfig } from 'oxfmt'

/** A file's text as `npm run format` would leave it, so that the gate has nothing to say. Throws where it has no such form. */
export async function formatted(path: string, text: string): Promise<string> {
  const style = JSON.parse(readFileSync('.oxfmtrc.json', 'utf8')) as OxfmtConfig
  const { code, errors } = await format(path, text, style)
  const [error] = errors
  if (error !== undefined) throw new Error(`${path} cannot be formatted: ${error.message}`)
  return code
}
